package rest

import (
	"crypto/subtle"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

var ephemeralRoutes = map[string]route{
	"PostEphemeralKeys":      {createEphemeralKey, merchant.Customers, merchant.Write},
	"DeleteEphemeralKeysKey": {deleteEphemeralKey, merchant.Customers, merchant.Write},
}

type shownEphemeralKey struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Created  int64  `json:"created"`
	Expires  int64  `json:"expires"`
	Livemode bool   `json:"livemode"`
	Secret   string `json:"secret,omitempty"`
}

func renderEphemeralKey(v *view, o *object.Object[vault.EphemeralKey]) (any, error) {
	out := &shownEphemeralKey{ID: vault.EphemeralKeys.ID(o.Scope, o.Key), Object: vault.EphemeralKeys.Name, Created: o.Created().Unix(),
		Expires: o.Body.Expires.Unix(), Livemode: o.Scope.Livemode}
	if v.secret && v.now.Before(o.Body.Expires) {
		out.Secret = v.s.ephemeralSecret(o.Scope, o.Key)
	}
	return out, nil
}

// ephemeralPrefix begins the secrets of ephemeral keys in a mode.
func ephemeralPrefix(livemode bool) string {
	if livemode {
		return "ek_live_"
	}
	return "ek_test_"
}

// ephemeralSecret is computed, so that nothing secret is stored: it names the
// account and the key, and proves that it was made here.
func (s *Server) ephemeralSecret(scope id.Scope, key int64) string {
	home := merchant.Home(scope.Account)
	account := merchant.Accounts.Prefix.Format(home, scope.Account)
	sum := s.Master.MAC("ephemeral_key", secret.Context(strconv.FormatInt(scope.Key(), 10), strconv.FormatInt(key, 10)))
	return ephemeralPrefix(scope.Livemode) + strings.Join([]string{account, vault.EphemeralKeys.Prefix.Format(scope, key), new(big.Int).SetBytes(sum).Text(62)}, ".")
}

// authenticateEphemeral takes the secret of an ephemeral key.
func (s *Server) authenticateEphemeral(r *http.Request, text string) (merchant.Principal, error) {
	refused := fault.New(fault.Unauthenticated, "", "Invalid or expired ephemeral key provided.")
	livemode := strings.HasPrefix(text, ephemeralPrefix(true))
	account, rest, _ := strings.Cut(strings.TrimPrefix(text, ephemeralPrefix(livemode)), ".")
	name, _, _ := strings.Cut(rest, ".")
	of, there := merchant.Accounts.Prefix.Parse(account)
	key, named := vault.EphemeralKeys.Prefix.Parse(name)
	if !there || !named {
		return merchant.Principal{}, refused
	}
	scope := id.Scope{Account: of, Livemode: livemode}
	if subtle.ConstantTimeCompare([]byte(text), []byte(s.ephemeralSecret(scope, key))) != 1 {
		return merchant.Principal{}, refused
	}
	customer, err := s.Vault.EphemeralCustomer(r.Context(), scope, key)
	if err != nil {
		return merchant.Principal{}, err
	}
	if customer == 0 {
		return merchant.Principal{}, refused
	}
	return s.Merchant.OfCustomer(r.Context(), scope, customer)
}

// ownOperations are what an ephemeral key may be used for, with what has to name
// its customer: a part of the path, a parameter, or the payment method's owner.
var ownOperations = map[string]string{
	"GetCustomersCustomer":                            "path",
	"PostCustomersCustomer":                           "path",
	"GetCustomersCustomerPaymentMethods":              "path",
	"GetCustomersCustomerPaymentMethodsPaymentMethod": "path",
	"GetPaymentMethods":                               "param",
	"PostPaymentMethodsPaymentMethodAttach":           "param",
	"PostPaymentMethodsPaymentMethodDetach":           "method",
	"PostPaymentMethodsPaymentMethod":                 "method",
}

// ephemeral refuses what a customer's own device may not do.
func (s *Server) ephemeral(c *call) error {
	own := vault.Customers.ID(c.scope, c.key.Customer)
	named := ""
	switch ownOperations[c.op.ID] {
	case "path":
		named = c.path["customer"]
	case "param":
		named, _ = c.form.String("customer")
	case "method":
		o, err := s.Vault.RetrievePaymentMethod(c.ctx, c.scope, clip(c.path["payment_method"]))
		if err != nil {
			return err
		}
		named = vault.Customers.ID(c.scope, o.Body.Customer)
	}
	if named != own {
		return fault.New(fault.Forbidden, "", "This ephemeral key does not permit this operation. It permits a customer's device to look after its own customer and payment methods.")
	}
	for _, path := range c.expand {
		if !slices.Contains([]string{"data", "default_source", "sources", "customer", "data.customer", "invoice_settings.default_payment_method"}, path) {
			return fault.New(fault.Forbidden, "", "An ephemeral key cannot expand this property (%s).", clip(path))
		}
	}
	if c.op.ID == "PostCustomersCustomer" {
		for name := range c.form.All() {
			if !slices.Contains([]string{"default_source", "email", "shipping", "expand", "source"}, name) {
				return fault.Param(name, "", "An ephemeral key cannot change this of a customer: %s.", clip(name))
			}
		}
	}
	return nil
}

func createEphemeralKey(s *Server, c *call) (any, error) {
	if err := refuseUnsupported(c, "issuing_card", "nonce", "verification_session"); err != nil {
		return nil, err
	}
	if c.http.Header.Get("Stripe-Version") == "" {
		return nil, fault.New(fault.Invalid, "", "Please pass a version explicitly for ephemeral keys: the Stripe-Version header must be set, to the version of whoever will use the key.")
	}
	customer, _ := c.form.String("customer")
	if customer == "" {
		return nil, fault.Param("customer", "parameter_missing", "Missing required param: customer.")
	}
	return s.Vault.CreateEphemeralKey(c.ctx, c.scope, clip(customer), c.idem)
}

func deleteEphemeralKey(s *Server, c *call) (any, error) {
	return s.Vault.ExpireEphemeralKey(c.ctx, c.scope, clip(c.path["key"]), c.idem)
}

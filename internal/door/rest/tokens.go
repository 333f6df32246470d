package rest

import (
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
)

var tokenRoutes = map[string]route{
	"PostTokens":     {createToken, merchant.Tokens, merchant.Write},
	"GetTokensToken": {retrieveToken, merchant.Tokens, merchant.Read},
}

type shownToken struct {
	ID       string      `json:"id"`
	Object   string      `json:"object"`
	Card     *legacyCard `json:"card,omitempty"`
	ClientIP any         `json:"client_ip"`
	Created  int64       `json:"created"`
	Livemode bool        `json:"livemode"`
	Type     string      `json:"type"`
	Used     bool        `json:"used"`
}

// legacyCard is Stripe's older object "card": what tokens hold and what
// customers have as sources.
type legacyCard struct {
	ID                 string             `json:"id"`
	Object             string             `json:"object"`
	AddressCity        any                `json:"address_city"`
	AddressCountry     any                `json:"address_country"`
	AddressLine1       any                `json:"address_line1"`
	AddressLine1Check  any                `json:"address_line1_check"`
	AddressLine2       any                `json:"address_line2"`
	AddressState       any                `json:"address_state"`
	AddressZip         any                `json:"address_zip"`
	AddressZipCheck    any                `json:"address_zip_check"`
	Brand              string             `json:"brand"`
	Country            any                `json:"country"`
	Customer           any                `json:"customer,omitempty"` // of sources
	CVCCheck           any                `json:"cvc_check"`
	DynamicLast4       any                `json:"dynamic_last4"`
	ExpMonth           int                `json:"exp_month"`
	ExpYear            int                `json:"exp_year"`
	Fingerprint        string             `json:"fingerprint"`
	Funding            string             `json:"funding"`
	Last4              string             `json:"last4"`
	Metadata           map[string]string  `json:"metadata"`
	Name               any                `json:"name"`
	Networks           legacyCardNetworks `json:"networks"`
	RegulatedStatus    any                `json:"regulated_status"`
	TokenizationMethod any                `json:"tokenization_method"`
}

type legacyCardNetworks struct {
	Preferred any `json:"preferred"`
}

// legacyBrands are the brands as the older object spells them
// (https://docs.stripe.com/api/cards/object).
var legacyBrands = map[string]string{
	"amex": "American Express", "diners": "Diners Club", "discover": "Discover", "jcb": "JCB", "mastercard": "MasterCard",
	"unionpay": "UnionPay", "visa": "Visa", vault.Unknown: "Unknown",
}

func renderToken(v *view, o *object.Object[vault.Token]) (any, error) {
	if o.Body.Type == vault.TypeCVC {
		return &shownToken{ID: vault.CVCTokens.ID(o.Scope, o.Key), Object: vault.Tokens.Name, ClientIP: text(o.Body.ClientIP), Created: o.Created().Unix(),
			Livemode: o.Scope.Livemode, Type: o.Body.Type, Used: o.Body.Used}, nil
	}
	var b vault.Billing
	if v.tx == nil {
		var err error
		if b, err = v.s.Vault.TokenBilling(v.ctx, o); err != nil {
			return nil, err
		}
	}
	return &shownToken{
		ID: vault.Tokens.ID(o.Scope, o.Key), Object: vault.Tokens.Name, Card: legacyCardOf(vault.Sources.ID(o.Scope, o.Body.CardRow), &o.Body.Card, &b),
		ClientIP: text(o.Body.ClientIP), Created: o.Created().Unix(), Livemode: o.Scope.Livemode, Type: o.Body.Type, Used: o.Body.Used,
	}, nil
}

func legacyCardOf(id string, c *vault.Card, b *vault.Billing) *legacyCard {
	a := &b.Address
	return &legacyCard{
		ID: id, Object: "card", AddressCity: text(a.City), AddressCountry: text(a.Country), AddressLine1: text(a.Line1),
		AddressLine1Check: text(c.Checks.Line1), AddressLine2: text(a.Line2), AddressState: text(a.State), AddressZip: text(a.PostalCode),
		AddressZipCheck: text(c.Checks.PostalCode), Brand: legacyBrands[c.Brand], Country: text(c.Country), CVCCheck: text(c.Checks.CVC),
		ExpMonth: c.ExpMonth, ExpYear: c.ExpYear, Fingerprint: c.Fingerprint, Funding: c.Funding, Last4: c.Last4,
		Metadata: map[string]string{}, Name: text(b.Name), Networks: legacyCardNetworks{text(c.Preferred)},
	}
}

func retrieveToken(s *Server, c *call) (any, error) {
	o, err := s.Vault.RetrieveToken(c.ctx, c.scope, clip(c.path["token"]))
	if err != nil {
		return nil, err
	}
	return renderToken(s.view(c), o)
}

func createToken(s *Server, c *call) (any, error) {
	for _, name := range []string{"account", "customer", "person", "pii"} {
		if c.form.Has(name) {
			return nil, fault.Param(name, "", "Florin makes tokens of cards, their security codes and bank accounts only, since there is nothing that others could be used for.")
		}
	}
	given := ""
	for _, name := range []string{"bank_account", "card", "cvc_update"} {
		if !c.form.Has(name) {
			continue
		}
		if given != "" {
			return nil, fault.Param(given, "", "You may only specify one of these parameters: bank_account, card, cvc_update.")
		}
		given = name
	}
	switch given {
	case "bank_account":
		return createBankToken(s, c)
	case "cvc_update":
		code, _ := c.form.String("cvc_update", "cvc")
		return s.Vault.CreateCVCToken(c.ctx, c.scope, secret.NewText(strings.TrimSpace(code)), c.idem)
	}
	card := c.form.Get("card")
	switch card.Kind() {
	case form.Absent:
		return nil, fault.Param("card", "parameter_missing", "Missing required param: card.")
	case form.Hash:
	default:
		return nil, fault.Param("card", "", "Invalid hash")
	}
	if card.Has("currency") {
		return nil, unsupported("card[currency]", "It is for cards that money is paid out to, of which there are none here.")
	}
	if err := s.allowRawCard(c); err != nil {
		return nil, err
	}
	return s.Vault.CreateToken(c.ctx, c.scope, &vault.TokenInput{Card: cardAt(card), Billing: legacyBillingAt(card)}, c.idem)
}

// legacyBillingAt reads the name and address that stand among card data.
func legacyBillingAt(card *form.Value) vault.Billing {
	part := func(name string) string {
		s, _ := card.String(name)
		return s
	}
	return vault.Billing{Name: part("name"), Address: vault.Address{City: part("address_city"), Country: part("address_country"),
		Line1: part("address_line1"), Line2: part("address_line2"), PostalCode: part("address_zip"), State: part("address_state")}}
}

package merchant

import (
	"maps"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/kit/fault"
)

// Resource is a part of the API to which restricted keys are admitted or not.
// It is spelled as the row that Stripe's dashboard has for it.
type Resource string

// The resources. They are stored by name; a name never changes.
const (
	Balance        Resource = "balance"
	BalanceSources Resource = "balance_transaction_sources" // the dashboard's name for balance transactions
	Charges        Resource = "charges"                     // charges and refunds, which Stripe has in one row
	Customers      Resource = "customers"
	Disputes       Resource = "disputes" // with the issuers' warnings of fraud
	Events         Resource = "events"   // with the objects that events show, whatever their resource
	PaymentIntents Resource = "payment_intents"
	PaymentMethods Resource = "payment_methods"
	SetupIntents   Resource = "setup_intents" // with their attempts and mandates
	TestClocks     Resource = "test_clocks"
	Tokens         Resource = "tokens"
	// WebhookEndpoints includes what is sent to them, and sending it again.
	WebhookEndpoints Resource = "webhook_endpoints"
	AccountResource  Resource = "account"                       // the merchant's own
	Configurations   Resource = "payment_method_configurations" // with domains
	Files            Resource = "files"                         // with links to them
	ExternalAccounts Resource = "external_accounts"
	Payout           Resource = "payouts"
)

// wirePrefix begins the permissions' names in Stripe's answers.
const wirePrefix = "rak_"

// slugs are the resources as Stripe's answers spell them: the permission to
// change charges is rak_charge_write. They were found in answers that users of
// Stripe show, and in https://docs.stripe.com/stripe-apps/reference/permissions.
var slugs = map[Resource]string{
	AccountResource:  "account",
	Balance:          "balance",
	BalanceSources:   "balance_transaction_source",
	Charges:          "charge",
	Customers:        "customer",
	Disputes:         "dispute",
	Events:           "event",
	ExternalAccounts: "external_account",
	PaymentIntents:   "payment_intent",
	PaymentMethods:   "payment_method",
	Payout:           "payout",
	SetupIntents:     "setup_intent",
	TestClocks:       "test_clock",
	Tokens:           "token",
	Configurations:   "payment_method_configuration",
	Files:            "file",
	WebhookEndpoints: "webhook",
}

// Resources lists every resource by name.
func Resources() []Resource { return slices.Sorted(maps.Keys(slugs)) }

// Access is what a restricted key may do with a resource.
type Access int64

// The levels of access; each includes those before it.
const (
	None  Access = iota // not even look
	Read                // retrieve and list
	Write               // create, change and delete too
)

var accessNames = [...]string{"none", "read", "write"}

// String gives the level's name.
func (a Access) String() string {
	if a < None || a > Write {
		return "unknown"
	}
	return accessNames[a]
}

// Permissions are what a restricted key may do: nothing with a resource that
// is not among them.
type Permissions map[Resource]Access

// ParsePermissions reads permissions such as "charges=read". A permission may
// also be spelled as the API's answers do: "rak_charge_read". A resource that is
// named twice is refused, and so is a list that permits nothing.
func ParsePermissions(list []string) (Permissions, error) {
	p := Permissions{}
	seen := map[Resource]bool{}
	for _, entry := range list {
		r, a, err := parsePermission(strings.TrimSpace(entry))
		if err != nil {
			return nil, err
		}
		if seen[r] {
			return nil, fault.Param("permissions", "", "The resource %s is named twice.", r)
		}
		seen[r] = true
		if a != None {
			p[r] = a
		}
	}
	if len(p) == 0 {
		return nil, fault.Param("permissions", "", "A restricted key must be permitted something, such as charges=read.")
	}
	return p, nil
}

func parsePermission(entry string) (Resource, Access, error) {
	for r, slug := range slugs {
		for _, a := range []Access{Read, Write} {
			if entry == wirePrefix+slug+"_"+a.String() {
				return r, a, nil
			}
		}
	}
	name, level, _ := strings.Cut(entry, "=")
	if _, ok := slugs[Resource(name)]; !ok {
		all := make([]string, 0, len(slugs))
		for _, r := range Resources() {
			all = append(all, string(r))
		}
		return "", None, fault.Param("permissions", "", "There is no resource %q. There are: %s.", name, strings.Join(all, ", "))
	}
	a := slices.Index(accessNames[:], level)
	if a < 0 {
		return "", None, fault.Param("permissions", "", "The access to %s must be none, read or write, and not %q.", name, level)
	}
	return Resource(name), Access(a), nil
}

// String spells permissions as [ParsePermissions] reads them, sorted and
// separated by commas.
func (p Permissions) String() string {
	var list []string
	for _, r := range slices.Sorted(maps.Keys(p)) {
		list = append(list, string(r)+"="+p[r].String())
	}
	return strings.Join(list, ",")
}

// readPermissions reads what [Permissions.String] wrote. What this Florin does
// not know, since a newer one wrote it, is not permitted.
func readPermissions(text string) Permissions {
	p := Permissions{}
	for entry := range strings.SplitSeq(text, ",") {
		if r, a, err := parsePermission(entry); err == nil {
			p[r] = a
		}
	}
	return p
}

// check refuses permissions that could not be read back.
func (p Permissions) check() error {
	for r, a := range p {
		if _, ok := slugs[r]; !ok || a != Read && a != Write {
			return fault.Param("permissions", "", "There is no permission %s=%s.", r, a)
		}
	}
	if len(p) == 0 {
		return fault.Param("permissions", "", "A restricted key must be permitted something, such as charges=read.")
	}
	return nil
}

// Allow refuses, in Stripe's words, what a restricted key may not do. Secret
// keys may do everything; what publishable keys may do is decided by operation,
// not by resource, and so by whoever knows the operations.
func (p Principal) Allow(r Resource, a Access) error {
	if p.kind != Restricted || p.permissions[r] >= a {
		return nil
	}
	return fault.New(fault.Forbidden, "", "The provided key '%s' does not have the required permissions for this endpoint on account '%s'. Having the '%s' permission would allow this request to continue.",
		Restricted.prefix(p.Scope.Livemode)+strings.Repeat("*", randomLen-4)+p.last4,
		Accounts.ID(Home(p.Scope.Account), p.Scope.Account), wirePrefix+slugs[r]+"_"+a.String())
}

// Restricted reports whether the key is a restricted one, for which what is not
// permitted is refused.
func (p Principal) Restricted() bool { return p.kind == Restricted }

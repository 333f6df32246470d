package payment

import (
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/event"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

// Funds keep the money that customers have sent ahead. Payments stand below it
// and know it by this alone. Amounts are ISO minor units of the intent's
// currency; what is refused is refused with a [fault.Error].
type Funds interface {
	// Await has, in a step, an intent that is confirmed wait for its customer's
	// money, and gives what is taken for it at once, of what there is: nothing
	// where the customer's money is applied by hand.
	Await(tx *db.Tx, o *object.Object[Intent], by event.Request) (int64, error)
	// Take takes, in a step, an amount for an intent that waits.
	Take(tx *db.Tx, o *object.Object[Intent], amount int64, by event.Request) error
	// Return gives, in a step, all that was taken for an intent back to its
	// customer. The intent waits no more.
	Return(tx *db.Tx, o *object.Object[Intent], by event.Request) error
	// Refund credits, in a step, a customer with a refund.
	Refund(tx *db.Tx, r *object.Object[Refund], customer int64, by event.Request) error
}

// CashOptions are payment_method_options[customer_balance].
type CashOptions struct {
	// Funding is how money comes that is not there yet: bank_transfer, or empty:
	// it does not.
	Funding string `json:"funding,omitempty"`
	// Transfer is the type of bank transfer, "eu_bank_transfer", and Country where
	// the account of that type is.
	Transfer string `json:"transfer,omitempty"`
	Country  string `json:"country,omitempty"`
	// Addresses are the types of accounts that are shown; empty: all.
	Addresses        []string `json:"addresses,omitempty"`
	SetupFutureUsage string   `json:"future,omitempty"` // none
}

// CashChanges are what a request changes of CashOptions. Nil leaves a field as
// it is.
type CashChanges struct {
	Clear                                        bool // empty all first
	Funding, Transfer, Country, SetupFutureUsage *string
	Addresses                                    *[]string
}

func (p *CashChanges) apply(i *Intent) error {
	o := &i.Cash
	if p.Clear {
		*o = CashOptions{}
	}
	put(&o.Funding, p.Funding)
	put(&o.Transfer, p.Transfer)
	put(&o.Country, p.Country)
	put(&o.SetupFutureUsage, p.SetupFutureUsage)
	if p.Addresses != nil {
		o.Addresses = slices.Clone(*p.Addresses)
	}
	if o.Transfer == "" {
		return nil
	}
	_, err := o.NewTransfer(i.Currency, cashOptions+"[bank_transfer]")
	return err
}

// Transfer is a bank transfer that a payer is asked to make. How much, and for
// which payment, the intent says.
type Transfer struct {
	Type    string `json:"type"`
	Country string `json:"country"` // of the account
	// Addresses are the types of accounts that the payer is shown.
	Addresses []string `json:"addresses"`
	Holder    string   `json:"holder,omitempty"` // of the account
}

// transfer describes a type of bank transfer.
type transfer struct {
	currency  money.Currency
	country   string   // of its accounts; empty: it is chosen
	addresses []string // the types of accounts
}

// transfers are the types of bank transfers
// (https://docs.stripe.com/payments/bank-transfers).
var transfers = map[string]transfer{
	"eu_bank_transfer": {"eur", "", []string{"iban"}},
	"gb_bank_transfer": {"gbp", "GB", []string{"sort_code"}},
	"jp_bank_transfer": {"jpy", "JP", []string{"zengin"}},
	"mx_bank_transfer": {"mxn", "MX", []string{"spei"}},
	"us_bank_transfer": {"usd", "US", []string{"aba", "swift"}},
}

// transferCountries are those in which an account for euros can be
// (https://docs.stripe.com/payments/bank-transfers/accept-a-payment).
var transferCountries = []string{"BE", "DE", "ES", "FR", "IE", "NL"}

// TransferIn is the type of bank transfer that a currency comes by; empty: none.
func TransferIn(c money.Currency) string {
	for name, t := range transfers {
		if t.currency == c {
			return name
		}
	}
	return ""
}

const cashOptions = "payment_method_options[customer_balance]"

// NewTransfer is the bank transfer that options ask for, in a currency. at is
// what bank_transfer is called where it is refused.
func (o *CashOptions) NewTransfer(c money.Currency, at string) (*Transfer, error) {
	t, ok := transfers[o.Transfer]
	switch {
	case o.Transfer == "":
		return nil, fault.Param(at+"[type]", "parameter_missing", "Missing required param: %s[type].", at)
	case !ok:
		return nil, fault.Param(at+"[type]", "", "There is no type of bank transfer called %q.", o.Transfer)
	case t.currency != c:
		return nil, fault.Param("currency", "", "A %s is in %s, and not in %s.", o.Transfer, t.currency, c)
	}
	out := &Transfer{Type: o.Transfer, Country: t.country, Addresses: t.addresses}
	if out.Country == "" {
		if out.Country = o.Country; !slices.Contains(transferCountries, o.Country) {
			return nil, fault.Param(at+"["+o.Transfer+"][country]", "", "The country of the account must be one of %s.", strings.Join(transferCountries, ", "))
		}
	}
	if len(o.Addresses) == 0 {
		return out, nil
	}
	out.Addresses = nil
	for _, a := range o.Addresses {
		if a == "sepa" { // which goes to IBANs
			a = "iban"
		}
		if !slices.Contains(t.addresses, a) {
			return nil, fault.Param(at+"[requested_address_types]", "", "A %s goes to an address of type %s.", o.Transfer, strings.Join(t.addresses, " or "))
		}
		if !slices.Contains(out.Addresses, a) {
			out.Addresses = append(out.Addresses, a)
		}
	}
	return out, nil
}

package rest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

const (
	euBankTransfer = "eu_bank_transfer"
	jpBankTransfer = "jp_bank_transfer"

	// What the bank of tests is called, in the various systems.
	bankOfTests     = "Florin Test Bank"
	bankCodeOfTests = "1100"
	branchOfTests   = "000"
	ibanBankOfTests = "FLOR"
	bicOfTests      = "FLORDEFFXXX"
	swiftOfTests    = "FLORUS33XXX"
	routingOfTests  = "110000000"
	sortOfTests     = "108800"
	speiOfTests     = "646"

	// How many digits an account has in Japan, the United Kingdom, the United
	// States, and, behind the bank's and without the check digit, in Mexico.
	zenginLen, sortLen, abaLen, speiLen = 7, 8, 12, 14
)

// transferAt reads bank_transfer, and gives the account for it. The document
// shows accounts in the countries of SEPA and in Japan alone.
func transferAt(c *call, currency money.Currency, customer int64, holder string) (any, error) {
	const at = "bank_transfer"
	var o payment.CashOptions
	o.Transfer, _ = c.form.String(at, "type")
	if o.Transfer != euBankTransfer && o.Transfer != jpBankTransfer {
		return nil, fault.Param(at+"[type]", "", "Florin gives instructions for eu_bank_transfer and jp_bank_transfer only.")
	}
	o.Country, _ = c.form.String(at, euBankTransfer, "country")
	o.Addresses, _ = c.form.Strings(at, "requested_address_types")
	t, err := o.NewTransfer(currency, at)
	if err != nil {
		return nil, err
	}
	t.Holder = holder
	return map[string]any{"country": t.Country, "financial_addresses": addressesOf(t, customer), "type": t.Type}, nil
}

// addressesOf are the accounts that a customer's transfer can go to. They are
// made up of the customer, so that they are the same whenever they are asked
// for; no bank knows them.
func addressesOf(t *payment.Transfer, customer int64) []any {
	number := strconv.FormatInt(customer, 10)
	where := map[string]any{"city": nil, "country": t.Country, "line1": nil, "line2": nil, "postal_code": nil, "state": nil}
	list := []any{}
	for _, typ := range t.Addresses {
		account := map[string]any{"account_holder_address": where, "account_holder_name": t.Holder, "bank_address": where}
		var networks []string
		switch typ {
		case "iban":
			networks = []string{"sepa"}
			account["bic"], account["country"], account["iban"] = bicOfTests, t.Country, ibanOf(t.Country, number)
		case "zengin":
			networks = []string{"zengin"}
			account["account_number"], account["account_type"] = padded(number, zenginLen), "futsu"
			account["bank_code"], account["bank_name"], account["branch_code"], account["branch_name"] = bankCodeOfTests, bankOfTests, branchOfTests, bankOfTests
		case "sort_code":
			networks = []string{"bacs", "fps"}
			account["account_number"], account["sort_code"] = padded(number, sortLen), sortOfTests
		case "spei":
			networks = []string{"spei"}
			account["bank_code"], account["bank_name"], account["clabe"] = speiOfTests, bankOfTests, clabeOf(number)
		case "aba":
			networks = []string{"ach", "domestic_wire_us"}
			account["account_number"], account["account_type"] = padded(number, abaLen), "checking"
			account["bank_name"], account["routing_number"] = bankOfTests, routingOfTests
		case "swift":
			networks = []string{"swift"}
			account["account_number"], account["account_type"] = padded(number, abaLen), "checking"
			account["bank_name"], account["swift_code"] = bankOfTests, swiftOfTests
		}
		list = append(list, map[string]any{"type": typ, "supported_networks": networks, typ: account})
	}
	return list
}

// padded is the end of a number, with zeros in front where it is short.
func padded(number string, digits int) string {
	return strings.Repeat("0", max(0, digits-len(number))) + number[max(0, len(number)-digits):]
}

// clabeOf makes a CLABE with a right check digit.
func clabeOf(number string) string {
	body := speiOfTests + padded(number, speiLen)
	return body + checkDigit(body)
}

// checkDigit completes a CLABE: the sum of the digits times 3, 7 and 1 in turn,
// each modulo 10, is a multiple of ten with it.
func checkDigit(body string) string {
	sum := 0
	for i, r := range body {
		sum += int(r-'0') * [3]int{3, 7, 1}[i%3] % 10
	}
	return strconv.Itoa((10 - sum%10) % 10)
}

// ibanDigits are how many digits follow the bank's part of an IBAN, by country:
// all of them, or after the four letters of the bank's name.
var ibanDigits = map[string]int{"BE": 12, "DE": 18, "ES": 20, "FR": 23, "IE": 14, "NL": 10}

// ibanOf makes an IBAN with a right check number of a number (ISO 13616).
func ibanOf(country, number string) string {
	body := padded(number, ibanDigits[country])
	if country == "IE" || country == "NL" {
		body = ibanBankOfTests + body
	}
	rest := 0
	for _, r := range body + country + "00" {
		if r >= 'A' {
			rest = (rest*100 + int(r-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	return fmt.Sprintf("%s%02d%s", country, 98-rest, body)
}

// instructionsOf is the next action of an intent that waits for a bank transfer.
func instructionsOf(o *object.Object[payment.Intent]) (any, error) {
	i, t := &o.Body, o.Body.Action.Transfer
	remaining, err := i.Left().ToAPI()
	return map[string]any{"type": "display_bank_transfer_instructions", "display_bank_transfer_instructions": map[string]any{
		"amount_remaining": remaining, "currency": i.Currency, "financial_addresses": addressesOf(t, i.Customer), "hosted_instructions_url": nil,
		"reference": payment.TransferReference(payment.IntentID(o.Key)), "type": t.Type,
	}}, err
}

// cashChanges reads payment_method_options[customer_balance].
func cashChanges(c *call) (*payment.CashChanges, error) {
	const options, transfer = "payment_method_options", "bank_transfer"
	at := c.form.Get(options, vault.TypeTransfer)
	if at == nil {
		return nil, nil
	}
	p := &payment.CashChanges{Clear: at.Kind() == form.Scalar, Country: textAt(at, transfer, euBankTransfer, "country")}
	var err error
	if p.Funding, err = choice(c, options, vault.TypeTransfer, "funding_type"); err != nil {
		return nil, err
	}
	if p.SetupFutureUsage, err = choice(c, options, vault.TypeTransfer, "setup_future_usage"); err != nil {
		return nil, err
	}
	// Stripe's command line still has the older spelling, jp_bank_account.
	if old, _ := at.String(transfer, "type"); strings.HasSuffix(old, "_bank_account") {
		p.Transfer = new(strings.TrimSuffix(old, "account") + "transfer")
	} else if p.Transfer, err = choice(c, options, vault.TypeTransfer, transfer, "type"); err != nil {
		return nil, err
	}
	if types, ok := at.Strings(transfer, "requested_address_types"); ok {
		p.Addresses = &types
	}
	return p, nil
}

// cashOptionsOf is payment_method_options[customer_balance] as it is shown.
func cashOptionsOf(o *payment.CashOptions) map[string]any {
	out := map[string]any{"funding_type": text(o.Funding)}
	if o.SetupFutureUsage != "" {
		out["setup_future_usage"] = o.SetupFutureUsage
	}
	if o.Transfer == "" {
		return out
	}
	transfer := map[string]any{"type": o.Transfer}
	if o.Country != "" {
		transfer[euBankTransfer] = map[string]any{"country": o.Country}
	}
	if len(o.Addresses) > 0 {
		transfer["requested_address_types"] = slices.Clone(o.Addresses)
	}
	out["bank_transfer"] = transfer
	return out
}

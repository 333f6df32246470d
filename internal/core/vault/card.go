package vault

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

const (
	minDigits, maxDigits = 12, 19 // of a card number, ISO/IEC 7812-1
	// maxYearsAhead is how far in the future a card may expire.
	maxYearsAhead = 50
	unchecked     = "unchecked"
)

// CardInput is a card as somebody typed it.
type CardInput struct {
	Number   secret.Text // spaces and dashes are passed over
	ExpMonth int
	ExpYear  int         // two digits mean 20xx
	CVC      secret.Text // empty when not given
	// Preferred is the network that the payer chose of a co-branded card's.
	Preferred string
}

// clearCard is a card that has been checked.
type clearCard struct {
	number, cvc secret.Text
	month, year int
}

// check validates the card at now. Errors are what Stripe answers: 402 with the
// code and the parameter, never repeating a value.
func (in *CardInput) check(now time.Time) (*clearCard, error) {
	number, err := checkNumber(in.Number.Reveal())
	if err != nil {
		return nil, err
	}
	year, err := checkExpiry(in.ExpMonth, in.ExpYear, now)
	if err != nil {
		return nil, err
	}
	cvc := strings.TrimSpace(in.CVC.Reveal())
	if cvc != "" {
		if err := checkCode(cvc); err != nil {
			return nil, err
		}
	}
	return &clearCard{secret.NewText(number), secret.NewText(cvc), in.ExpMonth, year}, nil
}

func cardError(param, code, message string) error {
	return &fault.Error{Kind: fault.Declined, Code: code, Param: param, Message: message}
}

var separators = strings.NewReplacer(" ", "", "-", "")

func checkNumber(typed string) (string, error) {
	number := separators.Replace(typed)
	if number == "" {
		return "", fault.Param("card[number]", "parameter_missing", "Missing required param: card[number].")
	}
	if !digits(number) || len(number) < minDigits || len(number) > maxDigits {
		return "", cardError("number", "invalid_number", "The card number is not a valid credit card number.")
	}
	if _, length := brandOf(number); !length || !luhn(number) {
		return "", cardError("number", "incorrect_number", "Your card number is incorrect.")
	}
	return number, nil
}

// checkExpiry gives the year in four digits. A card is good to the end of its
// month, in UTC.
func checkExpiry(month, year int, now time.Time) (int, error) {
	if month < 1 || month > 12 {
		return 0, cardError("exp_month", "invalid_expiry_month", "Your card's expiration month is invalid.")
	}
	if year >= 0 && year < 100 {
		year += 2000
	}
	now = now.UTC()
	if year < now.Year() || year > now.Year()+maxYearsAhead {
		return 0, cardError("exp_year", "invalid_expiry_year", "Your card's expiration year is invalid.")
	}
	if year == now.Year() && month < int(now.Month()) {
		return 0, cardError("exp_month", "invalid_expiry_month", "Your card's expiration month is invalid.")
	}
	return year, nil
}

func digits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// describe is what is shown of the card. test, if not nil, is the test card
// that it is.
func (c *clearCard) describe(m *secret.Master, s id.Scope, test *TestCard, b *Billing) Card {
	number := c.number.Reveal()
	brand, _ := brandOf(number)
	card := Card{Brand: brand, Last4: number[len(number)-4:], ExpMonth: c.month, ExpYear: c.year, Funding: Unknown,
		Fingerprint: fingerprint(m, s, number), Networks: []string{brand}}
	if brand == Unknown {
		card.Networks = nil
	}
	if test != nil {
		card.Funding, card.Country, card.Test = test.Funding, test.Country, test.Name
		card.Networks = append(card.Networks, test.alsoOn...)
	}
	if !c.cvc.IsZero() {
		card.Checks.CVC = unchecked
	}
	card.Checks.address(b)
	return card
}

// address notes which parts of the address there are to be checked.
func (k *Checks) address(b *Billing) {
	k.Line1, k.PostalCode = "", ""
	if b.Address.Line1 != "" {
		k.Line1 = unchecked
	}
	if b.Address.PostalCode != "" {
		k.PostalCode = unchecked
	}
}

// fingerprint is the same for the same number within an account.
func fingerprint(m *secret.Master, s id.Scope, number string) string {
	sum := m.MAC("vault.fingerprint", secret.Context(strconv.FormatInt(s.Account, 10), number))
	return base62(binary.BigEndian.Uint64(sum)) + base62(binary.BigEndian.Uint64(sum[8:]))
}

// base62 is n modulo 62^8 in eight characters; the sixteen bits too many make
// the digits even enough.
func base62(n uint64) string {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var out [8]byte
	for i := range out {
		out[i] = alphabet[n%62]
		n /= 62
	}
	return string(out[:])
}

// emailHash finds a customer by address: never 0, but for no address.
func emailHash(m *secret.Master, s id.Scope, email string) int64 {
	email = strings.ToLower(strings.TrimSpace(email))
	if email == "" {
		return 0
	}
	sum := m.MAC("vault.email", secret.Context(strconv.FormatInt(s.Key(), 10), email))
	if h := int64(binary.BigEndian.Uint64(sum)); h != 0 {
		return h
	}
	return 1
}

package vault

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/fault"
)

var noon = time.Date(2026, 7, 31, 12, 0, 0, 0, time.UTC)

func TestCardInputs(t *testing.T) {
	const good = "4242424242424242"
	tests := []struct {
		name, number, cvc string
		month, year       int
		code, param       string // of the refusal; empty: accepted
	}{
		{"plain", good, "123", 12, 2030, "", ""},
		{"no code", good, "", 12, 2030, "", ""},
		{"spaces and dashes", " 4242 4242-4242 4242 ", "123", 12, 2030, "", ""},
		{"two-digit year", good, "123", 12, 30, "", ""},
		{"this month", good, "123", 7, 2026, "", ""},
		{"fifty years ahead", good, "123", 1, 2076, "", ""},
		{"four digits of code", "378282246310005", "1234", 1, 2030, "", ""},
		{"nineteen digits", "6205500000000000004", "123", 1, 2030, "", ""},
		{"fourteen digits", "36227206271667", "123", 1, 2030, "", ""},
		{"of no known scheme", "9000000000000001", "123", 1, 2030, "", ""},

		{"no number", "", "123", 12, 2030, "parameter_missing", "card[number]"},
		{"only separators", " - ", "123", 12, 2030, "parameter_missing", "card[number]"},
		{"check digit", "4242424242424241", "123", 12, 2030, "incorrect_number", "number"},
		{"a visa of 15 digits", "424242424242428", "123", 12, 2030, "incorrect_number", "number"},
		{"letters", "4242abcd42424242", "123", 12, 2030, "invalid_number", "number"},
		{"other digits", "４２４２４２４２４２４２４２４２", "123", 12, 2030, "invalid_number", "number"},
		{"too short", "42424242424", "123", 12, 2030, "invalid_number", "number"},
		{"too long", "42424242424242424242", "123", 12, 2030, "invalid_number", "number"},
		{"month 13", good, "123", 13, 2030, "invalid_expiry_month", "exp_month"},
		{"month 0", good, "123", 0, 2030, "invalid_expiry_month", "exp_month"},
		{"month below 0", good, "123", -1, 2030, "invalid_expiry_month", "exp_month"},
		{"last month", good, "123", 6, 2026, "invalid_expiry_month", "exp_month"},
		{"last year", good, "123", 12, 2025, "invalid_expiry_year", "exp_year"},
		{"year 95", good, "123", 12, 95, "invalid_expiry_year", "exp_year"},
		{"year 1995", good, "123", 12, 1995, "invalid_expiry_year", "exp_year"},
		{"year 0", good, "123", 12, 0, "invalid_expiry_year", "exp_year"},
		{"year below 0", good, "123", 12, -30, "invalid_expiry_year", "exp_year"},
		{"too far ahead", good, "123", 1, 2077, "invalid_expiry_year", "exp_year"},
		{"code of two digits", good, "99", 12, 2030, "invalid_cvc", "cvc"},
		{"code of five digits", good, "12345", 12, 2030, "invalid_cvc", "cvc"},
		{"code of letters", good, "12a", 12, 2030, "invalid_cvc", "cvc"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := CardInput{Number: secret.NewText(test.number), CVC: secret.NewText(test.cvc), ExpMonth: test.month, ExpYear: test.year}
			c, err := in.check(noon)
			if test.code == "" {
				if err != nil || c.year < 2026 || strings.ContainsAny(c.number.Reveal(), " -") {
					t.Fatalf("%v, error %v", c, err)
				}
				return
			}
			e, ok := fault.As(err)
			if !ok || e.Code != test.code || e.Param != test.param {
				t.Fatalf("got %+v, want code %s of %s", e, test.code, test.param)
			}
			if wire := e.Kind == fault.Declined; wire == (test.code == "parameter_missing") {
				t.Errorf("kind %v for %s", e.Kind, test.code)
			}
		})
	}
}

func TestBrands(t *testing.T) {
	brands := map[string]string{
		"4222222222222": "visa", "5100000000000008": "mastercard", "5599999999999999": "mastercard", "2221000000000009": "mastercard",
		"2720999999999996": "mastercard", "2220990000000000": Unknown, "2721000000000000": Unknown, "340000000000009": "amex",
		"370000000000002": "amex", "6011000000000004": "discover", "6440000000000000": "discover", "6500000000000002": "discover",
		"6430000000000000": Unknown, "30000000000004": "diners", "30600000000000": Unknown, "30900000000000": "diners",
		"36000000000008": "diners", "38000000000006": "diners", "3528000000000007": "jcb", "3589000000000000": "jcb",
		"3527000000000000": Unknown, "3590000000000000": Unknown, "6221260000000000": "unionpay", "8100000000000000": "unionpay",
	}
	for number, want := range brands {
		if got, _ := brandOf(number); got != want {
			t.Errorf("%s is %s, want %s", number, got, want)
		}
	}
}

// TestFingerprints: the same for one number in an account, in whatever mode and
// however it was typed, and different for all else.
func TestFingerprints(t *testing.T) {
	m := testMaster(t, 1)
	print := func(m *secret.Master, account int64, live bool, number string) string {
		f := fingerprint(m, testScope(account, live), number)
		if len(f) != 16 || strings.Trim(f, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q is not 16 base62 characters", f)
		}
		return f
	}
	first := print(m, 1, false, "4242424242424242")
	if again := print(m, 1, true, "4242424242424242"); again != first {
		t.Error("the mode changes the fingerprint")
	}
	for _, other := range []string{print(m, 2, false, "4242424242424242"), print(m, 1, false, "4000056655665556"), print(testMaster(t, 2), 1, false, "4242424242424242")} {
		if other == first {
			t.Error("two fingerprints are equal")
		}
	}
}

func TestTestCardTable(t *testing.T) {
	if len(TestCards) < 140 {
		t.Fatalf("only %d rows were read", len(TestCards))
	}
	names := map[string]bool{}
	for _, c := range TestCards {
		for _, name := range append([]string{c.Name}, c.Aliases...) {
			if names[name] {
				t.Errorf("%s is there twice", name)
			}
			names[name] = true
		}
		if _, length := brandOf(c.Number); !length || !luhn(c.Number) {
			t.Errorf("%s: %s is no card number", c.Name, c.Number)
		}
		if len(c.Country) != 2 || !strings.Contains("credit debit prepaid", c.Funding) {
			t.Errorf("%s: country %q, funding %q", c.Name, c.Country, c.Funding)
		}
	}
	for _, table := range []map[string]bool{keysOf(testDeclines), keysOf(testNetworks), keysOf(testChecks)} {
		for name := range table {
			if testByName[name] == nil || testByName[name].Name != name {
				t.Errorf("%s is the first name of no card", name)
			}
		}
	}
	for _, c := range testDeclines {
		if _, ok := refusals[c]; !ok {
			t.Errorf("no refusal for %s", c)
		}
	}
}

func keysOf[V any](m map[string]V) map[string]bool {
	set := map[string]bool{}
	for k := range m {
		set[k] = true
	}
	return set
}

// TestPublishedCards checks the table against rows of the published one.
func TestPublishedCards(t *testing.T) {
	type card struct{ Number, Brand, Funding, Country, Decline string }
	want := map[string]card{
		"pm_card_visa":                              {"4242424242424242", "visa", "credit", "US", ""},
		"tok_visa":                                  {"4242424242424242", "visa", "credit", "US", ""},
		"pm_card_us":                                {"4242424242424242", "visa", "credit", "US", ""},
		"pm_card_visa_debit":                        {"4000056655665556", "visa", "debit", "US", ""},
		"pm_card_mastercard":                        {"5555555555554444", "mastercard", "credit", "US", ""},
		"pm_card_mastercard_prepaid":                {"5105105105105100", "mastercard", "prepaid", "US", ""},
		"pm_card_amex":                              {"378282246310005", "amex", "credit", "US", ""},
		"pm_card_discover":                          {"6011111111111117", "discover", "credit", "US", ""},
		"pm_card_diners":                            {"3056930009020004", "diners", "credit", "US", ""},
		"pm_card_jcb":                               {"3566002020360505", "jcb", "credit", "JP", ""},
		"pm_card_unionpay":                          {"6200000000000005", "unionpay", "credit", "CN", ""},
		"pm_card_de":                                {"4000002760000016", "visa", "credit", "DE", ""},
		"pm_card_th_debit":                          {"4000057640000008", "visa", "debit", "TH", ""},
		"pm_card_ae_mastercard":                     {"5200007840000022", "mastercard", "credit", "AE", ""},
		"pm_card_visa_chargeDeclined":               {"4000000000000002", "visa", "credit", "US", "generic_decline"},
		"pm_card_chargeDeclined":                    {"4000000000000002", "visa", "credit", "US", "generic_decline"},
		"pm_card_chargeCustomerFail":                {"4000000000000341", "visa", "credit", "US", ""},
		"tok_visa_chargeCustomerFailLostCard":       {"4000000000009987", "visa", "credit", "US", ""},
		"pm_card_visa_chargeDeclinedLostCard":       {"4000000000009987", "visa", "credit", "US", "lost_card"},
		"pm_card_chargeDeclinedFraudulent":          {"4100000000000019", "visa", "credit", "US", "fraudulent"},
		"pm_card_radarBlock":                        {"4100000000000019", "visa", "credit", "US", ""},
		"pm_card_authenticationRequired":            {"4000002760003184", "visa", "credit", "DE", ""},
		"pm_card_amex_threeDSecureNotSupported":     {"378282246310005", "amex", "credit", "US", ""},
		"pm_card_createMastercardComplianceDispute": {"5105008400000002", "mastercard", "credit", "US", ""},
	}
	got := map[string]card{}
	for ref := range want {
		if c := testCardNamed(testScope(1, false), ref); c != nil {
			brand, _ := brandOf(c.Number)
			got[ref] = card{c.Number, brand, c.Funding, c.Country, c.Decline}
		}
		if testCardNamed(testScope(1, true), ref) != nil {
			t.Errorf("%s names a card in live mode", ref)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzCardInput: whatever is typed, a card is refused with a known code, or is
// one that can be stored and read back; no error repeats the number.
func FuzzCardInput(f *testing.F) {
	f.Add("4242 4242 4242 4242", "123", 12, 2030)
	f.Add("378282246310005", "1234", 1, 30)
	f.Add("4242424242424241", "", 0, 0)
	f.Add("-", "\x00", -1, 1<<40)
	m := testMaster(f, 1)
	v := &Service{master: m}
	s := testScope(1, false)
	f.Fuzz(func(t *testing.T, number, cvc string, month, year int) {
		in := CardInput{Number: secret.NewText(number), CVC: secret.NewText(cvc), ExpMonth: month, ExpYear: year}
		c, err := in.check(noon)
		if err != nil {
			e, ok := fault.As(err)
			if !ok || e.Code == "" || e.Param == "" {
				t.Fatalf("refused with %v", err)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, *e, in); len(number) > 5 && strings.Contains(text, number) {
				t.Fatalf("the refusal repeats the number: %s", text)
			}
			return
		}
		plain := c.number.Reveal()
		if len(plain) < minDigits || len(plain) > maxDigits || !digits(plain) || !luhn(plain) || c.year < 2026 || c.year > 2076 {
			t.Fatalf("accepted %q %d", plain, c.year)
		}
		d, err := v.sealCard(s, 7, c)
		if err != nil {
			t.Fatal(err)
		}
		subject, err := m.OpenSubject(d.subject, identity(s, 7))
		if err != nil {
			t.Fatal(err)
		}
		n, err := openNumber(subject, s, 7, d.number)
		if err != nil || n.Number.Reveal() != plain || n.Month != c.month || n.Year != c.year {
			t.Fatalf("read back %+v, %v", n, err)
		}
		if shown := c.describe(m, s, nil, &Billing{}); shown.Last4 != plain[len(plain)-4:] || shown.Brand == "" {
			t.Fatalf("shown as %+v", shown)
		}
	})
}

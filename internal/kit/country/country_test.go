package country

import (
	"strings"
	"testing"
)

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		code, routing, number string
		bank, account         bool
	}{
		{"US", "110000000", "000123456789", true, true},
		{"US", "110000001", "123", false, false},
		{"US", "11000000", "12345678901234567890", false, false},
		{"GB", "108800", "00012345", true, true},
		{"GB", "", "0001234X", false, false},
		{"DE", "", "DE89370400440532013000", true, true},
		{"DE", "110000000", "DE89370400440532013001", false, false},
		{"AT", "", "DE89370400440532013000", true, false},
		{"FR", "", "FR1420041010050500013M02606", true, true},
		{"JP", "1100000", "0001234", true, true},
		{"IN", "HDFC0000261", "000123456789", true, true},
		{"MX", "", "000000001234567897", true, true},
	} {
		country, ok := Of(c.code)
		if !ok || country.ValidRouting(c.routing) != c.bank || country.ValidNumber(c.number) != c.account {
			t.Errorf("%+v: %v %v %v", c, ok, country.ValidRouting(c.routing), country.ValidNumber(c.number))
		}
	}
	if _, ok := Of("us"); ok {
		t.Error("codes are in capitals")
	}
}

func TestEveryCountryHasItsCurrency(t *testing.T) {
	last := ""
	for _, c := range All() {
		if !c.Currency.Known() || c.Code <= last || len(c.Code) != 2 || strings.ToUpper(c.Code) != c.Code {
			t.Errorf("%+v after %s", c, last)
		}
		if (c.IBAN > 0) == (c.Most > 0) || c.Least > c.Most {
			t.Errorf("%s: an account has an IBAN or another number", c.Code)
		}
		last = c.Code
	}
	if len(All()) < 40 {
		t.Error(len(All()))
	}
}

package country

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseIBAN(t *testing.T) {
	for text, want := range map[string]IBAN{
		"DE89370400440532013000":      {"DE", "37040044", ""},
		"AT611904300234573201":        {"AT", "19043", ""},
		"FR1420041010050500013M02606": {"FR", "20041", "01005"},
		"BE62510007547061":            {"BE", "510", ""},
		"IE29AIBK93115212345678":      {"IE", "AIBK", "931152"},
		"IT60X0542811101000000123456": {"IT", "05428", "11101"},
		"NO9386011117947":             {"NO", "8601", ""},
	} {
		got, ok := ParseIBAN(text)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s: %v %s", text, ok, diff)
		}
	}
	for _, text := range []string{"", "DE", "DE89", "DE8937040044053201300", "DE893704004405320130000", "US89370400440532013000", "de89370400440532013000",
		"DE8937040044053201300é", "DEXX370400440532013000", "AE070331234567890123456"} {
		if got, ok := ParseIBAN(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// A digit that is wrong, and two neighbours that are swapped, are found by the
// check digits.
func TestParseIBANFindsMistakes(t *testing.T) {
	const right = "DE89370400440532013000"
	for i := 2; i < len(right); i++ {
		for d := '0'; d <= '9'; d++ {
			if wrong := right[:i] + string(d) + right[i+1:]; wrong != right {
				if _, ok := ParseIBAN(wrong); ok {
					t.Errorf("%s is taken", wrong)
				}
			}
		}
		if i+1 < len(right) && right[i] != right[i+1] {
			wrong := right[:i] + string(right[i+1]) + string(right[i]) + right[i+2:]
			if _, ok := ParseIBAN(wrong); ok {
				t.Errorf("%s is taken", wrong)
			}
		}
	}
}

func TestLayoutsFit(t *testing.T) {
	for code, l := range ibans {
		if l.bankEnd <= l.bank || l.branchEnd != 0 && l.branchEnd <= l.bankEnd || 4+max(l.bankEnd, l.branchEnd) >= l.length {
			t.Errorf("%s: %+v", code, l)
		}
		if c, ok := Of(code); ok && c.IBAN != 0 && c.IBAN != l.length {
			t.Errorf("%s: %d digits here, %d there", code, l.length, c.IBAN)
		}
		rest := strings.Repeat("0", l.length-4)
		check := 98 - mod97(code+"00"+rest)
		if got, ok := ParseIBAN(fmt.Sprintf("%s%02d%s", code, check, rest)); !ok || got.Country != code {
			t.Errorf("%s: %+v %v", code, got, ok)
		}
	}
}

func FuzzParseIBAN(f *testing.F) {
	f.Add("DE89370400440532013000")
	f.Add("FR14")
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := ParseIBAN(text)
		if ok != (got != IBAN{}) || ok && !strings.HasPrefix(text, got.Country) {
			t.Errorf("%q: %+v %v", text, got, ok)
		}
	})
}

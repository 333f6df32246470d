package hidden

import (
	"regexp"
	"strings"
	"testing"
)

// What MaskCards does, said by two expressions.
var (
	panLike = regexp.MustCompile(`[0-9](?:[ -]?[0-9]){11,}`)
	cvcLike = regexp.MustCompile(`((?:[cC][vV][cCvV]2?|[cC][sS][cC]|[sS][eE][cC][uU][rR][iI][tT][yY][_ ]?[cC][oO][dD][eE])[^\w*]{0,16})[0-9]{3,}`)
)

func byExpression(text string) string {
	text = panLike.ReplaceAllStringFunc(text, func(s string) string {
		return MaskNumber(strings.NewReplacer(" ", "", "-", "").Replace(s))
	})
	return cvcLike.ReplaceAllString(text, "${1}***")
}

var texts = []struct{ in, want string }{
	{"", ""},
	{"nothing", "nothing"},
	{"4242424242424242", "424242******4242"},
	{"4242 4242-4242 4242 and", "424242******4242 and"},
	{"4242  4242 4242", "4242  4242 4242"},
	{"12345678901", "12345678901"},
	{"123456789012", "123456**9012"},
	{`{"cvc":"123","n":1}`, `{"cvc":"***","n":1}`},
	{`{\"cvv2\":\"1234\"}`, `{\"cvv2\":\"***\"}`},
	{"CVC2123", "CVC2***"},
	{"cvc212", "cvc***"},
	{"Security Code: 999", "Security Code: ***"},
	{"cvc: \u00ab 123", "cvc: \u00ab ***"},
	{"cvc:xx123", "cvc:xx123"},
	{"cvc" + strings.Repeat("-", 17) + "123", "cvc" + strings.Repeat("-", 17) + "123"},
	{"cvc 12", "cvc 12"},
	{"cvcvc 123", "cvcvc ***"},
	{"cvc \xff\xfe123", "cvc \xff\xfe***"},
	{"cvc 4242424242424242", "cvc ***" + strings.Repeat("*", 6) + "4242"},
}

func TestMaskCards(t *testing.T) {
	for _, c := range texts {
		if got := MaskCards(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
		if want := byExpression(c.in); want != c.want {
			t.Errorf("%q: the expressions give %q, want %q", c.in, want, c.want)
		}
	}
}

func FuzzMaskCards(f *testing.F) {
	for _, c := range texts {
		f.Add(c.in)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := MaskCards(text), byExpression(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	})
}

func BenchmarkMaskCards(b *testing.B) {
	const answer = `{"id":"sbx_35i53arytolntfds","reference":"att_002aPZP4TdttSOaSd4QUAlnV","kind":"sale","amount":4086,"currency":"usd","status":"approved",` +
		`"card":{"brand":"visa","number":"4242424242424242","cvc":"123"},"auth_code":"XJUMR4","processed_at":"2026-11-22T11:21:21.837841921Z"}`
	b.Run("scanner", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			MaskCards(answer)
		}
	})
	b.Run("expressions", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			byExpression(answer)
		}
	})
}

package merchant

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/kit/fault"
)

func TestGeneratedKeys(t *testing.T) {
	// 248 to 255 are passed over, so that all characters are equally likely.
	random := bytes.NewReader(append([]byte{255, 248, 0, 61, 62, 247}, bytes.Repeat([]byte{10}, 44)...))
	plain, err := Secret.generate(random, false)
	if want := "sk_test_0z0z" + strings.Repeat("A", 20); err != nil || plain != want {
		t.Errorf("got %q %v, want %q", plain, err, want)
	}
	if _, err := Secret.generate(random, false); err == nil {
		t.Error("a key without random bytes")
	}
	if plain, err := Publishable.generate(bytes.NewReader(make([]byte, randomLen)), true); err != nil || Publishable.check(plain, true) != nil || !strings.HasPrefix(plain, "pk_live_") {
		t.Errorf("%q %v", plain, err)
	}
}

func TestKeysThatCanBeGiven(t *testing.T) {
	for plain, want := range map[string]bool{
		"sk_test_12345678": true, "sk_test_Az09_zzz": true, "sk_test_" + strings.Repeat("a", 247): true,
		"sk_test_1234567": false, "sk_test_" + strings.Repeat("a", 248): false, "": false, "sk_test_": false,
		"pk_test_12345678": false, "sk_live_12345678": false, "SK_TEST_12345678": false,
		"sk_test_1234567é": false, "sk_test_1234-678": false, "sk_test_1234567 ": false, "sk_test_1234\x005678": false,
	} {
		err := Secret.check(plain, false)
		if (err == nil) != want || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.40q: %v", plain, err)
		}
		if err != nil && len(plain) > 12 && strings.Contains(err.Error(), plain) {
			t.Errorf("the refusal of %q tells the key", plain)
		}
	}
}

func TestMask(t *testing.T) {
	for plain, want := range map[string]string{
		"sk_test_12345678":                    "sk_test_****5678",
		"pk_live_1234567890":                  "pk_live_******7890",
		"sk_test_1234567":                     "sk_test_****",
		"sk_test_":                            "sk_test_****",
		"foo":                                 "****",
		"4242424242424242":                    "************4242",
		"sk_test_" + strings.Repeat("a", 200): "sk_test_" + strings.Repeat("*", 32) + "aaaa",
		"sk_test_1234567\n<b>":                "sk_test_*******" + "****",
		"rk_test_abcdefghijkl":                "rk_test_********ijkl",
		"ok_test_abcdefghijkl":                "****************ijkl",
	} {
		if got := mask(plain); got != want {
			t.Errorf("mask(%q) = %q, want %q", plain, got, want)
		}
	}
}

// Whatever is sent as a key is answered without telling more of it than its
// kind and its end, and never by a panic.
func FuzzMask(f *testing.F) {
	for _, seed := range []string{"", "sk_test_12345678", "pk_live_é", "sk_", "\xff\xfe", strings.Repeat("x", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, plain string) {
		got := mask(plain)
		if rest := strings.TrimPrefix(got, "sk_test_"); len(got) > 48 || strings.ContainsAny(got, "\x00\n\r<>\"") || !strings.Contains(rest, "****") {
			t.Errorf("mask(%q) = %q", plain, got)
		}
		if err := errors.Join(Secret.check(plain, false), Publishable.check(plain, false)); err == nil {
			t.Errorf("%q is a key of both kinds", plain)
		}
	})
}

package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// planted are ways in which number and code are stored by mistake, written here
// without the code that is tested.
func planted(number, code string) map[string][]byte {
	list := map[string][]byte{
		"plain": []byte(number), "hex": []byte(hex.EncodeToString([]byte(number))), "HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(number)))),
		"form":       []byte("card[cvc]=" + code + "&card[exp_month]=12"),
		"escaped":    []byte("card%5Bcvc%5D=" + code),
		"small":      []byte("card%5bcvc%5d%3d" + code),
		"JSON":       []byte(`{"cvc":"` + code + `"}`),
		"wide JSON":  []byte(`"cvc" : "` + code + `"`),
		"inner JSON": []byte(`\"cvc\":\"` + code + `\"`),
		"number":     []byte(`"cvc":` + code),
		"query":      []byte("cvc=" + code),
		"fmt":        fmt.Appendf(nil, "%+v", struct{ CVC string }{code}),
		"log":        []byte(`msg=x cvc="` + code + `"`),
	}
	for pad := range 3 {
		text := strings.Repeat("?", pad) + number + "??"
		list[fmt.Sprint("base64+", pad)] = []byte(base64.StdEncoding.EncodeToString([]byte(text)))
		list[fmt.Sprint("URL base64+", pad)] = []byte(base64.RawURLEncoding.EncodeToString([]byte(text)))
	}
	return list
}

// groups are the ways to write a number in groups.
var groups = map[string][]string{
	"4000056655665556":    {"4000 0566 5566 5556", "4000-0566-5566-5556", "4000+0566+5566+5556", "4000%200566%205566%205556"},
	"4242424242424242":    {"4242 4242 4242 4242", "4242-4242-4242-4242"},
	"378282246310005":     {"3782 822463 10005", "3782-822463-10005", "3782+822463+10005", "3782 8224 6310 005", "3782%20822463%2010005"},
	"36227206271667":      {"3622 7206 2716 67", "3622 720627 1667"},
	"6205500000000000004": {"6205 5000 0000 0000 004", "620550 0000000000004"},
}

var packed = map[string][]string{ // in hex
	"4000056655665556": {"4000056655665556"},
	"378282246310005":  {"0378282246310005", "378282246310005f"},
	"36227206271667":   {"36227206271667"},
}

func TestEachFormIsFound(t *testing.T) {
	for number, texts := range groups {
		forms := planted(number, "737")
		for _, text := range texts {
			forms[text] = []byte(text)
		}
		for _, digits := range packed[number] {
			forms["packed "+digits], _ = hex.DecodeString(digits)
		}
		for name, form := range forms {
			at := int64(7)
			content := bytes.Join([][]byte{[]byte("before:"), form, []byte(":after")}, nil)
			hits := Bytes("here", content)
			if len(hits) == 0 {
				t.Errorf("%s as %s is not found in %q", number, name, content)
				continue
			}
			for _, h := range hits {
				if h.Where != "here" || h.Offset < at || h.Offset > at+12 || h.Form == "" {
					t.Errorf("%s as %s: %+v", number, name, h)
				}
				if told := fmt.Sprintf("%v %+v", h, h); strings.Contains(told, number) || strings.Contains(told, "737") {
					t.Errorf("the hit tells the secret: %s", told)
				}
			}
		}
	}
}

func TestHit(t *testing.T) {
	got := Bytes("a reply", []byte(`{"id":"x","number":"4000056655665556","cvc":"737"}`))
	want := []Hit{{"a reply", 20, Plain, "400005******5556"}, {"a reply", 39, CVC, "cvc***"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text := got[0].String(); text != "a reply at 20: 400005******5556, plain" {
		t.Error(text)
	}
}

func TestNothingIsFoundInWhatIsAllowed(t *testing.T) {
	for _, text := range []string{
		`"last4":"5556","brand":"visa","exp_year":2030`, `"cvc_check":"pass"`, `"cvc":"pass"`, `{"cvc":null}`, `cvc=***`, `"cvc":"***"`,
		"400005******5556", "4000 05", "cvc 737", "CVC", "cvc737", "the code of a cvc: two", "cvc=12",
		"Your card's security code is invalid.", "pm_card_visa", strings.Repeat("\x00", 1000), strings.Repeat("B", 1000), strings.Repeat("0", 1000),
		"1753963200000000", "40000000000000", "cvc" + strings.Repeat(" ", 40) + "=737",
	} {
		if hits := Bytes("text", []byte(text)); hits != nil {
			t.Errorf("%.60q: %v", text, hits)
		}
	}
}

// TestNoHitByChance: random bytes, and small numbers in binary, hold nothing.
func TestNoHitByChance(t *testing.T) {
	random := rand.NewChaCha8([32]byte{1})
	noise := make([]byte, 8<<20)
	_, _ = random.Read(noise)
	lucky := [][]byte{noise, []byte(hex.EncodeToString(noise)), []byte(base64.StdEncoding.EncodeToString(noise))}
	var numbers []byte
	for n := range uint64(1 << 18) {
		numbers = append(numbers, byte(n>>56), 0x40, 0, 0, 0, byte(n>>16), byte(n>>8), byte(n))
	}
	for n, b := range append(lucky, numbers) {
		if hits := Bytes(fmt.Sprint(n), b); hits != nil {
			t.Error(hits)
		}
	}
}

// stingy gives its content in pieces of random lengths.
type stingy struct {
	content []byte
	random  *rand.Rand
}

func (s *stingy) Read(p []byte) (int, error) {
	if len(s.content) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.content[:min(len(s.content), 1+s.random.IntN(5000))])
	s.content = s.content[n:]
	return n, nil
}

// TestHitsAcrossBorders: whatever the place relative to the chunks that are
// searched, a hit is found once, at its offset.
func TestHitsAcrossBorders(t *testing.T) {
	secrets := [][]byte{[]byte("4000056655665556"), []byte("card%5Bcvc%5D=737"), []byte(hex.EncodeToString([]byte("6205500000000000004"))), {0x40, 0x00, 0x05, 0x66, 0x55, 0x66, 0x55, 0x56}}
	for _, secret := range secrets {
		for border := int64(chunk) - longest - 2; border < chunk+2; border++ {
			content := make([]byte, 2*chunk+100)
			copy(content[border:], secret)
			hits, err := Search("file", &stingy{content, rand.New(rand.NewPCG(1, uint64(border)))})
			at := border + int64(max(0, bytes.Index(secret, []byte("cvc"))))
			if err != nil || len(hits) != 1 || hits[0].Offset != at {
				t.Fatalf("%q at %d: %v, %v", secret, at, hits, err)
			}
		}
	}
}

func TestDir(t *testing.T) {
	dir := t.TempDir()
	below := filepath.Join(dir, "a", "b")
	if err := os.MkdirAll(below, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(below, "log")
	if err := os.WriteFile(file, []byte("x 378282246310005"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sound"), []byte("378282****0005"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	hits, err := Dir(dir)
	if diff := cmp.Diff([]Hit{{file, 2, Plain, "378282*****0005"}}, hits); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if hits, err := Dir(filepath.Join(dir, "none")); hits != nil || err != nil {
		t.Error(hits, err)
	}
}

// TestHitsAreBounded: a file full of numbers is told in a few lines.
func TestHitsAreBounded(t *testing.T) {
	if hits := Bytes("", bytes.Repeat([]byte("4000056655665556 "), 1000)); len(hits) != maxHits {
		t.Error(len(hits))
	}
}

// FuzzSearch: in any content, split anywhere, the search finds what a plain
// look finds.
func FuzzSearch(f *testing.F) {
	f.Add([]byte("4000056655665556"), uint16(3), uint16(9))
	f.Add([]byte(`"cvc":"737" 378282246310005 4242-4242-4242-4242`), uint16(0), uint16(20))
	f.Add([]byte{0x40, 0x00, 0x05, 0x66, 0x55, 0x66, 0x55, 0x56, 0x40}, uint16(1), uint16(2))
	f.Fuzz(func(t *testing.T, content []byte, first, second uint16) {
		type place struct {
			at   int
			form Form
		}
		want := map[place]bool{}
		for _, m := range []*matcher{known().texts, known().packed} {
			for _, p := range m.patterns {
				for at := 0; ; at++ {
					i := bytes.Index(content[at:], p.bytes)
					if i < 0 {
						break
					}
					at += i
					want[place{at, p.form}] = true
				}
			}
		}
		s := newScanner("")
		defer s.release()
		a, b := min(len(content), int(first)), min(len(content), int(first)+int(second))
		for _, part := range [][]byte{content[:a], content[a:b], content[b:]} {
			_, _ = s.Write(part)
			s.scan() // as if the chunk ended here
		}
		hits := s.end()
		got := map[place]bool{}
		for _, h := range hits {
			if h.Form != CVC {
				got[place{int(h.Offset), h.Form}] = true
			}
		}
		if !slices.ContainsFunc(slices.Collect(maps.Values(s.count)), func(n int) bool { return n == maxHits }) {
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(place{})); diff != "" {
				t.Error(diff)
			}
		}
	})
}

// BenchmarkSearch shows the speed on a file like a database's: half of it
// numbers and names, a quarter sealed, a quarter empty.
func BenchmarkSearch(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, 0, 64<<20)
	for len(content) < 64<<20 {
		content = fmt.Appendf(content, `{"id":%d,"status":"succeeded","amount":%d,"currency":"usd","at":%d}`, random.Uint64(), random.IntN(1000000), random.Uint64())
		for range 10 {
			content = append(content, byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()), byte(random.Uint32()))
		}
		content = append(content, make([]byte, 40)...)
	}
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if hits, err := Search("", bytes.NewReader(content)); hits != nil || err != nil {
			b.Fatal(hits, err)
		}
	}
}

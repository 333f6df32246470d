package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// A master key of two keys, made for this test and used nowhere else, and what
// was once sealed under it. They must open for ever: databases hold their like.
const (
	oldText  = "florin-master-1:CJv2rPIKEmQKWAowdHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUuY3J5cHRvLnRpbmsuQWVzR2NtS2V5EiIaIE-96RtuuItzpI7SR9vliC4leWg0MsG_xSVFSt0M2HJ0GAEQARi_8JnXBiABEmQKWAowdHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUuY3J5cHRvLnRpbmsuQWVzR2NtS2V5EiIaIE9J-T73YSbeWzb-zvyaf3QafKFyTNiSzxCiBJxaDV6eGAEQARib9qzyCiAB.c6b34763"
	oldID    = "mk_ffb5f56ef6b70f631fd0adebb6852cee"
	oldMAC   = "0b871461c64295405bb6341ddf3df48d75870df38492a46d767e8b8fb92ff1ba"
	oldKey   = "Aa5LOxsS3AO513NxmQkYqgaEI15HyQJcCyZej3i4qpdxTMib3SaUUAMViwfMUqG1KuD7QjgqfbjokZMtbf00wpzM"
	oldEmail = "l3olF/JlAjIIRtFbcCCPrTBCseZXBHIBd+MIJ3REFq0rudAX/GCWcXnNazd0"
	oldValue = "Aa5LOxvibgy5f5pWPROKwxZ37qQXE6PWFZhAWQS8fYZUI/CrBQOH0dY="
)

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatWasSealedOnceStillOpens(t *testing.T) {
	m, err := Parse(oldText)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(oldID, m.ID()); diff != "" {
		t.Errorf("ID (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(oldMAC, hex.EncodeToString(m.MAC("vault.fingerprint", []byte("4242424242424242")))); diff != "" {
		t.Errorf("MAC (-want +got):\n%s", diff)
	}
	s, err := m.OpenSubject(unbase64(t, oldKey), []byte("cus_1"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Open(unbase64(t, oldEmail), Context("customer", "cus_1", "email")); err != nil || string(got) != "jenny@example.com" {
		t.Errorf("the field opens as %q, %v", got, err)
	}
	if got, err := m.Open(unbase64(t, oldValue), Context("provider", "acct_1")); err != nil || string(got) != "password" {
		t.Errorf("the value opens as %q, %v", got, err)
	}
	if !m.Text().Equal(NewText(oldText)) {
		t.Error("Text is not what was parsed")
	}
}

func TestParseReadsText(t *testing.T) {
	m := seeded(t, 4)
	for range 4 {
		for _, text := range []string{m.Text().Reveal(), " \t" + m.Text().Reveal() + "\r\n\n", wrapped(m.Text().Reveal())} {
			got, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if got.ID() != m.ID() || !got.Text().Equal(m.Text()) || !bytes.Equal(got.prefix, m.prefix) {
				t.Errorf("parsed %v with prefix %x, want %v with %x", got, got.prefix, m, m.prefix)
			}
		}
		m = rotated(t, m)
	}
}

// wrapped breaks text into lines as a mail program would.
func wrapped(text string) string { return text[:76] + "\r\n" + text[76:152] + "\n" + text[152:] }

func TestParseRefuses(t *testing.T) {
	good := seeded(t, 1).Text().Reveal()
	body := strings.TrimPrefix(good, textPrefix)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "is empty"},
		{"blank", " \n", "is empty"},
		{"another secret", "sk_live_4242", `begins with "florin-master-1:"`},
		{"without prefix", body, `begins with "florin-master-1:"`},
		{"capitals", strings.ToUpper(good), `begins with "florin-master-1:"`},
		{"newer", "florin-master-2:" + body, "another version"},
		{"prefix alone", textPrefix, "cut short"},
		{"check cut off", good[:strings.LastIndex(good, ".")], "cut short"},
		{"check cut", good[:len(good)-1], "damaged"},
		{"front of it lost", textPrefix + body[8:], "damaged"},
		{"not base64", textPrefix + "!" + body[1:], "damaged"},
		{"twice", good + good, "damaged"},
		{"no bytes", textPrefix + "." + check(nil), "no valid keyset"},
		{"not a keyset", textPrefix + "AAAA." + check([]byte{0, 0, 0}), "no valid keyset"},
	} {
		_, err := Parse(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", c.name, err, c.want)
			continue
		}
		if len(c.text) > 8 && strings.Contains(err.Error(), c.text[len(c.text)-8:]) {
			t.Errorf("%s: the error repeats the text: %v", c.name, err)
		}
	}
}

func TestParseNoticesEachWrongCharacter(t *testing.T) {
	good := rotated(t, seeded(t, 1)).Text().Reveal()
	for i := range good {
		for _, wrong := range []byte("A0-.\n") {
			if good[i] == wrong {
				continue
			}
			text := good[:i] + string(wrong) + good[i+1:]
			if i == len(good)-1 && wrong == '\n' {
				continue // cut by one, which TestParseRefuses has
			}
			if _, err := Parse(text); err == nil {
				t.Errorf("character %d changed into %q is not noticed", i, wrong)
			}
		}
	}
}

// A keyset that Tink accepts is still not a master key unless each key of it is
// of the one kind.
func TestParseRefusesOtherKeysets(t *testing.T) {
	for name, templates := range map[string][]*tinkpb.KeyTemplate{
		"AES-128":       {aead.AES128GCMKeyTemplate()},
		"no prefix":     {aead.AES256GCMNoPrefixKeyTemplate()},
		"ChaCha20":      {aead.ChaCha20Poly1305KeyTemplate()},
		"not an AEAD":   {mac.HMACSHA256Tag256KeyTemplate()},
		"second of two": {aead.AES256GCMKeyTemplate(), aead.AES128GCMKeyTemplate()},
	} {
		manager := keyset.NewManager()
		for _, template := range templates {
			number, err := manager.Add(template)
			if err != nil {
				t.Fatal(err)
			}
			if err := manager.SetPrimary(number); err != nil {
				t.Fatal(err)
			}
		}
		parseForeign(t, name, manager, "AES-256-GCM")
	}
	disabled := keyset.NewManagerFromHandle(rotated(t, seeded(t, 1)).handle)
	first, _ := seeded(t, 1).keys()[0].IDRequirement()
	if err := disabled.Disable(first); err != nil {
		t.Fatal(err)
	}
	parseForeign(t, "disabled", disabled, "not an enabled")
}

func parseForeign(t *testing.T, name string, manager *keyset.Manager, want string) {
	t.Helper()
	handle, err := manager.Handle()
	if err != nil {
		t.Fatal(err)
	}
	text, err := encode(handle)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(text.Reveal()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want an error with %q", name, err, want)
	}
}

func TestParseRefusesTwoKeysOfOneNumber(t *testing.T) {
	one := seeded(t, 1)
	// In protobuf, messages appended are their lists appended: the first key is
	// there twice, the primary once.
	var twice []byte
	for _, m := range []*Master{one, rotated(t, one)} {
		keys, err := decode(m.Text().Reveal())
		if err != nil {
			t.Fatal(err)
		}
		twice = append(twice, keys...)
	}
	_, err := Parse(textPrefix + textEncoding.EncodeToString(twice) + "." + check(twice))
	if err == nil || !strings.Contains(err.Error(), "no valid keyset") {
		t.Errorf("got %v, want an error about the keyset", err)
	}
}

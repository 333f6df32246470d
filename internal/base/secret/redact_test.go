package secret

import (
	"bytes"
	"database/sql/driver"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
)

const pan = "4242424242424242"

// leaks finds value in out in any of the forms that fmt and the encoders give.
func leaks(out, value string) bool {
	out = strings.ToLower(out)
	for _, form := range []string{
		value, hex.EncodeToString([]byte(value)), fmt.Sprintf("% x", value), fmt.Sprintf("%# x", value),
		strings.Trim(fmt.Sprintf("%d", []byte(value)), "[]"), strings.Trim(fmt.Sprintf("%#v", []byte(value)), "[]byte{}"),
		base64.StdEncoding.EncodeToString([]byte(value)),
	} {
		if strings.Contains(out, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

func TestLeaksFindsEachForm(t *testing.T) {
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%# x", "%d"} {
		for _, value := range []any{pan, []byte(pan), struct{ p string }{pan}, struct{ p []byte }{[]byte(pan)}} {
			out := fmt.Sprintf(format, value)
			if strings.Contains(out, "%!") && !strings.Contains(out, pan) {
				continue
			}
			if !leaks(out, pan) {
				t.Errorf("%s of %T: not found in %s", format, value, out)
			}
		}
	}
}

var verbs = strings.Split("v,+v,#v,s,q,+q,#q,x,X,#x,# x,d,+d,b,o,O,c,U,#U,e,E,f,F,g,G,t,20s,-20v,.3s,08d,z", ",")

// Those verbs that fmt doesn't leave to the value.
var verbsOfFmt = []string{"p", "T", "w", "#p"}

type inner struct {
	Name string
	PAN  Text
	Raw  Bytes
}

type hiding struct {
	pan  Text
	raw  Bytes
	more *inner
	list []Text
	ptrs []*Text
}

type embedding struct {
	Text
	Brand string
}

func secrets() map[string]any {
	text, raw := NewText(pan), NewBytes([]byte(pan))
	in := inner{Name: "Jenny", PAN: text, Raw: raw}
	return map[string]any{
		"Text": text, "*Text": &text, "Bytes": raw, "*Bytes": &raw,
		"exported fields": in, "pointer to them": &in,
		"unexported fields": hiding{text, raw, &in, []Text{text}, []*Text{&text}}, "pointer to those": &hiding{text, raw, &in, []Text{text}, []*Text{&text}},
		"embedded": embedding{text, "visa"},
		"slice":    []Text{text}, "map": map[string]Bytes{"k": raw}, "any": []any{text, raw},
		"array": [1]Text{text},
	}
}

func TestNoVerbShowsASecret(t *testing.T) {
	for name, value := range secrets() {
		for _, verb := range append(append([]string{}, verbs...), verbsOfFmt...) {
			if out := fmt.Sprintf("%"+verb, value); leaks(out, pan) {
				t.Errorf("%s with %%%s shows %s", name, verb, out)
			}
		}
		for how, out := range map[string]string{"Sprint": fmt.Sprint(value), "Sprintln": fmt.Sprintln(value)} {
			if leaks(out, pan) {
				t.Errorf("%s with %s shows %s", name, how, out)
			}
		}
	}
}

func TestVerbsPrintRedacted(t *testing.T) {
	text, raw := NewText(pan), NewBytes([]byte(pan))
	for _, value := range []any{text, &text, raw, &raw, Text{}, Bytes{}, Subject{}, &Subject{}} {
		for _, verb := range verbs {
			if got := fmt.Sprintf("%"+verb, value); got != Redacted {
				t.Errorf("%T with %%%s prints %s", value, verb, got)
			}
		}
	}
	if got := text.String() + text.GoString() + raw.String() + raw.GoString() + (Subject{}).String(); got != strings.Repeat(Redacted, 5) {
		t.Errorf("String and GoString give %s", got)
	}
	if diff := cmp.Diff("{Jenny [redacted] [redacted]}", fmt.Sprint(inner{"Jenny", text, raw})); diff != "" {
		t.Errorf("a struct (-want +got):\n%s", diff)
	}
}

func TestLogsShowNoSecret(t *testing.T) {
	text, raw := NewText(pan), NewBytes([]byte(pan))
	var out bytes.Buffer
	for name, handler := range map[string]slog.Handler{
		"text": slog.NewTextHandler(&out, nil), "json": slog.NewJSONHandler(&out, nil),
	} {
		out.Reset()
		log := slog.New(handler).With("with", text)
		log.Info("direct", "text", text, "pointer", &text, "bytes", raw, "any", slog.AnyValue(raw))
		log.Info("grouped", slog.Group("card", "number", text))
		if got := strings.Count(out.String(), Redacted); got != 7 {
			t.Errorf("%s: %d times %s, want 7:\n%s", name, got, Redacted, &out)
		}
		for name, value := range secrets() {
			log.Info(name, "value", value)
		}
		log.Error("wrapped", "error", fmt.Errorf("card %s: %w", text, errors.New("declined")))
		if leaks(out.String(), pan) {
			t.Errorf("%s shows the secret:\n%s", name, &out)
		}
	}
}

func TestEncodersShowNoSecret(t *testing.T) {
	text, raw := NewText(pan), NewBytes([]byte(pan))
	got, err := json.Marshal(map[string]any{
		"text": text, "pointer": &text, "bytes": raw, "struct": inner{"Jenny", text, raw}, "empty": Text{},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"bytes":"[redacted]","empty":"[redacted]","pointer":"[redacted]",` +
		`"struct":{"Name":"Jenny","PAN":"[redacted]","Raw":"[redacted]"},"text":"[redacted]"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	var out bytes.Buffer
	if err := template.Must(template.New("").Parse("{{.}} {{.PAN}} {{printf \"%x\" .Raw}} ")).Execute(&out, inner{"Jenny", text, raw}); err != nil {
		t.Fatal(err)
	}
	if err := xml.NewEncoder(&out).Encode(inner{"Jenny", text, raw}); err != nil {
		t.Fatal(err)
	}
	for name, value := range secrets() {
		if err := json.NewEncoder(&out).Encode(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leaks(out.String(), pan) {
		t.Errorf("shown:\n%s", &out)
	}
	if diff := cmp.Diff(`{}`, marshal(t, struct {
		T Text  `json:",omitzero"`
		B Bytes `json:",omitzero"`
	}{})); diff != "" {
		t.Errorf("omitzero (-want +got):\n%s", diff)
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestKeysPrintNoMaterial(t *testing.T) {
	m := seeded(t, 1)
	data := "a data key of thirty-two letters"
	s, err := newSubject(append([]byte{subjectFormat}, data...))
	if err != nil {
		t.Fatal(err)
	}
	key := string(m.keys()[0].KeyBytes().Data(insecuresecretdataaccess.Token{}))
	var out bytes.Buffer
	for _, value := range []any{m, *m, s, *s, struct{ m *Master }{m}, struct{ m Master }{*m}, struct{ M Master }{*m}, struct{ s Subject }{*s}} {
		for _, verb := range append(append([]string{}, verbs...), verbsOfFmt...) {
			fmt.Fprintf(&out, "%"+verb+"\n", value)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "key", value)
		out.WriteString(marshal(t, value))
	}
	for name, value := range map[string]string{"key": key, "data key": data, "root": string(m.root.Reveal()), "text": m.Text().Reveal()} {
		if leaks(out.String(), value) {
			t.Errorf("the %s is shown", name)
		}
	}
	if diff := cmp.Diff("secret.Master("+m.ID()+") \"secret.Master("+m.ID()+")\" [redacted] \"[redacted]\"",
		fmt.Sprintf("%x %s %d %s", m, marshal(t, m), s, marshal(t, s))); diff != "" {
		t.Errorf("keys print (-want +got):\n%s", diff)
	}
}

func TestTextHoldsItsValue(t *testing.T) {
	for _, value := range []string{"", pan, "\x00", Redacted} {
		text, raw := NewText(value), NewBytes([]byte(value))
		if diff := cmp.Diff([]string{value, value}, []string{text.Reveal(), string(raw.Reveal())}); diff != "" {
			t.Errorf("Reveal (-want +got):\n%s", diff)
		}
		if text.IsZero() != (value == "") || raw.IsZero() != (value == "") {
			t.Errorf("%q: IsZero is %v, %v", value, text.IsZero(), raw.IsZero())
		}
		for _, other := range []string{"", pan, pan + "0", "\x00"} {
			if got := text.Equal(NewText(other)); got != (value == other) {
				t.Errorf("Text %q equals %q: %v", value, other, got)
			}
			if got := raw.Equal(NewBytes([]byte(other))); got != (value == other) {
				t.Errorf("Bytes %q equals %q: %v", value, other, got)
			}
		}
	}
}

func TestBytesAreCopied(t *testing.T) {
	own := []byte(pan)
	b := NewBytes(own)
	own[0] = 'x'
	b.Reveal()[1] = 'x'
	if got := string(b.Reveal()); got != pan {
		t.Errorf("the value changed to %s from outside", got)
	}
}

func TestTextDecodes(t *testing.T) {
	var got struct{ Key Text }
	if err := json.Unmarshal([]byte(`{"Key":"sk_live_1"}`), &got); err != nil || got.Key.Reveal() != "sk_live_1" {
		t.Errorf("decoded %q, %v", got.Key.Reveal(), err)
	}
	if err := json.Unmarshal([]byte(marshal(t, got)), &got); err == nil || got.Key.Reveal() != "sk_live_1" {
		t.Errorf("a redacted value was taken for a value: %v", err)
	}
}

func TestSecretsAreNotStored(t *testing.T) {
	text, raw := NewText(pan), NewBytes([]byte(pan))
	for _, value := range []any{text, &text, raw, &raw} {
		if got, err := driver.DefaultParameterConverter.ConvertValue(value); !errors.Is(err, ErrStore) {
			t.Errorf("%T as an argument of a query: %v, %v; want ErrStore", value, got, err)
		}
	}
}

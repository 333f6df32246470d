package sandbox

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/provider"
)

// documented is one exchange of a transcript.
type documented struct {
	method, path, sent string
	status             int
	received           string
}

// transcripts reads testdata/*.txt: exchanges of four paragraph parts, "METHOD
// path", body, blank line, status, body, with a blank line between exchanges.
func transcripts(t *testing.T) map[string][]documented {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	all := map[string][]documented{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(strings.TrimSpace(string(text)), "\n\n")
		for i := 0; i+1 < len(parts); i += 2 {
			line, sent, _ := strings.Cut(parts[i], "\n")
			method, path, _ := strings.Cut(line, " ")
			code, received, _ := strings.Cut(parts[i+1], "\n")
			status, err := strconv.Atoi(code)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all[name] = append(all[name], documented{method, path, sent, status, received})
		}
	}
	return all
}

// TestTranscripts binds the simulator to the documented bytes.
func TestTranscripts(t *testing.T) {
	for name, exchanges := range transcripts(t) {
		now := clock.At(time.Date(2026, 11, 21, 10, 30, 0, 0, time.UTC))
		sim := NewSimulator(openBook(t, filepath.Join(t.TempDir(), "b.book")), Options{Clock: now})
		for i, ex := range exchanges {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(ex.method, ex.path, strings.NewReader(ex.sent))
			if strings.HasPrefix(ex.path, pagesRoot) {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			sim.ServeHTTP(w, r)
			if w.Code != ex.status {
				t.Errorf("%s, exchange %d: status %d, documented %d", name, i+1, w.Code, ex.status)
			}
			if diff := cmp.Diff(ex.received, w.Body.String()); diff != "" {
				t.Errorf("%s, exchange %d (-documented +answered):\n%s", name, i+1, diff)
			}
		}
	}
}

// TestConnectorTranscript binds the connector to the documented bytes: it must
// send exactly those, and understand the answers.
func TestConnectorTranscript(t *testing.T) {
	all := transcripts(t)
	eur := func(minor int64) money.Amount { return money.New(minor, "eur") }
	visa := provider.Card{Number: hidden.NewText("4242424242424242"), ExpMonth: 12, ExpYear: 2034}
	withCVC := visa
	withCVC.CVC = hidden.NewText("123")
	poor := provider.Card{Number: hidden.NewText("4000000000009995"), ExpMonth: 12, ExpYear: 2034}
	wary := provider.Card{Number: hidden.NewText("4000002760003184"), ExpMonth: 12, ExpYear: 2034}
	strange := provider.Card{Number: hidden.NewText("4000000000000036"), ExpMonth: 12, ExpYear: 2034}
	granted := func(amount int64) *provider.Granted {
		return &provider.Granted{Amount: amount, MaxCapture: amount * 6 / 5, Increment: true, Multicapture: true,
			Expires: time.Date(2026, 11, 28, 10, 30, 0, 0, time.UTC)}
	}
	tests := []struct {
		file string
		at   int
		call func(provider.Provider) provider.Outcome
		want provider.Outcome
	}{
		{"capture", 0, func(p provider.Provider) provider.Outcome {
			return p.Authorize(t.Context(), provider.AuthorizeRequest{
				Reference: "order-1001", Amount: eur(2500), Card: withCVC, Descriptor: "FLORIN BOOKS",
			})
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_kcwjh5aqbg5vqkh3", Code: "00", AuthorizationCode: "5ONTTS", CVCCheck: "pass",
			Granted: &provider.Granted{Amount: 2500, MaxCapture: 2500, Expires: time.Date(2026, 11, 28, 10, 30, 0, 0, time.UTC)}}},
		{"capture", 1, func(p provider.Provider) provider.Outcome {
			return p.Capture(t.Context(), provider.CaptureRequest{Reference: "order-1001-capture", Original: "order-1001", Amount: eur(2000)})
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_baiz22z77nedovzu", Code: "00"}},
		{"capture", 2, func(p provider.Provider) provider.Outcome {
			return p.Refund(t.Context(), provider.RefundRequest{Reference: "order-1001-refund", Original: "order-1001", Amount: eur(500)})
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_gba45wqwtvyzzchi", Code: "00"}},
		{"debit", 0, func(p provider.Provider) provider.Outcome {
			return p.Authorize(t.Context(), provider.AuthorizeRequest{Reference: "order-1011", Amount: eur(2500), Capture: true, Method: "sepa_debit",
				Account: &provider.BankAccount{Country: "DE", Number: hidden.NewText("DE35370400440532013002")}, Mandate: "mandate-1", Hold: true})
		}, provider.Outcome{Status: provider.Pending, ID: "sbx_vnuhlyrfdkgapoiy", Code: "09", Arrives: time.Date(2026, 11, 21, 10, 30, 10, 0, time.UTC)}},
		{"decline", 0, func(p provider.Provider) provider.Outcome {
			return p.Authorize(t.Context(), provider.AuthorizeRequest{Reference: "order-1002", Amount: eur(2500), Card: poor, Capture: true})
		}, provider.Outcome{Status: provider.Declined, ID: "sbx_md6addkl5vqxpreb", Code: "51", Reason: "insufficient_funds", CVCCheck: "unchecked"}},
		{"decline", 1, func(p provider.Provider) provider.Outcome {
			f := p.Inquire(t.Context(), "order-1002")
			if f.Answer != provider.Found {
				t.Errorf("answer %d, want found", f.Answer)
			}
			return f.Outcome
		}, provider.Outcome{Status: provider.Declined, ID: "sbx_md6addkl5vqxpreb", Code: "51", Reason: "insufficient_funds", CVCCheck: "unchecked"}},
		{"decline", 2, func(p provider.Provider) provider.Outcome {
			f := p.Inquire(t.Context(), "order-9999")
			if f.Answer != provider.NotFound {
				t.Errorf("answer %d, want not found", f.Answer)
			}
			return f.Outcome
		}, provider.Outcome{Code: "not_found"}},
		{"reversal", 2, func(p provider.Provider) provider.Outcome {
			return p.Reverse(t.Context(), provider.ReverseRequest{
				Reference: "order-1003-void", Original: "order-1003", Amount: money.New(999, "jpy"),
			}).Outcome
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_waorcah4awdxarkj", Code: "00"}},
		{"threeds", 0, func(p provider.Provider) provider.Outcome {
			return p.Authorize(t.Context(), provider.AuthorizeRequest{Reference: "order-1005", Amount: eur(2500), Card: wary, Capture: true})
		}, provider.Outcome{Status: provider.Declined, ID: "sbx_nxqyx6vdr6mobght", Code: "1A", Reason: "authentication_required", CVCCheck: "unchecked"}},
		{"threeds", 1, func(p provider.Provider) provider.Outcome {
			return p.Authenticate(t.Context(), provider.AuthenticateRequest{
				Reference: "order-1005-3ds", Amount: eur(2500), Card: wary, ReturnURL: "https://shop.example/back",
			})
		}, provider.Outcome{Status: provider.Pending, ID: "sbx_44eepn5yt7jg7zi5", Code: "09", Action: "/sandbox/pages/3ds/order-1005-3ds"}},
		{"threeds", 3, func(p provider.Provider) provider.Outcome {
			return p.Inquire(t.Context(), "order-1005-3ds").Outcome
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_44eepn5yt7jg7zi5", Code: "00", ThreeDS: &provider.ThreeDS{
			Result: "authenticated", Flow: "challenge", ECI: "05", Version: "2.2.0", ID: "296354f4-1e1c-1502-706c-b0a844b589fe"}}},
		{"threeds", 4, func(p provider.Provider) provider.Outcome {
			return p.Authorize(t.Context(), provider.AuthorizeRequest{
				Reference: "order-1005-again", Amount: eur(2500), Card: wary, Capture: true, Authentication: "order-1005-3ds",
			})
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_yx4vgstlcb4jl3mb", Code: "00", AuthorizationCode: "CWR3WV", CVCCheck: "unchecked"}},
		{"parts", 0, func(p provider.Provider) provider.Outcome {
			return p.Authorize(t.Context(), provider.AuthorizeRequest{
				Reference: "order-1007", Amount: money.New(10000, "usd"), Card: strange,
				Billing:  provider.Billing{Line1: hidden.NewText("1 High Street"), PostalCode: hidden.NewText("12345")},
				Features: provider.Features{Increment: true, Multicapture: true, Overcapture: true},
			})
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_gwtqmshj6xclmywr", Code: "00", AuthorizationCode: "NG4VIT",
			CVCCheck: "unchecked", Line1Check: "pass", PostalCheck: "fail", Granted: granted(10000)}},
		{"parts", 1, func(p provider.Provider) provider.Outcome {
			return p.Increment(t.Context(), provider.IncrementRequest{Reference: "order-1007-more", Original: "order-1007", Amount: money.New(5000, "usd")})
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_ettqfjkupp2nwvth", Code: "00", Granted: granted(15000)}},
		{"parts", 2, func(p provider.Provider) provider.Outcome {
			return p.Capture(t.Context(), provider.CaptureRequest{
				Reference: "order-1007-first", Original: "order-1007", Amount: money.New(12000, "usd"), More: true,
			})
		}, provider.Outcome{Status: provider.Approved, ID: "sbx_djm33q5v7y4dc7mb", Code: "00"}},
		{"refusals", 0, func(p provider.Provider) provider.Outcome {
			return p.Authorize(t.Context(), provider.AuthorizeRequest{Reference: "order-1004", Amount: eur(0), Card: visa, Capture: true})
		}, provider.Outcome{Status: provider.Failed, Code: "invalid_field", Message: "refused unprocessed: invalid_field: an amount is at least 1"}},
		{"refusals", 2, func(p provider.Provider) provider.Outcome {
			return p.Authorize(t.Context(), provider.AuthorizeRequest{Reference: "order-1004", Amount: eur(200), Card: visa, Capture: true})
		}, provider.Outcome{Code: "reference_conflict", Message: "reference_conflict: the reference names another operation"}},
	}
	for _, test := range tests {
		ex := all["testdata/"+test.file+".txt"][test.at]
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body bytes.Buffer
			if _, err := body.ReadFrom(r.Body); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]string{ex.method, ex.path, ex.sent}, []string{r.Method, r.URL.Path, body.String()}); diff != "" {
				t.Errorf("%s %d (-documented +sent):\n%s", test.file, test.at, diff)
			}
			w.WriteHeader(ex.status)
			_, _ = w.Write([]byte(ex.received))
		}))
		got := test.call(New(server.URL, ConnectorOptions{}))
		server.Close()
		got.Raw = nil
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s %d (-want +got):\n%s", test.file, test.at, diff)
		}
	}
}

// TestDocumentation: what the guide shows is what is tested.
func TestDocumentation(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range transcripts(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(guide, bytes.TrimSpace(text)) {
			t.Errorf("docs/sandbox.md does not show %s as it is", name)
		}
	}
	for code, why := range reasons {
		if !bytes.Contains(guide, []byte("| "+code+" | `"+why+"` |")) {
			t.Errorf("docs/sandbox.md does not list code %s with %s", code, why)
		}
	}
	for number, code := range declining {
		if !bytes.Contains(guide, []byte("| "+number+" | "+code+" |")) {
			t.Errorf("docs/sandbox.md does not list card %s with code %s", number, code)
		}
	}
}

func TestDecodeRequest(t *testing.T) {
	const good = `{"reference":"r","kind":"sale","amount":1,"currency":"eur","card":{"number":"4242424242424242","exp_month":1,"exp_year":2030,"cvc":"1234"}}`
	if _, refused := decodeRequest([]byte(good)); refused != nil {
		t.Fatalf("a good request is refused: %v", refused)
	}
	edit := func(from, to string) string {
		if !strings.Contains(good, from) {
			t.Fatalf("%q is not in the request", from)
		}
		return strings.Replace(good, from, to, 1)
	}
	tests := []struct{ body, code, field string }{
		{``, invalidJSON, ""},
		{`null x`, invalidJSON, ""},
		{good + `{}`, invalidJSON, ""},
		{edit(`"r"`, `"r","tip":1`), invalidJSON, ""},
		{edit(`"amount":1`, `"amount":1.5`), invalidJSON, ""},
		{edit(`"amount":1`, `"amount":9223372036854775808`), invalidJSON, ""},
		{edit(`"r"`, `""`), invalidField, "reference"},
		{edit(`"r"`, `"a/b"`), invalidField, "reference"},
		{edit(`"r"`, `"`+strings.Repeat("r", 65)+`"`), invalidField, "reference"},
		{edit(`"sale"`, `"inquiry"`), invalidField, "kind"},
		{edit(`"sale"`, `"refund"`), invalidField, "original"},
		{edit(`"sale"`, `"refund","original":"r"`), invalidField, "original"},
		{edit(`"sale"`, `"sale","original":"o"`), invalidField, "original"},
		{edit(`"sale"`, `"refund","original":"o"`), invalidField, "card"},
		{edit(`"amount":1`, `"amount":-1`), invalidField, "amount"},
		{edit(`"eur"`, `"EUR"`), invalidField, "currency"},
		{edit(`"eur"`, `"euro"`), invalidField, "currency"},
		{edit(`"r"`, `"r","descriptor":"`+strings.Repeat("d", 65)+`"`), invalidField, "descriptor"},
		{edit(`4242424242424242`, `4242-4242-4242`), invalidField, "card.number"},
		{edit(`"exp_month":1`, `"exp_month":13`), invalidField, "card.exp_month"},
		{edit(`2030`, `30`), invalidField, "card.exp_year"},
		{edit(`"1234"`, `"99"`), invalidField, "card.cvc"},
		{`{"reference":"r","kind":"sale","amount":1,"currency":"eur"}`, invalidField, "card"},
	}
	for _, test := range tests {
		_, refused := decodeRequest([]byte(test.body))
		if refused == nil || refused.Code != test.code || refused.Field != test.field {
			t.Errorf("%s\nis refused with %+v, want %s %s", test.body, refused, test.code, test.field)
		}
	}
}

func TestRedaction(t *testing.T) {
	tests := []struct{ in, want string }{
		{`{"number":"4242424242424242","cvc":"123"}`, `{"number":"424242******4242","cvc":"***"}`},
		{`pan=4242 4242 4242 4242&CVV=1234;`, `pan=424242******4242&CVV=***;`},
		{`4000-0000-0000-0002`, `400000******0002`},
		{`{\"cvc\":\"123\",\"number\":\"36227206271667\"}`, `{\"cvc\":\"***\",\"number\":\"362272****1667\"}`},
		{`6205500000000000004`, `620550*********0004`},
		{`{"amount":2500,"time":"2026-11-21T10:30:00.123Z","cvc_check":"pass"}`, `{"amount":2500,"time":"2026-11-21T10:30:00.123Z","cvc_check":"pass"}`},
	}
	for _, test := range tests {
		if got := redact([]byte(test.in)); got != test.want {
			t.Errorf("redact(%s)\n= %s, want\n  %s", test.in, got, test.want)
		}
	}
	req := request{Reference: "r", Kind: Sale, Amount: 1, Currency: "eur", Descriptor: "4242424242424242",
		Card: &card{Number: hidden.NewText("5555555555554444"), ExpMonth: 1, ExpYear: 2030, CVC: hidden.NewText("123")}}
	want := `{"reference":"r","kind":"sale","amount":1,"currency":"eur","card":{"number":"555555******4444","exp_month":1,"exp_year":2030},"descriptor":"424242******4242"}`
	if got := req.redacted(); got != want {
		t.Errorf("redacted request\n%s, want\n%s", got, want)
	}
	if req.Card.CVC.Reveal() != "123" || req.Card.Number.Reveal() != "5555555555554444" {
		t.Error("redacting changed the request itself")
	}
}

// TestOperationKeepsNoCard: what goes to the book and to /book has no field
// that a number or code could stand in.
func TestOperationKeepsNoCard(t *testing.T) {
	req := request{Reference: "r", Kind: Sale, Amount: 1, Currency: "eur",
		Card: &card{Number: hidden.NewText("5555555555554444"), ExpMonth: 1, ExpYear: 2030, CVC: hidden.NewText("987")}}
	op, err := rules{}.judge(nil, req, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(op)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("555555555555")) || bytes.Contains(text, []byte("987")) {
		t.Errorf("card data in %s", text)
	}
}

package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/hidden"
)

// with plays a request on a card, and gives the operation as it stands.
func (s *script) with(number string, req request) Operation {
	s.t.Helper()
	req.Currency = "eur"
	req.Card = &card{hidden.NewText(number), 12, 2034, hidden.Text{}}
	if refused := req.check(); refused != nil {
		s.t.Fatalf("%s %s: %v", req.Kind, req.Reference, refused)
	}
	op, err := s.sim.process(req)
	if err == nil {
		op, err = s.sim.stand(op)
	}
	if err != nil {
		s.t.Fatalf("%s %s: %v", req.Kind, req.Reference, err)
	}
	return op
}

// press answers on the page of an authentication.
func (s *script) press(reference, result string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest("POST", pagesRoot+reference, strings.NewReader(url.Values{"result": {result}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.sim.ServeHTTP(w, r)
	return w
}

// TestAuthenticationCards is the table of the guide: what a charge says without
// proof in each situation, how an authentication begins and ends, and what a
// charge says with its proof.
func TestAuthenticationCards(t *testing.T) {
	tests := []struct {
		card string
		// The codes of a charge: plain; the payer away; away, and set up.
		plain, away, setUp string
		// The codes of an authentication, and with challenge, and the result in
		// the end, Authorize being pressed where there is a page.
		begun, insisted, result string
		after                   string // the code of a charge that names it
	}{
		{"4242424242424242", "00", "00", "00", "00", "00", "attempt_acknowledged", "00"},
		{"5555555555554444", "00", "00", "00", "00", "00", "attempt_acknowledged", "00"},
		{"4000002500003155", "1A", "1A", "00", "09", "09", "authenticated", "00"},
		{"4000002760003184", "1A", "1A", "1A", "09", "09", "authenticated", "00"},
		{"4000003800000446", "1A", "00", "00", "09", "09", "authenticated", "00"},
		{"4000000000003220", "1A", "1A", "1A", "09", "09", "authenticated", "00"},
		{"4000008400000027", "1A", "1A", "1A", "09", "09", "authenticated", "00"},
		{"4000582600000094", "1A", "1A", "1A", "09", "09", "authenticated", "00"},
		{"4000582600000045", "1A", "1A", "1A", "09", "09", "authenticated", "00"},
		{"4000582600000102", "1A", "1A", "1A", "09", "09", "authenticated", "00"},
		{"4000582600000110", "1A", "1A", "1A", "09", "09", "authenticated", "00"},
		{"4000000032200000", "1A", "1A", "1A", "00", "00", "authenticated", "00"},
		{"4000008260003178", "1A", "1A", "51", "09", "09", "authenticated", "51"},
		{"4000008400001629", "1A", "1A", "1A", "09", "09", "authenticated", "05"},
		{"4000008400001280", "1A", "1A", "1A", "05", "05", "processing_error", "1A"},
		{"4000000000003055", "00", "00", "00", "00", "09", "authenticated", "00"},
		{"4000008405600003", "00", "00", "00", "00", "09", "authenticated", "00"},
		{"4000000000003097", "00", "00", "00", "00", "00", "processing_error", "00"},
		{"378282246310005", "00", "00", "00", "00", "00", "not_supported", "00"},
		{"4000000000000002", "05", "05", "05", "00", "00", "attempt_acknowledged", "05"},
		{"4242424242424241", "14", "14", "14", "14", "14", "", "14"},
	}
	for _, test := range tests {
		s := newScript(t)
		n := 0
		charge := func(req request) string {
			n++
			req.Reference, req.Kind, req.Amount = fmt.Sprint("c", n), Sale, 100
			return s.with(test.card, req).Code
		}
		got := []string{charge(request{}), charge(request{OffSession: true}), charge(request{OffSession: true, SetUp: true})}
		got = append(got, s.with(test.card, request{Reference: "a", Kind: Authenticate, Amount: 100}).Code)
		insisted := s.with(test.card, request{Reference: "b", Kind: Authenticate, Amount: 100, Challenge: true, ReturnURL: "/back"})
		got = append(got, insisted.Code)
		if insisted.State == Pending {
			if insisted.Action != "/sandbox/pages/3ds/b" || insisted.ThreeDS != nil {
				t.Errorf("%s: %+v", test.card, insisted)
			}
			if w := s.press("b", "authorize"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/back" {
				t.Errorf("%s: the page answers %d, Location %q", test.card, w.Code, w.Header().Get("Location"))
			}
		}
		ended := s.with(test.card, request{Reference: "b", Kind: Authenticate, Amount: 100, Challenge: true, ReturnURL: "/back"})
		result := ""
		if ended.ThreeDS != nil {
			result = ended.ThreeDS.Result
		}
		got = append(got, result, charge(request{Authentication: "b"}))
		want := []string{test.plain, test.away, test.setUp, test.begun, test.insisted, test.result, test.after}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.card, diff)
		}
	}
}

// TestProof: what does not prove the payer to be the card's holder, for as much,
// does not help.
func TestProof(t *testing.T) {
	const needy, other = "4000002760003184", "4000000000003220"
	s := newScript(t)
	s.with(needy, request{Reference: "open", Kind: Authenticate, Amount: 100})
	for reference, result := range map[string]string{"good": "authorize", "bad": "fail"} {
		s.with(needy, request{Reference: reference, Kind: Authenticate, Amount: 100})
		if w := s.press(reference, result); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/sandbox/pages/3ds/"+reference {
			t.Errorf("%s: %d, Location %q", result, w.Code, w.Header().Get("Location"))
		}
	}
	tests := []struct {
		name, card, authentication string
		amount                     int64
		currency, want             string
	}{
		{"proven", needy, "good", 100, "eur", "00"},
		{"less than was proven", needy, "good", 99, "eur", "00"},
		{"more than was proven", needy, "good", 101, "eur", "1A"},
		{"another card", other, "good", 100, "eur", "1A"},
		{"another currency", needy, "good", 100, "usd", "1A"},
		{"failed", needy, "bad", 100, "eur", "1A"},
		{"not ended", needy, "open", 100, "eur", "1A"},
		{"unknown", needy, "nobody", 100, "eur", "1A"},
		{"no authentication", needy, "p0", 100, "eur", "1A"},
	}
	for i, test := range tests {
		req := request{Reference: fmt.Sprint("p", i), Kind: Authorize, Amount: test.amount, Currency: test.currency, Authentication: test.authentication,
			Card: &card{hidden.NewText(test.card), 12, 2034, hidden.Text{}}}
		op, err := s.sim.process(req)
		if err != nil || op.Code != test.want {
			t.Errorf("%s: %s (%v), want %s", test.name, op.Code, err, test.want)
		}
	}
	ended := s.with(needy, request{Reference: "bad", Kind: Authenticate, Amount: 100})
	want := &ThreeDS{Result: "failed", Reason: "rejected", Flow: "challenge", Version: "2.2.0", ID: transactionID("bad")}
	if diff := cmp.Diff(want, ended.ThreeDS); diff != "" || ended.State != Declined || ended.Code != codeNotProven || ended.Action != "" {
		t.Errorf("%+v\n%s", ended, diff)
	}
}

// TestFirstChoiceCounts: the payer's answer is recorded once, whoever presses
// again.
func TestFirstChoiceCounts(t *testing.T) {
	s := newScript(t)
	req := request{Reference: "a", Kind: Authenticate, Amount: 0, ReturnURL: "https://shop.example/back?x=1"}
	s.with("4000002500003155", req)
	for _, result := range []string{"fail", "authorize", "fail"} {
		if w := s.press("a", result); w.Code != 303 || w.Header().Get("Location") != req.ReturnURL {
			t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
		}
	}
	if op := s.with("4000002500003155", req); op.State != Declined {
		t.Errorf("%+v", op)
	}
	if n := len(listed(t, s.book)); n != 2 {
		t.Errorf("%d operations in the book", n)
	}
}

// TestPage: what the payer sees, in both languages, and what nobody can press.
func TestPage(t *testing.T) {
	s := newScript(t)
	s.with("4000002760003184", request{Reference: "a", Kind: Authenticate, Amount: 1234, ReturnURL: "https://shop.example/back"})
	s.with("4242424242424242", request{Reference: "quiet", Kind: Authenticate, Amount: 100})
	s.do(Sale, "sale", "", 100)
	show := func(reference, language string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", pagesRoot+reference, nil)
		r.Header.Set("Accept-Language", language)
		w := httptest.NewRecorder()
		s.sim.ServeHTTP(w, r)
		return w
	}
	has := func(w *httptest.ResponseRecorder, status int, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if w.Code != status || !strings.Contains(w.Body.String(), part) {
				t.Errorf("%d without %q:\n%s", w.Code, part, w.Body)
			}
		}
	}
	en := show("a", "fr, en-GB;q=0.8, zh;q=0.3")
	has(en, 200, `lang="en"`, "12.34 EUR", "•••• 3184", `method="post"`, ">Authorize</button>", ">Fail</button>", `name="viewport"`)
	if strings.Contains(en.Body.String(), "<script") || !strings.Contains(en.Header().Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v\n%s", en.Header(), en.Body)
	}
	has(show("a", "zh-CN,zh;q=0.9,en;q=0.8"), 200, `lang="zh"`, ">授权</button>", ">拒绝</button>")
	for _, reference := range []string{"nobody", "quiet", "sale"} {
		has(show(reference, ""), 404, "no such authentication")
		if w := s.press(reference, "authorize"); w.Code != 404 {
			t.Errorf("%s can be pressed: %d", reference, w.Code)
		}
	}
	for _, result := range []string{"", "maybe"} {
		if w := s.press("a", result); w.Code != 400 {
			t.Errorf("%q: %d", result, w.Code)
		}
	}
	s.press("a", "authorize")
	ended := show("a", "")
	has(ended, 200, `href="https://shop.example/back"`)
	if strings.Contains(ended.Body.String(), "<button") {
		t.Errorf("an authentication that has ended can be pressed:\n%s", ended.Body)
	}
}

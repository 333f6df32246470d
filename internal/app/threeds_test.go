package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/base/db/dbtest"
)

// browser is a payer's: it goes where it is sent one step at a time.
type browser struct {
	t       *testing.T
	address string // Florin's
	client  http.Client
}

// payerOf starts Florin and gives a payer's browser, which is on it.
func payerOf(t *testing.T) *browser {
	t.Helper()
	c := config(t, dbtest.Address(t))
	c.SecretKey = webKey
	a := start(t, c)
	address, _, _ := run(t, a.Serve, nil)
	return &browser{t: t, address: address, client: http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// open gets a page, or sends its form.
func (b *browser) open(address string, form url.Values) (status int, location, text string) {
	b.t.Helper()
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "zh-CN")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	reply, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer reply.Body.Close()
	page, err := io.ReadAll(reply.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply.StatusCode, reply.Header.Get("Location"), string(page)
}

// call makes a request of the merchant's.
func (b *browser) call(path string, form url.Values) (int, map[string]any) {
	b.t.Helper()
	status, text := post(b.t, b.address+path, form)
	var body map[string]any
	if err := json.Unmarshal([]byte(text), &body); err != nil {
		b.t.Fatalf("%v in %s", err, text)
	}
	return status, body
}

// path follows field names, dotted.
func path(value any, names string) any {
	for name := range strings.SplitSeq(names, ".") {
		fields, _ := value.(map[string]any)
		value = fields[name]
	}
	return value
}

// method is the payment method of a card's number.
func (b *browser) method(number string) string {
	b.t.Helper()
	status, pm := b.call("/v1/payment_methods", url.Values{"type": {"card"}, "card[number]": {number}, "card[exp_month]": {"12"}, "card[exp_year]": {"2040"}, "card[cvc]": {"123"}})
	if status != http.StatusOK {
		b.t.Fatal(pm)
	}
	return pm["id"].(string)
}

// press answers the issuer's page as its form says, and gives where the payer
// is sent then.
func (b *browser) press(page, button string) string {
	b.t.Helper()
	status, _, text := b.open(page, nil)
	if status != http.StatusOK || !strings.Contains(text, `<form method="post">`) || !strings.Contains(text, `name="result" value="`+button+`"`) {
		b.t.Fatalf("%d %s", status, text)
	}
	status, back, _ := b.open(page, url.Values{"result": {button}})
	if status != http.StatusSeeOther || !strings.HasPrefix(back, b.address+"/return/") {
		b.t.Fatalf("%d, sent to %s", status, back)
	}
	return back
}

// What https://docs.stripe.com/testing says of its cards for 3D Secure.
func TestEveryCardForAuthentication(t *testing.T) {
	b := payerOf(t)
	for name, c := range map[string]struct {
		card, wish string
		asked      bool   // the payer is sent to the issuer's page
		status     string // in the end
		decline    string
		result     string // of the authentication; empty: there was none
	}{
		"auth unless set up":       {card: "4000002500003155", asked: true, status: "succeeded", result: "authenticated"},
		"always auth":              {card: "4000002760003184", asked: true, status: "succeeded", result: "authenticated"},
		"set up for off-session":   {card: "4000003800000446", asked: true, status: "succeeded", result: "authenticated"},
		"then insufficient funds":  {card: "4000008260003178", asked: true, status: "requires_payment_method", decline: "insufficient_funds", result: "authenticated"},
		"required":                 {card: "4000000000003220", asked: true, status: "succeeded", result: "authenticated"},
		"required 2":               {card: "4000008400000027", asked: true, status: "succeeded", result: "authenticated"},
		"then declined":            {card: "4000008400001629", asked: true, status: "requires_payment_method", decline: "generic_decline", result: "authenticated"},
		"lookup error":             {card: "4000008400001280", status: "requires_payment_method", decline: "generic_decline"},
		"optional":                 {card: "4000000000003055", status: "succeeded"},
		"optional, wanted":         {card: "4000000000003055", wish: "any", status: "succeeded", result: "authenticated"},
		"optional, insisted on":    {card: "4000000000003055", wish: "challenge", asked: true, status: "succeeded", result: "authenticated"},
		"optional, error":          {card: "4000000000003097", status: "succeeded"},
		"optional, error, wanted":  {card: "4000000000003097", wish: "any", status: "succeeded", result: "processing_error"},
		"not supported":            {card: "378282246310005", status: "succeeded"},
		"not supported but wanted": {card: "378282246310005", wish: "any", status: "succeeded", result: "not_supported"},
		"not enrolled but wanted":  {card: "4242424242424242", wish: "any", status: "succeeded", result: "attempt_acknowledged"},
		"frictionless":             {card: "4000000032200000", status: "succeeded", result: "authenticated"},
		"out of band":              {card: "4000582600000094", asked: true, status: "succeeded", result: "authenticated"},
		"one-time password":        {card: "4000582600000045", asked: true, status: "succeeded", result: "authenticated"},
		"single select":            {card: "4000582600000102", asked: true, status: "succeeded", result: "authenticated"},
		"multi select":             {card: "4000582600000110", asked: true, status: "succeeded", result: "authenticated"},
	} {
		t.Run(name, func(t *testing.T) {
			b := &browser{t: t, address: b.address, client: b.client}
			form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "confirm": {"true"}, "return_url": {"https://shop.example/done?order=7"}, "payment_method": {b.method(c.card)}}
			if c.wish != "" {
				form.Set("payment_method_options[card][request_three_d_secure]", c.wish)
			}
			status, made := b.call("/v1/payment_intents", form)
			if nested, ok := path(made, "error.payment_intent").(map[string]any); ok {
				if status != http.StatusPaymentRequired {
					t.Errorf("status %d", status)
				}
				made = nested
			}
			if asked := made["status"] == "requires_action"; asked != c.asked {
				t.Fatalf("asked %v: %v", asked, made)
			}
			if c.asked {
				_, sent, _ := b.open(b.press(path(made, "next_action.redirect_to_url.url").(string), "authorize"), nil)
				told := url.Values{"payment_intent": {made["id"].(string)}, "payment_intent_client_secret": {made["client_secret"].(string)}, "redirect_status": {"succeeded"}}
				if c.status != "succeeded" {
					told.Set("redirect_status", "failed")
				}
				if want := "https://shop.example/done?order=7&" + told.Encode(); sent != want {
					t.Errorf("sent to %s, want %s", sent, want)
				}
			}
			done := b.intent(made["id"].(string))
			card := path(done, "latest_charge.payment_method_details.card.three_d_secure.result")
			if c.decline == "" && done["last_payment_error"] != nil || c.decline != "" && path(done, "last_payment_error.decline_code") != c.decline ||
				done["status"] != c.status || c.result == "" && card != nil || c.result != "" && card != c.result {
				t.Errorf("status %v, authentication %v, error %v", done["status"], card, done["last_payment_error"])
			}
		})
	}
}

func (b *browser) intent(id string) map[string]any {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.address+"/v1/payment_intents/"+id+"?expand[]=latest_charge", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.SetBasicAuth(webKey, "")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer reply.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(reply.Body).Decode(&body); err != nil {
		b.t.Fatal(err)
	}
	return body
}

// Without a page of the merchant's the payer gets one of ours. A second press
// changes nothing, and an address that is made up leads nowhere.
func TestThePayersPage(t *testing.T) {
	b := payerOf(t)
	for button, says := range map[string]string{"authorize": "已完成", "fail": "未能完成"} {
		_, made := b.call("/v1/payment_intents", url.Values{"amount": {"2000"}, "currency": {"usd"}, "confirm": {"true"}, "payment_method": {"pm_card_authenticationRequired"}})
		page, _ := path(made, "next_action.use_stripe_sdk.stripe_js").(string)
		back := b.press(page, button)
		for range 2 {
			status, _, text := b.open(back, nil)
			if status != http.StatusOK || !strings.Contains(text, says) || !strings.Contains(text, "lang=\"zh-Hans\"") || !strings.Contains(text, "20.00 USD") {
				t.Errorf("%s: %d %s", button, status, text)
			}
		}
		b.open(page, url.Values{"result": {"authorize"}})
		want := map[string]string{"authorize": "succeeded", "fail": "requires_payment_method"}[button]
		if got := b.intent(made["id"].(string)); got["status"] != want {
			t.Errorf("%s: %v", button, got["status"])
		}
		other := strings.Replace(back, "/return/p", "/return/s", 1)
		for _, nowhere := range []string{back + "x", back[:len(back)-1], other, b.address + "/return/p1-1-AAAAAAAAAAAAAAAAAAAAAAAA", b.address + "/return/-"} {
			if status, _, text := b.open(nowhere, nil); status != http.StatusNotFound || strings.Contains(text, "USD") {
				t.Errorf("%s: %d %s", nowhere, status, text)
			}
		}
	}
}

func TestPublicURL(t *testing.T) {
	for _, good := range []string{"", "https://pay.example", "http://localhost:8420/"} {
		if err := checkPublicURL(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"pay.example", "ftp://pay.example", "https://", "https://pay.example/path", "https://pay.example?q", "https://me@pay.example", "https://pay.example#x"} {
		if checkPublicURL(bad) == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

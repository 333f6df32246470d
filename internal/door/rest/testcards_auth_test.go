package rest

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/core/setup"
	"github.com/florinpay/florin/internal/door/rest/spec"
)

// press has the payer go to the issuer's page, press a button and come back. It
// gives the intent as it is then.
func (w *cardWalk) press(a *answered, button string) *answered {
	w.t.Helper()
	a.ok().has(map[string]any{"status": "requires_action", "next_action.type": "redirect_to_url", "next_action.redirect_to_url.return_url": "https://shop.example/done"})
	reference := path.Base(a.str("next_action.redirect_to_url.url"))
	reply, err := http.DefaultTransport.RoundTrip(w.choice(reference, button))
	if err != nil {
		w.t.Fatal(err)
	}
	_ = reply.Body.Close()
	if reply.StatusCode != http.StatusSeeOther {
		w.t.Fatalf("the page answers %d", reply.StatusCode)
	}
	w.returned(reference)
	return w.get("/v1/" + a.str("object") + "s/" + a.str("id") + "?expand[]=payment_method&expand[]=latest_" + map[string]string{"payment_intent": "charge", "setup_intent": "attempt"}[a.str("object")])
}

// choice is the form of the issuer's page.
func (w *cardWalk) choice(reference, button string) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.acquirer+"/pages/3ds/"+reference, strings.NewReader(url.Values{"result": {button}}.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// returned tells Florin that a payer is back.
func (w *cardWalk) returned(reference string) {
	w.t.Helper()
	var err error
	if key, ok := payment.Attempts.Prefix.Parse(reference); ok {
		_, _, err = w.server.Payment.Returned(context.Background(), w.scope(), payment.AttemptID(key))
	} else if key, ok := setup.Attempts.Prefix.Parse(reference); ok {
		_, _, err = w.server.Setup.Returned(context.Background(), w.scope(), setup.AttemptID(key))
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// authenticates tries what a card does about 3D Secure: where the merchant wishes
// for it, where the payer refuses, is away, and has agreed to be away.
func (w *cardWalk) authenticates() {
	w.t.Helper()
	name := "payment_method=pm_card_" + w.names[0]
	if w.auth == notEnrolled && w.names[0] != "visa" && w.names[0] != "mastercard" || w.blocked {
		return // as all others
	}
	for _, wish := range []string{"any", "challenge"} {
		a := w.post("/v1/payment_intents", toBePaid+name+"&payment_method_options[card][request_three_d_secure]="+wish)
		if w.auth.asks || wish == "challenge" && w.auth.insists {
			a = w.press(a, "authorize")
		}
		w.ended(wish, a, nil, cmp.Or(w.auth.wished, w.auth.result))
	}
	if w.auth.asks {
		w.press(w.post("/v1/payment_intents", toBePaid+name), "fail").has(map[string]any{
			"status": "requires_payment_method", "last_payment_error.code": "payment_intent_authentication_failure", "latest_charge": nil})
		w.cannotAsk("error_on_requires_action=true&"+name, "authentication_not_handled")
	}
	if w.auth.away {
		w.ended("away", w.post("/v1/payment_intents", toBePaid+"off_session=true&"+name), nil, "")
	} else {
		w.cannotAsk("off_session=true&"+name, "authentication_required")
	}
	w.agrees(name)
}

func (w *cardWalk) cannotAsk(params, decline string) {
	w.t.Helper()
	w.post("/v1/payment_intents", toBePaid+params).is(http.StatusPaymentRequired).has(map[string]any{"error.type": "card_error", "error.code": "authentication_required",
		"error.decline_code": decline, "error.payment_intent.status": "requires_payment_method"})
}

// agrees sets the card up with its holder there, and pays with it while the holder is
// away.
func (w *cardWalk) agrees(name string) {
	w.t.Helper()
	customer := w.aCustomer()
	a := w.post("/v1/setup_intents", "confirm=true&return_url=https://shop.example/done&expand[]=payment_method&"+name+"&customer="+customer)
	w.contract(spec.ByID("PostSetupIntents"), a)
	switch {
	case w.auth.asks:
		a = w.press(a, "authorize")
	case w.auth.proves:
		a.is(http.StatusPaymentRequired)
		w.refusedAs(a, w.declines)
		return
	}
	a.ok().has(map[string]any{"status": "succeeded", "payment_method.customer": customer})
	form := toBePaid + "off_session=true&customer=" + customer + "&payment_method=" + a.str("payment_method.id")
	if w.auth.setUp {
		w.ended("set up", w.post("/v1/payment_intents", form), nil, "")
		return
	}
	w.post("/v1/payment_intents", form).is(http.StatusPaymentRequired).has(map[string]any{"error.code": "authentication_required", "error.decline_code": "authentication_required"})
}

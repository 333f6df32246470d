package app

import "net/http"

// page is what a browser sees at the root: that it runs, and what to do next.
const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Florin</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 10vh auto; padding: 0 1rem; color: #1b1b1f; background: #fff }
pre { background: #f4f4f6; padding: 1rem; border-radius: .5rem; overflow-x: auto; font-size: .875rem }
@media (prefers-color-scheme: dark) { body { color: #e6e6ea; background: #16161a } pre { background: #24242a } }
</style>
<h1>Florin is running</h1>
<p>This address speaks Stripe’s REST API. Point an official SDK at it, with the test key that <code>florin serve</code> showed at its first start, or pay with curl:</p>
<pre>curl http://localhost:8420/v1/payment_intents \
  -u "$FLORIN_SECRET_KEY:" \
  -d amount=2000 -d currency=usd \
  -d payment_method=pm_card_visa -d confirm=true \
  -d "automatic_payment_methods[enabled]=true" \
  -d "automatic_payment_methods[allow_redirects]=never"</pre>
<p><a href="/healthz">Health</a></p>
</html>
`

func welcome(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(page))
}

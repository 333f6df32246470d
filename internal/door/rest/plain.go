package rest

import (
	"net/http"

	"github.com/florinpay/florin/internal/base/listen"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
)

// cardParams are the names under which the API takes card data in the clear,
// wherever they stand but in metadata, whose names are the caller's own. That
// more is refused than any operation takes is meant: a number that was sent is
// exposed, whether or not it was of use.
var cardParams = map[string]bool{"number": true, "cvc": true}

// refuseExposed refuses card data that others could read on its way here.
// Nothing of the request has been stored or logged by then, and nothing is.
func refuseExposed(r *http.Request, tree *form.Value) error {
	param := cardParam(tree, "")
	if param == "" || listen.PeerOf(r).Private {
		return nil
	}
	return noRetry(&fault.Error{Kind: fault.Forbidden, Param: param, Message: "Card data was sent over plain HTTP, where others could read it. It was refused, and nothing of it was kept. " +
		"Send it to an https:// address: start Florin with --tls-cert and --tls-key, or name the proxy in front of it with --trusted-proxies and let the proxy set 'X-Forwarded-Proto: https'."})
}

// cardParam names the first parameter that is card data, in bracket form; ""
// when there is none.
func cardParam(v *form.Value, name string) string {
	for i := range v.Len() {
		part, child := v.At(i)
		at := part
		if name != "" {
			at = name + "[" + part + "]"
		}
		switch {
		case part == "metadata":
			continue
		case child.Kind() == form.Scalar && cardParams[part]:
			return at
		}
		if found := cardParam(child, at); found != "" {
			return found
		}
	}
	return ""
}

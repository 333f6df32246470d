package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
)

// Signature is the value of the header Stripe-Signature for a payload sent at a
// time: "t=<unix seconds>,v1=<hex>", with one v1 for each secret, in their
// order. The key of the HMAC is the whole secret, "whsec_" included; what it
// covers is the time, a dot and the payload, byte for byte as sent.
func Signature(secrets []hidden.Text, at time.Time, payload []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	var out strings.Builder
	out.WriteString("t=" + stamp)
	for _, s := range secrets {
		mac := hmac.New(sha256.New, []byte(s.Reveal()))
		mac.Write([]byte(stamp + "."))
		mac.Write(payload)
		out.WriteString(",v1=" + hex.EncodeToString(mac.Sum(nil)))
	}
	return out.String()
}

package webhook

import (
	"testing"
	"time"

	"github.com/florinpay/florin/internal/kit/hidden"
)

func TestSignature(t *testing.T) {
	at := time.Unix(1700000000, 999999999)
	one, two := hidden.NewText("whsec_one"), hidden.NewText("whsec_two")
	// openssl: printf '1700000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac whsec_one
	const first, second = "v1=401fbbceeb3818dc562ff77127ba1c62e47e24c9c6cde4d7a6eba85e32dbd058", "v1=4fb9aa7e8a9678e685ef5c7eafa19ac1eb7c0564196cbe246ca08c2fd799eaf3"
	for _, c := range []struct {
		name    string
		secrets []hidden.Text
		want    string
	}{
		{"one secret", []hidden.Text{one}, "t=1700000000," + first},
		{"both secrets of a roll", []hidden.Text{two, one}, "t=1700000000," + second + "," + first},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Signature(c.secrets, at, []byte(`{"id":"evt_1"}`)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

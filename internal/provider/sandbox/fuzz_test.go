package sandbox

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/provider"
)

// FuzzDecodeRequest: whatever the simulator accepts is judged without a panic,
// and says the same when it is written and read again.
func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"reference":"r","kind":"sale","amount":1,"currency":"eur","card":{"number":"4242424242424242","exp_month":1,"exp_year":2030,"cvc":"123"}}`))
	f.Add([]byte(`{"reference":"r","kind":"capture","original":"o","amount":1,"currency":"eur"}`))
	f.Add([]byte(`{"reference":"r","kind":"reversal","original":"o","amount":9223372036854775807,"currency":"eur"}`))
	f.Add([]byte(`{"kind":1}`))
	book := openBook(f, filepath.Join(f.TempDir(), "b.book"))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, refused := decodeRequest(body)
		if refused != nil {
			if refusalStatus[refused.Code] != 400 {
				t.Errorf("refused with %q", refused.Code)
			}
			return
		}
		op, err := rules{}.judge(fileView{book}, req, noon)
		if err == nil && !req.asks(op) {
			t.Errorf("%+v was judged as %+v", req, op)
		}
		text, err := req.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, refused := decodeRequest(text)
		if refused != nil {
			t.Fatalf("%s: %v", text, refused)
		}
		if second, err := again.encode(); err != nil || !bytes.Equal(text, second) {
			t.Errorf("%s, and then %s (%v)", text, second, err)
		}
	})
}

// FuzzReply: only an answer to this very request ends it, and only a documented
// refusal means that nothing happened.
func FuzzReply(f *testing.F) {
	req := request{Reference: "r", Kind: Sale, Amount: 100, Currency: "eur", Card: &card{hidden.NewText("4242424242424242"), 12, 2034, hidden.Text{}}}
	f.Add(200, []byte(approvedSale))
	f.Add(400, []byte(`{"error":{"code":"invalid_field","message":"m","processed":false}}`))
	f.Add(404, []byte(`{"error":{"code":"not_found","message":"m","processed":false}}`))
	f.Add(500, []byte(`{"error":{"code":"internal"}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		out := outcomeOf(req, status, body)
		switch out.Status {
		case provider.Approved, provider.Declined:
			op, err := decodeOperation(body)
			if status != 200 || err != nil || op.Reference != "r" || op.Amount != 100 || op.Currency != "eur" || op.Kind != Sale {
				t.Errorf("%v by %d %q", out.Status, status, body)
			}
			if out.Status == provider.Declined && out.Reason == "" {
				t.Errorf("declined without a reason by %q", body)
			}
		case provider.Failed:
			if r := decodeRefusal(status, body); r == nil || status < 400 || status > 499 || !unprocessed[r.Code] {
				t.Errorf("failed by %d %q", status, body)
			}
		case provider.Unknown:
			if out.Message == "" {
				t.Errorf("unknown without a message by %d %q", status, body)
			}
		default:
			t.Errorf("%v by %d %q", out.Status, status, body)
		}
		if find := findingOf("r", status, body); find.Answer == provider.NotFound && status != 404 {
			t.Errorf("not found by %d %q", status, body)
		}
	})
}

// FuzzLoadBook: no bytes make a book panic, and what it loads it would have
// written.
func FuzzLoadBook(f *testing.F) {
	line, _ := frame(0, []byte(approvedSale))
	f.Add([]byte(bookHeading))
	f.Add(append([]byte(bookHeading), line...))
	f.Fuzz(func(t *testing.T, text []byte) {
		b := newFileBook()
		good, err := b.load(bytes.NewReader(text))
		if err != nil {
			return
		}
		if good > int64(len(text)) || good > 0 && (text[good-1] != '\n' || bytes.Count(text[:good], []byte("\n")) != len(b.ops)+1) {
			t.Errorf("%d operations in %d good bytes of %q", len(b.ops), good, text)
		}
	})
}

// FuzzRedact: nothing that looks like a card number or a labelled code comes
// through.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(`{"number":"4242424242424242","cvc":"123"}`))
	f.Add([]byte("4242 4242-4242 4242\xff cvv2 = 1234"))
	f.Add([]byte("CvC0000000"))
	f.Add([]byte("cvc000 000"))
	f.Fuzz(func(t *testing.T, body []byte) {
		text := redact(body)
		if again := hidden.MaskCards(text); again != text {
			t.Errorf("%q still has what %q masks, of %q", text, again, body)
		}
	})
}

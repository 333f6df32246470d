package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
)

func TestSecurityCodeGoesAtTheOutcome(t *testing.T) {
	w := newWorld(t)
	m := w.method(visa, "737", Billing{})
	row := m.Body.CardRow
	if card, err := w.CardData(t.Context(), w.s, row); err != nil || card.CVC.Reveal() != "737" || card.Number.Reveal() != visa || card.ExpMonth != 12 || card.ExpYear != 2030 {
		t.Fatal(card, err)
	}
	for range 2 { // the second time there is none
		err := w.db.Run(t.Context(), db.Step{Name: "test", Scope: w.s.Key(), Needs: []db.Need{CVCNeed(w.s, row)}, Do: func(tx *db.Tx) error {
			return w.DropCVC(tx, w.s, row)
		}})
		if err != nil {
			t.Fatal(err)
		}
		if card, err := w.CardData(t.Context(), w.s, row); err != nil || card.CVC.Reveal() != "" || card.Number.Reveal() != visa {
			t.Fatal(card, err)
		}
	}
	if _, ok, err := cvcs.Read(t.Context(), w.db, at(w.s, row)); ok || err != nil {
		t.Error("the row is there", err)
	}
}

func TestSecurityCodeExpires(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	expire := func(limit, want int) {
		t.Helper()
		if n, err := w.ExpireCVC(ctx, limit); err != nil || n != want {
			t.Fatalf("%d removed, want %d: %v", n, want, err)
		}
	}
	var old []*object.Object[PaymentMethod]
	for range 4 {
		old = append(old, w.method(visa, "737", Billing{}))
	}
	there := w.s
	w.s = testScope(9, true)
	old = append(old, w.method(visa, "737", Billing{}))
	w.s = there
	w.clock.Advance(CVCLife / 2)
	young := w.method(visa, "738", Billing{})
	expire(100, 0)
	w.clock.Advance(CVCLife/2 - time.Microsecond)
	expire(100, 0)
	w.clock.Advance(time.Microsecond)
	for _, m := range old { // not removed yet, and not given any more
		if card, err := w.CardData(ctx, m.Scope, m.Body.CardRow); err != nil || card.CVC.Reveal() != "" || card.Number.Reveal() != visa {
			t.Error(card, err)
		}
	}
	expire(3, 3)
	expire(100, 2)
	expire(100, 0)
	if card, err := w.CardData(ctx, w.s, young.Body.CardRow); err != nil || card.CVC.Reveal() != "738" {
		t.Error(card.CVC, err)
	}
}

func TestCVCCheckIsRecorded(t *testing.T) {
	w := newWorld(t)
	m := w.method(visa, "737", Billing{})
	for _, check := range []string{"", "unchecked", "fail", "fail"} {
		if err := w.step(func(tx *db.Tx) error {
			o, _, err := PaymentMethods.Get(tx, w.s, m.Key)
			if err != nil {
				return err
			}
			if !o.Body.Card.Checks.Learn(Checks{CVC: check}) {
				return nil
			}
			return PaymentMethods.Update(tx, o)
		}); err != nil {
			t.Fatal(err)
		}
	}
	if read, err := w.RetrievePaymentMethod(t.Context(), w.s, w.pm(m)); err != nil || read.Body.Card.Checks.CVC != "fail" || read.Version != 2 {
		t.Error(read.Body.Card.Checks, read.Version, err)
	}
}

// TestNothingInClear runs every operation and then looks for what must be
// sealed in the bytes of the database's files.
func TestNothingInClear(t *testing.T) {
	address := dbtest.SQLite(t)
	w := worldAt(t, address)
	ctx := t.Context()
	const cvc, number, name, email, street = "7391", "4000056655665556", "Zebedee Quillfeather", "quill@feather.example", "77 Sealed Lane"
	b := Billing{Name: name, Email: email, Phone: "+4417391", Address: Address{Line1: street}}
	spaced := CardInput{Number: secret.NewText("4000 0566-5566 5556"), CVC: secret.NewText(cvc), ExpMonth: 12, ExpYear: 2030}
	for i := range 20 {
		c := w.customer(CustomerParams{Name: new(name), Email: new(email), Address: &b.Address, Source: "tok_visa_debit"})
		tok := must[Token](t)(w.CreateToken(ctx, w.s, &TokenInput{Card: spaced, Billing: b}, request(fmt.Sprint("t", i), 1)))
		ofToken := must[PaymentMethod](t)(w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Token: w.tok(tok)}, request(fmt.Sprint("p", i), 1)))
		ofCard := must[PaymentMethod](t)(w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Card: &spaced, Billing: b}, request(fmt.Sprint("c", i), 1)))
		for _, m := range []*object.Object[PaymentMethod]{ofToken, ofCard} {
			w.attached(m, c)
			must[PaymentMethod](t)(w.UpdatePaymentMethod(ctx, w.s, w.pm(m), &MethodParams{ExpMonth: new(2), Billing: &BillingParams{TaxID: new("x")}}, nil))
			if _, err := w.CardData(ctx, w.s, m.Body.CardRow); err != nil {
				t.Fatal(err)
			}
		}
		must[Customer](t)(w.UpdateCustomer(ctx, w.s, w.cus(c), &CustomerParams{Shipping: &Shipping{Name: name, Address: b.Address}}, request(fmt.Sprint("u", i), 1)))
		must[PaymentMethod](t)(w.DetachPaymentMethod(ctx, w.s, w.pm(ofCard), nil))
		bad := spaced
		bad.ExpMonth = 13
		if _, err := w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Card: &bad}, request(fmt.Sprint("b", i), 1)); err == nil {
			t.Fatal("month 13 was accepted")
		}
		if _, err := w.AttachPaymentMethod(ctx, w.s, number, w.cus(c), request(fmt.Sprint("n", i), 1)); err != nil {
			t.Fatal(err) // the refusal, which repeats the reference, is recorded sealed
		}
	}
	path := strings.TrimPrefix(address, "sqlite:")
	var all []byte
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	if !bytes.Contains(all, []byte("\x61l\x645556")) || len(all) < 100_000 {
		t.Fatalf("%d bytes, which don't even hold the last four digits: the search proves nothing", len(all))
	}
	for _, clear := range []string{number, "4000 0566", "400005665566", name, "Quillfeather", email, street} {
		for _, form := range forms(clear) {
			if i := bytes.Index(all, []byte(form)); i >= 0 {
				t.Errorf("%q stands in clear as %q at %d", clear, form, i)
			}
		}
	}
	if n := alone(all, cvc); n > 0 {
		t.Errorf("the security code stands in clear %d times", n)
	}
}

// forms are ways in which text may stand in a file: as it is, in JSON within
// JSON, and within base64 at each of the three alignments.
func forms(text string) []string {
	list := []string{text, fmt.Sprintf("%x", text)}
	for pad := range 3 {
		coded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", pad) + text))
		list = append(list, coded[(pad*8+5)/6:len(coded)-4]) // without what the neighbours decide
	}
	return list
}

// alone counts where text stands and is not part of a longer word or number, as
// four digits may be by chance.
func alone(all []byte, text string) (n int) {
	word := func(i int) bool {
		return i >= 0 && i < len(all) && strings.IndexByte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/", all[i]) >= 0
	}
	for at := 0; ; at++ {
		i := bytes.Index(all[at:], []byte(text))
		if i < 0 {
			return n
		}
		if at += i; !word(at-1) && !word(at+len(text)) {
			n++
		}
	}
}

func TestAloneFindsCodes(t *testing.T) {
	if n := alone([]byte(`"7391" 7391,a7391 17391 73910`+"\x007391\x00"), "7391"); n != 3 {
		t.Error(n)
	}
	for _, form := range forms("4000056655665556") {
		if len(form) < 16 {
			t.Errorf("%q is too short to look for", form)
		}
	}
	for pad := range 3 {
		coded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("?", pad) + "4000056655665556!!"))
		found := false
		for _, form := range forms("4000056655665556")[2:] {
			found = found || strings.Contains(coded, form)
		}
		if !found {
			t.Errorf("a number at alignment %d is not found", pad)
		}
	}
}

// TestNothingInPrint: whatever is printed on the way of a card shows neither
// its number nor its code.
func TestNothingInPrint(t *testing.T) {
	w := newWorld(t)
	in := &MethodInput{Type: "card", Card: typed(visa, "7391"), Billing: Billing{Name: "Ada"}}
	c, err := in.Card.check(noon)
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.ReferInput(w.s, in)
	if err != nil {
		t.Fatal(err)
	}
	m := w.method(visa, "7391", Billing{})
	card, err := w.CardData(t.Context(), w.s, m.Body.CardRow)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, value := range []any{in, *in.Card, c, *c, f.draft, f.body, m, TokenInput{Card: *in.Card}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		text, err := json.Marshal(value)
		fmt.Fprintln(&out, string(text), err)
		log.Info("value", "value", value)
	}
	fmt.Fprintf(&out, "%v %+v %#v %s", card, card, card, card)
	log.Info("value", "value", card)
	for _, clear := range []string{visa, "7391", fmt.Sprintf("%x", visa)} {
		if alone(out.Bytes(), clear) > 0 {
			t.Errorf("%q is printed", clear)
		}
	}
	if !strings.Contains(out.String(), "4242") {
		t.Error("not even the last four digits are printed: the search proves nothing")
	}
}

// TestErasure: of an erased person nothing can be read, here at once and in
// other processes soon; everything else stays.
func TestErasure(t *testing.T) {
	address := dbtest.Address(t)
	w := worldAt(t, address)
	ctx := t.Context()
	elsewhere := open(t, dbtest.OpenAt(t, address, db.Options{Clock: w.clock}))
	person := Billing{Name: "Ada", Email: "ada@example.com"}
	ada := w.customer(CustomerParams{Name: new("Ada"), Email: new("ada@example.com")})
	bare := w.customer(CustomerParams{})
	bob := w.customer(CustomerParams{Name: new("Bob"), Email: new("bob@example.com")})
	bobs := w.attached(w.method(visa, "737", Billing{Name: "Bob"}), bob)
	methods := w.methodsOf(ada, person, erasePage+7) // more than a page
	detached := must[PaymentMethod](t)(w.DetachPaymentMethod(ctx, w.s, w.pm(methods[0]), nil))
	tok := w.token(visa, "737", person)
	ofToken := w.attached(must[PaymentMethod](t)(w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Token: w.tok(tok)}, nil)), ada)
	methods = append(methods, detached, ofToken)
	readable := func(v *Service) (n int) {
		t.Helper()
		p, err := v.CustomerPersonal(ctx, ada)
		if err != nil {
			t.Fatal(err)
		}
		if p != (Personal{}) {
			n++
		}
		for _, m := range methods {
			b, err := v.BillingDetails(ctx, m)
			if err != nil {
				t.Fatal(err)
			}
			if b != (Billing{}) {
				n++
			}
		}
		return n
	}
	for _, v := range []*Service{w.Service, elsewhere} { // also fills their keyrings
		if n := readable(v); n != len(methods)+1 {
			t.Fatalf("%d readable before", n)
		}
	}
	if err := w.EraseCustomer(ctx, w.s, w.cus(bare)); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be repeated
		if err := w.EraseCustomer(ctx, w.s, w.cus(ada)); err != nil {
			t.Fatal(err)
		}
		if n := readable(w.Service); n != 0 {
			t.Errorf("%d readable afterwards", n)
		}
	}
	w.clock.Advance(cacheLife)
	if n := readable(elsewhere); n != 0 {
		t.Errorf("%d readable afterwards in another process", n)
	}
	if b, err := elsewhere.TokenBilling(ctx, tok); err != nil || b != (Billing{}) {
		t.Error("the token still tells", b, err)
	}
	for _, m := range methods {
		if card, err := w.CardData(ctx, w.s, m.Body.CardRow); !errors.Is(err, ErrNoCard) || !errors.Is(err, secret.ErrErased) || card.Number.Reveal() != "" {
			t.Fatal("a card is left", err)
		}
	}
	page, _, err := w.ListCustomers(ctx, w.s, object.Range{Limit: 9}, "ada@example.com", 0)
	if err != nil || len(page) != 0 {
		t.Error("found by the address", page, err)
	}
	read, err := w.RetrieveCustomer(ctx, w.s, w.cus(ada))
	if err != nil || !read.Body.Deleted || read.Body.EmailHash != 0 {
		t.Error(read, err)
	}
	r, err := w.UpdatePaymentMethod(ctx, w.s, w.pm(methods[1]), &MethodParams{Billing: &BillingParams{Name: new("Ada")}}, nil)
	if e := refused(t, r, err); e.Kind != fault.Invalid {
		t.Error("an erased method takes new data:", e)
	}
	r, err = w.UpdatePaymentMethod(ctx, w.s, w.pm(methods[1]), &MethodParams{ExpMonth: new(1)}, nil)
	if e := refused(t, r, err); e.Kind != fault.Invalid {
		t.Error("an erased card takes a new month:", e)
	}

	if p, err := w.CustomerPersonal(ctx, bob); err != nil || p.Name != "Bob" {
		t.Error("Bob's data is gone", p, err)
	}
	if b, err := w.BillingDetails(ctx, bobs); err != nil || b.Name != "Bob" {
		t.Error("Bob's billing details are gone", b, err)
	}
	if card, err := w.CardData(ctx, w.s, bobs.Body.CardRow); err != nil || card.Number.Reveal() != visa {
		t.Error("Bob's card is gone", err)
	}
	if err := w.EraseCustomer(ctx, w.s, "cus_nobody"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
}

func (w *world) methodsOf(c *object.Object[Customer], b Billing, n int) []*object.Object[PaymentMethod] {
	list := make([]*object.Object[PaymentMethod], n)
	var wg sync.WaitGroup
	for i := range list {
		wg.Go(func() {
			in := &MethodInput{Type: "card", Card: typed(visa, "737"), Billing: b}
			r, err := w.CreatePaymentMethod(w.t.Context(), w.s, in, nil)
			if err == nil {
				m := PaymentMethods.ID(w.s, r.Shown[0].Key)
				r, err = w.AttachPaymentMethod(w.t.Context(), w.s, m, w.cus(c), nil)
			}
			if err != nil || r.Error != nil {
				w.t.Error(r, err)
				return
			}
			list[i] = r.Main.(*object.Object[PaymentMethod])
		})
	}
	wg.Wait()
	if w.t.Failed() {
		w.t.FailNow()
	}
	return list
}

// TestMovedCiphertexts: what is sealed for one row doesn't open in another.
func TestMovedCiphertexts(t *testing.T) {
	w := newWorld(t)
	a, b := w.method(visa, "737", Billing{Name: "Ada"}), w.method("5555555555554444", "738", Billing{Name: "Bob"})
	err := w.step(func(tx *db.Tx) error {
		number, _, err := cards.Get(tx, at(w.s, a.Body.CardRow))
		if err != nil {
			return err
		}
		if _, _, err := cards.Get(tx, at(w.s, b.Body.CardRow)); err != nil {
			return err
		}
		cards.Update(tx, at(w.s, b.Body.CardRow), number)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if card, err := w.CardData(t.Context(), w.s, b.Body.CardRow); !errors.Is(err, secret.ErrOpen) || card.Number.Reveal() != "" {
		t.Error("a moved number opens", err)
	}
	b.Body.Sealed = a.Body.Sealed
	if got, err := w.BillingDetails(t.Context(), b); !errors.Is(err, secret.ErrOpen) || got != (Billing{}) {
		t.Error("moved billing details open", got, err)
	}
}

func TestKeyringIsBounded(t *testing.T) {
	r := newKeyring()
	c := clock.At(noon)
	for i := range int64(cacheSize + 10) {
		r.put(db.Key{ID: i}, &secret.Subject{}, c.Now())
		if _, ok := r.get(db.Key{ID: 0}, c.Now()); !ok {
			t.Fatal("what is used all the time was dropped")
		}
	}
	if len(r.entries) != cacheSize || r.used.Len() != cacheSize {
		t.Errorf("%d and %d entries", len(r.entries), r.used.Len())
	}
	if _, ok := r.get(db.Key{ID: 1}, c.Now()); ok {
		t.Error("the oldest is still there")
	}
	c.Advance(cacheLife)
	if _, ok := r.get(db.Key{ID: 0}, c.Now()); ok || len(r.entries) != cacheSize-1 {
		t.Error("an old one is still given")
	}
}

// TestNumbersInWrongPlaces: a card number where an id belongs is not repeated.
func TestNumbersInWrongPlaces(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	for _, number := range []string{visa, "4242 4242 4242 4242", "4242-4242-4242-4241"} {
		var said []string
		note := func(r *idem.Reply, err error) { e := refused(t, r, err); said = append(said, e.Error()) }
		note(w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Token: number}, nil))
		note(w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: number}, nil))
		note(w.CreateCustomer(ctx, w.s, &CustomerParams{Source: number}, nil))
		note(w.CreateCustomer(ctx, w.s, &CustomerParams{InvoiceMethod: &number}, nil))
		note(w.UpdateCustomer(ctx, w.s, number, &CustomerParams{}, nil))
		note(w.AttachPaymentMethod(ctx, w.s, number, w.cus(w.customer(CustomerParams{})), nil))
		note(w.AttachPaymentMethod(ctx, w.s, "pm_card_visa", number, nil))
		note(w.DetachPaymentMethod(ctx, w.s, number, nil))
		for _, read := range []func() error{
			func() error { _, err := w.RetrieveCustomer(ctx, w.s, number); return err },
			func() error { _, err := w.RetrievePaymentMethod(ctx, w.s, number); return err },
			func() error { _, err := w.RetrieveToken(ctx, w.s, number); return err },
			func() error { return w.EraseCustomer(ctx, w.s, number) },
		} {
			note(nil, read())
		}
		for _, text := range said {
			if strings.Contains(text, number) {
				t.Error(text)
			}
		}
	}
}

func TestStatementsFit(t *testing.T) {
	if err := newWorld(t).db.CheckStatements(t.Context()); err != nil {
		t.Error(err)
	}
}

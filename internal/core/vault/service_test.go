package vault

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

const visa = "4242424242424242"

func TestCustomers(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	home := Address{Line1: "1 High Street", City: "Leeds", Country: "GB", PostalCode: "LS1"}
	o := w.customer(CustomerParams{Name: new("Ada"), Email: new("Ada@Example.com"), Address: &home, Description: new("first"),
		Metadata: &Metadata{Set: map[string]string{"a": "1", "b": "2"}}, Locales: &[]string{"en", "it"}})
	p, err := w.CustomerPersonal(ctx, o)
	if want := (Personal{Name: "Ada", Email: "Ada@Example.com", Address: &home}); err != nil || cmp.Diff(want, p) != "" {
		t.Fatal(err, cmp.Diff(want, p))
	}

	changed := must[Customer](t)(w.UpdateCustomer(ctx, w.s, w.cus(o), &CustomerParams{Name: new(""), Phone: new("+44"), Address: &Address{},
		Metadata: &Metadata{Set: map[string]string{"c": "3"}, Unset: []string{"a"}}, Description: new("")}, nil))
	p, err = w.CustomerPersonal(ctx, changed)
	if want := (Personal{Email: "Ada@Example.com", Phone: "+44"}); err != nil || cmp.Diff(want, p) != "" {
		t.Fatal(err, cmp.Diff(want, p))
	}
	if diff := cmp.Diff(map[string]string{"b": "2", "c": "3"}, changed.Body.Metadata); diff != "" || changed.Body.Description != "" {
		t.Error(diff, changed.Body.Description)
	}
	before, ok, err := Customers.ReadVersion(ctx, w.db, w.s, object.Ref{Key: o.Key, Version: 1})
	if err != nil || !ok {
		t.Fatal(err)
	}
	if p, err = w.CustomerPersonal(ctx, before); err != nil || p.Name != "Ada" {
		t.Errorf("the first version has %+v, %v", p, err)
	}

	read, err := w.RetrieveCustomer(ctx, w.s, w.cus(o))
	if err != nil || cmp.Diff(changed.Body, read.Body) != "" {
		t.Error(err, cmp.Diff(changed.Body, read.Body))
	}
	if got := w.events(o.Key); !slices.Equal(got, []string{"customer.created", "customer.updated"}) {
		t.Error(got)
	}
}

func TestCustomersByEmail(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	other := w.customer(CustomerParams{Email: new("bob@example.com")})
	first := w.customer(CustomerParams{Email: new("ada@example.com")})
	second := w.customer(CustomerParams{Email: new("ADA@example.com ")})
	w.customer(CustomerParams{})
	keys := func(email string) (keys []int64) {
		t.Helper()
		page, more, err := w.ListCustomers(ctx, w.s, object.Range{Limit: 10}, email, 0)
		if err != nil || more {
			t.Fatal(err, more)
		}
		for _, o := range page {
			keys = append(keys, o.Key)
		}
		return keys
	}
	if got := keys("Ada@Example.com"); !slices.Equal(got, []int64{second.Key, first.Key}) {
		t.Error("by address", got)
	}
	if got := keys("nobody@example.com"); got != nil {
		t.Error("of nobody", got)
	}
	must[Customer](t)(w.UpdateCustomer(ctx, w.s, w.cus(second), &CustomerParams{Email: new("bob@example.com")}, nil))
	must[Customer](t)(w.DeleteCustomer(ctx, w.s, w.cus(other), nil))
	if got := keys("bob@example.com"); !slices.Equal(got, []int64{second.Key}) {
		t.Error("after a change of address and a deletion", got)
	}
	if got := keys(""); len(got) != 3 {
		t.Error("all", got)
	}
	elsewhere, _, err := w.ListCustomers(ctx, testScope(8, false), object.Range{Limit: 10}, "ada@example.com", 0)
	if err != nil || len(elsewhere) != 0 {
		t.Error("another account sees", elsewhere, err)
	}
}

func TestDeletedCustomer(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	o := w.customer(CustomerParams{})
	m := w.method(visa, "123", Billing{})
	must[Customer](t)(w.DeleteCustomer(ctx, w.s, w.cus(o), nil))
	if read, err := w.RetrieveCustomer(ctx, w.s, w.cus(o)); err != nil || !read.Body.Deleted {
		t.Error("a deleted customer can still be looked at:", err)
	}
	r, err := w.DeleteCustomer(ctx, w.s, w.cus(o), nil)
	if e := refused(t, r, err); e.Kind != fault.NotFound || e.Code != "resource_missing" || e.Param != "id" {
		t.Error("a second deletion:", e)
	}
	r, err = w.AttachPaymentMethod(ctx, w.s, w.pm(m), w.cus(o), nil)
	if e := refused(t, r, err); e.Kind != fault.Invalid || e.Code != "resource_missing" || e.Param != "customer" {
		t.Error("attaching to it:", e)
	}
	if _, _, err := w.ListPaymentMethods(ctx, w.s, object.Range{Limit: 1}, w.cus(o), ""); fault.KindOf(err) != fault.Invalid {
		t.Error("listing its methods:", err)
	}
	if got := w.events(o.Key); !slices.Equal(got, []string{"customer.created", "customer.deleted"}) {
		t.Error(got)
	}
}

func TestCustomerWithMethods(t *testing.T) {
	w := newWorld(t)
	o := w.customer(CustomerParams{PaymentMethod: "pm_card_visa", InvoiceMethod: new("pm_card_visa"), Source: "tok_mastercard"})
	page, _, err := w.ListPaymentMethods(t.Context(), w.s, object.Range{Limit: 10}, w.cus(o), "card")
	if err != nil || len(page) != 2 {
		t.Fatal(page, err)
	}
	if o.Body.InvoiceMethod == 0 || o.Body.DefaultSource == 0 || o.Body.InvoiceMethod == o.Body.DefaultSource {
		t.Errorf("defaults %d and %d", o.Body.InvoiceMethod, o.Body.DefaultSource)
	}
	for _, m := range page {
		want := []string{"payment_method.attached"}
		if m.Body.Source {
			want = append(want, "customer.source.created")
		}
		if got := w.events(m.Key); !slices.Equal(got, want) || m.Key == o.Body.DefaultSource != m.Body.Source || m.Body.Card.Checks.CVC != "pass" {
			t.Error(got, m.Body.Card.Checks)
		}
		must[PaymentMethod](t)(w.DetachPaymentMethod(t.Context(), w.s, w.pm(m), nil))
	}
	read, err := w.RetrieveCustomer(t.Context(), w.s, w.cus(o))
	if err != nil || read.Body.InvoiceMethod != 0 || read.Body.DefaultSource != 0 {
		t.Error("defaults are left:", read.Body, err)
	}
	r, err := w.CreateCustomer(t.Context(), w.s, &CustomerParams{PaymentMethod: "pm_card_chargeDeclined"}, nil)
	if e := refused(t, r, err); e.Code != "card_declined" {
		t.Error(e)
	}
	if page, _, err := w.ListCustomers(t.Context(), w.s, object.Range{Limit: 9}, "", 0); err != nil || len(page) != 1 {
		t.Error("the refused customer is there", len(page), err)
	}
	mine := w.attached(w.method(visa, "", Billing{}), o)
	set := must[Customer](t)(w.UpdateCustomer(t.Context(), w.s, w.cus(o), &CustomerParams{InvoiceMethod: new(w.pm(mine))}, nil))
	if set.Body.InvoiceMethod != mine.Key {
		t.Error("the default was not set")
	}
	r, err = w.UpdateCustomer(t.Context(), w.s, w.cus(o), &CustomerParams{InvoiceMethod: new(w.pm(w.method(visa, "", Billing{})))}, nil)
	if e := refused(t, r, err); e.Kind != fault.Invalid {
		t.Error("a default that is not the customer's:", e)
	}
}

func TestAttachAndDetach(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	ada, bob := w.customer(CustomerParams{}), w.customer(CustomerParams{})
	m := w.method(visa, "123", Billing{Name: "Ada", Address: Address{Line1: "1", PostalCode: "2"}})
	if want := (Checks{unchecked, unchecked, unchecked}); m.Body.Card.Checks != want {
		t.Errorf("checks %+v", m.Body.Card.Checks)
	}
	m = w.attached(m, ada)
	if want := (Checks{"pass", "pass", "pass"}); m.Body.Card.Checks != want || m.Body.Customer != ada.Key {
		t.Errorf("checks %+v of %d", m.Body.Card.Checks, m.Body.Customer)
	}
	if again := w.attached(m, ada); again.Version != m.Version {
		t.Error("attaching to the same customer changed it")
	}
	r, err := w.AttachPaymentMethod(ctx, w.s, w.pm(m), w.cus(bob), nil)
	if e := refused(t, r, err); e.Kind != fault.Invalid || e.Code != "" || e.Message != "The payment method you provided has already been attached to a customer." {
		t.Error(e)
	}
	if b, err := w.BillingDetails(ctx, m); err != nil || b.Name != "Ada" {
		t.Error(b, err)
	}

	d := must[PaymentMethod](t)(w.DetachPaymentMethod(ctx, w.s, w.pm(m), nil))
	if d.Body.Customer != 0 || !d.Body.Detached {
		t.Errorf("%+v", d.Body)
	}
	r, err = w.DetachPaymentMethod(ctx, w.s, w.pm(m), nil)
	if e := refused(t, r, err); e.Message != "The payment method you provided is not attached to a customer so detachment is impossible." || e.Code != "" {
		t.Error(e)
	}
	r, err = w.AttachPaymentMethod(ctx, w.s, w.pm(m), w.cus(ada), nil)
	if e := refused(t, r, err); e.Kind != fault.Invalid || e.Code != "" || e.Message != "This PaymentMethod was previously used without being attached to a Customer or was detached from a Customer, and may not be used again." {
		t.Error(e)
	}
	if got := w.events(m.Key); !slices.Equal(got, []string{"payment_method.attached", "payment_method.detached"}) {
		t.Error(got)
	}
	if page, _, err := w.ListPaymentMethods(ctx, w.s, object.Range{Limit: 3}, w.cus(ada), ""); err != nil || len(page) != 0 {
		t.Error("still listed", page, err)
	}
}

func TestUpdatePaymentMethod(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	m := w.method("4000002500001001", "123", Billing{})
	p := &MethodParams{Billing: &BillingParams{Email: new("a@example.com"), Address: &Address{PostalCode: "9"}}, ExpMonth: new(3), ExpYear: new(31),
		Preferred: new("cartes_bancaires"), Metadata: &Metadata{Set: map[string]string{"k": "v"}}, AllowRedisplay: new("always")}
	r, err := w.UpdatePaymentMethod(ctx, w.s, w.pm(m), p, nil)
	if e := refused(t, r, err); e.Kind != fault.Invalid {
		t.Error("one that is not attached:", e)
	}
	w.attached(m, w.customer(CustomerParams{}))
	m = must[PaymentMethod](t)(w.UpdatePaymentMethod(ctx, w.s, w.pm(m), p, nil))
	card, err := w.CardData(ctx, w.s, m.Body.CardRow)
	if err != nil || card.ExpMonth != 3 || card.ExpYear != 2031 || card.Number.Reveal() != "4000002500001001" || m.Body.Card.ExpYear != 2031 {
		t.Error(card.ExpMonth, card.ExpYear, err)
	}
	if b, err := w.BillingDetails(ctx, m); err != nil || b.Email != "a@example.com" || m.Body.Card.Checks.PostalCode != unchecked {
		t.Error(b, err)
	}
	if m.Body.Card.DisplayBrand() != "cartes_bancaires" || m.Body.Metadata["k"] != "v" || m.Body.AllowRedisplay != "always" {
		t.Errorf("%+v", m.Body)
	}
	for name, bad := range map[string]*MethodParams{"network": {Preferred: new("eftpos_au")}, "year": {ExpYear: new(2001)}, "month": {ExpMonth: new(0)}} {
		r, err := w.UpdatePaymentMethod(ctx, w.s, w.pm(m), bad, nil)
		if e := refused(t, r, err); e.Param == "" {
			t.Error(name, e)
		}
	}
}

func TestWhatNamesNothing(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	live := testScope(7, true)
	m, c, tok := w.method(visa, "", Billing{}), w.customer(CustomerParams{}), w.token(visa, "", Billing{})
	for _, ref := range []string{"", "pm_", "pm_card_nonsense", "pm_1", "src_1", w.cus(c), w.pm(m) + "0", PaymentMethods.ID(testScope(8, false), m.Key)} {
		if _, err := w.RetrievePaymentMethod(ctx, w.s, ref); fault.KindOf(err) != fault.NotFound {
			t.Errorf("retrieve %q: %v", ref, err)
		}
		r, err := w.AttachPaymentMethod(ctx, w.s, ref, w.cus(c), nil)
		if e := refused(t, r, err); e.Kind != fault.NotFound || e.Code != "resource_missing" || e.Message != "No such PaymentMethod: '"+ref+"'" {
			t.Errorf("attach %q: %v", ref, e)
		}
		err = w.step(func(tx *db.Tx) error {
			_, err := w.Resolve(tx, w.s, ref, 0)
			return err
		})
		if e := refused(t, nil, err); e.Kind != fault.Invalid || e.Code != "resource_missing" || e.Param != "payment_method" {
			t.Errorf("resolve %q: %v", ref, e)
		}
	}
	for _, ref := range []string{"pm_card_visa", "tok_visa", w.pm(m), w.tok(tok)} {
		err := w.db.Run(ctx, db.Step{Name: "test", Scope: live.Key(), Do: func(tx *db.Tx) error {
			_, err := w.Resolve(tx, live, ref, 0)
			return err
		}})
		if e := refused(t, nil, err); e.Code != "resource_missing" {
			t.Errorf("%q in live mode: %v", ref, e)
		}
	}
	r, err := w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Token: w.pm(m)}, nil)
	if e := refused(t, r, err); e.Code != "resource_missing" || e.Param != "card[token]" {
		t.Error("a payment method as a token:", e)
	}
	if _, err := w.RetrieveToken(ctx, w.s, "tok_1"); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	if _, err := w.RetrieveCustomer(ctx, live, w.cus(c)); fault.KindOf(err) != fault.NotFound {
		t.Error("live mode sees a customer of test mode", err)
	}
	for name, in := range map[string]*MethodInput{
		"no type": {Card: typed(visa, "")}, "another type": {Type: "boleto"}, "nothing": {Type: "card"}, "both": {Type: "card", Card: typed(visa, ""), Token: "tok_visa"},
	} {
		r, err := w.CreatePaymentMethod(ctx, w.s, in, nil)
		if e := refused(t, r, err); e.Kind != fault.Invalid || e.Param == "" {
			t.Error(name, e)
		}
	}
}

func TestMethodOfAnotherCustomer(t *testing.T) {
	w := newWorld(t)
	ada, bob := w.customer(CustomerParams{}), w.customer(CustomerParams{})
	m := w.attached(w.method(visa, "", Billing{}), ada)
	resolve := func(customer int64) error {
		return w.step(func(tx *db.Tx) error {
			_, err := w.Resolve(tx, w.s, w.pm(m), customer)
			return err
		})
	}
	if err := resolve(ada.Key); err != nil {
		t.Error(err)
	}
	for _, customer := range []int64{0, bob.Key} {
		if e := refused(t, nil, resolve(customer)); e.Kind != fault.Invalid || e.Param != "payment_method" {
			t.Error(e)
		}
	}
	must[PaymentMethod](t)(w.DetachPaymentMethod(t.Context(), w.s, w.pm(m), nil))
	if e := refused(t, nil, resolve(ada.Key)); e.Kind != fault.Invalid {
		t.Error("a detached one:", e)
	}
}

func TestUsedUp(t *testing.T) {
	w := newWorld(t)
	use := func(ref string) (m *object.Object[PaymentMethod], err error) {
		f := w.Refer(w.s, ref)
		return m, w.db.Run(t.Context(), db.Step{Name: "test", Scope: w.s.Key(), Needs: f.Needs(), Do: func(tx *db.Tx) (err error) {
			if m, err = f.Resolve(tx, 0); err != nil {
				return err
			}
			return w.UseUp(tx, m)
		}})
	}
	m, err := use("pm_card_visa")
	if err != nil || !m.Body.UsedUp {
		t.Fatal(m, err)
	}
	if _, err := use(w.pm(m)); fault.KindOf(err) != fault.Invalid {
		t.Error("used twice:", err)
	}
	r, err := w.AttachPaymentMethod(t.Context(), w.s, w.pm(m), w.cus(w.customer(CustomerParams{})), nil)
	if e := refused(t, r, err); e.Kind != fault.Invalid {
		t.Error("attached after use:", e)
	}
}

func TestTokenIsUsedOnce(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tok := w.token(visa, "737", Billing{Name: "Ada", Address: Address{Line1: "1"}})
	const n = 50
	var made, used atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var err error
			if i%2 == 0 {
				f := w.Refer(w.s, w.tok(tok))
				err = w.db.Run(ctx, db.Step{Name: "test", Scope: w.s.Key(), Needs: f.Needs(), Do: func(tx *db.Tx) error {
					_, err := f.Resolve(tx, 0)
					return err
				}})
			} else {
				var r *idem.Reply
				if r, err = w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Token: w.tok(tok)}, request(fmt.Sprint("k", i), 1)); err == nil && r.Error != nil {
					err = r.Error
				}
			}
			if e, ok := fault.As(err); ok && e.Code == "token_already_used" && e.Kind == fault.Invalid {
				used.Add(1)
			} else if err == nil {
				made.Add(1)
			} else {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 1 || used.Load() != n-1 {
		t.Fatalf("%d made, %d refused", made.Load(), used.Load())
	}
	var methods []*object.Object[PaymentMethod]
	if err := PaymentMethods.Scan(ctx, w.db, func(m *object.Object[PaymentMethod]) error {
		methods = append(methods, m)
		return nil
	}); err != nil || len(methods) != 1 {
		t.Fatal(len(methods), err)
	}
	m := methods[0]
	b, err := w.BillingDetails(ctx, m)
	if err != nil || b.Name != "Ada" || m.Body.Card.Checks.Line1 != unchecked || m.Body.CardRow != tok.Body.CardRow {
		t.Error(b, m.Body, err)
	}
	if card, err := w.CardData(ctx, w.s, m.Body.CardRow); err != nil || card.Number.Reveal() != visa || card.CVC.Reveal() != "737" {
		t.Error(card, err)
	}
	if read, err := w.RetrieveToken(ctx, w.s, w.tok(tok)); err != nil || !read.Body.Used {
		t.Error("the token is not used", err)
	}
}

// TestTokenWithOwnBilling: what the request says of the person goes before what
// the token says.
func TestTokenWithOwnBilling(t *testing.T) {
	w := newWorld(t)
	tok := w.token(visa, "737", Billing{Name: "Ada", Address: Address{Line1: "1"}})
	m := must[PaymentMethod](t)(w.CreatePaymentMethod(t.Context(), w.s, &MethodInput{Type: "card", Token: w.tok(tok),
		Billing: Billing{Name: "Bob", Address: Address{PostalCode: "9"}}, Metadata: map[string]string{"a": "b"}, AllowRedisplay: "limited"}, nil))
	b, err := open(t, w.db).BillingDetails(t.Context(), m)
	if err != nil || b.Name != "Bob" || m.Body.Metadata["a"] != "b" || m.Body.AllowRedisplay != "limited" {
		t.Error(b, m.Body, err)
	}
	if want := (Checks{CVC: unchecked, PostalCode: unchecked}); m.Body.Card.Checks != want {
		t.Errorf("checks %+v", m.Body.Card.Checks)
	}
	if b, err := w.TokenBilling(t.Context(), tok); err != nil || b.Name != "Ada" {
		t.Error(b, err)
	}
}

// TestReplays: every operation sent twice under one key happens once, and is
// answered alike; refusals too.
func TestReplays(t *testing.T) {
	w := newWorld(t)
	c := w.customer(CustomerParams{Name: new("Ada")})
	gone := w.customer(CustomerParams{})
	m := w.method(visa, "123", Billing{})
	mine := w.attached(w.method(visa, "123", Billing{}), c)
	leaving := w.attached(w.method(visa, "123", Billing{}), c)
	tok := w.token(visa, "123", Billing{})
	ops := map[string]func(context.Context, *idem.Request) (*idem.Reply, error){
		"create customer": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.CreateCustomer(ctx, w.s, &CustomerParams{Name: new("x"), PaymentMethod: "pm_card_visa"}, r)
		},
		"update customer": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.UpdateCustomer(ctx, w.s, w.cus(c), &CustomerParams{Phone: new("1")}, r)
		},
		"delete customer": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.DeleteCustomer(ctx, w.s, w.cus(gone), r)
		},
		"create method": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Card: typed(visa, "123"), Billing: Billing{Name: "x"}}, r)
		},
		"create method of a token": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.CreatePaymentMethod(ctx, w.s, &MethodInput{Type: "card", Token: w.tok(tok)}, r)
		},
		"update method": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.UpdatePaymentMethod(ctx, w.s, w.pm(mine), &MethodParams{ExpMonth: new(1)}, r)
		},
		"attach": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.AttachPaymentMethod(ctx, w.s, w.pm(m), w.cus(c), r)
		},
		"attach a test card": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.AttachPaymentMethod(ctx, w.s, "pm_card_visa", w.cus(c), r)
		},
		"detach": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.DetachPaymentMethod(ctx, w.s, w.pm(leaving), r)
		},
		"create token": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.CreateToken(ctx, w.s, &TokenInput{Card: *typed(visa, "123"), Billing: Billing{Name: "x"}}, r)
		},
		"refused attach": func(ctx context.Context, r *idem.Request) (*idem.Reply, error) {
			return w.AttachPaymentMethod(ctx, w.s, "pm_card_chargeDeclined", w.cus(c), r)
		},
	}
	for name, op := range ops {
		t.Run(name, func(t *testing.T) {
			first, err := op(t.Context(), request(name, 1))
			if err != nil || first.Replayed {
				t.Fatalf("%+v %v", first, err)
			}
			before := w.count()
			second, err := op(t.Context(), request(name, 1))
			if err != nil || !second.Replayed || second.Origin == "" {
				t.Fatalf("%+v %v", second, err)
			}
			if diff := cmp.Diff([]any{first.Kind, first.Shown, first.Error}, []any{second.Kind, second.Shown, second.Error}); diff != "" {
				t.Error(diff)
			}
			if after := w.count(); after != before {
				t.Errorf("the repetition did something: %v then %v", before, after)
			}
			if _, err := op(t.Context(), request(name, 2)); fault.KindOf(err) != fault.KeyMismatch {
				t.Errorf("the key for another request: %v", err)
			}
		})
	}
}

// count tells how many objects there are and how often they were changed.
func (w *world) count() (n [6]int64) {
	ctx := w.t.Context()
	err := Customers.Scan(ctx, w.db, func(o *object.Object[Customer]) error { n[0]++; n[1] += o.Version; return nil })
	if err == nil {
		err = PaymentMethods.Scan(ctx, w.db, func(o *object.Object[PaymentMethod]) error { n[2]++; n[3] += o.Version; return nil })
	}
	if err == nil {
		err = Tokens.Scan(ctx, w.db, func(o *object.Object[Token]) error { n[4]++; n[5] += o.Version; return nil })
	}
	if err != nil {
		w.t.Error(err)
	}
	return n
}

// TestConcurrentReplays: many at once under one key make one customer.
func TestConcurrentReplays(t *testing.T) {
	w := newWorld(t)
	r := *request("one", 1)
	var wg sync.WaitGroup
	var shown [30]object.Ref
	for i := range shown {
		wg.Go(func() {
			reply, err := w.CreateCustomer(t.Context(), w.s, &CustomerParams{Name: new("Ada"), PaymentMethod: "pm_card_visa"}, new(r))
			if err != nil || len(reply.Shown) != 1 {
				t.Error(reply, err)
				return
			}
			shown[i] = reply.Shown[0]
		})
	}
	wg.Wait()
	for _, ref := range shown {
		if ref != shown[0] {
			t.Errorf("%v and %v", ref, shown[0])
		}
	}
	if n := w.count(); n[0] != 1 || n[2] != 1 {
		t.Error(n)
	}
}

// TestEveryTestCard: each card, by its number and by each of its names, is
// shown for what it is, gives its number to a provider, and can or can't be
// attached.
func TestEveryTestCard(t *testing.T) {
	w := newWorld(t)
	c := w.customer(CustomerParams{})
	var wg sync.WaitGroup
	try := func(card *TestCard, f *MethodRef) {
		ctx := t.Context()
		var m *object.Object[PaymentMethod]
		err := w.db.Run(ctx, db.Step{Name: "test", Scope: w.s.Key(), Needs: f.Needs(), Do: func(tx *db.Tx) (err error) {
			m, err = f.Resolve(tx, c.Key)
			return err
		}})
		if err != nil {
			t.Errorf("%s: %v", card.Name, err)
			return
		}
		brand, _ := brandOf(card.Number)
		got := m.Body.Card
		if got.Brand != brand || got.Funding != card.Funding || got.Country != card.Country || got.Test != card.Name || got.Last4 != card.Number[len(card.Number)-4:] {
			t.Errorf("%s is shown as %+v", card.Name, got)
		}
		if data, err := w.CardData(ctx, w.s, m.Body.CardRow); err != nil || data.Number.Reveal() != card.Number || data.CVC.IsZero() || data.ExpYear != got.ExpYear {
			t.Errorf("%s: card data %v, %v", card.Name, data, err)
		}
		r, err := w.AttachPaymentMethod(ctx, w.s, w.pm(m), w.cus(c), nil)
		switch {
		case card.Decline == "":
			if err != nil || r.Error != nil {
				t.Errorf("%s: attach: %v %v", card.Name, r, err)
			}
		case err != nil || r.Error == nil || r.Error.Kind != fault.Declined || r.Error.DeclineCode != card.Decline || r.Error.Code == "":
			t.Errorf("%s: attach: %+v %v", card.Name, r, err)
		}
	}
	for i := range TestCards {
		card := &TestCards[i]
		wg.Go(func() {
			for _, name := range append([]string{card.Name}, card.Aliases...) {
				try(card, w.Refer(w.s, "pm_card_"+name))
				try(card, w.Refer(w.s, "tok_"+name))
			}
			f, err := w.ReferInput(w.s, &MethodInput{Type: "card", Card: typed(card.Number, "1234")})
			if err != nil {
				t.Errorf("%s: %v", card.Name, err)
				return
			}
			try(testByNumber[card.Number], f)
		})
	}
	wg.Wait()
}

// TestChecksOfTestCards: attaching asks the test card's issuer.
func TestChecksOfTestCards(t *testing.T) {
	w := newWorld(t)
	c := w.customer(CustomerParams{})
	for number, want := range map[string]Checks{
		visa: {"pass", "pass", "pass"}, "4000000000000101": {"fail", "pass", "pass"}, "4000000000000036": {"pass", "pass", "fail"},
		"4000000000000028": {"pass", "fail", "pass"}, "4000000000000010": {"pass", "fail", "fail"}, "4000000000000044": {"pass", "unavailable", "unavailable"},
	} {
		m := w.attached(w.method(number, "123", Billing{Address: Address{Line1: "1", PostalCode: "2"}}), c)
		if m.Body.Card.Checks != want {
			t.Errorf("%s: %+v", number, m.Body.Card.Checks)
		}
		if bare := w.attached(w.method(number, "", Billing{}), c); bare.Body.Card.Checks != (Checks{}) {
			t.Errorf("%s, with nothing to check: %+v", number, bare.Body.Card.Checks)
		}
	}
}

// TestLiveMode: a test number is a number like any other there.
func TestLiveMode(t *testing.T) {
	w := newWorld(t)
	w.s = testScope(7, true)
	m := w.method("4000000000000002", "123", Billing{})
	if got := m.Body.Card; got.Test != "" || got.Funding != Unknown || got.Country != "" || got.Brand != "visa" {
		t.Errorf("%+v", got)
	}
	if m = w.attached(m, w.customer(CustomerParams{})); m.Body.Card.Checks.CVC != unchecked {
		t.Error("nobody was asked, yet the checks are", m.Body.Card.Checks)
	}
}

func TestScopesAreSeparate(t *testing.T) {
	w := newWorld(t)
	m := w.method(visa, "123", Billing{Name: "Ada"})
	for _, s := range []id.Scope{testScope(8, false), testScope(7, true)} {
		if _, err := w.CardData(t.Context(), s, m.Body.CardRow); err == nil {
			t.Error("another scope reads the card")
		}
		if _, err := w.RetrievePaymentMethod(t.Context(), s, w.pm(m)); fault.KindOf(err) != fault.NotFound {
			t.Error("another scope reads the method", err)
		}
	}
}

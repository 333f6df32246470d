package merchant

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/db/dbtest"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
	"github.com/florinpay/florin/internal/kit/money"
)

var noon = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*Service, *clock.Fixed) {
	c := clock.At(noon)
	return New(dbtest.OpenAt(t, dbtest.Address(t), db.Options{Clock: c}), Options{}), c
}

func create(t *testing.T, v *Service, p Params) *object.Object[Account] {
	t.Helper()
	o, err := v.Create(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestCreateFillsInDefaults(t *testing.T) {
	v, _ := open(t)
	want := Account{Name: "Corner Shop", Country: "US", DefaultCurrency: "usd",
		Settings: Settings{RawCardTest: true, NegativeBalance: true, SettlementDays: 2}, Fees: DefaultFees()}
	o := create(t, v, Params{Name: "Corner Shop"})
	if diff := cmp.Diff(want, o.Body); diff != "" {
		t.Errorf("−want +got:\n%s", diff)
	}
	if !want.Settings.RawCardData(false) || want.Settings.RawCardData(true) {
		t.Error("card numbers must be allowed in test mode and in live mode not")
	}
	read, ok, err := Accounts.Read(t.Context(), v.db, id.Scope{Account: o.Key}, o.Key)
	if diff := cmp.Diff(o, read); !ok || err != nil || diff != "" {
		t.Errorf("%v %v −made +read:\n%s", ok, err, diff)
	}
	given := Params{Country: "JP", DefaultCurrency: "jpy", StatementDescriptor: "CORNER SHOP", Settings: &Settings{SettlementDays: 7}, Fees: &Schedule{BasisPoints: 100}}
	o = create(t, v, given)
	if diff := cmp.Diff(Account{Country: "JP", DefaultCurrency: "jpy", StatementDescriptor: "CORNER SHOP", Settings: *given.Settings, Fees: *given.Fees}, o.Body); diff != "" {
		t.Errorf("−want +got:\n%s", diff)
	}
	for _, livemode := range []bool{false, true} {
		a, err := v.Account(t.Context(), id.Scope{Account: o.Key, Livemode: livemode})
		if err != nil || a.Country != "JP" {
			t.Errorf("account %+v %v", a, err)
		}
	}
	if a, err := v.Account(t.Context(), id.Scope{Account: 5}); err == nil {
		t.Errorf("no such account: %+v", a)
	}
}

func TestCreateRefuses(t *testing.T) {
	v, _ := open(t)
	for param, p := range map[string]Params{
		"country":              {Country: "usa"},
		"default_currency":     {DefaultCurrency: "xxx"},
		"statement_descriptor": {StatementDescriptor: "FOUR"},
		"settlement_days":      {Settings: &Settings{SettlementDays: -1}},
		"fees[basis_points]":   {Fees: &Schedule{BasisPoints: 10_001}},
		"fees[fixed]":          {Fees: &Schedule{Fixed: map[money.Currency]int64{"usd": -1}}},
	} {
		_, err := v.Create(t.Context(), p)
		if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || e.Param != param {
			t.Errorf("%s: %v", param, err)
		}
	}
}

func TestStatementDescriptors(t *testing.T) {
	for s, want := range map[string]bool{
		"CORNER SHOP": true, "Shop5": true, "FOUR": false, "12345": false, "ABC*DEF": false, "O'BRIEN": false, "<SHOP>": false,
		"TWENTY-TWO CHARACTERS!": true, "TWENTY-THREE CHARACTERS": false, "CAFÉ NOIR": false, "SHOP\nSHOP": false,
	} {
		if got := validDescriptor(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	v, _ := open(t)
	o := create(t, v, Params{Name: "A"})
	other := create(t, v, Params{Name: "B"})
	seen := map[string]bool{}
	for _, c := range []struct {
		s      id.Scope
		kind   KeyKind
		prefix string
	}{
		{id.Scope{Account: o.Key}, Secret, "sk_test_"}, {id.Scope{Account: o.Key}, Publishable, "pk_test_"},
		{id.Scope{Account: o.Key, Livemode: true}, Secret, "sk_live_"}, {id.Scope{Account: other.Key, Livemode: true}, Publishable, "pk_live_"},
	} {
		plain, err := v.NewKey(t.Context(), c.s, c.kind)
		if err != nil || !strings.HasPrefix(plain, c.prefix) || len(plain) != 32 || seen[plain] {
			t.Fatalf("key %q %v", plain, err)
		}
		seen[plain] = true
		for range 2 { // from the database, and from memory
			p, err := v.Authenticate(t.Context(), plain)
			if err != nil || p.Scope != c.s || p.Secret != (c.kind == Secret) || p.Account.Key != c.s.Account {
				t.Errorf("%s: %+v %v", c.prefix, p, err)
			}
		}
		r, ok, err := apiKeys.Read(t.Context(), v.db, digestOf(plain).row())
		if err != nil || !ok || len(r.Hash) != 32 || strings.Contains(string(r.Hash), plain[8:]) || r.Last4 != plain[28:] || !r.Created.Equal(noon) {
			t.Errorf("row %+v %v %v", r, ok, err)
		}
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	v, _ := open(t)
	for plain, want := range map[string]string{
		"":                         "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
		"sk_test_0123456789abcd":   "Invalid API Key provided: sk_test_**********abcd",
		"nonsense":                 "Invalid API Key provided: ****ense",
		strings.Repeat("a", 1<<20): "Invalid API Key provided: " + strings.Repeat("*", 32) + "aaaa",
		"sk_test_\xff\xfe\x00\x01": "Invalid API Key provided: sk_test_****",
	} {
		_, err := v.Authenticate(t.Context(), plain)
		if e, ok := fault.As(err); !ok || e.Kind != fault.Unauthenticated || e.Message != want || e.Code != "" {
			t.Errorf("%.40q: %v", plain, err)
		}
	}
	// Half of a hash is not enough.
	o := create(t, v, Params{})
	plain, err := v.NewKey(t.Context(), id.Scope{Account: o.Key}, Secret)
	if err != nil {
		t.Fatal(err)
	}
	k := digestOf(plain).row()
	err = v.db.Run(t.Context(), db.Step{Name: "test", Do: func(tx *db.Tx) error {
		r, _, err := apiKeys.Get(tx, k)
		if err == nil {
			r.Hash[31] ^= 1
			apiKeys.Update(tx, k, r)
		}
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := v.Authenticate(t.Context(), plain); fault.KindOf(err) != fault.Unauthenticated {
		t.Errorf("%+v %v", p, err)
	}
}

func TestKeysExpire(t *testing.T) {
	v, c := open(t)
	elsewhere := New(v.db, Options{}) // another process, whose memory is its own
	s := id.Scope{Account: create(t, v, Params{}).Key}
	plain, err := v.NewKey(t.Context(), s, Secret)
	if err != nil {
		t.Fatal(err)
	}
	alive := func(v *Service, want bool) {
		t.Helper()
		_, err := v.Authenticate(t.Context(), plain)
		if want && err != nil {
			t.Error(err)
		}
		if e, ok := fault.As(err); !want && (!ok || e.Kind != fault.Unauthenticated || e.Code != "api_key_expired" || !strings.HasSuffix(e.Message, "****"+plain[28:])) {
			t.Errorf("an expired key: %v", err)
		}
	}
	alive(v, true)
	alive(elsewhere, true)
	if k, err := v.ExpireKey(t.Context(), plain, noon.Add(time.Hour)); err != nil || !k.Expires.Equal(noon.Add(time.Hour)) {
		t.Fatalf("%+v %v", k, err)
	}
	c.Advance(time.Hour - 1)
	alive(v, true) // and remembered
	c.Advance(1)
	alive(v, false)

	plain, err = v.NewKey(t.Context(), s, Secret)
	if err != nil {
		t.Fatal(err)
	}
	alive(v, true)
	alive(elsewhere, true)
	for _, at := range []time.Time{c.Now(), c.Now().Add(time.Hour)} { // the earlier end counts
		if k, err := v.ExpireKey(t.Context(), plain, at); err != nil || !k.Expires.Equal(c.Now()) {
			t.Fatalf("%+v %v", k, err)
		}
	}
	alive(v, false)
	alive(elsewhere, true) // for what is left of a second
	c.Advance(cacheFor)
	alive(elsewhere, false)

	if err := v.ImportKey(t.Context(), s, Secret, plain); fault.KindOf(err) != fault.Invalid {
		t.Errorf("import of an expired key: %v", err)
	}
	for _, ref := range []string{"sk_test_nobodysnobodys01", "key_nothing", keyPrefix.Format(s, 5), "", strings.Repeat("k", 1<<16)} {
		if k, err := v.ExpireKey(t.Context(), ref, c.Now()); fault.KindOf(err) != fault.NotFound {
			t.Errorf("%.30q: %+v %v", ref, k, err)
		}
	}
}

func TestImportKey(t *testing.T) {
	v, _ := open(t)
	s, other := id.Scope{Account: create(t, v, Params{}).Key}, id.Scope{Account: create(t, v, Params{}).Key}
	const plain = "sk_test_given_0001"
	for range 2 {
		if err := v.ImportKey(t.Context(), s, Secret, plain); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := v.Authenticate(t.Context(), plain); err != nil || p.Scope != s {
		t.Errorf("%+v %v", p, err)
	}
	for name, c := range map[string]struct {
		err  error
		want fault.Kind
	}{
		"another's":  {v.ImportKey(t.Context(), other, Secret, plain), fault.Invalid},
		"of a mode":  {v.ImportKey(t.Context(), id.Scope{Account: s.Account, Livemode: true}, Secret, "sk_test_given_0002"), fault.Invalid},
		"of a kind":  {v.ImportKey(t.Context(), s, Publishable, "sk_test_given_0002"), fault.Invalid},
		"no kind":    {v.ImportKey(t.Context(), s, 4, "sk_test_given_0002"), fault.Invalid},
		"restricted": {v.ImportKey(t.Context(), s, Restricted, "rk_test_given_0002"), fault.Invalid},
		"no account": {v.ImportKey(t.Context(), id.Scope{Account: 5}, Secret, "sk_test_given_0002"), fault.NotFound},
	} {
		if fault.KindOf(c.err) != c.want {
			t.Errorf("%s: %v", name, c.err)
		}
	}
}

func TestBootstrap(t *testing.T) {
	v, _ := open(t)
	for _, bad := range [][2]string{{"sk_live_12345678901", ""}, {"short", ""}, {"", "sk_test_12345678901"}, {"", "pk_test_1234567890 "}} {
		if made, err := v.Bootstrap(t.Context(), bad[0], bad[1]); fault.KindOf(err) != fault.Invalid || made != nil {
			t.Errorf("%v: %+v %v", bad, made, err)
		}
	}
	made, err := v.Bootstrap(t.Context(), "sk_test_given_0001", "")
	if err != nil || made == nil || made.SecretKey != "sk_test_given_0001" || !strings.HasPrefix(made.PublishableKey, "pk_test_") {
		t.Fatalf("%+v %v", made, err)
	}
	for plain, secret := range map[string]bool{made.SecretKey: true, made.PublishableKey: false} {
		p, err := v.Authenticate(t.Context(), plain)
		if err != nil || p.Scope != (id.Scope{Account: made.Account.Key}) || p.Secret != secret || p.Account.Key != made.Account.Key {
			t.Errorf("%+v %v", p, err)
		}
	}
	if again, err := v.Bootstrap(t.Context(), "sk_test_other_0001", ""); err != nil || again != nil {
		t.Errorf("again: %+v %v", again, err)
	}
	if p, err := v.Authenticate(t.Context(), "sk_test_other_0001"); err == nil {
		t.Errorf("the second start's key is %+v's", p)
	}
}

func TestBootstrapAfterCreate(t *testing.T) {
	v, _ := open(t)
	create(t, v, Params{})
	if made, err := v.Bootstrap(t.Context(), "", ""); err != nil || made != nil {
		t.Errorf("%+v %v", made, err)
	}
}

// Processes that start at once on an empty database: one makes the account.
func TestBootstrapRace(t *testing.T) {
	address := dbtest.Address(t)
	var services []*Service
	for range 4 {
		services = append(services, New(dbtest.OpenAt(t, address, db.Options{}), Options{}))
	}
	var mu sync.Mutex
	var winners []*Created
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			made, err := services[i%len(services)].Bootstrap(context.WithoutCancel(t.Context()), "", "")
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if made != nil {
				winners = append(winners, made)
			}
		})
	}
	all.Wait()
	if len(winners) != 1 {
		t.Fatalf("%d first accounts", len(winners))
	}
	n := 0
	if err := Accounts.Scan(t.Context(), services[0].db, func(*object.Object[Account]) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d accounts, %v", n, err)
	}
	if p, err := services[1].Authenticate(t.Context(), winners[0].SecretKey); err != nil || p.Account.Key != winners[0].Account.Key {
		t.Errorf("%+v %v", p, err)
	}
}

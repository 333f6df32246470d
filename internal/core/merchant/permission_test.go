package merchant

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

func TestParsePermissions(t *testing.T) {
	for text, want := range map[string]Permissions{
		"charges=read":                                  {Charges: Read},
		"payment_intents=write, charges=read":           {PaymentIntents: Write, Charges: Read},
		"rak_payment_intent_write,rak_charge_read":      {PaymentIntents: Write, Charges: Read},
		"rak_balance_transaction_source_read":           {BalanceSources: Read},
		"balance=read,customers=none":                   {Balance: Read},
		"tokens=write,events=read,payment_methods=read": {Tokens: Write, Events: Read, PaymentMethods: Read},
	} {
		got, err := ParsePermissions(strings.Split(text, ","))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v −want +got\n%s", text, err, diff)
		}
	}
	for text, message := range map[string]string{
		"":                             `There is no resource "".`,
		"charges":                      `The access to charges must be none, read or write, and not "".`,
		"charges=all":                  `and not "all"`,
		"charges=":                     `and not ""`,
		"refunds=read":                 "There are: account, balance, balance_transaction_sources, charges, customers,",
		"charge=read":                  `There is no resource "charge".`,
		"rak_charge_none":              `There is no resource "rak_charge_none"`,
		"charges=read,charges=write":   "The resource charges is named twice.",
		"rak_charge_read,charges=none": "The resource charges is named twice.",
		"charges=none":                 "A restricted key must be permitted something",
	} {
		_, err := ParsePermissions(strings.Split(text, ","))
		if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || !strings.Contains(e.Message, message) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What is stored is read back; what a newer Florin stored permits nothing here.
func TestPermissionsAreReadBack(t *testing.T) {
	every := Permissions{}
	for i, r := range Resources() {
		every[r] = Read + Access(i%2)
	}
	for _, p := range []Permissions{every, {Charges: Read}} {
		if diff := cmp.Diff(p, readPermissions(p.String())); diff != "" {
			t.Errorf("%s: −want +got\n%s", p, diff)
		}
		if again, err := ParsePermissions(strings.Split(p.String(), ",")); err != nil || !maps.Equal(p, again) {
			t.Errorf("%s: %v %v", p, again, err)
		}
	}
	if diff := cmp.Diff(Permissions{Charges: Read}, readPermissions("charges=read,charges_of_tomorrow=write,balance=owner,,")); diff != "" {
		t.Errorf("−want +got\n%s", diff)
	}
	for _, wrong := range []Permissions{nil, {}, {"refunds": Read}, {Charges: None}, {Charges: 3}} {
		if err := wrong.check(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

func FuzzReadPermissions(f *testing.F) {
	for _, seed := range []string{"", "charges=read,tokens=write", "rak_event_read", "a=b,,=,charges=none", "\xff="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := readPermissions(text)
		for r, a := range p {
			if slugs[r] == "" || a < None || a > Write {
				t.Errorf("%q permits %s=%s", text, r, a)
			}
		}
		if again, err := ParsePermissions(strings.Split(text, ",")); err == nil && again.String() != readPermissions(again.String()).String() {
			t.Errorf("%q: %s", text, again)
		}
	})
}

func TestAllow(t *testing.T) {
	v, _ := open(t)
	s := id.Scope{Account: create(t, v, Params{Name: "A"}).Key}
	made, err := v.Issue(t.Context(), s, KeyParams{Kind: Restricted, Name: "till 4", Permissions: Permissions{Charges: Read, PaymentIntents: Write}})
	if err != nil || !strings.HasPrefix(made.Plain, "rk_test_") {
		t.Fatalf("%+v %v", made, err)
	}
	p, err := v.Authenticate(t.Context(), made.Plain)
	if err != nil || p.Scope != s || !p.Secret || !p.Restricted() {
		t.Fatalf("%+v %v", p, err)
	}
	for _, r := range Resources() {
		for _, a := range []Access{None, Read, Write} {
			err := p.Allow(r, a)
			if want := a == None || r == Charges && a == Read || r == PaymentIntents; (err == nil) != want || err != nil && fault.KindOf(err) != fault.Forbidden {
				t.Errorf("%s=%s: %v", r, a, err)
			}
		}
	}
	want := "The provided key 'rk_test_********************" + made.Plain[28:] + "' does not have the required permissions for this endpoint on account '" +
		Accounts.ID(s, s.Account) + "'. Having the 'rak_balance_transaction_source_read' permission would allow this request to continue."
	if e, _ := fault.As(p.Allow(BalanceSources, Read)); e == nil || e.Message != want || e.Code != "" {
		t.Errorf("%v\nwant %s", e, want)
	}
	plain, err := v.NewKey(t.Context(), s, Secret)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = v.Authenticate(t.Context(), plain); err != nil || p.Restricted() || p.Allow(Balance, Write) != nil {
		t.Errorf("a secret key: %+v %v", p, err)
	}
}

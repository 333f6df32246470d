package merchant

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

func issue(t *testing.T, v *Service, s id.Scope, p KeyParams) Issued {
	t.Helper()
	made, err := v.Issue(t.Context(), s, p)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func listed(t *testing.T, v *Service, account int64) []Key {
	t.Helper()
	list, err := v.Keys(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestKeysAreListed(t *testing.T) {
	v, c := open(t)
	a, b := create(t, v, Params{Name: "A"}).Key, create(t, v, Params{Name: "B"}).Key
	first := issue(t, v, id.Scope{Account: a}, KeyParams{Kind: Secret})
	other := issue(t, v, id.Scope{Account: b, Livemode: true}, KeyParams{Kind: Publishable})
	c.Advance(time.Second)
	second := issue(t, v, id.Scope{Account: a, Livemode: true}, KeyParams{Kind: Restricted, Name: "café", Permissions: Permissions{Balance: Read}})
	ended, err := v.ExpireKey(t.Context(), first.ID, c.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := []Key{
		{ID: first.ID, Scope: id.Scope{Account: a}, Kind: Secret, Last4: first.Plain[28:], Created: noon, Expires: noon.Add(time.Second)},
		{ID: second.ID, Scope: id.Scope{Account: a, Livemode: true}, Kind: Restricted, Name: "café", Last4: second.Plain[28:], Created: noon.Add(time.Second), Permissions: Permissions{Balance: Read}},
	}
	if diff := cmp.Diff(want, listed(t, v, a)); diff != "" {
		t.Errorf("−want +got\n%s", diff)
	}
	if diff := cmp.Diff(append(want, other.Key), listed(t, v, 0)); diff != "" {
		t.Errorf("−want +got\n%s", diff)
	}
	if diff := cmp.Diff(want[0], ended); diff != "" {
		t.Errorf("−want +got\n%s", diff)
	}
	if !strings.HasPrefix(first.ID, "key_") || len(listed(t, v, 5)) != 0 {
		t.Errorf("%s, %v", first.ID, listed(t, v, 5))
	}
}

func TestIssueRefuses(t *testing.T) {
	v, _ := open(t)
	s := id.Scope{Account: create(t, v, Params{}).Key}
	for param, p := range map[string]KeyParams{
		"kind":           {},
		"name":           {Kind: Secret, Name: strings.Repeat("n", maxKeyName+1)},
		"name ":          {Kind: Secret, Name: "a\x00b"},
		"name  ":         {Kind: Secret, Name: "a\xff"},
		"permissions":    {Kind: Restricted},
		"permissions ":   {Kind: Secret, Permissions: Permissions{Charges: Read}},
		"permissions  ":  {Kind: Publishable, Permissions: Permissions{Charges: Read}},
		"permissions   ": {Kind: Restricted, Permissions: Permissions{"refunds": Read}},
	} {
		made, err := v.Issue(t.Context(), s, p)
		if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || e.Param != strings.TrimSpace(param) || made.Plain != "" {
			t.Errorf("%s: %+v %v", param, made, err)
		}
	}
	if made, err := v.Issue(t.Context(), id.Scope{Account: 5}, KeyParams{Kind: Secret}); fault.KindOf(err) != fault.NotFound || made.Plain != "" {
		t.Errorf("no account: %+v %v", made, err)
	}
	if len(listed(t, v, 0)) != 0 {
		t.Errorf("keys were made: %+v", listed(t, v, 0))
	}
}

// A rolled key is the old one but for its text, and the old one works until it
// is to end.
func TestRollKey(t *testing.T) {
	v, c := open(t)
	s := id.Scope{Account: create(t, v, Params{}).Key, Livemode: true}
	for name, p := range map[string]KeyParams{
		"secret": {Kind: Secret, Name: "shop"}, "publishable": {Kind: Publishable},
		"restricted": {Kind: Restricted, Permissions: Permissions{Charges: Read, Tokens: Write}},
	} {
		t.Run(name, func(t *testing.T) {
			first := issue(t, v, s, p)
			second, old, err := v.RollKey(t.Context(), first.Plain, c.Now().Add(time.Hour))
			if err != nil || old.ID != first.ID || !old.Expires.Equal(c.Now().Add(time.Hour)) {
				t.Fatalf("%+v %+v %v", second, old, err)
			}
			want := first.Key
			want.ID, want.Last4, want.Created = second.ID, second.Plain[28:], c.Now()
			if diff := cmp.Diff(want, second.Key); diff != "" || second.ID == first.ID || second.Plain == first.Plain {
				t.Errorf("−want +got\n%s", diff)
			}
			for _, plain := range []string{first.Plain, second.Plain} {
				if p, err := v.Authenticate(t.Context(), plain); err != nil || p.Scope != s {
					t.Errorf("%+v %v", p, err)
				}
			}
			third, _, err := v.RollKey(t.Context(), second.ID, c.Now())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Authenticate(t.Context(), second.Plain); fault.KindOf(err) != fault.Unauthenticated {
				t.Errorf("the old key right after: %v", err)
			}
			// An end that was set before is not put off.
			if _, again, err := v.RollKey(t.Context(), first.ID, c.Now().Add(24*time.Hour)); err != nil || !again.Expires.Equal(old.Expires) {
				t.Errorf("%+v %v", again, err)
			}
			if made, _, err := v.RollKey(t.Context(), second.ID, c.Now()); fault.KindOf(err) != fault.Invalid || made.Plain != "" {
				t.Errorf("an ended key is rolled: %+v %v", made, err)
			}
			if _, err := v.Authenticate(t.Context(), third.Plain); err != nil {
				t.Error(err)
			}
		})
	}
	if made, _, err := v.RollKey(t.Context(), "key_nothing", c.Now()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%+v %v", made, err)
	}
}

func TestOpen(t *testing.T) {
	v, _ := open(t)
	for _, live := range []bool{false, true} {
		o, keys, err := v.Open(t.Context(), Params{Name: "Shop"}, live)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, k := range keys {
			got = append(got, k.Plain[:8])
			p, err := v.Authenticate(t.Context(), k.Plain)
			if err != nil || p.Account.Key != o.Key || p.Scope != k.Scope {
				t.Errorf("%+v %v", p, err)
			}
			if diff := cmp.Diff(k.Key, listed(t, v, o.Key)[i]); diff != "" {
				t.Error(diff)
			}
		}
		want := []string{"sk_test_", "pk_test_", "sk_live_", "pk_live_"}
		if !live {
			want = want[:2]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	if o, keys, err := v.Open(t.Context(), Params{Country: "usa"}, false); fault.KindOf(err) != fault.Invalid || o != nil || keys != nil {
		t.Errorf("%v %v %v", o, keys, err)
	}
	if made, err := v.Bootstrap(t.Context(), "", ""); err != nil || made != nil {
		t.Errorf("a first account beside others: %+v %v", made, err)
	}
}

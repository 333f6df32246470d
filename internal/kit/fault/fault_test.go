package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEveryKindHasItsOwnName(t *testing.T) {
	seen := map[string]Kind{}
	for _, k := range Kinds() {
		name := k.String()
		if name == "" || name == "unknown" {
			t.Errorf("kind %d has no name", k)
		}
		if other, twice := seen[name]; twice {
			t.Errorf("kinds %d and %d are both %q", other, k, name)
		}
		seen[name] = k
	}
	if len(seen) != int(kinds) {
		t.Errorf("Kinds lists %d of %d", len(seen), kinds)
	}
	if got := Kind(255).String(); got != "unknown" {
		t.Errorf("Kind(255) is %q", got)
	}
}

func TestAsThroughWrapping(t *testing.T) {
	inner := New(Declined, "card_declined", "Your card was %s.", "declined")
	for name, err := range map[string]error{
		"bare":    inner,
		"wrapped": fmt.Errorf("confirm: %w", fmt.Errorf("provider: %w", inner)),
		"joined":  errors.Join(errors.New("rollback"), inner),
	} {
		if got, ok := As(err); !ok || got != inner {
			t.Errorf("%s: As = %v, %v", name, got, ok)
		}
		if got := KindOf(err); got != Declined {
			t.Errorf("%s: KindOf = %v", name, got)
		}
	}
	var none *Error
	for name, err := range map[string]error{
		"nil": nil, "foreign": errors.New("disk"), "nil *Error": none, "wrapped nil *Error": fmt.Errorf("x: %w", error(none)),
	} {
		if got, ok := As(err); ok || got != nil || KindOf(err) != Internal {
			t.Errorf("%s: As = %v, %v; KindOf = %v", name, got, ok, KindOf(err))
		}
	}
}

func TestConstructors(t *testing.T) {
	for _, c := range []struct {
		got  *Error
		want Error
		text string
	}{
		{New(Locked, "lock_timeout", "%d open", 2), Error{Kind: Locked, Code: "lock_timeout", Message: "2 open"}, "locked (lock_timeout): 2 open"},
		{New(Internal, "", "oops"), Error{Message: "oops"}, "internal: oops"},
		{
			Param("items[0][price]", "parameter_missing", "Missing %s", "price"),
			Error{Kind: Invalid, Code: "parameter_missing", Param: "items[0][price]", Message: "Missing price"},
			"invalid (parameter_missing): Missing price",
		},
		{
			Missing(NotFound, "intent", "payment_intent", "pi_%d"),
			Error{Kind: NotFound, Code: "resource_missing", Param: "intent", Message: "No such payment_intent: 'pi_%d'"},
			"not_found (resource_missing): No such payment_intent: 'pi_%d'",
		},
	} {
		if diff := cmp.Diff(c.want, *c.got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if got := c.got.Error(); got != c.text {
			t.Errorf("Error = %q, want %q", got, c.text)
		}
	}
}

// Stored replies hold errors as JSON; every field must come back.
func TestJSONRoundTrip(t *testing.T) {
	want := Error{Kind: Declined, Code: "card_declined", DeclineCode: "lost_card", AdviceCode: "do_not_try_again",
		Param: "payment_method", Message: "Your card was declined.", NoRetry: true}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Error
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("through %s: -want +got\n%s", text, diff)
	}
}

package form

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustDecode(t testing.TB, body string) *Value {
	t.Helper()
	tree, err := Decode(DefaultLimits(), body)
	if err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return tree
}

func TestGetters(t *testing.T) {
	tree := mustDecode(t, "amount=-5&fee=&confirm=true&off=False&name=x&a[b][c]=7&types[]=card&types[]=link&items[0][p]=1&plus=%2B5&big=9223372036854775808")
	type got struct {
		Value   any
		Present bool
	}
	pair := func(value any, present bool) got { return got{value, present} }
	tests := []struct {
		name string
		got  got
		want got
	}{
		{"string", pair(tree.String("name")), got{"x", true}},
		{"empty string", pair(tree.String("fee")), got{"", true}},
		{"absent string", pair(tree.String("nothing", "here")), got{"", false}},
		{"string of a hash", pair(tree.String("a")), got{"", false}},
		{"through a scalar", pair(tree.String("name", "x")), got{"", false}},
		{"integer", pair(tree.Int64("amount")), got{int64(-5), true}},
		{"nested integer", pair(tree.Int64("a", "b", "c")), got{int64(7), true}},
		{"empty integer", pair(tree.Int64("fee")), got{int64(0), false}},
		{"integer with a plus", pair(tree.Int64("plus")), got{int64(0), false}},
		{"integer of 65 bits", pair(tree.Int64("big")), got{int64(0), false}},
		{"true", pair(tree.Bool("confirm")), got{true, true}},
		{"False", pair(tree.Bool("off")), got{false, true}},
		{"no boolean", pair(tree.Bool("name")), got{false, false}},
		{"absent boolean", pair(tree.Bool("nothing")), got{false, false}},
		{"strings", pair(tree.Strings("types")), got{[]string{"card", "link"}, true}},
		{"cleared strings", pair(tree.Strings("fee")), got{[]string{}, true}},
		{"absent strings", pair(tree.Strings("nothing")), got{[]string(nil), false}},
		{"strings of hashes", pair(tree.Strings("items")), got{[]string{}, true}},
		{"element", pair(tree.String("items", "0", "p")), got{"1", true}},
		{"cleared", pair(nil, tree.Cleared("fee")), got{nil, true}},
		{"not cleared", pair(nil, tree.Cleared("name")), got{nil, false}},
		{"absent is not cleared", pair(nil, tree.Cleared("nothing")), got{nil, false}},
		{"has an empty one", pair(nil, tree.Has("fee")), got{nil, true}},
		{"has not", pair(nil, tree.Has("a", "x")), got{nil, false}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if kind := tree.Get("nothing").Kind(); kind != Absent || kind.String() != "absent" {
		t.Errorf("kind of an absent value is %v", kind)
	}
}

func TestMetadata(t *testing.T) {
	old := map[string]string{"a": "1", "b": "2"}
	tests := []struct {
		body    string
		present bool
		want    map[string]string
	}{
		{"x=1", false, map[string]string{"a": "1", "b": "2"}},
		{"metadata=", true, map[string]string{}},
		{"metadata[a]=&metadata[c]=3", true, map[string]string{"b": "2", "c": "3"}},
		{"metadata[7]=x", true, map[string]string{"a": "1", "b": "2", "7": "x"}},
	}
	for _, tt := range tests {
		patch, present := mustDecode(t, tt.body).Metadata("metadata")
		got, err := patch.Apply(old)
		if err != nil || present != tt.present {
			t.Errorf("%s: present %v, error %v", tt.body, present, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.body, diff)
		}
	}
	if len(old) != 2 {
		t.Errorf("Apply changed what it was given: %v", old)
	}
}

func TestMetadataIsBoundedOverTime(t *testing.T) {
	old := map[string]string{}
	for i := range MaxMetadata {
		old[fmt.Sprint("k", i)] = "v"
	}
	same, _ := mustDecode(t, "metadata[k1]=w").Metadata("metadata")
	if _, err := same.Apply(old); err != nil {
		t.Errorf("a change of one of %d keys: %v", MaxMetadata, err)
	}
	more, _ := mustDecode(t, "metadata[new]=w").Metadata("metadata")
	if _, err := more.Apply(old); err == nil || err.Param != "metadata" {
		t.Errorf("one key more than %d: %v", MaxMetadata, err)
	}
}

func TestCanonical(t *testing.T) {
	tests := []struct {
		a, b string
		same bool
	}{
		{"arr[]=x&arr[]=y", "arr[0]=x&arr[1]=y", true},
		{"arr[]=x&arr[]=y", "arr%5B1%5D=y&arr%5B0%5D=x", true},
		{"a=1&b=2", "b=2&a=1", true},
		{"a[b]=1&a[c]=2", "a[c]=2&a[b]=0&a%5bb%5d=1", true},
		{"i[][p]=1&i[][q]=2&i[][p]=3", "i[1][p]=3&i[0][q]=2&i[0][p]=1", true},
		{"a=x+y", "a=x%20y", true},
		{"a", "a=", true},
		{"a=1", "a=2", false},
		{"a=", "", false},
		{"a=12", "a1=2", false},
		{"a[b]=1", "a=b1", false},
		{"arr[]=x&arr[]=y", "arr[]=y&arr[]=x", false},
		{"arr[]=xy", "arr[]=x&arr[]=y", false},
		{"metadata[7]=x", "metadata[8]=x", false},
	}
	for _, tt := range tests {
		a, b := Canonical(mustDecode(t, tt.a)), Canonical(mustDecode(t, tt.b))
		if (string(a) == string(b)) != tt.same {
			t.Errorf("%s → %q, %s → %q, want equal: %v", tt.a, a, tt.b, b, tt.same)
		}
	}
	gapped, dense := mustDecode(t, "arr[3]=x&arr[9]=y"), mustDecode(t, "arr[]=x&arr[]=y")
	gapped.Field("arr").AsList()
	if string(Canonical(gapped)) != string(Canonical(dense)) {
		t.Error("a settled list still shows its gaps")
	}
	if string(Canonical(nil)) == string(Canonical(mustDecode(t, ""))) {
		t.Error("no request looks like an empty one")
	}
}

const typical = "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&automatic_payment_methods[enabled]=true" +
	"&automatic_payment_methods[allow_redirects]=never&metadata[order_id]=6735&metadata[customer]=Jenny+Rosen"

func BenchmarkDecode(b *testing.B) {
	b.ReportAllocs()
	limits := DefaultLimits()
	for b.Loop() {
		if _, err := Decode(limits, typical); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeHostile(b *testing.B) {
	body := strings.Repeat("a[][b][c][d][e][f][g][h][i]=1&", 999)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(DefaultLimits(), body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	tree := mustDecode(b, typical)
	b.ReportAllocs()
	for b.Loop() {
		Canonical(tree)
	}
}

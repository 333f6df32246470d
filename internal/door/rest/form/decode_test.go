package form

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/fault"
)

// plain shows a tree as maps, slices and strings.
func plain(v *Value) any {
	switch v.Kind() {
	case Scalar:
		return v.Text()
	case List:
		list := make([]any, 0, v.Len())
		for _, e := range v.All() {
			list = append(list, plain(e))
		}
		return list
	case Hash:
		hash := map[string]any{}
		for name, e := range v.All() {
			hash[name] = plain(e)
		}
		return hash
	}
	return nil
}

type (
	hash = map[string]any
	list = []any
)

func TestDecode(t *testing.T) {
	tests := []struct {
		name, body string
		want       hash
	}{
		{"nothing", "", hash{}},
		{"only separators", "&&&", hash{}},
		{"scalars", "amount=1099&currency=usd", hash{"amount": "1099", "currency": "usd"}},
		{"empty and absent", "description=&name", hash{"description": "", "name": ""}},
		{"escapes", "a=x+y%20z%26%3D&b%5Bc%5D=%E2%82%AC", hash{"a": "x y z&=", "b": hash{"c": "€"}}},
		{"equals sign in the value", "a=b=c", hash{"a": "b=c"}},
		{"nested", "a[b][c]=v&a[b][d]=w", hash{"a": hash{"b": hash{"c": "v", "d": "w"}}}},
		{"half escaped brackets", "a%5bb][c%5D=v", hash{"a": hash{"b": hash{"c": "v"}}}},
		{"last scalar wins", "a=1&a=2&b[c]=1&b[c]=2", hash{"a": "2", "b": hash{"c": "2"}}},
		{"repeated", "arr[]=x&arr[]=y", hash{"arr": list{"x", "y"}}},
		{"indexed", "arr[0]=x&arr[1]=y", hash{"arr": list{"x", "y"}}},
		{"indexed out of order with gaps", "arr[10]=z&arr[2]=y&arr[0]=x", hash{"arr": list{"x", "y", "z"}}},
		{"indexed then repeated", "arr[3]=x&arr[]=y&arr[1]=w", hash{"arr": list{"w", "x", "y"}}},
		{"list of hashes by index", "i[0][p]=1&i[0][q]=2&i[1][p]=3", hash{"i": list{hash{"p": "1", "q": "2"}, hash{"p": "3"}}}},
		{"list of hashes by repetition", "i[][p]=1&i[][q]=2&i[][p]=3&i[][q]=4",
			hash{"i": list{hash{"p": "1", "q": "2"}, hash{"p": "3", "q": "4"}}}},
		{"repetition of a deep key", "i[][d][c]=1&i[][d][a]=2&i[][d][c]=3",
			hash{"i": list{hash{"d": hash{"c": "1", "a": "2"}}, hash{"d": hash{"c": "3"}}}}},
		{"a list within begins no element", "i[][p]=1&i[][t][]=x&i[][t][]=y&i[][p]=2",
			hash{"i": list{hash{"p": "1", "t": list{"x", "y"}}, hash{"p": "2"}}}},
		{"an index does not join [] elements", "i[0][p]=1&i[][q]=2", hash{"i": list{hash{"p": "1"}, hash{"q": "2"}}}},
		{"list of lists", "a[][]=x&a[][]=y", hash{"a": list{list{"x", "y"}}}},
		{"numbers as names", "metadata[7]=x&metadata[k]=y", hash{"metadata": hash{"7": "x", "k": "y"}}},
		{"a number too great for an index", "metadata[20260930]=x", hash{"metadata": hash{"20260930": "x"}}},
		{"leading zero is a name", "m[01]=x", hash{"m": hash{"01": "x"}}},
		{"numbers at the root", "0=x", hash{"0": "x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := Decode(DefaultLimits(), tt.body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(any(tt.want), plain(tree)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeSources(t *testing.T) {
	tree, err := Decode(DefaultLimits(), "expand[]=a&x=1", "expand[]=b&x=2")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(hash{"expand": list{"a", "b"}, "x": "2"}), plain(tree)); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeErrors(t *testing.T) {
	small := Limits{Bytes: 100, Keys: 4, Depth: 3, KeyBytes: 20}
	tests := []struct {
		name, body, code, param, message string
	}{
		{"bytes", strings.Repeat("a", 101), "", "", "The request's parameters are too large: 101 bytes, where at most 100 are allowed."},
		{"keys", "a=1&a=2&a=3&a=4&a=5", "", "", "The request has too many parameters: at most 4 are allowed."},
		{"depth", "a[b][c][d]=1", "", "a[b][c][d]", "The parameter 'a[b][c][d]' is nested too deeply: at most 3 levels are allowed."},
		{"key length", strings.Repeat("k", 21) + "=1", "", "", "The name of a parameter is too long: it starts with 'kkkkkkkkkkkkkkkkkkkkk', and at most 20 bytes are allowed."},
		{"escaped key length", strings.Repeat("%6b", 21) + "=1", "", "", "The name of a parameter is too long: it starts with '%6b%6b%6b%6b%6b%6b%6b%6b%6b%6b%6b%6b%6b%', and at most 20 bytes are allowed."},
		{"scalar then hash", "a=1&a[b]=2", "", "a[b]", "The parameter 'a[b]' is used in two ways: as a value, a hash or an array."},
		{"hash then scalar", "a[b]=2&a=1", "", "a", "The parameter 'a' is used in two ways: as a value, a hash or an array."},
		{"scalar then list", "a=1&a[]=2", "", "a[]", "The parameter 'a[]' is used in two ways: as a value, a hash or an array."},
		{"hash then list", "a[b]=1&a[]=2", "", "a[]", "The parameter 'a[]' is used in two ways: as a value, a hash or an array."},
		{"list then hash", "a[]=1&a[b]=2", "", "a[b]", "The parameter 'a[b]' is used in two ways: as a value, a hash or an array."},
		{"great index in a list", "a[]=1&a[1001]=2", "", "a[1001]", "The parameter 'a[1001]' is used in two ways: as a value, a hash or an array."},
		{"invalid UTF-8 in a value", "a=%ff", "invalid_characters", "a", "The value of 'a' is not valid UTF-8."},
		{"raw invalid UTF-8", "a=\xff", "invalid_characters", "a", "The value of 'a' is not valid UTF-8."},
		{"invalid UTF-8 in a key", "a%ff=1", "invalid_characters", "", "The name of a parameter is not valid UTF-8."},
		{"NUL in a value", "a=x%00", "invalid_characters", "a", "The value of 'a' contains a NUL character."},
		{"raw NUL in a key", "a\x00=x", "invalid_characters", "", "The name of a parameter contains a NUL character."},
		{"bad escape", "a=%4", "invalid_characters", "a", "The value of 'a' has a percent sign that is not followed by two hexadecimal digits."},
		{"no name", "=1", "parameter_unknown", "", "Received unknown parameter: "},
		{"open bracket", "a[b=1", "parameter_unknown", "a[b", "Received unknown parameter: a[b"},
		{"stray bracket", "a]=1", "parameter_unknown", "a]", "Received unknown parameter: a]"},
		{"text after a bracket", "a[b]c=1", "parameter_unknown", "a[b]c", "Received unknown parameter: a[b]c"},
		{"bracket in a name", "a[b[c]]=1", "parameter_unknown", "a[b[c]]", "Received unknown parameter: a[b[c]]"},
		{"bracket first", "[a]=1", "parameter_unknown", "[a]", "Received unknown parameter: [a]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Decode(small, tt.body)
			want := &fault.Error{Kind: fault.Invalid, Code: tt.code, Param: tt.param, Message: tt.message}
			if diff := cmp.Diff(want, err); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	var body strings.Builder
	for i := range 100 {
		fmt.Fprintf(&body, "m[k%02d]=%d&", (i*37)%100, i)
	}
	tree, err := Decode(DefaultLimits(), body.String())
	if err != nil {
		t.Fatal(err)
	}
	place := 0
	for name, value := range tree.Field("m").All() {
		if want := fmt.Sprintf("k%02d", (place*37)%100); name != want || value.Text() != strconv.Itoa(place) {
			t.Fatalf("place %d holds %s=%s, want %s", place, name, value.Text(), want)
		}
		place++
	}
	if place != 100 {
		t.Errorf("saw %d names", place)
	}
}

func TestManyIndexesStaySorted(t *testing.T) {
	var body strings.Builder
	for i := range 200 {
		fmt.Fprintf(&body, "a[%d]=%d&", 2*((i*77)%200), (i*77)%200)
	}
	tree, err := Decode(DefaultLimits(), body.String())
	if err != nil {
		t.Fatal(err)
	}
	a := tree.Field("a")
	if !a.AsList() || a.Len() != 200 {
		t.Fatalf("%v of %d", a.Kind(), a.Len())
	}
	for i := range 200 {
		if got := a.Field(strconv.Itoa(i)).Text(); got != strconv.Itoa(i) {
			t.Fatalf("element %d is %s", i, got)
		}
	}
}

func TestAsHash(t *testing.T) {
	tree, err := Decode(DefaultLimits(), "m[7]=x&m[3]=y&l[]=z&s=1&g[5]=v&g[]=w")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"m": true, "l": false, "s": false, "g": false, "absent": false} {
		if got := tree.Field(name).AsHash(); got != want {
			t.Errorf("AsHash of %s = %v", name, got)
		}
	}
	if diff := cmp.Diff(any(hash{"3": "y", "7": "x"}), plain(tree.Field("m"))); diff != "" {
		t.Error(diff)
	}
	if tree.Field("s").AsList() || tree.Field("m").AsList() || !tree.Field("g").AsList() {
		t.Error("AsList takes a scalar or a settled hash, or refuses a list")
	}
}

// encode spells a tree with indexes, as stripe-node does.
func encode(v *Value, prefix string, out *strings.Builder) {
	if v.Kind() == Scalar {
		fmt.Fprintf(out, "%s=%s&", url.QueryEscape(prefix), url.QueryEscape(v.Text()))
		return
	}
	for name, child := range v.All() {
		if prefix != "" {
			name = prefix + "[" + name + "]"
		}
		encode(child, name, out)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "a=1&b[c]=2&d[]=3&d[]=4&e[0][f]=5", "i[][p]=1&i[][q][r]=2&i[][p]=3", "a[5]=x&a[]=y&a[2][z]=1",
		"m[1000]=a&m[1001]=b", "a%5B%5D=%E2%82%AC&a[]=%00", "a[b=1&]=2&[]=3", "a[][][]=1&a[][][]=2", "a=1&a[b]=2",
		strings.Repeat("a[k]=1&", 20) + "a[0]=2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		tree, fail := Decode(DefaultLimits(), body)
		if fail != nil {
			if fail.Kind != fault.Invalid || fail.Message == "" {
				t.Fatalf("error without a kind or message: %#v", fail)
			}
			return
		}
		first := Canonical(tree)
		var again strings.Builder
		encode(tree, "", &again)
		limits := DefaultLimits()
		limits.Bytes *= 4
		limits.KeyBytes *= 4 // [] is spelled [n], which is longer
		tree2, fail := Decode(limits, again.String())
		if fail != nil {
			t.Fatalf("%q re-encoded as %q: %v", body, again.String(), fail)
		}
		if diff := cmp.Diff(plain(tree), plain(tree2)); diff != "" {
			t.Fatalf("%q re-encoded as %q: %s", body, again.String(), diff)
		}
		if second := Canonical(tree2); string(first) != string(second) {
			t.Fatalf("%q: canonical %q, re-encoded %q", body, first, second)
		}
	})
}

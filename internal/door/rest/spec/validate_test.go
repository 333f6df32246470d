package spec

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
)

func decode(t testing.TB, body string) *form.Value {
	t.Helper()
	tree, err := form.Decode(form.DefaultLimits(), body)
	if err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return tree
}

func TestValidateTakes(t *testing.T) {
	tests := []struct{ operation, body string }{
		{"PostPaymentIntents", typical},
		{"PostPaymentIntents", "amount=1&currency=usd&metadata=&shipping[name]=n&shipping[address][line1]=1&shipping[address][line2]=&shipping[address][state]="},
		{"PostPaymentIntents", "amount=1&currency=usd&metadata[7]=x&metadata[20260930]=y&metadata[1]="},
		{"PostPaymentIntents", "amount=1&currency=usd&off_session=recurring&expand[]=customer"},
		{"PostPaymentIntents", "amount=1&currency=usd&off_session=true&mandate_data="},
		{"PostPaymentIntents", "amount=1&currency=usd&mandate_data[customer_acceptance][type]=offline&mandate_data[customer_acceptance][offline]="},
		{"PostPaymentIntents", "amount=1&currency=usd&payment_method_types[]=card&payment_method_types[]=link"},
		{"PostPaymentIntents", "amount=1&currency=usd&allowed_payment_method_types[3]=card"},
		{"PostPaymentIntents", "amount=1&currency=usd&payment_method_data[type]=paypay"}, // the enumeration is open
		{"PostPaymentIntents", "amount=1&currency=usd&payment_method_options[card][setup_future_usage]="},
		{"PostPaymentIntentsIntent", "payment_method="},
		{"PostCheckoutSessions", "mode=payment&success_url=https://x&line_items[][price]=p&line_items[][quantity]=1&line_items[][price]=q&line_items[][quantity]=2"},
		{"PostCheckoutSessions", "allowed_payment_method_types[0]=card"},
		{"PostCustomers", "email=&name=&description=&phone=&address="},
		{"PostCustomers", "shipping[name]=n&shipping[phone]=&shipping[address][city]="},
		{"PostPrices", "currency=eur&unit_amount_decimal=0.5&product=p&currency_options[usd][unit_amount]=7"},
		{"PostPaymentMethods", "type=card&card[token]=tok_visa"},
		{"PostPaymentMethods", "type=card&card[number]=4242424242424242&card[exp_month]=1&card[exp_year]=2030"},
		{"GetCharges", "limit=3&created[gte]=1700000000&expand[]=data.customer"},
		{"GetCharges", "created=1700000000"},
		{"GetCharges", ""},
	}
	for _, tt := range tests {
		if err := ByID(tt.operation).Validate(decode(t, tt.body)); err != nil {
			t.Errorf("%s %s: %v", tt.operation, tt.body, err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	const intent = "amount=1&currency=usd&"
	many := "metadata[k50]=v"
	for i := range 50 {
		many += fmt.Sprintf("&metadata[k%d]=v", i)
	}
	empty := func(param string) string {
		return strings.ReplaceAll("You passed an empty string for 'P'. We assume empty values are an attempt to unset a parameter; "+
			"however 'P' cannot be unset. You should remove 'P' from your request or supply a non-empty value.", "P", param)
	}
	tests := []struct{ operation, body, code, param, message string }{
		{"PostPaymentIntents", intent + "x=1", "parameter_unknown", "x", "Received unknown parameter: x"},
		{"PostPaymentIntents", intent + "x=1&y[z]=2", "parameter_unknown", "x", "Received unknown parameters: x, y"},
		{"PostPaymentIntents", intent + "x=", "parameter_unknown", "x", "Received unknown parameter: x"},
		{"PostPaymentIntents", "x=1&amount=abc", "parameter_unknown", "x", "Received unknown parameter: x"},
		{"PostPaymentIntents", intent + "shipping[name]=n&shipping[address][zip]=1", "parameter_unknown", "shipping[address][zip]", "Received unknown parameter: shipping[address][zip]"},
		{"PostPaymentMethods", "type=card&card[foo]=1", "parameter_unknown", "card[foo]", "Received unknown parameter: card[foo]"},
		{"PostCheckoutSessions", "line_items[5][a]=1", "parameter_unknown", "line_items[0][a]", "Received unknown parameter: line_items[0][a]"},
		{"PostPaymentIntents", "currency=usd", "parameter_missing", "amount", "Missing required param: amount."},
		{"PostPaymentIntents", "", "parameter_missing", "amount", "Missing required param: amount."},
		{"PostPaymentIntents", intent + "shipping[address][city]=c", "parameter_missing", "shipping[name]", "Missing required param: shipping[name]."},
		{"PostPaymentIntents", intent + "automatic_payment_methods[allow_redirects]=never", "parameter_missing", "automatic_payment_methods[enabled]",
			"Missing required param: automatic_payment_methods[enabled]."},
		{"PostPaymentIntents", "amount=abc&currency=usd", "parameter_invalid_integer", "amount", "Invalid integer: abc"},
		{"PostPaymentIntents", "amount=10.50", "parameter_invalid_integer", "amount", "Invalid integer: 10.50"},
		{"PostPaymentIntents", "amount=99999999999999999999", "parameter_invalid_integer", "amount", "Invalid integer: 99999999999999999999"},
		{"PostPaymentIntents", "amount[a]=1", "parameter_invalid_integer", "amount", "Invalid integer"},
		{"GetCharges", "created[gt]=now", "parameter_invalid_integer", "created[gt]", "Invalid integer: now"},
		{"PostPaymentIntents", intent + "confirm=yes", "", "confirm", "Invalid boolean: yes"},
		{"PostPaymentIntents", intent + "confirm=1", "", "confirm", "Invalid boolean: 1"},
		{"PostPrices", "currency=usd&unit_amount_decimal=1e3", "", "unit_amount_decimal", "Invalid decimal: 1e3"},
		{"PostPaymentIntents", intent + "capture_method=x", "", "capture_method", "Invalid capture_method: must be one of automatic, automatic_async, or manual"},
		{"PostPaymentIntents", intent + "automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=x", "",
			"automatic_payment_methods[allow_redirects]", "Invalid automatic_payment_methods[allow_redirects]: must be one of always or never"},
		{"PostPaymentIntents", intent + "off_session=maybe", "", "off_session", "Invalid off_session: must be one of one_off or recurring"},
		{"PostPaymentIntents", intent + "customer=", "parameter_invalid_empty", "customer", empty("customer")},
		{"PostPaymentIntents", "amount=", "parameter_invalid_empty", "amount", empty("amount")},
		{"PostPaymentIntents", intent + "shipping=", "parameter_invalid_empty", "shipping", empty("shipping")},
		{"PostCheckoutSessions", "line_items[0][price]=", "parameter_invalid_empty", "line_items[0][price]", empty("line_items[0][price]")},
		{"PostPaymentIntents", intent + "expand=customer", "", "expand", "Invalid array"},
		{"PostPaymentIntents", intent + "expand[a]=customer", "", "expand", "Invalid array"},
		{"PostPaymentIntents", intent + "expand[1001]=customer", "", "expand", "Invalid array: the index 1001 is not between 0 and 1000"},
		{"PostPaymentIntents", intent + "expand[][a]=customer", "", "expand[0]", "Invalid string"},
		{"PostPaymentIntents", intent + "shipping=x", "", "shipping", "Invalid hash"},
		{"PostPaymentIntents", intent + "shipping[]=x", "", "shipping", "Invalid hash"},
		{"PostPaymentIntents", intent + "shipping[0]=x", "", "shipping", "Invalid hash"},
		{"PostPaymentIntents", intent + "customer[id]=x", "", "customer", "Invalid string"},
		{"PostPaymentIntents", intent + "customer[]=x", "", "customer", "Invalid string"},
		{"PostPaymentIntents", intent + "capture_method[]=x", "", "capture_method", "Invalid string"},
		{"PostPaymentIntents", intent + "customer=" + strings.Repeat("é", 5001), "", "customer", "Invalid string: éééé...éééé; must be at most 5000 characters"},
		{"PostPaymentIntents", intent + "metadata=x", "", "metadata", "Invalid hash"},
		{"PostPaymentIntents", intent + "metadata[]=x", "", "metadata", "Invalid hash"},
		{"PostPaymentIntents", intent + "metadata[a][b]=x", "", "metadata[a]", "Invalid string"},
		{"PostPaymentIntents", intent + many, "", "metadata", "Metadata can have up to 50 keys, but you passed in 51 keys."},
		{"PostPaymentIntents", intent + "metadata[" + strings.Repeat("k", 41) + "]=x", "", "metadata[" + strings.Repeat("k", 41) + "]",
			"Metadata keys can have up to 40 characters, but you passed in a key that is 41 characters. Invalid key: " + strings.Repeat("k", 41)},
		{"PostPaymentIntents", intent + "metadata[k]=" + strings.Repeat("v", 501), "", "metadata[k]",
			"Metadata values can have up to 500 characters, but you passed in a value that is 501 characters. Invalid value: " + strings.Repeat("v", 200) + "…"},
		{"DeleteCustomersCustomer", "expand[]=x", "parameter_unknown", "expand", "Received unknown parameter: expand"},
	}
	for _, tt := range tests {
		err := ByID(tt.operation).Validate(decode(t, tt.body))
		want := &fault.Error{Kind: fault.Invalid, Code: tt.code, Param: tt.param, Message: tt.message}
		if diff := cmp.Diff(want, err); diff != "" {
			t.Errorf("%s %s: %s", tt.operation, tt.body, diff)
		}
	}
}

// At the limit is within it, and characters are counted, not bytes.
func TestLimitsAreInclusive(t *testing.T) {
	body := "amount=1&currency=usd&metadata[" + strings.Repeat("ü", 40) + "]=" + strings.Repeat("ü", 500) + "&customer=" + strings.Repeat("ü", 5000)
	for i := range 49 {
		body += fmt.Sprintf("&metadata[%d]=v", i)
	}
	if err := ByID("PostPaymentIntents").Validate(decode(t, body)); err != nil {
		t.Error(err)
	}
}

// A hundred unknown names give a message of some.
func TestUnknownMessageIsBounded(t *testing.T) {
	var body strings.Builder
	for i := range 100 {
		fmt.Fprintf(&body, "x%d=1&", i)
	}
	err := ByID("PostPaymentIntents").Validate(decode(t, body.String()))
	if err == nil || err.Param != "x0" || strings.Count(err.Message, ",") != 19 {
		t.Errorf("%v", err)
	}
}

// Validate settles shapes, so that requests which mean the same hash the same.
func TestValidateSettles(t *testing.T) {
	a, b := decode(t, "metadata[5]=x&expand[4]=b&expand[9]=c"), decode(t, "expand[]=b&expand[]=c&metadata[5]=x")
	op := ByID("PostCustomers")
	for _, tree := range []*form.Value{a, b} {
		if err := op.Validate(tree); err != nil {
			t.Fatal(err)
		}
		if patch, _ := tree.Metadata("metadata"); patch.Set["5"] != "x" {
			t.Errorf("metadata is %v", patch)
		}
	}
	if string(form.Canonical(a)) != string(form.Canonical(b)) {
		t.Error("two spellings of one request differ")
	}
}

// Trees grown at random from the operations' own params, with some noise.
func TestValidateRandomTrees(t *testing.T) {
	seed := uint64(1)
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	operations := slices.Collect(All())
	taken := 0
	for range 20000 {
		op := operations[random.IntN(len(operations))]
		var body strings.Builder
		grow(random, op.Params, "", 0, &body)
		tree, err := form.Decode(form.DefaultLimits(), body.String())
		if err != nil {
			continue
		}
		if err := op.Validate(tree); err == nil {
			taken++
			if err := op.Validate(tree); err != nil {
				t.Fatalf("seed %d: %s takes %q once and then says %v", seed, op.ID, body.String(), err)
			}
		} else if err.Kind != fault.Invalid || err.Message == "" || err.Param == "" {
			t.Fatalf("seed %d: %s %q: %#v", seed, op.ID, body.String(), err)
		}
	}
	if taken < 100 {
		t.Errorf("seed %d: only %d trees were taken", seed, taken)
	}
}

// grow writes pairs for p under prefix.
func grow(random *rand.Rand, p *Param, prefix string, depth int, out *strings.Builder) {
	noise := []string{"", "x", "12", "true", "0.5", "-", "pm_1"}
	name := func(part string) string {
		if prefix == "" {
			return part
		}
		return prefix + "[" + part + "]"
	}
	switch {
	case p.Type&Hash != 0 && depth < 6:
		for _, f := range p.Fields {
			if f.Required && random.IntN(20) > 0 || random.IntN(4+2*len(p.Fields)) == 0 {
				grow(random, f.Param, name(f.Name), depth+1, out)
			}
		}
		if random.IntN(40) == 0 {
			fmt.Fprintf(out, "%s=1&", name("noise"))
		}
	case p.Type&(List|Map) != 0 && depth < 6:
		for i := range random.IntN(3) {
			part := []string{"", fmt.Sprint(7 * i), "k"}[random.IntN(3)]
			grow(random, p.Element, name(part), depth+1, out)
		}
	case len(p.Enum) > 0 && random.IntN(10) > 0:
		fmt.Fprintf(out, "%s=%s&", prefix, p.Enum[random.IntN(len(p.Enum))])
	case p.Type&Integer != 0 && random.IntN(10) > 0:
		fmt.Fprintf(out, "%s=%d&", prefix, random.IntN(1000))
	case p.Type&Boolean != 0 && random.IntN(10) > 0:
		fmt.Fprintf(out, "%s=true&", prefix)
	case prefix != "":
		fmt.Fprintf(out, "%s=%s&", prefix, noise[random.IntN(len(noise))])
	}
}

func FuzzValidate(f *testing.F) {
	f.Add(uint16(0), typical)
	f.Add(uint16(300), "a[0][b]=1&metadata[5]=x&expand[]=data.customer")
	f.Add(uint16(500), "line_items[][price]=p&line_items[][price]=")
	operations := slices.Collect(All())
	f.Fuzz(func(t *testing.T, which uint16, body string) {
		tree, err := form.Decode(form.DefaultLimits(), body)
		if err != nil {
			return
		}
		for _, op := range []*Operation{operations[int(which)%len(operations)], ByID("PostPaymentIntents")} {
			if err := op.Validate(tree); err != nil && (err.Kind != fault.Invalid || err.Message == "" || err.Param == "") {
				t.Fatalf("%s %q: %#v", op.ID, body, err)
			}
			paths, _ := tree.Strings("expand")
			if err := op.ValidateExpand(paths); err != nil && err.Message == "" {
				t.Fatalf("%s expand %q: %#v", op.ID, paths, err)
			}
		}
	})
}

const typical = "amount=2000&currency=usd&payment_method=pm_card_visa&confirm=true&automatic_payment_methods[enabled]=true" +
	"&automatic_payment_methods[allow_redirects]=never&metadata[order_id]=6735&metadata[customer]=Jenny+Rosen"

func BenchmarkDecodeAndValidate(b *testing.B) {
	b.ReportAllocs()
	op := ByID("PostPaymentIntents")
	limits := form.DefaultLimits()
	for b.Loop() {
		tree, err := form.Decode(limits, typical)
		if err != nil {
			b.Fatal(err)
		}
		if err := op.Validate(tree); err != nil {
			b.Fatal(err)
		}
	}
}

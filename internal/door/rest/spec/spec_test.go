package spec

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-mock/embedded"
)

// Every operation of the document is there, under its route, and reads whole.
func TestAllOperations(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			ID string `json:"operationId"`
		}
	}
	if err := json.Unmarshal(embedded.OpenAPISpec, &doc); err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, methods := range doc.Paths {
		for method, want := range methods {
			count++
			sent := path
			values := map[string]string{}
			for _, name := range pathNames(path) {
				values[name] = "x_" + name
				sent = strings.Replace(sent, "{"+name+"}", "x_"+name, 1)
			}
			op, got, ok := Lookup(strings.ToUpper(method), sent)
			if !ok || op.ID != want.ID || op.Path != path || op != ByID(want.ID) {
				t.Errorf("%s %s leads to %+v, want %s", method, sent, op, want.ID)
				continue
			}
			if len(values) > 0 && !cmp.Equal(values, got) || len(values) == 0 && got != nil {
				t.Errorf("%s %s: values %v, want %v", method, sent, got, values)
			}
		}
	}
	if all := len(slices.Collect(All())); count != 594 || all != count {
		t.Errorf("the document has %d operations and the tables %d, want 594", count, all)
	}
}

// Every param is one a validator can work with.
func TestParamsAreWhole(t *testing.T) {
	params := map[*Param]bool{}
	var walk func(op, name string, p *Param)
	walk = func(op, name string, p *Param) {
		if params[p] {
			return
		}
		params[p] = true
		if p.Type&^Clearable == 0 {
			t.Errorf("%s: %s has no type", op, name)
		}
		if (p.Element != nil) != (p.Type&(List|Map) != 0) || p.Fields != nil && p.Type&Hash == 0 {
			t.Errorf("%s: %s has parts that its type %b has not", op, name, p.Type)
		}
		if !slices.IsSortedFunc(p.Fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) }) {
			t.Errorf("%s: fields of %s are out of order", op, name)
		}
		for _, f := range p.Fields {
			if p.Field(f.Name) == nil {
				t.Errorf("%s: %s cannot find %s", op, name, f.Name)
			}
			walk(op, name+"."+f.Name, f.Param)
		}
		if p.Element != nil {
			walk(op, name+"[]", p.Element)
		}
	}
	for op := range All() {
		if op.Params.Type != Hash {
			t.Errorf("%s: the root is of type %b", op.ID, op.Params.Type)
		}
		walk(op.ID, "", op.Params)
	}
	if len(params) < 1000 {
		t.Errorf("only %d params", len(params))
	}
}

func TestResourceNamesAreUnique(t *testing.T) {
	_, _, shapes := unpack(packed)
	seen := map[string]bool{}
	for _, s := range shapes {
		if s.name != "" && seen[s.name] {
			t.Errorf("two shapes are called %s", s.name)
		}
		seen[s.name] = true
	}
	for _, r := range retired {
		if !seen[r.resource] || !seen[r.target] {
			t.Errorf("retired: no shape called %s or %s", r.resource, r.target)
		}
	}
}

func TestParams(t *testing.T) {
	type param struct {
		Type     Type
		Max      int
		Enum     string
		Required bool
	}
	tests := []struct {
		operation, path string
		want            param
	}{
		{"PostPaymentIntents", "amount", param{Type: Integer, Required: true}},
		{"PostPaymentIntents", "currency", param{Type: Text | Currency, Required: true}},
		{"PostPaymentIntents", "confirm", param{Type: Boolean}},
		{"PostPaymentIntents", "customer", param{Type: Text, Max: 5000}},
		{"PostPaymentIntents", "metadata", param{Type: Map | Metadata | Clearable}},
		{"PostPaymentIntents", "capture_method", param{Type: Text, Enum: "automatic automatic_async manual"}},
		{"PostPaymentIntents", "mandate_data", param{Type: Hash | Clearable}},
		{"PostPaymentIntents", "mandate_data.customer_acceptance.accepted_at", param{Type: Integer | Timestamp}},
		{"PostPaymentIntents", "off_session", param{Type: Boolean | Text, Max: 5000, Enum: "one_off recurring"}},
		{"PostPaymentIntents", "expand.*", param{Type: Text, Max: 5000}},
		{"PostCheckoutSessions", "line_items.*.price_data.unit_amount_decimal", param{Type: Decimal}},
		{"PostPrices", "currency_options.*.unit_amount", param{Type: Integer}},
		{"GetCharges", "created", param{Type: Hash | Integer}},
		{"GetCharges", "created.gte", param{Type: Integer}},
		{"PostFiles", "file", param{Type: Text | File, Required: true}},
		{"GetChargesSearch", "query", param{Type: Text, Max: 5000, Required: true}},
	}
	for _, tt := range tests {
		f := Field{Param: ByID(tt.operation).Params}
		for _, name := range strings.Split(tt.path, ".") {
			if name == "*" {
				f = Field{Param: f.Param.Element}
			} else {
				f = *f.Param.Field(name)
			}
		}
		got := param{f.Param.Type, f.Param.MaxLength, strings.Join(f.Param.Enum, " "), f.Required}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s %s: %s", tt.operation, tt.path, diff)
		}
	}
	if !ByID("PostFiles").Multipart || ByID("PostPaymentIntents").Multipart {
		t.Error("PostFiles is the one multipart operation")
	}
}

func TestLookup(t *testing.T) {
	tests := []struct {
		method, path, id string
		values           map[string]string
	}{
		{"POST", "/v1/payment_intents", "PostPaymentIntents", nil},
		{"POST", "/v1/payment_intents/pi_1/confirm", "PostPaymentIntentsIntentConfirm", map[string]string{"intent": "pi_1"}},
		{"GET", "/v1/payment_intents/search", "GetPaymentIntentsSearch", nil},
		{"POST", "/v1/payment_intents/search", "PostPaymentIntentsIntent", map[string]string{"intent": "search"}},
		{"GET", "/v1/products/prod_1", "GetProductsId", map[string]string{"id": "prod_1"}},
		{"GET", "/v1/products/prod_1/features", "GetProductsProductFeatures", map[string]string{"product": "prod_1"}},
		{"GET", "/v1/products/prod_1/features/f", "GetProductsProductFeaturesId", map[string]string{"product": "prod_1", "id": "f"}},
		{"DELETE", "/v1/coupons/50%25%20off%2Fnow", "DeleteCouponsCoupon", map[string]string{"coupon": "50% off/now"}},
		{"GET", "/v1/coupons/caf%C3%A9", "GetCouponsCoupon", map[string]string{"coupon": "café"}},
		{"GET", "/v1/coupons/%zz", "", nil},
		{"GET", "/v1/coupons/", "", nil},
		{"GET", "/v1/coupons//", "", nil},
		{"PUT", "/v1/coupons", "", nil},
		{"get", "/v1/coupons", "", nil},
		{"DELETE", "/v1/payment_intents", "", nil},
		{"GET", "/v1/payment_intents/pi_1/confirm/more/and/more/of/it", "", nil},
		{"GET", "/v2/core/events", "", nil},
		{"GET", "/v1", "", nil},
		{"GET", "/", "", nil},
		{"GET", "", "", nil},
		{"GET", "v1/charges", "", nil},
	}
	for _, tt := range tests {
		op, values, ok := Lookup(tt.method, tt.path)
		if ok != (tt.id != "") || ok && op.ID != tt.id {
			t.Errorf("%s %s leads to %+v, want %q", tt.method, tt.path, op, tt.id)
		}
		if diff := cmp.Diff(tt.values, values); diff != "" {
			t.Errorf("%s %s: %s", tt.method, tt.path, diff)
		}
	}
	if ByID("Nothing") != nil {
		t.Error("an operation that is not there")
	}
}

func TestOverlay(t *testing.T) {
	for _, r := range renamed {
		p := ByID(r.operation).Params
		if p.Field(r.name) == nil || p.Field(r.like) == nil || p.Field(r.name).Param.Type != p.Field(r.like).Param.Type {
			t.Errorf("%s does not take both %s and %s", r.operation, r.name, r.like)
		}
	}
	if ByID("PostPaymentLinks").Params.Field("allowed_payment_method_types") != nil {
		t.Error("a name was added to an operation that is not listed")
	}
	if ByID("PostCustomers").Params.Field("email").Param.Type&Clearable == 0 {
		t.Error("a customer's email cannot be cleared")
	}
	if ByID("PostPaymentIntents").Params.Field("customer").Param.Type&Clearable != 0 {
		t.Error("a payment intent's customer can be cleared")
	}
}

func BenchmarkUnpack(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		operations, _, _ := unpack(packed)
		routes := &route{}
		for i := range operations {
			routes.add(&operations[i])
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := Lookup("POST", "/v1/payment_intents/pi_1/confirm"); !ok {
			b.Fatal("not found")
		}
	}
}

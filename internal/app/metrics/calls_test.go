package metrics

import (
	"context"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/clock"
	"github.com/florinpay/florin/internal/provider"
)

// whole is a provider that has every operation the seam knows, made without
// naming them: whoever adds one finds out here that it must be measured.
func whole(said provider.Status) provider.Provider {
	p := provider.Provider{Name: "whole"}
	v := reflect.ValueOf(&p).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Func {
			f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value {
				outs := make([]reflect.Value, f.Type().NumOut())
				for i := range outs {
					outs[i] = reflect.New(f.Type().Out(i)).Elem()
				}
				switch o := outs[0].Addr().Interface().(type) {
				case *provider.Outcome:
					*o = provider.Outcome{Status: said, ID: "theirs"}
				case *provider.Finding:
					*o = provider.Finding{Answer: provider.Found, Outcome: provider.Outcome{Status: said, ID: "theirs"}}
				case *[]provider.Notice:
					*o = []provider.Notice{{Number: 1, Reference: "ours"}}
				}
				return outs
			}))
		}
	}
	return p
}

// Measuring keeps what is not there absent, and passes on what is said.
func TestProviderKeepsItsShape(t *testing.T) {
	p := whole(provider.Declined)
	fields := reflect.TypeOf(p)
	for missing := range fields.NumField() {
		if fields.Field(missing).Type.Kind() != reflect.Func {
			continue
		}
		part := p
		reflect.ValueOf(&part).Elem().Field(missing).SetZero()
		m := New(clock.System{})
		measured := reflect.ValueOf(m.Provider(part))
		calls := 0
		for i := range fields.NumField() {
			f, name := measured.Field(i), fields.Field(i).Name
			switch {
			case f.Kind() != reflect.Func:
				if diff := cmp.Diff(reflect.ValueOf(part).Field(i).Interface(), f.Interface()); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			case f.IsNil() != (i == missing):
				t.Errorf("%s: nil %t without %s", name, f.IsNil(), fields.Field(missing).Name)
			case !f.IsNil() && name != "Parse": // which is no call
				in := []reflect.Value{reflect.ValueOf(context.Background())}
				for i := 1; i < f.Type().NumIn(); i++ {
					in = append(in, reflect.Zero(f.Type().In(i)))
				}
				plain := reflect.ValueOf(part).Field(i).Call(in)[0].Interface()
				if diff := cmp.Diff(plain, f.Call(in)[0].Interface()); diff != "" {
					t.Errorf("%s says something else: %s", name, diff)
				}
				calls++
			}
		}
		if n := sum(t, m, "florin_provider_calls_total"); n != calls {
			t.Errorf("without %s: %d calls, %d counted", fields.Field(missing).Name, calls, n)
		}
	}
}

// sum adds up the counters of a name.
func sum(t *testing.T, m *Metrics, name string) (n int) {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, one := range f.GetMetric() {
				n += int(one.GetCounter().GetValue())
			}
		}
	}
	return n
}

func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		finding          provider.Finding
		inquiry, reverse string
	}{
		{provider.Finding{}, "unknown", "unknown"},
		{provider.Finding{Outcome: provider.Outcome{Status: provider.Failed}}, "unknown", "failed"},
		{provider.Finding{Answer: provider.NotFound}, "not_found", "not_found"},
		{provider.Finding{Answer: provider.Found, Outcome: provider.Outcome{Status: provider.Declined}}, "found", "declined"},
		{provider.Finding{Answer: provider.Found}, "found", "unknown"},
	} {
		if got := inquiryOutcome(c.finding); got != c.inquiry {
			t.Errorf("inquiry %+v: %s", c.finding, got)
		}
		if got := reverseOutcome(c.finding); got != c.reverse {
			t.Errorf("reversal %+v: %s", c.finding, got)
		}
	}
}

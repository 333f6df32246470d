package apiversion

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each case is an answer of the newest shape, and what it is in others.
func TestRender(t *testing.T) {
	for _, c := range []struct {
		name, newest string
		want         map[string]string
	}{
		{"a charge", `{"id":"ch_1","object":"charge","amount":5,"metadata":{"object":"charge"}}`, map[string]string{
			"2026-02-25.clover": `{"id":"ch_1","object":"charge","amount":5,"metadata":{"object":"charge"}}`,
			"2025-02-24.acacia": `{"id":"ch_1","object":"charge","amount":5,"destination":null,"invoice":null,"metadata":{"object":"charge"},"order":null}`,
		}},
		{"a list with what is expanded", `{"object":"list","data":[{"object":"refund","charge":{"id":"ch_1","object":"charge","payment_intent":{"id":"pi_1","object":"payment_intent","zone":1}}}],"has_more":false}`, map[string]string{
			"2024-06-20": `{"object":"list","data":[{"object":"refund","charge":{"id":"ch_1","object":"charge","destination":null,"invoice":null,"order":null,"payment_intent":{"id":"pi_1","object":"payment_intent","invoice":null,"zone":1}}}],"has_more":false}`,
		}},
		{"an error", `{"error":{"type":"card_error","payment_intent":{"id":"pi_1","object":"payment_intent","latest_charge":"ch_1"}}}`, map[string]string{
			"2023-10-16": `{"error":{"type":"card_error","payment_intent":{"id":"pi_1","object":"payment_intent","invoice":null,"latest_charge":"ch_1"}}}`,
		}},
		{"an event has its own version", `{"object":"list","data":[{"id":"evt_1","object":"event","data":{"object":{"object":"charge"}}}]}`, map[string]string{
			"2023-10-16": `{"object":"list","data":[{"id":"evt_1","object":"event","data":{"object":{"object":"charge"}}}]}`,
		}},
		{"included lists", `{"object":"payment_intent","charges":{"object":"list","data":[{"object":"charge","refunds":{"object":"list","data":[],"has_more":true}}],"has_more":false,"url":"/v1/charges"}}`, map[string]string{
			"2022-08-01": `{"object":"payment_intent","charges":{"object":"list","data":[{"object":"charge","destination":null,"invoice":null,"order":null,"refunds":{"object":"list","data":[],"has_more":true}}],"has_more":false,"total_count":1,"url":"/v1/charges"},"invoice":null}`,
		}},
		{"sources", `{"object":"payment_intent","next_action":null,"payment_method_types":["card"],"status":"requires_payment_method"}`, map[string]string{
			"2018-11-08": `{"object":"payment_intent","allowed_source_types":["card"],"invoice":null,"next_action":null,"next_source_action":null,"payment_method_types":["card"],"status":"requires_source"}`,
			"2019-02-11": `{"object":"payment_intent","invoice":null,"next_action":null,"payment_method_types":["card"],"status":"requires_payment_method"}`,
		}},
		{"an account", `{"object":"account","settings":{"card_payments":{"statement_descriptor_prefix":"A","statement_descriptor_prefix_kana":null,"statement_descriptor_prefix_kanji":"B"},"payments":{"statement_descriptor":null}}}`, map[string]string{
			"2025-02-24.acacia": `{"object":"account","settings":{"card_payments":{"statement_descriptor_prefix":"A","statement_descriptor_prefix_kana":null,"statement_descriptor_prefix_kanji":"B"},"payments":{"statement_descriptor":null,"statement_descriptor_prefix_kana":null,"statement_descriptor_prefix_kanji":"B"}}}`,
			"2025-03-31.basil":  `{"object":"account","settings":{"card_payments":{"statement_descriptor_prefix":"A","statement_descriptor_prefix_kana":null,"statement_descriptor_prefix_kanji":"B"},"payments":{"statement_descriptor":null}}}`,
			"2024-06-20":        `{"object":"account","settings":{"card_payments":{"statement_descriptor_prefix":"A","statement_descriptor_prefix_kana":null,"statement_descriptor_prefix_kanji":"B"},"payments":{"statement_descriptor":null,"statement_descriptor_prefix_kana":null,"statement_descriptor_prefix_kanji":"B"}}}`,
		}},
		{"a deleted account", `{"object":"account","deleted":true}`, map[string]string{"2024-06-20": `{"object":"account","deleted":true}`}},
		{"texts with marks", `{"object":"charge","description":"a \"b\" \\ , ] } \u003c ü","zero":-1.5e3,"yes":true,"none":[],"empty":{}}`, map[string]string{
			"2025-03-31.basil": `{"object":"charge","description":"a \"b\" \\ , ] } \u003c ü","zero":-1.5e3,"yes":true,"none":[],"empty":{}}`,
			"2024-06-20":       `{"object":"charge","description":"a \"b\" \\ , ] } \u003c ü","destination":null,"invoice":null,"order":null,"zero":-1.5e3,"yes":true,"none":[],"empty":{}}`,
		}},
	} {
		for text, want := range c.want {
			v, ok := Parse(text)
			if !ok {
				t.Fatal(text)
			}
			out, err := v.Render(json.RawMessage(c.newest))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, string(out.(json.RawMessage))); diff != "" {
				t.Errorf("%s at %s: %s", c.name, text, diff)
			}
		}
	}
}

// What is in its own shape is not touched: it costs nothing.
func TestNewestIsFree(t *testing.T) {
	value := map[string]any{"object": "charge"}
	for _, text := range []string{Implemented, "2026-10-28.endive", "2025-03-31.basil"} {
		v, _ := Parse(text)
		if n := testing.AllocsPerRun(100, func() {
			if out, err := v.Render(value); err != nil || out.(map[string]any) == nil {
				t.Fatal(out, err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

func FuzzTree(f *testing.F) {
	f.Add(`{"object":"charge","a":[1,{"b":null}],"c\"d":"\\"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var value any
		if json.Unmarshal([]byte(text), &value) != nil {
			return
		}
		compact, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parse(compact)
		if err != nil {
			t.Fatalf("%v of %s", err, compact)
		}
		if out := write(nil, tree); string(out) != string(compact) {
			t.Fatalf("%s is read as %s", compact, out)
		}
	})
}

func BenchmarkRender(b *testing.B) {
	text := json.RawMessage(`{"id":"pi_1","object":"payment_intent","amount":2000,"latest_charge":{"id":"ch_1","object":"charge","amount":2000,"metadata":{"a":"b"}},"metadata":{"order":"1"},"payment_method_types":["card"],"status":"succeeded"}`)
	for _, version := range []string{Implemented, "2024-06-20"} {
		b.Run(version, func(b *testing.B) {
			v, _ := Parse(version)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Render(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

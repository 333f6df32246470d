package apiversion

import (
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	for text, shape := range map[string]Shape{
		"2011-01-01": PreBasil, "2022-08-01": PreBasil, "2024-06-20": PreBasil, "2025-02-24.acacia": PreBasil,
		"2025-03-31.basil": Basil, "2025-11-17.clover": Basil, "2026-02-25.clover": Basil,
		"2026-03-25.dahlia": Newest, Implemented: Newest, "2026-10-28.endive": Newest, "2027-05-26.fuchsia": Newest, "2031-12-31.zinnia": Newest,
	} {
		if v, ok := Parse(text); !ok || v.Shape() != shape || v.String() != text {
			t.Errorf("%s: %v %v, want %v", text, v.Shape(), ok, shape)
		}
	}
	for _, text := range []string{
		"", "latest", "2024-6-20", "2024-06-21", "2024-06-20.acacia", "2024-09-30", "2025-09-30.acacia", "2026-08-26.Dahlia", "2026-08-26.dahlia ",
		"2027-13-01.fuchsia", "2027-05-26", "2027-05-26.preview", "2025-11-17.preview", Implemented + "; feature_beta=v1", "2019-05-16, 2019-12-03",
	} {
		if v, ok := Parse(text); ok {
			t.Errorf("%q is taken for %v", text, v)
		}
	}
	if !slices.IsSorted(released) {
		t.Error("the releases are not in order")
	}
	if v, ok := Parse(Implemented); !ok || v != Default() {
		t.Errorf("the default is %v", Default())
	}
}

func TestDefaultsOfRequests(t *testing.T) {
	for text, want := range map[string]struct {
		capture   string
		automatic bool
	}{
		"2022-11-15": {"automatic", false}, "2023-08-16": {"automatic", true}, "2023-10-16": {"automatic", true},
		"2024-04-10": {"automatic_async", true}, Implemented: {"automatic_async", true},
	} {
		v, _ := Parse(text)
		if v.CaptureMethod() != want.capture || v.AutomaticMethods() != want.automatic {
			t.Errorf("%s: %s %v", text, v.CaptureMethod(), v.AutomaticMethods())
		}
	}
}

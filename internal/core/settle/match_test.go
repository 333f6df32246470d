package settle_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/provider"
)

// A payout and its return have one name: an entry that tells of the one with
// another amount is not taken for the other.
func TestAPayoutAndItsReturnAreTwo(t *testing.T) {
	entry := func(number, net int64) settle.Line {
		return settle.Line{File: 7, Number: number, ReportLine: provider.ReportLine{Number: number, Kind: provider.LineEntry, Reference: "poa_1", Net: net, Currency: "usd"}}
	}
	for _, c := range []struct {
		name    string
		items   []int64
		entries []int64
		want    []int64 // the entry's number, by items; 0: none
	}{
		{"both as they are", []int64{-500, 500}, []int64{-500, 500}, []int64{1, 2}},
		{"the payout is wrong", []int64{-500, 500}, []int64{-501, 500}, []int64{1, 2}},
		{"the return is wrong", []int64{-500, 500}, []int64{-500, 499}, []int64{1, 2}},
		{"both are wrong", []int64{-500, 500}, []int64{-501, 499}, []int64{1, 2}},
		{"both are wrong, the other way round", []int64{-500, 500}, []int64{499, -501}, []int64{2, 1}},
		{"the return is not known yet", []int64{-500}, []int64{500, -501}, []int64{2}},
		{"the return comes twice, once wrong", []int64{-500, 500}, []int64{-500, 500, 501}, []int64{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := settle.NewMatcher(settle.Rules{}, 2)
			for n, amount := range c.items {
				m.Add(settle.Item{Key: int64(n), Kind: provider.LineEntry, Reference: "poa_1", Amount: amount, Currency: "usd"})
			}
			have := make([]int64, len(c.items))
			keep := func(f settle.Match) error {
				if f.Break != settle.MissingHere && f.Break != settle.MissingThere {
					have[f.Item.Key] = f.Line.Number
				}
				return nil
			}
			for n, net := range c.entries {
				if f, ok := m.Match(entry(int64(n)+1, net)); ok {
					_ = keep(f)
				}
			}
			if err := m.Finish(keep); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, have); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

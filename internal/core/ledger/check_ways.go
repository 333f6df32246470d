package ledger

import "maps"

// CheckWays is the rule that what disputes take and return, and refunds that
// came back, moved between the right accounts.
const CheckWays = "ways"

// way is a posting's debit and credit.
type way struct{ Debit, Credit Kind }

// ways are the amounts that a transaction must have moved, by way; nil where any
// will do that does what it says.
func (t *Transaction) ways() map[way]int64 {
	var want map[way]int64
	switch t.ReportingCategory {
	case CategoryDispute:
		want = map[way]int64{{Available, Disputes}: -t.Amount, {Disputes, ProviderClearing}: -t.Amount, {Available, Fees}: t.Fee}
	case CategoryDisputeReversal:
		want = map[way]int64{{ProviderClearing, Disputes}: t.Amount, {Disputes, Available}: t.Amount}
	case TypeRefundFailure:
		want = map[way]int64{{ProviderClearing, Available}: t.Amount}
	}
	maps.DeleteFunc(want, func(_ way, amount int64) bool { return amount == 0 })
	return want
}

// wentAstray reports a transaction whose postings moved money between other
// accounts than they must.
func (a *audit) wentAstray(key int64, t *Transaction, moved map[way]int64) {
	if want := t.ways(); want != nil && !maps.Equal(want, moved) {
		a.find(CheckWays, "balance_transaction", key, "a %s of %d moved %v", t.ReportingCategory, t.Amount, moved)
	}
}

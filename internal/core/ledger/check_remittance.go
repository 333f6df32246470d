package ledger

import (
	"maps"
	"slices"

	"github.com/florinpay/florin/internal/base/job"
	"github.com/florinpay/florin/internal/kit/id"
)

// remittances compares each side of a remittance with its postings and with the
// other side, and their sums with the accounts. So what is due to a scope and
// what that has from here agree but for what is under way. It comes when the
// postings are added up.
func (a *audit) remittances() error {
	var failed error
	sums := map[Account]int64{}
	err := pages(a, qRemittances, []any{lowest, lowest}, func(r keyedRemittance) []any { return []any{r.Key, int64(r.Side)} }, func(r keyedRemittance) {
		sum := sums[r.Row.Account]
		a.add(&sum, r.Row.Amount, CheckRemittance, "remittance", r.Key)
		sums[r.Row.Account] = sum
		if failed == nil {
			failed = a.remittance(r)
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return err
	}
	for account := range a.sums {
		if k := account.Kind(); k == DueTo || k == DueFrom {
			sums[account] += 0 // with or without rows
		}
	}
	for _, account := range slices.Sorted(maps.Keys(sums)) {
		want := balanceRow{Credits: sums[account]}
		if account.Kind() == DueFrom {
			want = balanceRow{Debits: sums[account]}
		}
		have := balanceRow{}
		if sum := a.sums[account]; sum != nil {
			have = *sum
		}
		if have.Debits != want.Debits || have.Credits != want.Credits {
			a.find(CheckRemittance, "balance", int64(account), "%v: postings of %d and %d, remittances of %d and %d",
				account, have.Debits, have.Credits, want.Debits, want.Credits)
		}
	}
	return nil
}

func (a *audit) remittance(r keyedRemittance) error {
	row := r.Row
	find := func(format string, args ...any) { a.find(CheckRemittance, "remittance", r.Key, format, args...) }
	if row.Account.Kind() != r.Side.kind() || row.Amount <= 0 || row.State != underWay && row.State != arrived || r.Side == incoming && row.State != arrived {
		find("%d in %v on side %d in state %d", row.Amount, row.Account, r.Side, row.State)
	}
	journal, err := PostingsOf(a.ctx, a.db, a.scope, row.Txn)
	if err != nil {
		return err
	}
	debit, credit := AccountOf(Available, row.Account.Currency()), row.Account
	if r.Side == incoming {
		debit, credit = credit, debit
	}
	if len(journal) != 1 || journal[0].Debit != debit || journal[0].Credit != credit || journal[0].Amount.Minor() != row.Amount {
		find("%d in %v, and its transaction has %v", row.Amount, row.Account, journal)
	}
	peer, there, err := remittances.Read(a.ctx, a.db, remittanceKey(id.ScopeOf(row.Peer), r.Key, r.Side.other()))
	if err != nil {
		return err
	}
	switch {
	case there && (peer.Peer != a.scope.Key() || peer.Amount != row.Amount || peer.Account != AccountOf(r.Side.other().kind(), row.Account.Currency())):
		find("%d in %v here, %d in %v of scope %d at the other end", row.Amount, row.Account, peer.Amount, peer.Account, peer.Peer)
	case !there && (r.Side == incoming || row.State == arrived):
		find("%d in %v, and nothing of it at the other end", row.Amount, row.Account)
	}
	if r.Side == outgoing && row.State == underWay {
		if _, ok, err := job.Read(a.ctx, a.db, a.scope, r.Key); err != nil || !ok {
			find("it is under way, and nothing brings it")
			return err
		}
	}
	return nil
}

package ledger

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/florinpay/florin/internal/kit/id"
)

// Each change of what is sealed, and of the seals, is found and named.
func TestCheckSealsFindsDamage(t *testing.T) {
	const (
		one      = " WHERE scope = 14 AND debit = 1840 AND number = 2"
		last     = " WHERE scope = 14 AND debit = 1840 AND number = 6"
		forged   = "INSERT INTO posting SELECT scope, debit, %, 5, txn, credit, amount, currency, at FROM posting" + one
		middle   = " WHERE shard = 7 AND number = 2"
		changed  = CheckSeal + "/seal 1: postings 1 to 2 that debit provider_clearing:usd are not what"
		sealOne  = "UPDATE posting SET "
		markOf   = " WHERE scope = 14 AND account = 1840"
		notMade  = CheckSeal + "/seal 2: seal 2 of shard 7 is not what its head was made from"
		notChain = CheckSeal + "/seal_chain 7: it is not the last seal of its shard"
	)
	for name, c := range map[string]struct {
		sql  string
		want string // "check/table key: beginning of the problem", several by |
	}{
		"amount":           {sealOne + "amount = amount + 1" + one, changed},
		"credited account": {sealOne + "credit = 4840" + one, changed},
		"currency":         {sealOne + "currency = 978" + one, changed},
		"time":             {sealOne + "at = at + 1" + one, changed},
		"transaction":      {sealOne + "txn = txn + 1" + one, changed},
		"key":              {sealOne + "key = key + 1" + one, changed},
		"debited account":  {sealOne + "debit = 2840, number = 100" + one, changed + "|numbering/posting 0: of the postings that debit provider_clearing:usd, 2 to 2 are missing"},
		"scope":            {sealOne + "scope = 15" + one, changed + "|numbering/balance 1840: provider_clearing:usd: the last posting is 2 and it says 0"},
		"two swapped":      {"UPDATE posting SET txn = (SELECT SUM(txn) FROM posting WHERE scope = 14 AND debit = 1840 AND number < 3) - txn WHERE scope = 14 AND debit = 1840 AND number < 3", changed},
		"deleted":          {"DELETE FROM posting" + one, changed + "|numbering/posting 0: of the postings that debit provider_clearing:usd, 2 to 2 are missing"},
		"last deleted":     {"DELETE FROM posting" + last, CheckSeal + "/seal 3: postings 5 to 6 that debit provider_clearing:usd are not|numbering/balance 1840: provider_clearing:usd: it says that the last posting is 6, which is missing"},
		"inserted before":  {strings.Replace(forged, "%", "0", 1), "numbering/posting 0: there is a number 0 among"},
		"inserted after":   {strings.Replace(forged, "%", "7", 1), "numbering/balance 1840: provider_clearing:usd: the last posting is 7 and it says 6"},
		"renumbered":       {sealOne + "number = 50" + one, changed},

		"seal deleted":            {"DELETE FROM seal" + middle, CheckSeal + "/seal 3: seal 3 of shard 7 follows on 1|" + CheckSeal + "/seal 3: seal 3 of shard 7 covers postings 5 to 6 that debit provider_clearing:usd; those before end at 2"},
		"first seal deleted":      {"DELETE FROM seal WHERE shard = 7 AND number = 1", CheckSeal + "/seal 2: seal 2 of shard 7 follows on 0"},
		"last seal deleted":       {"DELETE FROM seal WHERE shard = 7 AND number = 3", CheckSeal + "/seal_chain 7: it names seal 3, and the seals end at 2|" + CheckMark + "/seal_mark 1840: provider_clearing:usd: it says 6 and postings are sealed up to 4"},
		"all seals deleted":       {"DELETE FROM seal", CheckSeal + "/seal_chain 7: it names seal 3, and there is none"},
		"seal inserted":           {"INSERT INTO seal SELECT scope, shard, number + 1, postings, at, span, digest, head, head FROM seal WHERE shard = 7 AND number = 3", CheckSeal + "/seal 4: seal 4 of shard 7 is not what its head|" + CheckSeal + "/seal 4: seal 4 of shard 7 covers postings 5 to 6 that debit provider_clearing:usd; those before end at 6|" + notChain},
		"seal before the first":   {"INSERT INTO seal SELECT scope, shard, 0, postings, at, span, digest, previous, head FROM seal WHERE shard = 7 AND number = 1", CheckSeal + "/seal 0: seal 0 of shard 7 follows on 0"},
		"seal's time":             {"UPDATE seal SET at = at + 1" + middle, notMade},
		"seal's count":            {"UPDATE seal SET postings = postings + 1" + middle, CheckSeal + "/seal 2: seal 2 of shard 7 says that it covers 5 postings and names 4"},
		"seal's span":             {"UPDATE seal SET span = (SELECT span FROM seal WHERE shard = 7 AND number = 1)" + middle, notMade},
		"seal's span broken":      {"UPDATE seal SET span = previous" + middle, CheckSeal + "/seal 2: seal 2 of shard 7: it does not say which"},
		"seal's digest":           {"UPDATE seal SET digest = previous" + middle, notMade + "|" + CheckSeal + "/seal 2: its postings are not what"},
		"seal's link":             {"UPDATE seal SET previous = digest" + middle, CheckSeal + "/seal 2: seal 2 of shard 7 is not linked|" + notMade},
		"seal's head":             {"UPDATE seal SET head = digest" + middle, notMade + "|" + CheckSeal + "/seal 3: seal 3 of shard 7 is not linked"},
		"seal's head cut":         {"UPDATE seal SET head = span" + middle, notMade},
		"seal of another shard":   {"UPDATE seal SET shard = 9 WHERE shard = 7 AND number = 3", CheckSeal + "/seal 3: seal 3 of shard 9 follows on 0"},
		"chain set back":          {"UPDATE seal_chain SET number = 2 WHERE shard = 7", notChain},
		"chain set forth":         {"UPDATE seal_chain SET number = 4 WHERE shard = 7", CheckSeal + "/seal_chain 7: it names seal 4, and the seals end at 3"},
		"chain's head":            {"UPDATE seal_chain SET head = (SELECT digest FROM seal WHERE shard = 7 AND number = 3) WHERE shard = 7", notChain},
		"chain deleted":           {"DELETE FROM seal_chain WHERE shard = 7", notChain},
		"chain of nothing":        {"INSERT INTO seal_chain SELECT 0, 9, number, head FROM seal_chain WHERE shard = 7", CheckSeal + "/seal_chain 9: it names seal 3, and there is none"},
		"mark set forth":          {"UPDATE seal_mark SET number = 7" + markOf, CheckMark + "/seal_mark 1840: provider_clearing:usd: it says 7 and postings are sealed up to 6"},
		"mark set back":           {"UPDATE seal_mark SET number = 5" + markOf, CheckMark + "/seal_mark 1840: provider_clearing:usd: it says 5 and postings are sealed up to 6"},
		"mark deleted":            {"DELETE FROM seal_mark" + markOf, CheckMark + "/seal_mark 1840: provider_clearing:usd: it says 0 and postings are sealed up to 6"},
		"mark of nothing":         {"INSERT INTO seal_mark SELECT scope, 3840, 2 FROM seal_mark" + markOf, CheckMark + "/seal_mark 3840: available:usd: it says 2 and postings are sealed up to 0"},
		"mark below nothing":      {"INSERT INTO seal_mark SELECT scope, 3840, 0 - 2 FROM seal_mark" + markOf, CheckMark + "/seal_mark 3840: available:usd: it says -2"},
		"balance's last":          {"UPDATE balance SET last = 5" + markOf, "numbering/balance 1840: provider_clearing:usd: the last posting is 6 and it says 5"},
		"balance's last set on":   {"UPDATE balance SET last = 8" + markOf, "numbering/balance 1840: provider_clearing:usd: it says that the last posting is 8, which is missing"},
		"balance deleted":         {"DELETE FROM balance" + markOf, "numbering/balance 1840: provider_clearing:usd: the last posting is 6 and it says 0"},
		"all postings of account": {"DELETE FROM posting WHERE scope = 14 AND debit = 1840", changed + "|numbering/balance 1840: provider_clearing:usd: it says that the last posting is 6, which is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			other := b.s
			other.Account = 8
			for range 3 {
				b.charges(b.s, 2)
				b.charges(other, 1)
				b.seal()
			}
			b.sealedSoundly(Sealing{Seals: 6, Sealed: 18})
			b.behind(c.sql)
			_, list := b.sealing()
			var got []string
			for _, f := range list {
				t.Log(f)
				got = append(got, f.Check+"/"+f.Table+" "+strconv.FormatInt(f.Key, 10)+": "+f.Problem)
			}
		wants:
			for want := range strings.SplitSeq(c.want, "|") {
				for _, g := range got {
					if strings.HasPrefix(g, want) {
						continue wants
					}
				}
				t.Errorf("not reported: %s", want)
			}
		})
	}
}

// With more accounts than are held in memory, the marks are checked in parts,
// which together find what one finds.
func TestMarksAreCheckedInParts(t *testing.T) {
	b := newBench(t)
	for account := range int64(20) {
		b.charges(id.Scope{Account: account + 1}, 1)
	}
	b.seal()
	b.behind("UPDATE seal_mark SET number = number + 1 WHERE scope < 20")
	b.behind("DELETE FROM seal_mark WHERE scope > 30")
	find := func(parts uint64) []string {
		var list []string
		c := &sealCheck{ctx: t.Context(), db: b.db, parts: parts, report: func(f Finding) { list = append(list, f.String()) }}
		for c.part = range parts {
			if err := c.marked(); err != nil {
				t.Fatal(err)
			}
		}
		b.same(Sealing{Seals: 20, Sealed: 40}, c.found)
		slices.Sort(list)
		return list
	}
	one := find(1)
	if len(one) != 2*9+2*5 {
		t.Errorf("%d found: %s", len(one), strings.Join(one, "\n"))
	}
	b.same(one, find(7))
}

package dispute_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/dispute"
	"github.com/florinpay/florin/internal/core/settle"
	"github.com/florinpay/florin/internal/provider"
)

// TestShuffledNews: whatever order the news of a dispute comes in, and however
// often, it ends where the last of it says, with its money.
func TestShuffledNews(t *testing.T) {
	lives := [][]dispute.Status{
		{dispute.NeedsResponse, dispute.UnderReview, dispute.Won},
		{dispute.NeedsResponse, dispute.UnderReview, dispute.Lost},
		{dispute.WarningNeedsResponse, dispute.WarningUnderReview, dispute.WarningClosed},
		{dispute.WarningNeedsResponse, dispute.NeedsResponse, dispute.Lost},
		{dispute.NeedsResponse, dispute.Lost, dispute.Won}, // the network thought better of it
		{dispute.NeedsResponse, dispute.Won, dispute.Lost},
	}
	const seed, rounds = 1, 4
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := open(t)
	number, taken := int64(1000), int64(0)
	for n := range rounds * len(lives) {
		life := lives[n%len(lives)]
		ch := s.pay(amount)
		var news []provider.Notice
		for _, st := range life {
			number++
			told := s.complaint(s.reference(ch), fmt.Sprint("d_", n), st, amount)
			told.Number, told.At = number, s.clock.Now()
			news = append(news, told)
		}
		news = append(news, news...) // each is told twice
		r.Shuffle(len(news), func(i, j int) { news[i], news[j] = news[j], news[i] })
		for _, told := range news {
			if err := s.Payment.Notice(s.ctx, s.network.Provider().Name, told); err != nil {
				t.Fatal(err)
			}
		}
		o, last := s.one(ch), life[len(life)-1]
		if o.Body.Status != last {
			t.Errorf("%v in the order %v: it is %s", life, statuses(news), o.Body.Status)
		}
		if last == dispute.Lost {
			taken += amount
		}
	}
	if got := s.balances()["provider_clearing"]; got != taken-rounds*int64(len(lives))*amount {
		t.Errorf("the network is owed %d, with %d lost", got, taken)
	}
}

func statuses(news []provider.Notice) (list []string) {
	for _, n := range news {
		list = append(list, n.Dispute.Status)
	}
	return list
}

// TestContradictions: a network that takes its word back, or gives another
// amount, has a person told; the money follows what it has decided last.
func TestContradictions(t *testing.T) {
	for what, c := range map[string]struct {
		first, then dispute.Status
		more        int64
		ends        dispute.Status
		broken      bool
	}{
		"won after lost":         {dispute.Lost, dispute.Won, 0, dispute.Won, true},
		"lost after won":         {dispute.Won, dispute.Lost, 0, dispute.Lost, true},
		"backwards from the end": {dispute.Won, dispute.NeedsResponse, 0, dispute.Won, true},
		"backwards from review":  {dispute.Lost, dispute.UnderReview, 0, dispute.Lost, true},
		"another amount":         {dispute.NeedsResponse, dispute.Lost, 1, dispute.Lost, true},
		"the same again":         {dispute.NeedsResponse, dispute.NeedsResponse, 0, dispute.NeedsResponse, false},
		"on its way":             {dispute.NeedsResponse, dispute.UnderReview, 0, dispute.UnderReview, false},
		"disputed after all":     {dispute.WarningClosed, dispute.NeedsResponse, 0, dispute.NeedsResponse, false},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.Payment.Breaks = &settle.Service{DB: s.DB, Keys: &idem.Keys{}, Book: s.Payment.Book}
			ch := s.pay(amount)
			s.complain(ch, "d_1", c.first, amount)
			s.complain(ch, "d_1", c.then, amount+c.more)
			if o := s.one(ch); o.Body.Status != c.ends || o.Body.Amount != amount {
				t.Errorf("%+v", o.Body)
			}
			var open []string
			err := settle.Breaks.Scan(s.ctx, s.DB, func(b *object.Object[settle.Break]) error {
				open = append(open, b.Body.Subject)
				return nil
			})
			if err != nil || slices.Contains(open, dispute.Disputes.ID(s.scope, s.one(ch).Key)) != c.broken {
				t.Errorf("breaks about %v, %v", open, err)
			}
		})
	}
}

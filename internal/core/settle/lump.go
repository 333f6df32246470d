package settle

import (
	"github.com/florinpay/florin/internal/kit/money"
	"github.com/florinpay/florin/internal/kit/probe"
	"github.com/florinpay/florin/internal/provider"
)

// Lumps adds up what lines say by the deposit that they are part of, and compares
// it with the deposit: the stage of lump deposits. A deposit is compared with the
// sum of the batch that it names, and with no other.
type Lumps struct {
	by    map[lumpName]*lump
	order []lumpName
}

type lumpName struct {
	batch    string
	currency string
}

// lump is what there is to a deposit.
type lump struct {
	sum          int64
	deposit      int64
	file, number int64 // of the deposit's line; number 0: there is none
}

// NewLumps makes sums of nothing.
func NewLumps() *Lumps { return &Lumps{by: map[lumpName]*lump{}} }

// Add counts a line, whether it is a deposit or part of one.
func (s *Lumps) Add(l Line) {
	name := lumpName{l.Batch, string(l.Currency)}
	at, ok := s.by[name]
	if !ok {
		at = &lump{}
		s.by[name] = at
		s.order = append(s.order, name)
	}
	if l.Kind == provider.LineDeposit {
		at.deposit, at.file, at.number = at.deposit+l.Net, l.File, l.Number
		return
	}
	at.sum += l.Net
}

// Sum is what the lines of a batch add up to in a currency, without its deposit.
func (s *Lumps) Sum(batch string, c money.Currency) int64 {
	if l, ok := s.by[lumpName{batch, string(c)}]; ok {
		return l.sum
	}
	return 0
}

// Unequal tells of the deposits that are not what their lines add up to: by how
// much the deposit is more.
func (s *Lumps) Unequal(tell func(batch, currency string, file, number, more int64) error) error {
	for _, name := range s.order {
		if l := s.by[name]; off(l.deposit, l.sum) != 0 {
			if err := tell(name.batch, name.currency, l.file, l.number, l.deposit-l.sum); err != nil {
				return err
			}
		}
	}
	return nil
}

// off is by how much a deposit is more than its lines. To the minor unit: what is
// nearly the same is not the same.
func off(deposit, lines int64) int64 {
	if more := deposit - lines; !probe.Mutant("settle.lump-loosely") || more > 100 || more < -100 {
		return more
	}
	return 0
}

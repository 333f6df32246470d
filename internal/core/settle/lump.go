package settle

import "github.com/florinpay/florin/internal/provider"

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
	lines        int64
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
	at.lines++
}

// Unequal tells of the deposits that are not what their lines add up to: by how
// much the deposit is more.
func (s *Lumps) Unequal(tell func(batch, currency string, file, number, more int64) error) error {
	for _, name := range s.order {
		if l := s.by[name]; l.deposit != l.sum {
			if err := tell(name.batch, name.currency, l.file, l.number, l.deposit-l.sum); err != nil {
				return err
			}
		}
	}
	return nil
}

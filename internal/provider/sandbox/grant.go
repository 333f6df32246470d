package sandbox

import (
	"slices"
	"time"

	"github.com/florinpay/florin/internal/provider"
)

// The features that an authorisation may ask for.
const (
	incremental  = "increment"    // to be raised later
	multicapture = "multicapture" // to be captured in parts
	overcapture  = "overcapture"  // to capture more than the amount
	extended     = "extended"     // to be captured later than usual
	partial      = "partial"      // to approve less than the amount
)

var features = []string{incremental, multicapture, overcapture, extended, partial}

// featuresOf lists what an authorisation asks for.
func featuresOf(f provider.Features) (list []string) {
	for i, wanted := range []bool{f.Increment, f.Multicapture, f.Overcapture, f.Extended, f.Partial} {
		if wanted {
			list = append(list, features[i])
		}
	}
	return list
}

const (
	// validity is how long an authorisation can be captured, and longValidity
	// where it is extended.
	validity     = 7 * 24 * time.Hour
	longValidity = 30 * 24 * time.Hour

	// overcapturePart is the part of an authorisation that may be captured beyond
	// it: a fifth.
	overcapturePart = 5

	// Amounts whose last two digits are these are for trying what an issuer may
	// do: approve only half, where that was asked for, and decline an increment.
	halfEnding, poorEnding = 77, 51
)

// grant is what an approved charge allows at now; nil for a sale of the whole
// amount.
func (r request) grant(now time.Time) *Granted {
	asks := func(feature string) bool { return slices.Contains(r.Features, feature) }
	g := &Granted{Amount: r.Amount}
	if asks(partial) && r.Amount%100 == halfEnding {
		g.Amount = r.Amount / 2
	}
	g.MaxCapture = g.Amount
	if r.Kind == Sale {
		if g.Amount == r.Amount {
			return nil
		}
		return g
	}
	g.Increment, g.Multicapture, g.Extended = asks(incremental), asks(multicapture), asks(extended)
	g.Expires = now.Add(validity)
	if g.Extended {
		g.Expires = now.Add(longValidity)
	}
	if asks(overcapture) {
		g.MaxCapture += g.MaxCapture / overcapturePart
	}
	return g
}

// raised is what g allows once by more is reserved.
func (g Granted) raised(by int64) Granted {
	over := g.MaxCapture > g.Amount
	g.Amount += by
	g.MaxCapture = g.Amount
	if over {
		g.MaxCapture += g.Amount / overcapturePart
	}
	return g
}

// taken is what a charge reserved or took: less than asked for if it was
// approved in part.
func (op Operation) taken() int64 {
	if op.Granted != nil {
		return op.Granted.Amount
	}
	return op.Amount
}

// hold is how an authorisation stands.
type hold struct {
	granted  Granted // with its increments
	captured int64
	captures int
	final    bool // a capture released the rest
}

// holdOf reads an authorisation's standing increments and captures.
func holdOf(v View, auth Operation) (h hold, err error) {
	h.granted = Granted{Amount: auth.Amount, MaxCapture: auth.Amount, Expires: auth.Time.Add(validity)}
	if auth.Granted != nil {
		h.granted = *auth.Granted
	}
	for _, kind := range []Kind{Increment, Capture} {
		later, err := follow(v, auth.Reference, kind)
		if err != nil {
			return hold{}, err
		}
		for _, op := range later {
			if kind == Increment {
				h.granted = h.granted.raised(op.Amount)
				continue
			}
			h.captured += op.Amount
			h.captures++
			h.final = h.final || !op.More
		}
	}
	return h, nil
}

// judgeIncrement gives the code of an increment, and what the authorisation
// then allows.
func judgeIncrement(v View, req request, now time.Time) (string, *Granted, error) {
	auth, found, err := v.Find(req.Original)
	if err != nil || !found {
		return codeUnknownOriginal, nil, err
	}
	stands, err := standing(v, auth)
	if err != nil || !stands || auth.Kind != Authorize || auth.Currency != req.Currency {
		return codeNotPermitted, nil, err
	}
	h, err := holdOf(v, auth)
	switch {
	case err != nil || !h.granted.Increment || h.captures > 0 || !now.Before(h.granted.Expires):
		return codeNotPermitted, nil, err
	case req.Amount > maxAmount-h.granted.Amount:
		return codeInvalidAmount, nil, nil
	case req.Amount%100 == poorEnding:
		return codeNoFunds, nil, nil
	}
	raised := h.granted.raised(req.Amount)
	return codeApproved, &raised, nil
}

package dispute

import "github.com/florinpay/florin/internal/kit/fsm"

// Status is where a dispute stands; the values are Stripe's
// (https://docs.stripe.com/disputes/how-disputes-work).
type Status string

const (
	// WarningNeedsResponse: the payer's bank asks. Left by evidence, by giving in,
	// when time is up, or when the bank goes on to a dispute.
	WarningNeedsResponse Status = "warning_needs_response"
	// WarningUnderReview: the bank has the evidence. Left by what it says.
	WarningUnderReview Status = "warning_under_review"
	// WarningClosed: the bank asks no more. Left only if it disputes after all.
	WarningClosed Status = "warning_closed"
	// NeedsResponse: the money is gone unless evidence gets it back. Left by
	// evidence, by giving in, when time is up, or by what the bank says.
	NeedsResponse Status = "needs_response"
	// UnderReview: the bank has the evidence. Left by what it says.
	UnderReview Status = "under_review"
	// Won: the money is back. Left only if the networks decide otherwise later.
	Won Status = "won"
	// Lost: the money is the payer's. Left only if the networks decide otherwise
	// later.
	Lost Status = "lost"
	// Prevented: the payer was satisfied before it became a dispute. Final.
	Prevented Status = "prevented"
)

// Statuses are all there are.
var Statuses = []Status{WarningNeedsResponse, WarningUnderReview, WarningClosed, NeedsResponse, UnderReview, Won, Lost, Prevented}

// News is what moves a dispute.
type News string

const (
	answered News = "answered"    // our evidence is with the provider
	conceded News = "conceded"    // we have given in
	overdue  News = "not in time" // no evidence came
)

// told is the news that the provider says how the dispute stands.
func told(s Status) News { return News("told " + s) }

type row = fsm.Row[Status, News]

// machine is a dispute's whole life. What the provider says counts, even where
// steps on the way there were not told.
var machine = fsm.New("dispute",
	row{From: WarningNeedsResponse, On: answered, To: WarningUnderReview},
	row{From: WarningNeedsResponse, On: conceded, To: WarningClosed},
	row{From: WarningNeedsResponse, On: overdue, To: WarningClosed},
	row{From: WarningNeedsResponse, On: told(WarningUnderReview), To: WarningUnderReview},
	row{From: WarningNeedsResponse, On: told(WarningClosed), To: WarningClosed},
	row{From: WarningNeedsResponse, On: told(NeedsResponse), To: NeedsResponse},
	row{From: WarningNeedsResponse, On: told(UnderReview), To: UnderReview},
	row{From: WarningNeedsResponse, On: told(Won), To: Won},
	row{From: WarningNeedsResponse, On: told(Lost), To: Lost},
	row{From: WarningNeedsResponse, On: told(Prevented), To: Prevented},

	row{From: WarningUnderReview, On: told(WarningNeedsResponse), To: WarningNeedsResponse},
	row{From: WarningUnderReview, On: told(WarningClosed), To: WarningClosed},
	row{From: WarningUnderReview, On: told(NeedsResponse), To: NeedsResponse},
	row{From: WarningUnderReview, On: told(UnderReview), To: UnderReview},
	row{From: WarningUnderReview, On: told(Won), To: Won},
	row{From: WarningUnderReview, On: told(Lost), To: Lost},
	row{From: WarningUnderReview, On: told(Prevented), To: Prevented},

	row{From: WarningClosed, On: told(NeedsResponse), To: NeedsResponse},
	row{From: WarningClosed, On: told(UnderReview), To: UnderReview},
	row{From: WarningClosed, On: told(Won), To: Won},
	row{From: WarningClosed, On: told(Lost), To: Lost},

	row{From: NeedsResponse, On: answered, To: UnderReview},
	row{From: NeedsResponse, On: conceded, To: Lost},
	row{From: NeedsResponse, On: overdue, To: Lost},
	row{From: NeedsResponse, On: told(UnderReview), To: UnderReview},
	row{From: NeedsResponse, On: told(Won), To: Won},
	row{From: NeedsResponse, On: told(Lost), To: Lost},

	row{From: UnderReview, On: told(NeedsResponse), To: NeedsResponse},
	row{From: UnderReview, On: told(Won), To: Won},
	row{From: UnderReview, On: told(Lost), To: Lost},

	row{From: Won, On: told(Lost), To: Lost},
	row{From: Lost, On: told(Won), To: Won},
)

// takes reports whether the disputed amount is with the payer in a status.
func (s Status) takes() bool { return s == NeedsResponse || s == UnderReview || s == Lost }

// closed reports whether nothing more is expected to come.
func (s Status) closed() bool {
	return s == WarningClosed || s == Won || s == Lost || s == Prevented
}

// answerable reports whether evidence is wanted.
func (s Status) answerable() bool { return s == WarningNeedsResponse || s == NeedsResponse }

// opening is the status in which a dispute that is now in s began.
func (s Status) opening() Status {
	switch s {
	case WarningNeedsResponse, WarningUnderReview, WarningClosed, Prevented:
		return WarningNeedsResponse
	}
	return NeedsResponse
}

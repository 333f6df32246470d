package payment_test

import (
	"context"
	"time"

	"github.com/florinpay/florin/internal/base/idem"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/payment"
	"github.com/florinpay/florin/internal/provider/sandbox"
)

// operation is one of those that go to a provider, on an intent made ready.
type operation struct {
	name string
	kind sandbox.Kind // in the simulator's book
	// ready makes an intent of 5000, and before are its events then.
	ready  func(*shop) payment.IntentID
	before []string
	do     func(*shop, payment.IntentID, *idem.Request) (*idem.Reply, error)
	// What it comes to when it happened and when it did not, by way of an
	// unknown outcome or at once.
	done, undone                 payment.Status
	happened, failed, failedSoon []string
}

var (
	afterCreate = []string{"payment_intent.created"}
	afterAuth   = []string{"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"}
	afterSale   = []string{"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"}
)

func confirmIt(s *shop, i payment.IntentID, r *idem.Request) (*idem.Reply, error) {
	return s.Confirm(context.Background(), s.scope, i, payment.ConfirmParams{}, r)
}

func captureIt(s *shop, i payment.IntentID, r *idem.Request) (*idem.Reply, error) {
	return s.Capture(context.Background(), s.scope, i, payment.CaptureParams{Amount: 3000}, r)
}

func cancelIt(s *shop, i payment.IntentID, r *idem.Request) (*idem.Reply, error) {
	return s.Cancel(context.Background(), s.scope, i, "requested_by_customer", r)
}

func refundIt(s *shop, i payment.IntentID, r *idem.Request) (*idem.Reply, error) {
	return s.Refund(context.Background(), s.scope, payment.RefundParams{Intent: i, Amount: 3000}, r)
}

func incrementIt(s *shop, i payment.IntentID, r *idem.Request) (*idem.Reply, error) {
	return s.Increment(context.Background(), s.scope, i, payment.IncrementParams{Amount: 8000}, r)
}

func capturePart(s *shop, i payment.IntentID, r *idem.Request) (*idem.Reply, error) {
	return s.Capture(context.Background(), s.scope, i, payment.CaptureParams{Amount: 2000, More: true}, r)
}

// generous makes an authorisation that may be raised, and captured in parts and
// beyond its amount.
func generous(s *shop) payment.IntentID { return payment.IntentID(s.generous(5000).Key) }

func (s *shop) generous(amount int64) *object.Object[payment.Intent] {
	s.t.Helper()
	yes := payment.IfAvailable
	r, err := s.Create(context.Background(), s.scope, payment.CreateParams{Amount: usd(amount), CaptureMethod: "manual", Method: "pm_card_visa", Confirm: true,
		Changes: payment.Changes{Card: &payment.CardChanges{Incremental: &yes, Multicapture: &yes, Overcapture: &yes, Extended: &yes}}}, nil)
	if err != nil || r.Error != nil {
		s.t.Fatal(r, err)
	}
	return intentOf(s.t, r)
}

func paid(capture string) func(*shop) payment.IntentID {
	return func(s *shop) payment.IntentID {
		return payment.IntentID(intentOf(s.t, s.pay(5000, capture, "pm_card_visa", nil)).Key)
	}
}

func created(capture string) func(*shop) payment.IntentID {
	return func(s *shop) payment.IntentID { return s.create(5000, capture, "pm_card_visa") }
}

var operations = []operation{
	{
		"authorize", sandbox.Authorize, created("manual"), afterCreate, confirmIt,
		payment.RequiresCapture, payment.RequiresPaymentMethod,
		[]string{"payment_intent.processing", "charge.succeeded", "payment_intent.amount_capturable_updated"},
		[]string{"payment_intent.processing", "payment_intent.payment_failed"}, []string{"payment_intent.payment_failed"},
	},
	{
		"sale", sandbox.Sale, created("automatic"), afterCreate, confirmIt,
		payment.Succeeded, payment.RequiresPaymentMethod,
		[]string{"payment_intent.processing", "charge.succeeded", "payment_intent.succeeded"},
		[]string{"payment_intent.processing", "payment_intent.payment_failed"}, []string{"payment_intent.payment_failed"},
	},
	{
		"capture", sandbox.Capture, paid("manual"), afterAuth, captureIt,
		payment.Succeeded, payment.RequiresCapture,
		[]string{"charge.captured", "payment_intent.succeeded"}, nil, nil,
	},
	{
		"capture in part", sandbox.Capture, generous, afterAuth, capturePart,
		payment.RequiresCapture, payment.RequiresCapture,
		[]string{"charge.captured", "payment_intent.amount_capturable_updated"}, nil, nil,
	},
	{
		"increment", sandbox.Increment, generous, afterAuth, incrementIt,
		payment.RequiresCapture, payment.RequiresCapture,
		[]string{"charge.updated", "payment_intent.amount_capturable_updated"}, nil, nil,
	},
	{
		"void", sandbox.Reversal, paid("manual"), afterAuth, cancelIt,
		payment.Canceled, payment.RequiresCapture,
		[]string{"payment_intent.canceled"}, nil, nil,
	},
	{
		"refund", sandbox.Refund, paid("automatic"), afterSale, refundIt,
		payment.Succeeded, payment.Succeeded,
		[]string{"refund.created", "refund.updated", "charge.refund.updated", "charge.refunded"},
		[]string{"refund.created", "refund.updated", "charge.refund.updated", "refund.failed"}, []string{"refund.created", "refund.failed"},
	},
}

// trouble is what goes wrong with an operation.
type trouble struct {
	name     string
	fault    sandbox.Fault
	down     bool
	happened bool          // the simulator processes it
	after    time.Duration // so long after it was asked
}

var troubles = []trouble{
	{"answer lost", sandbox.Fault{Mode: sandbox.Lost}, false, true, 0},
	{"answer late", sandbox.Fault{Mode: sandbox.Late, Delay: timeout + 100*time.Millisecond}, false, true, 0},
	{"reset", sandbox.Fault{Mode: sandbox.Reset}, false, true, 0},
	{"refused", sandbox.Fault{Mode: sandbox.Refused}, false, false, 0},
	{"garbage", sandbox.Fault{Mode: sandbox.Garbage}, false, true, 0},
	{"slow process", sandbox.Fault{Mode: sandbox.SlowProcess, Delay: 2 * timeout}, false, true, 2 * timeout},
	{"provider down", sandbox.Fault{}, true, false, 0},
}

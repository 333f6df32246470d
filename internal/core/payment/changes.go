package payment

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/florinpay/florin/internal/base/db"
	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/id"
)

// Changes are what a request says of an intent besides its money. Nil leaves a
// field as it is; a pointer to the zero value empties it.
type Changes struct {
	Description, Descriptor, DescriptorSuffix, TransferGroup *string
	CustomerReference, OrderReference                        *string
	RadarSession, TaxCalculation, Configuration              *string
	SetupFutureUsage, CaptureMethod                          *string
	MethodTypes, ExcludedTypes                               *[]string
	Metadata                                                 *vault.Metadata
	Contact                                                  vault.ContactChanges
	Card                                                     *CardChanges
	Options                                                  map[string]TypeChange
	Cash                                                     *CashChanges
	Details                                                  *AmountDetailsChanges
}

// CardOptions are payment_method_options[card].
type CardOptions struct {
	CaptureMethod    string `json:"capture,omitempty"` // manual; empty: the intent's
	Installments     *bool  `json:"installments,omitempty"`
	Network          string `json:"network,omitempty"` // to go over; empty: the card's first
	Extended         string `json:"extended,omitempty"`
	Incremental      string `json:"incremental,omitempty"`
	Multicapture     string `json:"multicapture,omitempty"`
	Overcapture      string `json:"overcapture,omitempty"`
	RequireCVC       *bool  `json:"cvc,omitempty"`    // ask for the code of cards that are kept
	SetupFutureUsage string `json:"future,omitempty"` // none; empty: the intent's
	SuffixKana       string `json:"kana,omitempty"`
	SuffixKanji      string `json:"kanji,omitempty"`
}

// IfAvailable asks for a feature where the card has it.
const IfAvailable = "if_available"

// CardChanges is what a request changes of CardOptions. Nil leaves a field as it
// is.
type CardChanges struct {
	Clear                                            bool // empty all first
	CaptureMethod, Network, SetupFutureUsage         *string
	Extended, Incremental, Multicapture, Overcapture *string
	SuffixKana, SuffixKanji, ThreeDSecure            *string
	Installments, RequireCVC                         *bool
}

func (p *CardChanges) apply(o *CardOptions) {
	if p.Clear {
		*o = CardOptions{}
	}
	put(&o.CaptureMethod, p.CaptureMethod)
	put(&o.Network, p.Network)
	put(&o.SetupFutureUsage, p.SetupFutureUsage)
	put(&o.Extended, p.Extended)
	put(&o.Incremental, p.Incremental)
	put(&o.Multicapture, p.Multicapture)
	put(&o.Overcapture, p.Overcapture)
	put(&o.SuffixKana, p.SuffixKana)
	put(&o.SuffixKanji, p.SuffixKanji)
	if p.Installments != nil {
		o.Installments = new(*p.Installments)
	}
	if p.RequireCVC != nil {
		o.RequireCVC = new(*p.RequireCVC)
	}
}

func put[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// change applies what a request says to an intent; the caller stores it. amount
// is what the amount details have to fit, in ISO minor units.
func (v *Service) change(tx *db.Tx, o *object.Object[Intent], p *Changes, amount int64) (err error) {
	i := &o.Body
	put(&i.Description, p.Description)
	put(&i.Descriptor, p.Descriptor)
	put(&i.DescriptorSuffix, p.DescriptorSuffix)
	put(&i.TransferGroup, p.TransferGroup)
	put(&i.CustomerReference, p.CustomerReference)
	put(&i.OrderReference, p.OrderReference)
	put(&i.RadarSession, p.RadarSession)
	put(&i.TaxCalculation, p.TaxCalculation)
	put(&i.Configuration, p.Configuration)
	put(&i.SetupFutureUsage, p.SetupFutureUsage)
	put(&i.CaptureMethod, p.CaptureMethod)
	if err := changeTypes(i, p); err != nil {
		return err
	}
	if i.Automatic != "" {
		i.Options = i.Options.Apply(p.Options)
	} else if i.Options, err = i.Options.ApplyListed(p.Options, i.MethodTypes, "payment_intent_invalid_parameter"); err != nil {
		return err
	}
	if p.Card != nil {
		p.Card.apply(&i.Card)
		put(&i.ThreeDSecure, p.Card.ThreeDSecure)
	}
	if p.Cash != nil {
		if err := p.Cash.apply(i); err != nil {
			return err
		}
	}
	if i.Metadata, err = patched(i.Metadata, p.Metadata); err != nil {
		return err
	}
	if p.Contact.Any() || i.Contact.Subject != 0 && i.Customer != 0 && i.Contact.Subject != i.Customer {
		if i.Contact, err = v.Vault.ChangeContact(tx, o.Scope, i.Customer, i.Contact, &p.Contact); err != nil {
			return err
		}
	}
	return changeDetails(tx, o, p.Details, amount)
}

// checkChanges refuses what no state of an intent could make right.
func (v *Service) checkChanges(s id.Scope, p *Changes) error {
	if err := v.checkTypes(s, p.MethodTypes); err != nil {
		return err
	}
	for name, text := range map[string]*string{"statement_descriptor": p.Descriptor, "statement_descriptor_suffix": p.DescriptorSuffix} {
		if err := checkDescriptor(name, text); err != nil {
			return err
		}
	}
	return nil
}

// changeTypes sets which types of methods an intent takes.
func changeTypes(i *Intent, p *Changes) error {
	if p.MethodTypes != nil {
		i.MethodTypes, i.Automatic = slices.Clone(*p.MethodTypes), ""
	}
	if p.ExcludedTypes != nil {
		i.ExcludedTypes = slices.Clone(*p.ExcludedTypes)
	}
	for _, t := range i.MethodTypes {
		if slices.Contains(i.ExcludedTypes, t) {
			return fault.Param("excluded_payment_method_types", "payment_intent_invalid_parameter", "Without %s this PaymentIntent would have no payment method types left.", t)
		}
	}
	return nil
}

func changeDetails(tx *db.Tx, o *object.Object[Intent], p *AmountDetailsChanges, amount int64) error {
	d := &o.Body.Details
	if p != nil {
		p.apply(d, tx.NewKey)
		if err := d.check(); err != nil {
			return err
		}
	}
	api, err := o.Body.money(amount).ToAPI()
	if err != nil {
		return err
	}
	d.Error = d.compare(api)
	if d.Error != "" && p != nil && !p.Tolerate {
		return fault.Param("amount_details", d.Error, "%s", d.Message())
	}
	return nil
}

// patched is metadata after a request's changes.
func patched(old map[string]string, p *vault.Metadata) (map[string]string, error) {
	after := p.Apply(old)
	if n := len(after); n > maxMetadata {
		return nil, fault.Param("metadata", "", "Metadata can have up to %d keys, but this request would leave %d keys.", maxMetadata, n)
	}
	return after, nil
}

// maxMetadata is how many keys an object's metadata may have
// (https://docs.stripe.com/api/metadata).
const maxMetadata = 50

// checkDescriptor refuses what card networks would
// (https://docs.stripe.com/get-started/account/statement-descriptors).
func checkDescriptor(name string, text *string) error {
	switch noun := strings.ReplaceAll(name, "_", " "); {
	case text == nil || *text == "":
		return nil
	case strings.ContainsAny(*text, `<>\'"*`):
		return fault.Param(name, "", "The %s can't contain any of < > \\ ' \" *.", noun)
	case !strings.ContainsFunc(*text, func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }):
		return fault.Param(name, "", "The %s must contain at least one letter.", noun)
	}
	return nil
}

// maxDescriptor is how many characters the payer's statement has for who was
// paid.
const maxDescriptor = 22

// descriptor is what the payer reads on the statement: the text that the payment
// names, or the account's, and the payment's suffix.
func descriptor(account, own, suffix string) string {
	prefix := own
	if prefix == "" {
		prefix = account
	}
	switch {
	case suffix == "":
		return clip(prefix, maxDescriptor)
	case prefix == "":
		return clip(suffix, maxDescriptor)
	}
	const between = "* "
	// The suffix tells payments apart; of the prefix, two characters are kept at
	// the least.
	room := max(maxDescriptor-len(between)-utf8.RuneCountInString(suffix), 2)
	return clip(clip(prefix, room)+between+suffix, maxDescriptor)
}

// clip keeps the first n characters.
func clip(text string, n int) string {
	if all := []rune(text); len(all) > n {
		text = string(all[:n])
	}
	return strings.TrimSpace(text)
}

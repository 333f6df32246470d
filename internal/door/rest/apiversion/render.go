package apiversion

import (
	"encoding/json"
	"slices"
	"strconv"
)

// change is what one kind of object was to versions before a date.
type change struct {
	before string
	object string
	make   func(*record)
}

// changes are all there are, the newest first, so that each starts from the
// shape that followed it.
var changes = []change{
	// An invoice's payments stand in an object of their own since basil.
	{basil, "charge", nulls("destination", "invoice", "order")},
	{basil, "payment_intent", nulls("invoice")},
	{basil, "account", descriptorPrefixes},
	// Lists that were shown unasked said how long they are.
	{"2022-11-15", "charge", counted("refunds")},
	{"2022-11-15", "payment_intent", counted("charges")},
	{"2020-08-27", "customer", counted("sources", "subscriptions", "tax_ids")},
	// Payment methods were sources once.
	{"2019-02-11", "payment_intent", fromSources},
}

// nulls adds fields that Florin has nothing for.
func nulls(names ...string) func(*record) {
	return func(r *record) {
		for _, name := range names {
			r.set(name, null)
		}
	}
}

// descriptorPrefixes shows an account's prefixes of descriptors where they were
// shown once more.
func descriptorPrefixes(r *record) {
	settings, _ := r.get("settings").(*record)
	if settings == nil {
		return
	}
	cards, _ := settings.get("card_payments").(*record)
	payments, _ := settings.get("payments").(*record)
	if cards == nil || payments == nil {
		return
	}
	for _, name := range []string{"statement_descriptor_prefix_kana", "statement_descriptor_prefix_kanji"} {
		payments.set(name, cards.get(name))
	}
}

// counted adds the number of elements to lists that are complete.
func counted(names ...string) func(*record) {
	return func(r *record) {
		for _, name := range names {
			list, ok := r.get(name).(*record)
			if !ok {
				continue
			}
			data, ok := list.get("data").([]any)
			more, _ := list.get("has_more").(json.RawMessage)
			if ok && string(more) == "false" {
				list.set("total_count", json.RawMessage(strconv.Itoa(len(data))))
			}
		}
	}
}

var null = json.RawMessage("null")

// sourceStatuses are statuses by their former names.
var sourceStatuses = map[string]string{
	"requires_payment_method": "requires_source",
	"requires_action":         "requires_source_action",
}

func fromSources(r *record) {
	if former, ok := sourceStatuses[r.text("status")]; ok {
		r.set("status", json.RawMessage(quoted(former)))
	}
	for former, now := range map[string]string{"allowed_source_types": "payment_method_types", "next_source_action": "next_action"} {
		if v := r.get(now); v != nil {
			r.set(former, v)
		}
	}
}

// Render gives an answer the version's shape: value, which encodes as JSON in
// the newest shape, as it is where that is the version's own, and JSON
// otherwise. Events inside stay as they are, since they have a version of their
// own.
func (v Version) Render(value any) (any, error) {
	var of []change
	for _, c := range changes {
		if v.Before(c.before) {
			of = append(of, c)
		}
	}
	if len(of) == 0 {
		return value, nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	apply(of, tree)
	return json.RawMessage(write(make([]byte, 0, len(text)+len(text)/8), tree)), nil
}

// bags are fields whose names are the client's own.
var bags = []string{`"metadata"`}

// apply changes each object in a value, those inside it first.
func apply(of []change, value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			apply(of, element)
		}
	case *record:
		object := value.text("object")
		if object == "event" {
			return
		}
		for i := range value.fields {
			if !slices.Contains(bags, value.fields[i].name) {
				apply(of, value.fields[i].value)
			}
		}
		for _, c := range of {
			if c.object == object {
				c.make(value)
			}
		}
	}
}

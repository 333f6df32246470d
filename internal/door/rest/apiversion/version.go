// Package apiversion knows the versions of Stripe's API: which there are, what
// each takes for granted, and how an answer of the newest shape looks in an
// older one.
//
// Stripe adds fields to every version at once; a version that clients pin keeps
// them from what was taken away, renamed or decided otherwise since. Of the
// objects that Florin has that makes three shapes: before basil, basil and
// clover, dahlia and later. Answers are rendered in the newest shape, and
// [Version.Render] turns them into an older one in this one place.
package apiversion

import (
	"regexp"
	"slices"
	"strings"
)

// Version is one of the API's versions. The zero one is none.
type Version struct {
	text string // "2026-08-26.dahlia"
	date string // "2026-08-26"
}

// Implemented is the version whose document Florin is built by. New accounts
// are served it.
const Implemented = "2026-08-26.dahlia"

// Default is [Implemented].
func Default() Version { return Version{Implemented, dateOf(Implemented)} }

// written is how a version is spelled: a date, since 2024-09-30 with the name
// of a release train.
var written = regexp.MustCompile(`^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(\.[a-z]+)?$`)

// Parse reads a version. Of the past those are versions that Stripe has
// released; a date after the newest release is one, too, because next month's
// clients send it, and is served the newest shape.
func Parse(text string) (Version, bool) {
	if !written.MatchString(text) {
		return Version{}, false
	}
	v := Version{text, dateOf(text)}
	if _, known := slices.BinarySearch(released, text); known {
		return v, true
	}
	_, train, named := strings.Cut(text, ".")
	return v, named && train != "preview" && v.date > dateOf(released[len(released)-1])
}

func dateOf(text string) string {
	date, _, _ := strings.Cut(text, ".")
	return date
}

// String is the version as it was written, or empty.
func (v Version) String() string { return v.text }

// Before tells whether the version is older than one of a date.
func (v Version) Before(date string) bool { return v.date < date }

// Shape is how answers look to a range of versions.
type Shape int

// The shapes, the newest first.
const (
	Newest   Shape = iota // dahlia and later
	Basil                 // basil and clover
	PreBasil              // all before
)

// The days of the trains.
const (
	basil  = "2025-03-31"
	dahlia = "2026-03-25"
)

// Shape is the shape of the version's answers.
func (v Version) Shape() Shape {
	switch {
	case v.Before(basil):
		return PreBasil
	case v.Before(dahlia):
		return Basil
	}
	return Newest
}

// CaptureMethod is how payments are captured that do not say how.
func (v Version) CaptureMethod() string {
	if v.Before("2024-04-10") {
		return "automatic"
	}
	return "automatic_async"
}

// AutomaticMethods tells whether intents that do not say which types of payment
// methods they take, take whatever suits.
func (v Version) AutomaticMethods() bool { return !v.Before("2023-08-16") }

// included are lists that an object shows to versions before a date without
// being asked to.
var included = map[string]string{
	"charge.refunds":         "2022-11-15",
	"customer.sources":       "2020-08-27",
	"customer.subscriptions": "2020-08-27",
	"customer.tax_ids":       "2020-08-27",
	"payment_intent.charges": "2022-11-15",
}

// Includes tells whether a field that is shown to who expands it is shown to
// everybody. field is written "payment_intent.charges".
func (v Version) Includes(field string) bool {
	until, ok := included[field]
	return ok && v.Before(until)
}

// IncludesAny tells whether there is any such field.
func (v Version) IncludesAny() bool { return v.Before("2022-11-15") }

// released are the versions there have been, in order.
var released = []string{
	"2011-01-01", "2011-06-21", "2011-06-28", "2011-08-01", "2011-09-15", "2011-11-17", "2012-02-23", "2012-03-25", "2012-06-18",
	"2012-06-28", "2012-07-09", "2012-09-24", "2012-10-26", "2012-11-07", "2013-02-11", "2013-02-13", "2013-07-05", "2013-08-12",
	"2013-08-13", "2013-10-29", "2013-12-03", "2014-01-31", "2014-03-13", "2014-03-28", "2014-05-19", "2014-06-13", "2014-06-17",
	"2014-07-22", "2014-07-26", "2014-08-04", "2014-08-20", "2014-09-08", "2014-10-07", "2014-11-05", "2014-11-20", "2014-12-08",
	"2014-12-17", "2014-12-22", "2015-01-11", "2015-01-26", "2015-02-10", "2015-02-16", "2015-02-18", "2015-03-24", "2015-04-07",
	"2015-06-15", "2015-07-07", "2015-07-13", "2015-07-28", "2015-08-07", "2015-08-19", "2015-09-03", "2015-09-08", "2015-09-23",
	"2015-10-01", "2015-10-12", "2015-10-16", "2016-02-03", "2016-02-19", "2016-02-22", "2016-02-23", "2016-02-29", "2016-03-07",
	"2016-06-15", "2016-07-06", "2016-10-19", "2017-01-27", "2017-02-14", "2017-04-06", "2017-05-25", "2017-06-05", "2017-08-15",
	"2017-12-14", "2018-01-23", "2018-02-05", "2018-02-06", "2018-02-28", "2018-05-21", "2018-07-27", "2018-08-23", "2018-09-06",
	"2018-09-24", "2018-10-31", "2018-11-08", "2019-02-11", "2019-02-19", "2019-03-14", "2019-05-16", "2019-08-14", "2019-09-09",
	"2019-10-08", "2019-10-17", "2019-11-05", "2019-12-03", "2020-03-02", "2020-08-27", "2022-08-01", "2022-11-15", "2023-08-16",
	"2023-10-16", "2024-04-10", "2024-06-20", "2024-09-30.acacia", "2024-10-28.acacia", "2024-11-20.acacia", "2024-12-18.acacia",
	"2025-01-27.acacia", "2025-02-24.acacia", "2025-03-01.dashboard", "2025-03-31.basil", "2025-04-30.basil", "2025-05-28.basil",
	"2025-06-30.basil", "2025-07-30.basil", "2025-08-27.basil", "2025-09-30.clover", "2025-10-29.clover", "2025-11-17.clover",
	"2025-12-15.clover", "2026-01-28.clover", "2026-02-25.clover", "2026-03-25.dahlia", "2026-04-22.dahlia", "2026-05-27.dahlia",
	"2026-06-24.dahlia", "2026-07-29.dahlia", "2026-08-26.dahlia", "2026-09-30.endive", "2026-10-28.endive",
}

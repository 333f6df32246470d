package schema

import "strings"

// Every table has the column scope, which comes first in its primary key, and
// every row but those named here belongs to one account in one mode. So a database
// may be spread over machines by that one column, and all that a payment does
// happens on one of them. docs/scaling.md says what becomes of the exceptions.

// Apart is why a table's rows belong to no scope, and where they go when the
// database is spread.
type Apart struct{ Why, Goes string }

// Where the tables of no scope go.
const (
	everywhere = "a copy on every machine: read often, written seldom"
	oneMachine = "one machine: written now and then, by background work"
	byKey      = "spread by the second column of its key"
)

// Directory are the tables whose rows belong to no scope; the column is 0 in all of
// them, where there is one.
var Directory = map[string]Apart{
	"train":                  {"a mark of a transaction, which says for whoever made it that it was committed", "with the rows of its transaction: it needs a column to say where that is"},
	"migration":              {"which files of the schema were applied", oneMachine},
	"meta":                   {"what the database says about itself: node numbers, who is there, the master key's name", oneMachine},
	"api_key":                {"a key is found by its hash before anyone knows whose it is", everywhere},
	"first_account":          {"the account that the first start made, so that the second does not", oneMachine},
	"search_build":           {"how far the search index is built, over all accounts", oneMachine},
	"seal":                   {"a seal covers the postings of many accounts of a shard", byKey},
	"seal_chain":             {"whoever seals a shard holds its row", byKey},
	"notice_cursor":          {"how far a provider's notices were read: providers are nobody's", oneMachine},
	"payout_notice":          {"how far a bank's notices were read: banks are nobody's", oneMachine},
	"settle_file":            {"a report of a provider tells of all accounts", byKey},
	"settle_line":            {"a line is there before it is known whose it is", byKey},
	"settle_sheet":           {"a statement of the platform's bank tells of all accounts", byKey},
	"provider_message":       {"a message names operations by our references, which carry no account", byKey},
	"provider_message_about": {"found by a reference alone", byKey},
}

// Ownerless are the tenants' tables that have rows of scope 0 as well, which are
// nobody's.
var Ownerless = map[string]string{
	"job":            "reconciliation, and what providers tell before it is known of whom",
	"notice":         "what a provider tells of nothing that there is",
	"settle_break":   "a difference about nothing that there is",
	"settle_mark":    "as above",
	"object_version": "as above, before it was changed",
}

// Crossing is a query that looks into tenants' tables over all scopes, or finds the
// scope first.
type Crossing struct {
	Who  Caller
	Why  string
	Also string // how often, where the caller does not say it
}

// Caller is on whose behalf all scopes are looked at.
type Caller string

// The callers. No request of the API is one of them.
const (
	Polls   Caller = "every node, at least twice a second: each machine has an index of what is due, and is asked for its own"
	Sweeps  Caller = "background work, every second to every hour: each machine is asked for its own"
	Reports Caller = "reconciliation: providers' reports name operations and no account"
	Verify  Caller = "florin verify: it reads everything"
	People  Caller = "florin's other commands and the metrics"
)

// Across are the queries that cross scopes, by name. A * at the end stands for
// anything.
var Across = map[string]Crossing{
	"soonest due time of a job": {Who: Polls, Why: "nobody knows which accounts have work; the job itself is claimed by its key"},
	"due jobs of a kind":        {Who: Polls, Why: "as above"},
	"endpoints to serve":        {Who: Polls, Why: "nobody knows which endpoints wait; the turn itself is claimed by its key"},
	"endpoints without a turn":  {Who: Verify, Why: "a delivery that waits and nobody serves"},
	"fresh events":              {Who: Polls, Why: "nobody knows which lanes have events to hand on; each lane is then held by its key"},
	"stale *":                   {Who: Polls, Why: "nobody knows which objects changed since they were indexed for search"},

	"attempts that are due":                  {Who: Sweeps, Why: "nobody knows which outcomes are open; an attempt is claimed by its key"},
	"setup attempts that are due":            {Who: Sweeps, Why: "as attempts"},
	"payout attempts that are due":           {Who: Sweeps, Why: "as attempts"},
	"notices that are due":                   {Who: Sweeps, Why: "as attempts"},
	"attempts under a lease":                 {Who: Sweeps, Why: "what a process that is gone has left", Also: "when one is gone"},
	"setup attempts under a lease":           {Who: Sweeps, Why: "as above", Also: "when one is gone"},
	"payout attempts under a lease":          {Who: Sweeps, Why: "as above", Also: "when one is gone"},
	"jobs under a lease":                     {Who: Sweeps, Why: "as above", Also: "when one is gone"},
	"endpoints that are served":              {Who: Sweeps, Why: "as above", Also: "when one is gone"},
	"maturities that are due":                {Who: Sweeps, Why: "money whose day has come, whoever's"},
	"default bank accounts whose turn it is": {Who: Sweeps, Why: "payouts by schedule, whoever's"},
	"expired security codes":                 {Who: Sweeps, Why: "retention"},
	"expired idempotency keys":               {Who: Sweeps, Why: "retention"},
	"oldest idempotency key":                 {Who: Sweeps, Why: "retention"},
	"next scope with *":                      {Who: Sweeps, Why: "retention goes from scope to scope"},
	"files that have expired":                {Who: Sweeps, Why: "retention"},
	"uploads that never became a file":       {Who: Sweeps, Why: "retention"},
	"last postings of accounts":              {Who: Sweeps, Why: "what there is to seal, whoever's", Also: "every five minutes; otherwise a node seals what it posted"},
	"how far accounts are sealed":            {Who: Sweeps, Why: "as above"},
	"all of customer to index":               {Who: Sweeps, Why: "a search index of a new format", Also: "once for each format"},
	"all of payment_intent to index":         {Who: Sweeps, Why: "as above"},
	"all of charge to index":                 {Who: Sweeps, Why: "as above"},
	"accounts of a shard":                    {Who: Sweeps, Why: "a provider's message that names a shard and no account", Also: "for each such message"},
	"scope of an attempt":                    {Who: Reports, Why: "a line that names an attempt of which nothing else is known"},
	"scope of a payout attempt":              {Who: Reports, Why: "a bank names payouts by our reference, which carries no account"},
	"items that are not matched":             {Who: Reports, Why: "goes through what is open at a provider, whoever's"},
	"items of a reference":                   {Who: Reports, Why: "a line names a payment by its reference"},
	"what of all money is explained":         {Who: People, Why: "metrics"},
	"how many breaks are open":               {Who: People, Why: "metrics"},
	"jobs of each kind and state":            {Who: People, Why: "metrics"},
	"jobs of each kind that may be claimed":  {Who: People, Why: "metrics"},
	"dead jobs of each kind":                 {Who: People, Why: "metrics"},
	"open attempts of each state":            {Who: People, Why: "metrics"},
	"jobs by due time":                       {Who: People, Why: "what is to be done next, for whoever runs the platform"},
	"dead jobs":                              {Who: People, Why: "florin job"},
	"some accounts":                          {Who: People, Why: "whether there are several"},
	"scope of a break":                       {Who: People, Why: "florin break: a break is named by its key"},
	"scope of an endpoint":                   {Who: People, Why: "florin webhook: an endpoint is named by its key"},
	"sums of items":                          {Who: Reports, Why: "sums by account", Also: "once a day"},
	"items of a scope":                       {Who: Verify, Why: "all items"},
	"check *":                                {Who: Verify, Why: "bodies against columns"},
	"next scope of *":                        {Who: Verify, Why: "from scope to scope"},
	"ends of all lanes":                      {Who: Verify, Why: "numbers of events"},
	"all events by lane":                     {Who: Verify, Why: "numbers of events"},
	"how many accounts are sealed":           {Who: Verify, Why: "seals"},
	"numbers of postings":                    {Who: Verify, Why: "seals"},
	"security codes that are kept":           {Who: Verify, Why: "codes that outlived their time"},
}

// Crosses gives the entry of [Across] that a query of this name falls under.
func Crosses(name string) (entry string, ok bool) {
	if _, ok := Across[name]; ok {
		return name, true
	}
	for entry := range Across {
		if begin, any := strings.CutSuffix(entry, "*"); any && strings.HasPrefix(name, begin) {
			return entry, true
		}
	}
	return "", false
}

package spec

import (
	"cmp"
	"iter"
	"slices"
)

// Florin's own operations stand below one path, where Stripe has nothing. They
// take parameters and answer as Stripe's do, and are in no version of the
// document: their form changes by additions alone. One that is Stripe's own,
// which only its tools call and the document is silent about, stands beside them.
const extensionPath = "/v1/florin/"

// params is a hash of fields with these names, whose required ones are named
// with an exclamation mark.
func params(fields map[string]*Param) *Param {
	p := &Param{Type: Hash}
	for name, param := range fields {
		required := name[len(name)-1] == '!'
		if required {
			name = name[:len(name)-1]
		}
		p.Fields = append(p.Fields, Field{name, required, param})
	}
	slices.SortFunc(p.Fields, func(a, b Field) int { return cmp.Compare(a.Name, b.Name) })
	return p
}

var (
	anyText    = &Param{Type: Text, MaxLength: 5000}
	shortText  = &Param{Type: Text, MaxLength: 200}
	anyInteger = &Param{Type: Integer}
	anyTime    = &Param{Type: Integer | Timestamp}
	anyBoolean = &Param{Type: Boolean}
	textList   = &Param{Type: List, Element: anyText}
	// within is a range of times.
	within = &Param{Type: Hash | Integer | Timestamp, Fields: params(map[string]*Param{"gt": anyTime, "gte": anyTime, "lt": anyTime, "lte": anyTime}).Fields}
)

// paged are the parameters of every list, and more.
func paged(more map[string]*Param) *Param {
	all := map[string]*Param{"limit": anyInteger, "starting_after": anyText, "ending_before": anyText, "created": within, "expand": textList}
	for name, p := range more {
		all[name] = p
	}
	return params(all)
}

var deliveryStatus = map[string]*Param{"status": {Type: Text, Enum: []string{"delivered", "failed", "pending", "stopped"}}}

// breakTypes are the types of the differences that reconciliation finds.
var breakTypes = []string{"amount", "contradiction", "currency", "duplicate", "fee", "missing_here", "missing_there", "status", "timing", "unknown_outcome"}

// extensions are the operations that the document has not.
var extensions = []Operation{
	// What Stripe's command line begins listen and logs tail with. It sends more
	// than is used here: where it forwards to is its own business.
	{ID: "PostStripecliSessions", Method: "POST", Path: "/v1/stripecli/sessions", Params: params(map[string]*Param{
		"device_name": anyText, "filters": anyText, "forward_connect_to_url": anyText, "forward_thin_connect_to_url": anyText,
		"forward_thin_to_url": anyText, "forward_to_url": anyText, "websocket_feature": anyText, "websocket_features": textList})},
	{ID: "FlorinPostWebhookEndpointsWebhookEndpointRollSecret", Method: "POST", Path: extensionPath + "webhook_endpoints/{webhook_endpoint}/roll_secret",
		Params: params(map[string]*Param{"expires_in": anyInteger, "expand": textList})},
	{ID: "FlorinGetWebhookEndpointsWebhookEndpointDeliveries", Method: "GET", Path: extensionPath + "webhook_endpoints/{webhook_endpoint}/deliveries", Params: paged(deliveryStatus)},
	{ID: "FlorinGetEventsIdDeliveries", Method: "GET", Path: extensionPath + "events/{id}/deliveries", Params: params(map[string]*Param{"expand": textList})},
	{ID: "FlorinPostWebhookReplays", Method: "POST", Path: extensionPath + "webhook_replays", Params: params(map[string]*Param{
		"webhook_endpoint!": anyText, "event": anyText, "created": within, "types": textList, "only_failed": anyBoolean, "starting_after": anyText, "expand": textList})},
	{ID: "FlorinGetWebhookReplays", Method: "GET", Path: extensionPath + "webhook_replays", Params: paged(map[string]*Param{"webhook_endpoint": anyText})},
	{ID: "FlorinGetAttempts", Method: "GET", Path: extensionPath + "attempts", Params: paged(map[string]*Param{"payment_intent": anyText})},
	{ID: "FlorinGetAttemptsAttempt", Method: "GET", Path: extensionPath + "attempts/{attempt}", Params: params(map[string]*Param{"expand": textList})},
	{ID: "FlorinPostAttemptsAttemptResolve", Method: "POST", Path: extensionPath + "attempts/{attempt}/resolve", Params: params(map[string]*Param{
		"outcome!": {Type: Text, Enum: []string{"succeeded", "failed"}}, "evidence!": anyText, "expand": textList})},
	{ID: "FlorinGetMessages", Method: "GET", Path: extensionPath + "messages", Params: params(map[string]*Param{"object!": anyText, "expand": textList})},
	{ID: "FlorinGetBreaks", Method: "GET", Path: extensionPath + "breaks", Params: paged(map[string]*Param{
		"state": {Type: Text, Enum: []string{"open", "resolved"}}, "type": {Type: Text, Enum: breakTypes}, "provider": anyText})},
	{ID: "FlorinGetBreaksId", Method: "GET", Path: extensionPath + "breaks/{id}", Params: params(map[string]*Param{"expand": textList})},
	{ID: "FlorinPostBreaksId", Method: "POST", Path: extensionPath + "breaks/{id}", Params: params(map[string]*Param{"owner!": shortText, "expand": textList})},
	{ID: "FlorinPostBreaksIdResolve", Method: "POST", Path: extensionPath + "breaks/{id}/resolve", Params: params(map[string]*Param{
		"by!": shortText, "why!": anyText, "evidence": anyText, "posting": {Type: Text, Enum: []string{"bank", "cost", "none"}}, "expand": textList})},
	{ID: "FlorinGetReconciliation", Method: "GET", Path: extensionPath + "reconciliation", Params: params(map[string]*Param{"expand": textList})},
	{ID: "FlorinGetWebhookReplaysId", Method: "GET", Path: extensionPath + "webhook_replays/{id}", Params: params(map[string]*Param{"expand": textList})},
}

// Documented reports whether the API's document has the operation.
func (op *Operation) Documented() bool { return !op.extension }

// Extensions goes through the operations that the document has not.
func Extensions() iter.Seq[*Operation] {
	return func(yield func(*Operation) bool) {
		for i := range extensions {
			if !yield(loaded().byID[extensions[i].ID]) {
				return
			}
		}
	}
}

// addExtensions makes them known.
func (t *tables) addExtensions() {
	for _, op := range extensions {
		op.names, op.extension = pathNames(op.Path), true
		t.byID[op.ID] = &op
		t.routes.add(&op)
	}
}

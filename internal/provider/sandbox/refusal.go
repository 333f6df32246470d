package sandbox

import "fmt"

// The codes of an answer that is no operation.
const (
	invalidJSON       = "invalid_json"
	invalidField      = "invalid_field"
	tooLarge          = "too_large"
	noSuchPath        = "no_such_path"
	notFound          = "not_found"
	referenceConflict = "reference_conflict"
	internal          = "internal"
)

var refusalStatus = map[string]int{
	invalidJSON: 400, invalidField: 400, noSuchPath: 404, notFound: 404, referenceConflict: 409, tooLarge: 413, internal: 500,
}

// unprocessed are the codes that are documented to mean that nothing was done
// under the reference. A conflict is not among them: the reference names an
// operation, only not this one.
var unprocessed = map[string]bool{invalidJSON: true, invalidField: true, tooLarge: true, noSuchPath: true}

// refusal is the error of an answer that is no operation.
type refusal struct {
	Code    string `json:"code"`
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
	// Processed is false where the request did nothing, and absent where that
	// is not known.
	Processed *bool `json:"processed,omitempty"`
}

type refusalBody struct {
	Error refusal `json:"error"`
}

// Error implements error.
func (r *refusal) Error() string { return r.Code + ": " + r.Message }

func refuse(code, field, format string, args ...any) *refusal {
	r := &refusal{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
	if code != internal {
		r.Processed = new(bool)
	}
	return r
}

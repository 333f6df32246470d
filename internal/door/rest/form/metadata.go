package form

import (
	"maps"

	"github.com/florinpay/florin/internal/kit/fault"
)

// MaxMetadata is how many keys an object's metadata may have
// (https://docs.stripe.com/api/metadata).
const MaxMetadata = 50

// Patch is what a request says about metadata: which keys to set and which to
// remove, or to remove all.
type Patch struct {
	Clear bool // metadata= was sent: remove every key
	Set   map[string]string
	Unset []string // sent with an empty value, in the order sent
}

// Metadata is the patch at path, usually "metadata". It is present when
// anything was sent there.
func (v *Value) Metadata(path ...string) (patch Patch, present bool) {
	at := v.Get(path...)
	switch at.Kind() {
	case Absent:
		return Patch{}, false
	case Scalar:
		return Patch{Clear: at.text == ""}, true
	}
	patch.Set = make(map[string]string, len(at.fields))
	for name, value := range at.All() {
		if value.Text() == "" {
			patch.Unset = append(patch.Unset, name)
		} else {
			patch.Set[name] = value.Text()
		}
	}
	return patch, true
}

// Apply gives old as the patch leaves it; old itself is not changed. The error
// says that there would be more than [MaxMetadata] keys.
func (p Patch) Apply(old map[string]string) (map[string]string, *fault.Error) {
	result := make(map[string]string, len(old)+len(p.Set))
	if !p.Clear {
		maps.Copy(result, old)
	}
	for _, name := range p.Unset {
		delete(result, name)
	}
	maps.Copy(result, p.Set)
	if len(result) > MaxMetadata {
		return nil, fault.Param("metadata", "", "Metadata can have up to %d keys, but this request would leave %d keys.", MaxMetadata, len(result))
	}
	return result, nil
}

package webhook

import (
	"crypto/rand"
	"net/url"
	"slices"
	"time"

	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/hidden"
	"github.com/florinpay/florin/internal/kit/id"
)

// Endpoint is where a merchant wants to be told what happened.
type Endpoint struct {
	URL    string   `json:"u"`
	Events []string `json:"e"` // types of events; "*" is all
	// Version is the API version that events are rendered at; empty: the account's.
	Version     string            `json:"v,omitempty"`
	Description string            `json:"d,omitempty"`
	Metadata    map[string]string `json:"m,omitempty"`
	Disabled    bool              `json:"x,omitempty"`
	// Reason says why Florin disabled the endpoint; empty where a person did.
	Reason  string   `json:"w,omitempty"`
	Deleted bool     `json:"z,omitempty"`
	Secrets []Secret `json:"s"` // the present one first
	// Fresh tells that this version of the endpoint made its present secret,
	// which is then shown to who asked for it.
	Fresh bool `json:"f,omitempty"`
}

// Secret signs what is sent to an endpoint.
type Secret struct {
	Sealed []byte    `json:"s"`
	Until  time.Time `json:"u,omitzero"` // when it ends; the present one has no end
}

// Enabled reports whether anything is sent to the endpoint.
func (e *Endpoint) Enabled() bool { return !e.Disabled && !e.Deleted }

// Wants reports whether the endpoint is told of events of a type.
func (e *Endpoint) Wants(typ string) bool {
	return slices.Contains(e.Events, All) || slices.Contains(e.Events, typ)
}

// All stands for all types of events.
const All = "*"

// alive are the secrets that sign at an instant.
func (e *Endpoint) alive(now time.Time) (list []Secret) {
	for _, s := range e.Secrets {
		if s.Until.IsZero() || now.Before(s.Until) {
			list = append(list, s)
		}
	}
	return list
}

// MaxRoll is for how long both secrets can sign after a roll.
const MaxRoll = 24 * time.Hour

// secretPrefix begins every secret; it is a part of the key that signs.
const secretPrefix = "whsec_"

// newSecret makes a secret of 160 random bits.
func newSecret() hidden.Text { return hidden.NewText(secretPrefix + rand.Text() + rand.Text()[:6]) }

const maxURL = 5000

// checkURL refuses what nothing can be sent to. That an address is a private one
// shows only when it is dialled, since names resolve to whatever they like.
func checkURL(s id.Scope, text string) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return fault.Param("url", "url_invalid", "Invalid URL: it has more than %d characters.", maxURL)
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return fault.Param("url", "url_invalid", "Invalid URL: an explicit scheme (such as https) and a host must be provided.")
	case u.Scheme != "https" && u.Scheme != "http":
		return fault.Param("url", "url_invalid", "Invalid URL: URL must be http or https.")
	case u.Scheme == "http" && s.Livemode:
		return fault.Param("url", "url_invalid", "Invalid URL: Live webhook endpoint URLs must be https.")
	case u.User != nil:
		return fault.Param("url", "url_invalid", "Invalid URL: it may not hold a user name or a password. Requests are signed instead.")
	}
	return nil
}

// checkEvents refuses a list that would tell an endpoint of nothing, or of
// everything and something.
func checkEvents(types []string) error {
	switch {
	case len(types) == 0:
		return fault.Param("enabled_events", "parameter_missing", "You must enable at least one event, or '*' for all.")
	case slices.Contains(types, All) && len(types) > 1:
		return fault.Param("enabled_events", "", "'*' enables all events: it must stand alone.")
	}
	return nil
}

package rest

import (
	"strings"

	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/fault"
)

type shownAddress struct {
	City       any `json:"city"`
	Country    any `json:"country"`
	Line1      any `json:"line1"`
	Line2      any `json:"line2"`
	PostalCode any `json:"postal_code"`
	State      any `json:"state"`
}

func addressOf(a vault.Address) shownAddress {
	return shownAddress{text(a.City), text(a.Country), text(a.Line1), text(a.Line2), text(a.PostalCode), text(a.State)}
}

type shownShipping struct {
	Address shownAddress `json:"address"`
	Name    string       `json:"name"`
	Phone   any          `json:"phone"`
}

// plausibleEmail asks for no more than that there is something on both sides of
// an @, and no space; whether an address is one, only its mail server knows.
// The empty text clears the address.
func plausibleEmail(text string) bool {
	name, host, at := strings.Cut(text, "@")
	return text == "" || at && name != "" && host != "" && !strings.ContainsAny(host, "@") && !strings.ContainsAny(text, " \t\r\n")
}

func invalidEmail(param, email string) error {
	return fault.Param(param, "email_invalid", "Invalid email address: %s", clip(email))
}

// textAt is a text that may be absent.
func textAt(f *form.Value, path ...string) *string {
	if s, ok := f.String(path...); ok {
		return &s
	}
	return nil
}

// addressAt reads an address, which the empty text clears.
func addressAt(at *form.Value) *vault.Address {
	if at == nil {
		return nil
	}
	part := func(name string) string {
		s, _ := at.String(name)
		return s
	}
	return &vault.Address{City: part("city"), Country: part("country"), Line1: part("line1"), Line2: part("line2"),
		PostalCode: part("postal_code"), State: part("state")}
}

func shippingAt(at *form.Value) *vault.Shipping {
	if at == nil {
		return nil
	}
	out := &vault.Shipping{}
	out.Name, _ = at.String("name")
	out.Phone, _ = at.String("phone")
	out.Carrier, _ = at.String("carrier")
	out.Tracking, _ = at.String("tracking_number")
	if a := addressAt(at.Get("address")); a != nil {
		out.Address = *a
	}
	return out
}

func metadataAt(f *form.Value) *vault.Metadata {
	patch, ok := f.Metadata("metadata")
	if !ok {
		return nil
	}
	return &vault.Metadata{Clear: patch.Clear, Set: patch.Set, Unset: patch.Unset}
}

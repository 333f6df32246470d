package vault

// Address is a postal address as the API has it. Country is ISO 3166-1 alpha-2.
type Address struct {
	City       string `json:"c,omitempty"`
	Country    string `json:"y,omitempty"`
	Line1      string `json:"1,omitempty"`
	Line2      string `json:"2,omitempty"`
	PostalCode string `json:"p,omitempty"`
	State      string `json:"s,omitempty"`
}

// Shipping is where goods go, and by whom.
type Shipping struct {
	Name     string  `json:"n,omitempty"`
	Phone    string  `json:"t,omitempty"`
	Address  Address `json:"a"`
	Carrier  string  `json:"c,omitempty"`  // of a payment's goods
	Tracking string  `json:"tr,omitempty"` // the carrier's number
}

// Personal is what of a customer is about a person.
type Personal struct {
	Name    string   `json:"n,omitempty"`
	Email   string   `json:"e,omitempty"`
	Phone   string   `json:"t,omitempty"`
	Address *Address `json:"a,omitempty"` // nil: none
	// BusinessName and IndividualName are the API's further names.
	BusinessName   string    `json:"bn,omitempty"`
	IndividualName string    `json:"in,omitempty"`
	TaxIP          string    `json:"ip,omitempty"` // tax[ip_address]
	Shipping       *Shipping `json:"s,omitempty"`  // nil: none
}

// Billing is what of a payment method is about a person: Stripe's
// billing_details.
type Billing struct {
	Name    string  `json:"n,omitempty"`
	Email   string  `json:"e,omitempty"`
	Phone   string  `json:"t,omitempty"`
	TaxID   string  `json:"x,omitempty"`
	Address Address `json:"a"`
}

package merchant

// Profile is what a merchant says of itself to its customers and on its pages.
// Empty texts were not given.
type Profile struct {
	Email        string            `json:"email,omitempty"`
	BusinessType string            `json:"business_type,omitempty"` // individual, company, non_profit, government_entity
	Metadata     map[string]string `json:"metadata,omitempty"`

	MCC                string   `json:"mcc,omitempty"`
	ProductDescription string   `json:"product_description,omitempty"`
	SupportEmail       string   `json:"support_email,omitempty"`
	SupportPhone       string   `json:"support_phone,omitempty"`
	SupportURL         string   `json:"support_url,omitempty"`
	URL                string   `json:"url,omitempty"`
	SupportAddress     *Address `json:"support_address,omitempty"`

	DisplayName      string `json:"display_name,omitempty"` // empty: the account's name
	Timezone         string `json:"timezone,omitempty"`     // IANA; empty: Etc/UTC
	DescriptorPrefix string `json:"descriptor_prefix,omitempty"`
	DescriptorKana   string `json:"descriptor_kana,omitempty"`
	DescriptorKanji  string `json:"descriptor_kanji,omitempty"`
	PrimaryColor     string `json:"primary_color,omitempty"`
	SecondaryColor   string `json:"secondary_color,omitempty"`
	Icon             string `json:"icon,omitempty"` // id of a file
	Logo             string `json:"logo,omitempty"`
	DeclineOnAVS     bool   `json:"decline_on_avs,omitempty"`
	DeclineOnCVC     bool   `json:"decline_on_cvc,omitempty"`
}

// Address is a postal address.
type Address struct {
	City       string `json:"city,omitempty"`
	Country    string `json:"country,omitempty"`
	Line1      string `json:"line1,omitempty"`
	Line2      string `json:"line2,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	State      string `json:"state,omitempty"`
}

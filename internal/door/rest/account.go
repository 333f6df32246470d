package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/florinpay/florin/internal/base/object"
	"github.com/florinpay/florin/internal/core/merchant"
	"github.com/florinpay/florin/internal/core/vault"
	"github.com/florinpay/florin/internal/door/rest/form"
	"github.com/florinpay/florin/internal/kit/country"
	"github.com/florinpay/florin/internal/kit/fault"
	"github.com/florinpay/florin/internal/kit/money"
)

var accountRoutes = map[string]route{
	"GetAccount":             {retrieveOwnAccount, merchant.AccountResource, merchant.Read},
	"GetAccountsAccount":     {retrieveAccount, merchant.AccountResource, merchant.Read},
	"PostAccountsAccount":    {updateAccount, merchant.AccountResource, merchant.Write},
	"GetBalanceSettings":     {retrieveBalanceSettings, merchant.AccountResource, merchant.Read},
	"PostBalanceSettings":    {updateBalanceSettings, merchant.AccountResource, merchant.Write},
	"GetCountrySpecs":        {listCountries, merchant.AccountResource, merchant.Read},
	"GetCountrySpecsCountry": {retrieveCountry, merchant.AccountResource, merchant.Read},
}

type shownAccount struct {
	ID                 string                   `json:"id"`
	Object             string                   `json:"object"`
	BusinessProfile    businessProfile          `json:"business_profile"`
	BusinessType       any                      `json:"business_type"`
	Capabilities       map[string]string        `json:"capabilities"`
	ChargesEnabled     bool                     `json:"charges_enabled"`
	Controller         map[string]any           `json:"controller"`
	Country            string                   `json:"country"`
	Created            int64                    `json:"created"`
	DefaultCurrency    money.Currency           `json:"default_currency"`
	DetailsSubmitted   bool                     `json:"details_submitted"`
	Email              any                      `json:"email"`
	ExternalAccounts   *list                    `json:"external_accounts"`
	FutureRequirements shownAccountRequirements `json:"future_requirements"`
	Groups             map[string]any           `json:"groups"`
	Metadata           map[string]string        `json:"metadata"`
	PayoutsEnabled     bool                     `json:"payouts_enabled"`
	Requirements       shownAccountRequirements `json:"requirements"`
	Settings           accountSettings          `json:"settings"`
	TOSAcceptance      map[string]any           `json:"tos_acceptance"`
	Type               string                   `json:"type"`
}

type businessProfile struct {
	AnnualRevenue         any `json:"annual_revenue"`
	EstimatedWorkerCount  any `json:"estimated_worker_count"`
	MCC                   any `json:"mcc"`
	MinorityOwnedBusiness any `json:"minority_owned_business_designation"`
	Name                  any `json:"name"`
	ProductDescription    any `json:"product_description"`
	SupportAddress        any `json:"support_address"`
	SupportEmail          any `json:"support_email"`
	SupportPhone          any `json:"support_phone"`
	SupportURL            any `json:"support_url"`
	URL                   any `json:"url"`
}

type shownAccountRequirements struct {
	Alternatives        []any    `json:"alternatives"`
	CurrentDeadline     any      `json:"current_deadline"`
	CurrentlyDue        []string `json:"currently_due"`
	DisabledReason      any      `json:"disabled_reason"`
	Errors              []any    `json:"errors"`
	EventuallyDue       []string `json:"eventually_due"`
	PastDue             []string `json:"past_due"`
	PendingVerification []string `json:"pending_verification"`
}

func nothingRequired() shownAccountRequirements {
	return shownAccountRequirements{[]any{}, nil, []string{}, nil, []any{}, []string{}, []string{}, []string{}}
}

type accountSettings struct {
	Branding struct {
		Icon           any `json:"icon"`
		Logo           any `json:"logo"`
		PrimaryColor   any `json:"primary_color"`
		SecondaryColor any `json:"secondary_color"`
	} `json:"branding"`
	CardPayments struct {
		DeclineOn struct {
			AVS bool `json:"avs_failure"`
			CVC bool `json:"cvc_failure"`
		} `json:"decline_on"`
		Prefix      any `json:"statement_descriptor_prefix"`
		PrefixKana  any `json:"statement_descriptor_prefix_kana"`
		PrefixKanji any `json:"statement_descriptor_prefix_kanji"`
	} `json:"card_payments"`
	Dashboard struct {
		DisplayName any    `json:"display_name"`
		Timezone    string `json:"timezone"`
	} `json:"dashboard"`
	Invoices struct {
		TaxIDs     any `json:"default_account_tax_ids"`
		SaveMethod any `json:"hosted_payment_method_save"`
	} `json:"invoices"`
	Payments struct {
		Descriptor      any `json:"statement_descriptor"`
		DescriptorKana  any `json:"statement_descriptor_kana"`
		DescriptorKanji any `json:"statement_descriptor_kanji"`
	} `json:"payments"`
	Payouts struct {
		DebitNegative bool            `json:"debit_negative_balances"`
		Schedule      accountSchedule `json:"schedule"`
		Descriptor    any             `json:"statement_descriptor"`
	} `json:"payouts"`
}

type accountSchedule struct {
	DelayDays     int      `json:"delay_days"`
	Interval      string   `json:"interval"`
	MonthlyAnchor int      `json:"monthly_anchor,omitempty"`
	MonthDays     []int    `json:"monthly_payout_days,omitempty"`
	WeeklyAnchor  string   `json:"weekly_anchor,omitempty"`
	WeekDays      []string `json:"weekly_payout_days,omitempty"`
}

// homeNoun is the noun of something that is shown of the account: which is
// stored in its own home, whatever the mode that it is seen in.
func homeNoun(render func(*view, *object.Object[merchant.Account]) (any, error)) noun {
	n := nounOf(merchant.Accounts, render)
	n.load = func(v *view, r object.Ref) (any, error) {
		o, ok, err := merchant.Accounts.ReadVersion(v.ctx, v.s.DB, merchant.Home(v.scope.Account), r)
		if err == nil && !ok {
			err = fmt.Errorf("account %d has no version %d", r.Key, r.Version)
		}
		return o, err
	}
	return n
}

// ownAccount shows the account that stands in the field account: its id, or
// itself when expanded.
func (v *view) ownAccount() (any, error) {
	home := merchant.Home(v.scope.Account)
	if _, wanted := v.expand["account"]; !wanted {
		return merchant.Accounts.ID(home, v.scope.Account), nil
	}
	at := *v
	at.scope = home
	o, err := load(&at, merchant.Accounts, v.scope.Account)
	v.shown = at.shown
	if err != nil {
		return nil, err
	}
	return renderAccount(v.within("account"), o)
}

func renderAccount(v *view, o *object.Object[merchant.Account]) (any, error) {
	b, p := &o.Body, &o.Body.Profile
	out := &shownAccount{
		ID: merchant.Accounts.ID(o.Scope, o.Key), Object: merchant.Accounts.Name, BusinessType: text(p.BusinessType),
		Capabilities:   map[string]string{"card_payments": "active", "transfers": "active"},
		ChargesEnabled: true, Controller: map[string]any{"type": "account"}, Country: b.Country, Created: o.Created().Unix(), DefaultCurrency: b.DefaultCurrency,
		DetailsSubmitted: true, Email: text(p.Email), FutureRequirements: nothingRequired(), Groups: map[string]any{"payments_pricing": nil},
		Metadata: metadata(p.Metadata), PayoutsEnabled: true, Requirements: nothingRequired(), TOSAcceptance: map[string]any{"date": nil, "ip": nil, "user_agent": nil}, Type: "standard",
	}
	out.BusinessProfile = businessProfile{MCC: text(p.MCC), Name: text(b.Name), ProductDescription: text(p.ProductDescription), SupportEmail: text(p.SupportEmail),
		SupportPhone: text(p.SupportPhone), SupportURL: text(p.SupportURL), URL: text(p.URL)}
	if p.SupportAddress != nil {
		out.BusinessProfile.SupportAddress = addressOf(vault.Address(*p.SupportAddress))
	}
	out.Settings = settingsOf(b)
	var err error
	out.ExternalAccounts, err = externalAccountsOf(v, out.ID)
	return out, err
}

func settingsOf(b *merchant.Account) (out accountSettings) {
	p := &b.Profile
	out.Branding.Icon, out.Branding.Logo, out.Branding.PrimaryColor, out.Branding.SecondaryColor = text(p.Icon), text(p.Logo), text(p.PrimaryColor), text(p.SecondaryColor)
	out.CardPayments.DeclineOn.AVS, out.CardPayments.DeclineOn.CVC = p.DeclineOnAVS, p.DeclineOnCVC
	out.CardPayments.Prefix = text(p.DescriptorPrefix)
	name := p.DisplayName
	if name == "" {
		name = b.Name
	}
	out.Dashboard.DisplayName, out.Dashboard.Timezone = text(name), p.Timezone
	if p.Timezone == "" {
		out.Dashboard.Timezone = "Etc/UTC"
	}
	out.Payments.Descriptor, out.Payments.DescriptorKana, out.Payments.DescriptorKanji = text(b.StatementDescriptor), text(p.DescriptorKana), text(p.DescriptorKanji)
	s := &out.Payouts.Schedule
	s.DelayDays, s.Interval = b.Settings.SettlementDays, string(b.Payouts.Every())
	switch b.Payouts.Every() {
	case merchant.Weekly:
		s.WeekDays = b.Payouts.WeekDays
		s.WeeklyAnchor = s.WeekDays[0]
	case merchant.Monthly:
		s.MonthDays = b.Payouts.MonthDays
		s.MonthlyAnchor = s.MonthDays[0]
	}
	out.Payouts.DebitNegative, out.Payouts.Descriptor = b.Payouts.DebitNegative, text(b.Payouts.Descriptor)
	return out
}

// externalAccountsOf lists the account's bank accounts as they are now.
func externalAccountsOf(v *view, account string) (*list, error) {
	out := &list{Object: "list", URL: "/v1/accounts/" + account + "/external_accounts", Data: []any{}}
	if v.tx != nil {
		return out, nil // a list is not pinned
	}
	page, more, err := vault.BankAccounts.List(v.ctx, v.s.DB, v.scope, object.Range{Limit: defaultLimit, Where: map[string]any{"deleted": int64(0)}})
	if err != nil {
		return nil, err
	}
	child := v.within("external_accounts").within("data")
	for _, o := range page {
		shown, err := renderBankAccount(child, o)
		if err != nil {
			return nil, err
		}
		out.Data = append(out.Data, shown)
	}
	out.HasMore = more
	return out, nil
}

func retrieveOwnAccount(s *Server, c *call) (any, error) {
	o, err := s.Merchant.Read(c.ctx, c.scope)
	if err != nil {
		return nil, err
	}
	return renderAccount(s.view(c), o)
}

func retrieveAccount(s *Server, c *call) (any, error) {
	if err := ownAccount(c); err != nil {
		return nil, err
	}
	return retrieveOwnAccount(s, c)
}

func updateAccount(s *Server, c *call) (any, error) {
	if err := ownAccount(c); err != nil {
		return nil, err
	}
	if err := refuseUnsupported(c, "account_token", "capabilities", "company", "documents", "external_account", "groups", "individual", "tos_acceptance",
		"business_profile[annual_revenue]", "business_profile[estimated_worker_count]", "business_profile[minority_owned_business_designation]",
		"business_profile[monthly_estimated_revenue]", "settings[bacs_debit_payments]", "settings[card_issuing]", "settings[invoices]", "settings[treasury]"); err != nil {
		return nil, err
	}
	f := c.form
	return s.Merchant.Change(c.ctx, c.scope, s.Keys, merchant.Accounts.Name, c.idem, func(a *merchant.Account) error {
		p := &a.Profile
		for name, to := range map[string]*string{
			"email": &p.Email, "business_type": &p.BusinessType, "business_profile[mcc]": &p.MCC, "business_profile[name]": &a.Name,
			"business_profile[product_description]": &p.ProductDescription, "business_profile[support_email]": &p.SupportEmail,
			"business_profile[support_phone]": &p.SupportPhone, "business_profile[support_url]": &p.SupportURL, "business_profile[url]": &p.URL,
			"settings[branding][icon]": &p.Icon, "settings[branding][logo]": &p.Logo, "settings[branding][primary_color]": &p.PrimaryColor,
			"settings[branding][secondary_color]": &p.SecondaryColor, "settings[card_payments][statement_descriptor_prefix]": &p.DescriptorPrefix,
			"settings[payments][statement_descriptor]": &a.StatementDescriptor, "settings[payments][statement_descriptor_kana]": &p.DescriptorKana,
			"settings[payments][statement_descriptor_kanji]": &p.DescriptorKanji, "settings[payouts][statement_descriptor]": &a.Payouts.Descriptor,
		} {
			if t, ok := f.String(pathOf(name)...); ok {
				*to = t
			}
		}
		for name, to := range map[string]*bool{
			"settings[card_payments][decline_on][avs_failure]": &p.DeclineOnAVS, "settings[card_payments][decline_on][cvc_failure]": &p.DeclineOnCVC,
			"settings[payouts][debit_negative_balances]": &a.Payouts.DebitNegative,
		} {
			if yes, ok := f.Bool(pathOf(name)...); ok {
				*to = yes
			}
		}
		if currency, ok := f.String("default_currency"); ok {
			a.DefaultCurrency = money.Currency(strings.ToLower(currency))
		}
		if at := addressAt(f.Get("business_profile", "support_address")); at != nil {
			p.SupportAddress = (*merchant.Address)(at)
		}
		if patch, ok := f.Metadata("metadata"); ok {
			now, refused := patch.Apply(p.Metadata)
			if refused != nil {
				return refused
			}
			p.Metadata = now
		}
		if a.Profile.Email != "" && !plausibleEmail(a.Profile.Email) {
			return invalidEmail("email", a.Profile.Email)
		}
		return scheduleAt(f.Get("settings", "payouts", "schedule"), a)
	})
}

// pathOf is a parameter's name as a path: "a[b][c]".
func pathOf(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '[' || r == ']' })
}

// scheduleAt reads a schedule of payouts, as accounts have it.
func scheduleAt(at *form.Value, a *merchant.Account) error {
	if at == nil {
		return nil
	}
	if interval, ok := at.String("interval"); ok {
		a.Payouts.Interval = merchant.Interval(interval)
	}
	if day, ok := at.String("weekly_anchor"); ok {
		a.Payouts.WeekDays = []string{day}
	}
	if day, ok := at.Int64("monthly_anchor"); ok {
		a.Payouts.MonthDays = []int{int(min(max(day, 0), 99))}
	}
	if err := payoutDays(at, a); err != nil {
		return err
	}
	if text, ok := at.String("delay_days"); ok {
		if text == "minimum" {
			a.Settings.SettlementDays = merchant.DefaultSettlementDays
			return nil
		}
		n, ok := at.Int64("delay_days")
		if !ok {
			return fault.Param("settings[payouts][schedule][delay_days]", "parameter_invalid_integer", "Invalid integer: %s", clip(text))
		}
		a.Settings.SettlementDays = int(min(max(n, -1), 10_000))
	}
	return nil
}

// payoutDays reads the days of a schedule.
func payoutDays(at *form.Value, a *merchant.Account) error {
	if days, ok := at.Strings("weekly_payout_days"); ok {
		if len(days) > 0 && a.Payouts.Every() != merchant.Weekly {
			return fault.Param("payments[payouts][schedule][weekly_payout_days]", "", "Days of the week are for weekly payouts.")
		}
		a.Payouts.WeekDays = days
	}
	if days, ok := at.Strings("monthly_payout_days"); ok {
		a.Payouts.MonthDays = nil
		for _, text := range days {
			n, ok := form.ParseInteger(text)
			if !ok || n < 1 || n > 31 {
				return fault.Param("monthly_payout_days", "parameter_invalid_integer", "A day of a month is 1 to 31, not %s.", clip(text))
			}
			a.Payouts.MonthDays = append(a.Payouts.MonthDays, int(n))
		}
		slices.Sort(a.Payouts.MonthDays)
	}
	return nil
}

// countrySpec is what is known of a country.
type countrySpec struct {
	ID                 string              `json:"id"`
	Object             string              `json:"object"`
	DefaultCurrency    money.Currency      `json:"default_currency"`
	BankCurrencies     map[string][]string `json:"supported_bank_account_currencies"`
	PaymentCurrencies  []string            `json:"supported_payment_currencies"`
	PaymentMethods     []string            `json:"supported_payment_methods"`
	TransferCountries  []string            `json:"supported_transfer_countries"`
	VerificationFields map[string]any      `json:"verification_fields"`
}

func specOf(at country.Country) *countrySpec {
	nothing := map[string]any{"additional": []string{}, "minimum": []string{}}
	out := &countrySpec{ID: at.Code, Object: "country_spec", DefaultCurrency: at.Currency, BankCurrencies: map[string][]string{},
		PaymentMethods: []string{"card"}, TransferCountries: []string{}, VerificationFields: map[string]any{"company": nothing, "individual": nothing}}
	for _, other := range country.All() {
		switch {
		case other.Currency == at.Currency, at.Currency == "eur" && other.SEPA():
			out.BankCurrencies[string(at.Currency)] = append(out.BankCurrencies[string(at.Currency)], other.Code)
		}
		out.TransferCountries = append(out.TransferCountries, other.Code)
	}
	if at.Currency != "usd" {
		out.BankCurrencies["usd"] = []string{at.Code}
	}
	for c := range money.Currencies() {
		out.PaymentCurrencies = append(out.PaymentCurrencies, string(c))
	}
	slices.Sort(out.PaymentCurrencies)
	return out
}

func retrieveCountry(_ *Server, c *call) (any, error) {
	at, ok := country.Of(strings.ToUpper(c.path["country"]))
	if !ok {
		return nil, fault.Missing(fault.NotFound, "country", "country_spec", clip(c.path["country"]))
	}
	return specOf(at), nil
}

// listCountries pages by the countries' codes, which are their ids.
func listCountries(_ *Server, c *call) (any, error) {
	limit := int64(defaultLimit)
	if n, ok := c.form.Int64("limit"); ok {
		if limit = n; n < 1 || n > maxLimit {
			return nil, fault.Param("limit", "parameter_invalid_integer", "Invalid limit: %d. It must be between 1 and %d.", n, maxLimit)
		}
	}
	all := country.All()
	at := func(param string) (int, bool, error) {
		code, ok := c.form.String(param)
		if !ok {
			return 0, false, nil
		}
		i := slices.IndexFunc(all, func(x country.Country) bool { return x.Code == code })
		if i < 0 {
			return 0, false, fault.Missing(fault.Invalid, param, "country_spec", clip(code))
		}
		return i, true, nil
	}
	after, hasAfter, err := at("starting_after")
	if err != nil {
		return nil, err
	}
	before, hasBefore, err := at("ending_before")
	switch {
	case err != nil:
		return nil, err
	case hasAfter && hasBefore:
		return nil, fault.Param("starting_after", "", "You cannot use both starting_after and ending_before.")
	case hasAfter:
		all = all[after+1:]
	case hasBefore:
		all = all[:before]
	}
	out := list{Object: "list", URL: c.op.Path, HasMore: int64(len(all)) > limit, Data: []any{}}
	if out.HasMore && hasBefore {
		all = all[int64(len(all))-limit:]
	}
	for _, x := range all[:min(int64(len(all)), limit)] {
		out.Data = append(out.Data, specOf(x))
	}
	return out, nil
}

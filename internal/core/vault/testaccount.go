package vault

import (
	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/id"
)

// TestAccount is a bank account that stands for something in test mode, by its
// number. What comes of payments from it is for the sandbox to say.
type TestAccount struct {
	Name         string // "sepaDebit_success_de": the payment method pm_sepaDebit_success_de
	Type         string
	Bank, Branch string
	Number       string // public, and worth nothing
}

// TestAccounts are those that have a name
// (https://docs.stripe.com/testing#non-card-payments).
var TestAccounts = func() []TestAccount {
	list := []TestAccount{}
	for country, numbers := range testIBANs {
		for i, scenario := range testScenarios {
			list = append(list, TestAccount{Name: "sepaDebit_" + scenario + "_" + country, Type: TypeSEPA, Number: numbers[i]})
		}
	}
	for name, number := range testACH {
		list = append(list, TestAccount{Name: "usBankAccount_" + name, Type: TypeACH, Bank: "110000000", Number: number})
	}
	return list
}()

var testScenarios = []string{"success", "successDelayed", "failed", "failedDelayed", "disputed", "exceedsWeeklyVolumeLimit", "exceedsWeeklyTransactionLimit", "insufficientFunds"}

// testIBANs by country, in the order of testScenarios.
var testIBANs = map[string][8]string{
	"at": {"AT611904300234573201", "AT321904300235473204", "AT861904300235473202", "AT051904300235473205", "AT591904300235473203", "AT981904300000343434", "AT601904300000121212", "AT981904300002222227"},
	"be": {"BE62510007547061", "BE78510007547064", "BE68539007547034", "BE51510007547065", "BE08510007547063", "BE90510000343434", "BE52510000121212", "BE90510002222227"},
	"de": {"DE89370400440532013000", "DE08370400440532013003", "DE62370400440532013001", "DE78370400440532013004", "DE35370400440532013002", "DE65370400440000343434", "DE27370400440000121212", "DE65370400440002222227"},
	"fr": {"FR1420041010050500013M02606", "FR3020041010050500013M02609", "FR8420041010050500013M02607", "FR7920041010050500013M02600", "FR5720041010050500013M02608", "FR9720041010050000000343434", "FR5920041010050000000121212", "FR9720041010050000002222227"},
	"ie": {"IE29AIBK93115212345678", "IE24AIBK93115212345671", "IE02AIBK93115212345679", "IE94AIBK93115212345672", "IE51AIBK93115212345670", "IE10AIBK93115200343434", "IE69AIBK93115200121212", "IE10AIBK93115202222227"},
}

var testACH = map[string]string{
	"success": "000123456789", "accountClosed": "000111111113", "riskLevelHighest": "000000004954", "noAccount": "000111111116",
	"insufficientFunds": "000222222227", "debitNotAuthorized": "000333333335", "invalidCurrency": "000444444440", "failMicrodeposits": "000666666661",
	"dispute": "000555555559", "processing": "000000000009", "weeklyLimitExceeded": "000777777771",
}

// undebitable are the test accounts at banks that don't take part, or that can't
// be debited: no payment method is made of them.
var undebitable = map[string]bool{
	"AT271904300000055555": true, "AT511904300000066666": true, "BE19510000055555": true, "BE43510000066666": true,
	"DE91370400440000055555": true, "DE18370400440000066666": true, "FR2620041010050000000055555": true, "FR5020041010050000000066666": true,
	"IE36AIBK93115200055555": true, "IE60AIBK93115200066666": true, "000888888885": true,
}

var testAccountByName = func() map[string]*TestAccount {
	m := map[string]*TestAccount{}
	for i := range TestAccounts {
		m["pm_"+TestAccounts[i].Name] = &TestAccounts[i]
	}
	return m
}()

// testAccountNamed gives the test account that a reference names; nil: none, and
// always in live mode.
func testAccountNamed(s id.Scope, ref string) *TestAccount {
	if s.Livemode {
		return nil
	}
	return testAccountByName[ref]
}

// input is the account as somebody would type it.
func (a *TestAccount) input() *AccountInput {
	in := &AccountInput{Number: secret.NewText(a.Number), Bank: a.Bank, Branch: a.Branch}
	if a.Type == TypeACH {
		in.HolderType = "individual"
	}
	return in
}

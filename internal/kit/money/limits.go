package money

// minCharges are the smallest amounts of a charge in API units, about half a
// US dollar where listed (https://docs.stripe.com/currencies).
var minCharges = map[Currency]int64{
	"aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250,
	"eur": 50, "gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200,
	"nok": 300, "nzd": 50, "pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}

// MinCharge is the smallest amount of a charge in c, in API units. Where no
// minimum is published it is the smallest number that [FromAPI] takes: 1 for
// most, 10 for "kwd", 100 for "isk".
func MinCharge(c Currency) int64 {
	if n, ok := minCharges[c]; ok {
		return n
	}
	if n, err := New(c.step(), c).ToAPI(); err == nil {
		return n
	}
	return 1
}

// maxDigits are the currencies whose card amounts have fewer digits than
// twelve (https://docs.stripe.com/currencies).
var maxDigits = map[Currency]int{"cop": 10, "inr": 9}

// MaxAPI is the largest amount of a card payment in c, in API units: twelve
// nines for most currencies. Single networks and other payment methods may
// allow less.
func MaxAPI(c Currency) int64 {
	digits, ok := maxDigits[c]
	if !ok {
		digits = 12
	}
	return int64(powersOfTen[digits]) - 1
}

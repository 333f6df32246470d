package search

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/florinpay/florin/internal/kit/fault"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]query{
		`email:"Amy@Rides.io"`:        {clauses: []clause{{field: "email", op: is, raw: "Amy@Rides.io", text: "amy@rides.io"}}},
		` name~'o"n\'e' `:             {clauses: []clause{{field: "name", op: contains, raw: `o"n'e`, text: `o"n'e`}}},
		`-name:"a b"`:                 {clauses: []clause{{field: "name", op: is, raw: "a b", text: "a b", negate: true}}},
		`created>=1700000000`:         {clauses: []clause{{field: "created", op: aboveOrEqual, raw: "1700000000", text: "1700000000", number: 1700000000}}},
		`metadata["k]"]:"v"`:          {clauses: []clause{{field: "metadata", key: "k]", op: is, raw: "v", text: "v"}}},
		`metadata['k']:null`:          {clauses: []clause{{field: "metadata", key: "k", op: is, raw: "null", text: "null", null: true}}},
		`phone:NULL or name:"x"`:      {any: true, clauses: []clause{{field: "phone", op: is, raw: "NULL", text: "null", null: true}, {field: "name", op: is, raw: "x", text: "x"}}},
		`name:"x" AND created<5`:      {clauses: []clause{{field: "name", op: is, raw: "x", text: "x"}, {field: "created", op: below, raw: "5", text: "5", number: 5}}},
		`name:"x"   email:"y"`:        {clauses: []clause{{field: "name", op: is, raw: "x", text: "x"}, {field: "email", op: is, raw: "y", text: "y"}}},
		`name:"null"`:                 {clauses: []clause{{field: "name", op: is, raw: "null", text: "null"}}},
		`name:or`:                     {clauses: []clause{{field: "name", op: is, raw: "or", text: "or"}}},
		`created>"12" and name:"and"`: {clauses: []clause{{field: "created", op: above, raw: "12", text: "12", number: 12}, {field: "name", op: is, raw: "and", text: "and"}}},
	} {
		got, err := parse("customer", customerFields, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, got, cmp.AllowUnexported(query{}, clause{})); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestParseRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "unable to parse",
		"   ":                                "unable to parse",
		"email":                              "unable to parse",
		"email:":                             "unable to parse",
		`email:"x`:                           "unable to parse",
		`(email:"x")`:                        "unable to parse",
		`email:"x" AND`:                      "unable to parse",
		`AND email:"x"`:                      "unable to parse",
		`metadata:"x"`:                       "unable to parse",
		`metadata[k]:"x"`:                    "unable to parse",
		`metadata[""]:"x"`:                   "unable to parse",
		`colour:"x"`:                         "Field `colour` is an unsupported search field for resource `customers`",
		`status:"x"`:                         "unsupported search field",
		`email:"x" AND name:"y" OR name:"z"`: "can't combine",
		`email:"x" OR name:"y" name:"z"`:     "can't combine",
		`email~"ab"`:                         "at least 3",
		`metadata["a"]~"abc"`:                "does not support the operator `~`",
		`email>"abc"`:                        "does not support the operator `>`",
		`created:"soon"`:                     "is a number",
		`created~"123"`:                      "does not support the operator `~`",
		`email~null`:                         "only be searched for with `:`",
		strings.Repeat(`name:"x" `, 11):      "at most 10 clauses",
		strings.Repeat("x", 5001):            "longer than 5000",
	} {
		_, err := parse("customer", customerFields, text)
		if e, ok := fault.As(err); !ok || e.Param != "query" || e.Kind != fault.Invalid || !strings.Contains(e.Message, want) {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
}

func TestMatches(t *testing.T) {
	d := newDocument(100, map[string]string{"Order": "A-7", "empty": ""})
	d.set("name", "Ada Löwe")
	d.numbers["amount"] = 2000
	all := fields{"name": {kind: part}, "email": {kind: part}, "created": {kind: numeric}, "amount": {kind: numeric}, metadataField: {}}
	for text, want := range map[string]bool{
		`name:"ada löwe"`: true, `name:"ada"`: false, `name~"LÖW"`: true, `name~"xyz"`: false, `-name~"xyz"`: true, `-name:"ADA LÖWE"`: false,
		`email:null`: true, `-email:null`: false, `name:null`: false, `email:"x"`: false, `-email:"x"`: true,
		`metadata["Order"]:"a-7"`: true, `metadata["order"]:"a-7"`: false, `metadata["x"]:null`: true, `metadata["Order"]:null`: false, `metadata["empty"]:""`: true,
		`amount:2000`: true, `amount>2000`: false, `amount>=2000`: true, `amount<2001`: true, `amount<=1999`: false, `amount>"1999"`: true, `amount:null`: false,
		`created:100 AND amount:1`: false, `created:100 OR amount:1`: true, `created:1 OR amount:1`: false, `created:100 amount:2000`: true,
	} {
		q, err := parse("thing", all, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := q.matches(d); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	q, err := parse("thing", all, `-email:"x"`)
	if err != nil {
		t.Fatal(err)
	}
	if d.gone = true; q.matches(d) {
		t.Error("what is gone is found")
	}
}

// FuzzParse: any text is either a query whose clauses make sense, or refused as
// a mistake of the caller's.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`email:"a" AND -name~'bcd'`, `metadata["a"]:null OR created>=5`, `created<-9223372036854775808`, `name:"\`, "-", `name:x`, `metadata["\"]:1`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parse("customer", customerFields, text)
		if err != nil {
			if e, ok := fault.As(err); !ok || e.Kind != fault.Invalid || e.Param != "query" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if len(q.clauses) == 0 || len(q.clauses) > maxClauses {
			t.Fatalf("%q: %d clauses", text, len(q.clauses))
		}
		d := newDocument(1, map[string]string{"a": "b"})
		d.set("name", "abc")
		for _, c := range q.clauses {
			if _, ok := customerFields[c.field]; !ok || (c.field == metadataField) != (c.key != "") {
				t.Fatalf("%q: clause %+v", text, c)
			}
			c.negate = false
			yes := c.holds(d)
			if c.negate = true; c.holds(d) == yes {
				t.Fatalf("%q: a clause and its opposite agree", text)
			}
		}
		q.matches(d)
	})
}

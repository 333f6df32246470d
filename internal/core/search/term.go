package search

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/florinpay/florin/internal/base/secret"
	"github.com/florinpay/florin/internal/kit/id"
)

// format is of the terms: another number has the index built anew.
const format = 1

// How a term came about, so that equal texts of different origin differ.
const (
	wholeValue  = "="
	partOfValue = "~"
)

// maxValue is how many characters of a value have terms for their parts; names,
// addresses and numbers are far shorter.
const maxValue = 512

// term is the number that stands for a value of a field.
func (v *Service) term(s id.Scope, noun, field, key, how, value string) int64 {
	sum := v.master.MAC("search.term", secret.Context(strconv.FormatInt(s.Key(), 10), noun, field, key, how, value))
	return int64(binary.BigEndian.Uint64(sum) >> 1)
}

// termsOf are the terms of a document, each once, in order.
func (v *Service) termsOf(s id.Scope, noun string, all fields, d *document) []int64 {
	var terms []int64
	if d.gone {
		return nil
	}
	for name, text := range d.texts {
		f := all[name]
		if !f.indexed {
			continue
		}
		text = strings.ToLower(text)
		terms = append(terms, v.term(s, noun, name, "", wholeValue, text))
		if f.kind == part {
			for _, p := range parts(text) {
				terms = append(terms, v.term(s, noun, name, "", partOfValue, p))
			}
		}
	}
	for key, text := range d.metadata {
		terms = append(terms, v.term(s, noun, metadataField, key, wholeValue, strings.ToLower(text)))
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// parts are all runs of three characters.
func parts(text string) []string {
	r := []rune(text)
	if len(r) > maxValue {
		r = r[:maxValue]
	}
	var list []string
	for i := 0; i+minPart <= len(r); i++ {
		list = append(list, string(r[i:i+minPart]))
	}
	return list
}

// wanted are the terms that every object has for which a clause holds; none
// where the index can't tell.
func (v *Service) wanted(s id.Scope, noun string, f field, c *clause) []int64 {
	if !f.indexed || c.negate || c.null {
		return nil
	}
	if c.op == is {
		return []int64{v.term(s, noun, c.field, c.key, wholeValue, c.text)}
	}
	var terms []int64
	for _, p := range parts(c.text) {
		terms = append(terms, v.term(s, noun, c.field, "", partOfValue, p))
	}
	return terms
}

func packTerms(terms []int64) []byte {
	out := make([]byte, 0, 8*len(terms))
	for _, t := range terms {
		out = binary.BigEndian.AppendUint64(out, uint64(t))
	}
	return out
}

func unpackTerms(packed []byte) []int64 {
	terms := make([]int64, 0, len(packed)/8)
	for ; len(packed) >= 8; packed = packed[8:] {
		terms = append(terms, int64(binary.BigEndian.Uint64(packed)))
	}
	return terms
}

package object

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/florinpay/florin/internal/kit/id"
)

// A body is stored as the number of its schema and then as CBOR (RFC 8949): the
// fields of a struct by the names and options of their json tags, times as texts
// of RFC 3339 with nanoseconds. Beside JSON it takes half the time either way.
var (
	toCBOR = must(cbor.EncOptions{Time: cbor.TimeRFC3339Nano, Sort: cbor.SortBytewiseLexical}.EncMode())
	// What was written can be read, so a text that is no UTF-8 is taken as it is.
	fromCBOR = must(cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid, FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		MaxArrayElements: 1 << 24, MaxMapPairs: 1 << 24, MaxNestedLevels: 256}.DecMode())
)

func must[M any](mode M, err error) M {
	if err != nil {
		panic(err)
	}
	return mode
}

func (k *Kind[T, N]) encode(body *T) ([]byte, error) {
	text, err := toCBOR.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", k.Name, err)
	}
	return append(binary.AppendUvarint(make([]byte, 0, len(text)+1), k.schema), text...), nil
}

func (k *Kind[T, N]) decode(s id.Scope, key, n int64, v version) (*Object[T], bool, error) {
	o := &Object[T]{Scope: s, Key: key, Version: n, At: v.At}
	schema, at := binary.Uvarint(v.Body)
	if at <= 0 || schema != k.schema {
		return nil, false, fmt.Errorf("%s %d version %d: schema %d is not known", k.Name, key, n, schema)
	}
	if err := fromCBOR.Unmarshal(v.Body[at:], &o.Body); err != nil {
		return nil, false, fmt.Errorf("%s %d version %d: %w", k.Name, key, n, err)
	}
	return o, true, nil
}

// storable says why a type can't be part of a body; empty: it can. What CBOR
// would not bring back as it was, or would write although it hides itself from
// JSON, has no place in one.
func storable(t reflect.Type, seen map[reflect.Type]bool) string {
	if seen[t] || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[json.RawMessage]() {
		return ""
	}
	seen[t] = true
	switch {
	case t.Implements(reflect.TypeFor[json.Marshaler]()):
		return t.String() + " encodes itself as JSON"
	case t.Kind() == reflect.Interface, t.Kind() == reflect.Func, t.Kind() == reflect.Chan:
		return t.String() + " is no value"
	case t.Kind() == reflect.Pointer, t.Kind() == reflect.Slice, t.Kind() == reflect.Array:
		return storable(t.Elem(), seen)
	case t.Kind() == reflect.Map:
		if problem := storable(t.Key(), seen); problem != "" {
			return problem
		}
		return storable(t.Elem(), seen)
	case t.Kind() == reflect.Struct:
		for f := range t.Fields() {
			if f.Tag.Get("json") == "-" || !f.IsExported() && !f.Anonymous {
				continue
			}
			if problem := storable(f.Type, seen); problem != "" {
				return problem
			}
		}
	}
	return ""
}

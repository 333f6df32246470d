package contract

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Strangers names the fields of a value, at any depth, that are not among the
// properties of its schema.
func Strangers(schema *openapi3.Schema, value any) []string {
	return compare(schema, value, "", func(s *openapi3.Schema, fields map[string]any, path string) (out []string) {
		free := s.AdditionalProperties.Schema != nil || len(s.Properties) == 0 && (s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if s.Properties[name] == nil && !free {
				out = append(out, strings.TrimPrefix(path+"."+name, ".")+" is not in the schema")
			}
		}
		return out
	})
}

// Missing names the properties that may be null, and are therefore always there,
// which a value lacks at any depth.
func Missing(schema *openapi3.Schema, value any) []string {
	return compare(schema, value, "", func(s *openapi3.Schema, fields map[string]any, path string) (out []string) {
		for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
			if _, there := fields[name]; !there && s.Properties[name].Value.Nullable {
				out = append(out, strings.TrimPrefix(path+"."+name, ".")+" is missing")
			}
		}
		return out
	})
}

// compare walks a value with its schema and collects what look says of each object.
func compare(schema *openapi3.Schema, value any, path string, look func(*openapi3.Schema, map[string]any, string) []string) (out []string) {
	switch value := value.(type) {
	case []any:
		if schema.Items != nil {
			for i, element := range value {
				out = append(out, compare(schema.Items.Value, element, fmt.Sprintf("%s.%d", path, i), look)...)
			}
			return out
		}
	case map[string]any:
		if len(schema.AnyOf) > 0 {
			break
		}
		out = look(schema, value, path)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			at := strings.TrimPrefix(path+"."+name, ".")
			if p := schema.Properties[name]; p != nil {
				out = append(out, compare(p.Value, value[name], at, look)...)
			} else if schema.AdditionalProperties.Schema != nil {
				out = append(out, compare(schema.AdditionalProperties.Schema.Value, value[name], at, look)...)
			}
		}
		return out
	default:
		return nil
	}
	return ofAlternatives(schema, value, path, look)
}

// ofAlternatives tries each alternative that takes the value; the one that has the
// fewest complaints is meant.
func ofAlternatives(schema *openapi3.Schema, value any, path string, look func(*openapi3.Schema, map[string]any, string) []string) (fewest []string) {
	found := false
	for _, s := range schema.AnyOf {
		if s.Value.VisitJSON(value) != nil {
			continue
		}
		if got := compare(s.Value, value, path, look); !found || len(got) < len(fewest) {
			found, fewest = true, got
		}
	}
	return fewest // a value that no alternative takes was complained of before
}

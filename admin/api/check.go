package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kendfs/metadata"
)

// CheckQuery reports which parameter of a query breaks its rule, or nil. A
// parameter that the document does not know breaks one, too.
func (r *Rule) CheckQuery(q url.Values) error {
	known := map[string]bool{}
	for _, p := range r.Params {
		if p.In != "query" {
			continue
		}
		known[p.Name] = true
		values := q[p.Name]
		if len(values) == 0 && p.Required {
			return invalid("the parameter %s is missing", p.Name)
		}
		if p.Schema.Type == "array" && len(values) == 1 {
			values = strings.Split(values[0], ",")
		}
		if err := p.Schema.checkValues(p.Name, values); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !known[name] {
			return invalid("there is no parameter %.40q here", name)
		}
	}
	return nil
}

func (s *Schema) checkValues(name string, values []string) error {
	one := s
	if s.Type == "array" {
		if s.MaxItems != nil && len(values) > *s.MaxItems {
			return invalid("%s has %d values, at most %d are taken", name, len(values), *s.MaxItems)
		}
		one = s.Items
	} else if len(values) > 1 {
		return invalid("%s is given %d times", name, len(values))
	}
	for _, v := range values {
		var typed any = v
		switch one.Type {
		case "integer", "number":
			n, err := strconv.ParseFloat(v, 64)
			if err != nil {
				return invalid("%s is not a number", name)
			}
			typed = n
		case "boolean":
			if v != "true" && v != "false" {
				return invalid("%s is neither true nor false", name)
			}
			typed = v == "true"
		}
		if err := one.check(name, typed); err != nil {
			return err
		}
	}
	return nil
}

// CheckPath reports which parameter of the path breaks its rule, or nil. value
// returns the one of that name.
func (r *Rule) CheckPath(value func(name string) string) error {
	for _, p := range r.Params {
		if p.In != "path" {
			continue
		}
		if err := p.Schema.check(p.Name, value(p.Name)); err != nil {
			return err
		}
	}
	return nil
}

// CheckBody reports what is wrong with a JSON body, or nil.
func (r *Rule) CheckBody(body []byte) error {
	if r.Body == nil {
		return nil
	}
	if len(body) == 0 {
		if r.BodyRequired {
			return invalid("the body is missing")
		}
		return nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return invalid("the body is not JSON: %v", err)
	}
	return r.Body.check("the body", v)
}

// check compares a decoded value with the schema.
func (s *Schema) check(name string, v any) error {
	switch v := v.(type) {
	case nil:
		return invalid("%s is null, want %s", name, cmp.Or(s.Type, "a value"))
	case string:
		n := utf8.RuneCountInString(v)
		switch {
		case s.Type != "" && s.Type != "string":
			return invalid("%s is a text, want %s", name, s.Type)
		case s.MaxLength != nil && n > *s.MaxLength:
			return invalid("%s has %d characters, at most %d are taken", name, n, *s.MaxLength)
		case s.MinLength != nil && n < *s.MinLength:
			return invalid("%s is too short", name)
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, v):
			return invalid("%s is %.40q, want %s", name, v, strings.Join(s.Enum, ", "))
		}
	case float64:
		switch {
		case s.Type != "integer" && s.Type != "number" && s.Type != "":
			return invalid("%s is a number, want %s", name, s.Type)
		case s.Type == "integer" && v != float64(int64(v)):
			return invalid("%s is not a whole number", name)
		case s.Minimum != nil && v < *s.Minimum || s.Maximum != nil && v > *s.Maximum:
			return invalid("%s is %v, want %s", name, v, s.span())
		}
	case bool:
		if s.Type != "boolean" && s.Type != "" {
			return invalid("%s is true or false, want %s", name, s.Type)
		}
	case []any:
		return s.checkList(name, v)
	case map[string]any:
		return s.checkObject(name, v)
	}
	return nil
}

func (s *Schema) span() string {
	switch {
	case s.Minimum == nil:
		return fmt.Sprintf("at most %v", *s.Maximum)
	case s.Maximum == nil:
		return fmt.Sprintf("at least %v", *s.Minimum)
	}
	return fmt.Sprintf("%v to %v", *s.Minimum, *s.Maximum)
}

func (s *Schema) checkList(name string, list []any) error {
	switch {
	case s.Type != "array" && s.Type != "":
		return invalid("%s is a list, want %s", name, s.Type)
	case s.MinItems != nil && len(list) < *s.MinItems:
		return invalid("%s has %d values, at least %d are needed", name, len(list), *s.MinItems)
	case s.MaxItems != nil && len(list) > *s.MaxItems:
		return invalid("%s has %d values, at most %d are taken", name, len(list), *s.MaxItems)
	case s.Items == nil:
		return nil
	}
	for i, v := range list {
		if err := s.Items.check(fmt.Sprintf("%s[%d]", name, i), v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schema) checkObject(name string, m map[string]any) error {
	if s.Type != "object" && s.Type != "" {
		return invalid("%s is an object, want %s", name, s.Type)
	}
	for _, field := range s.Required {
		if v, ok := m[field]; !ok || v == nil {
			return invalid("%s is missing", field)
		}
	}
	if len(s.Properties) == 0 {
		return nil // free form: a desktop's layout
	}
	for _, field := range slices.Sorted(maps.Keys(m)) {
		p := s.Properties[field]
		if p == nil {
			return invalid("there is no field %.40q here", field)
		}
		if m[field] == nil {
			continue // as if it were not there; one that is required was missed above
		}
		if err := p.check(field, m[field]); err != nil {
			return err
		}
	}
	return nil
}

func invalid(format string, args ...any) error {
	return metadata.Errorf(metadata.KindInvalid, format, args...)
}

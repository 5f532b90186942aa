package api

import (
	"strings"
	"testing"

	"kendfs/metadata"
)

// Every operation that changes something wants the least role that its area
// demands; every parameter and body has a schema; what destroys wants the
// password again.
func TestEveryRuleIsWhole(t *testing.T) {
	all := load(t)
	if len(all) < 60 {
		t.Fatalf("%d operations", len(all))
	}
	for op, r := range all {
		if r.Method != "GET" && r.Role == metadata.RoleNone && op != "signIn" && op != "setUp" {
			t.Errorf("%s changes something and is for anybody", op)
		}
		if r.Method == "GET" && (r.Body != nil || r.BodyRequired) {
			t.Errorf("%s reads and takes a body", op)
		}
		if r.Method == "GET" && (r.Sudo || r.DryRun) {
			t.Errorf("%s reads and wants a password or has a dry run", op)
		}
		for _, p := range r.Params {
			if p.Name == "" || p.Schema == nil || p.Schema.Type == "" && len(p.Schema.Enum) == 0 {
				t.Errorf("%s: the parameter %+v has no type", op, p)
			}
			if p.In == "path" && (!p.Required || p.Schema.MaxLength == nil) {
				t.Errorf("%s: {%s} has no bound", op, p.Name)
			}
			if p.Schema != nil && p.Schema.Type == "array" && p.Schema.Items == nil {
				t.Errorf("%s: the list %s is of nothing", op, p.Name)
			}
		}
		if n := strings.Count(r.Path, "{"); n > 0 {
			found := 0
			for _, p := range r.Params {
				if p.In == "path" && strings.Contains(r.Path, "{"+p.Name+"}") {
					found++
				}
			}
			if found != n {
				t.Errorf("%s: %s has %d names, %d are described", op, r.Path, n, found)
			}
		}
	}
	for _, op := range []string{"removeNode", "deleteUser", "setPassword", "createToken"} {
		if !all[op].Sudo {
			t.Errorf("%s wants no password", op)
		}
	}
	for _, op := range []string{"removeNode", "deleteUser", "drainNode", "maintainNode", "deleteEntries", "changeSettings", "limitRepair", "pauseRepair"} {
		if !all[op].DryRun {
			t.Errorf("%s has no dry run", op)
		}
	}
	streams := 0
	for op, r := range all {
		if !r.Handwritten {
			continue
		}
		if streams++; op != "live" && op != "readContent" && op != "readArchive" && op != "continueUpload" {
			t.Errorf("%s has no bound of time and body", op)
		}
	}
	if streams != 4 {
		t.Errorf("%d operations stream", streams)
	}
}

// texts are bounded wherever they come in: nothing is unbounded but the layout
// of a desktop, which is bounded by its bytes, and files.
func TestEveryTextIsBounded(t *testing.T) {
	var walk func(op, name string, s *Schema)
	walk = func(op, name string, s *Schema) {
		switch {
		case s == nil:
		case s.Type == "string" && s.MaxLength == nil && len(s.Enum) == 0 && name != "since" && name != "until" && name != "modified" && name != "node" && name != "user":
			t.Errorf("%s: %s has no bound", op, name)
		case s.Type == "array" && s.MaxItems == nil && name != "topics":
			t.Errorf("%s: the list %s has no bound", op, name)
		case s.Type == "array" && (name == "name" || name == "node"): // of names that are looked up
		case s.Type == "array":
			walk(op, name, s.Items)
		}
		if s == nil {
			return
		}
		for field, p := range s.Properties {
			walk(op, field, p)
		}
	}
	for op, r := range load(t) {
		if r.Handwritten && op == "continueUpload" {
			continue
		}
		walk(op, "body", r.Body)
		for _, p := range r.Params {
			if p.In == "header" {
				continue
			}
			walk(op, p.Name, p.Schema)
		}
	}
}

func TestCheckPath(t *testing.T) {
	r := load(t)["muteCheck"]
	for value, good := range map[string]bool{"NODE_DOWN": true, "": true, strings.Repeat("X", 40): true, strings.Repeat("X", 41): false, strings.Repeat("Ü", 40): true} {
		if err := r.CheckPath(func(string) string { return value }); (err == nil) != good {
			t.Errorf("%.50q: got %v", value, err)
		}
	}
	none := Rule{}
	if err := none.CheckPath(func(string) string { return "x" }); err != nil {
		t.Error(err)
	}
}

// Schemas that are bounded from one side only say so.
func TestSpans(t *testing.T) {
	one, nine := 1.0, 9.0
	for _, c := range []struct {
		s    Schema
		v    float64
		want string
	}{
		{Schema{Type: "number", Minimum: &one}, 0, "at least 1"}, {Schema{Type: "number", Maximum: &nine}, 10, "at most 9"},
		{Schema{Type: "number", Minimum: &one, Maximum: &nine}, 0, "1 to 9"}, {Schema{Type: "number", Minimum: &one, Maximum: &nine}, 5, ""},
		{Schema{Type: "integer"}, 0.5, "whole number"}, {Schema{Type: "integer"}, 1e300, "whole number"}, {Schema{Type: "string"}, 1, "want string"},
	} {
		err := c.s.check("x", c.v)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.v, err, c.want)
		}
		if err != nil && metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("%v: got kind %v", c.v, metadata.KindOf(err))
		}
	}
}

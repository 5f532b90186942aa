package api

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzCheckBody: a body that passes has what the schema demands, and nothing
// else; none makes it panic.
func FuzzCheckBody(f *testing.F) {
	all := load(f)
	ops := []string{"maintainNode", "createToken", "deleteEntries", "changeSettings", "putDesktop", "beginUpload", "changeUser"}
	for i := range ops {
		for _, seed := range []string{`{"seconds":600}`, `null`, `[]`, `{"paths":["/a",null]}`, `{"changes":[{"name":"x","value":"1"}]}`, `{"a":{"b":[1e300]}}`,
			`{"path":"/x","size":-1}`, `{"size":9223372036854775808}`, `{"disabled":null}`, strings.Repeat(`[`, 200)} {
			f.Add(i, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		op := ops[uint(i)%uint(len(ops))]
		r := all[op]
		if r.CheckBody(body) != nil {
			return
		}
		if len(body) == 0 && r.BodyRequired {
			t.Fatalf("%s: nothing was accepted", op)
		}
		if len(body) == 0 {
			return
		}
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil || m == nil {
			t.Fatalf("%s: %q was accepted, which is no object", op, body)
		}
		for _, field := range r.Body.Required {
			if m[field] == nil {
				t.Fatalf("%s: %q was accepted without %s", op, body, field)
			}
		}
		for field := range m {
			if len(r.Body.Properties) > 0 && r.Body.Properties[field] == nil {
				t.Fatalf("%s: %q was accepted with %q", op, body, field)
			}
		}
		if n, ok := m["seconds"].(float64); op == "maintainNode" && ok && (n < 60 || n > 604800) {
			t.Fatalf("%v seconds were accepted", n)
		}
	})
}

// FuzzCheckQuery: what passes is known, given once, and within its bounds.
func FuzzCheckQuery(f *testing.F) {
	all := load(f)
	ops := []string{"listNodes", "queryMetrics", "live", "listEvents", "drainNode", "impactOfNodes", "readArchive"}
	for i := range ops {
		for _, seed := range []string{"limit=5&sort=-used", "range=1h&series=reads,writes&node=a,b", "topics=health", "dry_run=true&dry_run=false",
			"limit=1e3", "limit=NaN", "limit=+Inf", "limit=%00", "severity=info&since=2026-01-01T00:00:00Z", "name=a&name=b", "act=drain&node=,,,"} {
			f.Add(i, seed)
		}
	}
	f.Fuzz(func(t *testing.T, i int, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		op := ops[uint(i)%uint(len(ops))]
		r := all[op]
		if r.CheckQuery(q) != nil {
			return
		}
		for name, values := range q {
			at := slices.IndexFunc(r.Params, func(p Param) bool { return p.Name == name && p.In == "query" })
			if at < 0 {
				t.Fatalf("%s: %q was accepted", op, name)
			}
			if s := r.Params[at].Schema; s.Type != "array" && len(values) != 1 {
				t.Fatalf("%s: %s was accepted %d times", op, name, len(values))
			}
		}
		if d := q.Get("dry_run"); q.Has("dry_run") && d != "true" && d != "false" {
			t.Fatalf("dry_run=%q was accepted", d)
		}
	})
}

// FuzzLoad: no document makes the loader panic or run for ever.
func FuzzLoad(f *testing.F) {
	const head = "openapi: 3.0.3\npaths:\n  /x:\n    get:\n      operationId: x\n      x-role: viewer\n"
	f.Add([]byte(head))
	f.Add([]byte(head + "      parameters: [{name: a, in: query, schema: {$ref: '#/components/schemas/A'}}]\ncomponents: {schemas: {A: {$ref: '#/components/schemas/A'}}}\n"))
	f.Add([]byte(head + "      parameters: [{name: a, in: query}]\n"))
	f.Add([]byte(head + "      parameters: [{name: a, in: query, schema: {type: array}}]\n"))
	f.Add([]byte(head + "      requestBody: {content: {application/json: {schema: {type: object, properties: {a: {$ref: '#/components/schemas/A'}}}}}}\ncomponents: {schemas: {A: {type: object, properties: {b: {$ref: '#/components/schemas/A'}}}}}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, err := Load(text)
		if err != nil {
			return
		}
		for _, r := range rules {
			if r.Operation == "" || r.Method == "" {
				t.Fatalf("a rule without a name: %+v", r)
			}
			_ = r.CheckQuery(url.Values{"a": {"b"}})
			_ = r.CheckBody([]byte(`{"a":{"b":{"b":1}}}`))
			_ = r.CheckPath(func(string) string { return "x" })
		}
	})
}

package api

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGeneratedIsCurrent fails when the document was changed and the code was
// not generated again.
func TestGeneratedIsCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the generator")
	}
	config, err := os.ReadFile("config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// Without the name of the output it goes to standard output.
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(string(config), "output: api.gen.go\n", "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := exec.Command("go", "tool", "oapi-codegen", "-config", path, "../openapi.yaml").Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("api.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("api.gen.go is not what openapi.yaml says: run `make generate`")
	}
}

func load(t testing.TB) map[string]Rule {
	t.Helper()
	text, err := os.ReadFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Load(text)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Rule{}
	for _, r := range all {
		if _, twice := out[r.Operation]; twice {
			t.Errorf("%s is there twice", r.Operation)
		}
		out[r.Operation] = r
	}
	return out
}

// Everything that changes or shows files' content is for those who may.
func TestRoles(t *testing.T) {
	for op, r := range load(t) {
		least := "viewer"
		switch {
		case r.Method == "GET" || strings.HasPrefix(r.Path, "/session") || strings.HasPrefix(r.Path, "/me/") || r.Path == "/setup":
			continue
		case strings.HasPrefix(r.Path, "/fs/"):
			least = "writer"
		case strings.HasPrefix(r.Path, "/users"), strings.HasPrefix(r.Path, "/tokens"), strings.HasPrefix(r.Path, "/settings"):
			least = "admin"
		default:
			least = "operator"
		}
		if r.Role.String() != least && r.Role.String() != "admin" {
			t.Errorf("%s is for a %v, want %s", op, r.Role, least)
		}
	}
	for _, op := range []string{"readContent", "readArchive"} {
		if r := load(t)[op]; r.Role.String() != "reader" || !r.Handwritten {
			t.Errorf("%s: got %+v", op, r)
		}
	}
}

func TestCheckQuery(t *testing.T) {
	all := load(t)
	for _, c := range []struct {
		op, query, want string
	}{
		{"listNodes", "limit=100&sort=-used", ""},
		{"listNodes", "", ""},
		{"listNodes", "limit=1001", "1 to 1000"},
		{"listNodes", "limit=0", "1 to 1000"},
		{"listNodes", "limit=1.5", "whole number"},
		{"listNodes", "limit=1e400", "not a number"},
		{"listNodes", "limit=1&limit=2", "2 times"},
		{"listNodes", "sort=heat", "want name"},
		{"listNodes", "text=" + strings.Repeat("ä", 201), "201 characters"},
		{"listNodes", "debug=1", "no parameter"},
		{"drainNode", "dry_run=yes", "neither true nor false"},
		{"queryMetrics", "range=1h&series=reads,writes", ""},
		{"queryMetrics", "range=1h", "series is missing"},
		{"queryMetrics", "range=1h&series=reads,magic", "magic"},
		{"queryMetrics", "range=1h&series=reads&node=a,b,c,d,e,f,g", "7 values"},
		{"live", "topics=health,event", ""},
		{"live", "topics=passwords", "want health"},
	} {
		q, err := url.ParseQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		r := all[c.op]
		err = r.CheckQuery(q)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s?%s: got %v, want %q", c.op, c.query, err, c.want)
		}
	}
}

func TestCheckBody(t *testing.T) {
	all := load(t)
	for _, c := range []struct {
		op, body, want string
	}{
		{"maintainNode", `{"seconds":600}`, ""},
		{"maintainNode", ``, "body is missing"},
		{"maintainNode", `null`, "is null"},
		{"drainNode", ``, ""},
		{"drainNode", `{"reason":null}`, ""},
		{"drainNode", `null`, "is null"},
		{"deleteEntries", `{"paths":[null]}`, "paths[0] is null"},
		{"limitRepair", ``, "body is missing"},
		{"maintainNode", `{"seconds":59}`, "60 to 604800"},
		{"maintainNode", `{"seconds":60.5}`, "whole number"},
		{"maintainNode", `{"seconds":"600"}`, "want integer"},
		{"maintainNode", `{}`, "seconds is missing"},
		{"maintainNode", `{"seconds":null}`, "seconds is missing"},
		{"maintainNode", `{"seconds":600,"why":1}`, "no field"},
		{"maintainNode", `{"seconds":600,"reason":"` + strings.Repeat("x", 501) + `"}`, "501 characters"},
		{"maintainNode", `[]`, "is a list"},
		{"maintainNode", `"x"`, "is a text"},
		{"maintainNode", `7`, "is a number"},
		{"maintainNode", `true`, "true or false"},
		{"maintainNode", `{`, "not JSON"},
		{"createToken", `{"roles":[],"ttl_seconds":600}`, "at least 1"},
		{"createToken", `{"roles":["king"],"ttl_seconds":600}`, `"king"`},
		{"createToken", `{"roles":["datanode",7],"ttl_seconds":600}`, "roles[1]"},
		{"deleteEntries", `{"paths":["/a"]}`, ""},
		{"deleteEntries", `{"paths":[` + strings.Repeat(`"/a",`, 1000) + `"/a"]}`, "1001 values"},
		{"putDesktop", `{"anything":{"goes":[1,2]}}`, ""},
		{"changeUser", `{"disabled":1}`, "want boolean"},
	} {
		r := all[c.op]
		err := r.CheckBody([]byte(c.body))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.60s: got %v, want %q", c.op, c.body, err, c.want)
		}
	}
}

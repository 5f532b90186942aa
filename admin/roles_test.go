package admin_test

import (
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kendfs/admin"
	"kendfs/admin/api"
	"kendfs/metadata"
)

func rules(t *testing.T) []api.Rule {
	t.Helper()
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all, err := api.Load(text)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryRouteForEveryRole walks the table: whoever has the role that the
// document says gets past the guard, and nobody else.
func TestEveryRouteForEveryRole(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	who := map[metadata.Role]*browser{metadata.RoleNone: d.anon()}
	for role, name := range map[metadata.Role]string{
		metadata.RoleViewer: "vera", metadata.RoleReader: "rita", metadata.RoleWriter: "wim",
		metadata.RoleOperator: "olga",
	} {
		who[role] = d.as(name)
	}
	// Sign-ins are limited by address; the fifth and last is the administrator.
	who[metadata.RoleAdmin] = d.as("admin")
	all := rules(t)
	if len(all) < 60 {
		t.Fatalf("the document has %d operations", len(all))
	}
	for _, r := range all {
		if r.Operation == "signOut" || r.Operation == "live" || r.Operation == "signIn" || r.Operation == "setUp" || r.Operation == "endSession" {
			continue // below, or in tests of their own
		}
		path := "/api/v1" + strings.NewReplacer("{id}", "no-such-thing", "{name}", "nobody-of-that-name", "{code}", "NONE").Replace(r.Path)
		for _, role := range append([]metadata.Role{metadata.RoleNone}, metadata.Roles()...) {
			// The guard comes before the input is looked at, so nonsense does.
			a := who[role].do(r.Method, path+"?nonsense=1", nil)
			want := ""
			switch {
			case r.Role == metadata.RoleNone || role.Allows(r.Role):
				want = "invalid" // got past the guard
			case role == metadata.RoleNone:
				want = "signed_out"
			default:
				want = "denied"
			}
			if got := decode[problem](t, a.body); got.Code != want {
				t.Errorf("%s (%s) as %v: got %d %s, want %s", r.Operation, r.Role, role, a.StatusCode, got.Code, want)
			}
		}
	}
	for role, b := range who {
		got := b.status("DELETE", "/api/v1/session", nil)
		if want := map[bool]int{true: 401, false: 204}[role == metadata.RoleNone]; got != want {
			t.Errorf("signOut as %v: got %d, want %d", role, got, want)
		}
		if role != metadata.RoleNone && b.status("GET", "/api/v1/health", nil) != 401 {
			t.Errorf("%v reads on after signing out", role)
		}
	}
}

// What wants the password again gets it, or is refused.
func TestSudo(t *testing.T) {
	t.Parallel()
	var late atomic.Int64 // by which the clock is ahead
	d := newDesk(t, func(c *admin.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	})
	b := d.as("admin")
	token := map[string]any{"roles": []string{"datanode"}, "ttl_seconds": 600}
	b.must("POST", "/api/v1/tokens", token, 201) // the sign-in is fresh
	late.Store(int64(16 * time.Minute))
	b.refused("POST", "/api/v1/tokens", token, 403, "sudo")
	// A dry run needs no password.
	b.must("POST", "/api/v1/users/vera/delete?dry_run=true", nil, 200)
	b.refused("POST", "/api/v1/users/vera/delete", map[string]string{"confirm": "vera"}, 403, "sudo")
	b.refused("POST", "/api/v1/session/sudo", map[string]string{"password": "wrong one"}, 403, "wrong_password")
	b.must("POST", "/api/v1/session/sudo", map[string]string{"password": "demonstration"}, 200)
	b.must("POST", "/api/v1/tokens", token, 201)
}

func TestLoadRefusesWhatHasNoRule(t *testing.T) {
	const head = "openapi: 3.0.3\npaths:\n  /x:\n    get:\n"
	for name, text := range map[string]string{
		"no role":        head + "      operationId: x\n",
		"unknown role":   head + "      operationId: x\n      x-role: god\n",
		"no id":          head + "      x-role: viewer\n",
		"no such type":   head + "      operationId: x\n      x-role: viewer\n      parameters: [{name: a, in: query, schema: {$ref: '#/components/schemas/No'}}]\n",
		"not a document": "\t",
	} {
		if _, err := api.Load([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := api.Load([]byte(head + "      operationId: x\n      x-role: none\n")); err != nil {
		t.Errorf("x-role none: %v", err)
	}
}

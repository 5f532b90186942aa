package main

import (
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigCheck: every setting is shown with its value and where it comes
// from, and what is wrong is said with the name of what says it.
func TestConfigCheck(t *testing.T) {
	dir := t.TempDir()
	mustKen(t, "init", "--dir", dir, "--roles", "nameserver,webdav", "--listen", "127.0.0.1:0", "--webdav", "127.0.0.1:0", "--name", "one")
	run := func(env []string, args ...string) (stdout, stderr string, code int) {
		t.Helper()
		c := kenCommand(t.Context(), append([]string{"config", "check", "--dir", dir}, args...)...)
		c.Env = append(c.Env, env...)
		var out, errs strings.Builder
		c.Stdout, c.Stderr = &out, &errs
		var exit *exec.ExitError
		if err := c.Run(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return out.String(), errs.String(), c.ProcessState.ExitCode()
	}
	out, stderr, code := run([]string{"KEN_ZONE=attic", "KEN_WEBDAV_BLOK_MIB=1", "KEN_LOG_LEVEL=info"}, "--set", "webdav.block_mib=2", "--set", "log.level=debug")
	if code != 0 || !strings.Contains(stderr, "KEN_WEBDAV_BLOK_MIB in the environment is no setting") {
		t.Errorf("got exit code %d, %q", code, stderr)
	}
	for _, want := range []string{
		"name one ken.toml", "zone attic KEN_ZONE", "webdav.block_mib 2 --set", "log.level debug --set", "webdav.buffer_mib 96 default",
		"metrics.listen none default", filepath.Join(dir, "ken.toml") + ": ok, roles nameserver, webdav",
	} {
		found := false
		for line := range strings.Lines(out) {
			found = found || strings.Join(strings.Fields(line), " ") == want
		}
		if !found {
			t.Errorf("no line %q in:\n%s", want, out)
		}
	}
	var j configJSON
	out, _, _ = run([]string{"KEN_ZONE=attic"}, "--json")
	if err := json.Unmarshal([]byte(out), &j); err != nil || !j.OK || j.Name != "one" || len(j.Settings) < 25 || j.Unknown == nil {
		t.Errorf("as JSON: got %+v, %v", j, err)
	}
	for _, c := range []struct {
		env  string
		args []string
		want string
	}{
		{"KEN_WEBDAV_LISTEN=8080", nil, `webdav.listen: "8080" is not IP:PORT (from KEN_WEBDAV_LISTEN)`},
		{"KEN_STORAGE_PACK_MIB=many", nil, "want a whole number"},
		{"", []string{"--set", "no.such=1"}, "there is no setting"},
		{"", []string{"--set", "log.level"}, "want SETTING=VALUE"},
	} {
		if _, stderr, code := run([]string{c.env}, c.args...); code != 2 || !strings.Contains(stderr, c.want) {
			t.Errorf("%s %v: got exit code %d, %q, want 2 and %q", c.env, c.args, code, stderr, c.want)
		}
	}
}

// TestRunOverrides: what runs has the settings of the environment and, before
// them, those of its flags.
func TestRunOverrides(t *testing.T) {
	dir := t.TempDir()
	mustKen(t, "init", "--dir", dir, "--roles", "nameserver,webdav", "--listen", "127.0.0.1:0", "--webdav", "127.0.0.1:1")
	env := []string{"KEN_WEBDAV_LISTEN=127.0.0.1:2", "KEN_METRICS_LISTEN=127.0.0.1:0", "KEN_ROLES=nameserver, webdav"}
	p, out := startWithEnv(t, env, "run", "--dir", dir, "--webdav", "127.0.0.1:0", "--set", "metrics.listen=127.0.0.1:0")
	if !strings.Contains(out, "/metrics") || strings.Contains(out, "127.0.0.1:1/") || strings.Contains(out, "127.0.0.1:2/") {
		t.Errorf("got %s", out)
	}
	p.stop()
	if _, stderr, code := ken(t, "run", "--dir", dir, "--set", "webdav.uploads_max=-1"); code != 2 || !strings.Contains(stderr, "webdav.uploads_max") {
		t.Errorf("got exit code %d, %q", code, stderr)
	}
}

// TestDevEnvironmentSettings: ken dev takes its addresses from the environment.
func TestDevEnvironmentSettings(t *testing.T) {
	env := []string{"KEN_WEBDAV_LISTEN=127.0.0.1:0", "KEN_METRICS_LISTEN=127.0.0.1:0", "KEN_STORAGE_PACK_MIB=16"}
	_, out := startWithEnv(t, env, "dev", "--dir", t.TempDir())
	if field(t, out, "metrics:") == "" || strings.Contains(out, ":8080/") || strings.Contains(out, ":8090/") {
		t.Errorf("got %s", out)
	}
}

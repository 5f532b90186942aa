package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

// TestDev follows a drive's life: first start, files, an orderly stop, a
// second start that finds everything, a crash, a third.
func TestDev(t *testing.T) {
	dir := t.TempDir()
	began := time.Now()
	p, url := dev(t, dir)
	t.Logf("first start: %v", time.Since(began).Round(time.Millisecond))
	d := newDrive(url)
	small, large := randomBytes(4096), randomBytes(20<<20)
	d.must(t, "PUT", "/small", small, http.StatusCreated)
	d.must(t, "PUT", "/large", large, http.StatusCreated)
	d.must(t, "MKCOL", "/dir", nil, http.StatusCreated)
	wantWithin(t, "stop", 5*time.Second, func() time.Duration {
		defer func() { p, url = dev(t, dir) }()
		return p.stop()
	})
	wantWithin(t, "start", 2*time.Second, func() time.Duration {
		p.stop()
		began = time.Now()
		p, url = dev(t, dir)
		return time.Since(began)
	})
	check := func(d *drive) {
		t.Helper()
		if got := d.must(t, "GET", "/small", nil, http.StatusOK); !bytes.Equal(got, small) {
			t.Error("small file differs")
		}
		if got := d.must(t, "GET", "/large", nil, http.StatusOK); sha256.Sum256(got) != sha256.Sum256(large) {
			t.Error("large file differs")
		}
	}
	check(newDrive(url))
	p.kill()

	_, url = dev(t, dir)
	check(newDrive(url))
}

func TestDevSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	dev(t, dir)
	_, stderr, code := ken(t, "dev", "--dir", dir, "--webdav", "127.0.0.1:0")
	if code != 6 || !strings.Contains(stderr, "another ken process works in") {
		t.Errorf("got exit code %d, %q", code, stderr)
	}
}

func TestDevSideBySide(t *testing.T) {
	_, a := dev(t, t.TempDir())
	_, b := dev(t, t.TempDir())
	newDrive(a).must(t, "PUT", "/only-a", []byte("x"), http.StatusCreated)
	newDrive(b).must(t, "GET", "/only-a", nil, http.StatusNotFound)
}

func TestDevPasswordIsShownOnce(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("KEN_ADMIN_PASSWORD", "")
	c := []string{"dev", "--dir", dir, "--webdav", "127.0.0.1:0"}
	// kenCommand sets a password; a later setting of the same name wins.
	p, out := startWithEnv(t, []string{"KEN_ADMIN_PASSWORD="}, c...)
	password := field(t, out, "password:")
	if len(password) < 12 {
		t.Errorf("password %q is short", password)
	}
	req, _ := http.NewRequest("PROPFIND", field(t, out, "drive:"), nil)
	req.Header.Set("Depth", "0")
	req.SetBasicAuth("admin", password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusMultiStatus {
		t.Errorf("sign in with the printed password: got %v, %v", resp, err)
	}
	p.stop()
	_, out = startWithEnv(t, []string{"KEN_ADMIN_PASSWORD="}, c...)
	if strings.Contains(out, password) {
		t.Error("the password is shown again")
	}
	for _, path := range []string{"n1/node.key", "n1/owner.key", "n2/node.key"} {
		st, err := os.Stat(filepath.Join(dir, path))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want mode 0600", path, st, err)
		}
	}
}

// TestDevCountsOneDiskOnce: three storage servers in one folder have the room
// of its file system, not three times that.
func TestDevCountsOneDiskOnce(t *testing.T) {
	dir := t.TempDir()
	p, _ := dev(t, dir)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	size := float64(fs.Blocks) * float64(fs.Bsize)
	await(t, "all storage servers have reported", 20*time.Second, func() bool {
		return status(t, devDirOf(p))["nodes"].(map[string]any)["up"] == 3.0
	})
	s := status(t, devDirOf(p))
	if got := s["capacity_bytes"].(float64); got < 0.9*size || got > 1.1*size {
		t.Errorf("capacity %.0f, the file system has %.0f", got, size)
	}
	if got := s["free_bytes"].(float64); got > size {
		t.Errorf("%.0f bytes are free of %.0f", got, size)
	}
}

func TestUsageErrors(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"fs", "ls", "--dir", empty}, 3, "ken init --dir"},
		{[]string{"run", "--dir", empty}, 3, "holds no node"},
		{[]string{"fs", "ls", "no-slash"}, 2, "start with a slash"},
		{[]string{"fs", "cp", "/a"}, 2, "usage: ken fs cp SRC... DST"},
		{[]string{"--nonsense"}, 2, "see `ken --help`"},
		{[]string{"status", "-o", "yaml"}, 2, "want text or json"},
		{[]string{"join", "--dir", empty, "KEN1-NONSENSE"}, 2, "token"},
		{[]string{"dev", "--dir", empty, "--storage-servers", "99"}, 2, "want 1 to 16"},
		{[]string{"init", "--dir", empty, "--roles", "nameserver,king"}, 2, "\"king\" is none of"},
	} {
		_, stderr, code := ken(t, c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("ken %s: got exit code %d and %q, want %d and %q", strings.Join(c.args, " "), code, stderr,
				c.code, c.want)
		}
	}
}

func TestVersionAndCompletion(t *testing.T) {
	if out := mustKen(t, "version"); !strings.HasPrefix(out, "ken ") {
		t.Errorf("version: got %q", out)
	}
	var v buildInfo
	if err := json.Unmarshal([]byte(mustKen(t, "version", "-o", "json")), &v); err != nil || v.Go == "" {
		t.Errorf("version -o json: got %+v, %v", v, err)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := mustKen(t, "completion", shell); len(out) < 1000 {
			t.Errorf("completion %s: got %d bytes", shell, len(out))
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	var walk func(prefix []string)
	walk = func(prefix []string) {
		cmd, _, err := newRoot().Find(prefix)
		if err != nil {
			t.Fatal(err)
		}
		if cmd.Short == "" {
			t.Errorf("ken %s has no short help", strings.Join(prefix, " "))
		}
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				walk(append(prefix[:len(prefix):len(prefix)], sub.Name()))
			}
		}
	}
	walk(nil)
}

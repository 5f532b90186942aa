package webdav

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// program runs a client program, if it is installed, and returns what it says.
func program(t *testing.T, env []string, stdin, name string, args ...string) string {
	t.Helper()
	bin, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestRcloneNames syncs a tree with odd names there and back: names, times, checksums, deletions.
func TestRcloneNames(t *testing.T) {
	t.Parallel()
	d := newDrive(t)
	home := t.TempDir()
	secret := strings.TrimSpace(program(t, nil, "", "rclone", "obscure", "pw-ann"))
	env := []string{
		"RCLONE_CONFIG=" + filepath.Join(home, "rclone.conf"), "RCLONE_CONFIG_D_TYPE=webdav", "RCLONE_CONFIG_D_URL=" + d.url,
		"RCLONE_CONFIG_D_VENDOR=owncloud", "RCLONE_CONFIG_D_USER=ann", "RCLONE_CONFIG_D_PASS=" + secret, "RCLONE_RETRIES=1",
	}
	run := func(args ...string) string {
		t.Helper()
		return program(t, env, "", "rclone", args...)
	}
	src, back := filepath.Join(home, "src"), filepath.Join(home, "back")
	when := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for name, text := range map[string]string{
		"a.txt": "a", "empty": "", "sub/b & c.txt": "b", "sub/deep/ü %41+#?;=.bin": strings.Repeat("x", 100_000),
		"sub/<i>'\"&.html": "<b>", "日本/💾": "x", "e\u0301": "nfd",
	} {
		file := filepath.Join(src, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, when, when); err != nil {
			t.Fatal(err)
		}
	}
	run("sync", src, "d:tree")
	run("check", src, "d:tree")               // by checksum
	run("check", "--download", src, "d:tree") // by content
	if out := run("sync", "-v", src, "d:tree"); strings.Contains(out, "Copied") {
		t.Errorf("a second sync copies again: %s", out)
	}
	if out := run("lsl", "d:tree"); strings.Count(out, "2001-02-03") != 7 {
		t.Errorf("times: got %s", out)
	}
	run("sync", "d:tree", back)
	run("check", back, src)
	if err := os.RemoveAll(filepath.Join(src, "sub", "deep")); err != nil {
		t.Fatal(err)
	}
	run("sync", src, "d:tree")
	run("moveto", "d:tree", "d:moved")
	if out := run("lsf", "-R", "d:"); strings.Contains(out, "deep") || !strings.Contains(out, "moved/sub/b & c.txt") {
		t.Errorf("after deleting and moving: got %s", out)
	}
	if out := run("about", "d:"); !strings.Contains(out, "Used:") {
		t.Errorf("about: got %s", out)
	}
	run("purge", "d:moved")
}

// TestCadaverLocks locks, discovers and sets properties with the oldest client there is.
func TestCadaverLocks(t *testing.T) {
	t.Parallel()
	d := newDrive(t)
	home := t.TempDir()
	u, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		".netrc": "machine " + u.Hostname() + " login ann password pw-ann\n", "up.txt": "hello",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := program(t, []string{"HOME=" + home}, strings.Join([]string{
		"lcd " + home, "put up.txt", "ls", "mkcol dir", "cd dir", "copy /up.txt two.txt", "move two.txt three.txt",
		"lock three.txt", "discover three.txt", "propset three.txt colour red", "propget three.txt colour", "propnames three.txt",
		"put up.txt three.txt", "unlock three.txt", "get three.txt down.txt", "delete three.txt", "cd ..", "rmcol dir", "quit",
	}, "\n")+"\n", "cadaver", d.url+"/")
	if strings.Contains(out, "failed") || strings.Contains(out, "could not") || !strings.Contains(out, "succeeded") {
		t.Errorf("cadaver: %s", out)
	}
	if got, err := os.ReadFile(filepath.Join(home, "down.txt")); err != nil || string(got) != "hello" {
		t.Errorf("what came back: %q, %v\n%s", got, err, out)
	}
	d.want(404, "GET", "/dir/", "")
}

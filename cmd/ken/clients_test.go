package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// need skips a test whose program is not installed (`make tools` installs it).
func need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed: run `make tools`", p)
		}
	}
}

// sh runs a program and returns what it printed.
func sh(t testing.TB, dir string, env []string, name string, args ...string) string {
	t.Helper()
	out, err := tryRun(t, 5*time.Minute, dir, env, "", name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, tail(out))
	}
	return out
}

func tryRun(t testing.TB, most time.Duration, dir string, env []string, stdin, name string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env, c.Stdin = dir, append(os.Environ(), env...), strings.NewReader(stdin)
	c.WaitDelay = 5 * time.Second
	out, err := c.CombinedOutput()
	return string(out), err
}

func tail(s string) string {
	if len(s) > 4000 {
		return "…" + s[len(s)-4000:]
	}
	return s
}

// TestLitmus runs all suites of litmus 0.13: no failure, no warning, no skip.
func TestLitmus(t *testing.T) {
	need(t, "litmus")
	_, url := dev(t, t.TempDir())
	out, err := tryRun(t, 3*time.Minute, t.TempDir(), nil, "", "litmus", "-k", url, "admin", testPassword)
	if err != nil {
		t.Errorf("litmus: %v", err)
	}
	for _, suite := range []string{"basic", "copymove", "props", "locks", "http"} {
		if !strings.Contains(out, "summary for `"+suite+"'") {
			t.Errorf("suite %s did not run", suite)
		}
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "FAIL") || strings.Contains(line, "WARNING") || strings.Contains(line, "SKIPPED") {
			t.Errorf("litmus: %s", strings.TrimSpace(line))
		}
	}
	if t.Failed() {
		t.Logf("%s", tail(out))
	}
}

// TestCadaver types a session.
func TestCadaver(t *testing.T) {
	need(t, "cadaver")
	_, url := dev(t, t.TempDir())
	home := t.TempDir()
	netrc := fmt.Sprintf("machine 127.0.0.1 login admin password %s\n", testPassword)
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	data := randomBytes(300 << 10)
	if err := os.WriteFile(filepath.Join(home, "local.bin"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	script := strings.Join([]string{
		"mkcol dir", "cd dir", "put local.bin", "ls", "copy local.bin two.bin", "move two.bin three.bin",
		"propset local.bin color blue", "propget local.bin color", "lock local.bin", "discover local.bin",
		"unlock local.bin", "get three.bin back.bin", "delete local.bin", "cd ..", "ls dir", "rmcol dir", "quit", "",
	}, "\n")
	out, err := tryRun(t, time.Minute, home, []string{"HOME=" + home}, script, "cadaver", url)
	if err != nil || strings.Contains(strings.ToLower(out), "failed") {
		t.Errorf("cadaver: %v\n%s", err, out)
	}
	for _, want := range []string{"blue", "three.bin"} {
		if !strings.Contains(out, want) {
			t.Errorf("cadaver did not show %q:\n%s", want, out)
		}
	}
	if back, err := os.ReadFile(filepath.Join(home, "back.bin")); err != nil || !bytes.Equal(back, data) {
		t.Errorf("file that came back: %d bytes, %v", len(back), err)
	}
}

// rclone returns how to call rclone on the drive.
func rclone(t *testing.T, url string) func(args ...string) string {
	t.Helper()
	need(t, "rclone")
	pass := strings.TrimSpace(sh(t, "", nil, "rclone", "obscure", testPassword))
	env := []string{
		"RCLONE_CONFIG_D_TYPE=webdav", "RCLONE_CONFIG_D_URL=" + url, "RCLONE_CONFIG_D_VENDOR=owncloud",
		"RCLONE_CONFIG_D_USER=admin", "RCLONE_CONFIG_D_PASS=" + pass, "RCLONE_CONFIG=/dev/null", "RCLONE_RETRIES=1",
	}
	return func(args ...string) string {
		t.Helper()
		return sh(t, "", env, "rclone", args...)
	}
}

// makeTree writes some hundred files of many sizes with odd names and old times.
func makeTree(t *testing.T, files int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tree")
	names := []string{"plain.txt", "with space.txt", "größe-日本.txt", "a+b&c=d%20.txt", "quote'\".txt", "#hash;semi.txt"}
	for i := range files {
		path := filepath.Join(dir, fmt.Sprintf("d%d", i%7), fmt.Sprintf("s%d", i%3), fmt.Sprintf("%d-%s", i, names[i%len(names)]))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		size := i * 37
		if i%50 == 0 {
			size = 3 << 20
		}
		if err := os.WriteFile(path, randomBytes(size), 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Date(2020, 1, 1+i%28, 2, 3, 4, 0, time.UTC)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRclone(t *testing.T) {
	_, url := dev(t, t.TempDir())
	r := rclone(t, url)
	tree := makeTree(t, 150)
	r("copy", tree, "d:tree")
	r("check", "--download", tree, "d:tree")
	r("check", tree, "d:tree") // by hash
	if out := r("sync", "-v", "--dry-run", tree, "d:tree"); strings.Contains(out, "Skipped copy") || strings.Contains(out, "Skipped update") {
		t.Errorf("a second sync would copy again, so times or hashes were not kept:\n%s", tail(out))
	}
	var one string
	_ = filepath.WalkDir(tree, func(p string, d fs.DirEntry, _ error) error {
		if !d.IsDir() && one == "" {
			one = p
		}
		return nil
	})
	b, err := os.ReadFile(one)
	if err != nil {
		t.Fatal(err)
	}
	rel, _ := filepath.Rel(tree, one)
	sum := sha1.Sum(b)
	if out := r("sha1sum", "d:tree/"+rel); !strings.HasPrefix(out, hex.EncodeToString(sum[:])) {
		t.Errorf("sha1 of %s: got %q, want %x", rel, out, sum)
	}
	if err := os.RemoveAll(filepath.Join(tree, "d3")); err != nil {
		t.Fatal(err)
	}
	r("sync", tree, "d:tree")
	r("check", tree, "d:tree")
	r("move", "d:tree", "d:moved")
	back := filepath.Join(t.TempDir(), "back")
	r("copy", "d:moved", back)
	sh(t, "", nil, "diff", "-r", tree, back)
	r("purge", "d:moved")
	r("about", "d:")
}

func TestRcloneMount(t *testing.T) {
	need(t, "fusermount3")
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse")
	}
	_, url := dev(t, t.TempDir())
	rclone(t, url)
	mnt := t.TempDir()
	pass := strings.TrimSpace(sh(t, "", nil, "rclone", "obscure", testPassword))
	c := exec.Command("rclone", "mount", ":webdav:", mnt, "--webdav-url", url, "--webdav-vendor", "owncloud",
		"--webdav-user", "admin", "--webdav-pass", pass, "--vfs-cache-mode", "writes", "--vfs-write-back", "100ms",
		"--cache-dir", t.TempDir(), "--config", "/dev/null", "--dir-cache-time", "1s")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = tryRun(t, 10*time.Second, "", nil, "", "fusermount3", "-u", "-z", mnt)
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	await(t, "rclone mount", time.Minute, func() bool { return isMount(mnt) })
	data := randomBytes(5 << 20)
	if err := os.WriteFile(filepath.Join(mnt, "file"), data, 0o644); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	d := newDrive(url)
	await(t, "the file on the drive", time.Minute, func() bool {
		resp, body, err := d.do(t.Context(), "GET", "/file", nil)
		return err == nil && resp.StatusCode == http.StatusOK && bytes.Equal(body, data)
	})
	if err := os.Rename(filepath.Join(mnt, "file"), filepath.Join(mnt, "renamed")); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(mnt, "renamed")); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read back: %d bytes, %v", len(got), err)
	}
}

// isMount reports whether something is mounted on dir.
func isMount(dir string) bool {
	var a, b syscall.Stat_t
	return syscall.Stat(dir, &a) == nil && syscall.Stat(filepath.Dir(dir), &b) == nil && a.Dev != b.Dev
}

// davfs mounts the drive with davfs2.
func davfs(t *testing.T, url string) string {
	t.Helper()
	need(t, "mount.davfs")
	if os.Getuid() != 0 {
		t.Skip("mounting needs root")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skip("no /dev/fuse")
	}
	// davfs2 works as a user of its own, who must reach its cache.
	dir, err := os.MkdirTemp("", "davfs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	mnt, cache := filepath.Join(dir, "mnt"), filepath.Join(dir, "cache")
	for _, d := range []string{dir, mnt, cache} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sh(t, "", nil, "chown", "root:davfs2", cache)
	sh(t, "", nil, "chmod", "1775", cache)
	conf := filepath.Join(dir, "davfs2.conf")
	text := fmt.Sprintf("delay_upload 0\ndir_refresh 1\nfile_refresh 1\nuse_locks 1\ncache_dir %s\ngui_optimize 0\nask_auth 0\nsecrets %s\n",
		cache, filepath.Join(dir, "secrets"))
	secrets := fmt.Sprintf("%s admin %s\n", mnt, testPassword)
	for path, body := range map[string]string{conf: text, filepath.Join(dir, "secrets"): secrets} {
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sh(t, "", nil, "mount", "-t", "davfs", "-o", "conf="+conf+",uid=0", url, mnt)
	t.Cleanup(func() {
		_, _ = tryRun(t, time.Minute, "", nil, "", "umount", mnt) // it may be unmounted already
		lost, _ := filepath.Glob(filepath.Join(cache, "*", "lost+found", "*"))
		if len(lost) > 0 {
			t.Errorf("davfs2 could not upload %v", lost)
		}
	})
	return mnt
}

func TestDavfs(t *testing.T) {
	p, url := dev(t, t.TempDir())
	mnt := davfs(t, url)
	d := newDrive(url)

	// Files created, renamed, edited in place.
	if err := os.WriteFile(filepath.Join(mnt, "a.txt"), []byte("one two three"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(mnt, "a.txt"), filepath.Join(mnt, "b.txt")); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(mnt, "b.txt"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("TWO"), 4); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	// A repository cloned into it, and a tree unpacked.
	repo := makeRepository(t)
	sh(t, mnt, []string{"GIT_CONFIG_GLOBAL=/dev/null"}, "git", "clone", "-q", repo, "clone")
	tree := makeTree(t, 1000)
	archive := filepath.Join(t.TempDir(), "tree.tar")
	sh(t, filepath.Dir(tree), nil, "tar", "cf", archive, "tree")
	sh(t, mnt, nil, "tar", "xf", archive, "--no-same-owner", "--no-same-permissions")
	if out, err := tryRun(t, 3*time.Minute, "", nil, "", "umount", mnt); err != nil { // flushes
		t.Fatalf("umount: %v\n%s", err, out)
	}

	if got := d.must(t, "GET", "/b.txt", nil, http.StatusOK); string(got) != "one TWO three" {
		t.Errorf("edited file: got %q", got)
	}
	back := t.TempDir()
	mustKen(t, "fs", "get", "-r", "-q", "--dir", devDirOf(p), "/tree", filepath.Join(back, "tree"))
	sh(t, "", nil, "diff", "-r", tree, filepath.Join(back, "tree"))
	mustKen(t, "fs", "get", "-r", "-q", "--dir", devDirOf(p), "/clone", filepath.Join(back, "clone"))
	sh(t, filepath.Join(back, "clone"), []string{"GIT_CONFIG_GLOBAL=/dev/null"}, "git", "-c", "core.fileMode=false", "fsck", "--strict")
	if out := sh(t, filepath.Join(back, "clone"), []string{"GIT_CONFIG_GLOBAL=/dev/null"}, "git", "-c", "core.fileMode=false", "-c", "safe.directory=*", "status", "--porcelain"); out != "" {
		t.Errorf("the clone differs:\n%s", out)
	}
}

// devDirOf returns the folder that a `ken dev` process works in.
func devDirOf(p *process) string {
	for i, a := range p.args {
		if a == "--dir" {
			return p.args[i+1]
		}
	}
	return ""
}

// makeRepository makes a git repository of some hundred files.
func makeRepository(t *testing.T) string {
	t.Helper()
	tree := makeTree(t, 200)
	env := []string{
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=a",
		"GIT_COMMITTER_EMAIL=a@example.org",
	}
	sh(t, tree, env, "git", "init", "-q")
	sh(t, tree, env, "git", "add", ".")
	sh(t, tree, env, "git", "commit", "-q", "-m", "all")
	return tree
}

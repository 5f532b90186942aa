package webdav

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Tests with programs that people use; see also clients_names_test.go. Each is
// skipped where its program is not installed.

// someTree makes files of all sorts below dir and returns their digests.
func someTree(t *testing.T, dir string) map[string]string {
	t.Helper()
	for name, size := range map[string]int{
		"empty": 0, "one.txt": 1, "a b/ümlaut & more.txt": 1000, "a b/c/deep #1?.bin": 70_000,
		"a b/100%.dat": 300_000, "big.bin": 9 << 20,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(noise(size)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Unix(1_500_000_000+int64(size), 0)); err != nil {
			t.Fatal(err)
		}
	}
	return digests(t, dir)
}

// digests returns size and SHA-256 of every file below dir.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	sums := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		sums[rel] = fmt.Sprintf("%d %x", len(b), sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func sameFiles(t *testing.T, got, want map[string]string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got files %v, want %v", got, want)
	}
}

func TestRclone(t *testing.T) {
	d := newDrive(t)
	local, back := t.TempDir(), t.TempDir()
	want := someTree(t, local)
	obscured := strings.TrimSpace(program(t, nil, "", "rclone", "obscure", "pw-ann"))
	env := []string{
		"RCLONE_CONFIG=" + filepath.Join(t.TempDir(), "none"),
		"RCLONE_CONFIG_DAV_TYPE=webdav", "RCLONE_CONFIG_DAV_URL=" + d.url, "RCLONE_CONFIG_DAV_VENDOR=owncloud",
		"RCLONE_CONFIG_DAV_USER=ann", "RCLONE_CONFIG_DAV_PASS=" + obscured,
	}
	rclone := func(args ...string) string {
		t.Helper()
		return program(t, env, "", "rclone", append(args, "--retries", "1", "--low-level-retries", "1")...)
	}
	rclone("copy", local, "dav:sub/dir")
	if out := rclone("check", local, "dav:sub/dir", "--checksum"); strings.Contains(out, "differences") && !strings.Contains(out, "0 differences") {
		t.Errorf("check: %s", out)
	}
	if out := rclone("copy", local, "dav:sub/dir", "-v"); strings.Contains(out, "Copied") {
		t.Errorf("a second copy was not idle, so times are not kept:\n%s", out)
	}
	rclone("moveto", "dav:sub/dir/one.txt", "dav:sub/two.txt")
	rclone("copyto", "dav:sub/two.txt", "dav:sub/dir/one.txt")
	rclone("deletefile", "dav:sub/two.txt")
	rclone("copy", "dav:sub/dir", back)
	sameFiles(t, digests(t, back), want)
	if err := os.Remove(filepath.Join(local, "big.bin")); err != nil {
		t.Fatal(err)
	}
	rclone("sync", local, "dav:sub/dir")
	d.want(404, "GET", "/sub/dir/big.bin", "")
	rclone("about", "dav:")
	rclone("purge", "dav:sub")
	d.want(404, "GET", "/sub", "")
}

func TestCadaver(t *testing.T) {
	d := newDrive(t)
	home := t.TempDir()
	netrc := "machine 127.0.0.1 login ann password pw-ann\n"
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	data := noise(200_000)
	if err := os.WriteFile(filepath.Join(home, "up.bin"), []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	script := "lcd " + home + "\nmkcol dir\ncd dir\nput up.bin\nls\nlock up.bin\ndiscover up.bin\nput up.bin\nunlock up.bin\n" +
		"propset up.bin color red\npropget up.bin color\ncopy up.bin copy.bin\nmove copy.bin moved.bin\nget moved.bin down.bin\n" +
		"delete up.bin\ncd ..\nrmcol dir\nmkcol end\nquit\n"
	out := program(t, []string{"HOME=" + home}, script, "cadaver", d.url+"/")
	if low := strings.ToLower(out); strings.Contains(low, "failed") || strings.Contains(low, "error") || !strings.Contains(out, "red") {
		t.Errorf("cadaver:\n%s", out)
	}
	got, err := os.ReadFile(filepath.Join(home, "down.bin"))
	if err != nil || !bytes.Equal(got, []byte(data)) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	d.want(404, "GET", "/dir", "")
	d.want(200, "GET", "/end", "")
}

// A kernel mount by davfs2, with its locks. It needs root and takes a while.
func TestDavfs2(t *testing.T) {
	if os.Getenv("KEN_SOAK") == "" || os.Getuid() != 0 {
		t.Skip("needs KEN_SOAK=1 and root")
	}
	d := newDrive(t)
	dir := t.TempDir()
	mnt, cache := filepath.Join(dir, "mnt"), filepath.Join(dir, "cache")
	for _, p := range []string{mnt, cache} {
		if err := os.Mkdir(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{filepath.Dir(dir), dir, cache} { // davfs2 runs as its own user
		if err := os.Chmod(p, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "conf")
	settings := "delay_upload 0\ndir_refresh 1\nfile_refresh 0\nuse_locks 1\ncache_dir " + cache + "\n"
	if err := os.WriteFile(conf, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	program(t, nil, "ann\npw-ann\n", "mount.davfs", "-o", "conf="+conf, d.url+"/", mnt)
	want := someTree(t, mnt)
	if err := os.Rename(filepath.Join(mnt, "one.txt"), filepath.Join(mnt, "a b", "renamed.txt")); err != nil {
		t.Error(err)
	}
	want["a b/renamed.txt"] = want["one.txt"]
	delete(want, "one.txt")
	if err := os.WriteFile(filepath.Join(mnt, "empty"), []byte("not any more"), 0o644); err != nil {
		t.Error(err)
	}
	want["empty"] = fmt.Sprintf("12 %x", sha256.Sum256([]byte("not any more")))
	program(t, nil, "", "umount", mnt) // waits for the uploads
	lost, _ := filepath.Glob(filepath.Join(cache, "*", "lost+found", "*"))
	if len(lost) > 0 {
		t.Errorf("davfs2 could not upload %v", lost)
	}
	for name, sum := range want {
		a := d.req("GET", "/"+pathEscape(name), nil)
		if got := fmt.Sprintf("%d %x", len(a.body), sha256.Sum256([]byte(a.body))); got != sum {
			t.Errorf("%s: got %d %s, want %s", name, a.StatusCode, got, sum)
		}
	}
}

// GNOME's files, through its daemon and a session bus of its own.
func TestGvfs(t *testing.T) {
	if os.Getenv("KEN_SOAK") == "" {
		t.Skip("needs KEN_SOAK=1")
	}
	if _, err := os.Stat("/usr/libexec/gvfsd-dav"); err != nil {
		t.Skip("gvfs-backends is not installed")
	}
	d := newDrive(t)
	dir := t.TempDir()
	data := noise(300_000)
	if err := os.WriteFile(filepath.Join(dir, "up.bin"), []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
	url := "dav://ann@" + strings.TrimPrefix(d.url, "http://")
	script := `set -e
cd "$HOME"
printf 'pw-ann\n' | gio mount "$URL/" >/dev/null
gio mkdir "$URL/dir"
gio copy up.bin "$URL/dir/ü p.bin"
gio copy up.bin "$URL/dir/ü p.bin"
gio move "$URL/dir/ü p.bin" "$URL/dir/moved.bin"
gio copy "$URL/dir/moved.bin" down.bin
gio list -l "$URL/dir"
gio info -f "$URL/"
gio rename "$URL/dir/moved.bin" last.bin
gio remove "$URL/dir/last.bin"
gio remove "$URL/dir"
`
	env := []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "URL=" + url}
	out := program(t, env, "", "dbus-run-session", "--", "sh", "-c", script)
	got, err := os.ReadFile(filepath.Join(dir, "down.bin"))
	if err != nil || string(got) != data || !strings.Contains(out, "300000") {
		t.Errorf("got %d bytes, %v\n%s", len(got), err, out)
	}
	d.want(404, "GET", "/dir", "")
}

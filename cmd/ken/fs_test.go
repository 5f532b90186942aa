package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFs runs a script of one command a line: "> " starts what it must print,
// "! N text" is the exit code and a part of the error of a command that fails.
func TestFs(t *testing.T) {
	p, url := dev(t, t.TempDir())
	dir := devDirOf(p)
	local := t.TempDir()
	if err := os.WriteFile(filepath.Join(local, "hello.txt"), []byte("hello\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	script := `
fs ls /
fs mkdir /a
! fs mkdir /a
? 4 exists
! fs mkdir /x/y/z
? 3 there is no directory
fs mkdir -p /x/y/z /a
fs put -q LOCAL/hello.txt /a
fs ls /a
> hello.txt
fs cat /a/hello.txt
> hello
fs touch /a/empty /a/hello.txt
fs ls /a
> empty
> hello.txt
fs cp /a/hello.txt /a/copy.txt
fs cp -r /a /b
fs tree /b
> /b
> ├── copy.txt
> ├── empty
> └── hello.txt
>
> 0 directories, 3 files, 12 B
! fs cp /a /c
? 4 add -r
fs mv /a/copy.txt /x/y/moved.txt
fs mv /x /b
fs ls -R /b/x
> /b/x/y/
> /b/x/y/moved.txt
> /b/x/y/z/
! fs mv /b /b/x
? 4
! fs rm /b
? 4 add -r
fs rm -r /b
! fs ls /b
? 3
fs rm -f /b
! fs cat /a
? 4 is a directory
fs get -q /a/hello.txt LOCAL/back.txt
fs ls /
> a/
`
	runScript(t, dir, local, script)
	if b, err := os.ReadFile(filepath.Join(local, "back.txt")); err != nil || string(b) != "hello\n" {
		t.Errorf("downloaded file: got %q, %v", b, err)
	}
	if got := newDrive(url).must(t, "GET", "/a/hello.txt", nil, http.StatusOK); string(got) != "hello\n" {
		t.Errorf("over WebDAV: got %q", got)
	}
}

func runScript(t *testing.T, dir, local, script string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(script), "\n")
	for i := 0; i < len(lines); i++ {
		line := strings.ReplaceAll(lines[i], "LOCAL", local)
		cmd, fails := strings.CutPrefix(line, "! ")
		out, stderr, code := ken(t, append(strings.Fields(cmd), "--dir", dir)...)
		if fails {
			i++
			wantCode, wantText, _ := strings.Cut(strings.TrimPrefix(lines[i], "? "), " ")
			if got := string(rune('0' + code)); got != wantCode || !strings.Contains(stderr, wantText) {
				t.Errorf("ken %s: got exit code %d and %q, want %s and %q", cmd, code, stderr, wantCode, wantText)
			}
			continue
		}
		var want strings.Builder
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], ">") {
			i++
			want.WriteString(strings.TrimPrefix(strings.TrimPrefix(lines[i], ">"), " ") + "\n")
		}
		if code != 0 || want.Len() > 0 && out != want.String() {
			t.Errorf("ken %s: exit code %d\ngot:\n%swant:\n%s%s", cmd, code, out, want.String(), stderr)
		}
	}
}

func TestFsTransfersTrees(t *testing.T) {
	p, _ := dev(t, t.TempDir())
	dir := devDirOf(p)
	tree := makeTree(t, 120)
	out := mustKen(t, "fs", "put", "-r", "-p", "8", "--dir", dir, tree, "/tree")
	if !strings.HasPrefix(out, "120 files, ") {
		t.Errorf("put: got %q", out)
	}
	back := filepath.Join(t.TempDir(), "back")
	mustKen(t, "fs", "get", "-r", "--dir", dir, "/tree", back)
	sh(t, "", nil, "diff", "-r", tree, back)
	var sum map[string]int64
	if err := json.Unmarshal([]byte(mustKen(t, "fs", "put", "-r", "-n", "-o", "json", "--dir", dir, tree, "/")), &sum); err != nil || sum["skipped"] != 120 || sum["files"] != 0 {
		t.Errorf("put of what is there: got %v, %v", sum, err)
	}
	if out := mustKen(t, "fs", "du", "--dir", dir, "/"); !strings.Contains(out, "120") {
		t.Errorf("du: got %s", out)
	}
	mustKen(t, "fs", "df", "--dir", dir)
}

// TestFsStatShowsEveryBlock: a file larger than one block has two replicas of
// each, on different nodes.
func TestFsStatShowsEveryBlock(t *testing.T) {
	p, url := dev(t, t.TempDir())
	newDrive(url).must(t, "PUT", "/large", randomBytes(20<<20), http.StatusCreated)
	var s struct {
		Size   int64       `json:"size"`
		SHA1   string      `json:"sha1"`
		Blocks []blockJSON `json:"blocks_at"`
	}
	out := mustKen(t, "fs", "stat", "--blocks", "-o", "json", "--dir", devDirOf(p), "/large")
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	var total int64
	for _, b := range s.Blocks {
		total += int64(b.Length)
		if len(b.Replicas) != 2 || b.Replicas[0].Node == b.Replicas[1].Node || !b.Replicas[0].Live {
			t.Errorf("block %s: replicas %+v", b.Block, b.Replicas)
		}
	}
	if total != 20<<20 || s.Size != total || len(s.Blocks) < 2 || len(s.SHA1) != 40 {
		t.Errorf("got %d bytes in %d blocks, size %d, sha1 %q", total, len(s.Blocks), s.Size, s.SHA1)
	}
	for _, args := range [][]string{{"fs", "stat", "-b", "/large"}, {"volume", "list"}, {"node", "list"}, {"status"}, {"user", "list"}, {"token", "list"}, {"config", "check"}} {
		if out := mustKen(t, append(args, "--dir", devDirOf(p))...); len(out) == 0 {
			t.Errorf("ken %v printed nothing", args)
		}
	}
}

func TestUsers(t *testing.T) {
	p, url := dev(t, t.TempDir())
	dir := devDirOf(p)
	if _, stderr, code := kenIn(t, "another-pass-1\n", "user", "add", "ann", "--role", "reader", "--dir", dir); code != 0 {
		t.Fatal(stderr)
	}
	get := func(user, password, method, path string) int {
		req, _ := http.NewRequest(method, strings.TrimSuffix(url, "/")+path, nil)
		req.SetBasicAuth(user, password)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := get("ann", "another-pass-1", "GET", "/"); got != http.StatusOK {
		t.Errorf("reader reads: got %d", got)
	}
	if got := get("ann", "another-pass-1", "MKCOL", "/d"); got != http.StatusForbidden {
		t.Errorf("reader writes: got %d", got)
	}
	if got := get("ann", "wrong", "GET", "/"); got != http.StatusUnauthorized {
		t.Errorf("wrong password: got %d", got)
	}
	mustKen(t, "user", "remove", "ann", "--dir", dir)
	if _, _, code := ken(t, "user", "remove", "admin", "--dir", dir); code == 0 {
		t.Error("the last administrator was removed")
	}
}

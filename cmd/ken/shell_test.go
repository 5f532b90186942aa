package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestShellScripts runs the scripts of testdata/shell and compares the whole
// transcript, errors included.
func TestShellScripts(t *testing.T) {
	p, _ := dev(t, t.TempDir())
	scripts, err := filepath.Glob("testdata/shell/*.ken")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range scripts {
		local := t.TempDir()
		for name, size := range map[string]int{"large.bin": 20 << 20, "tree/a": 10, "tree/b/c": 20000, "tree/é f": 0, "1.txt": 5, "2 .txt": 6} {
			writeLocal(t, filepath.Join(local, name), size)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got := transcript(t, devDirOf(p), strings.ReplaceAll(string(b), "LOCAL", local))
		got = stable(strings.ReplaceAll(got, local, "LOCAL"))
		golden := strings.TrimSuffix(path, ".ken") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		compareLines(t, path, got, string(want))
	}
}

func writeLocal(t *testing.T, path string, size int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), size), 0o644); err != nil {
		t.Fatal(err)
	}
}

// transcript is what a script prints, on standard output and error together.
func transcript(t *testing.T, dir, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	c := kenCommand(ctx, "shell", "--dir", dir, "-x", "-k")
	c.Stdin = strings.NewReader(script)
	out, err := os.CreateTemp(t.TempDir(), "out") // one file, so that the order is kept
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	c.Stdout, c.Stderr = out, out
	_ = c.Run() // how it ends is in the transcript
	b, err := os.ReadFile(out.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// stable replaces what differs from one run to the next.
func stable(s string) string {
	for _, k := range []struct{ pattern, by string }{
		{`\d{4}-\d\d-\d\d[T ][0-9:]+(Z|[+-]\d\d:\d\d)?`, "TIME"},
		{`[0-9.]+ [GTM]iB (available|free|used)`, "SIZE $1"},
		{`of [0-9.]+ [GT]iB`, "of SIZE"},
		{`(?m)^(etag: +).*`, "${1}ETAG"},
		{`n\d \([0-9a-f]{16}\), n\d \([0-9a-f]{16}\)`, "two nodes"},
		{` v\d+/\d+ +`, " vN/N "},
	} {
		s = regexp.MustCompile(k.pattern).ReplaceAllString(s, k.by)
	}
	return s
}

// compareLines shows the first lines that differ.
func compareLines(t *testing.T, what, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Errorf("%s differs at line %d:\ngot:\n%s\nwant:\n%s", what, i+1, strings.Join(g[min(i, len(g)):min(i+8, len(g))], "\n"),
				strings.Join(w[min(i, len(w)):min(i+8, len(w))], "\n"))
			return
		}
	}
}

// TestShellExitCodes: a script's exit code is that of the line that ended it.
func TestShellExitCodes(t *testing.T) {
	p, _ := dev(t, t.TempDir())
	script := filepath.Join(t.TempDir(), "s.ken")
	if err := os.WriteFile(script, []byte("mkdir /from-file\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		script string
		args   []string
		code   int
		stderr string
	}{
		{"ls\n", nil, 0, ""},
		{"", nil, 0, ""},
		{"ls\ncd nowhere\nmkdir no\n", nil, 3, "ken: line 2: "},
		{"mkdir a\nmkdir a\n", nil, 4, "ken: line 2: "},
		{"frob\n", nil, 2, "ken: line 1: there is no command frob"},
		{"frob\nls\n", []string{"-k"}, 2, "ken: 1 line failed"},
		{"", []string{script}, 0, ""},
		{"cd /from-file", nil, 0, ""},
		{"", []string{script + ".not"}, 3, "no such file"},
		{"mkfiles f\ninit -force\n", nil, 2, "the script ends where it should answer"},
		{"init -force\nno\n", nil, 4, "nothing was deleted"},
		{"init -force\n", []string{"--yes"}, 0, ""},
		{"status\nnode list\nvolume list --json\nshow node list\n", nil, 0, ""},
		{"node remove nothing\n", nil, 3, "no node is called"},
		{"!exit 7\n", nil, 1, "exit status 7"},
	} {
		_, stderr, code := kenIn(t, k.script, append([]string{"shell", "--dir", devDirOf(p)}, k.args...)...)
		if code != k.code || !strings.Contains(stderr, k.stderr) {
			t.Errorf("%q %v: got exit code %d and %q, want %d and %q", k.script, k.args, code, stderr, k.code, k.stderr)
		}
	}
}

// TestShellWithoutNameserver: a script fails after a while, and says why.
func TestShellWithoutNameserver(t *testing.T) {
	dir := t.TempDir()
	p, _ := dev(t, dir)
	p.stop()
	_, stderr, code := kenIn(t, "help\nls\n", "shell", "--dir", dir)
	if code != 6 || !strings.Contains(stderr, "does not answer, waiting for it") ||
		!strings.Contains(stderr, "start it with `ken dev --dir "+dir) {
		t.Errorf("got exit code %d and %q", code, stderr)
	}
	if _, stderr, code := kenIn(t, "ls\n", "shell", "--dir", t.TempDir()); code != 3 || !strings.Contains(stderr, "holds no node") {
		t.Errorf("no folder: got exit code %d and %q", code, stderr)
	}
}

// TestShellScriptReconnects: the nameserver ends and starts again, at another
// address, between two lines of one script.
func TestShellScriptReconnects(t *testing.T) {
	dir := t.TempDir()
	p, _ := dev(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := kenCommand(ctx, "shell", "--dir", dir)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out syncBuffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	send := func(line, want string) {
		t.Helper()
		if _, err := in.Write([]byte(line + "\n")); err != nil {
			t.Fatal(err)
		}
		await(t, line, 20*time.Second, func() bool { return strings.Contains(out.String(), want) })
	}
	send("mkdir before\nls", "before/")
	p.kill()
	p, _ = dev(t, dir)
	send("mkdir after\nls", "after/")
	if got := out.String(); !strings.Contains(got, "connected again, to ") {
		t.Errorf("got %s", got)
	}
	if err := errors.Join(in.Close(), c.Wait()); err != nil {
		t.Error(err, out.String())
	}
	p.stop()
}

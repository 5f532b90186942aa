package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// readmeBlocks returns the shell blocks of the README, in order.
func readmeBlocks(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		out = append(out, m[1])
	}
	return out
}

// block returns the shell block that has the text.
func block(t *testing.T, with string) []string {
	t.Helper()
	for _, b := range readmeBlocks(t) {
		if strings.Contains(b, with) {
			var lines []string
			for line := range strings.Lines(b) {
				line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
				lines = append(lines, strings.TrimSpace(line))
			}
			return lines
		}
	}
	t.Fatalf("the README has no block with %q", with)
	return nil
}

// TestReadmeMakeTargets: the two commands exist.
func TestReadmeMakeTargets(t *testing.T) {
	for _, line := range block(t, "make run") {
		target, ok := strings.CutPrefix(line, "make ")
		if !ok {
			t.Fatalf("unexpected line %q", line)
		}
		if out, err := exec.Command("make", "-n", "-C", "../..", target).CombinedOutput(); err != nil {
			t.Errorf("make %s: %v\n%s", target, err, out)
		}
	}
}

// TestReadmeCommands runs the block of everyday commands against a drive.
func TestReadmeCommands(t *testing.T) {
	p, _ := dev(t, t.TempDir())
	work := t.TempDir()
	readme, err := filepath.Abs("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range block(t, "bin/ken fs put") {
		line = strings.Replace(line, "put README.md", "put "+readme, 1)
		line = strings.Replace(line, "copy.md", filepath.Join(work, "copy.md"), 1)
		args := strings.Fields(strings.TrimPrefix(line, "bin/ken "))
		if out := mustKen(t, append(args, "--dir", devDirOf(p))...); out == "" {
			t.Errorf("%s printed nothing", line)
		}
	}
	if got, err := os.ReadFile(filepath.Join(work, "copy.md")); err != nil || string(got) != string(want) {
		t.Errorf("copy.md: got %d bytes, %v, want %d", len(got), err, len(want))
	}
}

// TestReadmeOperations runs the commands for whoever looks after the drive.
func TestReadmeOperations(t *testing.T) {
	p, _ := dev(t, t.TempDir())
	for _, line := range block(t, "bin/ken events") {
		args := strings.Fields(strings.TrimPrefix(line, "bin/ken "))
		if out := mustKen(t, append(args, "--dir", devDirOf(p))...); out == "" {
			t.Errorf("%s printed nothing", line)
		}
	}
}

// TestReadmeShell runs the lines that show the shell.
func TestReadmeShell(t *testing.T) {
	p, _ := dev(t, t.TempDir())
	for _, line := range block(t, "bin/ken shell") {
		c := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(line, "bin/ken", os.Args[0]))
		c.Dir = "../.."
		c.Env = append(kenCommand(t.Context()).Env, "KEN_DIR="+devDirOf(p))
		out, err := c.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "README.md") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}

// TestReadmeShellTable: the table names every command of the shell, and every
// command in it exists.
func TestReadmeShellTable(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	d := &shellDrive{}
	for _, c := range d.commands() {
		if !regexp.MustCompile("(?m)^\\|.*`" + c.Name + "\\b").Match(b) {
			t.Errorf("the README's table has no %s", c.Name)
		}
	}
}

// TestReadmeThreeMachines sets the cluster of the README up, on loopback.
func TestReadmeThreeMachines(t *testing.T) {
	first := t.TempDir() + "/ken"
	quic, web := freePort(t, "udp"), freePort(t, "tcp")
	var token string
	for _, line := range block(t, "ken init --dir") {
		line = strings.NewReplacer("/srv/ken", first, "192.168.1.10:7800", quic, "0.0.0.0:8080", web, " &", "").Replace(line)
		args := strings.Fields(strings.TrimPrefix(line, "ken "))
		if args[0] == "run" {
			start(t, args...)
			continue
		}
		out := mustKen(t, args...)
		if args[0] == "token" {
			token = strings.TrimSpace(out)
		}
	}
	for range 2 {
		dir := t.TempDir() + "/ken"
		for _, line := range block(t, "ken join --dir") {
			line = strings.NewReplacer("/srv/ken", dir, "192.168.1.11:7800", freePort(t, "udp"), "KEN1-...", token).Replace(line)
			args := strings.Fields(strings.TrimPrefix(line, "ken "))
			if args[0] == "run" {
				start(t, args...)
				continue
			}
			mustKen(t, args...)
		}
	}
	_, stderr, code := ken(t, "join", "--dir", t.TempDir()+"/ken", "--listen", freePort(t, "udp"), token)
	if code != 5 || !strings.Contains(stderr, "has been used up; make a new one") {
		t.Errorf("a third machine with a token for two: got exit code %d and %q, want 5 and why", code, stderr)
	}
	await(t, "three storage servers", startMax, func() bool {
		return status(t, first)["nodes"].(map[string]any)["up"] == 3.0
	})
	local := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(local, randomBytes(1<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	mustKen(t, "fs", "put", "--dir", first, local, "/")
	out := mustKen(t, "fs", "stat", "-b", "--dir", first, "/file")
	if !regexp.MustCompile(`n\d .*, n\d `).MatchString(out) {
		t.Errorf("the file has no two replicas:\n%s", out)
	}
}

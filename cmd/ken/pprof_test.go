package main

import (
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestProfilesAreOffByDefaultAndOnlyForThisMachine(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	t.Setenv("KEN_PPROF", "")
	stop, err := serveProfiles(log)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	for _, addr := range []string{"0.0.0.0:0", ":6060", "[::]:0", "192.0.2.1:80", "localhost", "example.org:80"} {
		t.Setenv("KEN_PPROF", addr)
		if _, err := serveProfiles(log); exitCode(err) != 2 {
			t.Errorf("KEN_PPROF=%s: %v, want a usage error", addr, err)
		}
	}
}

func TestProfilesAreServed(t *testing.T) {
	var out strings.Builder
	t.Setenv("KEN_PPROF", "127.0.0.1:0")
	stop, err := serveProfiles(slog.New(slog.NewTextHandler(&out, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+/debug/pprof/`).FindString(out.String())
	if url == "" {
		t.Fatalf("no address in the log: %s", out.String())
	}
	resp, err := http.Get(url + "heap?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(b), "heap profile:") {
		t.Errorf("heap: %.80q, %v", b, err)
	}
	stop()
	if _, err := http.Get(url); err == nil {
		t.Error("still served after stop")
	}
}

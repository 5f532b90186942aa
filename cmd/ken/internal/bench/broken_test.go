package main

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/webdav"
)

// spoiled serves a drive, and answers what spoil takes in its own way.
func spoiled(t *testing.T, spoil func(w http.ResponseWriter, r *http.Request) bool) *server {
	t.Helper()
	dav := &webdav.Handler{FileSystem: webdav.Dir(t.TempDir()), LockSystem: webdav.NewMemLS()}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !spoil(w, r) {
			dav.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return &server{name: "test", url: s.URL + "/"}
}

// TestEveryRefusalEndsIt: a request that is answered with another status ends
// the measurement with an error that names it, and no figure of its workload is
// told.
func TestEveryRefusalEndsIt(t *testing.T) {
	at := func(method, part string) func(r *http.Request) bool {
		return func(r *http.Request) bool { return r.Method == method && strings.Contains(r.URL.Path, part) }
	}
	for _, c := range []struct {
		what string
		bad  func(r *http.Request) bool
		told string // that must not be told; "": none at all
		want []string
	}{
		{"the folder", at("MKCOL", "bench-"), "", []string{"MKCOL", "507"}},
		{"a large upload", at("PUT", "/large"), "put-large", []string{"put-large: ", "PUT", "507"}},
		{"a large copy", at("COPY", "/large"), "copy-large", []string{"copy-large: ", "COPY", "507"}},
		{"an upload without length", at("PUT", "/chunked"), "put-chunked", []string{"put-chunked: ", "507"}},
		{"a folder of files", at("MKCOL", "/moved"), "put-small", []string{"MKCOL", "507"}},
		{"a small upload", at("PUT", "/f3"), "put-small", []string{"put-small: ", "/f3", "507"}},
		{"the properties", at("PROPFIND", "/f3"), "stat", []string{"stat: ", "/f3", "507"}},
		{"a move", at("MOVE", "/f3"), "move", []string{"move: ", "/f3", "507"}},
		{"a deletion", at("DELETE", "/f3"), "delete", []string{"delete: ", "/f3", "507"}},
		{"filling", at("PUT", "/e000003"), "fill", []string{"fill: ", "507"}},
		{"a list", at("PROPFIND", "/list/"), "list ", []string{"list: ", "0 of 6"}},
		{"a new folder", at("MKCOL", "/dir2"), "mkcol", []string{"mkcol: ", "507"}},
	} {
		s := spoiled(t, func(w http.ResponseWriter, r *http.Request) bool {
			if c.bad(r) {
				w.WriteHeader(http.StatusInsufficientStorage)
				return true
			}
			return false
		})
		o := options{small: 6, listed: 6, clients: 3, large: 1 << 10}
		err := measure(t.Context(), s, o, func(f figure) {
			if c.told == "" || strings.HasPrefix(f.name, c.told) {
				t.Errorf("%s: told %+v", c.what, f)
			}
		})
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want it to name %q", c.what, err, want)
			}
		}
	}
}

// TestShortAnswers: a server that sends less than it has is not fast, it is wrong.
func TestShortAnswers(t *testing.T) {
	for only, part := range map[string]string{"get-large": "/large", "get-small": "/f"} {
		s := spoiled(t, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == "GET" && strings.Contains(r.URL.Path, part) {
				_, _ = io.WriteString(w, "short")
				return true
			}
			return false
		})
		err := measure(t.Context(), s, options{small: 2, clients: 1, large: 1 << 10, only: only}, func(figure) {})
		if err == nil || !strings.Contains(err.Error(), "GET") {
			t.Errorf("%s: got %v", only, err)
		}
	}
	// A connection that breaks off in a body.
	s := spoiled(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "PROPFIND" {
			return false
		}
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusMultiStatus)
		return true
	})
	if err := measure(t.Context(), s, options{small: 2, clients: 1, only: "stat"}, func(figure) {}); err == nil {
		t.Error("an answer that was cut off counts")
	}
}

// TestCredentials: every request shows the password, if the server has one.
func TestCredentials(t *testing.T) {
	var asked, without atomic.Int64
	s := spoiled(t, func(_ http.ResponseWriter, r *http.Request) bool {
		asked.Add(1)
		if u, p, ok := r.BasicAuth(); !ok || u != "admin" || p != "secret" {
			without.Add(1)
		}
		return false
	})
	s.user, s.password = "admin", "secret"
	if err := measure(t.Context(), s, options{small: 2, listed: 2, clients: 2, large: 100}, func(figure) {}); err != nil {
		t.Fatal(err)
	}
	if asked.Load() == 0 || without.Load() != 0 {
		t.Errorf("%d of %d requests without the password", without.Load(), asked.Load())
	}
}

// TestOnlyWhatIsWanted: no request of a workload that nobody asked for.
func TestOnlyWhatIsWanted(t *testing.T) {
	for only, parts := range map[string][]string{
		"mkcol": {"/small", "/large", "/list"}, "list": {"/small", "/large", "/dir"}, "stat": {"/large", "/list", "/dir"}, "nothing": {"/small", "/large", "/list", "/dir"},
	} {
		s := spoiled(t, func(_ http.ResponseWriter, r *http.Request) bool {
			for _, part := range parts {
				if strings.Contains(r.URL.Path, part) {
					t.Errorf("-only %s: %s %s", only, r.Method, r.URL.Path)
				}
			}
			return false
		})
		told := 0
		if err := measure(t.Context(), s, options{small: 2, listed: 2, clients: 2, large: 100, only: only}, func(figure) { told++ }); err != nil {
			t.Error(err)
		}
		if (told == 0) != (only == "nothing") {
			t.Errorf("-only %s: %d figures", only, told)
		}
	}
}

// TestMeasureIsCancelled: it ends with its context, in the middle of a workload.
func TestMeasureIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := spoiled(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/f5") {
			cancel()
		}
		return false
	})
	told := 0
	err := measure(ctx, s, options{small: 1_000_000, clients: 2, only: "put-small"}, func(figure) { told++ })
	if err == nil || !strings.Contains(err.Error(), context.Canceled.Error()) || told != 0 {
		t.Errorf("got %v, %d figures", err, told)
	}
}

// TestRatiosOfNothing: what one side did not do has no ratio, is no miss, and
// is printed as such.
func TestRatiosOfNothing(t *testing.T) {
	var r rounds
	r.add(1, true, figure{name: "put-large MB/s", rate: 10}) // nothing in round 0
	r.add(0, false, figure{name: "get-large MB/s", rate: 10})
	r.add(0, true, figure{name: "stat op/s", rate: 30}) // each in a round of its own
	r.add(1, false, figure{name: "stat op/s", rate: 20})
	got := r.results()
	if len(got) != 3 || got[2].ratio() != 1.5 || got[0].theirs != 0 || !math.IsNaN(got[0].ratio()) || got[1].ours != 0 || got[1].theirs != 10 || !math.IsNaN(got[1].ratio()) {
		t.Errorf("got %+v", got)
	}
	var out strings.Builder
	if err := r.print(&out, apacheTarget); err != nil || strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") ||
		!strings.Contains(out.String(), "put-large MB/s  10.0    0.0      -") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if empty := (&rounds{}).results(); empty != nil {
		t.Errorf("no figures: got %+v", empty)
	}
}

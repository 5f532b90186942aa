package admin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"kendfs/metadata"
)

// FuzzCursors: a cursor that is taken gives an index that can be used.
func FuzzCursors(f *testing.F) {
	for _, s := range []string{"", "0", "5:7", "9223372036854775807", "-1", "2147483648", "a:b", ":", "1:", "\xff", strings.Repeat("9", 400)} {
		f.Add(base64.RawURLEncoding.EncodeToString([]byte(s)))
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if i, err := indexOf(&text); err == nil && (i < 0 || i > 1<<31) {
			t.Fatalf("%q: index %d", text, i)
		}
		if i, o, err := blockCursor(&text); err == nil && (i < 0 || i > 1<<31 || o < 0 || o > 1<<62) {
			t.Fatalf("%q: block %d at %d", text, i, o)
		}
		limit := 100000
		q, err := eventQuery(&limit, &text, nil)
		if err == nil && (q.Limit > metadata.EventPageMax || text != "" && q.Before == 0) {
			t.Fatalf("%q: got %+v", text, q)
		}
		if key, err := keyOf(&text); err == nil && text != "" && deref(cursorOf(key)) != "" {
			if back, err := keyOf(cursorOf(key)); err != nil || back != key {
				t.Fatalf("%q became %q, %v", key, back, err)
			}
		}
	})
}

// FuzzDisposition: whatever a file is called, the header is one line with two
// names and nothing else.
func FuzzDisposition(f *testing.F) {
	for _, s := range []string{"a.txt", `a"b`, "a\r\nSet-Cookie: x=1", "ü日本", "%41", `\`, ";filename=x", "\x00", "'", "a b+c", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := disposition("attachment", name)
		rest, ok := strings.CutPrefix(got, `attachment; filename="`)
		plain, star, ok2 := strings.Cut(rest, `"; filename*=UTF-8''`)
		if !ok || !ok2 || strings.ContainsAny(plain, "\"\\%") || strings.ContainsAny(star, "\"'; ") {
			t.Fatalf("%q: got %q", name, got)
		}
		for _, r := range got {
			if r < 0x20 || r > 0x7e {
				t.Fatalf("%q: %U in %q", name, r, got)
			}
		}
	})
}

// FuzzPlainOwner: what is left of a lock's owner has no markup.
func FuzzPlainOwner(f *testing.F) {
	for _, s := range []string{"<D:href>mailto:a@b</D:href>", "plain", "<a", "a>b<c", "<<>>", "&lt;script&gt;", "<script>alert(1)</script>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, xml string) {
		if got := plainOwner(xml); strings.ContainsAny(got, "<>") || len(got) > len(xml)*3 {
			t.Fatalf("%q: got %q", xml, got)
		}
	})
}

// FuzzSettings: a value that is taken is within the setting's range, and what
// the audit says of a change reads back as values that could be set.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{"3", "true", "-1", "9223372036854775808", " 5 ", "1e3", "0x10", "", "10m0s"} {
		f.Add(s, "grace: 10m0s → "+s+", replication: 2 → 3")
	}
	all := new(metadata.ClusterInfo).Settings()
	f.Fuzz(func(t *testing.T, text, detail string) {
		for i := range all {
			s := &all[i]
			v, err := settingValue(s, text)
			if err != nil {
				if metadata.KindOf(err) != metadata.KindInvalid {
					t.Fatalf("%s = %q: %v", s.Name, text, err)
				}
				continue
			}
			if s.Unit == "bool" && v != 0 && v != 1 || s.Unit != "bool" && (v < s.Min || v > s.Max) && (v != 0 || s.Zero == "") {
				t.Fatalf("%s = %q: got %d", s.Name, text, v)
			}
		}
		for _, p := range parseChanges(detail, all) {
			if p.name == "" {
				t.Fatalf("%q: got %+v", detail, p)
			}
		}
	})
}

// FuzzSummary: the audit's target is bounded, and text.
func FuzzSummary(f *testing.F) {
	f.Add("/a", 1)
	f.Add(strings.Repeat("ü", 5000), 3)
	f.Fuzz(func(t *testing.T, path string, n int) {
		paths := make([]string, 1+uint(n)%5)
		for i := range paths {
			paths[i] = path
		}
		got := summary(paths)
		if len(got) > metadata.AuditFieldMax || utf8.ValidString(path) && !utf8.ValidString(got) {
			t.Fatalf("%d bytes: %.40q", len(got), got)
		}
	})
}

// FuzzSnapshotFile: no file of an earlier process is a panic, or taken for fresh.
func FuzzSnapshotFile(f *testing.F) {
	good, err := json.Marshal(snapshotFileV{snapshotVersion, &snapshot{AsOf: time.Now(), Nodes: []metadata.Node{{ID: 1, Name: "x"}}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(good), "", "{}", `{"version":1,"snapshot":{"nodes":[{}],"verdicts":[{}]}}`, `{"version":1,"snapshot":{"nodes":[{"Liveness":200,"State":200}]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), snapshotFile)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		n := newSnapshots(path, slog.New(slog.DiscardHandler)).get()
		if !n.stale {
			t.Fatal("what another process knew is fresh")
		}
		if _, err := json.Marshal(apiHealth(n)); err != nil {
			t.Fatal(err)
		}
		apiTasks(n)
		for i := range n.Nodes {
			apiNode(n, &n.Nodes[i])
		}
	})
}

// The stored layout is sent only when it is JSON.
func TestDesktopAnswer(t *testing.T) {
	for in, want := range map[string]string{`{"a":1}`: `{"a":1}`, "": "{}", "{": "{}", "<script>": "{}", "null": "null"} {
		w := httptest.NewRecorder()
		if err := desktop(in).VisitGetDesktopResponse(w); err != nil || w.Body.String() != want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%q: got %q, %v", in, w.Body, err)
		}
	}
}

// A file's reading is news once in a while, for each session and file; the
// memory of it is bounded.
func TestReads(t *testing.T) {
	var r reads
	now := time.Now()
	for i, c := range []struct {
		session, what string
		after         time.Duration
		news          bool
	}{
		{"s", "/a", 0, true}, {"s", "/a", time.Second, false}, {"s", "/b", 0, true}, {"t", "/a", 0, true},
		{"s", "/a", readAgain - 1, false}, {"s", "/a", readAgain, true}, {"s", "/a", readAgain + time.Second, false},
		{"s\x00/a", "", 0, true}, {"s", "\x00/a", 0, true},
	} {
		if got := r.first(c.session, c.what, now.Add(c.after)); got != c.news {
			t.Errorf("%d: got %v", i, got)
		}
	}
	for i := range readsKept * 2 {
		r.first("s", fmt.Sprint(i), now)
	}
	if len(r.at) > readsKept {
		t.Errorf("%d are remembered", len(r.at))
	}
}

// A one-time code works once, for a day, and no other one does.
func TestSetupCodes(t *testing.T) {
	dir := t.TempDir()
	s := &setupCode{path: filepath.Join(dir, setupFile)}
	done := func() error { return nil }
	if s.waiting() || metadata.KindOf(s.use("x", done)) != metadata.KindNotFound {
		t.Error("a code that nobody made waits")
	}
	first, err := NewSetupCode(dir)
	if err != nil {
		t.Fatal(err)
	}
	code, err := NewSetupCode(dir)
	if err != nil || code == first || len(code) < 26 {
		t.Fatalf("got %q, %v", code, err)
	}
	if st, _ := os.Stat(s.path); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
	if b, _ := os.ReadFile(s.path); strings.Contains(string(b), code) {
		t.Error("the code itself is in the file")
	}
	if metadata.KindOf(s.use(first, done)) != metadata.KindDenied {
		t.Error("an earlier code is good")
	}
	failed := metadata.Errorf(metadata.KindUnavailable, "away")
	if err := s.use(code, func() error { return failed }); err != failed || !s.waiting() {
		t.Errorf("what failed has used up the code: %v", err)
	}
	if err := s.use(code, done); err != nil {
		t.Fatal(err)
	}
	if s.waiting() || metadata.KindOf(s.use(code, done)) != metadata.KindNotFound {
		t.Error("a code works twice")
	}
	for name, text := range map[string]string{
		"garbage": "{", "another version": `{"version":2}`, "a short sum": `{"version":1,"sha256":"AAAA","expires":"2999-01-01T00:00:00Z"}`,
		"over": `{"version":1,"sha256":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","expires":"2001-01-01T00:00:00Z"}`,
	} {
		if err := os.WriteFile(s.path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if s.waiting() || metadata.KindOf(s.use(code, done)) != metadata.KindNotFound {
			t.Errorf("%s: taken for a code", name)
		}
	}
	if (&setupCode{}).waiting() {
		t.Error("without a folder a code waits")
	}
	if _, err := NewSetupCode(filepath.Join(dir, "none")); err == nil {
		t.Error("a code without a folder")
	}
}

// A server that lacks what it needs is not made; one whose files are damaged is.
func TestNew(t *testing.T) {
	for name, cfg := range map[string]Config{"no cluster": {Content: noContent{}}, "no content": {Cluster: stub{}}} {
		if _, err := New(cfg); metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{sessionsFile, snapshotFile, historyFile, setupFile} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("damaged"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := New(Config{Cluster: stub{}, Content: noContent{}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/api/v1/session", "/healthz"} {
		r := httptest.NewRequest("GET", path, nil)
		r.RemoteAddr = "127.0.0.1:9"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err != nil { // harmless
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, sessionsFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, sessionsFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Cluster: stub{}, Content: noContent{}, Dir: dir}); err == nil {
		t.Error("sessions that cannot be kept are no error")
	}
}

// Static files: whatever the path says, it is a file of the desktop or the page.
func FuzzStatic(f *testing.F) {
	for _, p := range []string{"/", "/assets/x", "/../etc/passwd", "//evil.example/x", "/%2e%2e/", "/a\x00b", "/assets/../index.html", "/index.html/"} {
		f.Add(p)
	}
	st := newStatic(nil)
	f.Fuzz(func(t *testing.T, path string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		err := st.serve(echo.New().NewContext(r, w))
		if err != nil {
			if p, _ := problemOf(err); p.Status != http.StatusNotFound {
				t.Fatalf("%q: %v", path, err)
			}
			return
		}
		if w.Code != http.StatusOK || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), "not built") {
			t.Fatalf("%q: got %d %v", path, w.Code, w.Header())
		}
	})
}

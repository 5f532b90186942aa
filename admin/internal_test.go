package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labstack/echo/v4"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// Every kind has words of its own: a status, a code and, where there is
// something to do, what.
func TestEveryKindHasWords(t *testing.T) {
	all := words()
	for k := metadata.Kind(0); !strings.HasPrefix(k.String(), "kind("); k++ {
		w, ok := all[k]
		if !ok || w.status < 400 || w.code == "" {
			t.Errorf("%v: got %+v", k, w)
		}
		p, internal := problemOf(fmt.Errorf("deep: %w", metadata.Errorf(k, "what was wrong")))
		if k == metadata.KindInternal {
			if !internal || strings.Contains(p.Title, "wrong") && p.Title == "what was wrong" {
				t.Errorf("an internal error tells the client %q", p.Title)
			}
			continue
		}
		if internal || p.Title != "what was wrong" || *p.Code != w.code || p.Status != w.status {
			t.Errorf("%v: got %+v", k, p.Problem)
		}
	}
}

func TestProblemOf(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{errors.New("secret of the database"), 500, "internal"},
		{context.DeadlineExceeded, 504, "timeout"},
		{context.Canceled, 499, "canceled"},
		{echo.ErrNotFound, 404, "not_found"},
		{echo.ErrMethodNotAllowed, 405, "method"},
		{echo.NewHTTPError(http.StatusTeapot), 418, "internal"},
		{&http.MaxBytesError{Limit: 7}, 413, "too_large"},
		{errSudo(), 403, "sudo"},
		{errors.Join(errSignedOut(), errors.New("x")), 401, "signed_out"},
	} {
		p, _ := problemOf(c.err)
		if p.Status != c.status || *p.Code != c.code || strings.Contains(p.Title, "secret") {
			t.Errorf("%v: got %d %s %q", c.err, p.Status, *p.Code, p.Title)
		}
	}
}

func TestQuantile(t *testing.T) {
	b := make([]int64, metadata.TrafficBuckets)
	if got := quantile(b, 0.5); got != 0 {
		t.Errorf("nothing: got %v", got)
	}
	b[0], b[3] = 50, 50 // below 1 ms, and 4 to 8 ms
	for q, want := range map[float64]float64{0.25: 0.5, 0.5: 1, 0.75: 6, 1: 8} {
		if got := quantile(b, q); got != want {
			t.Errorf("q %v: got %v, want %v", q, got, want)
		}
	}
	b = make([]int64, metadata.TrafficBuckets)
	b[metadata.TrafficBuckets-1] = 9
	if got := quantile(b, 0.99); got != 8192 {
		t.Errorf("beyond all bounds: got %v", got)
	}
}

func TestRates(t *testing.T) {
	t0 := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(s int, read int64, started time.Time) *snapshot {
		return &snapshot{AsOf: t0.Add(time.Duration(s) * time.Second), Nodes: []metadata.Node{{
			ID: 1, Traffic: metadata.Traffic{Started: started, Reads: read, BytesRead: read * 100, Latency: []int64{read}},
		}}}
	}
	first := at(0, 10, t0)
	first.rates = ratesOf(&snapshot{}, first)
	soon := at(1, 20, t0)
	soon.rates = ratesOf(first, soon)
	if soon.rates[1].seconds != 0 {
		t.Errorf("after a second there is a rate: %+v", soon.rates[1])
	}
	then := at(4, 50, t0)
	then.rates = ratesOf(soon, then)
	if r := then.rates[1]; r.reads != 10 || r.readBytes != 1000 || r.seconds != 4 || r.p50 == 0 {
		t.Errorf("got %+v, want 10 reads a second", r)
	}
	restarted := at(9, 3, t0.Add(5*time.Second))
	restarted.rates = ratesOf(then, restarted)
	if r := restarted.rates[1]; r.seconds != 0 || r.reads != 0 {
		t.Errorf("after a restart: got %+v", r)
	}
}

func TestNaturalOrder(t *testing.T) {
	for _, c := range [][2]string{{"n9", "n10"}, {"n09", "n10"}, {"a", "b"}, {"a", "aa"}, {"x2y10", "x2y11"}, {"", "a"}} {
		if naturalOrder(c[0], c[1]) >= 0 || naturalOrder(c[1], c[0]) <= 0 || naturalOrder(c[0], c[0]) != 0 {
			t.Errorf("%q is not before %q", c[0], c[1])
		}
	}
}

func TestSettingValues(t *testing.T) {
	info := metadata.ClusterInfo{Replication: 2, Grace: 10 * time.Minute}
	all := map[string]metadata.Setting{}
	for _, s := range info.Settings() {
		all[s.Name] = s
		if settingTitle(s.Name) == "" {
			t.Errorf("%s has no title", s.Name)
		}
		if s.Unit != "unix_seconds" {
			if v, err := settingValue(&s, settingText(s.Unit, s.Value)); err != nil || v != s.Value {
				t.Errorf("%s: %d became %d, %v", s.Name, s.Value, v, err)
			}
		}
	}
	for name, values := range map[string]map[string]bool{
		"replication": {"1": true, "8": true, "0": false, "9": false, "x": false}, "read_only": {"true": true, "2": false},
		"repair_bytes_per_second": {"0": true, "1048576": true, "5": false}, "down_after": {"0": true, "3000": true, "1": false},
	} {
		for text, want := range values {
			s := all[name]
			if _, err := settingValue(&s, text); (err == nil) != want {
				t.Errorf("%s = %q: got %v", name, text, err)
			}
		}
	}
	got := parseChanges("grace: 10m0s → 20m0s, replication: 2 → 3, down_after: default → 9s, repair_paused_until: never → 2026-01-01T00:00:00Z, x: 1 → 2, odd",
		info.Settings())
	want := []settingPair{{"grace", "1200", "600"}, {"replication", "3", "2"}, {"down_after", "9000", "0"}, {"repair_paused_until", "2026-01-01T00:00:00Z", ""}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLimiter(t *testing.T) {
	l, now := newLimiter(1, 3), time.Now()
	for i := range 5 {
		if got, want := l.take("a", now), i < 3; got != want {
			t.Errorf("take %d: got %v", i, got)
		}
	}
	if !l.take("b", now) || !l.take("a", now.Add(time.Second)) || l.take("a", now.Add(time.Second)) {
		t.Error("somebody else, or a second later")
	}
	l.giveBack("a")
	l.giveBack("nobody")
	if !l.take("a", now.Add(time.Second)) {
		t.Error("what was given back is lost")
	}
	for i := range limitedMax + 10 {
		l.take(fmt.Sprint(i), now)
	}
	if len(l.buckets) > limitedMax {
		t.Errorf("%d identities are remembered", len(l.buckets))
	}
	for in, want := range map[string]string{"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0": "fe80::/64", strings.Repeat("x", 100): strings.Repeat("x", 64)} {
		if got := hostOf(in); got != want {
			t.Errorf("hostOf(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStatic(t *testing.T) {
	ui := fstest.MapFS{
		"index.html":         {Data: []byte("<!doctype html>" + strings.Repeat("page ", 500))},
		"first-paint.js":     {Data: []byte("theme()")},
		"assets/app-1a2b.js": {Data: []byte(strings.Repeat("code();", 500))},
	}
	ask := func(st *static, path string, header ...string) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		if err := st.serve(echo.New().NewContext(r, w)); err != nil {
			p, _ := problemOf(err)
			w.Code = p.Status
		}
		return w
	}
	st := newStatic(ui)
	w := ask(st, "/assets/app-1a2b.js", "Accept-Encoding", "gzip, br")
	if w.Header().Get("Content-Encoding") != "gzip" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") ||
		w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || w.Body.Len() > 500 {
		t.Errorf("an asset: got %v, %d bytes", w.Header(), w.Body.Len())
	}
	if again := ask(st, "/assets/app-1a2b.js", "Accept-Encoding", "gzip", "If-None-Match", w.Header().Get("ETag")); again.Code != 304 {
		t.Errorf("once more: got %d", again.Code)
	}
	if plain := ask(st, "/assets/app-1a2b.js"); plain.Header().Get("Content-Encoding") != "" || plain.Header().Get("ETag") == w.Header().Get("ETag") {
		t.Errorf("without gzip: got %v", plain.Header())
	}
	if w := ask(st, "/assets/gone-ffff.js"); w.Code != 404 {
		t.Errorf("a missing asset: got %d", w.Code)
	}
	for _, path := range []string{"/", "/d/nodes/n3", "/setup", "/../../etc/passwd", "/index.html"} {
		w := ask(st, path)
		if w.Code != 200 || !strings.HasPrefix(w.Body.String(), "<!doctype html>page") || w.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: got %d %v", path, w.Code, w.Header())
		}
	}
	if w := ask(st, "/first-paint.js"); w.Body.String() != "theme()" {
		t.Errorf("got %q", w.Body)
	}
	if w := ask(newStatic(nil), "/d/nodes"); !strings.Contains(w.Body.String(), "make ui") {
		t.Errorf("without a desktop: got %q", w.Body)
	}
}

// A snapshot's file that is of no use is passed over.
func TestSnapshotFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), snapshotFile)
	log := slog.New(slog.DiscardHandler)
	s := newSnapshots(path, log)
	if n := s.get(); !n.stale || n.health().Verdict != health.Unknown || s.save() != nil {
		t.Errorf("nothing is known: got %+v", n.health())
	}
	n := &snapshot{AsOf: time.Now(), Report: health.Report{Verdict: health.Protected, AsOf: time.Now(), Since: time.Now()}}
	s.put(n)
	s.put(&snapshot{AsOf: time.Now(), Report: health.Report{Verdict: health.AtRisk, Since: time.Now()}})
	if got := s.get(); got.stale || len(got.Verdicts) != 2 {
		t.Errorf("got %+v", got)
	}
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	again := newSnapshots(path, log).get()
	if !again.stale || again.Report.Verdict != health.AtRisk || len(again.Verdicts) != 2 || again.health().Verdict != health.Unknown {
		t.Errorf("read again: got %+v", again)
	}
	for _, text := range []string{"", "{", `{"version":9}`, `{"version":1}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := newSnapshots(path, log).get(); !got.AsOf.IsZero() {
			t.Errorf("%q was read", text)
		}
	}
}

// Nodes that changed state go out at once; of busy ones only some at a time.
func TestNodeChangesAreBounded(t *testing.T) {
	a := api.Node{Id: "n1", State: "active", ReadBytesPerSecond: 100, Disks: []api.Disk{{Id: "d", UsedBytes: 1}}}
	b := a
	b.ReadBytesPerSecond = 105
	if moved(&a, &b) || stirred(&a, &b) {
		t.Error("five percent are news")
	}
	b.ReadBytesPerSecond = 200
	if moved(&a, &b) || !stirred(&a, &b) {
		t.Error("twice as much is no news, or more than a figure")
	}
	b = a
	b.Disks = []api.Disk{{Id: "d", UsedBytes: 1, Failed: "broken"}}
	if !moved(&a, &b) {
		t.Error("a broken disk is no news")
	}
	b = a
	b.State = "draining"
	if !moved(&a, &b) {
		t.Error("a drain is no news")
	}
}

func TestMediaTypes(t *testing.T) {
	for _, name := range []string{"a.html", "a.htm", "a.svg", "a.SVG", "a.xml", "a.xhtml", "a.pdf", "a.js", "a.css", "a", "a.svgz", "a.mht", ".png.html"} {
		if got := inlineTypeOf(name); got != "" {
			t.Errorf("%s would be shown as %s", name, got)
		}
	}
	for _, typ := range inlineTypes() {
		if strings.Contains(typ, "svg") || strings.Contains(typ, "html") || strings.Contains(typ, "xml") || strings.Contains(typ, "pdf") {
			t.Errorf("%s is shown", typ)
		}
	}
	for name, want := range map[string]string{"x.svg": "image/svg+xml", "x.go": "text/plain", "x.PNG": "image/png", "x.odd": typeUnknown} {
		if got := mediaTypeOf(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

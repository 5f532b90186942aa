package admin_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"kendfs/admin"
	"kendfs/metadata"
)

func TestProblems(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	b.refused("GET", "/api/v1/no-such", nil, 404, "not_found")
	b.refused("GET", "/api/v2/health", nil, 404, "not_found")
	b.refused("GET", "/api/v1/nodes/n999", nil, 404, "not_found")
	b.refused("GET", "/api/v1/nodes?limit=0", nil, 400, "invalid")
	b.refused("GET", "/api/v1/nodes?limit=x", nil, 400, "invalid")
	b.refused("GET", "/api/v1/nodes?sort=colour", nil, 400, "invalid")
	b.refused("GET", "/api/v1/nodes?cursor=!!", nil, 400, "invalid")
	b.refused("GET", "/api/v1/nodes?colour=red", nil, 400, "invalid")
	b.refused("GET", "/api/v1/fs/entries", nil, 400, "invalid")
	b.refused("GET", "/api/v1/fs/entries?path=a", nil, 400, "invalid")
	b.refused("GET", "/api/v1/fs/entries?path=/../etc", nil, 400, "invalid")
	b.refused("GET", "/api/v1/fs/entries?path=/nowhere", nil, 404, "not_found")
	b.refused("GET", "/api/v1/metrics/query?range=5m&series=colour", nil, 400, "invalid")
	b.refused("POST", "/api/v1/fs/mkdir", strings.NewReader(strings.Repeat("x", 2<<20)), 413, "too_large")
	b.header.Set("Content-Type", "application/json")
	for _, body := range []string{`{`, `{"path":7}`, `{}`, `{"path":"/x","colour":1}`, `{"path":"/x"} {}`, `[]`, `"x"`, `null1`} {
		req, err := http.NewRequest("POST", d.http.URL+"/api/v1/fs/mkdir", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := b.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 400 {
			t.Errorf("%s: got %d, want 400", body, resp.StatusCode)
		}
	}
	if p := b.refused("POST", "/api/v1/nodes/n10/maintenance", map[string]int{"seconds": 1}, 400, "invalid"); !strings.Contains(p.Title, "60") {
		t.Errorf("got %q, want the range in it", p.Title)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, path := range []string{"/", "/d/nodes", "/api/v1/session", "/healthz", "/assets/none.js"} {
		h := d.anon().do("GET", path, nil).Header
		for name, want := range map[string]string{
			"Content-Security-Policy":    "require-trusted-types-for 'script'; trusted-types svelte-trusted-html",
			"X-Content-Type-Options":     "nosniff",
			"X-Frame-Options":            "DENY",
			"Referrer-Policy":            "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); !strings.HasSuffix(got, want) {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if csp := h.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.HasPrefix(csp, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
}

type nodeList struct {
	Items []struct {
		ID, Name, State, Liveness, Zone string
		UsedBytes                       int64 `json:"used_bytes"`
		Volumes                         int
	}
	NextCursor string `json:"next_cursor"`
	Total      int
	Stale      bool
}

func TestNodes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("olga")
	seen := map[string]bool{}
	path := "/api/v1/nodes?limit=7"
	for pages := 0; ; pages++ {
		l := get[nodeList](b, path)
		for _, n := range l.Items {
			if seen[n.ID] {
				t.Errorf("%s comes twice", n.ID)
			}
			seen[n.ID] = true
		}
		if l.NextCursor == "" {
			break
		}
		path = "/api/v1/nodes?limit=7&cursor=" + l.NextCursor
	}
	if len(seen) != 40 {
		t.Errorf("%d nodes in all pages, want 40", len(seen))
	}
	l := get[nodeList](b, "/api/v1/nodes?sort=-used&limit=100")
	for i := 1; i < len(l.Items); i++ {
		if l.Items[i].UsedBytes > l.Items[i-1].UsedBytes {
			t.Errorf("by use: %s after %s", l.Items[i].ID, l.Items[i-1].ID)
		}
	}
	if l := get[nodeList](b, "/api/v1/nodes?text=NS-"); l.Total != 3 {
		t.Errorf("text: got %d, want 3", l.Total)
	}
	b.must("PATCH", "/api/v1/nodes/n10", map[string]string{"zone": "attic"}, 200)
	d.until("the zone is known", func() bool { return get[nodeList](b, "/api/v1/nodes?text=attic").Total == 1 })
}

type impact struct {
	DryRun   bool `json:"dry_run"`
	Sentence string
	Facts    []struct {
		Label, Value string
		Danger       bool
	}
	Blockers []string
}

func TestNodeOperations(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	state := func(id string) string {
		ns, _ := d.cluster.Nodes(context.Background())
		for _, n := range ns {
			if n.ID.String() == id {
				return n.State.String()
			}
		}
		return ""
	}
	im := decode[impact](t, b.must("POST", "/api/v1/nodes/n12/drain?dry_run=true", nil, 200).body)
	if !im.DryRun || im.Sentence == "" || len(im.Facts) < 3 || len(im.Blockers) != 0 || state("n12") != "active" {
		t.Errorf("dry run of a drain: got %+v, state %s", im, state("n12"))
	}
	b.must("POST", "/api/v1/nodes/n12/drain", map[string]string{"reason": "old"}, 200)
	if state("n12") != "draining" {
		t.Errorf("got %s", state("n12"))
	}
	d.until("the snapshot has it", func() bool {
		return len(decode[impact](t, b.must("POST", "/api/v1/nodes/n12/drain?dry_run=true", nil, 200).body).Blockers) == 1
	})
	b.refused("POST", "/api/v1/nodes/n12/drain", nil, 409, "conflict")
	b.must("POST", "/api/v1/nodes/n12/activate", nil, 200)
	b.must("POST", "/api/v1/nodes/n12/maintenance", map[string]int{"seconds": 900}, 200)
	if state("n12") != "maintenance" {
		t.Errorf("got %s", state("n12"))
	}
	es, _, _ := d.cluster.Audit(context.Background(), metadata.EventQuery{Text: "node.draining", Limit: 1})
	if len(es) != 1 || es[0].Actor.Reason != "old" || es[0].Actor.Origin != "admin" {
		t.Errorf("audit: got %+v", es)
	}
	// Removing wants the name typed, and an empty node.
	b.refused("POST", "/api/v1/nodes/n13/remove", map[string]string{"confirm": "n14"}, 400, "invalid")
	b.refused("POST", "/api/v1/nodes/n13/remove", map[string]string{"confirm": "dn-0013"}, 409, "conflict")
	b.refused("POST", "/api/v1/nodes/n1/remove", map[string]string{"confirm": "ns-1"}, 409, "conflict")
	im = decode[impact](t, b.must("POST", "/api/v1/nodes/n6/remove?dry_run=true", nil, 200).body)
	if len(im.Blockers) != 1 || !strings.Contains(im.Blockers[0], "this desktop") {
		t.Errorf("removing the desktop's own node: got %+v", im)
	}
	b.must("POST", "/api/v1/nodes/n5/remove", map[string]string{"confirm": "gw-2"}, 200)
	type stop struct {
		Safe     bool
		Sentence string
	}
	if s := get[stop](b, "/api/v1/nodes/n14/safe-to-stop"); s.Sentence == "" {
		t.Error("safe-to-stop says nothing")
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *admin.Config) {
		c.Join = func(token string, roles []string) string {
			return "ken join --roles " + strings.Join(roles, ",") + " " + token
		}
	})
	b := d.as("admin")
	type token struct{ ID, Token, Command string }
	made := decode[token](t, b.must("POST", "/api/v1/tokens", map[string]any{"roles": []string{"datanode"}, "ttl_seconds": 600, "uses": 2}, 201).body)
	if !strings.HasPrefix(made.Token, "KEN1-") || !strings.HasSuffix(made.Command, made.Token) {
		t.Errorf("got %+v", made)
	}
	list := b.must("GET", "/api/v1/tokens", nil, 200)
	if strings.Contains(string(list.body), made.Token) || !strings.Contains(string(list.body), made.ID) {
		t.Errorf("the list: %s", list.body)
	}
	b.must("DELETE", "/api/v1/tokens/"+made.ID, nil, 204)
	b.refused("DELETE", "/api/v1/tokens/"+made.ID, nil, 404, "not_found")
	b.refused("POST", "/api/v1/tokens", map[string]any{"roles": []string{"nameserver"}, "ttl_seconds": 600}, 400, "invalid")
}

func TestReplication(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("olga")
	type report struct {
		Report struct {
			Repair struct {
				Paused   bool
				PausedBy string `json:"paused_by"`
				Limit    int64  `json:"limit_bytes_per_second"`
			}
		}
	}
	im := decode[impact](t, b.must("POST", "/api/v1/replication/pause?dry_run=true", map[string]int{"seconds": 600}, 200).body)
	if !im.DryRun || len(im.Facts) != 3 {
		t.Errorf("got %+v", im)
	}
	b.must("POST", "/api/v1/replication/pause", map[string]any{"seconds": 600, "reason": "backup"}, 200)
	d.until("it is paused", func() bool {
		r := get[report](b, "/api/v1/health").Report.Repair
		return r.Paused && r.PausedBy == "operator"
	})
	b.must("POST", "/api/v1/replication/resume", nil, 200)
	b.must("PUT", "/api/v1/replication/limit", map[string]int64{"bytes_per_second": 8 << 20}, 200)
	d.until("it goes on, within the limit", func() bool {
		r := get[report](b, "/api/v1/health").Report.Repair
		return !r.Paused && r.Limit == 8<<20
	})
	b.refused("PUT", "/api/v1/replication/limit", map[string]int64{"bytes_per_second": 5}, 400, "invalid")
	type volumes struct {
		Items []struct {
			ID           string
			Live, Target int
			Replicas     []struct{ Node, Name, Liveness string }
		}
		NextCursor string `json:"next_cursor"`
	}
	all, path := 0, "/api/v1/volumes?limit=500"
	for {
		l := get[volumes](b, path)
		all += len(l.Items)
		if l.NextCursor == "" {
			break
		}
		path = "/api/v1/volumes?limit=500&cursor=" + l.NextCursor
	}
	if all != 800 {
		t.Errorf("%d volumes, want 800", all)
	}
	for _, v := range get[volumes](b, "/api/v1/volumes?target=2&node=n12").Items {
		if v.Target != 2 || !strings.Contains(v.Replicas[0].Node+" "+v.Replicas[1].Node, "n12") {
			t.Errorf("got %+v", v)
		}
	}
	b.must("GET", "/api/v1/volumes/v7", nil, 200)
	b.refused("GET", "/api/v1/volumes/v99999", nil, 404, "not_found")
	b.refused("POST", "/api/v1/volumes/v99999/prioritise", nil, 404, "not_found")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	type list struct {
		Etag  string
		Items []struct {
			Name, Value, Default, Kind, Min, Max, Title string
			ChangedBy                                   string `json:"changed_by"`
		}
	}
	l := get[list](b, "/api/v1/settings")
	if len(l.Items) != 7 || l.Etag == "" {
		t.Fatalf("got %+v", l)
	}
	for _, s := range l.Items {
		if s.Title == "" || s.Kind == "" {
			t.Errorf("%+v lacks a title or a kind", s)
		}
	}
	change := map[string]any{"changes": []map[string]string{{"name": "replication", "value": "2"}, {"name": "grace", "value": "1200"}}, "reason": "less"}
	b.header.Set("If-Match", `"old"`)
	b.refused("PATCH", "/api/v1/settings", change, 412, "precondition")
	b.header.Set("If-Match", l.Etag)
	type diff struct {
		DryRun  bool `json:"dry_run"`
		Changes []struct{ Name, Old, New string }
		Etag    string
	}
	dry := decode[diff](t, b.must("PATCH", "/api/v1/settings?dry_run=true", change, 200).body)
	if !dry.DryRun || len(dry.Changes) != 2 || dry.Changes[0].Old != "3" || dry.Changes[0].New != "2" || dry.Etag != l.Etag {
		t.Errorf("got %+v", dry)
	}
	done := decode[diff](t, b.must("PATCH", "/api/v1/settings", change, 200).body)
	b.refused("PATCH", "/api/v1/settings", change, 412, "precondition")
	after := get[list](b, "/api/v1/settings")
	if after.Etag != done.Etag || after.Items[0].Value != "2" || after.Items[0].ChangedBy != "admin" {
		t.Errorf("got %+v, want the tag %s", after, done.Etag)
	}
	b.header.Set("If-Match", after.Etag)
	for _, bad := range []string{"0", "9", "two", "-1", ""} {
		b.refused("PATCH", "/api/v1/settings", map[string]any{"changes": []map[string]string{{"name": "replication", "value": bad}}}, 400, "invalid")
	}
	type past struct {
		User    string
		Changes []struct{ Name, Old, New string }
	}
	h := get[[]past](b, "/api/v1/settings/history")
	if len(h) == 0 || h[0].User != "admin" || len(h[0].Changes) != 2 || h[0].Changes[0].Old != "3" {
		t.Errorf("history: got %+v", h)
	}
	if c := get[[]struct{ Node string }](b, "/api/v1/certificates"); len(c) != 40 {
		t.Errorf("%d certificates, want 40", len(c))
	}
}

func TestActivity(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	type page struct {
		Items      []struct{ ID, Severity, Text string }
		NextCursor string `json:"next_cursor"`
	}
	seen, path := map[string]bool{}, "/api/v1/events?limit=300"
	for range 10 {
		p := get[page](b, path)
		for _, e := range p.Items {
			seen[e.ID] = true
		}
		if p.NextCursor == "" {
			break
		}
		path = "/api/v1/events?limit=300&cursor=" + p.NextCursor
	}
	if len(seen) < 1200 {
		t.Errorf("%d events in all pages, want 1,200 and more", len(seen))
	}
	for _, e := range get[page](b, "/api/v1/events?severity=critical").Items {
		if e.Severity != "critical" {
			t.Errorf("got %+v", e)
		}
	}
	if p := get[page](b, "/api/v1/audit?user=vera&limit=5"); len(p.Items) != 5 {
		t.Errorf("audit: got %d", len(p.Items))
	}
	b.must("GET", "/api/v1/tasks", nil, 200)
	b.must("GET", "/api/v1/connect", nil, 200)
	if k := get[[]struct{ Code, Meaning, Doing, Remedy string }](b, "/api/v1/health/catalogue"); len(k) < 20 {
		t.Errorf("%d kinds of checks", len(k))
	}
	b.must("PUT", "/api/v1/health/checks/DISK_FAILED/mute", map[string]int{"seconds": 3600}, 204)
	b.must("DELETE", "/api/v1/health/checks/DISK_FAILED/mute", nil, 204)
	b.refused("PUT", "/api/v1/health/checks/NONE/mute", map[string]int{"seconds": 3600}, 404, "not_found")
}

func TestDesktopLayout(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("vera")
	if got := string(b.must("GET", "/api/v1/me/desktop", nil, 200).body); got != "{}" {
		t.Errorf("got %s", got)
	}
	b.must("PUT", "/api/v1/me/desktop", map[string]any{"theme": "dark", "windows": []int{1, 2}}, 204)
	if got := string(b.must("GET", "/api/v1/me/desktop", nil, 200).body); !strings.Contains(got, `"theme":"dark"`) {
		t.Errorf("got %s", got)
	}
	b.refused("PUT", "/api/v1/me/desktop", map[string]string{"x": strings.Repeat("y", 17<<10)}, 413, "too_large")
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("vera")
	type metrics struct {
		Step    int `json:"step_seconds"`
		Times   []int64
		Columns []struct {
			Series, Node string
			Values       []*float64
		}
	}
	known := func(m metrics) (n int) {
		for _, v := range m.Columns[0].Values {
			if v != nil {
				n++
			}
		}
		return n
	}
	d.until("figures come", func() bool {
		return known(get[metrics](b, "/api/v1/metrics/query?range=5m&series=read_bytes,latency_p99")) >= 2
	})
	m := get[metrics](b, "/api/v1/metrics/query?range=5m&series=read_bytes,latency_p99")
	if m.Step != 1 || len(m.Times) != 300 || len(m.Columns) != 2 || len(m.Columns[1].Values) != 300 {
		t.Errorf("got step %d, %d times, %d columns", m.Step, len(m.Times), len(m.Columns))
	}
	m = get[metrics](b, "/api/v1/metrics/query?range=7d&series=used_bytes&node=n12,n13")
	if len(m.Columns) != 2 || m.Columns[0].Node != "n12" || len(m.Times) > 2160 {
		t.Errorf("got %d columns, %d times", len(m.Columns), len(m.Times))
	}
	b.refused("GET", "/api/v1/metrics/query?range=5m&series=read_bytes&node=n12,n13,n14,n15,n16,n17,n18", nil, 400, "invalid")
}

// When no nameserver answers, what was known stays and says that it is old; a
// new process knows it, too; and when they are back, all is as before.
func TestBlind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(c *admin.Config) { c.Dir = dir }
	d := newDesk(t, in)
	b := d.as("vera")
	type healthAnswer struct {
		Stale       bool
		LastVerdict string    `json:"last_verdict"`
		AsOf        time.Time `json:"as_of"`
		Report      struct {
			Verdict, Sentence string
			Volumes           struct{ Volumes int }
		}
	}
	before := get[healthAnswer](b, "/api/v1/health")
	if before.Stale || before.Report.Verdict == "unknown" {
		t.Fatalf("got %+v", before)
	}
	d.cluster.away.Store(true)
	d.until("it says that it is stale", func() bool { return get[healthAnswer](b, "/api/v1/health").Stale })
	h := get[healthAnswer](b, "/api/v1/health")
	if h.Report.Verdict != "unknown" || h.LastVerdict == "" || h.Report.Volumes.Volumes != 800 || !strings.Contains(h.Report.Sentence, "Blind since") {
		t.Errorf("got %+v", h)
	}
	if l := get[nodeList](b, "/api/v1/nodes"); !l.Stale || l.Total != 40 {
		t.Errorf("nodes: stale %v, %d", l.Stale, l.Total)
	}
	b.must("GET", "/healthz", nil, 200)
	d.until("it is not ready", func() bool { return b.status("GET", "/readyz", nil) == 503 })

	d.restart(in)
	h = get[healthAnswer](b, "/api/v1/health")
	if !h.Stale || h.Report.Volumes.Volumes != 800 || h.AsOf.Before(before.AsOf) {
		t.Errorf("after a restart: got %+v", h)
	}
	d.cluster.away.Store(false)
	d.until("it sees again", func() bool { return !get[healthAnswer](b, "/api/v1/health").Stale })
}

// A hundred readers cost the nameservers as much as none.
func TestOneSubscription(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("vera")
	before := d.cluster.asked.Load()
	began := time.Now()
	for range 100 {
		b.must("GET", "/api/v1/health", nil, 200)
	}
	took := time.Since(began)
	if n := d.cluster.asked.Load() - before; n > int64(took/time.Second)*2+3 {
		t.Errorf("100 readings in %v asked the nameservers %d times", took, n)
	}
}

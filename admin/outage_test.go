package admin_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"kendfs/admin"
	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// out is an error when the whole cluster is out of reach.
func (f *flaky) down() error {
	if f.out.Load() {
		return errAway()
	}
	return nil
}

func orDown[T any](f *flaky, ask func() (T, error)) (T, error) {
	if err := f.down(); err != nil {
		var zero T
		return zero, err
	}
	return ask()
}

func orDone(f *flaky, do func() error) error {
	if err := f.down(); err != nil {
		return err
	}
	return do()
}

func (f *flaky) Nodes(ctx context.Context) ([]metadata.Node, error) {
	return orDown(f, func() ([]metadata.Node, error) { return f.made.Nodes(ctx) })
}
func (f *flaky) Cluster(ctx context.Context) (metadata.ClusterInfo, error) {
	return orDown(f, func() (metadata.ClusterInfo, error) { return f.made.Cluster(ctx) })
}
func (f *flaky) Events(ctx context.Context, q metadata.EventQuery) ([]metadata.Event, bool, error) {
	if err := f.down(); err != nil {
		return nil, false, err
	}
	return f.made.Events(ctx, q)
}
func (f *flaky) Audit(ctx context.Context, q metadata.EventQuery) ([]metadata.AuditRecord, bool, error) {
	if err := f.down(); err != nil {
		return nil, false, err
	}
	return f.made.Audit(ctx, q)
}
func (f *flaky) RecordAudit(ctx context.Context, r metadata.AuditRecord) error {
	return orDone(f, func() error { return f.made.RecordAudit(ctx, r) })
}
func (f *flaky) Set(ctx context.Context, v map[string]int64) error {
	return orDone(f, func() error { return f.made.Set(ctx, v) })
}
func (f *flaky) SetIf(ctx context.Context, revision uint64, v map[string]int64) error {
	return orDone(f, func() error { return f.made.SetIf(ctx, revision, v) })
}
func (f *flaky) Mute(ctx context.Context, code string, until time.Time) error {
	return orDone(f, func() error { return f.made.Mute(ctx, code, until) })
}
func (f *flaky) Lookup(ctx context.Context, p metadata.Path, o metadata.LookupOptions) (metadata.Entry, error) {
	return orDown(f, func() (metadata.Entry, error) { return f.made.Lookup(ctx, p, o) })
}
func (f *flaky) List(ctx context.Context, p metadata.Path, o metadata.ListOptions) (metadata.Page, error) {
	return orDown(f, func() (metadata.Page, error) { return f.made.List(ctx, p, o) })
}
func (f *flaky) Quota(ctx context.Context, p metadata.Path) (metadata.Quota, error) {
	return orDown(f, func() (metadata.Quota, error) { return f.made.Quota(ctx, p) })
}
func (f *flaky) Mkdir(ctx context.Context, p metadata.Path, g metadata.Guard) (metadata.Entry, error) {
	return orDown(f, func() (metadata.Entry, error) { return f.made.Mkdir(ctx, p, g) })
}
func (f *flaky) Rename(ctx context.Context, a, b metadata.Path, g metadata.Guard, over bool) (bool, error) {
	return orDown(f, func() (bool, error) { return f.made.Rename(ctx, a, b, g, over) })
}
func (f *flaky) Copy(ctx context.Context, a, b metadata.Path, g metadata.Guard, o metadata.CopyOptions) (bool, error) {
	return orDown(f, func() (bool, error) { return f.made.Copy(ctx, a, b, g, o) })
}
func (f *flaky) Commit(ctx context.Context, p metadata.Path, g metadata.Guard, c metadata.Commit) (metadata.Committed, error) {
	return orDown(f, func() (metadata.Committed, error) { return f.made.Commit(ctx, p, g, c) })
}
func (f *flaky) SetNode(ctx context.Context, id metadata.NodeID, c metadata.NodeChange) (metadata.Node, error) {
	return orDown(f, func() (metadata.Node, error) { return f.made.SetNode(ctx, id, c) })
}
func (f *flaky) SafeToStop(ctx context.Context, ids ...metadata.NodeID) (health.StopFacts, error) {
	return orDown(f, func() (health.StopFacts, error) { return f.made.SafeToStop(ctx, ids...) })
}
func (f *flaky) ZoneFacts(ctx context.Context, id metadata.NodeID, zone string) (health.ZoneFacts, error) {
	return orDown(f, func() (health.ZoneFacts, error) { return f.made.ZoneFacts(ctx, id, zone) })
}
func (f *flaky) Prioritise(ctx context.Context, v metadata.VolumeID) error {
	return orDone(f, func() error { return f.made.Prioritise(ctx, v) })
}
func (f *flaky) ListVolumes(ctx context.Context, after metadata.VolumeID, limit int) ([]metadata.Volume, bool, error) {
	if err := f.down(); err != nil {
		return nil, false, err
	}
	return f.made.ListVolumes(ctx, after, limit)
}
func (f *flaky) Volumes(ctx context.Context, ids []metadata.VolumeID) ([]metadata.VolumeView, error) {
	return orDown(f, func() ([]metadata.VolumeView, error) { return f.made.Volumes(ctx, ids) })
}
func (f *flaky) Tokens(ctx context.Context) ([]admin.Token, error) {
	return orDown(f, func() ([]admin.Token, error) { return f.made.Tokens(ctx) })
}
func (f *flaky) CreateToken(ctx context.Context, roles []string, ttl time.Duration, uses int) (admin.Token, string, error) {
	if err := f.down(); err != nil {
		return admin.Token{}, "", err
	}
	return f.made.CreateToken(ctx, roles, ttl, uses)
}
func (f *flaky) DeleteToken(ctx context.Context, id string) error {
	return orDone(f, func() error { return f.made.DeleteToken(ctx, id) })
}
func (f *flaky) Users(ctx context.Context, after string, limit int) ([]metadata.User, bool, error) {
	if err := f.down(); err != nil {
		return nil, false, err
	}
	return f.made.Users(ctx, after, limit)
}
func (f *flaky) PutUser(ctx context.Context, u metadata.User, create bool) error {
	return orDone(f, func() error { return f.made.PutUser(ctx, u, create) })
}
func (f *flaky) SetPassword(ctx context.Context, u metadata.User) error {
	return orDone(f, func() error { return f.made.SetPassword(ctx, u) })
}
func (f *flaky) GetDesktop(ctx context.Context, user string) ([]byte, error) {
	return orDown(f, func() ([]byte, error) { return f.made.GetDesktop(ctx, user) })
}
func (f *flaky) PutDesktop(ctx context.Context, user string, b []byte) error {
	return orDone(f, func() error { return f.made.PutDesktop(ctx, user, b) })
}

// bodies has a good body for every operation that wants one.
func bodies() map[string]string {
	return map[string]string{
		"putDesktop": `{"a":1}`, "muteCheck": `{"seconds":600}`, "changeNode": `{"zone":"z"}`, "zoneNode": `{"zone":"z"}`, "maintainNode": `{"seconds":600}`,
		"removeNode": `{"confirm":"dn-0012"}`, "createToken": `{"roles":["datanode"],"ttl_seconds":600}`, "limitRepair": `{"bytes_per_second":0}`,
		"pauseRepair": `{"seconds":600}`, "makeDirectory": `{"path":"/x"}`, "moveEntry": `{"from":"/a","to":"/b","overwrite":false}`,
		"copyEntry": `{"from":"/a","to":"/b","overwrite":false}`, "deleteEntries": `{"paths":["/a"]}`,
		"changeAttributes": `{"path":"/Photos","replication":2}`, "beginUpload": `{"path":"/x","size":1}`,
		"createUser": `{"name":"new","role":"viewer","password":"a good password"}`, "changeUser": `{"role":"reader"}`,
		"setPassword": `{"password":"a good password"}`, "deleteUser": `{"confirm":"vera"}`,
		"changeSettings": `{"changes":[{"name":"replication","value":"2"}]}`, "changeOwnPassword": `{"old":"demonstration","new":"a good password"}`,
	}
}

// queries has a good query for every operation that wants one.
func queries() map[string]string {
	return map[string]string{
		"queryMetrics": "range=1h&series=reads", "impactOfNodes": "act=maintenance&node=n12", "listEntries": "path=/", "indexEntries": "path=/", "statEntry": "path=/Photos",
		"listBlocks": "path=/Documents/minutes.md", "searchEntries": "path=/&text=a", "readContent": "path=/Documents/minutes.md",
		"readArchive": "path=/Documents",
	}
}

// queryOf is a query that the operation takes: the first word of every list that
// must be given, where nothing better is known.
func queryOf(r *api.Rule) string {
	if q := queries()[r.Operation]; q != "" {
		return q
	}
	q := url.Values{}
	for _, p := range r.Params {
		if p.In != "query" || !p.Required {
			continue
		}
		words := p.Schema.Enum
		if p.Schema.Items != nil {
			words = p.Schema.Items.Enum
		}
		q.Set(p.Name, append(words, "x")[0])
	}
	return q.Encode()
}

// fresh are the operations that cannot answer without a nameserver; all others
// that only look answer from what is known.
func fresh() map[string]bool {
	return map[string]bool{
		"getDesktop": true, "safeToStop": true, "impactOfNodes": true, "listTokens": true, "listVolumes": true, "getVolume": true,
		"listEntries": true, "indexEntries": true, "statEntry": true, "listBlocks": true, "searchEntries": true, "readContent": true, "readArchive": true,
		"listEvents": true, "listAudit": true, "listUsers": true, "listSettingChanges": true,
	}
}

// TestOutage walks the table while no nameserver answers: what only looks is
// answered from what is known, or refused as unavailable; what changes something
// is refused; and nothing ends in an error that nobody foresaw.
func TestOutage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	b := d.as("admin")
	get[any](b, "/api/v1/nodes")
	d.cluster.away.Store(true)
	d.cluster.out.Store(true)
	d.until("the snapshot is stale", func() bool {
		return get[struct{ Stale bool }](b, "/api/v1/health").Stale
	})
	own := map[string]bool{ // answered by this process alone
		"deleteEntries": true, // says so of each entry
		"getSession":    true, "listSessions": true, "getUpload": true, "cancelUpload": true, "continueUpload": true,
	}
	for _, r := range rules(t) {
		switch r.Operation {
		case "signOut", "signIn", "setUp", "confirmPassword", "endSession", "live":
			continue // below, or in tests of their own
		}
		path := "/api/v1" + strings.NewReplacer("/nodes/{id}", "/nodes/n12", "/volumes/{id}", "/volumes/v12", "{id}", "x", "{name}", "vera", "{code}", "NODE_DOWN").Replace(r.Path)
		req, err := http.NewRequest(r.Method, d.http.URL+path+"?"+queryOf(&r), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := bodies()[r.Operation]; text != "" {
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
			req.Header.Set("Content-Type", "application/json")
		}
		req.Header.Set("If-Match", `"x"`)
		resp, err := b.client.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", r.Operation, err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		switch {
		case own[r.Operation]:
			if resp.StatusCode >= 500 {
				t.Errorf("%s: got %d %.200s", r.Operation, resp.StatusCode, text)
			}
		case r.Method == "GET" && !fresh()[r.Operation]:
			if resp.StatusCode != 200 {
				t.Errorf("%s: got %d %.200s, want what is known", r.Operation, resp.StatusCode, text)
			}
		default:
			if resp.StatusCode != 503 || !bytes.Contains(text, []byte(`"unavailable"`)) {
				t.Errorf("%s: got %d %.200s, want 503 unavailable", r.Operation, resp.StatusCode, text)
			}
		}
	}
	d.anon().refused("POST", "/api/v1/session", map[string]string{"user": "vera", "password": "demonstration"}, 503, "unavailable")
	// Signing out needs nobody.
	b.must("DELETE", "/api/v1/session", nil, 204)
	b.refused("GET", "/api/v1/health", nil, 401, "signed_out")
}

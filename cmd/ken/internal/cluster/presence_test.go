package cluster

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// eventually asks until it is so, for as long as a busy machine may take.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			t.Fatalf("not in two minutes: %s", what)
		}
	}
}

// TestNodesSayWhoTheyAre: a node has a storage server and a nameserver, each
// with what it does.
func TestNodesSayWhoTheyAre(t *testing.T) {
	n, c, _ := owner(t)
	ctx := t.Context()
	var me metadata.Node
	eventually(t, "the node is known", func() bool {
		ns, err := c.Meta.Nodes(ctx)
		if err != nil || len(ns) != 1 {
			return false
		}
		me = ns[0]
		return !me.Heard.IsZero() && me.Commands.Writes > 0 && !me.Started.IsZero()
	})
	if !me.CertExpires.Equal(n.certExpires()) || me.Liveness != metadata.LivenessUp {
		t.Errorf("%+v", me)
	}
	if d := me.ClockSkew; d > time.Second || d < -time.Second {
		t.Errorf("its clock is %v ahead of itself", d)
	}
	if me.Commands.Reads == 0 || len(me.Commands.Latency) != metadata.TrafficBuckets || me.Commands.Started.IsZero() {
		t.Errorf("the nameserver's figures: %+v", me.Commands)
	}
	var r health.Report
	eventually(t, "the leader has judged", func() bool {
		var err error
		r, err = c.Meta.Report(ctx)
		return err == nil && r.Voters == 1
	})
	if r.VotersHealthy != 1 || r.Nameserver.Leader != "n1" || r.Nameserver.Term == 0 || r.Nameserver.Applied == 0 || r.Cluster == "" {
		t.Errorf("nameservers: %+v of %+v", r.Nameserver, r)
	}
	if !slices.ContainsFunc(r.Checks, func(k health.Check) bool { return k.Code == health.OneVoter }) {
		t.Errorf("checks: %+v", r.Checks)
	}
}

// TestChangesAreAudited: what the command line changes is recorded as the
// owner's, from this node's certificate.
func TestChangesAreAudited(t *testing.T) {
	_, c, _ := owner(t)
	ctx := t.Context()
	if _, err := SetNodeState(ctx, c, "n1", metadata.NodeMaintenance); err != nil {
		t.Fatal(err)
	}
	if _, err := SetNodeState(ctx, c, "n1", metadata.NodeRemoved); err == nil {
		t.Error("the only nameserver was removed")
	}
	rs, _, err := c.Meta.Audit(ctx, metadata.EventQuery{Limit: 2})
	if err != nil || len(rs) != 2 {
		t.Fatal(rs, err)
	}
	if r := rs[0]; r.Action != "node.remove" || r.Outcome != "conflict" || r.Text == "" {
		t.Errorf("the refusal: %+v", r)
	}
	if r := rs[1]; r.Action != "node.maintenance" || r.Outcome != "ok" || r.Actor.Origin != "cli" || r.Actor.Node == 0 || r.Target != "n1" {
		t.Errorf("the change: %+v", r)
	}
	es, _, err := c.Meta.Events(ctx, metadata.EventQuery{Text: "maintenance"})
	if err != nil || len(es) != 1 || es[0].Code != "MAINTENANCE_STARTED" {
		t.Errorf("events: %+v, %v", es, err)
	}
}

// TestGatewayGivesSignsOfLife: who has nothing to write is heard of all the same.
func TestGatewayGivesSignsOfLife(t *testing.T) {
	c, _ := gate(t)
	eventually(t, "the gateway is heard", func() bool {
		ns, err := c.Meta.Nodes(t.Context())
		return err == nil && len(ns) == 1 && ns[0].Liveness == metadata.LivenessUp && !ns[0].Gateway.Started.IsZero() &&
			!ns[0].CertExpires.IsZero()
	})
}

// TestWrongPasswordsAreAudited: who guesses at the drive is in the audit, at a
// pace that costs the nameserver little.
func TestWrongPasswordsAreAudited(t *testing.T) {
	c, drive := gate(t)
	for range failuresWaiting * 2 {
		r, err := http.NewRequestWithContext(t.Context(), "PROPFIND", drive, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("eve", "guess")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
			break // it is slowed down
		}
	}
	var rs []metadata.AuditRecord
	eventually(t, "the failure is recorded", func() bool {
		rs, _, _ = c.Meta.Audit(t.Context(), metadata.EventQuery{Text: "login.failed"})
		return len(rs) > 0
	})
	if r := rs[0]; r.Actor.User != "eve" || r.Actor.Origin != "gateway" || !strings.HasPrefix(r.Actor.Remote, "127.0.0.1") || len(rs) > 3 {
		t.Errorf("%d records: %+v", len(rs), r)
	}
}

// gate starts a node with a gateway and no storage.
func gate(t *testing.T) (c *Client, drive string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "gate")
	n := startAt(t, dir, func(dir string) {
		_, err := Init(t.Context(), dir, InitOptions{Config: Config{
			Name: "gate", Roles: []string{metadata.NodeNameserver, metadata.NodeWebDAV}, Listen: "127.0.0.1:0",
			WebDAV: WebDAVConfig{Listen: "127.0.0.1:0"},
		}})
		if err != nil {
			t.Fatal(err)
		}
	})
	c, err := Connect(t.Context(), dir, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c, n.Running().WebDAV
}

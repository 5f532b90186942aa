package metarpc

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// TestDesktopCalls sends every field of what an operator's desktop asks for
// through the wire.
func TestDesktopCalls(t *testing.T) {
	w := newWired(t)
	admin := w.client(metadata.NodeAdmin)
	ctx := t.Context()
	if got, err := admin.Report(ctx); err != nil || !reflect.DeepEqual(got, sampleReport()) {
		t.Errorf("report: got %+v, %v", got, err)
	}
	if got, err := admin.Repairs(ctx); err != nil || !reflect.DeepEqual(got, sampleRepairs()) {
		t.Errorf("repairs: got %+v, %v", got, err)
	}
	ids := []metadata.NodeID{2, 3}
	if got, err := admin.SafeToStop(ctx, ids...); err != nil || !got.Safe || !reflect.DeepEqual(w.leader.last(), ids) {
		t.Errorf("safe to stop: got %+v, %v for %v", got, err, w.leader.last())
	}
	if got, err := admin.ZoneFacts(ctx, 2, "attic"); err != nil || got.Zone != "attic" || got.MoveBytes != 5 || w.leader.last() != metadata.NodeID(2) {
		t.Errorf("another zone: got %+v, %v for %v", got, err, w.leader.last())
	}
	if got, err := admin.Watch(ctx, 1<<63); err != nil || got != 1<<63+1 || w.leader.last() != uint64(1<<63) {
		t.Errorf("watch: got %d, %v for %v", got, err, w.leader.last())
	}
	if err := admin.Prioritise(ctx, 7); err != nil || w.leader.last() != metadata.VolumeID(7) {
		t.Errorf("prioritise: %v for %v", err, w.leader.last())
	}
	// Errors keep their kinds.
	w.leader.mu.Lock()
	w.leader.err = metadata.Errorf(metadata.KindNotFound, "there is no node n9")
	w.leader.mu.Unlock()
	_, errStop := admin.SafeToStop(ctx, 9)
	_, errZone := admin.ZoneFacts(ctx, 9, "")
	_, errRepairs := admin.Repairs(ctx)
	_, errReport := admin.Report(ctx)
	_, errWatch := admin.Watch(ctx, 0)
	for i, err := range []error{errStop, errZone, errRepairs, errReport, errWatch, admin.Prioritise(ctx, 1)} {
		if metadata.KindOf(err) != metadata.KindNotFound {
			t.Errorf("call %d: got %v", i, err)
		}
	}
}

// TestPresence: a gateway says who it is with every renewal, and cannot be
// another node.
func TestPresence(t *testing.T) {
	w := newWired(t)
	node := metadata.NodeID(w.next)
	said := metadata.Presence{
		Node: 99, Version: "v7", Started: sampleTime(), CertExpires: sampleTime(),
		Traffic: metadata.Traffic{Started: sampleTime(), Reads: 1, Writes: 2, BytesRead: 3, BytesWritten: 4, Errors: 5, Latency: []int64{1, 2}},
	}
	plain := w.client(metadata.NodeWebDAV)
	gateway := plain.Introduce(func() metadata.Presence { return said })
	check := func(session metadata.SessionID) {
		t.Helper()
		got, ok := w.leader.last().(renewCall)
		if !ok || got.S != session || got.P.Node != node || got.P.Sent.IsZero() {
			t.Fatalf("arrived as %+v", w.leader.last())
		}
		got.P.Node, got.P.Sent = said.Node, time.Time{}
		if !reflect.DeepEqual(got.P, said) {
			t.Errorf("arrived as %+v, want %+v", got.P, said)
		}
	}
	if err := gateway.RenewSession(t.Context(), 9); err != nil {
		t.Fatal(err)
	}
	check(9)
	if err := gateway.Present(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(0)
	if err := plain.RenewSession(t.Context(), 9); err != nil {
		t.Fatal(err)
	}
	if got := w.leader.last().(renewCall); !got.P.Sent.IsZero() || got.P.Version != "" {
		t.Errorf("who says nothing is heard as %+v", got.P)
	}
	// A crowd of buckets is cut.
	said.Traffic.Latency = make([]int64, 100)
	if err := gateway.Present(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.leader.last().(renewCall); len(got.P.Traffic.Latency) != metadata.TrafficBuckets {
		t.Errorf("%d buckets arrived", len(got.P.Traffic.Latency))
	}
}

// TestActors: the audit says whose certificate made the call, whatever the
// caller claims.
func TestActors(t *testing.T) {
	w := newWired(t)
	owner := w.client(metadata.NodeClient)
	state := metadata.NodeDraining
	for _, tc := range []struct {
		name   string
		roles  []string
		claim  *metadata.Actor
		origin string
		user   string
	}{
		{"an admin for a user", []string{metadata.NodeAdmin}, &metadata.Actor{User: "ann", Origin: OriginAdmin, Node: 55, Remote: "10.1.1.1", Request: "r7", Reason: "why"}, OriginAdmin, "ann"},
		{"an admin as the command line", []string{metadata.NodeAdmin}, &metadata.Actor{User: "ann", Origin: OriginCLI}, OriginAdmin, "ann"},
		{"the owner", []string{metadata.NodeClient}, nil, OriginCLI, ""},
		{"both", []string{metadata.NodeClient, metadata.NodeAdmin}, &metadata.Actor{Origin: OriginAdmin}, OriginAdmin, ""},
	} {
		node := metadata.NodeID(w.next)
		c := w.client(tc.roles...)
		ctx := t.Context()
		if tc.claim != nil {
			ctx = WithActor(ctx, *tc.claim)
		}
		if _, err := c.SetNode(ctx, 1, metadata.NodeChange{State: &state}); err != nil {
			t.Fatal(err)
		}
		rs, _, err := owner.Audit(t.Context(), metadata.EventQuery{Limit: 1})
		if err != nil || len(rs) != 1 {
			t.Fatal(rs, err)
		}
		a := rs[0].Actor
		if a.Node != node || a.Origin != tc.origin || a.User != tc.user || rs[0].Action != "node.drain" || rs[0].Target != "n1" {
			t.Errorf("%s: recorded as %+v", tc.name, rs[0])
		}
		if tc.claim != nil && (a.Remote != tc.claim.Remote || a.Request != tc.claim.Request || a.Reason != tc.claim.Reason) {
			t.Errorf("%s: recorded as %+v", tc.name, a)
		}
	}
	if got := actorOf(quicwire.Peer{Identity: quicwire.Identity{Node: 5, Roles: []string{metadata.NodeDatanode}}}, nil); got.Origin != "node" || got.Node != 5 {
		t.Errorf("a storage server is %v", got)
	}
	if got := actorOf(quicwire.Peer{Identity: quicwire.Identity{Node: 5, Roles: []string{metadata.NodeNameserver}}}, &metapb.Actor{Origin: ""}); got.Origin != "" {
		t.Errorf("a nameserver is %v", got)
	}
}

// TestOperatorsWishes stores and reads everything that operators keep.
func TestOperatorsWishes(t *testing.T) {
	m := newMemory(t)
	c := NewClient(m, NoLeader{})
	ctx := WithActor(t.Context(), metadata.Actor{User: "ann", Origin: OriginAdmin})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	state, zone, name, until := metadata.NodeMaintenance, "attic", "uno", m.clock().Add(time.Hour).UTC()
	n, err := c.SetNode(ctx, 1, metadata.NodeChange{State: &state, Until: &until, Zone: &zone, Name: &name})
	must(err)
	if n.State != state || !n.Until.Equal(until) || n.Zone != zone || n.Name != name || n.Addr != "a:1" || n.StateSince.IsZero() {
		t.Errorf("set node: %+v", n)
	}
	// A change of one part leaves the others to whoever changes them.
	addr := NewDecider(m).AnnounceDisks(ctx, 1, "b:2", "", nil)
	must(addr)
	state = metadata.NodeActive
	n, err = c.SetNode(ctx, 1, metadata.NodeChange{State: &state})
	must(err)
	if n.Addr != "b:2" || !n.Until.IsZero() || n.Zone != zone {
		t.Errorf("set state: %+v", n)
	}

	must(c.Set(ctx, map[string]int64{
		metadata.SettingReplication: 3, metadata.SettingGrace: 60, metadata.SettingReadOnly: 1, metadata.SettingRepairRate: 5 << 20,
		metadata.SettingRepairPaused: m.clock().Add(time.Hour).Unix(), metadata.SettingSuspectAfter: 2000, metadata.SettingDownAfter: 9000,
	}))
	info, err := c.Cluster(ctx)
	must(err)
	if info.Replication != 3 || info.Grace != time.Minute || !info.ReadOnly || info.RepairBytesPerSecond != 5<<20 ||
		info.SuspectAfter != 2*time.Second || info.DownAfter != 9*time.Second || info.RepairPausedUntil.IsZero() {
		t.Errorf("settings: %+v", info)
	}
	settings, err := c.Settings(ctx)
	must(err)
	if len(settings) != 7 || settings[0].Value != 3 {
		t.Errorf("settings: %+v", settings)
	}
	must(c.Set(ctx, map[string]int64{metadata.SettingRepairPaused: 0, metadata.SettingReadOnly: 0}))
	for name, v := range map[string]int64{
		"colour": 1, metadata.SettingReplication: 0, metadata.SettingReadOnly: 2, metadata.SettingGrace: -1,
		metadata.SettingDownAfter: -5, metadata.SettingSuspectAfter: 1 << 60, metadata.SettingRepairRate: 3, metadata.SettingRepairPaused: 1,
	} {
		if err := c.Set(ctx, map[string]int64{name: v}); err == nil {
			t.Errorf("%s = %d is taken", name, v)
		}
	}

	must(c.Mute(ctx, health.NodeDown, m.clock().Add(time.Hour)))
	mutes, err := c.Mutes(ctx)
	must(err)
	if len(mutes) != 1 || mutes[0].Code != health.NodeDown || mutes[0].User != "ann" || mutes[0].Since.IsZero() {
		t.Errorf("mutes: %+v", mutes)
	}
	must(c.PutDesktop(ctx, "root", []byte("{}")))
	if b, err := c.GetDesktop(ctx, "root"); err != nil || string(b) != "{}" {
		t.Errorf("desktop: %q, %v", b, err)
	}
	if b, err := c.GetDesktop(ctx, "nobody"); err != nil || b != nil {
		t.Errorf("desktop of nobody: %q, %v", b, err)
	}
}

func TestEventsAndAudit(t *testing.T) {
	m := newMemory(t)
	c, d := NewClient(m, nil), NewDecider(m)
	ctx := t.Context()
	es := []metadata.Event{
		{Severity: "warning", Code: "NODE_DOWN", Node: 2, Subject: "n2", Text: "two (n2) is down."},
		{Severity: "info", Code: "NODE_UP", Node: 2, Subject: "n2", Text: "two is back\xff."},
	}
	if err := d.RecordEvents(ctx, es); err != nil {
		t.Fatal(err)
	}
	got, more, err := c.Events(ctx, metadata.EventQuery{})
	if err != nil || more || len(got) != 2 || got[0].ID != 2 || got[0].Text != "two is back\uFFFD." {
		t.Fatalf("got %+v, %v, %v", got, more, err)
	}
	es[0].ID, es[0].Time = 1, got[1].Time
	if got[1] != es[0] || got[1].Time.IsZero() {
		t.Errorf("got %+v, want %+v", got[1], es[0])
	}
	q := metadata.EventQuery{Before: 9, After: 1, Limit: 5, Severity: "info", Node: 2, Text: "BACK", Since: got[0].Time, Until: got[0].Time.Add(1)}
	if got, _, err := c.Events(ctx, q); err != nil || len(got) != 1 || got[0].ID != 2 {
		t.Errorf("selected: %+v, %v", got, err)
	}
	want := metadata.AuditRecord{
		Actor:  metadata.Actor{User: "ann", Origin: OriginAdmin, Node: 3, Remote: "10.0.0.1", Request: "r1", Reason: "audit of logs"},
		Action: "download", Target: "/a", Detail: "5 B", Outcome: "ok", Text: "t",
	}
	if err := c.RecordAudit(ctx, want); err != nil {
		t.Fatal(err)
	}
	rs, _, err := c.Audit(ctx, metadata.EventQuery{User: "ann"})
	if err != nil || len(rs) != 1 {
		t.Fatalf("got %+v, %v", rs, err)
	}
	want.ID, want.Time = rs[0].ID, rs[0].Time
	if rs[0] != want || want.Time.IsZero() {
		t.Errorf("got %+v, want %+v", rs[0], want)
	}
	if err := c.RecordAudit(ctx, metadata.AuditRecord{Action: "Not An Action", Outcome: "ok"}); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("an action of capitals: %v", err)
	}
	if info, err := c.Cluster(ctx); err != nil || info.LastEvent != 2 || info.LastAudit != rs[0].ID {
		t.Errorf("newest ids: %+v, %v", info, err)
	}
	if qs, next, err := c.Quotas(ctx, 0, 90); err != nil || len(qs) != 0 || next != 0 {
		t.Errorf("quotas: %v, %d, %v", qs, next, err)
	}
}

func TestNoLeader(t *testing.T) {
	ctx := t.Context()
	for name, c := range map[string]*Client{"none": NewClient(newMemory(t), nil), "one that does not lead": NewClient(newMemory(t), NoLeader{})} {
		errs := map[string]error{"prioritise": c.Prioritise(ctx, 1), "present": c.Present(ctx), "renew": c.RenewSession(ctx, 1)}
		_, errs["report"] = c.Report(ctx)
		_, errs["repairs"] = c.Repairs(ctx)
		_, errs["stop"] = c.SafeToStop(ctx, 1)
		_, errs["zone"] = c.ZoneFacts(ctx, 1, "")
		_, errs["watch"] = c.Watch(ctx, 0)
		_, errs["heartbeat"] = c.Heartbeat(ctx, metadata.Heartbeat{})
		_, errs["grant"] = c.Grant(ctx, metadata.GrantRequest{})
		_, errs["drop"] = c.DropReplica(ctx, 1, metadata.LeaseProof{}, metadata.Replica{})
		_, errs["volumes"] = c.Volumes(ctx, nil)
		_, errs["nodes"] = c.Nodes(ctx)
		for what, err := range errs {
			if metadata.KindOf(err) != metadata.KindUnavailable {
				t.Errorf("%s, %s: got %v", name, what, err)
			}
		}
	}
}

func TestMeter(t *testing.T) {
	m := newMemory(t)
	c := NewClient(Meter(m), nil)
	metered := c.backend.(*Metered)
	ctx := t.Context()
	_, _ = c.Mkdir(ctx, "/a", metadata.Guard{})
	_, _ = c.Mkdir(ctx, "/a", metadata.Guard{}) // refused, and so done
	_, _ = c.Lookup(ctx, "/a", metadata.LookupOptions{})
	_, _ = c.Lookup(ctx, "/nothing", metadata.LookupOptions{})
	m.setRefuse(func() error { return metadata.Errorf(metadata.KindUnavailable, "no majority") })
	if _, err := c.Mkdir(ctx, "/b", metadata.Guard{}); err == nil {
		t.Error("applied without a majority")
	}
	if got := metered.Traffic(); got.Writes != 2 || got.Reads != 2 || got.Errors != 1 || got.Started.IsZero() {
		t.Errorf("counted %+v", got)
	}
}

func TestWhatDoesNotDecode(t *testing.T) {
	if _, err := decoded[health.Report]([]byte("{")); metadata.KindOf(err) != metadata.KindInternal || !strings.Contains(err.Error(), "decode") {
		t.Errorf("got %v", err)
	}
	if _, err := encoded(1, context.Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// slowLeader answers a Watch after that time.
type slowLeader struct {
	NoLeader
	wait time.Duration
}

func (s slowLeader) Watch(ctx context.Context, after uint64) (uint64, error) {
	select {
	case <-time.After(s.wait):
		return after, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// TestWatchOutlastsAnAttempt: a Watch waits longer than other calls may take,
// and ends when its caller gives up.
func TestWatchOutlastsAnAttempt(t *testing.T) {
	t.Parallel()
	w := newWired(t)
	w.srv.Leader = slowLeader{wait: attemptMax + 200*time.Millisecond}
	c := w.client(metadata.NodeAdmin)
	began := time.Now()
	if v, err := c.Watch(t.Context(), 7); err != nil || v != 7 || time.Since(began) < attemptMax {
		t.Errorf("got %d, %v after %v", v, err, time.Since(began))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Watch(ctx, 7); metadata.KindOf(err) != metadata.KindTimeout {
		t.Errorf("given up: %v", err)
	}
}

package metarpc

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

func wantKind(t *testing.T, err error, want metadata.Kind) {
	t.Helper()
	if err == nil || metadata.KindOf(err) != want {
		t.Errorf("got error %v, want kind %v", err, want)
	}
}

// both runs a test against the nameserver in this process and over QUIC.
func both(t *testing.T, f func(t *testing.T, c *Client, leader *records)) {
	t.Run("local", func(t *testing.T) {
		l := &records{}
		f(t, NewClient(newMemory(t), l), l)
	})
	t.Run("remote", func(t *testing.T) {
		w := newWired(t)
		f(t, w.client(metadata.NodeClient), w.leader)
	})
}

func TestTree(t *testing.T) {
	both(t, func(t *testing.T, c *Client, _ *records) {
		ctx := t.Context()
		for i := range 5 {
			if _, err := c.Mkdir(ctx, metadata.Path(fmt.Sprintf("/d%d", i)), metadata.Guard{}); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.Mkdir(ctx, "/d0", metadata.Guard{})
		wantKind(t, err, metadata.KindExists)
		_, err = c.Lookup(ctx, "/nothing", metadata.LookupOptions{})
		wantKind(t, err, metadata.KindNotFound)

		var names []string
		opt := metadata.ListOptions{Limit: 2}
		for {
			page, err := c.List(ctx, metadata.Root, opt)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entries {
				names, opt.After = append(names, e.Name), e.Name
			}
			if !page.More {
				break
			}
		}
		if got, want := fmt.Sprint(names), "[d0 d1 d2 d3 d4]"; got != want {
			t.Errorf("listing: got %s, want %s", got, want)
		}
		if replaced, err := c.Rename(ctx, "/d0", "/moved", metadata.Guard{}, false); err != nil || replaced {
			t.Errorf("rename: got %v, %v", replaced, err)
		}
		if _, err := c.Copy(ctx, "/moved", "/copy", metadata.Guard{}, metadata.CopyOptions{}); err != nil {
			t.Error(err)
		}
		wantKind(t, c.RemoveEmpty(ctx, metadata.Root, metadata.Guard{}), metadata.KindDenied)
		if _, err := c.Mkdir(ctx, "/moved/in", metadata.Guard{}); err != nil {
			t.Error(err)
		}
		wantKind(t, c.RemoveEmpty(ctx, "/moved", metadata.Guard{}), metadata.KindConflict)
		if err := c.RemoveEmpty(ctx, "/moved/in", metadata.Guard{}); err != nil {
			t.Error(err)
		}
		if err := c.Remove(ctx, "/moved", metadata.Guard{}); err != nil {
			t.Error(err)
		}
		e, err := c.Lookup(ctx, metadata.Root, metadata.LookupOptions{})
		if err != nil || e.Usage.Dirs != 5 || e.EffectiveReplication != 2 {
			t.Errorf("root: got %+v, %v", e, err)
		}
	})
}

func TestAttributesAndProperties(t *testing.T) {
	both(t, func(t *testing.T, c *Client, _ *records) {
		ctx := t.Context()
		if _, err := c.Mkdir(ctx, "/d", metadata.Guard{}); err != nil {
			t.Fatal(err)
		}
		at, quota, copies := sampleTime(), int64(1<<30), 3
		prop := metadata.Property{Space: "urn:x", Local: "color", Lang: "en", Value: []byte("<b>red</b>")}
		_, err := c.SetAttr(ctx, "/d", metadata.Guard{}, metadata.AttrChange{
			Modified: &at, Created: &at, QuotaBytes: &quota, Replication: &copies, SetProps: []metadata.Property{prop},
		})
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Lookup(ctx, "/d", metadata.LookupOptions{Props: true})
		if err != nil {
			t.Fatal(err)
		}
		if !e.Modified.Equal(at) || !e.Created.Equal(at) || e.QuotaBytes != quota || e.Replication != copies {
			t.Errorf("attributes: got %+v", e)
		}
		if want := []metadata.Property{prop}; !reflect.DeepEqual(e.Props, want) {
			t.Errorf("properties: got %+v, want %+v", e.Props, want)
		}
		if _, err := c.SetAttr(ctx, "/d", metadata.Guard{}, metadata.AttrChange{DelProps: []metadata.Property{prop}}); err != nil {
			t.Fatal(err)
		}
		if e, _ := c.Lookup(ctx, "/d", metadata.LookupOptions{Props: true}); len(e.Props) != 0 {
			t.Errorf("after removal: got %+v", e.Props)
		}
		q, err := c.Quota(ctx, "/d")
		if err != nil || q.UsedBytes != 0 || q.AvailableBytes < 0 {
			t.Errorf("quota: got %+v, %v", q, err)
		}
	})
}

func TestGuardCrossesTheWire(t *testing.T) {
	g := metadata.Guard{
		User: "ann", IfMatch: &metadata.ETagSet{Tags: []string{`"a"`}}, IfNoneMatch: &metadata.ETagSet{Any: true},
		IfUnmodifiedSince: sampleTime(), Tokens: []string{"urn:t"},
		If: []metadata.IfList{{Path: "/p", Conds: []metadata.IfCond{{Not: true, Token: "urn:x"}, {ETag: `"e"`}}}},
	}
	want := &metapb.Guard{
		User: "ann", IfMatch: &metapb.ETagSet{Tags: []string{`"a"`}}, IfNoneMatch: &metapb.ETagSet{Any: true},
		IfUnmodifiedSince: sampleTime().Unix(), Tokens: []string{"urn:t"},
		Ifs: []*metapb.IfList{{Path: "/p", Conds: []*metapb.IfCond{{Not: true, Token: "urn:x"}, {Etag: `"e"`}}}},
	}
	if got := guardToPB(g); got.String() != want.String() {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLocks(t *testing.T) {
	both(t, func(t *testing.T, c *Client, _ *records) {
		ctx := t.Context()
		l, created, err := c.Lock(ctx, "/new", metadata.Guard{User: "root"}, metadata.Lock{
			Token: "urn:uuid:1", Owner: "<o/>", User: "root", Timeout: time.Minute,
		})
		if err != nil || !created || l.Token != "urn:uuid:1" || l.Timeout != time.Minute || l.Expires.IsZero() {
			t.Fatalf("lock: got %+v, %v, %v", l, created, err)
		}
		_, err = c.SetAttr(ctx, "/new", metadata.Guard{User: "root"}, metadata.AttrChange{SetProps: []metadata.Property{{Space: "a", Local: "b"}}})
		wantKind(t, err, metadata.KindLocked)
		if l, err = c.Refresh(ctx, "/new", "root", "urn:uuid:1", 2*time.Minute); err != nil || l.Timeout != 2*time.Minute {
			t.Errorf("refresh: got %+v, %v", l, err)
		}
		e, err := c.Lookup(ctx, "/new", metadata.LookupOptions{Locks: true})
		if err != nil || len(e.Locks) != 1 || e.Locks[0].Root != "/new" {
			t.Errorf("lock discovery: got %+v, %v", e.Locks, err)
		}
		if err := c.Unlock(ctx, "/new", "root", "urn:uuid:1"); err != nil {
			t.Error(err)
		}
	})
}

// TestLeaderCalls sends every field of every message through the wire.
func TestLeaderCalls(t *testing.T) {
	w := newWired(t)
	gateway, storage := w.client(metadata.NodeWebDAV), w.remote(metadata.NodeDatanode)
	ctx := t.Context()
	h := sampleHeartbeat()
	h.Node = metadata.NodeID(w.next - 1)
	reply, err := storage.Heartbeat(ctx, h)
	if err != nil || !reflect.DeepEqual(reply, sampleReply()) {
		t.Errorf("heartbeat: got %+v, %v", reply, err)
	}
	if got := w.leader.last(); !reflect.DeepEqual(got, h) {
		t.Errorf("heartbeat arrived as %+v, want %+v", got, h)
	}
	req := metadata.GrantRequest{Session: 9, Replicas: 2, Near: 3, Avoid: []metadata.NodeID{4, 5}, Nonce: 1 << 63}
	lease, err := gateway.Grant(ctx, req)
	if err != nil || !reflect.DeepEqual(lease, sampleLease()) || !reflect.DeepEqual(w.leader.last(), req) {
		t.Errorf("grant: got %+v, %v for %+v", lease, err, w.leader.last())
	}
	drop := dropCall{9, metadata.LeaseProof{Volume: 7, Epoch: 3}, metadata.Replica{Node: 2, Disk: 0xabc}}
	lease, err = gateway.DropReplica(ctx, drop.S, drop.P, drop.R)
	if err != nil || !reflect.DeepEqual(lease, sampleLease()) || !reflect.DeepEqual(w.leader.last(), drop) {
		t.Errorf("drop: got %+v, %v for %+v", lease, err, w.leader.last())
	}
	vs, err := gateway.Volumes(ctx, []metadata.VolumeID{7, 8})
	if want := []metadata.VolumeView{sampleVolume()}; err != nil || !reflect.DeepEqual(vs, want) {
		t.Errorf("volumes: got %+v, %v", vs, err)
	}
	ns, err := gateway.Nodes(ctx)
	if want := []metadata.Node{sampleNode()}; err != nil || !reflect.DeepEqual(ns, want) {
		t.Errorf("nodes: got %+v, %v", ns, err)
	}
	if rep, err := gateway.Report(ctx); err != nil || !reflect.DeepEqual(rep, sampleReport()) {
		t.Errorf("report: got %+v, %v", rep, err)
	}
}

// TestRoles tries what each role must not do.
func TestRoles(t *testing.T) {
	w := newWired(t)
	ctx := t.Context()
	storage := w.client(metadata.NodeDatanode)
	gateway := w.client(metadata.NodeWebDAV)
	owner := w.client(metadata.NodeClient)
	denied := map[string]error{}
	_, denied["storage looks up"] = storage.Lookup(ctx, "/", metadata.LookupOptions{})
	_, denied["storage makes a directory"] = storage.Mkdir(ctx, "/d", metadata.Guard{})
	_, denied["storage leases"] = storage.Grant(ctx, metadata.GrantRequest{})
	_, denied["storage reads a user"] = storage.User(ctx, "root")
	denied["storage adds a user"] = storage.PutUser(ctx, metadata.User{Name: "x", Role: metadata.RoleAdmin}, true)
	denied["gateway adds a user"] = gateway.PutUser(ctx, metadata.User{Name: "x", Role: metadata.RoleAdmin}, true)
	denied["gateway makes a token"] = gateway.PutToken(ctx, Token{ID: "t"}, [32]byte{})
	_, denied["gateway reports"] = gateway.Heartbeat(ctx, metadata.Heartbeat{})
	_, _, denied["gateway reads the key"] = gateway.CA(ctx)
	_, _, denied["owner reads the key"] = owner.CA(ctx)
	_, denied["storage reports as another"] = storage.Heartbeat(ctx, metadata.Heartbeat{Node: 99})
	for what, err := range denied {
		if err == nil || metadata.KindOf(err) != metadata.KindDenied {
			t.Errorf("%s: got %v, want denied", what, err)
		}
	}
	for name, cmd := range map[string]*metapb.Command{
		"init":        {Op: &metapb.Command_Init{Init: &metapb.Init{}}},
		"add replica": {Op: &metapb.Command_AddReplica{AddReplica: &metapb.AddReplica{}}},
		"join":        {Op: &metapb.Command_Join{Join: &metapb.Join{}}},
		"nothing":     {},
	} {
		if _, err := w.remote(metadata.NodeClient).Propose(ctx, cmd); metadata.KindOf(err) != metadata.KindDenied {
			t.Errorf("owner proposes %s: got %v, want denied", name, err)
		}
	}
}

// TestLostAnswerIsNotAppliedTwice loses the answer of a command that was
// applied: the repetition must get the first one's result.
func TestLostAnswerIsNotAppliedTwice(t *testing.T) {
	w := newWired(t)
	c := w.client(metadata.NodeWebDAV)
	ctx := t.Context()
	if _, err := c.OpenSession(ctx, 1, "gateway"); err != nil {
		t.Fatal(err)
	}
	var lost atomic.Int64
	w.backend.setLose(func(*metapb.Command) bool { return lost.Add(1) == 1 })
	e, err := c.Mkdir(ctx, "/once", metadata.Guard{})
	if err != nil || e.Name != "once" {
		t.Errorf("mkdir with a lost answer: got %+v, %v", e, err)
	}
	if n := lost.Load(); n < 2 {
		t.Errorf("the command was sent %d times, want a repetition", n)
	}
	w.backend.setLose(nil)
	_, err = c.Mkdir(ctx, "/once", metadata.Guard{})
	wantKind(t, err, metadata.KindExists)
}

// TestWithoutSessionUnknownStaysUnknown: nothing may be sent twice when the
// state machine cannot recognise it.
func TestWithoutSessionUnknownStaysUnknown(t *testing.T) {
	w := newWired(t)
	c := w.client(metadata.NodeClient)
	before := w.backend.count()
	w.backend.setLose(func(*metapb.Command) bool { return true })
	_, err := c.Mkdir(t.Context(), "/d", metadata.Guard{})
	wantKind(t, err, metadata.KindTimeout)
	if got := w.backend.count() - before; got != 1 {
		t.Errorf("proposed %d times, want 1", got)
	}
}

func TestRefusedForNowIsRepeated(t *testing.T) {
	w := newWired(t)
	c := w.client(metadata.NodeClient)
	var n atomic.Int64
	w.backend.setRefuse(func() error {
		if n.Add(1) < 4 {
			return metadata.Errorf(metadata.KindUnavailable, "no leader")
		}
		return nil
	})
	if _, err := c.Mkdir(t.Context(), "/d", metadata.Guard{}); err != nil || n.Load() != 4 {
		t.Errorf("got %v after %d tries, want success after 4", err, n.Load())
	}
}

func TestUnreachableNameserver(t *testing.T) {
	w := newWired(t)
	r := w.remote(metadata.NodeClient)
	r.SetNameservers([]string{"127.0.0.1:9", w.server.Addr().String()})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r.retryFor = 15 * time.Second
	if _, err := NewClient(r, r).Lookup(ctx, "/", metadata.LookupOptions{}); err != nil {
		t.Errorf("one of two nameservers is away: got %v", err)
	}
	short, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := NewClient(r, r).Lookup(short, "/", metadata.LookupOptions{})
	if err == nil || !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

func TestAckedFollowsTheOldestInFlight(t *testing.T) {
	r := NewRemote(nil, nil, 0)
	r.adopt(5)
	stamp := func() *metapb.Command {
		c := &metapb.Command{}
		r.begin(c, false)
		return c
	}
	a, b := stamp(), stamp()
	if a.Sequence != 1 || b.Sequence != 2 || b.Acked != 1 {
		t.Fatalf("got %v and %v", a, b)
	}
	r.end(5, 2)
	if c := stamp(); c.Acked != 1 {
		t.Errorf("first still in flight: got acked %d, want 1", c.Acked)
	}
	r.end(5, 1)
	if c := stamp(); c.Acked != 3 {
		t.Errorf("first and second done: got acked %d, want 3", c.Acked)
	}
	r.forget(5)
	if c := stamp(); c.Session != 0 || c.Sequence != 0 {
		t.Errorf("session over: got %v", c)
	}
}

package blockiotest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// group is a nameserver with so many servers and an open session.
func group(t *testing.T, n int) (*Nameserver, []*Server, metadata.SessionID) {
	t.Helper()
	var servers []*Server
	for i := range n {
		servers = append(servers, NewServer(metadata.NodeID(i+1)))
	}
	ns := NewNameserver(servers...)
	s, err := ns.OpenSession(t.Context(), 9, "a")
	if err != nil {
		t.Fatal(err)
	}
	return ns, servers, s
}

func wantKind(t *testing.T, doing string, err error, want metadata.Kind) {
	t.Helper()
	if err == nil || metadata.KindOf(err) != want {
		t.Errorf("%s: %v, want %v", doing, err, want)
	}
}

func grant(t *testing.T, ns *Nameserver, s metadata.SessionID, replicas int) metadata.Lease {
	t.Helper()
	l, err := ns.Grant(t.Context(), metadata.GrantRequest{Session: s, Replicas: replicas})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// putOn stores n bytes as the block on every replica of the lease.
func putOn(t *testing.T, servers []*Server, l metadata.Lease, local metadata.LocalID, n int) metadata.BlockRef {
	t.Helper()
	id := metadata.BlockID{Volume: l.Volume, Local: local}
	b := make([]byte, n)
	for _, r := range l.Replicas {
		out, err := servers[r.Node-1].Put(t.Context(), blockio.PutRequest{Block: id, Disk: r.Disk, Data: b, Sums: blockio.AppendSums(nil, b)})
		if err != nil || out[0].Err != nil {
			t.Fatal(err, out)
		}
	}
	return metadata.BlockRef{ID: id, Length: uint32(n)}
}

func proof(l metadata.Lease) []metadata.LeaseProof {
	return []metadata.LeaseProof{{Volume: l.Volume, Epoch: l.Epoch}}
}

// view returns one volume as the nameserver sees it.
func view(t *testing.T, ns *Nameserver, id metadata.VolumeID) metadata.VolumeView {
	t.Helper()
	vs, err := ns.Volumes(t.Context(), []metadata.VolumeID{id, 1 << 40})
	if err != nil || len(vs) != 1 || vs[0].ID != id {
		t.Fatalf("Volumes: %v, %v, want the one that there is", vs, err)
	}
	return vs[0]
}

// A session lasts until it is closed or ended, and with it its leases.
func TestSessions(t *testing.T) {
	ctx := t.Context()
	ns, servers, s := group(t, 2)
	other, err := ns.OpenSession(ctx, 9, "b")
	if err != nil || other == s {
		t.Fatalf("second session: %v, %v", other, err)
	}
	mine, theirs := grant(t, ns, s, 2), grant(t, ns, other, 2)
	if ns.Leased() != 2 {
		t.Errorf("%d volumes leased, want 2", ns.Leased())
	}
	if err := errors.Join(ns.RenewSession(ctx, s), ns.CloseSession(ctx, s)); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "renewing a closed session", ns.RenewSession(ctx, s), metadata.KindStale)
	wantKind(t, "closing it twice", ns.CloseSession(ctx, s), metadata.KindStale)
	_, err = ns.Grant(ctx, metadata.GrantRequest{Session: s, Replicas: 1})
	wantKind(t, "a lease for it", err, metadata.KindStale)
	if v := view(t, ns, mine.Volume); v.State != metadata.VolumeIdle || v.Lessee != 0 || v.Epoch != mine.Epoch+1 || v.Fence != mine.To {
		t.Errorf("the closed session's volume: %+v", v)
	}
	if v := view(t, ns, theirs.Volume); v.State != metadata.VolumeLeased || v.Lessee != other {
		t.Errorf("the other session's volume: %+v", v)
	}
	ns.EndSessions()
	wantKind(t, "renewing an ended session", ns.RenewSession(ctx, other), metadata.KindStale)
	if ns.Leased() != 0 {
		t.Errorf("%d volumes leased without a session", ns.Leased())
	}
	b := make([]byte, 5)
	for _, x := range servers { // fenced at once
		out, err := x.Put(ctx, blockio.PutRequest{Block: metadata.BlockID{Volume: theirs.Volume, Local: 3}, Data: b, Sums: blockio.AppendSums(nil, b)})
		if err != nil || metadata.KindOf(out[0].Err) != metadata.KindStale {
			t.Errorf("put into an ended lease on %v: %v, %v, want %v", x.Node, out, err, metadata.KindStale)
		}
	}
}

// Leases avoid whom they are to avoid, prefer who is near, and are refused when
// too few servers are left.
func TestGrants(t *testing.T) {
	ctx := t.Context()
	ns, servers, s := group(t, 4)
	for range 8 {
		l, err := ns.Grant(ctx, metadata.GrantRequest{Session: s, Replicas: 2, Near: 3, Avoid: []metadata.NodeID{2}})
		if err != nil || len(l.Replicas) != 2 || l.Replicas[0].Node != 3 || l.Replicas[1].Node == 2 {
			t.Fatalf("near 3, not 2: %+v, %v", l.Replicas, err)
		}
		if l.From != 1 || l.To != LeaseIDs || l.Epoch != 1 || l.Session != s || !l.Replicas[0].Live {
			t.Fatalf("lease %+v", l)
		}
	}
	seen := map[metadata.NodeID]bool{}
	for range 8 {
		seen[grant(t, ns, s, 1).Replicas[0].Node] = true
	}
	if len(seen) != 4 {
		t.Errorf("leases went to %v only", seen)
	}
	ns.SetDown(1, true)
	servers[1].SetFaults(Faults{Full: true})
	l, err := ns.Grant(ctx, metadata.GrantRequest{Session: s, Replicas: 4})
	if err != nil || len(l.Replicas) != 2 {
		t.Errorf("with one down and one full: %+v, %v, want two replicas", l.Replicas, err)
	}
	ns.SetDown(3, true)
	_, err = ns.Grant(ctx, metadata.GrantRequest{Session: s, Replicas: 3})
	wantKind(t, "one server for three replicas", err, metadata.KindNoSpace)
	ns.SetDown(4, true)
	_, err = ns.Grant(ctx, metadata.GrantRequest{Session: s, Replicas: 1})
	wantKind(t, "no server at all", err, metadata.KindNoSpace)
	ns.SetDown(1, false)
	ns.SetAddr(1, "host:1")
	if l := grant(t, ns, s, 1); l.Replicas[0].Node != 1 || l.Replicas[0].Addr != "host:1" {
		t.Errorf("back again: %+v", l.Replicas)
	}
}

// Dropping a replica moves the epoch on and is refused when too few would be left.
func TestDropReplica(t *testing.T) {
	ctx := t.Context()
	ns, _, s := group(t, 3)
	l := grant(t, ns, s, 3)
	p := metadata.LeaseProof{Volume: l.Volume, Epoch: l.Epoch}
	after, err := ns.DropReplica(ctx, s, p, l.Replicas[1].Replica)
	if err != nil || len(after.Replicas) != 2 || after.Epoch != l.Epoch+1 || after.Volume != l.Volume {
		t.Fatalf("drop: %+v, %v", after, err)
	}
	_, err = ns.DropReplica(ctx, s, p, l.Replicas[0].Replica)
	wantKind(t, "drop with the old epoch", err, metadata.KindStale)
	p.Epoch = after.Epoch
	_, err = ns.DropReplica(ctx, s+1, p, l.Replicas[0].Replica)
	wantKind(t, "drop by another session", err, metadata.KindStale)
	_, err = ns.DropReplica(ctx, s, p, l.Replicas[0].Replica)
	wantKind(t, "the second of three", err, metadata.KindUnavailable)
	if err := ns.Release(ctx, s, l.Volume); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "releasing twice", ns.Release(ctx, s, l.Volume), metadata.KindStale)
	wantKind(t, "releasing what never was", ns.Release(ctx, s, 1<<40), metadata.KindStale)
	_, err = ns.DropReplica(ctx, s, metadata.LeaseProof{Volume: 1 << 40}, l.Replicas[0].Replica)
	wantKind(t, "drop from what never was", err, metadata.KindStale)
}

// A commit is taken only with proofs of today's leases.
func TestCommitChecksLeases(t *testing.T) {
	ctx := t.Context()
	ns, servers, s := group(t, 2)
	l := grant(t, ns, s, 2)
	ref := putOn(t, servers, l, 1, 100)
	c := metadata.Commit{Session: s, Size: 100, Blocks: []metadata.BlockRef{ref}, SHA1: []byte("sum")}
	_, err := ns.Commit(ctx, c)
	wantKind(t, "without a proof", err, metadata.KindInvalid)
	c.Leases = []metadata.LeaseProof{{Volume: l.Volume, Epoch: l.Epoch + 1}}
	_, err = ns.Commit(ctx, c)
	wantKind(t, "with another epoch", err, metadata.KindStale)
	c.Leases, c.Session = proof(l), s+1
	_, err = ns.Commit(ctx, c)
	wantKind(t, "by another session", err, metadata.KindStale)
	c.Session = s
	e, err := ns.Commit(ctx, c)
	if err != nil || e.Size != 100 || e.BlockCount != 1 || len(e.Blocks) != 1 || e.Blocks[0] != ref || string(e.SHA1) != "sum" {
		t.Fatalf("commit: %+v, %v", e, err)
	}
	big := metadata.Commit{Session: s, Leases: proof(l), Blocks: make([]metadata.BlockRef, metadata.StageRefsMax+1)}
	_, err = ns.Commit(ctx, big)
	wantKind(t, "too many blocks", err, metadata.KindTooLarge)
	ns.EndLeases()
	c.Blocks[0].ID.Local = 2
	_, err = ns.Commit(ctx, c)
	wantKind(t, "after the lease", err, metadata.KindStale)
}

// Who vouches for a block that a replica lacks ends the test.
func TestCommitOfWhatIsNotThere(t *testing.T) {
	ns, servers, s := group(t, 2)
	l := grant(t, ns, s, 2)
	ref := putOn(t, servers, l, 1, 100)
	for name, spoil := range map[string]func(){
		"lost on one":  func() { servers[1].Forget(ref.ID) },
		"other length": func() { ref.Length = 99 },
		"the real disk's word counts": func() {
			servers[0].Held = func(metadata.BlockID) int64 { return -1 }
		},
	} {
		func() {
			defer func() {
				if what, _ := recover().(string); !strings.Contains(what, "commit of") {
					t.Errorf("%s: the commit passed", name)
				}
			}()
			spoil()
			_, _ = ns.Commit(t.Context(), metadata.Commit{Session: s, Leases: proof(l), Blocks: []metadata.BlockRef{ref}})
		}()
	}
}

// Contents are staged piece by piece, given up, or committed; their references
// come in pages.
func TestStaging(t *testing.T) {
	ctx := t.Context()
	ns, servers, s := group(t, 1)
	l := grant(t, ns, s, 1)
	var refs []metadata.BlockRef
	for i := range 12 {
		refs = append(refs, putOn(t, servers, l, metadata.LocalID(i+1), 10))
	}
	stage := metadata.Stage{Session: s, Blocks: refs[:7], Leases: proof(l)}
	id, err := ns.Stage(ctx, stage)
	if err != nil || id == 0 || ns.Staged() != 1 {
		t.Fatalf("stage: %v, %v, %d staged", id, err, ns.Staged())
	}
	stage.Content = id
	_, err = ns.Stage(ctx, stage)
	wantKind(t, "the same place twice", err, metadata.KindInvalid)
	stage.Index, stage.Session = 7, s+1
	_, err = ns.Stage(ctx, stage)
	wantKind(t, "by nobody", err, metadata.KindStale)
	stage.Session, stage.Leases = s, nil
	_, err = ns.Stage(ctx, stage)
	wantKind(t, "without proof", err, metadata.KindInvalid)
	e, err := ns.Commit(ctx, metadata.Commit{Session: s, Staged: id, Blocks: refs[7:], Leases: proof(l), Size: 120})
	if err != nil || e.Content != id || e.BlockCount != 12 || e.Blocks != nil || ns.Staged() != 0 {
		t.Fatalf("commit: %+v, %v, %d staged", e, err, ns.Staged())
	}
	var got []metadata.BlockRef
	for len(got) < 12 {
		page, err := ns.Blocks(ctx, id, len(got))
		if err != nil || len(page) == 0 || len(page) > 5 {
			t.Fatalf("page at %d: %v, %v", len(got), page, err)
		}
		got = append(got, page...)
	}
	if !slices.Equal(got, refs) {
		t.Errorf("references %v, want %v", got, refs)
	}
	if page, err := ns.Blocks(ctx, id, 12); err != nil || page != nil {
		t.Errorf("behind the end: %v, %v", page, err)
	}
	_, err = ns.Stage(ctx, metadata.Stage{Session: s, Content: id, Abandon: true})
	wantKind(t, "giving up what was committed", err, metadata.KindStale)
	id, err = ns.Stage(ctx, metadata.Stage{Session: s})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = ns.Stage(ctx, metadata.Stage{Session: s, Content: id, Abandon: true}); err != nil || ns.Staged() != 0 {
		t.Errorf("giving up: %v, %d staged", err, ns.Staged())
	}
}

// Recalled leases say so until they are given back; others never.
func TestRecall(t *testing.T) {
	ns, _, s := group(t, 1)
	l := grant(t, ns, s, 1)
	if got := ns.RecallLeases(); !slices.Equal(got, []metadata.VolumeID{l.Volume}) {
		t.Fatalf("recalled %v, want %v", got, l.Volume)
	}
	later := grant(t, ns, s, 1)
	if !view(t, ns, l.Volume).Recall || view(t, ns, later.Volume).Recall {
		t.Error("the wrong lease is recalled")
	}
	if err := ns.Release(t.Context(), s, l.Volume); err != nil {
		t.Fatal(err)
	}
	if got := ns.RecallLeases(); !slices.Equal(got, []metadata.VolumeID{later.Volume}) {
		t.Errorf("recalled %v, want %v alone", got, later.Volume)
	}
}

// Every call counts, meets the hook, and refuses a context that has ended.
func TestHook(t *testing.T) {
	ns, _, s := group(t, 1)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func(context.Context) error{
		"OpenSession":  func(ctx context.Context) error { _, err := ns.OpenSession(ctx, 1, "x"); return err },
		"RenewSession": func(ctx context.Context) error { return ns.RenewSession(ctx, s) },
		"CloseSession": func(ctx context.Context) error { return ns.CloseSession(ctx, s) },
		"Grant":        func(ctx context.Context) error { _, err := ns.Grant(ctx, metadata.GrantRequest{}); return err },
		"DropReplica": func(ctx context.Context) error {
			_, err := ns.DropReplica(ctx, s, metadata.LeaseProof{}, metadata.Replica{})
			return err
		},
		"Release": func(ctx context.Context) error { return ns.Release(ctx, s, 1) },
		"Volumes": func(ctx context.Context) error { _, err := ns.Volumes(ctx, nil); return err },
		"Stage":   func(ctx context.Context) error { _, err := ns.Stage(ctx, metadata.Stage{}); return err },
		"Commit":  func(ctx context.Context) error { _, err := ns.Commit(ctx, metadata.Commit{}); return err },
		"Blocks":  func(ctx context.Context) error { _, err := ns.Blocks(ctx, 1, 0); return err },
	}
	refused := errors.New("refused")
	for name, call := range calls {
		before := ns.Calls(name)
		ns.Hook(func(c string) error {
			if c == name {
				return refused
			}
			return nil
		})
		if err := call(t.Context()); !errors.Is(err, refused) {
			t.Errorf("%s: %v, want the hook's error", name, err)
		}
		if got := ns.Calls(name); got != before+1 {
			t.Errorf("%s was counted as %d calls", name, got-before)
		}
		ns.Hook(nil)
		if err := call(gone); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with an ended context: %v", name, err)
		}
		_ = call(t.Context()) // does not hang: no lock was left behind
	}
}

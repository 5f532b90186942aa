package metarpc

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// TestCommandsUnderFaults lets many callers share a Remote while answers are
// lost and requests refused at random. Every change is then done once and its
// caller told so, or nobody knows; a repetition never shows as "exists".
func TestCommandsUnderFaults(t *testing.T) {
	t.Parallel()
	w := newWired(t)
	c := w.client(metadata.NodeWebDAV)
	if _, err := c.OpenSession(t.Context(), 1, "gateway"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	rng := rand.New(rand.NewPCG(5, 6))
	chance := func(of int) bool {
		mu.Lock()
		defer mu.Unlock()
		return rng.IntN(of) == 0
	}
	w.backend.setLose(func(*metapb.Command) bool { return chance(4) })
	w.backend.setRefuse(func() error {
		if chance(4) {
			return metadata.Errorf(metadata.KindUnavailable, "no leader")
		}
		return nil
	})
	const callers, each = 4, 12
	var done, unknown []string
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for i := range each {
				path := fmt.Sprintf("/c%d-%d", caller, i)
				_, err := c.Mkdir(t.Context(), metadata.Path(path), metadata.Guard{})
				mu.Lock()
				switch {
				case err == nil:
					done = append(done, path)
				case metadata.KindOf(err) == metadata.KindTimeout:
					unknown = append(unknown, path)
				case metadata.KindOf(err) != metadata.KindUnavailable:
					t.Errorf("%s: %v", path, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	w.backend.setLose(nil)
	w.backend.setRefuse(nil)
	page, err := c.List(t.Context(), "/", metadata.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, e := range page.Entries {
		there["/"+e.Name] = true
	}
	for _, path := range done {
		if !there[path] {
			t.Errorf("%s was acknowledged and is not there", path)
		}
		delete(there, path)
	}
	for path := range there {
		if !slices.Contains(unknown, path) {
			t.Errorf("%s is there, and its caller was told that it is not", path)
		}
	}
	if len(done) < callers*each/2 {
		t.Errorf("only %d of %d changes were done: repetitions do not work", len(done), callers*each)
	}
}

// liar is a nameserver that answers every method with these bytes.
func liar(t *testing.T, answer func(method uint32) []byte) *Remote {
	t.Helper()
	w := newWired(t)
	cfg := w.certs.Config(900, metadata.NodeNameserver)
	cfg.ErrorCode = testErrorCode
	e := w.certs.OpenConfig(cfg)
	calls := make(map[uint32]quicwire.CallFunc)
	for m := range (&Server{}).calls() {
		calls[m] = func(context.Context, quicwire.Peer, []byte) ([]byte, error) { return answer(m), nil }
	}
	e.Handle(quicwire.ServiceMeta, roles(), quicwire.Handler{Calls: calls})
	w.certs.Start(e)
	r := w.remote(metadata.NodeClient)
	r.SetNameservers([]string{e.Addr().String()})
	return r
}

// everyCall makes every call that a client can make.
func everyCall(ctx context.Context, r *Remote) map[string]error {
	c := NewClient(r, r)
	out := make(map[string]error)
	note := func(name string, err error) { out[name] = err }
	_, err := c.Lookup(ctx, "/", metadata.LookupOptions{})
	note("lookup", err)
	_, err = c.List(ctx, "/", metadata.ListOptions{})
	note("list", err)
	_, err = c.Blocks(ctx, 1, 0)
	note("blocks", err)
	_, err = c.Quota(ctx, "/")
	note("quota", err)
	_, err = c.Mkdir(ctx, "/d", metadata.Guard{})
	note("mkdir", err)
	_, err = c.Nodes(ctx)
	note("nodes", err)
	_, err = c.Volumes(ctx, []metadata.VolumeID{1})
	note("volumes", err)
	_, err = c.Grant(ctx, metadata.GrantRequest{})
	note("grant", err)
	_, err = c.DropReplica(ctx, 1, metadata.LeaseProof{}, metadata.Replica{})
	note("drop", err)
	note("renew", c.RenewSession(ctx, 1))
	_, err = c.Heartbeat(ctx, metadata.Heartbeat{Node: 2})
	note("heartbeat", err)
	_, err = c.Report(ctx)
	note("report", err)
	_, err = c.Repairs(ctx)
	note("repairs", err)
	_, err = c.SafeToStop(ctx, 1)
	note("stop", err)
	_, err = c.ZoneFacts(ctx, 1, "")
	note("zone", err)
	_, err = c.Watch(ctx, 0)
	note("watch", err)
	note("prioritise", c.Prioritise(ctx, 1))
	_, err = r.RenewCertificate(ctx, nil)
	note("certificate", err)
	_, _, err = c.Users(ctx, "", 0)
	note("users", err)
	return out
}

// TestAnswersThatDoNotDecode: what is no answer is an error that says so, of
// every call, and is not asked for again and again.
func TestAnswersThatDoNotDecode(t *testing.T) {
	for _, bad := range [][]byte{{0xff}, {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}, []byte("not a message")} {
		r := liar(t, func(uint32) []byte { return bad })
		began := time.Now()
		for name, err := range everyCall(t.Context(), r) {
			if metadata.KindOf(err) != metadata.KindInternal || !strings.Contains(err.Error(), "decode") {
				t.Errorf("%s answered with %q: got %v", name, bad, err)
			}
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v to see that no answer decodes", took)
		}
	}
}

// TestEmptyAnswers: an answer that says nothing is no panic. What cannot be
// understood of it is an error.
func TestEmptyAnswers(t *testing.T) {
	r := liar(t, func(uint32) []byte { return nil })
	for name, err := range everyCall(t.Context(), r) {
		switch name {
		case "report", "repairs", "stop", "zone": // JSON of nothing
			if metadata.KindOf(err) != metadata.KindInternal {
				t.Errorf("%s: got %v", name, err)
			}
		case "mkdir": // neither done nor refused
			if err == nil {
				t.Error("a change that nobody confirmed is acknowledged")
			}
		default:
			if err != nil {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
}

// FuzzAnswers: whatever a nameserver answers, reading it does not panic.
func FuzzAnswers(f *testing.F) {
	full := &metapb.Answer{}
	fillMessage(full.ProtoReflect(), new(int64), 0)
	for _, m := range []proto.Message{
		full, heartbeatToPB(sampleHeartbeat()), replyToPB(sampleReply()), leaseToPB(sampleLease()),
		nodesToPB([]metadata.Node{sampleNode()}), viewsToPB([]metadata.VolumeView{sampleVolume()}), &metapb.Answer{Entries: []*metapb.Entry{{}}},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var a metapb.Answer
		if proto.Unmarshal(b, &a) == nil {
			c, d := NewClient(&answering{a: &a}, nil), NewDecider(&answering{a: &a})
			_, _ = c.Lookup(t.Context(), "/", metadata.LookupOptions{}) // any outcome but a panic, of all of these
			_, _ = c.List(t.Context(), "/", metadata.ListOptions{})
			_, _ = c.Settings(t.Context())
			_, _ = c.Tokens(t.Context())
			_, _ = c.Sessions(t.Context())
			_, _, _ = c.Audit(t.Context(), metadata.EventQuery{})
			_, _, _ = c.Events(t.Context(), metadata.EventQuery{})
			_, _, _ = c.Users(t.Context(), "", 0)
			_, _, _ = c.Quotas(t.Context(), 0, 0)
			_, _ = d.Nodes(t.Context())
			_, _, _ = d.DeadBlocks(t.Context(), time.Time{}, nil, 0)
		}
		var h metapb.Heartbeat
		if proto.Unmarshal(b, &h) == nil {
			heartbeatFromPB(&h)
		}
		var r metapb.HeartbeatReply
		if proto.Unmarshal(b, &r) == nil {
			replyFromPB(&r)
		}
		var n metapb.NodesReply
		if proto.Unmarshal(b, &n) == nil {
			nodesFromPB(&n)
		}
		var v metapb.VolumesReply
		if proto.Unmarshal(b, &v) == nil {
			viewsFromPB(&v)
		}
		_, _ = decoded[metadata.Setting](b)
	})
}

// TestTextThatNoMessageCarries: it is the caller's fault, told at once; texts
// that only describe or search are mended instead.
func TestTextThatNoMessageCarries(t *testing.T) {
	w := newWired(t)
	c := w.client(metadata.NodeAdmin)
	const bad = "a\xffb"
	_, err := c.User(t.Context(), bad)
	wantKind(t, err, metadata.KindInvalid)
	_, err = c.Mkdir(t.Context(), "/d", metadata.Guard{User: bad})
	wantKind(t, err, metadata.KindInvalid)
	_, err = c.Mkdir(t.Context(), "/d", metadata.Guard{Tokens: []string{bad}})
	wantKind(t, err, metadata.KindInvalid)
	if _, _, err := c.Audit(t.Context(), metadata.EventQuery{Text: bad, User: bad}); err != nil {
		t.Errorf("a search for it: %v", err)
	}
	if err := c.RecordAudit(t.Context(), metadata.AuditRecord{Action: "login.failed", Outcome: "denied", Target: bad}); err != nil {
		t.Errorf("a record of it: %v", err)
	}
}

// TestSetIf: of two administrators who read the same settings one is refused.
func TestSetIf(t *testing.T) {
	c := NewClient(newMemory(t), nil)
	info, err := c.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetIf(t.Context(), info.SettingsRevision, map[string]int64{metadata.SettingGrace: 77}); err != nil {
		t.Fatal(err)
	}
	wantKind(t, c.SetIf(t.Context(), info.SettingsRevision, map[string]int64{metadata.SettingGrace: 88}), metadata.KindConflict)
	wantKind(t, c.SetIf(t.Context(), info.SettingsRevision+1, map[string]int64{"colour": 1}), metadata.KindNotFound)
	now, err := c.Cluster(t.Context())
	if err != nil || now.SettingsRevision != info.SettingsRevision+1 || now.Grace != 77*time.Second {
		t.Errorf("%v, revision %d, grace %s", err, now.SettingsRevision, now.Grace)
	}
}

// TestSettingsAndTheirRanges: every setting takes the ends of its range and
// refuses what lies beyond, and a refused change changes nothing.
func TestSettingsAndTheirRanges(t *testing.T) {
	m := newMemory(t)
	c := NewClient(m, nil)
	value := func(name string) int64 {
		t.Helper()
		all, err := c.Settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all[slices.IndexFunc(all, func(s metadata.Setting) bool { return s.Name == name })].Value
	}
	all, err := c.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		least, most := s.Min, s.Max
		if s.Name == metadata.SettingRepairPaused { // its range is from now on
			least, most = m.clock().Unix()+2, m.clock().Unix()+s.Max
		}
		for _, v := range []int64{least, most} {
			if s.Name == metadata.SettingSuspectAfter { // never above the other
				if err := c.Set(t.Context(), map[string]int64{metadata.SettingDownAfter: metadata.DownAfterMax.Milliseconds()}); err != nil {
					t.Fatal(err)
				}
			}
			if s.Name == metadata.SettingDownAfter {
				if err := c.Set(t.Context(), map[string]int64{metadata.SettingSuspectAfter: 0}); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Set(t.Context(), map[string]int64{s.Name: v}); err != nil || value(s.Name) != v {
				t.Errorf("%s = %d: %v, it is %d", s.Name, v, err, value(s.Name))
			}
		}
		now := value(s.Name)
		for _, v := range []int64{s.Min - 1, most + 10, -1, math.MaxInt64, math.MinInt64, math.MaxInt64/1000 + 1, 1<<32 + 1} {
			if v == 0 && (s.Zero != "" || s.Min == 0) || v >= least && v <= most {
				continue
			}
			if err := c.Set(t.Context(), map[string]int64{s.Name: v}); metadata.KindOf(err) != metadata.KindInvalid {
				t.Errorf("%s = %d: got %v, want a refusal", s.Name, v, err)
			}
		}
		if got := value(s.Name); got != now {
			t.Errorf("%s: refused changes made %d of %d", s.Name, got, now)
		}
		if s.Zero == "" {
			continue
		}
		if err := c.Set(t.Context(), map[string]int64{s.Name: 0}); err != nil || value(s.Name) != 0 {
			t.Errorf("%s = 0, which means %q: %v, it is %d", s.Name, s.Zero, err, value(s.Name))
		}
	}
	for _, n := range []int{-1, metadata.ReplicasMax + 1, 1<<32 + 1, math.MinInt} {
		wantKind(t, c.SetCluster(t.Context(), Settings{Replication: n}), metadata.KindInvalid)
	}
	wantKind(t, c.Set(t.Context(), map[string]int64{metadata.SettingGrace: 60, "colour": 1}), metadata.KindNotFound)
}

package replica

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/metadata/namespace"
)

// memNode is the configuration of a lone node in memory.
func memNode() Config {
	return Config{Dir: "node", ID: 1, Addr: "a:1", Bootstrap: initCommand(), FS: vfs.NewMem()}
}

// gate is a machine whose apply waits until the gate is opened.
type gate struct {
	open    chan struct{}
	entered chan struct{}
	once    sync.Once
}

func newGate() *gate { return &gate{open: make(chan struct{}), entered: make(chan struct{}, 1000)} }

func (g *gate) release() { g.once.Do(func() { close(g.open) }) }

// machine lets Init through and holds everything else.
func (g *gate) machine() *machine {
	m := namespaceMachine()
	apply := m.apply
	m.apply = func(s namespace.KV, index uint64, b *metapb.Batch) ([]*metapb.Result, error) {
		if b.Commands[0].GetInit() == nil {
			g.entered <- struct{}{}
			<-g.open
		}
		return apply(s, index, b)
	}
	return m
}

// gatedNode opens a node whose entries wait at a gate, which is opened before
// the node is closed.
func gatedNode(t *testing.T) (*Node, *gate) {
	g := newGate()
	cfg := memNode()
	cfg.machine = g.machine()
	n := openNode(t, cfg)
	t.Cleanup(g.release)
	return n, g
}

func TestProposeRefused(t *testing.T) {
	n := openNode(t, memNode())
	propose(t, n, mkdir("/a"))
	res, err := n.Propose(testContext(t), mkdir("/a"))
	if err != nil || res.Ok || metadata.Kind(res.Kind) != metadata.KindExists {
		t.Errorf("mkdir twice: got %v, %v, want a result of kind exists", res, err)
	}
	_, err = n.Propose(testContext(t), mkdir("/"+strings.Repeat("x", CommandBytesMax)))
	if metadata.KindOf(err) != metadata.KindTooLarge {
		t.Errorf("large command: got %v, want too large", err)
	}
}

// fillSlots starts proposals until one entry is being applied, all others that
// may be in flight are in raft, and batch holds one more until a slot is free.
func fillSlots(t *testing.T, n *Node, g *gate, start func(path string)) {
	t.Helper()
	start("/first")
	<-g.entered
	for i := range entriesInFlight - 1 {
		last := n.raft.LastIndex()
		start(fmt.Sprintf("/flight%d", i))
		awaitTrue(t, "an entry in flight", func() bool { return n.raft.LastIndex() > last })
	}
	start("/held")
	awaitTrue(t, "batch to hold one", func() bool { return len(n.queue) == 0 && n.queued.Load() > 0 })
}

// TestProposeOutcomes covers what ctx's end means before and after a command
// is submitted.
func TestProposeOutcomes(t *testing.T) {
	n, g := gatedNode(t)
	ctx, cancel := context.WithCancel(testContext(t))
	type answer struct{ err error }
	answers := make(chan answer, 100)
	start := func(path string) {
		go func() {
			_, err := n.Propose(ctx, mkdir(path))
			answers <- answer{err}
		}()
	}
	fillSlots(t, n, g, start)
	start("/queued")
	awaitTrue(t, "one in the queue", func() bool { return len(n.queue) == 1 })
	expired, cancelExpired := context.WithTimeout(testContext(t), time.Millisecond)
	defer cancelExpired()
	if _, err := n.Propose(expired, mkdir("/late")); metadata.KindOf(err) != metadata.KindUnavailable {
		t.Errorf("deadline in the queue: got %v, want unavailable", err)
	}
	cancel()
	kinds := map[metadata.Kind]int{}
	for range entriesInFlight + 2 {
		a := <-answers
		kinds[metadata.KindOf(a.err)]++
	}
	if kinds[metadata.KindTimeout] != entriesInFlight || kinds[metadata.KindCanceled] != 2 {
		t.Errorf("kinds after cancel: got %v, want %d unknown and 2 canceled", kinds, entriesInFlight)
	}
	g.release()
	propose(t, n, mkdir("/after"))
	for path, want := range map[string]bool{"/first": true, "/flight0": true, "/held": false, "/queued": false, "/late": false} {
		if got := exists(t, n, path); got != want {
			t.Errorf("%s: exists %v, want %v", path, got, want)
		}
	}
}

// awaitTrue polls cond, which other goroutines bring about.
func awaitTrue(t *testing.T, what string, cond func() bool) {
	t.Helper()
	g := &group{t: t}
	g.await(what, cond)
}

func TestQueueFull(t *testing.T) {
	n, g := gatedNode(t)
	ctx, cancel := context.WithCancel(testContext(t))
	var wg sync.WaitGroup
	// More than the queue holds although all entries in flight are full, and
	// batch has one more.
	for i := range queueCommandsMax + (entriesInFlight+1)*batchCommandsMax {
		wg.Go(func() { _, _ = n.Propose(ctx, mkdir(fmt.Sprintf("/d%d", i))) })
	}
	awaitTrue(t, "a full queue", func() bool { return len(n.queue) == cap(n.queue) || n.Stats().Refused > 0 })
	awaitTrue(t, "a refusal", func() bool {
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		_, err := n.Propose(short, mkdir("/more"))
		return metadata.KindOf(err) == metadata.KindBusy
	})
	cancel()
	g.release()
	wg.Wait()
	awaitTrue(t, "an empty queue", func() bool { return n.queued.Load() == 0 })
	propose(t, n, mkdir("/after"))
}

// TestBatching checks that commands that wait together travel together, and
// that none is too large for an entry.
func TestBatching(t *testing.T) {
	n, g := gatedNode(t)
	var wg sync.WaitGroup
	start := func(c *metapb.Command) {
		wg.Go(func() {
			if _, err := n.Propose(testContext(t), c); err != nil {
				t.Errorf("propose: %v", err)
			}
		})
	}
	fillSlots(t, n, g, func(path string) { start(mkdir(path)) })
	large := mkdir("/" + strings.Repeat("x", CommandBytesMax-100))
	for i := range 3 {
		start(large)
		start(mkdir(fmt.Sprintf("/d%d", i)))
	}
	for i := range 700 {
		start(mkdir(fmt.Sprintf("/e%d", i)))
	}
	awaitTrue(t, "all in the queue", func() bool { return len(n.queue) == 706 })
	g.release()
	wg.Wait()
	s := n.Stats()
	if s.BatchSizes.Max < 100 || s.BatchSizes.Max > batchCommandsMax {
		t.Errorf("largest batch: %d commands", s.BatchSizes.Max)
	}
	if s.Commands != 712 { // with Init
		t.Errorf("commands: got %d, want 712", s.Commands)
	}
}

// TestEncode compares the hand-made encoding with protobuf's.
func TestEncode(t *testing.T) {
	n := &Node{}
	var entry []*proposal
	want := &metapb.Batch{Version: batchVersion}
	for _, c := range []*metapb.Command{mkdir("/a"), initCommand(), {}} {
		data, err := proto.Marshal(c)
		must(t, err)
		entry = append(entry, &proposal{data: data})
		want.Commands = append(want.Commands, c)
	}
	before := time.Now().UnixNano()
	var got metapb.Batch
	must(t, proto.Unmarshal(n.encode(entry), &got))
	if got.Now < before || got.Now > time.Now().UnixNano() {
		t.Errorf("now: got %d", got.Now)
	}
	want.Now = got.Now
	if !proto.Equal(&got, want) {
		t.Errorf("encode: got %v, want %v", &got, want)
	}
}

func TestNowAdvances(t *testing.T) {
	n := &Node{lastNow: time.Now().Add(time.Hour).UnixNano()}
	a, b := n.now(), n.now()
	if b <= a {
		t.Errorf("now went from %d to %d", a, b)
	}
}

func TestEntryError(t *testing.T) {
	n := openNode(t, memNode())
	for err, want := range map[error]metadata.Kind{
		raft.ErrNotLeader:                    metadata.KindUnavailable,
		raft.ErrLeadershipTransferInProgress: metadata.KindUnavailable,
		raft.ErrLeadershipLost:               metadata.KindTimeout,
		raft.ErrRaftShutdown:                 metadata.KindTimeout,
		raft.ErrAbortedByRestore:             metadata.KindTimeout,
	} {
		if got := metadata.KindOf(n.entryError(err)); got != want {
			t.Errorf("%v: got %v, want %v", err, got, want)
		}
	}
}

func TestQueryExpired(t *testing.T) {
	g := newGroup(t, 3)
	lead := g.leader()
	ctx, cancel := context.WithCancel(testContext(t))
	cancel()
	_, err := lead.Query(ctx, lookup("/"))
	if k := metadata.KindOf(err); err != nil && k != metadata.KindCanceled && k != metadata.KindUnavailable {
		t.Errorf("query with a canceled context: got %v", err)
	}
	if !g.exists("/") {
		t.Error("there is no root")
	}
	var s Stats
	for _, n := range g.nodes {
		s.Proofs += n.Stats().Proofs
		s.Queries += n.Stats().Queries
	}
	if s.Proofs == 0 || s.Queries == 0 {
		t.Errorf("stats: %+v", s)
	}
}

// TestQueriesShareProofs checks that waiting queries are proved together.
func TestQueriesShareProofs(t *testing.T) {
	g := newGroup(t, 3)
	lead := g.leader()
	before := lead.Stats()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				_, err := lead.Query(testContext(t), lookup("/"))
				if err != nil && metadata.KindOf(err) != metadata.KindUnavailable { // it may lose the lead on a slow machine
					t.Errorf("query: %v", err)
				}
			}
		})
	}
	wg.Wait()
	s := lead.Stats()
	queries, proofs := s.Queries-before.Queries, s.Proofs-before.Proofs
	if queries > 500 && proofs > queries*4/5 {
		t.Errorf("%d proofs for %d queries of 50 clients", proofs, queries)
	}
}

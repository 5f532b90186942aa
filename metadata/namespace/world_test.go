package namespace

import (
	"slices"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// world is a namespace under test with users ann and bob (writers), rae (reader),
// adm (administrator), a session and a lease that covers all blocks it will need.
type world struct {
	t       testing.TB
	kv      *MemKV
	index   uint64
	now     int64
	session uint64
	lease   *metapb.LeaseProof
	next    uint64 // local id of the next block

	unchecked bool // refusals are not compared with the state before them
	faults    bool // every call to the store of every step fails once, on a copy
	tick      time.Duration
	log       []logged
}

// logged is a command with the time at which it was executed.
type logged struct {
	now int64
	cmd *metapb.Command
}

// start is the time at which every test world begins.
func start() int64 { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano() }

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, kv: &MemKV{}, now: start(), tick: time.Millisecond}
	w.must(&metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{
		Cluster: &metapb.ClusterRow{Cluster: "test", Replication: 1},
		Admin:   &metapb.UserRow{Name: "adm", Hash: "x"},
		Node:    &metapb.NodeRow{Name: "one", Addr: "127.0.0.1:7800", Roles: []string{metadata.NodeDatanode, metadata.NodeWebDAV}},
	}}})
	for _, u := range []*metapb.UserRow{
		{Name: "ann", Hash: "x", Role: uint32(metadata.RoleWriter)},
		{Name: "bob", Hash: "x", Role: uint32(metadata.RoleWriter)},
		{Name: "rae", Hash: "x", Role: uint32(metadata.RoleReader)},
	} {
		w.must(&metapb.Command{Op: &metapb.Command_PutUser{PutUser: &metapb.PutUser{User: u, Create: true}}})
	}
	w.must(&metapb.Command{Op: &metapb.Command_AnnounceDisks{AnnounceDisks: &metapb.AnnounceDisks{
		Node: 1, Disks: []uint64{7}, Addr: "127.0.0.1:7800",
	}}})
	w.openSession()
	return w
}

// openSession starts a session with a lease, ending the one before.
func (w *world) openSession() {
	w.t.Helper()
	w.session = w.must(&metapb.Command{Op: &metapb.Command_OpenSession{OpenSession: &metapb.OpenSession{
		Node: 1, Instance: "gw",
	}}}).Id
	grant := w.must(&metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: &metapb.GrantLease{
		Session: w.session, Replicas: []*metapb.Replica{{Node: 1, Disk: 7}}, Target: 1, Count: 1 << 30,
	}}})
	w.lease = &metapb.LeaseProof{Volume: grant.Volume.Id, Epoch: grant.Volume.Epoch}
	w.next = grant.LeaseFrom
}

// apply executes commands as one batch.
func (w *world) apply(cmds ...*metapb.Command) []*metapb.Result {
	w.t.Helper()
	w.index++
	w.now += int64(w.tick)
	for _, cmd := range cmds {
		w.log = append(w.log, logged{w.now, cmd})
	}
	batch := &metapb.Batch{Version: 1, Now: w.now, Commands: cmds}
	if w.faults {
		w.index--
		w.breakEach(batch, false)
		w.index++
	}
	results, err := Apply(w.kv, w.index, batch)
	if err != nil {
		w.t.Fatalf("Apply(%v): %v", cmds, err)
	}
	return results
}

// do executes one command. A refusal must leave no trace: it is tried once on
// a copy first, and compared.
func (w *world) do(cmd *metapb.Command) *metapb.Result {
	w.t.Helper()
	if w.unchecked || cmd.Session != 0 || cmd.Actor != nil { // who says who it is leaves its attempt
		return w.apply(cmd)[0]
	}
	before := w.kv.Clone()
	res := w.apply(cmd)[0]
	if res.Ok {
		return res
	}
	if _, err := Apply(before, w.index, &metapb.Batch{Version: 1, Now: w.now}); err != nil {
		w.t.Fatalf("Apply(nothing): %v", err)
	}
	if want := w.hash(before); want != w.hash(w.kv) {
		w.t.Fatalf("%v was refused (%s) and left a trace", cmd, res.Message)
	}
	return res
}

func (w *world) must(cmd *metapb.Command) *metapb.Result {
	w.t.Helper()
	res := w.apply(cmd)[0]
	if !res.Ok {
		w.t.Fatalf("%v: %s: %s", cmd, metadata.Kind(res.Kind), res.Message)
	}
	return res
}

func (w *world) hash(r Reader) [32]byte {
	w.t.Helper()
	sum, err := StateHash(r)
	if err != nil {
		w.t.Fatalf("StateHash: %v", err)
	}
	return sum
}

func (w *world) ask(q *metapb.Query) (*metapb.Answer, error) {
	if w.faults {
		w.breakEachAnswer(q)
	}
	return Answer(w.kv, q)
}

// lookup returns the entry at a path as the system sees it, nil for none.
func (w *world) lookup(path string) *metapb.Entry {
	w.t.Helper()
	a, err := w.ask(&metapb.Query{Q: &metapb.Query_Lookup{Lookup: &metapb.Lookup{Path: path, Props: true, Locks: true}}})
	if kind := metadata.KindOf(err); err != nil && kind != metadata.KindNotFound && kind != metadata.KindNotDir {
		w.t.Fatalf("lookup %s: %v", path, err)
	}
	return a.GetEntry()
}

// check fails the test unless all invariants hold.
func (w *world) check() {
	w.t.Helper()
	if errs := Check(w.kv); len(errs) > 0 {
		w.t.Fatalf("Check: %v", errs)
	}
}

// blocks makes n new blocks of the lease with the same length.
func (w *world) blocks(n int, length uint32) []*metapb.BlockRef {
	refs := make([]*metapb.BlockRef, n)
	for i := range refs {
		refs[i] = &metapb.BlockRef{Volume: w.lease.Volume, Local: w.next, Length: length}
		w.next++
	}
	return refs
}

// commitOp is a commit of n blocks.
func (w *world) commitOp(path string, n int, length uint32) *metapb.Commit {
	return &metapb.Commit{
		Path: path, Session: w.session, Size: int64(n) * int64(length),
		Blocks: w.blocks(n, length), Leases: []*metapb.LeaseProof{w.lease},
	}
}

func commitCmd(op *metapb.Commit) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Commit{Commit: op}}
}

func stageCmd(op *metapb.Stage) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Stage{Stage: op}}
}

func mkdirCmd(path string) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: path}}}
}

func renameCmd(src, dst string, overwrite bool) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Rename{Rename: &metapb.Rename{Src: src, Dst: dst, Overwrite: overwrite}}}
}

func copyCmd(src, dst string, overwrite bool) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Copy{Copy: &metapb.Copy{Src: src, Dst: dst, Overwrite: overwrite}}}
}

func removeCmd(path string) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Remove{Remove: &metapb.Remove{Path: path}}}
}

func reapCmd(limit uint32) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_Reap{Reap: &metapb.Reap{Limit: limit}}}
}

func setAttrCmd(op *metapb.SetAttr) *metapb.Command {
	return &metapb.Command{Op: &metapb.Command_SetAttr{SetAttr: op}}
}

// reapAll reaps until nothing is left to do now, and returns the steps.
func (w *world) reapAll(limit uint32) int {
	w.t.Helper()
	for steps := 1; ; steps++ {
		if w.must(reapCmd(limit)).More == 0 {
			return steps
		}
		if steps > 100_000 {
			w.t.Fatal("Reap never ends")
		}
	}
}

// rows counts the rows of a table.
func (w *world) rows(table byte) int {
	keys, err := scanKeys(w.kv, []byte{table}, []byte{table + 1}, 1<<30)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(keys)
}

// counting counts the calls to a KV.
type counting struct {
	KV
	gets, scans, sets, deletes int
}

func (c *counting) Get(key []byte) ([]byte, error) { c.gets++; return c.KV.Get(key) }
func (c *counting) Set(key, val []byte) error      { c.sets++; return c.KV.Set(key, val) }
func (c *counting) Delete(key []byte) error        { c.deletes++; return c.KV.Delete(key) }
func (c *counting) Scan(lower, upper []byte, fn func(k, v []byte) (bool, error)) error {
	c.scans++
	return c.KV.Scan(lower, upper, fn)
}

func sortedNames(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

package namespace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// failing is a KV whose n-th call fails.
type failing struct {
	KV
	left int
}

// errBroken is a metadata.Error, as a store may return one: it must not be
// taken for the refusal of a command.
func errBroken() error { return metadata.Errorf(metadata.KindNotFound, "broken disk") }

func (f *failing) call() error {
	if f.left--; f.left < 0 {
		return errBroken()
	}
	return nil
}

func (f *failing) Get(key []byte) ([]byte, error) {
	if err := f.call(); err != nil {
		return nil, err
	}
	return f.KV.Get(key)
}

func (f *failing) Set(key, val []byte) error {
	if err := f.call(); err != nil {
		return err
	}
	return f.KV.Set(key, val)
}

func (f *failing) Delete(key []byte) error {
	if err := f.call(); err != nil {
		return err
	}
	return f.KV.Delete(key)
}

func (f *failing) Scan(lower, upper []byte, fn func(k, v []byte) (bool, error)) error {
	if err := f.call(); err != nil {
		return err
	}
	return f.KV.Scan(lower, upper, fn)
}

// TestFailingStore lets every call to the store fail once, for every command:
// Apply says so, and never makes a result of it.
func TestFailingStore(t *testing.T) {
	seed := richWorld(t)
	tokens := &metapb.Guard{Tokens: []string{token("T1"), token("T2")}}
	cmds := []*metapb.Command{
		commitCmd(&metapb.Commit{Path: "/d/small", Guard: tokens, Session: seed.session, Size: 10, Blocks: seed.blocks(1, 10),
			Leases: []*metapb.LeaseProof{seed.lease}}),
		stageCmd(&metapb.Stage{Session: seed.session, Content: 5, Index: 3, Blocks: seed.blocks(1, 10), Leases: []*metapb.LeaseProof{seed.lease}}),
		mkdirCmd("/new"),
		{Op: &metapb.Command_Rename{Rename: &metapb.Rename{Src: "/d", Dst: "/large2", Guard: tokens, Overwrite: true}}},
		copyCmd("/d", "/large2", true),
		{Op: &metapb.Command_Remove{Remove: &metapb.Remove{Path: "/d", Guard: tokens}}},
		setAttrCmd(&metapb.SetAttr{Path: "/d/small", Guard: tokens, Modified: &metapb.Int64Value{Value: 1},
			SetProps: []*metapb.PropRow{{Local: "a"}}, DelProps: []*metapb.PropRow{{Space: "x", Local: "p"}}}),
		{Op: &metapb.Command_Lock{Lock: &metapb.Lock{Path: "/n", Create: true, Lock: &metapb.LockRow{Token: "a:b"}}}},
		{Op: &metapb.Command_Refresh{Refresh: &metapb.Refresh{Path: "/d/small", Token: token("T1"), Timeout: 1}}},
		{Op: &metapb.Command_Unlock{Unlock: &metapb.Unlock{Path: "/d/small", Token: token("T1")}}},
		reapCmd(1000),
		{Session: seed.session, Sequence: 30, Acked: 20, Op: mkdirCmd("/m").Op},
	}
	for _, cmd := range cmds {
		now := seed.now
		if cmd.GetReap() != nil {
			now += 7200e9 // everything is due
		}
		w := *seed
		w.breakEach(&metapb.Batch{Version: 1, Now: now, Commands: []*metapb.Command{cmd}}, true)
	}
}

// TestFailingStoreInScripts does the same with every command and every query of
// every script, refused ones included.
func TestFailingStoreInScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("every call of every step: some seconds")
	}
	run := func(pattern string, play func(w *world, script string) string, fresh func(t *testing.T) *world) {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no scripts %s: %v", pattern, err)
		}
		for _, file := range files {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
				script, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				w := fresh(t)
				w.faults = true
				if got := play(w, string(script)); got != string(script) {
					t.Errorf("the script went another way:\n%s", got)
				}
			})
		}
	}
	run("testdata/*.txt", playScript, func(t *testing.T) *world { return newWorld(t) })
	run("testdata/fleet/*.txt", playFleetScript, func(t *testing.T) *world { return emptyWorld(t) })
}

// breakEach executes the batch on copies, of which each has one more call to
// the store that works before one fails, until none fails.
func (w *world) breakEach(batch *metapb.Batch, ok bool) {
	w.t.Helper()
	for n := 0; ; n++ {
		kv := &failing{w.kv.Clone(), n}
		results, err := Apply(kv, w.index+1, batch)
		if kv.left >= 0 {
			if err != nil || ok && !results[0].Ok {
				w.t.Errorf("%v: %v, %v", batch.Commands, results, err)
			}
			return
		}
		if err == nil || !isFault(err) || results != nil {
			w.t.Fatalf("%v: call %d failed, got %v, %v", batch.Commands, n, results, err)
		}
		var refused *metadata.Error
		if errors.As(err, &refused) {
			w.t.Fatalf("%v: a broken store looks like a refusal: %v", batch.Commands, err)
		}
	}
}

// breakEachAnswer does it with a query: half an answer is none.
func (w *world) breakEachAnswer(q *metapb.Query) {
	w.t.Helper()
	for n := 0; ; n++ {
		kv := &failing{w.kv.Clone(), n}
		a, err := Answer(kv, q)
		if kv.left >= 0 {
			return
		}
		if err == nil || a != nil {
			w.t.Fatalf("%v: call %d failed, got %v, %v", q, n, a, err)
		}
	}
}

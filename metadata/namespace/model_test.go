package namespace

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// TestModel executes random histories on the namespace and on its dumb twin:
// same outcomes, same tree, no refusal leaves a trace, all invariants hold after
// every history, and a replay in other batches gives the same state.
func TestModel(t *testing.T) {
	rounds := 15 // of 100 histories
	if os.Getenv("KEN_SOAK") == "1" {
		rounds = 1000
	}
	for range rounds {
		rapid.Check(t, testHistory)
	}
}

func FuzzModel(f *testing.F) { f.Fuzz(rapid.MakeFuzz(testHistory)) }

// rapidTB lets a world fail a rapid test.
type rapidTB struct {
	testing.TB
	t *rapid.T
}

func (r rapidTB) Helper()                   {}
func (r rapidTB) Fatalf(f string, a ...any) { r.t.Fatalf(f, a...) }
func (r rapidTB) Fatal(a ...any)            { r.t.Fatal(a...) }

// history draws the steps of one run.
type history struct {
	t    *rapid.T
	w    *world
	twin *twin
	n    int
}

func testHistory(t *rapid.T) {
	h := &history{t: t, w: newWorld(rapidTB{t: t}), twin: newTwin()}
	h.w.tick = 0
	steps := rapid.IntRange(1, 60).Draw(t, "steps")
	for h.n = range steps {
		h.step()
	}
	h.compare()
	h.w.check()
	h.replay()
	h.end()
}

func (h *history) path(label string) string {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 4).Draw(h.t, label)
	return "/" + strings.Join(names, "/")
}

func (h *history) flag(label string) bool { return rapid.Bool().Draw(h.t, label) }

// guard draws who asks, with which tokens.
func (h *history) guard() (asked, *metapb.Guard) {
	a := asked{user: rapid.SampledFrom([]string{"ann", "bob", "adm"}).Draw(h.t, "user")}
	g := &metapb.Guard{User: a.user}
	for i := range 4 {
		if !h.flag("token") {
			continue
		}
		tok := token(fmt.Sprintf("T%d", i))
		a.tokens = append(a.tokens, tok)
		if h.flag("in If") { // a true list that submits it
			g.Ifs = append(g.Ifs, &metapb.IfList{Conds: []*metapb.IfCond{{Token: tok}}})
		} else {
			g.Tokens = append(g.Tokens, tok)
		}
	}
	if len(g.Ifs) > 0 {
		g.Ifs = append(g.Ifs, &metapb.IfList{Conds: []*metapb.IfCond{{Not: true, Token: "DAV:no-lock"}}})
	}
	return a, g
}

// step draws one command and compares what comes of it.
func (h *history) step() {
	a, g := h.guard()
	var cmd *metapb.Command
	var want metadata.Kind
	switch op := rapid.IntRange(0, 14).Draw(h.t, "op"); op {
	case 0, 1, 2:
		path, blocks := h.path("path"), rapid.SampledFrom([]int{0, 1, 3, 9}).Draw(h.t, "blocks")
		c := h.w.commitOp(path, blocks, 10)
		c.Guard = g
		if cut := blocks / 3; h.flag("staged") && cut > 0 {
			c.Staged = h.w.must(stageCmd(&metapb.Stage{Session: c.Session, Blocks: c.Blocks[:cut], Leases: c.Leases})).Id
			c.Blocks = c.Blocks[cut:]
		}
		want = h.twin.commit(a, path, c.Size, fmt.Sprint(h.n))
		cmd = commitCmd(c)
	case 3, 4:
		path := h.path("path")
		want = h.twin.mkdir(a, path)
		cmd = &metapb.Command{Op: &metapb.Command_Mkdir{Mkdir: &metapb.Mkdir{Path: path, Guard: g}}}
	case 5, 6:
		src, dst, over := h.path("src"), h.path("dst"), h.flag("overwrite")
		want = h.twin.transfer(a, src, dst, over, false, true)
		cmd = &metapb.Command{Op: &metapb.Command_Rename{Rename: &metapb.Rename{Src: src, Dst: dst, Guard: g, Overwrite: over}}}
	case 7, 8:
		src, dst, over, shallow := h.path("src"), h.path("dst"), h.flag("overwrite"), h.flag("shallow")
		want = h.twin.transfer(a, src, dst, over, shallow, false)
		cmd = &metapb.Command{Op: &metapb.Command_Copy{Copy: &metapb.Copy{Src: src, Dst: dst, Guard: g, Overwrite: over, Shallow: shallow}}}
	case 9:
		path, empty := h.path("path"), h.flag("only empty")
		want = h.twin.remove(a, path, empty)
		cmd = &metapb.Command{Op: &metapb.Command_Remove{Remove: &metapb.Remove{Path: path, Guard: g, OnlyEmpty: empty}}}
	case 10:
		cmd, want = h.attr(a, g)
	case 11, 12:
		cmd, want = h.lock(a, g)
	case 13:
		path, tok := h.path("path"), token(fmt.Sprintf("T%d", rapid.IntRange(0, 3).Draw(h.t, "token")))
		want = h.twin.unlock(a.user, path, tok)
		cmd = &metapb.Command{Op: &metapb.Command_Unlock{Unlock: &metapb.Unlock{Path: path, User: a.user, Token: tok}}}
	case 14:
		h.pass()
		return
	}
	res := h.w.do(cmd)
	got := metadata.Kind(res.Kind)
	if res.Ok {
		got = fine
	}
	if got != want {
		h.t.Fatalf("%v:\n got %v %s\nwant %v\ntwin:\n%s", cmd, got, res.Message, want, h.twin.dump())
	}
}

func (h *history) attr(a asked, g *metapb.Guard) (*metapb.Command, metadata.Kind) {
	op := &metapb.SetAttr{Path: h.path("path"), Guard: g}
	prop, value, quota := "", "", int64(-1)
	if h.flag("quota") {
		quota = rapid.SampledFrom([]int64{0, 30, 100}).Draw(h.t, "bytes")
		op.QuotaBytes = &metapb.Int64Value{Value: quota}
	} else {
		prop = rapid.SampledFrom([]string{"p", "q"}).Draw(h.t, "prop")
		row := &metapb.PropRow{Space: "urn:x", Local: prop}
		if h.flag("set") {
			value = fmt.Sprint(h.n + 1)
			row.Value = []byte(value)
			op.SetProps = append(op.SetProps, row)
		} else {
			op.DelProps = append(op.DelProps, row)
		}
	}
	return setAttrCmd(op), h.twin.set(a, op.Path, prop, value, quota)
}

func (h *history) lock(a asked, g *metapb.Guard) (*metapb.Command, metadata.Kind) {
	l := &twinLock{token: token(fmt.Sprintf("T%d", rapid.IntRange(0, 3).Draw(h.t, "token"))), user: a.user,
		shared: h.flag("shared"), infinite: h.flag("infinite"), expires: h.w.now + int64(lockTime)}
	op := &metapb.Lock{Path: h.path("path"), Guard: g, Create: true, Lock: &metapb.LockRow{
		Token: l.token, Shared: l.shared, Infinite: l.infinite, Timeout: int64(lockTime)}}
	return &metapb.Command{Op: &metapb.Command_Lock{Lock: op}}, h.twin.lock(a, op.Path, l, fmt.Sprint(h.n))
}

// pass lets time go by, and the background work be done.
func (h *history) pass() {
	h.w.now += rapid.SampledFrom([]int64{0, int64(4 * time.Second), int64(11 * time.Minute)}).Draw(h.t, "time")
	h.twin.now = h.w.now
	cmd := mkdirCmd("/") // does nothing but tell the time
	if limit := rapid.IntRange(0, 20).Draw(h.t, "limit"); limit > 0 {
		cmd = reapCmd(uint32(limit))
	}
	h.w.do(cmd)
	// What Reap may have dropped, the twin forgets as well.
	h.twin.root.forget(h.twin.now, func(token string) bool {
		found, err := hasRow(h.w.kv, keyLockToken(token))
		return err != nil || found
	})
}

func (n *node) forget(now int64, kept func(token string) bool) {
	n.locks = slices.DeleteFunc(n.locks, func(l *twinLock) bool { return l.expires <= now && !kept(l.token) })
	for _, kid := range n.kids {
		kid.forget(now, kept)
	}
}

// compare compares all that can be seen.
func (h *history) compare() {
	var b strings.Builder
	tags := map[string]uint64{}
	var walk func(path string, e *metapb.Entry, n *node)
	walk = func(path string, e *metapb.Entry, n *node) {
		u := usage{bytes: e.Row.Size, files: 1}
		if e.Row.Dir {
			u = usage{e.Dir.Bytes, e.Dir.Files, e.Dir.Dirs}
		}
		fmt.Fprintf(&b, "%s dir=%t %v quota=%d", path, e.Row.Dir, u, e.Dir.GetQuotaBytes())
		for _, p := range e.Props {
			fmt.Fprintf(&b, " %s=%s", p.Local, p.Value)
		}
		tokens := []string{}
		for _, l := range e.Locks {
			if l.Entry == e.Row.Id {
				tokens = append(tokens, l.Token)
			}
		}
		slices.Sort(tokens)
		fmt.Fprintf(&b, " %v\n", tokens)
		if !e.Row.Dir {
			if c, ok := tags[n.tag]; n != nil && ok && c != e.Row.Content {
				h.t.Fatalf("%s: content %d, other copies of it have %d", path, e.Row.Content, c)
			}
			tags[n.tag] = e.Row.Content
			return
		}
		ans, err := h.w.ask(&metapb.Query{Q: &metapb.Query_List{List: &metapb.List{Path: path, Props: true, Locks: true}}})
		if err != nil {
			h.t.Fatalf("list %s: %v", path, err)
		}
		for _, kid := range ans.Entries {
			sub := n.kids[kid.Row.Name]
			if sub == nil {
				h.t.Fatalf("%s has a member %q that the twin has not", path, kid.Row.Name)
			}
			walk(strings.TrimSuffix(path, "/")+"/"+kid.Row.Name, kid, sub)
		}
	}
	h.w.now = h.twin.now
	walk("/", h.w.lookup("/"), h.twin.root)
	if got, want := b.String(), h.twin.dump(); got != want {
		h.t.Fatalf("got\n%s\nwant\n%s", got, want)
	}
}

// replay executes the same commands in other batches: one for all that have the
// same time. State must not depend on what lay in the same batch.
func (h *history) replay() {
	log := h.w.log
	other := &MemKV{}
	for index := uint64(0); len(log) > 0; {
		n := 1
		for n < len(log) && log[n].now == log[0].now {
			n++
		}
		batch := &metapb.Batch{Version: 1, Now: log[0].now}
		for _, l := range log[:n] {
			batch.Commands = append(batch.Commands, l.cmd)
		}
		if index += uint64(n); index > h.w.index {
			h.t.Fatalf("more commands than batches")
		}
		if _, err := Apply(other, index, batch); err != nil {
			h.t.Fatalf("replay: %v", err)
		}
		log = log[n:]
	}
	if got, want := h.w.hash(other), h.w.hash(h.w.kv); got != want {
		h.t.Fatalf("replayed in larger batches: state %x, want %x", got, want)
	}
}

// end removes everything: no row of the tree, no block may be left.
func (h *history) end() {
	for name := range h.twin.root.kids {
		op := removeCmd("/" + name)
		op.GetRemove().Guard = &metapb.Guard{Tokens: []string{token("T0"), token("T1"), token("T2"), token("T3")}}
		h.w.must(op)
	}
	h.w.openSession() // ends the one that may have staged something
	h.w.reapAll(3)
	h.w.now += int64(time.Hour) // over the grace time of what was reaped just now
	h.w.reapAll(3)
	h.w.check()
	for _, table := range []byte{tableContent, tableRefs, tableStaged, tableDeadLarge, tableTrash, tableBlock,
		tableLock, tableLockToken, tableLockPath, tableLockExpiry, tableLockUser} {
		if n := h.w.rows(table); n != 0 {
			h.t.Fatalf("%d rows are left in table %c", n, table)
		}
	}
	if d, i := h.w.rows(tableEntry), h.w.rows(tableDir); d != 1 || i != 1 {
		h.t.Fatalf("%d entries and %d directories are left", d, i)
	}
}

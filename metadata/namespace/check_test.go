package namespace

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// TestCheckFindsPlanted plants one inconsistency at a time in a namespace that
// has rows of every kind: Check finds each.
func TestCheckFindsPlanted(t *testing.T) {
	seed := richWorld(t)
	ids := map[string]uint64{}
	contents := map[string]uint64{}
	for _, path := range []string{"/d", "/d/e", "/d/small", "/d/e/large", "/large2", "/d/twin"} {
		row := seed.lookup(path).Row
		ids[path], contents[path] = row.Id, row.Content
	}
	all := slices.Concat(treePlants(ids), contentPlants(contents), lockPlants())
	for _, plant := range all {
		t.Run(strings.ReplaceAll(plant.name, " ", "_"), func(t *testing.T) {
			w := &world{t: t, kv: seed.kv.Clone(), index: seed.index, session: seed.session}
			plant.plant(planter{w, ids})
			for _, err := range Check(w.kv) {
				if strings.Contains(err.Error(), plant.want) {
					return
				}
			}
			t.Errorf("Check found %v, want something with %q", Check(w.kv), plant.want)
		})
	}
}

// plant is an inconsistency and a part of what Check must say about it.
type plant struct {
	name, want string
	plant      func(p planter)
}

// treePlants breaks the tree, its counters or its properties.
func treePlants(ids map[string]uint64) []plant {
	return []plant{
		{"lost directory row", "has no row", func(p planter) { p.del(keyDir(ids["/d/e"])) }},
		{"lost entry of a directory", "neither in the tree nor in the trash", func(p planter) { p.del(keyEntry(ids["/d"], "e")) }},
		{"lost file", "counts", func(p planter) { p.del(keyEntry(ids["/d"], "small")) }},
		{"lost root", "root does not exist", func(p planter) { p.del(keyEntry(0, "")) }},
		{"entry in no directory", "which does not exist", func(p planter) { p.entry(999, "x", &metapb.EntryRow{Id: 3, Content: 1}) }},
		{"entry twice", "is in directory", func(p planter) { p.entry(rootID, "x", p.row(ids["/d"], "twin")) }},
		{"id not given out", "were given out", func(p planter) { p.entry(rootID, "x", &metapb.EntryRow{Id: 1 << 40, Content: 1}) }},
		{"key not in NFC", "not a name in NFC", func(p planter) { p.entry(rootID, "e\u0301", &metapb.EntryRow{Id: 3, Content: 1}) }},
		{"name of another key", "written name", func(p planter) { p.file("/d", "twin", func(r *metapb.EntryRow) { r.Name = "other" }) }},
		{"directory with data", "file's attributes", func(p planter) { p.file("/", "d", func(r *metapb.EntryRow) { r.Size = 1 }) }},
		{"wrong bytes", "counts", func(p planter) { p.dir("/d", func(r *metapb.DirRow) { r.Bytes++ }) }},
		{"wrong files", "counts", func(p planter) { p.dir("/", func(r *metapb.DirRow) { r.Files-- }) }},
		{"wrong parent", "row says", func(p planter) { p.dir("/d/e", func(r *metapb.DirRow) { r.Parent = rootID }) }},
		{"wrong key", "row says", func(p planter) { p.dir("/d/e", func(r *metapb.DirRow) { r.Key = "f" }) }},
		{"negative quota", "quota", func(p planter) { p.dir("/d", func(r *metapb.DirRow) { r.QuotaBytes = -1 }) }},
		{"trash of a living directory", "in the tree and in the trash", func(p planter) { p.put(keyTrash(ids["/d"]), &metapb.TrashRow{}) }},
		{"trash of nothing", "in the trash and has no row", func(p planter) { p.put(keyTrash(9999), &metapb.TrashRow{}) }},
		{"lost trash", "neither in the tree nor in the trash", func(p planter) { p.delFirst(tableTrash) }},
		{"lost property", "properties", func(p planter) { p.delFirst(tableProp) }},
		{"property of nothing", "does not exist", func(p planter) { p.put(keyProp(9999, "x", "y"), &metapb.PropRow{Space: "x", Local: "y"}) }},
		{"property under another key", "under the key", func(p planter) {
			p.put(keyProp(ids["/d/small"], "x", "p"), &metapb.PropRow{Space: "x", Local: "q"})
		}},
	}
}

// contentPlants breaks what files are made of.
func contentPlants(contents map[string]uint64) []plant {
	return []plant{
		{"wrong size", "blocks of", func(p planter) {
			p.file("/d", "small", func(r *metapb.EntryRow) { r.Size++ })
			p.file("/d", "twin", func(r *metapb.EntryRow) { r.Size++ })
		}},
		{"copies that differ", "differ", func(p planter) { p.file("/d", "twin", func(r *metapb.EntryRow) { r.Size++ }) }},
		{"lost reference count", "counted 0, wanted 2", func(p planter) { p.del(keyContent(contents["/d/small"])) }},
		{"wrong reference count", "counted 3", func(p planter) {
			p.put(keyContent(contents["/d/small"]), &metapb.ContentRow{References: 3, BlockCount: 2})
		}},
		{"count of nothing", "no entry has it", func(p planter) { p.put(keyContent(2000), &metapb.ContentRow{References: 2}) }},
		{"lost chunk", "content", func(p planter) { p.del(keyRefs(contents["/large2"], 0)) }},
		{"lost last chunk", "blocks of", func(p planter) { p.del(keyRefs(contents["/large2"], 1)) }},
		{"chunk of nobody", "nobody has it", func(p planter) {
			p.put(keyRefs(5000, 0), &metapb.RefChunk{Blocks: []*metapb.BlockRef{{Volume: 1, Local: 1, Length: 10}}})
		}},
		{"lost block", "its row says", func(p planter) { p.delFirst(tableBlock) }},
		{"block of another content", "its row says", func(p planter) { p.set(keyBlock(1, 1), pairRow(77, 10)) }},
		{"block of nobody", "no reference", func(p planter) { p.set(keyBlock(1, 1<<29), pairRow(77, 10)) }},
		{"stage without index", "staged by session", func(p planter) { p.delFirst(tableStaged) }},
		{"index without stage", "which is not staged", func(p planter) { p.set(keyStaged(5, 3), []byte{}) }},
		{"dead and alive", "at once", func(p planter) { p.set(keyDeadLarge(1, contents["/large2"]), []byte{}) }},
		{"dead twice", "dead twice", func(p planter) {
			p.set(keyDeadLarge(1, 3000), []byte{})
			p.set(keyDeadLarge(2, 3000), []byte{})
		}},
	}
}

// lockPlants breaks locks, results or the store itself.
func lockPlants() []plant {
	return []plant{
		{"lost lock", "are counted", func(p planter) { p.delFirst(tableLock) }},
		{"lost token row", "are missing", func(p planter) { p.delFirst(tableLockToken) }},
		{"lost path row", "are missing", func(p planter) { p.delFirst(tableLockPath) }},
		{"lost expiry row", "are missing", func(p planter) { p.delFirst(tableLockExpiry) }},
		{"expiry row of nothing", "for no lock", func(p planter) { p.set(keyLockExpiry(7, "urn:x"), u64Row(3)) }},
		{"wrong lock counter", "is said to have", func(p planter) { p.set(keyLockUser("ann"), u64Row(7)) }},
		{"locks exclude each other", "exclude each other", func(p planter) { p.lockRow("T2", func(l *metapb.LockRow) { l.Shared = false }, "T3") }},
		{"lock elsewhere", "which is at", func(p planter) { p.lockRow("T1", func(l *metapb.LockRow) { l.Root = "/d/other" }, "") }},
		{"lock of nothing", "not in the tree", func(p planter) { p.lockRow("T1", func(l *metapb.LockRow) { l.Entry = 9999 }, "") }},
		{"result below the floor", "below the floor", func(p planter) { p.put(keyResult(p.w.session, 1), &metapb.Result{}) }},
		{"unknown table", "in no table", func(p planter) { p.set([]byte("~x"), []byte("y")) }},
		{"bytes that are no row", "row", func(p planter) { p.set(keyDir(rootID), []byte{0xff}) }},
	}
}

// planter changes rows behind the namespace's back.
type planter struct {
	w   *world
	ids map[string]uint64
}

func (p planter) fail(err error) {
	if err != nil {
		p.w.t.Fatal(err)
	}
}

func (p planter) set(key, val []byte) { p.fail(p.w.kv.Set(key, val)) }
func (p planter) del(key []byte)      { p.fail(p.w.kv.Delete(key)) }

func (p planter) put(key []byte, row proto.Message) {
	p.fail(putRow(p.w.kv, key, row))
}

func (p planter) delFirst(table byte) {
	keys, err := scanKeys(p.w.kv, []byte{table}, []byte{table + 1}, 1)
	p.fail(err)
	p.del(keys[0])
}

func (p planter) row(dir uint64, name string) *metapb.EntryRow {
	row, err := getRow[metapb.EntryRow](p.w.kv, keyEntry(dir, name))
	p.fail(err)
	return row
}

func (p planter) entry(dir uint64, name string, row *metapb.EntryRow) {
	p.put(keyEntry(dir, name), row)
}

func (p planter) id(path string) uint64 {
	if path == "/" {
		return rootID
	}
	return p.ids[path]
}

func (p planter) file(dir, name string, change func(*metapb.EntryRow)) {
	row := p.row(p.id(dir), name)
	change(row)
	p.entry(p.id(dir), name, row)
}

func (p planter) dir(path string, change func(*metapb.DirRow)) {
	row, err := getRow[metapb.DirRow](p.w.kv, keyDir(p.id(path)))
	p.fail(err)
	change(row)
	p.put(keyDir(p.id(path)), row)
}

// lockRow changes a lock; with twin it adds a copy under another token.
func (p planter) lockRow(name string, change func(*metapb.LockRow), twin string) {
	v, err := newView(p.w.kv)
	p.fail(err)
	l, err := v.lockByToken(token(name))
	p.fail(err)
	old := l.Entry
	change(l)
	if twin != "" {
		l.Token = token(twin)
	} else {
		p.del(keyLock(old, l.Token))
	}
	p.put(keyLock(l.Entry, l.Token), l)
}

// TestCheckEmpty: nothing but an index may stand before Init.
func TestCheckEmpty(t *testing.T) {
	kv := &MemKV{}
	if errs := Check(kv); len(errs) > 0 {
		t.Errorf("Check of nothing: %v", errs)
	}
	results, err := Apply(kv, 1, &metapb.Batch{Version: 1, Now: 5, Commands: []*metapb.Command{mkdirCmd("/x")}})
	if err != nil || metadata.Kind(results[0].Kind) != metadata.KindUnavailable {
		t.Errorf("mkdir before Init: %v, %v", results, err)
	}
	if errs := Check(kv); len(errs) > 0 {
		t.Errorf("Check after a refusal: %v", errs)
	}
	if err := kv.Set(keyDir(1), []byte{}); err != nil {
		t.Fatal(err)
	}
	if errs := Check(kv); len(errs) != 1 {
		t.Errorf("Check of a directory without a cluster: %v", errs)
	}
}

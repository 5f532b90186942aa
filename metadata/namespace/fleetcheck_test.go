package namespace

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// plantedWorld has a volume in every state, dead blocks, sessions and tokens.
func plantedWorld(t testing.TB) *fleetWorld {
	w := &fleetWorld{&world{t: t, kv: &MemKV{}, now: start(), tick: 1}}
	for _, step := range []string{
		"init admin=adm", "node name=one roles=datanode", "node name=two roles=datanode", "disks n1 a,aa", "disks n2 b",
		"open n1 gw", "open n2 gw",
		"grant s1 on=n1:a,n2:b target=2 count=10", // v1: leased
		"grant s1 on=n1:a,n2:b target=2 count=10", // v2: fencing
		"grant s2 on=n2:b target=1 count=10",      // v3: idle
		"commit s1 /a v1 e=1 locals=1,2 len=5", "commit s1 /b v2 e=1 locals=1,2 len=5", "remove /b",
		"grant s1 on=n1:a target=1 count=10 nonce=4", // v4: leased
		"release s1 v2", "synced v2 e=2 a", "release s2 v3", "synced v3 e=2 b",
		"token t secret=s roles=datanode uses=2 ttl=1h",
	} {
		w.must(fleetCommand(parseStep(step), w.now))
	}
	w.check()
	return w
}

// edit changes a row behind the state machine's back.
func edit[T any, P message[T]](key []byte, change func(P)) func(*MemKV) {
	return func(kv *MemKV) {
		row, err := getRow[T, P](kv, key)
		if err != nil || row == nil {
			panic("no such row")
		}
		change(row)
		if err := putRow(kv, key, row); err != nil {
			panic(err)
		}
	}
}

func editVolume(id uint64, change func(*metapb.VolumeRow)) func(*MemKV) {
	return edit[metapb.VolumeRow](keyVolume(id), change)
}

func set(key []byte, val []byte) func(*MemKV) {
	return func(kv *MemKV) { _ = kv.Set(key, val) }
}

func del(key []byte) func(*MemKV) { return func(kv *MemKV) { _ = kv.Delete(key) } }

func moveRow[T any, P message[T]](from, to []byte) func(*MemKV) {
	return func(kv *MemKV) {
		val, _ := kv.Get(from)
		_ = kv.Set(to, val)
		_ = kv.Delete(from)
	}
}

func delFirst(table byte) func(*MemKV) {
	return func(kv *MemKV) {
		keys, _ := scanKeys(kv, []byte{table}, []byte{table + 1}, 1)
		_ = kv.Delete(keys[0])
	}
}

// changeLast flips a bit of a row's last byte.
func changeLast(key []byte) func(*MemKV) {
	return func(kv *MemKV) {
		val, _ := kv.Get(key)
		val = append([]byte(nil), val...)
		val[len(val)-1] ^= 2
		_ = kv.Set(key, val)
	}
}

func marshal(m proto.Message) []byte {
	b, _ := proto.Marshal(m)
	return b
}

func TestFleetCheckFindsPlanted(t *testing.T) {
	for name, plant := range map[string]func(*MemKV){
		"cluster: format":               edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) { c.Format = 9 }),
		"cluster: replication":          edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) { c.Replication = 0 }),
		"cluster: grace":                edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) { c.Grace = -1 }),
		"cluster: dead":                 edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) { c.Dead++ }),
		"cluster: next volume":          edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) { c.NextVolume = 3 }),
		"cluster: next node":            edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) { c.NextNode = 2 }),
		"cluster: next session":         edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) { c.NextSession = 2 }),
		"cluster: fleet version":        edit[metapb.ClusterRow](keyCluster(), func(c *metapb.ClusterRow) { c.FleetVersion = 1 }),
		"volume: other key":             moveRow[metapb.VolumeRow](keyVolume(3), keyVolume(0)),
		"volume: no epoch":              editVolume(3, func(v *metapb.VolumeRow) { v.Epoch = 0 }),
		"volume: never changed":         editVolume(3, func(v *metapb.VolumeRow) { v.Changed = 0 }),
		"volume: no target":             editVolume(3, func(v *metapb.VolumeRow) { v.Target = 0 }),
		"volume: no replica":            editVolume(3, func(v *metapb.VolumeRow) { v.Replicas = nil }),
		"volume: foreign disk":          editVolume(3, func(v *metapb.VolumeRow) { v.Replicas[0].Node = 1 }),
		"volume: unknown node":          editVolume(3, func(v *metapb.VolumeRow) { v.Replicas[0].Node = 9 }),
		"volume: disk twice":            editVolume(1, func(v *metapb.VolumeRow) { v.Replicas[1] = v.Replicas[0] }),
		"volume: state":                 editVolume(3, func(v *metapb.VolumeRow) { v.State = 7 }),
		"volume: idle with lessee":      editVolume(3, func(v *metapb.VolumeRow) { v.Lessee = 1 }),
		"volume: leased without lessee": editVolume(1, func(v *metapb.VolumeRow) { v.Lessee = 0 }),
		"volume: lessee is over":        editVolume(1, func(v *metapb.VolumeRow) { v.Lessee = 77 }),
		"volume: other lessee":          editVolume(1, func(v *metapb.VolumeRow) { v.Lessee = 2 }),
		"volume: no fence":              editVolume(1, func(v *metapb.VolumeRow) { v.Fence = 0 }),
		"volume: fence over next":       editVolume(1, func(v *metapb.VolumeRow) { v.Fence = 99 }),
		"volume: idle without fence":    editVolume(3, func(v *metapb.VolumeRow) { v.Fence-- }),
		"volume: next below blocks":     editVolume(2, func(v *metapb.VolumeRow) { v.Next, v.Fence = 2, 2 }),
		"volume: full and empty":        editVolume(3, func(v *metapb.VolumeRow) { v.State = uint32(metadata.VolumeFull) }),
		"volume: synced while idle":     editVolume(3, func(v *metapb.VolumeRow) { v.Synced = []uint64{0xb} }),
		"volume: all synced":            editVolume(2, func(v *metapb.VolumeRow) { v.Synced = []uint64{0xa, 0xb} }),
		"volume: synced stranger":       editVolume(2, func(v *metapb.VolumeRow) { v.Synced = []uint64{0xaa} }),
		"volume: synced twice":          editVolume(2, func(v *metapb.VolumeRow) { v.Synced = []uint64{0xa, 0xa} }),
		"volume: blocks":                editVolume(1, func(v *metapb.VolumeRow) { v.Blocks++ }),
		"volume: bytes":                 editVolume(1, func(v *metapb.VolumeRow) { v.Bytes-- }),
		"volume: digest":                editVolume(2, func(v *metapb.VolumeRow) { v.Digest ^= 1 }),
		"volume: lost":                  del(keyVolume(1)),
		"lease: lost":                   del(keyLeaseOf(1, 1)),
		"lease: of an idle volume":      set(keyLeaseOf(1, 3), []byte{}),
		"lease: of no volume":           set(keyLeaseOf(1, 33), []byte{}),
		"lease: nonce is short":         set(keyLeaseOf(1, 1), []byte{1}),
		"lease: nonce is none":          set(keyLeaseOf(1, 1), u64Row(0)),
		"lease: nonce of another":       set(keyLeaseOf(1, 1), u64Row(4)),
		"block: lost":                   del(keyBlock(1, 1)),
		"block: unknown":                set(keyBlock(1, 3), pairRow(1, 5)),
		"block: of no volume":           set(keyBlock(9, 3), pairRow(1, 5)),
		"block: of no content":          set(keyBlock(1, 1), pairRow(0, 5)),
		"block: too long":               set(keyBlock(1, 1), pairRow(2, 1<<30)),
		"block: short row":              set(keyBlock(1, 1), []byte{1}),
		"block: dead too":               set(keyBlock(2, 1), pairRow(2, 5)),
		"dead: lost in time":            delFirst(tableDead),
		"dead: lost by volume":          del(keyDeadOf(2, 1)),
		"dead: other length":            changeLast(keyDeadOf(2, 1)),
		"dead: to come":                 set(keyDead(start()*2, 2, 1), marshal(&metapb.DeadRow{Length: 5})),
		"session: lost":                 del(keySession(1)),
		"session: unknown node":         edit[metapb.SessionRow](keySession(2), func(s *metapb.SessionRow) { s.Node = 9 }),
		"session: twice":                edit[metapb.SessionRow](keySession(2), func(s *metapb.SessionRow) { s.Node = 1 }),
		"session: of a removed node":    edit[metapb.NodeRow](keyNode(2), func(n *metapb.NodeRow) { n.State = 3 }),
		"node: lost":                    del(keyNode(2)),
		"node: other key":               moveRow[metapb.NodeRow](keyNode(2), keyNode(9)),
		"node: name":                    edit[metapb.NodeRow](keyNode(2), func(n *metapb.NodeRow) { n.Name = "one" }),
		"node: no name":                 edit[metapb.NodeRow](keyNode(2), func(n *metapb.NodeRow) { n.Name = "" }),
		"node: role":                    edit[metapb.NodeRow](keyNode(2), func(n *metapb.NodeRow) { n.Roles = []string{"x"} }),
		"node: disk of two":             edit[metapb.NodeRow](keyNode(2), func(n *metapb.NodeRow) { n.Disks = []uint64{0xa, 0xb} }),
		"node: disk lost":               edit[metapb.NodeRow](keyNode(2), func(n *metapb.NodeRow) { n.Disks = nil }),
		"node: disks in no order":       edit[metapb.NodeRow](keyNode(1), func(n *metapb.NodeRow) { n.Disks = []uint64{0xaa, 0xa} }),
		"user: no administrator":        edit[metapb.UserRow](keyUser("adm"), func(u *metapb.UserRow) { u.Disabled = true }),
		"user: role":                    edit[metapb.UserRow](keyUser("adm"), func(u *metapb.UserRow) { u.Role = 9 }),
		"user: other key":               moveRow[metapb.UserRow](keyUser("adm"), keyUser("bob")),
		"token: no secret":              edit[metapb.TokenRow](keyToken("t"), func(r *metapb.TokenRow) { r.SecretSha256 = nil }),
		"token: too many uses":          edit[metapb.TokenRow](keyToken("t"), func(r *metapb.TokenRow) { r.UsesLeft = tokenUsesMax + 1 }),
		"token: other key":              moveRow[metapb.TokenRow](keyToken("t"), keyToken("u")),
		"row that cannot be read":       set(keyVolume(1), []byte{0xff}),
		"node row that cannot be read":  set(keyNode(1), []byte{0xff}),
		"dead row that cannot be read":  set(keyDead(1, 2, 1), []byte{0xff}),
	} {
		w := plantedWorld(t)
		plant(w.kv)
		if errs := checkFleet(w.kv); len(errs) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestFleetCheckIsBounded(t *testing.T) {
	w := plantedWorld(t)
	for i := range uint64(1000) {
		_ = w.kv.Set(keyBlock(99, i), pairRow(1, 5))
	}
	errs := checkFleet(w.kv)
	if len(errs) != checkErrorsMax || !strings.Contains(errs[0].Error(), "v99") {
		t.Errorf("%d errors, the first %v; want %d", len(errs), errs[0], checkErrorsMax)
	}
}

// TestFullVolume: a volume that holds VolumeBytesMax takes no lease until half
// of it is reaped.
func TestFullVolume(t *testing.T) {
	w := &fleetWorld{&world{t: t, kv: &MemKV{}, now: start(), tick: 1}}
	do := func(step string) *metapb.Result { t.Helper(); return w.must(fleetCommand(parseStep(step), w.now)) }
	for _, s := range []string{"init admin=adm", "node name=one roles=datanode", "disks n1 a", "open n1 gw", "grant s1 on=n1:a target=1 count=9999"} {
		do(s)
	}
	const n = metadata.VolumeBytesMax / metadata.BlockBytesMax
	for i := range 2 {
		op := &metapb.Commit{Path: []string{"/a", "/b"}[i], Session: 1, Leases: []*metapb.LeaseProof{{Volume: 1, Epoch: 1}}}
		for j := range n / 2 {
			op.Blocks = append(op.Blocks, &metapb.BlockRef{Volume: 1, Local: uint64(1 + i*n/2 + j), Length: metadata.BlockBytesMax})
			op.Size += metadata.BlockBytesMax
		}
		w.must(commitCmd(op))
	}
	do("release s1 v1")
	if v := do("synced v1 e=2 a").Volume; volumeState(v) != metadata.VolumeFull {
		t.Fatalf("a volume of %d bytes is %s, want full", v.Bytes, volumeState(v))
	}
	if res := w.do(fleetCommand(parseStep("grant s1 v1 e=2 count=5"), w.now)); metadata.Kind(res.Kind) != metadata.KindConflict {
		t.Errorf("lease of a full volume: %v", res)
	}
	do("remove /a")
	w.now += int64(time.Hour) // long contents become dead when their grace is over
	w.reapAll(10_000)
	reap := &metapb.Reaped{Volume: 1}
	for j := range uint64(n / 2) {
		reap.Blocks = append(reap.Blocks, &metapb.DeadBlock{Local: 1 + j})
	}
	cmd := &metapb.Command{Op: &metapb.Command_Reaped{Reaped: reap}}
	if v := w.must(cmd).Volume; volumeState(v) != metadata.VolumeFull {
		t.Errorf("with exactly half of its bytes: %s, want full", volumeState(v))
	} else if v.Blocks != n/2 {
		t.Fatalf("%d blocks after half were reaped, want %d", v.Blocks, n/2)
	}
	do("remove /b")
	w.now += int64(time.Hour)
	w.reapAll(10_000)
	for i := range reap.Blocks {
		reap.Blocks[i].Local += n / 2
	}
	if v := w.must(cmd).Volume; volumeState(v) != metadata.VolumeIdle || v.Bytes != 0 {
		t.Errorf("after reaping all: %s with %d bytes, want idle with none", volumeState(v), v.Bytes)
	}
	w.check()
}

// TestSessionLeases: a session holds a bounded number of leases, and its end
// forgets its results and ends all leases.
func TestSessionLeases(t *testing.T) {
	w := &fleetWorld{&world{t: t, kv: &MemKV{}, now: start(), tick: 1, unchecked: true}}
	do := func(step string) *metapb.Result { return w.do(fleetCommand(parseStep(step), w.now)) }
	for _, s := range []string{"init admin=adm", "node name=one roles=datanode", "disks n1 a", "open n1 gw"} {
		do(s)
	}
	for i := range leasesOfSessionMax {
		if res := do("grant s1 on=n1:a target=1 count=1"); !res.Ok {
			t.Fatalf("lease %d: %s", i, res.Message)
		}
	}
	if res := do("grant s1 on=n1:a target=1 count=1"); metadata.Kind(res.Kind) != metadata.KindBusy {
		t.Errorf("one lease too many: %v", res)
	}
	cmd := mkdirCmd("/d")
	cmd.Session, cmd.Sequence = 1, 1
	w.must(cmd)
	if w.rows(tableResult) == 0 {
		t.Fatal("no result was kept")
	}
	do("close s1")
	if n := w.rows(tableResult) + w.rows(tableLeaseOf) + w.rows(tableSession); n != 0 {
		t.Errorf("%d rows of the session are left", n)
	}
	w.check()
}

// TestCloseOwnSession: the command that ends a session carries that session.
func TestCloseOwnSession(t *testing.T) {
	w := plantedWorld(t)
	cmd := volumeCommand(parseStep("close s1"))
	cmd.Session, cmd.Sequence = 1, 1
	w.must(cmd)
	w.check()
}

func TestNumberedNames(t *testing.T) {
	long := strings.Repeat("é", labelBytesMax/2)
	nodes := []*metapb.NodeRow{{Id: 1, Name: "a"}, {Id: 2, Name: "a-2"}, {Id: 3, Name: "gone", State: 3}, {Id: 4, Name: long}}
	for in, want := range map[string]string{"a": "a-3", "b": "b", "gone": "gone", "a-2": "a-2-2", long: strings.Repeat("é", 126) + "-2"} {
		if got := freeName(nodes, in); got != want {
			t.Errorf("freeName(%.10q) = %.20q (%d bytes), want %.20q", in, got, len(got), want)
		}
	}
	for n := 2; n <= 120; n++ {
		nodes = append(nodes, &metapb.NodeRow{Id: uint64(n + 10), Name: numberedTo("a", n)})
	}
	if got := freeName(nodes, "a"); got != "a-121" {
		t.Errorf("freeName = %q, want a-121", got)
	}
}

func numberedTo(name string, n int) string {
	for i := 2; i <= n; i++ {
		name = numbered(name, i)
	}
	return name
}

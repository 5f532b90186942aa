package namespace

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// dumbVolume is a volume as the dumb twin keeps it: sets, no counters.
type dumbVolume struct {
	epoch, lessee, fence, next uint64
	state                      metadata.VolumeState
	target                     int
	replicas                   []uint64 // disks; the node is the disk's number
	synced                     map[uint64]bool
	live, dead                 map[uint64]uint32 // local id -> length
}

// fleetTwin does what the state machine should, the simplest way.
type fleetTwin struct {
	volumes  map[uint64]*dumbVolume
	files    map[string][]metadata.BlockID
	sessions map[uint64]bool
}

func (d *dumbVolume) bytes() (n int64) {
	for _, m := range []map[uint64]uint32{d.live, d.dead} {
		for _, l := range m {
			n += int64(l)
		}
	}
	return n
}

func (d *dumbVolume) endLease() {
	d.state, d.lessee, d.fence, d.synced = metadata.VolumeFencing, 0, d.next, map[uint64]bool{}
	d.epoch++
}

func (d *dumbVolume) settle() {
	if d.state == metadata.VolumeFencing && len(d.synced) == len(d.replicas) {
		d.state, d.synced = metadata.VolumeIdle, map[uint64]bool{}
	}
}

// row is the twin's idea of the stored row.
func (d *dumbVolume) row(id uint64) string {
	v := &metapb.VolumeRow{Id: id, Epoch: d.epoch, State: uint32(d.state), Target: uint32(d.target), Lessee: d.lessee,
		Fence: d.fence, Next: d.next, Blocks: int64(len(d.live) + len(d.dead)), Bytes: d.bytes(), Synced: sortedKeys(d.synced)}
	for _, disk := range d.replicas {
		v.Replicas = append(v.Replicas, &metapb.Replica{Node: disk, Disk: disk})
	}
	for _, m := range []map[uint64]uint32{d.live, d.dead} {
		for local := range m {
			v.Digest ^= blockDigest(id, local)
		}
	}
	return fmt.Sprintf("%s digest %x", showVolume(v), v.Digest)
}

// fleetHistory drives the state machine and the twin with the same random steps.
type fleetHistory struct {
	fleetWorld
	rng  *rand.Rand
	twin fleetTwin
	ok   int
}

const modelNodes = 5

func newFleetHistory(t *testing.T, seed uint64) *fleetHistory {
	h := &fleetHistory{
		fleetWorld: fleetWorld{&world{t: t, kv: &MemKV{}, now: start(), tick: time.Millisecond}},
		rng:        rand.New(rand.NewPCG(seed, 1)),
		twin:       fleetTwin{volumes: map[uint64]*dumbVolume{}, files: map[string][]metadata.BlockID{}, sessions: map[uint64]bool{}},
	}
	h.must(fleetCommand(parseStep("init admin=adm"), h.now))
	for i := 1; i <= modelNodes; i++ {
		h.must(fleetCommand(parseStep(fmt.Sprintf("node name=n%d roles=datanode", i)), h.now))
		h.must(fleetCommand(parseStep(fmt.Sprintf("disks n%d %x", i, i)), h.now))
	}
	return h
}

// pick returns a random number below n, which may be 0.
func (h *fleetHistory) pick(n int) int {
	if n == 0 {
		return 0
	}
	return h.rng.IntN(n)
}

// someVolume returns a volume, mostly one that exists.
func (h *fleetHistory) someVolume() (uint64, *dumbVolume) {
	id := uint64(1 + h.pick(len(h.twin.volumes)+1))
	if d := h.twin.volumes[id]; d != nil {
		return id, d
	}
	return id, &dumbVolume{epoch: 1}
}

// someEpoch is the volume's epoch, now and then another.
func (h *fleetHistory) someEpoch(d *dumbVolume) uint64 {
	if h.pick(12) == 0 {
		return d.epoch + uint64(h.pick(3)) - 1
	}
	return d.epoch
}

func (h *fleetHistory) someSession(d *dumbVolume) uint64 {
	if d.lessee != 0 && h.pick(4) > 0 {
		return d.lessee
	}
	ids := sortedKeys(h.twin.sessions)
	if len(ids) == 0 || h.pick(10) == 0 {
		return 99
	}
	return ids[h.pick(len(ids))]
}

// someDisk is one of the volume's, or any.
func (h *fleetHistory) someDisk(d *dumbVolume) uint64 {
	if len(d.replicas) > 0 && h.pick(3) > 0 {
		return d.replicas[h.pick(len(d.replicas))]
	}
	return uint64(1 + h.pick(modelNodes))
}

// step makes a random command and the twin's answer to it.
func (h *fleetHistory) step() (cmd *metapb.Command, allowed bool) {
	switch h.pick(14) {
	case 0:
		return h.open()
	case 1:
		id := h.someSession(&dumbVolume{})
		if h.pick(3) > 0 {
			id = 99
		}
		return h.close(id)
	case 2, 3:
		return h.grant()
	case 4, 5, 6:
		return h.commit()
	case 7:
		return h.remove()
	case 8, 9:
		return h.syncedStep()
	case 10:
		return h.release()
	case 11:
		return h.drop()
	case 12:
		return h.add()
	}
	return h.reap()
}

func (h *fleetHistory) open() (*metapb.Command, bool) {
	node := 1 + h.pick(2)
	cmd := volumeCommand(parseStep(fmt.Sprintf("open n%d gw", node)))
	a, err := h.ask(fleetQuery(parseStep("sessions"), h.now))
	if err != nil {
		h.t.Fatal(err)
	}
	for _, s := range a.Sessions {
		if s.Node == uint64(node) {
			h.twinClose(s.Id)
		}
	}
	return cmd, true
}

func (h *fleetHistory) twinClose(id uint64) bool {
	if !h.twin.sessions[id] {
		return false
	}
	delete(h.twin.sessions, id)
	for _, d := range h.twin.volumes {
		if d.lessee == id {
			d.endLease()
		}
	}
	return true
}

func (h *fleetHistory) close(id uint64) (*metapb.Command, bool) {
	return volumeCommand(parseStep(fmt.Sprintf("close s%d", id))), h.twinClose(id)
}

func (h *fleetHistory) grant() (*metapb.Command, bool) {
	session, count := h.someSession(&dumbVolume{}), uint64(1+h.pick(6))
	op := &metapb.GrantLease{Session: session, Count: count}
	cmd := &metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: op}}
	if h.pick(3) > 0 && len(h.twin.volumes) > 0 {
		id, d := h.someVolume()
		op.Volume, op.Epoch = id, h.someEpoch(d)
		if h.twin.volumes[id] == nil || op.Epoch != d.epoch || d.state != metadata.VolumeIdle || !h.twin.sessions[session] {
			return cmd, false
		}
		d.state, d.lessee = metadata.VolumeLeased, session
		d.epoch++
		d.next += count
		return cmd, true
	}
	op.Target = uint32(1 + h.pick(3))
	disks := h.rng.Perm(modelNodes)[:h.pick(4)]
	d := &dumbVolume{epoch: 1, state: metadata.VolumeLeased, lessee: session, target: int(op.Target), fence: 1, next: 1 + count,
		synced: map[uint64]bool{}, live: map[uint64]uint32{}, dead: map[uint64]uint32{}}
	for _, n := range disks {
		op.Replicas = append(op.Replicas, &metapb.Replica{Node: uint64(n + 1), Disk: uint64(n + 1)})
		d.replicas = append(d.replicas, uint64(n+1))
	}
	if len(disks) > d.target || 2*len(disks) < d.target || !h.twin.sessions[session] {
		return cmd, false
	}
	h.twin.volumes[uint64(len(h.twin.volumes)+1)] = d
	return cmd, true
}

// commit writes a file of up to three blocks of one volume, replacing one.
func (h *fleetHistory) commit() (*metapb.Command, bool) {
	id, d := h.someVolume()
	path := fmt.Sprint("/f", h.pick(12))
	op := &metapb.Commit{Path: path, Session: h.someSession(d), Leases: []*metapb.LeaseProof{{Volume: id, Epoch: h.someEpoch(d)}}}
	cmd := commitCmd(op)
	ok := h.twin.volumes[id] != nil && d.state == metadata.VolumeLeased && d.lessee == op.Session && op.Leases[0].Epoch == d.epoch
	fresh := map[uint64]uint32{}
	var ids []metadata.BlockID
	for range 1 + h.pick(3) {
		local := uint64(h.pick(int(d.next)+1)) + d.fence/2
		length := uint32(1 + h.pick(500))
		_, twice := fresh[local]
		_, live := d.live[local]
		_, dead := d.dead[local]
		ok = ok && !twice && !live && !dead && local >= d.fence && local < d.next
		fresh[local] = length
		ids = append(ids, metadata.BlockID{Volume: metadata.VolumeID(id), Local: metadata.LocalID(local)})
		op.Blocks = append(op.Blocks, &metapb.BlockRef{Volume: id, Local: local, Length: length})
		op.Size += int64(length)
	}
	if !ok {
		return cmd, false
	}
	for local, length := range fresh {
		d.live[local] = length
	}
	h.kill(path)
	h.twin.files[path] = ids
	return cmd, true
}

// kill makes the blocks of a file dead.
func (h *fleetHistory) kill(path string) bool {
	ids, ok := h.twin.files[path]
	delete(h.twin.files, path)
	for _, id := range ids {
		d := h.twin.volumes[uint64(id.Volume)]
		d.dead[uint64(id.Local)] = d.live[uint64(id.Local)]
		delete(d.live, uint64(id.Local))
	}
	return ok
}

func (h *fleetHistory) remove() (*metapb.Command, bool) {
	path := fmt.Sprint("/f", h.pick(12))
	return removeCmd(path), h.kill(path)
}

func (h *fleetHistory) syncedStep() (*metapb.Command, bool) {
	id, d := h.someVolume()
	op := &metapb.Synced{Volume: id, Epoch: h.someEpoch(d), Disk: h.someDisk(d)}
	cmd := &metapb.Command{Op: &metapb.Command_Synced{Synced: op}}
	if h.twin.volumes[id] == nil || op.Epoch != d.epoch || d.state != metadata.VolumeFencing || !slices.Contains(d.replicas, op.Disk) {
		return cmd, false
	}
	d.synced[op.Disk] = true
	d.settle()
	return cmd, true
}

func (h *fleetHistory) release() (*metapb.Command, bool) {
	id, d := h.someVolume()
	op := &metapb.ReleaseLease{Session: h.someSession(d), Volume: id}
	cmd := &metapb.Command{Op: &metapb.Command_ReleaseLease{ReleaseLease: op}}
	if d.state != metadata.VolumeLeased || d.lessee != op.Session {
		return cmd, false
	}
	d.endLease()
	return cmd, true
}

func (h *fleetHistory) drop() (*metapb.Command, bool) {
	id, d := h.someVolume()
	disk := h.someDisk(d)
	op := &metapb.DropReplica{Volume: id, Epoch: h.someEpoch(d), Replica: &metapb.Replica{Node: disk, Disk: disk}, MinReplicas: uint32(h.pick(3))}
	least := max(1, int(op.MinReplicas))
	if h.pick(2) == 0 {
		op.Session = h.someSession(d)
		least = max(least, (d.target+1)/2)
	}
	cmd := &metapb.Command{Op: &metapb.Command_DropReplica{DropReplica: op}}
	if h.twin.volumes[id] == nil || op.Epoch != d.epoch || !slices.Contains(d.replicas, disk) || len(d.replicas)-1 < least ||
		op.Session != 0 && op.Session != d.lessee {
		return cmd, false
	}
	d.replicas = slices.DeleteFunc(slices.Clone(d.replicas), func(o uint64) bool { return o == disk })
	delete(d.synced, disk)
	if op.Session == 0 && d.state == metadata.VolumeLeased {
		d.endLease()
		return cmd, true
	}
	d.epoch++
	d.settle()
	return cmd, true
}

func (h *fleetHistory) add() (*metapb.Command, bool) {
	id, d := h.someVolume()
	disk := uint64(1 + h.pick(modelNodes))
	op := &metapb.AddReplica{Volume: id, Epoch: h.someEpoch(d), Replica: &metapb.Replica{Node: disk, Disk: disk}}
	cmd := &metapb.Command{Op: &metapb.Command_AddReplica{AddReplica: op}}
	if h.twin.volumes[id] == nil || op.Epoch != d.epoch || d.state == metadata.VolumeLeased || slices.Contains(d.replicas, disk) {
		return cmd, false
	}
	d.replicas = append(d.replicas, disk)
	if d.state == metadata.VolumeFencing {
		d.synced[disk] = true
	}
	d.epoch++
	return cmd, true
}

func (h *fleetHistory) reap() (*metapb.Command, bool) {
	id, d := h.someVolume()
	op := &metapb.Reaped{Volume: id}
	cmd := &metapb.Command{Op: &metapb.Command_Reaped{Reaped: op}}
	for _, local := range append(sortedKeys(d.dead), sortedKeys(d.live)...) {
		if h.pick(2) == 0 {
			op.Blocks = append(op.Blocks, &metapb.DeadBlock{Volume: id, Local: local})
			delete(d.dead, local)
		}
	}
	return cmd, h.twin.volumes[id] != nil
}

// compare compares everything that queries show.
func (h *fleetHistory) compare(what any) {
	a, err := h.ask(fleetQuery(parseStep("volumes"), h.now))
	if err != nil || len(a.Volumes) != len(h.twin.volumes) {
		h.t.Fatalf("%v: %d volumes (%v), want %d", what, len(a.GetVolumes()), err, len(h.twin.volumes))
	}
	dead := 0
	for _, v := range a.Volumes {
		d := h.twin.volumes[v.Id]
		dead += len(d.dead)
		got := fmt.Sprintf("%s digest %x", showVolume(v), v.Digest)
		if want := d.row(v.Id); got != want {
			h.t.Fatalf("%v:\n got %s\nwant %s", what, got, want)
		}
		h.compareBlocks(v.Id, d)
	}
	ans, err := h.ask(fleetQuery(parseStep("dead old=-1h"), h.now))
	if err != nil || len(ans.Dead) != dead {
		h.t.Fatalf("%v: %d dead blocks (%v), want %d", what, len(ans.GetDead()), err, dead)
	}
}

func (h *fleetHistory) compareBlocks(id uint64, d *dumbVolume) {
	want, got := map[uint64]uint32{}, map[uint64]uint32{}
	for _, m := range []map[uint64]uint32{d.live, d.dead} {
		for local, length := range m {
			want[local] = length
		}
	}
	after := uint64(0)
	for more := true; more; {
		a, err := h.ask(fleetQuery(parseStep(fmt.Sprintf("blocks v%d after=%d limit=%d", id, after, 1+h.pick(4))), h.now))
		if err != nil {
			h.t.Fatal(err)
		}
		for _, b := range a.Blocks {
			if b.Local <= after {
				h.t.Fatalf("blocks of v%d: %d behind %d", id, b.Local, after)
			}
			got[b.Local], after = b.Length, b.Local
		}
		more = a.More
	}
	if !reflect.DeepEqual(got, want) {
		h.t.Fatalf("blocks of v%d: got %v, want %v", id, got, want)
	}
}

func TestFleetModel(t *testing.T) {
	seeds, steps := uint64(12), 400
	if os.Getenv("KEN_SOAK") == "1" {
		seeds, steps = 500, 3000
	}
	for seed := range seeds {
		h := newFleetHistory(t, seed)
		for range steps {
			cmd, allowed := h.step()
			res := h.do(cmd)
			if res.Ok != allowed {
				t.Fatalf("seed %d: %v: ok %v (%s), want %v", seed, cmd, res.Ok, res.Message, allowed)
			}
			if op := cmd.GetOpenSession(); op != nil {
				h.twin.sessions[res.Id] = true
			}
			if res.Ok {
				h.ok++
				h.compare(cmd)
			}
		}
		h.check()
		if h.ok < steps/8 {
			t.Errorf("seed %d: only %d of %d commands were allowed", seed, h.ok, steps)
		}
	}
}

package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kendfs/metadata"
)

func nodeIDs(ds []*disk) []metadata.NodeID {
	var out []metadata.NodeID
	for _, d := range ds {
		out = append(out, d.site.id)
	}
	return out
}

func TestChooseDistinct(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		b := newBuilder(6)
		for n := range metadata.NodeID(6) {
			b.sites[n+1].zone = fmt.Sprint("zone", n/2) // three zones of two nodes
			b.addDisk(metadata.DiskID(201+n), b.sites[n+1])
		}
		open, _ := b.openDisks()
		got := choose(open, wish{n: 3, near: 4, avoid: map[metadata.NodeID]bool{1: true}}, rng)
		zones, nodes := map[string]bool{}, map[metadata.NodeID]bool{}
		for _, d := range got {
			zones[d.site.zone], nodes[d.site.id] = true, true
		}
		if len(got) != 3 || len(zones) != 3 || len(nodes) != 3 || got[0].site.id != 4 || nodes[1] {
			t.Fatalf("seed %d: chose %v in zones %v", seed, nodeIDs(got), zones)
		}
		if got := choose(open, wish{n: 9}, rng); len(got) != 6 {
			t.Fatalf("seed %d: chose %d of 6 nodes, want all", seed, len(got))
		}
	}
}

// Disks fill up evenly: a disk with three times the space is chosen about three
// times as often.
func TestChooseByFreeSpace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	b := newBuilder(2)
	b.disks[102].free = 3 * b.disks[101].free
	open, _ := b.openDisks()
	count := map[metadata.NodeID]int{}
	for range 4000 {
		count[choose(open, wish{n: 1}, rng)[0].site.id]++
	}
	if count[1] < 850 || count[1] > 1150 {
		t.Errorf("the smaller disk was chosen %d times of 4000, want about 1000", count[1])
	}
}

func TestPlaceLease(t *testing.T) {
	const gib = 1 << 30
	for _, tc := range []struct {
		name  string
		build func(b *builder)
		req   metadata.GrantRequest
		want  string // "vN", "new K on …", or a kind
	}{
		{"new", func(b *builder) {}, metadata.GrantRequest{Replicas: 2}, "new 2"},
		{"idle is reused, the fullest first", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2)
			b.volume(2, metadata.VolumeIdle, 2, 2*gib, 1, 3)
		}, metadata.GrantRequest{Replicas: 2}, "v2"},
		{"not of another target", func(b *builder) { b.volume(1, metadata.VolumeIdle, 3, gib, 1, 2, 3) }, metadata.GrantRequest{Replicas: 2}, "new 2"},
		{"not full, not leased, not fencing, not being granted", func(b *builder) {
			b.volume(1, metadata.VolumeFull, 2, gib, 1, 2)
			b.volume(2, metadata.VolumeLeased, 2, gib, 1, 2)
			b.volume(3, metadata.VolumeFencing, 2, gib, 1, 2)
			b.volume(4, metadata.VolumeIdle, 2, gib, 1, 2).granting = true
			b.volume(5, metadata.VolumeIdle, 2, metadata.VolumeBytesMax, 1, 2)
		}, metadata.GrantRequest{Replicas: 2}, "new 2"},
		{"not with a replica that is not up", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2)
			b.live(metadata.LivenessSuspect, 2)
		}, metadata.GrantRequest{Replicas: 2}, "new 2"},
		{"not with a replica on a draining node", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2)
			b.sites[2].state = metadata.NodeDraining
		}, metadata.GrantRequest{Replicas: 2}, "new 2"},
		{"not on a full disk", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2)
			b.disks[102].free = 1
		}, metadata.GrantRequest{Replicas: 2}, "new 2"},
		{"not while it is repaired", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2)
			b.orders.add(order{class: classCheck, Order: metadata.Order{Kind: metadata.OrderSync, Volume: 1, Disk: 101}}, b.now)
		}, metadata.GrantRequest{Replicas: 2}, "new 2"},
		{"not with fewer replicas than there can be", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1) },
			metadata.GrantRequest{Replicas: 2}, "new 2"},
		{"but if there cannot be more", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, gib, 1)
			b.live(metadata.LivenessDown, 2, 3, 4)
		}, metadata.GrantRequest{Replicas: 2}, "v1"},
		{"near", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, 2*gib, 1, 2)
			b.volume(2, metadata.VolumeIdle, 2, gib, 3, 4)
		}, metadata.GrantRequest{Replicas: 2, Near: 3}, "v2"},
		{"near: a new one", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) },
			metadata.GrantRequest{Replicas: 2, Near: 3}, "new 2"},
		{"near is not up", func(b *builder) {
			b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2)
			b.live(metadata.LivenessSuspect, 3)
		}, metadata.GrantRequest{Replicas: 2, Near: 3}, "v1"},
		{"near, but there are enough idle ones", func(b *builder) {
			b.lim.IdleVolumes = 1
			b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2)
		}, metadata.GrantRequest{Replicas: 2, Near: 3}, "v1"},
		{"avoid", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) },
			metadata.GrantRequest{Replicas: 2, Avoid: []metadata.NodeID{2}}, "new 2"},
		{"avoid, if it can be", func(b *builder) { b.volume(1, metadata.VolumeIdle, 2, gib, 1, 2) },
			metadata.GrantRequest{Replicas: 2, Avoid: []metadata.NodeID{1, 2, 3}}, "v1"},
		{"fewer nodes than copies", func(b *builder) { b.live(metadata.LivenessDown, 3, 4) }, metadata.GrantRequest{Replicas: 3}, "new 2"},
		{"too few nodes", func(b *builder) { b.live(metadata.LivenessDown, 2, 3, 4) }, metadata.GrantRequest{Replicas: 3}, "unavailable"},
		{"unknown nodes are not written to", func(b *builder) { b.live(metadata.LivenessUnknown, 1, 2, 3, 4) }, metadata.GrantRequest{Replicas: 1}, "unavailable"},
		{"too little space", func(b *builder) {
			for _, d := range b.disks {
				d.free = 1
			}
		}, metadata.GrantRequest{Replicas: 2}, "no space"},
		{"one node", func(b *builder) { b.live(metadata.LivenessDown, 2, 3, 4) }, metadata.GrantRequest{Replicas: 1}, "new 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBuilder(4)
			tc.build(b)
			c, err := placeLease(b.world, tc.req, rand.New(rand.NewPCG(3, 4)))
			got := fmt.Sprint("new ", len(c.replicas))
			switch {
			case err != nil:
				got = metadata.KindOf(err).String()
			case c.reuse != nil:
				got = c.reuse.ID.String()
			}
			if got != tc.want {
				t.Errorf("got %s, want %s (%v)", got, tc.want, err)
			}
			for _, n := range tc.req.Avoid {
				if tc.want == "new 2" && slices.ContainsFunc(c.replicas, func(r metadata.Replica) bool { return r.Node == n }) {
					t.Errorf("chose %v, which was to be avoided", n)
				}
			}
		})
	}
}

// Room that a running copy will take is gone for all disks of its file system.
func TestRunningCopiesTakeSharedRoom(t *testing.T) {
	tm := newTerm()
	for id := range metadata.NodeID(3) {
		disk := metadata.DiskID(101 + id)
		tm.nodes[id+1] = &node{
			Node: metadata.Node{ID: id + 1, Roles: []string{metadata.NodeDatanode}, Disks: []metadata.Disk{{ID: disk}}},
			disks: map[metadata.DiskID]*reported{disk: {
				Disk: metadata.Disk{ID: disk, Free: 1000, Capacity: 2000, FileSystem: uint64(1 + id/2)}, beat: beat{heard: now0()},
			}},
			beat: beat{heard: now0()},
		}
	}
	tm.orders.add(order{node: 1, class: classRepair, bytes: 700, done: 100, Order: metadata.Order{Volume: 1, Disk: 101}}, now0())
	w := tm.world(now0(), Limits{}.withDefaults())
	for disk, want := range map[metadata.DiskID]int64{101: 400, 102: 400, 103: 1000} {
		if got := w.disks[disk].free; got != want {
			t.Errorf("disk %d: %d bytes are free, want %d", disk, got, want)
		}
	}
}

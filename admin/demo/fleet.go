package demo

import (
	"fmt"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/fleet"
)

// node is a machine of the demo.
type node struct {
	metadata.Node
	downAt    time.Time // when it went silent; zero: it answers
	downSince time.Time // when it was declared down
	falls     int
	volumes   int // whose replicas it has
	bytes     int64
	busy      float64 // 0..1, how much it has to do
	movedAt   time.Time
}

// volume is a volume of the demo; sync is what is being copied to it.
type volume struct {
	metadata.Volume
	job *job
}

// job is the work on one volume.
type job struct {
	class   string
	state   string
	to      *node
	from    *node
	done    int64
	since   time.Time
	tries   int
	nextTry time.Time
	err     string
	wait    fleet.Stall
}

const (
	volumesPerNode = 20 // records; each has three replicas, so a node has 60
	notStorage     = 6  // the first nodes keep no blocks
	diskBytes      = 256 << 30
)

// makeFleet makes nodes in twelve rows of racks, and volumes on them.
func (d *Cluster) makeFleet() {
	for i := 1; i <= d.cfg.Nodes; i++ {
		d.addNode(i)
	}
	for i := range d.cfg.Nodes * volumesPerNode {
		v := &volume{Volume: metadata.Volume{
			ID: metadata.VolumeID(i + 1), Epoch: metadata.Epoch(1 + d.rng.IntN(9)), State: metadata.VolumeIdle, Target: 3,
			Bytes:    1<<30 + d.rng.Int64N(3<<30),
			Repaired: d.began.Add(-time.Duration(d.rng.IntN(90*24)) * time.Hour),
		}}
		switch {
		case i%50 == 0:
			v.Target = 2
		case i%17 == 0:
			v.State = metadata.VolumeLeased
		case v.Bytes > 7<<29:
			v.State = metadata.VolumeFull
		}
		v.Blocks = v.Bytes / (5 << 20)
		for len(v.Replicas) < v.Target {
			if n := d.pick(v); n != nil {
				v.Replicas = append(v.Replicas, metadata.Replica{Node: n.ID, Disk: n.Disks[d.rng.IntN(len(n.Disks))].ID})
			}
		}
		d.volumes = append(d.volumes, v)
	}
	d.info.NextVolume = metadata.VolumeID(len(d.volumes) + 1)
	d.special()
}

func (d *Cluster) addNode(i int) {
	id := metadata.NodeID(i)
	n := &node{busy: 0.1 + 0.8*d.rng.Float64(), Node: metadata.Node{
		ID: id, Name: fmt.Sprintf("dn-%04d", i), Roles: []string{metadata.NodeDatanode},
		Zone: fmt.Sprintf("row-%02d/rack-%02d", i%12+1, i/12%20+1),
		Addr: fmt.Sprintf("10.%d.%d.%d:7800", 20+i/65536, i/256%256, i%256), Version: "1.4.2",
		Joined:  d.began.Add(-time.Duration(30+d.rng.IntN(700)) * 24 * time.Hour),
		Started: d.began.Add(-time.Duration(1+d.rng.IntN(60*24)) * time.Hour),
		Heard:   d.began, Liveness: metadata.LivenessUp, CertExpires: d.began.Add(time.Duration(40+d.rng.IntN(50)) * 24 * time.Hour),
	}}
	for k := range 1 + i%3 {
		n.Disks = append(n.Disks, metadata.Disk{
			ID: metadata.DiskID(0xd15c000000000000 | uint64(i)<<8 | uint64(k+1)), Path: fmt.Sprintf("/srv/disk%d", k+1), Capacity: diskBytes,
		})
	}
	n.MachineZone = n.Zone
	switch i {
	case 1, 2, 3:
		n.Name, n.Roles = fmt.Sprintf("ns-%d", i), []string{metadata.NodeNameserver}
		n.Disks = nil
	case 4, 5:
		n.Name, n.Roles = fmt.Sprintf("gw-%d", i-3), []string{metadata.NodeWebDAV}
		n.Disks = nil
	case 6:
		n.Name, n.Roles = "desk-1", []string{metadata.NodeAdmin}
		n.Disks = nil
	}
	n.Traffic = metadata.Traffic{Started: n.Started, Latency: make([]int64, metadata.TrafficBuckets)}
	d.nodes = append(d.nodes, n)
}

// special gives some nodes a story: versions, drains, disks that fail or are full.
func (d *Cluster) special() {
	storage := d.storage()
	at := func(i int) *node { return storage[i%len(storage)] }
	at(10).State, at(10).StateSince, at(10).movedAt = metadata.NodeDraining, d.began.Add(-42*time.Minute), d.began
	at(20).State, at(20).StateSince, at(20).Until = metadata.NodeMaintenance, d.began.Add(-20*time.Minute), d.began.Add(40*time.Minute)
	at(30).Disks[0].Failed = "reading block v812/77: input/output error"
	at(31).CertExpires = d.began.Add(9 * 24 * time.Hour)
	at(32).ClockSkew = 3200 * time.Millisecond
	for i := 40; i < 46; i++ {
		at(i).Version = "1.4.1"
	}
}

// at returns the node of that id, or nil. They are numbered from one on.
func (d *Cluster) at(id metadata.NodeID) *node {
	if id == 0 || id > metadata.NodeID(len(d.nodes)) {
		return nil
	}
	return d.nodes[id-1]
}

// storage returns the storage servers.
func (d *Cluster) storage() []*node { return d.nodes[notStorage:] }

// pick chooses a node for a further replica: one that is well, in a rack that
// the volume is not in.
func (d *Cluster) pick(v *volume) *node {
	for range 64 {
		n := d.nodes[d.rng.IntN(len(d.nodes))]
		if len(n.Disks) == 0 || n.State != metadata.NodeActive || n.Liveness != metadata.LivenessUp || d.holds(v, n) {
			continue
		}
		if d.cfg.Nodes >= 100 && d.sameZone(v, n) {
			continue
		}
		return n
	}
	return nil
}

func (d *Cluster) holds(v *volume, n *node) bool {
	for _, r := range v.Replicas {
		if r.Node == n.ID {
			return true
		}
	}
	return false
}

func (d *Cluster) sameZone(v *volume, n *node) bool {
	for _, r := range v.Replicas {
		if d.at(r.Node).Zone == n.Zone {
			return true
		}
	}
	return false
}

// live counts a volume's replicas on nodes and disks that answer.
func (d *Cluster) live(v *volume) int {
	n := 0
	for _, r := range v.Replicas {
		if d.alive(r) {
			n++
		}
	}
	return n
}

func (d *Cluster) alive(r metadata.Replica) bool {
	n := d.at(r.Node)
	if n == nil || n.Liveness == metadata.LivenessDown || n.State == metadata.NodeRemoved {
		return false
	}
	for _, disk := range n.Disks {
		if disk.ID == r.Disk {
			return disk.Failed == ""
		}
	}
	return false
}

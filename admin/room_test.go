package admin

import (
	"context"
	"strings"
	"testing"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// stub is a cluster of which only stopping is asked.
type stub struct{ asked }

// asked has another name than its method Cluster.
type asked = Cluster

func (stub) SafeToStop(context.Context, ...metadata.NodeID) (health.StopFacts, error) {
	return health.StopFacts{}, nil
}

// server is a storage server with one disk.
func server(id metadata.NodeID, used, free int64, fileSystem uint64) metadata.Node {
	return metadata.Node{
		ID: id, Name: id.String(), Roles: []string{metadata.NodeDatanode}, Liveness: metadata.LivenessUp,
		Disks: []metadata.Disk{{ID: metadata.DiskID(id), Capacity: used + free, Used: used, Free: free, FileSystem: fileSystem}},
	}
}

func TestRoomWithout(t *testing.T) {
	four := func(edit func(ns []metadata.Node)) []metadata.Node {
		ns := []metadata.Node{server(1, 10, 100, 0), server(2, 10, 200, 0), server(3, 10, 400, 0), server(4, 10, 800, 0)}
		edit(ns)
		return ns
	}
	for _, c := range []struct {
		name    string
		edit    func(ns []metadata.Node)
		leaving []metadata.NodeID
		want    int64
	}{
		{"all others", func([]metadata.Node) {}, []metadata.NodeID{1}, 1400},
		{"two leave", func([]metadata.Node) {}, []metadata.NodeID{1, 4}, 600},
		{"all leave", func([]metadata.Node) {}, []metadata.NodeID{1, 2, 3, 4}, 0},
		{"one file system for all", func(ns []metadata.Node) {
			for i := range ns {
				ns[i].Disks[0].FileSystem, ns[i].Disks[0].Free = 7, 500
			}
		}, []metadata.NodeID{1}, 500},
		{"what drains, is down or in maintenance takes nothing", func(ns []metadata.Node) {
			ns[1].State, ns[2].Liveness = metadata.NodeDraining, metadata.LivenessDown
			ns[3].State = metadata.NodeMaintenance
		}, []metadata.NodeID{1}, 0},
		{"what is silent for a moment counts", func(ns []metadata.Node) { ns[3].Liveness = metadata.LivenessSuspect }, []metadata.NodeID{1}, 1400},
		{"a failed disk takes nothing", func(ns []metadata.Node) { ns[3].Disks[0].Failed = "broken" }, []metadata.NodeID{1}, 600},
		{"a disk over its reserve owes nothing", func(ns []metadata.Node) { ns[3].Disks[0].Free = -50 }, []metadata.NodeID{1}, 600},
	} {
		if got := roomWithout(four(c.edit), c.leaving...); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

// Storage servers that share one file system can be drained as long as it has
// room, and cannot when it has none.
func TestDrainOnOneFileSystem(t *testing.T) {
	ask := func(free int64) api.Impact {
		n := &snapshot{AsOf: time.Now(), Report: health.Report{Free: free}}
		for id := range metadata.NodeID(4) {
			n.Nodes = append(n.Nodes, server(id+1, 50, free, 9))
		}
		h := &handlers{&Server{cfg: Config{Cluster: stub{}}, snap: &snapshots{}}}
		h.snap.now.Store(n)
		dry := true
		r, err := h.DrainNode(context.Background(), api.DrainNodeRequestObject{Id: "n1", Params: api.DrainNodeParams{DryRun: &dry}})
		if err != nil {
			t.Fatal(err)
		}
		return api.Impact(r.(api.DrainNode200JSONResponse))
	}
	if im := ask(100); len(im.Blockers) != 0 || im.Facts[1].Value != "100 B" {
		t.Errorf("with room: got %+v", im)
	}
	if im := ask(40); len(im.Blockers) != 1 || !strings.Contains(im.Blockers[0], "too little room") || !im.Facts[1].Danger {
		t.Errorf("without room: got %+v", im)
	}
	n := &snapshot{AsOf: time.Now()}
	m := server(1, 50, 100, 9)
	m.Disks = append(m.Disks, metadata.Disk{ID: 2, Capacity: 150, Used: 20, Free: 100, FileSystem: 9})
	if got := apiNode(n, &m); got.CapacityBytes != 150 || got.FreeBytes != 100 || got.UsedBytes != 70 {
		t.Errorf("two folders of one file system: got %d free of %d, %d used", got.FreeBytes, got.CapacityBytes, got.UsedBytes)
	}
}

// A server that is silent for a moment is no reason against a drain; one that
// is down is.
func TestDrainCountsWhoIsSilentForAMoment(t *testing.T) {
	for live, want := range map[metadata.Liveness]int{metadata.LivenessUp: 0, metadata.LivenessSuspect: 0, metadata.LivenessDown: 1} {
		n := &snapshot{Nodes: []metadata.Node{server(1, 10, 100, 0), server(2, 10, 200, 0), server(3, 10, 400, 0)}}
		n.Report.Copies = []health.Copies{{Target: 2, Live: 2, Count: health.Count{Volumes: 1}}}
		n.Nodes[2].Liveness = live
		if im := drainTogether(n, []*metadata.Node{&n.Nodes[0]}); len(im.Blockers) != want {
			t.Errorf("%s: got blockers %v, want %d", live, im.Blockers, want)
		}
	}
}

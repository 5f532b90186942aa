package admin

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// The work that goes on is said as people think of it, whatever needs somebody
// first.
func TestTasks(t *testing.T) {
	began := time.Date(2026, 5, 1, 2, 3, 4, 0, time.UTC)
	node := func(id metadata.NodeID, s metadata.NodeState) metadata.Node {
		return metadata.Node{ID: id, Name: "dn-" + id.String(), State: s, StateSince: began}
	}
	for name, c := range map[string]struct {
		n    snapshot
		want []string // id, state, detail
	}{
		"nothing": {snapshot{}, nil},
		"a repair": {snapshot{Repairs: health.Repairs{Total: 3, Queue: []health.Repair{{BytesDone: 5}, {BytesDone: 7}}},
			Report: health.Report{Repair: health.Progress{BytesLeft: 88, Running: 2}}}, []string{"repair running 12/100 "}},
		"paused": {snapshot{Report: health.Report{Repair: health.Progress{BytesLeft: 8, Paused: true, Failing: 9}}}, []string{"repair waiting 0/8 paused"}},
		"failing": {snapshot{Report: health.Report{Repair: health.Progress{BytesLeft: 8, Failing: 1, Stalled: "no target"}}},
			[]string{"repair failed 0/8 no target"}},
		"stalled": {snapshot{Report: health.Report{Repair: health.Progress{BytesLeft: 8, Stalled: "all full"}}}, []string{"repair waiting 0/8 all full"}},
		"drains": {snapshot{
			Nodes: []metadata.Node{node(1, metadata.NodeDraining), node(2, metadata.NodeDraining), node(3, metadata.NodeDraining)},
			Repairs: health.Repairs{Drains: []health.Drain{
				{Node: "n1", Name: "a", Ready: true}, {Node: "n2", Name: "b", Volumes: 4}, {Node: "n3", Name: "c", Volumes: 1, Blockers: []string{"no room"}},
			}},
		}, []string{"drain-n2 running 0/0 4 volumes are still on it", "drain-n3 waiting 0/0 no room", "drain-n1 done 0/0 nothing is left on it: it may be removed"}},
		"a maintenance": {snapshot{Nodes: []metadata.Node{node(1, metadata.NodeActive), node(2, metadata.NodeMaintenance)}},
			[]string{"maintenance-n2 running 0/0 "}},
	} {
		list := apiTasks(&c.n)
		var got []string
		for _, x := range list.Items {
			got = append(got, fmt.Sprintf("%s %s %d/%d %s", x.Id, x.State, x.Done, x.Total, deref(x.Detail)))
			if x.Kind != api.TaskKindRepair && (x.Since == nil || !x.Since.Equal(began)) {
				t.Errorf("%s: %s began at %v", name, x.Id, x.Since)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	var many snapshot
	for id := range metadata.NodeID(200) {
		many.Nodes = append(many.Nodes, node(id+1, metadata.NodeMaintenance))
	}
	if n := len(apiTasks(&many).Items); n != tasksMax {
		t.Errorf("%d tasks", n)
	}
}

// What a node is for clients: sums of its disks, and no null where a list is.
func TestAPINode(t *testing.T) {
	n := &snapshot{Report: health.Report{Nameserver: health.Nameserver{Leader: "n3"}},
		rates:   map[metadata.NodeID]nodeRate{3: {seconds: 3, readBytes: 10.4, writeBytes: 0.6, p99: 1.26}},
		Repairs: health.Repairs{Drains: []health.Drain{{Node: "n3", Volumes: 2}}}}
	m := &metadata.Node{ID: 3, Name: "x", Until: time.Unix(0, 0), Disks: []metadata.Disk{
		{ID: 1, Capacity: 100, Used: 30, Free: 50, Volumes: 1}, {ID: 2, Capacity: 100, Used: 10, Free: 80, Volumes: 2, Failed: "bad"},
	}}
	got := apiNode(n, m)
	if got.CapacityBytes != 200 || got.UsedBytes != 40 || got.FreeBytes != 130 || got.Volumes != 3 || len(got.Disks) != 2 || got.Disks[1].Failed != "bad" {
		t.Errorf("got %+v", got)
	}
	if !deref(got.Leader) || got.ReadBytesPerSecond != 10 || got.WriteBytesPerSecond != 1 || deref(got.LatencyP99Ms) != 1.3 || got.Drain == nil || got.Roles == nil {
		t.Errorf("got %+v", got)
	}
	b, err := json.Marshal(apiNode(&snapshot{}, &metadata.Node{ID: 4}))
	if err != nil || strings.Contains(string(b), "null") {
		t.Errorf("an empty node: %s, %v", b, err)
	}
	b, err = json.Marshal(apiHealth(&snapshot{stale: true}))
	if err != nil || strings.Contains(string(b), `"copies":null`) || strings.Contains(string(b), `"checks":null`) || strings.Contains(string(b), `"history":null`) {
		t.Errorf("an empty report: %s, %v", b, err)
	}
	if r := apiRepairs(&snapshot{}); r.Queue == nil || r.Drains == nil {
		t.Errorf("got %+v", r)
	}
}

// The history of verdicts is that of a day, and the one that is now.
func TestVerdictHistory(t *testing.T) {
	now := time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)
	n := &snapshot{AsOf: now}
	for i := range 60 {
		n.Verdicts = append(n.Verdicts, verdictChange{health.Protected, now.Add(-time.Duration(60-i) * time.Hour)})
	}
	if got := len(apiHealth(n).History); got != 23 {
		t.Errorf("%d verdicts of a day, want 23", got)
	}
	n.AsOf = now.Add(100 * time.Hour)
	if got := apiHealth(n).History; len(got) != 1 || !got[0].Since.Equal(now.Add(-time.Hour)) {
		t.Errorf("got %+v, want the one that is now", got)
	}
	s := &snapshots{}
	for i := range verdictsKept + 50 {
		s.put(&snapshot{AsOf: now, Report: health.Report{Verdict: []health.Verdict{health.Protected, health.AtRisk}[i%2], Since: now}})
	}
	if got := len(s.now.Load().Verdicts); got != verdictsKept {
		t.Errorf("%d verdicts are kept", got)
	}
}

// Figures come from gateways where there are any, else from storage servers;
// what is not known is not nought.
func TestSample(t *testing.T) {
	now := time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC)
	storage := metadata.Node{ID: 1, Roles: []string{metadata.NodeDatanode}, Disks: []metadata.Disk{{ID: 1, Used: 77}}}
	gateway := metadata.Node{ID: 2, Roles: []string{metadata.NodeWebDAV}}
	rate := func(reads float64) nodeRate {
		return nodeRate{at: now, seconds: 3, reads: reads, readBytes: reads * 10, latency: []int64{4, 4}}
	}
	for name, c := range map[string]struct {
		nodes []metadata.Node
		rates map[metadata.NodeID]nodeRate
		reads float64 // NaN: not known
	}{
		"nothing":             {nil, nil, math.NaN()},
		"a storage server":    {[]metadata.Node{storage}, map[metadata.NodeID]nodeRate{1: rate(5)}, 5},
		"both":                {[]metadata.Node{storage, gateway}, map[metadata.NodeID]nodeRate{1: rate(5), 2: rate(3)}, 3},
		"a gateway so far":    {[]metadata.Node{storage, gateway}, map[metadata.NodeID]nodeRate{1: rate(5), 2: {at: now}}, math.NaN()},
		"a silent gateway":    {[]metadata.Node{storage, gateway}, map[metadata.NodeID]nodeRate{1: rate(5)}, 5},
		"only one of the two": {[]metadata.Node{storage, {ID: 9, Disks: storage.Disks}}, map[metadata.NodeID]nodeRate{1: rate(5), 9: rate(2)}, 7},
	} {
		s, err := New(Config{Cluster: stub{}, Content: noContent{}})
		if err != nil {
			t.Fatal(err)
		}
		n := &snapshot{AsOf: now, Nodes: c.nodes, rates: c.rates, Report: health.Report{Used: 500}}
		p := s.sample(n)
		got, known := p.Values["reads"]
		if known == math.IsNaN(c.reads) || known && got != c.reads {
			t.Errorf("%s: got %v, %v, want %v", name, got, known, c.reads)
		}
		if p.Values["used_bytes"] != 500 || p.Time != now.Unix() {
			t.Errorf("%s: got %+v", name, p)
		}
		if _, err := json.Marshal(p); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		n2 := &snapshot{AsOf: now.Add(2 * time.Second), Report: health.Report{Nameserver: health.Nameserver{Applied: 100}}}
		s.counters.requests.Add(10)
		if p := s.sample(n2); p.Values["requests"] != 5 || p.Values["commands"] != 50 {
			t.Errorf("%s: own figures: %+v", name, p.Values)
		}
		n3 := &snapshot{AsOf: now.Add(4 * time.Second)} // another nameserver, which counts anew
		if p := s.sample(n3); p.Values["requests"] != 0 {
			t.Errorf("%s: got %+v", name, p.Values)
		} else if _, known := p.Values["commands"]; known {
			t.Errorf("%s: commands went back and are shown: %+v", name, p.Values)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// noContent is content of which nothing is asked.
type noContent struct{ Content }

// Every series that the document names is one that is kept.
func TestSeriesAreKnown(t *testing.T) {
	rules, err := api.Load(document)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, s := range seriesNames() {
		names[s] = true
	}
	found := 0
	for _, r := range rules {
		if r.Operation != "queryMetrics" {
			continue
		}
		for _, p := range r.Params {
			if p.Name == "range" {
				for _, e := range p.Schema.Enum {
					if spanOf(e) == 0 {
						t.Errorf("the range %s has no length", e)
					}
				}
			}
			if p.Name != "series" {
				continue
			}
			for _, e := range p.Schema.Items.Enum {
				if found++; !names[e] {
					t.Errorf("nobody keeps %s", e)
				}
			}
		}
	}
	if found != len(names) {
		t.Errorf("%d series can be asked for, %d are kept", found, len(names))
	}
}

// Live copies are those on nodes and disks that answer, as of the leader where
// it says so.
func TestAPIVolume(t *testing.T) {
	n := &snapshot{Nodes: []metadata.Node{
		{ID: 1, Name: "a", Liveness: metadata.LivenessUp, Disks: []metadata.Disk{{ID: 11}}},
		{ID: 2, Name: "b", Liveness: metadata.LivenessUp, Disks: []metadata.Disk{{ID: 22, Failed: "bad"}}},
		{ID: 3, Name: "c", Liveness: metadata.LivenessDown, Zone: "z"},
		{ID: 1 << 63, Name: "far", Liveness: metadata.LivenessSuspect},
	}}
	reps := []metadata.Replica{{Node: 1, Disk: 11}, {Node: 2, Disk: 22}, {Node: 3, Disk: 33}, {Node: 1 << 63, Disk: 44}, {Node: 99, Disk: 9}}
	v := metadata.VolumeView{Volume: metadata.Volume{ID: 7, Target: 3, Replicas: reps}}
	got := apiVolume(n, &v.Volume)
	var words []string
	for _, r := range got.Replicas {
		words = append(words, r.Name+" "+string(r.Liveness))
	}
	if fmt.Sprint(words) != "[a up b down c down far suspect n99 unknown]" || got.Live != 2 {
		t.Errorf("got %v, %d live", words, got.Live)
	}
	for i, r := range reps { // the leader sees it the other way round
		v.Located = append(v.Located, metadata.Located{Replica: r, Live: i%2 == 1})
	}
	got = apiView(n, &v)
	words = nil
	for _, r := range got.Replicas {
		words = append(words, r.Name+" "+string(r.Liveness))
	}
	if fmt.Sprint(words) != "[a down b up c down far suspect n99 down]" || got.Live != 2 {
		t.Errorf("as the leader sees it: got %v, %d live", words, got.Live)
	}
}

package demo

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

func kind(t *testing.T, what string, err error, want metadata.Kind) {
	t.Helper()
	if err == nil || metadata.KindOf(err) != want {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

// acting is the context of somebody who is at a desktop.
func acting(d *Cluster, user string) context.Context {
	return d.WithActor(context.Background(), metadata.Actor{User: user, Origin: "admin", Request: "r1"})
}

func nodeOf(t *testing.T, d *Cluster, id metadata.NodeID) metadata.Node {
	t.Helper()
	ns, err := d.Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range ns {
		if n.ID == id {
			return n
		}
	}
	t.Fatalf("no node %s", id)
	return metadata.Node{}
}

// Every size that can be asked for makes a fleet that holds together.
func TestSizes(t *testing.T) {
	for _, nodes := range []int{NodesMin, 40, 99, 100, 300} {
		d, _ := newDemo(t, Config{Seed: 5, Nodes: nodes, Files: 5})
		ns, _ := d.Nodes(context.Background())
		if len(ns) != nodes {
			t.Fatalf("%d nodes, want %d", len(ns), nodes)
		}
		names, disks := map[string]bool{}, map[metadata.DiskID]metadata.NodeID{}
		for i, n := range ns {
			if n.ID != metadata.NodeID(i+1) || names[n.Name] || n.Version == "" || n.Addr == "" || n.Zone == "" {
				t.Errorf("%d nodes: got %+v", nodes, n)
			}
			names[n.Name] = true
			for _, disk := range n.Disks {
				if other, twice := disks[disk.ID]; twice {
					t.Errorf("disk %s is in %s and %s", disk.ID, other, n.ID)
				}
				disks[disk.ID] = n.ID
				if disk.Used < 0 || disk.Free < 0 || disk.Used+disk.Free > disk.Capacity {
					t.Errorf("%s: got %+v", n.Name, disk)
				}
			}
		}
		after := metadata.VolumeID(0)
		volumes := 0
		for {
			vs, more, err := d.ListVolumes(context.Background(), after, 70)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range vs {
				volumes++
				seen := map[metadata.NodeID]bool{}
				for _, r := range v.Replicas {
					if disks[r.Disk] != r.Node || seen[r.Node] {
						t.Errorf("volume %s: replicas %v", v.ID, v.Replicas)
					}
					seen[r.Node] = true
				}
				if v.ID <= after || len(v.Replicas) != v.Target {
					t.Errorf("volume %s after %s has %d of %d copies", v.ID, after, len(v.Replicas), v.Target)
				}
				after = v.ID
			}
			if !more {
				break
			}
		}
		if volumes != nodes*volumesPerNode {
			t.Errorf("%d volumes, want %d", volumes, nodes*volumesPerNode)
		}
	}
}

func TestTooSmall(t *testing.T) {
	for _, n := range []int{1, 6, NodesMin - 1} {
		_, err := New(Config{Nodes: n})
		kind(t, fmt.Sprint(n), err, metadata.KindInvalid)
	}
}

// A drain moves everything off a node, and then it may be removed.
func TestDrain(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 2, Nodes: 60, Files: 5})
	const id = 25
	ctx := acting(d, "olga")
	if got := nodeOf(t, d, id); got.State != metadata.NodeActive || got.Disks[0].Volumes == 0 {
		t.Fatalf("got %+v", got)
	}
	state := func(s metadata.NodeState) error {
		_, err := d.SetNode(ctx, id, metadata.NodeChange{State: &s})
		return err
	}
	kind(t, "removing a node that holds data", state(metadata.NodeRemoved), metadata.KindConflict)
	if err := state(metadata.NodeDraining); err != nil {
		t.Fatal(err)
	}
	if rs, _, _ := d.Audit(ctx, metadata.EventQuery{Limit: 1}); len(rs) != 1 || rs[0].Actor.User != "olga" || rs[0].Target != "n25" {
		t.Errorf("audit: got %+v", rs)
	}
	ready := func() bool {
		reps, _ := d.Repairs(ctx)
		for _, dr := range reps.Drains {
			if dr.Node == "n25" {
				return dr.Ready
			}
		}
		t.Fatal("the drain is not listed")
		return false
	}
	last := 1 << 30
	for i := 0; !ready(); i++ {
		if i > 3600 {
			t.Fatalf("not empty after an hour: %+v", nodeOf(t, d, id).Disks)
		}
		c.at = c.at.Add(10 * time.Second)
		left := 0
		for _, disk := range nodeOf(t, d, id).Disks {
			left += disk.Volumes
		}
		if left > last {
			t.Fatalf("%d volumes became %d while it is drained", last, left)
		}
		last = left
	}
	if err := state(metadata.NodeRemoved); err != nil {
		t.Fatal(err)
	}
	if got := nodeOf(t, d, id); got.State != metadata.NodeRemoved {
		t.Errorf("got %+v", got)
	}
	_, err := d.SetNode(ctx, 999, metadata.NodeChange{})
	kind(t, "a node that is not there", err, metadata.KindNotFound)
}

// A maintenance starts no repair while the node is away, and ends with it.
func TestMaintenanceAndNames(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 2, Nodes: 60, Files: 5})
	ctx := acting(d, "olga")
	until, name, zone := c.at.Add(time.Hour), "renamed", "row-77/rack-7"
	state := metadata.NodeMaintenance
	if _, err := d.SetNode(ctx, 30, metadata.NodeChange{State: &state, Until: &until, Name: &name, Zone: &zone}); err != nil {
		t.Fatal(err)
	}
	got := nodeOf(t, d, 30)
	if got.State != state || !got.Until.Equal(until) || got.Name != name || got.Zone != zone || !got.StateSince.Equal(c.at) {
		t.Errorf("got %+v", got)
	}
	machine, none := got.MachineZone, ""
	if facts, err := d.ZoneFacts(ctx, 30, ""); err != nil || facts.Zone != machine || !facts.WasSet || facts.Was != zone {
		t.Errorf("its own zone: %+v, %v", facts, err)
	}
	if got, err := d.SetNode(ctx, 30, metadata.NodeChange{Zone: &none}); err != nil || got.Zone != machine || got.ZoneSet || machine == "" {
		t.Errorf("its own zone again: %+v, %v", got, err)
	}
	active := metadata.NodeActive
	if _, err := d.SetNode(ctx, 30, metadata.NodeChange{State: &active}); err != nil {
		t.Fatal(err)
	}
	if got := nodeOf(t, d, 30); !got.Until.IsZero() || got.State != active {
		t.Errorf("got %+v", got)
	}
	// An end without a maintenance is none.
	_, err := d.SetNode(ctx, 30, metadata.NodeChange{Until: &until})
	kind(t, "an end without a maintenance", err, metadata.KindInvalid)
	if got := nodeOf(t, d, 30); !got.Until.IsZero() {
		t.Errorf("got %+v", got)
	}
}

// What is foretold of another zone is what is there when it is the node's.
func TestZoneFacts(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 5, Nodes: 200, Files: 5})
	ctx := acting(d, "olga")
	to := nodeOf(t, d, 31).Zone
	crowded := func() (n int) {
		vs, _, err := d.ListVolumes(ctx, 0, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range vs {
			zones := map[string]bool{}
			for _, r := range v.Replicas {
				zones[nodeOf(t, d, r.Node).Zone] = true
			}
			if len(v.Replicas) > len(zones) {
				n++
			}
		}
		return n
	}
	f, err := d.ZoneFacts(ctx, 40, to)
	if err != nil || f.Servers == 0 || f.Zones < 2 || f.Zone != to || len(f.Blockers) != 0 || f.Sentence == "" {
		t.Fatalf("got %+v, %v", f, err)
	}
	before := crowded()
	if _, err := d.SetNode(ctx, 40, metadata.NodeChange{Zone: &to}); err != nil {
		t.Fatal(err)
	}
	if got := crowded() - before; got != f.Crowded.Volumes-f.Mended.Volumes {
		t.Errorf("%d volumes more are crowded, foretold %d and %d fewer", got, f.Crowded.Volumes, f.Mended.Volumes)
	}
	if f, err := d.ZoneFacts(ctx, 40, to); err != nil || len(f.Blockers) != 1 {
		t.Errorf("again: %+v, %v", f, err)
	}
	if _, err := d.ZoneFacts(ctx, 999, to); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("an unknown node: %v", err)
	}
}

func TestSafeToStopCounts(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 4, Nodes: 60, Files: 5})
	ctx := context.Background()
	all := make([]metadata.NodeID, 0, 60)
	for id := metadata.NodeID(7); id <= 60; id++ {
		all = append(all, id)
	}
	for _, gone := range [][]metadata.NodeID{{7}, {7, 8}, {9, 10, 11}, {20, 20}, all[:30], all} {
		away := map[metadata.NodeID]bool{}
		for _, id := range gone {
			away[id] = true
		}
		var none, one, below int
		for _, v := range d.volumes {
			left, here := 0, false
			for _, r := range v.Replicas {
				if away[r.Node] {
					here = true
				} else if d.alive(r) {
					left++
				}
			}
			switch {
			case !here:
				continue
			case left == 0:
				none++
				continue
			case left == 1 && v.Target > 1:
				one++
			}
			if left < v.Target {
				below++
			}
		}
		f, err := d.SafeToStop(ctx, gone...)
		if err != nil {
			t.Fatal(err)
		}
		if f.Unavailable.Volumes != none || f.AtRisk.Volumes != one || f.Below.Volumes != below {
			t.Errorf("%v: got %+v, want %d, %d, %d", gone, f, none, one, below)
		}
		if f.Safe != (len(f.Blockers) == 0) || f.Safe == (none > 0) || f.Sentence == "" {
			t.Errorf("%v: got %+v", gone, f)
		}
	}
	_, err := d.SafeToStop(ctx)
	kind(t, "none", err, metadata.KindInvalid)
	_, err = d.SafeToStop(ctx, 7, 999)
	kind(t, "one that is not there", err, metadata.KindNotFound)
	if f, err := d.SafeToStop(ctx, 1, 2); err != nil || f.Safe || !strings.Contains(f.Sentence, "nameserver") {
		t.Errorf("two nameservers: got %+v, %v", f, err)
	}
}

// A volume that is wanted first is first, and only one that wants work can be.
func TestPrioritise(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: 100, Files: 5})
	ctx := acting(d, "olga")
	for range 60 { // the first fault is under way
		c.at = c.at.Add(time.Second)
		_, _ = d.Report(ctx)
	}
	reps, _ := d.Repairs(ctx)
	var waiting health.Repair
	for _, r := range reps.Queue {
		if r.State == "waiting" {
			waiting = r
		}
	}
	if waiting.Volume == "" {
		t.Fatal("nothing waits")
	}
	id, err := metadata.ParseVolumeID(waiting.Volume)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Prioritise(ctx, id); err != nil {
		t.Fatal(err)
	}
	if reps, _ = d.Repairs(ctx); reps.Queue[0].Volume != waiting.Volume {
		t.Errorf("first is %s, want %s", reps.Queue[0].Volume, waiting.Volume)
	}
	kind(t, "no such volume", d.Prioritise(ctx, 0), metadata.KindNotFound)
	kind(t, "no such volume", d.Prioritise(ctx, 1<<40), metadata.KindNotFound)
	for _, v := range d.volumes {
		if v.job == nil {
			kind(t, "a volume that is whole", d.Prioritise(ctx, v.ID), metadata.KindConflict)
			break
		}
	}
}

// A pause stops copies, and a limit slows them down.
func TestPauseAndLimit(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: 100, Files: 5})
	ctx := acting(d, "olga")
	for range 60 {
		c.at = c.at.Add(time.Second)
		_, _ = d.Report(ctx)
	}
	r, _ := d.Report(ctx)
	if r.Repair.Running == 0 {
		t.Fatal("nothing is repaired")
	}
	if err := d.Set(ctx, map[string]int64{metadata.SettingRepairPaused: c.at.Add(time.Minute).Unix()}); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(2 * time.Second)
	r, _ = d.Report(ctx)
	left := r.Repair.BytesLeft
	if !r.Repair.Paused || r.Repair.Running != 0 || r.Repair.PausedBy != health.PausedByOperator || r.Repair.PausedTill.IsZero() {
		t.Errorf("got %+v", r.Repair)
	}
	c.at = c.at.Add(20 * time.Second)
	if r, _ = d.Report(ctx); r.Repair.BytesLeft < left {
		t.Errorf("%d bytes became %d during a pause", left, r.Repair.BytesLeft)
	}
	c.at = c.at.Add(time.Minute) // it ends by itself
	if r, _ = d.Report(ctx); r.Repair.Paused {
		t.Errorf("got %+v", r.Repair)
	}
	if err := d.Set(ctx, map[string]int64{metadata.SettingRepairRate: 1 << 20}); err != nil {
		t.Fatal(err)
	}
	if got := d.rateOf(); got != 1<<20 {
		t.Errorf("the rate is %d", got)
	}
	kind(t, "no such setting", d.Set(ctx, map[string]int64{"colour": 1}), metadata.KindNotFound)
	if info, _ := d.Cluster(ctx); info.RepairBytesPerSecond != 1<<20 {
		t.Errorf("got %+v", info)
	}
}

// Every setting of the table can be set, and reads back.
func TestEverySetting(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: 20, Files: 5})
	ctx := acting(d, "admin")
	info, _ := d.Cluster(ctx)
	for _, s := range info.Settings() {
		v := s.Min
		if s.Unit == "unix_seconds" {
			v = c.at.Add(time.Hour).Unix()
		}
		if err := d.Set(ctx, map[string]int64{s.Name: v}); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		after, _ := d.Cluster(ctx)
		found := false
		for _, now := range after.Settings() {
			if now.Name == s.Name {
				found = now.Value == v
			}
		}
		if !found {
			t.Errorf("%s is not %d afterwards", s.Name, v)
		}
	}
	kind(t, "what is none", d.set("none", 1), metadata.KindInvalid)
}

// A mute is in the cluster's row until it is over, or taken back.
func TestMute(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: 20, Files: 5})
	ctx := acting(d, "olga")
	for range 2 { // the second one takes the first one's place
		if err := d.Mute(ctx, health.NodeDown, c.at.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	info, _ := d.Cluster(ctx)
	if len(info.Mutes) != 1 || info.Mutes[0].Code != health.NodeDown || info.Mutes[0].User != "olga" {
		t.Errorf("got %+v", info.Mutes)
	}
	if err := d.Mute(ctx, health.NodeDown, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if info, _ = d.Cluster(ctx); len(info.Mutes) != 0 {
		t.Errorf("got %+v", info.Mutes)
	}
}

// The logs are bounded, paged from the newest on, and searched by everything.
func TestLogs(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: 20, Files: 5})
	ctx := acting(d, "olga")
	for i := range logMax + 100 {
		if err := d.RecordAudit(ctx, metadata.AuditRecord{Action: "test", Target: fmt.Sprint(i), Outcome: "ok"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.audit) != logMax {
		t.Errorf("%d records are kept", len(d.audit))
	}
	var seen, before uint64
	for {
		rs, more, err := d.Audit(ctx, metadata.EventQuery{Before: before, Limit: 300, Text: "TEST", User: "olga"})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if before != 0 && r.ID >= before || r.Actor.User != "olga" {
				t.Fatalf("got %+v after %d", r, before)
			}
			before = r.ID
			seen++
		}
		if !more {
			break
		}
	}
	if seen != logMax {
		t.Errorf("%d records in all pages, want %d", seen, logMax)
	}
	for name, q := range map[string]metadata.EventQuery{
		"a node": {Node: 999}, "a time to come": {Since: c.at.Add(time.Hour)}, "a time before": {Until: c.at.Add(-1000 * time.Hour)},
		"a text": {Text: "no event says this"}, "after the newest": {After: 1 << 60},
	} {
		if es, more, err := d.Events(ctx, q); len(es) != 0 || more || err != nil {
			t.Errorf("%s: got %d events, %v", name, len(es), err)
		}
	}
	for _, severity := range []string{"", "info", "warning", "critical"} {
		es, _, err := d.Events(ctx, metadata.EventQuery{Severity: severity, Limit: 10_000})
		if err != nil || len(es) == 0 || len(es) > metadata.EventPageMax {
			t.Errorf("%q: %d events, %v", severity, len(es), err)
		}
		for _, e := range es {
			if severityRank(e.Severity) < severityRank(severity) {
				t.Errorf("%q: got %+v", severity, e)
			}
		}
	}
}

// Whoever looks after a long time sees what is, without waiting for all of it.
func TestAfterALongTime(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: 40, Files: 5})
	before, _ := d.Report(context.Background())
	c.at = c.at.Add(30 * 24 * time.Hour)
	began := time.Now()
	r, err := d.Report(context.Background())
	if err != nil || !r.AsOf.Equal(c.at) || !r.AsOf.After(before.AsOf) {
		t.Errorf("got %v, %v, want %v", r.AsOf, err, c.at)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a month took %v", took)
	}
	c.at = c.at.Add(-time.Hour) // a clock that goes back changes nothing
	if again, _ := d.Report(context.Background()); !again.AsOf.Equal(r.AsOf) {
		t.Errorf("got %v", again.AsOf)
	}
}

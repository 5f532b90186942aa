package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
	"kendfs/metadata/metapb"
	"kendfs/metadata/phrase"
)

// told returns the codes of the events, oldest first, without verdicts.
func (c *cluster) told() []string {
	c.t.Helper()
	es, _, err := c.store.Events(context.Background(), metadata.EventQuery{Limit: 500})
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for _, e := range slices.Backward(es) {
		switch {
		case e.Code == eventVerdict:
			out = append(out, e.Subject)
		case e.Node != 0:
			out = append(out, fmt.Sprint(e.Code, " ", e.Node))
		default:
			out = append(out, e.Code)
		}
	}
	return out
}

func (c *cluster) wantTold(want ...string) {
	c.t.Helper()
	if got := c.told(); !slices.Equal(got, want) {
		c.t.Errorf("told\n %v, want\n %v", got, want)
	}
}

func (c *cluster) wantCheck(code string, want bool) {
	c.t.Helper()
	s := c.status()
	if got := slices.ContainsFunc(s.Checks, func(k health.Check) bool { return k.Code == code }); got != want {
		c.t.Errorf("%s raised: %v, want %v (%s: %+v)", code, got, want, s.Verdict, s.Checks)
	}
}

// A storage server dies and comes back: each thing is told once, also by the
// next leader.
func TestStoryOfADeath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, _ := written(t, 4, 4)
		defer c.close()
		defer g.stop()
		c.wantTold("protected")
		since := c.status().Since
		c.kill(2)
		c.run(40 * time.Second)
		c.wantTold("protected", "NODE_DOWN n2", "at_risk", eventRepairBegan, "protected", eventRepairDone)
		c.wantCheck(health.NodeDown, true)
		c.lead() // the next leader knows what was told
		c.run(20 * time.Second)
		c.wantTold("protected", "NODE_DOWN n2", "at_risk", eventRepairBegan, "protected", eventRepairDone)
		c.start(2)
		c.run(5 * time.Second)
		c.wantTold("protected", "NODE_DOWN n2", "at_risk", eventRepairBegan, "protected", eventRepairDone, "NODE_UP n2")
		c.wantCheck(health.NodeDown, false)
		s := c.status()
		if !s.Since.After(since) || time.Since(s.Since) < 20*time.Second {
			t.Errorf("protected since %v, now is %v: the leader before knew", s.Since, time.Now())
		}
		es, _, _ := c.store.Events(t.Context(), metadata.EventQuery{Limit: 2})
		if !strings.Contains(es[1].Text+es[0].Text, "copies (") {
			t.Errorf("the repair is not summed up: %+v", es)
		}
	})
}

// A leader that did not see a repair begin does not say that nothing was copied.
func TestStoryOfARepairOverTwoTerms(t *testing.T) {
	now := now0()
	c := newChronicle()
	c.takeOver([]metadata.Event{
		{Code: eventVerdict, Subject: string(health.AtRisk), Time: now},
		{Code: eventNodeDown, Node: 2, Time: now.Add(time.Minute)}, // its clock was ahead
		{Code: eventRepairBegan, Time: now},
	}, now)
	c.conclude(&health.Report{Verdict: health.Protected, AsOf: now.Add(90 * time.Second)})
	es := c.news()
	if len(es) != 2 || es[1].Code != eventRepairDone || es[1].Text != "Repair is over after 1m30s." {
		t.Errorf("got %+v", es)
	}
	if got := passed(now.Add(time.Minute), now); got != 0 {
		t.Errorf("from a clock that was ahead: %v, want 0", got)
	}
}

// Events that cannot be recorded wait, within bounds.
func TestStoryWaitsForAMajority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		f := c.leader()
		f.mu.Lock()
		for range 2 * pendingMax {
			f.t.chronicle.tell(health.Info, "X", 0, "", phrase.Free(strings.Repeat("é", metadata.EventTextMax)))
		}
		n := len(f.t.chronicle.pending)
		f.mu.Unlock()
		if n != pendingMax {
			t.Errorf("%d events wait", n)
		}
		c.store.setDown(true)
		c.run(5 * time.Second)
		c.store.setDown(false)
		c.run(20 * time.Second)
		f.mu.Lock()
		defer f.mu.Unlock()
		if n := len(f.t.chronicle.pending); n != 0 {
			t.Errorf("%d events wait still", n)
		}
	})
}

func TestStoryOfADrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, _ := written(t, 3, 4)
		defer c.close()
		defer g.stop()
		c.setNode(&metapb.SetNode{Node: 3, State: &metapb.Int64Value{Value: int64(metadata.NodeDraining)}})
		c.run(2 * time.Second)
		r, err := c.leader().Repairs(t.Context())
		if err != nil || len(r.Drains) != 1 || r.Drains[0].Node != "n3" {
			t.Fatalf("%+v, %v", r, err)
		}
		c.run(30 * time.Second)
		c.wantTold("protected", "DRAIN_STARTED n3", "DRAIN_READY n3")
		c.wantCheck(health.DrainReady, true)
		r, _ = c.leader().Repairs(t.Context())
		if len(r.Drains) != 1 || !r.Drains[0].Ready || r.Drains[0].Volumes != 0 {
			t.Errorf("%+v", r)
		}
		// With two left, a second drain has nowhere to go.
		c.setNode(&metapb.SetNode{Node: 2, State: &metapb.Int64Value{Value: int64(metadata.NodeDraining)}})
		c.run(health.DrainStuck + 10*time.Second)
		c.wantCheck(health.DrainIsStuck, true)
		r, _ = c.leader().Repairs(t.Context())
		if r.Total == 0 || r.Queue[0].Class != "drain" || !strings.Contains(r.Queue[0].WaitReason, "no other storage server") ||
			len(r.Drains[0].Blockers) == 0 {
			t.Errorf("%+v", r)
		}
		c.setNode(&metapb.SetNode{Node: 2, State: &metapb.Int64Value{}})
		c.run(3 * time.Second)
		c.wantCheck(health.DrainIsStuck, false)
	})
}

func TestFlappingAndMaintenance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		for range 3 {
			c.kill(1)
			c.run(12 * time.Second)
			c.start(1)
			c.run(3 * time.Second)
		}
		c.wantCheck(health.NodeFlapping, true)
		until := time.Now().Add(time.Minute)
		c.setNode(&metapb.SetNode{
			Node: 1, State: &metapb.Int64Value{Value: int64(metadata.NodeMaintenance)}, Until: &metapb.Int64Value{Value: until.UnixNano()},
		})
		c.kill(1)
		c.run(30 * time.Second)
		c.wantCheck(health.NodeFlapping, false)
		c.wantCheck(health.NodeDown, false)
		c.wantCheck(health.MaintenanceOverdue, false)
		c.run(time.Minute)
		c.wantCheck(health.MaintenanceOverdue, true)
		c.run(2 * time.Hour)
		c.setNode(&metapb.SetNode{Node: 1, State: &metapb.Int64Value{}})
		c.start(1)
		c.run(3 * time.Second)
		c.wantCheck(health.NodeFlapping, false)
	})
}

func TestRepairIsPausedAndHurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, ids := written(t, 4, 6)
		defer c.close()
		defer g.stop()
		c.store.must(t, &metapb.Command{Op: &metapb.Command_SetCluster{SetCluster: &metapb.SetCluster{
			RepairPausedUntil: &metapb.Int64Value{Value: time.Now().Add(time.Minute).UnixNano()},
			RepairBytes:       &metapb.Int64Value{Value: 5 << 20},
		}}})
		c.kill(1)
		c.run(30 * time.Second)
		s := c.status()
		if s.Verdict != health.AtRisk || !s.Repair.Paused || s.Repair.PausedBy != health.PausedByOperator || s.Repair.Running != 0 {
			t.Errorf("paused: %s, %+v", s.Sentence, s.Repair)
		}
		if s.Repair.Limit != 5<<20 {
			t.Errorf("a limit of %d", s.Repair.Limit)
		}
		c.wantCheck(health.RepairPaused, true)
		r, err := c.leader().Repairs(t.Context())
		if err != nil || r.Total == 0 || r.Queue[0].State != "waiting" || r.Queue[0].WaitReason != StallPaused.Phrase().String() || r.Queue[0].Since.IsZero() {
			t.Fatalf("%+v, %v", r, err)
		}
		last, err := metadata.ParseVolumeID(r.Queue[len(r.Queue)-1].Volume)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.leader().Prioritise(t.Context(), last); err != nil {
			t.Fatal(err)
		}
		if r, _ := c.leader().Repairs(t.Context()); r.Queue[0].Volume != last.String() {
			t.Errorf("%s is not the first: %+v", last, r.Queue[0])
		}
		if err := c.leader().Prioritise(t.Context(), 999); metadata.KindOf(err) != metadata.KindNotFound {
			t.Errorf("a volume that is not there: %v", err)
		}
		c.run(time.Minute) // the pause is over by itself
		for _, id := range ids {
			c.wantWhole(id, 1)
		}
		c.wantVerdict(health.Protected)
		c.wantCheck(health.RepairPaused, false)
	})
}

// Operators may make the leader more or less patient.
func TestPatienceIsASetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3)
		defer c.close()
		set := func(suspect, down time.Duration) {
			c.store.must(t, &metapb.Command{Op: &metapb.Command_SetCluster{SetCluster: &metapb.SetCluster{
				SuspectAfter: &metapb.Int64Value{Value: int64(suspect)}, DownAfter: &metapb.Int64Value{Value: int64(down)},
			}}})
		}
		set(20*time.Second, time.Minute)
		c.run(2 * time.Second)
		c.kill(1)
		c.run(15 * time.Second)
		if n := c.status().Nodes; n.Up != 3 {
			t.Errorf("after 15 of 20 s: %+v", n)
		}
		c.run(15 * time.Second)
		if n := c.status().Nodes; n.Suspect != 1 {
			t.Errorf("after 30 s: %+v", n)
		}
		set(0, 0)
		c.run(2 * time.Second)
		if n := c.status().Nodes; n.Down != 1 {
			t.Errorf("with the own settings again: %+v", n)
		}
	})
}

func (c *cluster) setNode(op *metapb.SetNode) {
	c.t.Helper()
	c.store.must(c.t, &metapb.Command{Op: &metapb.Command_SetNode{SetNode: op}})
}

func (s *spaceStore) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func TestDaysToFull(t *testing.T) {
	var s sampled
	now := now0()
	const day = 24 * time.Hour
	for i := range 300 { // two days, one byte a minute
		at := now.Add(time.Duration(i) * 10 * time.Minute)
		days := s.fill(at, int64(i*10), 14400)
		switch {
		case i < 6 && days != nil:
			t.Fatalf("after %d0 min: %v days", i, *days)
		case i >= 7 && (days == nil || *days < 9.9 || *days > 10.1):
			t.Fatalf("after %d0 min: %v, want 10 days", i, days)
		}
	}
	if len(s.used) > usedMax || s.used[len(s.used)-1].at.Sub(s.used[0].at) > day+time.Hour {
		t.Errorf("%d samples over %v", len(s.used), s.used[len(s.used)-1].at.Sub(s.used[0].at))
	}
	if days := s.fill(now.Add(3*day), 5, 1); days != nil {
		t.Errorf("what shrinks is full in %v days", *days)
	}
}

// A new leader knows nothing of disks at first, and a server may join with data
// on it or come back: none of it is growth.
func TestOnlyDataIsGrowth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, _ := written(t, 3, 4)
		defer c.close()
		defer g.stop()
		c.mu.Lock()
		for _, n := range c.nodes {
			n.used = 1 << 39
		}
		c.mu.Unlock()
		c.lead()
		c.run(usedLeast + 2*usedEvery)
		if s := c.status(); s.DaysToFull != nil || s.Used == 0 {
			t.Errorf("full in %v days though nothing was written; %d bytes are used", s.DaysToFull, s.Used)
		}
	})
}

func TestFailedLoginsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		defer c.close()
		fail := func() {
			c.store.must(t, &metapb.Command{Actor: &metapb.Actor{User: "eve"}, Op: &metapb.Command_RecordAudit{RecordAudit: &metapb.RecordAudit{
				Record: &metapb.AuditRow{Action: "login.failed", Outcome: "denied"},
			}}})
		}
		for range 3 {
			for range 9 {
				fail()
			}
			c.run(time.Minute)
		}
		c.wantCheck(health.LoginAttack, true)
		c.lead()
		c.run(12 * time.Second)
		c.wantCheck(health.LoginAttack, true) // the next leader looks back
		c.run(health.LoginWindow)
		c.wantCheck(health.LoginAttack, false)
	})
}

func TestQuotaIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, g, _ := written(t, 2, 1)
		defer c.close()
		defer g.stop()
		quota := func(bytes int64) {
			c.store.must(t, &metapb.Command{Op: &metapb.Command_SetAttr{SetAttr: &metapb.SetAttr{
				Path: "/", QuotaBytes: &metapb.Int64Value{Value: bytes},
			}}})
		}
		quota(1)
		c.run(quotaInterval + 5*time.Second)
		c.wantCheck(health.QuotaNear, true)
		quota(1 << 40)
		c.run(quotaInterval + 5*time.Second)
		c.wantCheck(health.QuotaNear, false)
	})
}

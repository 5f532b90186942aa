package health

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/phrase"
)

// server is a storage server that is well.
func server(id int) Machine {
	return Machine{
		ID: fmt.Sprint("n", id), Name: fmt.Sprint("dn", id), Storage: true, Live: metadata.LivenessUp, Version: "v1",
		CertExpires: noon().Add(60 * 24 * time.Hour), Volumes: 4, Bytes: 4 << 30,
		Disks: []Disk{{ID: fmt.Sprint("d", id), Path: fmt.Sprint("/data", id), Capacity: 1 << 40, Free: 1 << 39, Used: 1 << 38}},
	}
}

// healthy is a cluster of four servers in which no check is raised.
func healthy() Figures {
	f := sound()
	for i := range 4 {
		f.Machines = append(f.Machines, server(i+2))
	}
	return f
}

// raisers raise each check of the catalogue, and say what it must show.
func raisers() map[string]struct {
	raise    func(f *Figures)
	affected string
	count    int
} {
	type raiser = struct {
		raise    func(f *Figures)
		affected string
		count    int
	}
	m := func(f *Figures) *Machine { return &f.Machines[0] }
	return map[string]raiser{
		NodeDown:     {func(f *Figures) { m(f).Live, m(f).DownSince = metadata.LivenessDown, noon().Add(-time.Hour) }, "dn2 (n2)", 1},
		NodeSuspect:  {func(f *Figures) { m(f).Live = metadata.LivenessSuspect }, "dn2 (n2)", 1},
		NodeFlapping: {func(f *Figures) { m(f).Falls = FlapFalls }, "dn2 (n2)", 1},
		DrainIsStuck: {func(f *Figures) { m(f).State, m(f).Moved = metadata.NodeDraining, noon().Add(-DrainStuck) }, "dn2 (n2)", 1},
		DrainReady:   {func(f *Figures) { m(f).State, m(f).Volumes = metadata.NodeDraining, 0 }, "dn2 (n2)", 1},
		MaintenanceOverdue: {func(f *Figures) { m(f).State, m(f).Until = metadata.NodeMaintenance, noon().Add(-time.Minute) },
			"dn2 (n2)", 1},
		VersionMixed:    {func(f *Figures) { m(f).Version = "v2" }, "dn2 (n2) v2", 1},
		CertExpiring:    {func(f *Figures) { m(f).CertExpires = noon().Add(CertSoon - time.Second) }, "dn2 (n2)", 1},
		ClockSkew:       {func(f *Figures) { m(f).Skew = -SkewMax - 1 }, "dn2 (n2)", 1},
		DiskFailed:      {func(f *Figures) { m(f).Disks[0].Failed = "I/O error" }, "dn2 (n2) /data2", 1},
		DiskNearFull:    {func(f *Figures) { m(f).Disks[0].Free = 14 << 40 / 100 }, "dn2 (n2) /data2", 1},
		DiskFull:        {func(f *Figures) { m(f).Disks[0].Free = 5 << 40 / 100 }, "dn2 (n2) /data2", 1},
		ClusterNearFull: {func(f *Figures) { f.Facts.Free = f.Facts.Capacity * 14 / 100 }, "", 0},
		CannotSelfHeal: {func(f *Figures) {
			f.Short, f.Why = Count{Volumes: 3, Bytes: 9}, phrase.Free("no other storage server to copy to")
		},
			"no other storage server to copy to", 3},
		QuotaNear:       {func(f *Figures) { f.Quotas = []metadata.QuotaUse{{Path: "/media", Used: 95, Quota: 100}} }, "/media", 1},
		DataUnavailable: {unavailable, "", 1},
		DataSingleCopy:  {atRisk, "", 2},
		DataBelowTarget: {below, "", 3},
		DataCorrupt:     {func(f *Figures) { f.Corrupt = Count{Volumes: 1, Bytes: 7} }, "", 1},
		RepairStalled: {func(f *Figures) { below(f); f.Facts.Repair.Stalled = "the other storage servers are full" },
			"the other storage servers are full", 1},
		RepairPaused:  {func(f *Figures) { f.Facts.Repair.Paused, f.Facts.Repair.PausedBy = true, PausedByOperator }, "", 0},
		RepairFailing: {func(f *Figures) { f.Facts.Repair.Failing, f.LastError = 2, "v3 on dn2: corrupt" }, "v3 on dn2: corrupt", 2},
		IsReadOnly:    {switchedOff, "", 0},
		NotWritable:   {noRoom, "", 0},
		OneVoter:      {func(f *Figures) { f.Facts.Voters, f.Facts.VotersHealthy, f.Facts.Nameserver.Leader = 1, 1, "n1" }, "n1", 1},
		VotersDown:    {voterLost, "", 1},
		LoginAttack:   {func(f *Figures) { f.LoginFailures = LoginsMax }, "", LoginsMax},
	}
}

// everything raises all checks that can be there together.
func everything() Figures {
	f := healthy()
	for range len(raisers()) {
		f.Machines = append(f.Machines, server(len(f.Machines)+2))
	}
	i := 0
	for _, k := range Catalogue() { // each fault on a machine of its own
		g := Figures{Facts: f.Facts, Machines: f.Machines[i : i+1], Target: 2}
		raisers()[k.Code].raise(&g)
		f.Facts = g.Facts
		i++
	}
	return f
}

func codes(r Report) []string {
	var out []string
	for _, c := range r.Checks {
		out = append(out, c.Code)
	}
	return out
}

func TestNothingIsRaisedWhenAllIsWell(t *testing.T) {
	if got := codes(Judge(healthy())); len(got) != 0 {
		t.Errorf("raised: %v", got)
	}
}

// TestEveryCheckIsRaisedAndCleared demands that the catalogue and the checks
// know the same codes, and that each comes and goes with its cause.
func TestEveryCheckIsRaisedAndCleared(t *testing.T) {
	table := raisers()
	for _, k := range Catalogue() {
		r, known := table[k.Code]
		if !known {
			t.Errorf("%s is in the catalogue and nothing raises it", k.Code)
			continue
		}
		f := healthy()
		r.raise(&f)
		before := Judge(f)
		i := slices.IndexFunc(before.Checks, func(c Check) bool { return c.Code == k.Code })
		if i < 0 {
			t.Errorf("%s is not raised: %v", k.Code, codes(before))
			continue
		}
		c := before.Checks[i]
		if c.Severity != k.Severity || c.Title != k.Title || c.Meaning == "" || c.Doing == "" || c.Remedy == "" || c.Since.IsZero() {
			t.Errorf("%s: %+v", k.Code, c)
		}
		if r.affected != "" && !slices.Contains(c.Affected, r.affected) || c.Count != r.count {
			t.Errorf("%s: affects %v, counts %d, want %q and %d", k.Code, c.Affected, c.Count, r.affected, r.count)
		}
		if c.Affected == nil || c.Actions == nil {
			t.Errorf("%s: a list is null in JSON", k.Code)
		}
		after := healthy()
		after.Previous = &before
		if got := codes(Judge(after)); slices.Contains(got, k.Code) {
			t.Errorf("%s stays when its cause is gone: %v", k.Code, got)
		}
		delete(table, k.Code)
	}
	for code := range table {
		t.Errorf("%s can be raised and is not in the catalogue", code)
	}
}

// TestCatalogueIsComplete demands all texts of every entry.
func TestCatalogueIsComplete(t *testing.T) {
	seen := map[string]bool{}
	ops := operations()
	severity := Critical
	for _, k := range Catalogue() {
		for what, text := range map[string]string{"title": k.Title, "meaning": k.Meaning, "doing": k.Doing, "remedy": k.Remedy} {
			if len(text) < 8 || strings.TrimSpace(text) != text {
				t.Errorf("%s: its %s is %q", k.Code, what, text)
			}
			if what != "title" && !strings.HasSuffix(text, ".") {
				t.Errorf("%s: its %s is no sentence: %q", k.Code, what, text)
			}
		}
		if seen[k.Code] || strings.ToUpper(k.Code) != k.Code {
			t.Errorf("%s: twice, or no code", k.Code)
		}
		seen[k.Code] = true
		for _, op := range k.Actions {
			if ops[op].label == "" || ops[op].command == "" {
				t.Errorf("%s offers %s, which has no label or no command", k.Code, op)
			}
		}
		if k.Severity == Critical && severity != Critical || k.Severity == Warning && severity == Info {
			t.Errorf("%s is %s behind a milder one", k.Code, k.Severity)
		}
		severity = k.Severity
	}
	if len(seen) < 27 {
		t.Errorf("%d checks", len(seen))
	}
}

func TestActionsNameTheirTarget(t *testing.T) {
	f := healthy()
	for i := range f.Machines {
		f.Machines[i].Live = metadata.LivenessDown
	}
	c := Judge(f).Checks[0]
	if c.Code != NodeDown || c.Count != 4 {
		t.Fatalf("got %+v", c)
	}
	want := []Action{
		{opMaintain, "n2", "dn2", "Maintenance for dn2", "ken node maintenance n2 --for 2h"},
		{opMaintain, "n3", "dn3", "Maintenance for dn3", "ken node maintenance n3 --for 2h"},
		{opMaintain, "n4", "dn4", "Maintenance for dn4", "ken node maintenance n4 --for 2h"},
		{opRemove, "n2", "dn2", "Remove dn2", "ken node remove n2"},
		{opRemove, "n3", "dn3", "Remove dn3", "ken node remove n3"},
		{opRemove, "n4", "dn4", "Remove dn4", "ken node remove n4"},
		{opNodes, "", "", "Show nodes", "ken node list"},
	}
	if !slices.Equal(c.Actions, want) {
		t.Errorf("got %+v\nwant %+v", c.Actions, want)
	}
}

func TestSinceOfChecks(t *testing.T) {
	f := healthy()
	f.Machines[1].Live, f.Machines[1].DownSince = metadata.LivenessDown, noon().Add(-time.Minute)
	f.Machines[2].Live, f.Machines[2].DownSince = metadata.LivenessDown, noon().Add(-time.Hour)
	f.Machines[3].Version = "v2"
	first := Judge(f)
	if !first.Checks[0].Since.Equal(noon().Add(-time.Hour)) {
		t.Errorf("down since %v", first.Checks[0].Since)
	}
	f.Facts.AsOf, f.Previous = noon().Add(time.Hour), &first
	for _, c := range Judge(f).Checks {
		if c.Code == VersionMixed && !c.Since.Equal(noon()) {
			t.Errorf("mixed since %v", c.Since)
		}
	}
}

func TestMutes(t *testing.T) {
	f := healthy()
	switchedOff(&f)
	until := noon().Add(time.Hour)
	f.Mutes = []metadata.Mute{{Code: IsReadOnly, Until: until}, {Code: NodeDown, Until: until}}
	if c := Judge(f).Checks; len(c) != 1 || !c[0].Muted.Equal(until) {
		t.Errorf("a muted check: %+v", c)
	}
	f.Facts.AsOf = until
	if c := Judge(f).Checks; len(c) != 1 || !c[0].Muted.IsZero() {
		t.Errorf("the mute is over: %+v", c)
	}
}

// TestCannotSelfHeal tries the room that one server's failure would need.
func TestCannotSelfHeal(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(f *Figures)
		want   bool
	}{
		{"room for all", func(f *Figures) {}, false},
		{"no room for the fullest", func(f *Figures) {
			for i := range f.Machines {
				f.Machines[i].Disks[0].Free = 1 << 30
			}
		}, true},
		{"two servers for two copies", func(f *Figures) { f.Machines = f.Machines[:2] }, false},
		{"draining ones take nothing", func(f *Figures) {
			f.Machines = f.Machines[:3]
			f.Machines[2].State = metadata.NodeDraining
		}, false},
	} {
		f := healthy()
		tc.change(&f)
		if got := slices.Contains(codes(Judge(f)), CannotSelfHeal); got != tc.want {
			t.Errorf("%s: got %v", tc.name, got)
		}
	}
}

// TestMaintenanceIsNoFault: who is away on purpose is not down, overdue or not.
func TestMaintenanceIsNoFault(t *testing.T) {
	f := healthy()
	m := &f.Machines[0]
	m.State, m.Live, m.Until, m.Falls = metadata.NodeMaintenance, metadata.LivenessDown, noon().Add(time.Minute), 9
	m.Disks[0].Failed = "unplugged"
	if got := codes(Judge(f)); len(got) != 0 {
		t.Errorf("raised: %v", got)
	}
	m.Until = noon()
	if got := codes(Judge(f)); !slices.Equal(got, []string{MaintenanceOverdue}) {
		t.Errorf("raised: %v", got)
	}
}

// TestVotersDownIsTrueOfAnyNumber: with four of five nameservers one more may fail.
func TestVotersDownIsTrueOfAnyNumber(t *testing.T) {
	f := healthy()
	f.Facts.Voters, f.Facts.VotersHealthy = 5, 4
	r := Judge(f)
	if r.Verdict != Protected || len(r.Checks) != 1 || r.Checks[0].Code != VotersDown {
		t.Fatalf("got %s, %v", r.Verdict, codes(r))
	}
	if strings.Contains(r.Checks[0].Meaning, "one more fails") {
		t.Errorf("one more may fail, and it says: %s", r.Checks[0].Meaning)
	}
}

func TestListsAreBounded(t *testing.T) {
	f := sound()
	for i := range 3 * AffectedMax {
		f.Machines = append(f.Machines, server(i))
		f.Machines[i].Live = metadata.LivenessDown
	}
	c := Judge(f).Checks[0]
	if len(c.Affected) != AffectedMax || c.Count != 3*AffectedMax || len(c.Actions) > 2*targetsMax+1 {
		t.Errorf("%d affected, %d counted, %d actions", len(c.Affected), c.Count, len(c.Actions))
	}
}

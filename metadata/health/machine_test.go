package health

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
)

// TestMachineChecks tries the edge of every check on one machine, and who is
// left out of it.
func TestMachineChecks(t *testing.T) {
	at := func(d time.Duration) time.Time { return noon().Add(d) }
	for _, tc := range []struct {
		name   string
		change func(m *Machine)
		want   string // codes
	}{
		{"well", func(m *Machine) {}, ""},
		{"not heard yet", func(m *Machine) { m.Live = metadata.LivenessUnknown }, ""},
		{"down", func(m *Machine) { m.Live, m.DownSince = metadata.LivenessDown, at(-time.Minute) }, NodeDown},
		{"a gateway that is down", func(m *Machine) { m.Live, m.Storage = metadata.LivenessDown, false }, ""},
		{"two falls", func(m *Machine) { m.Falls = FlapFalls - 1 }, ""},
		{"three, and down", func(m *Machine) { m.Falls, m.Live, m.DownSince = FlapFalls, metadata.LivenessDown, noon() }, NodeDown + " " + NodeFlapping},
		{"drained", func(m *Machine) { m.State, m.Volumes = metadata.NodeDraining, 0 }, DrainReady},
		{"drained and down", func(m *Machine) {
			m.State, m.Volumes, m.Live, m.DownSince = metadata.NodeDraining, 0, metadata.LivenessDown, noon()
		}, NodeDown + " " + DrainReady},
		{"draining, just begun", func(m *Machine) { m.State = metadata.NodeDraining }, ""},
		{"draining, for a moment less than stuck", func(m *Machine) { m.State, m.Moved = metadata.NodeDraining, at(-DrainStuck+1) }, ""},
		{"draining, stuck", func(m *Machine) { m.State, m.Moved = metadata.NodeDraining, at(-DrainStuck) }, DrainIsStuck},
		{"empty and in use", func(m *Machine) { m.Volumes = 0 }, ""},
		{"maintenance without an end", func(m *Machine) { m.State = metadata.NodeMaintenance }, ""},
		{"maintenance until soon", func(m *Machine) { m.State, m.Until = metadata.NodeMaintenance, at(1) }, ""},
		{"maintenance until now", func(m *Machine) { m.State, m.Until = metadata.NodeMaintenance, at(0) }, MaintenanceOverdue},
		{"an end without maintenance", func(m *Machine) { m.Until = at(-time.Hour) }, ""},
		{"a gateway's maintenance is overdue", func(m *Machine) {
			m.Storage, m.State, m.Until = false, metadata.NodeMaintenance, at(-time.Hour)
		}, MaintenanceOverdue},
		{"its certificate is not known", func(m *Machine) { m.CertExpires = time.Time{} }, ""},
		{"its certificate is good for two weeks", func(m *Machine) { m.CertExpires = at(CertSoon) }, ""},
		{"and a moment less", func(m *Machine) { m.CertExpires = at(CertSoon - 1) }, CertExpiring},
		{"its certificate has ended", func(m *Machine) { m.CertExpires = at(-time.Hour) }, CertExpiring},
		{"a gateway's certificate ends", func(m *Machine) { m.Storage, m.CertExpires = false, at(0) }, CertExpiring},
		{"two seconds ahead", func(m *Machine) { m.Skew = SkewMax }, ""},
		{"a moment more", func(m *Machine) { m.Skew = SkewMax + 1 }, ClockSkew},
		{"two seconds behind", func(m *Machine) { m.Skew = -SkewMax }, ""},
		{"a moment less", func(m *Machine) { m.Skew = -SkewMax - 1 }, ClockSkew},
		{"a clock that was never set", func(m *Machine) { m.Skew = -1 << 63 }, ClockSkew},
	} {
		f := sound()
		m := server(2)
		tc.change(&m)
		f.Machines = []Machine{m}
		var want []string
		if tc.want != "" {
			want = strings.Fields(tc.want)
		}
		got := codes(Judge(f))
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: raised %v, want %v", tc.name, got, want)
		}
	}
}

// TestUsualVersion: the rarer versions are affected; of equally many, the older.
func TestUsualVersion(t *testing.T) {
	for _, tc := range []struct {
		versions string
		want     string
	}{
		{"v1 v1 v1", ""}, {"v1 v1 v2", "dn4 (n4) v2"}, {"v2 v2 v1", "dn4 (n4) v1"}, {"v1 v2", "dn2 (n2) v1"},
		{"v1 v2 v3 v3", "dn2 (n2) v1, dn3 (n3) v2"}, {"v1 -", ""}, {"- -", ""},
	} {
		f := sound()
		for i, v := range strings.Fields(tc.versions) {
			m := server(i + 2)
			m.Version = strings.Trim(v, "-")
			f.Machines = append(f.Machines, m)
		}
		got := ""
		for _, c := range Judge(f).Checks {
			if c.Code == VersionMixed {
				got = strings.Join(c.Affected, ", ")
			}
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.versions, got, tc.want)
		}
	}
	f := sound()
	f.Machines = []Machine{server(2), server(3)}
	f.Machines[1].Version, f.Machines[1].State = "v9", metadata.NodeRemoved
	if got := codes(Judge(f)); len(got) != 0 {
		t.Errorf("a removed node's version counts: %v", got)
	}
}

// TestRepairChecks: paused comes before stalled, and stalled is only what stands
// still with work left.
func TestRepairChecks(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    Progress
		want string
	}{
		{"nothing to do", Progress{}, ""},
		{"under way", Progress{Running: 1, BytesLeft: 5, Stalled: "no room"}, ""},
		{"stands still", Progress{BytesLeft: 5, Stalled: "no room"}, RepairStalled},
		{"no reason is known yet", Progress{BytesLeft: 5}, ""},
		{"nothing is left", Progress{Stalled: "no room"}, ""},
		{"paused", Progress{Paused: true, BytesLeft: 5, Stalled: "paused"}, RepairPaused},
		{"paused with nothing to do", Progress{Paused: true}, RepairPaused},
		{"paused and failing", Progress{Paused: true, Failing: 1}, RepairPaused + " " + RepairFailing},
	} {
		f := sound()
		f.Facts.Repair = tc.p
		if got := strings.Join(codes(Judge(f)), " "); got != tc.want {
			t.Errorf("%s: raised %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestOperationsAreOffered: what a check offers can be carried out: each has a
// label and a command, those on a node name it, and each is used by some check.
func TestOperationsAreOffered(t *testing.T) {
	used := make(map[string]bool)
	for _, k := range Catalogue() {
		for _, op := range k.Actions {
			used[op] = true
		}
	}
	last := ""
	for _, a := range Operations() {
		if a.Op <= last || a.Label == "" || !strings.HasPrefix(a.Command, "ken ") || a.Target != "" {
			t.Errorf("%+v behind %s", a, last)
		}
		if node := operations()[a.Op].node; node != strings.Contains(a.Command, "NODE") {
			t.Errorf("%s: %q, on a node: %v", a.Op, a.Command, node)
		}
		if !used[a.Op] {
			t.Errorf("no check offers %s", a.Op)
		}
		last = a.Op
	}
}

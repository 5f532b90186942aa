package metadata

import (
	"math"
	"testing"
	"time"
)

// TestSettingUnits: a value is in its unit and cut, never rounded up, so that
// what is shown can be set again.
func TestSettingUnits(t *testing.T) {
	value := func(c ClusterInfo, name string) int64 {
		t.Helper()
		for _, s := range c.Settings() {
			if s.Name == name {
				return s.Value
			}
		}
		t.Fatalf("there is no %s", name)
		return 0
	}
	for _, c := range []struct {
		info ClusterInfo
		name string
		want int64
	}{
		{ClusterInfo{Grace: GraceMax}, SettingGrace, 30 * 24 * 3600},
		{ClusterInfo{Grace: 1999 * time.Millisecond}, SettingGrace, 1},
		{ClusterInfo{SuspectAfter: 2500 * time.Millisecond}, SettingSuspectAfter, 2500},
		{ClusterInfo{SuspectAfter: 1999999 * time.Nanosecond}, SettingSuspectAfter, 1},
		{ClusterInfo{DownAfter: DownAfterMax}, SettingDownAfter, 3_600_000},
		{ClusterInfo{RepairBytesPerSecond: RepairRateMax}, SettingRepairRate, 1 << 40},
		{ClusterInfo{RepairPausedUntil: time.Unix(math.MaxInt32+1, 999)}, SettingRepairPaused, math.MaxInt32 + 1},
		{ClusterInfo{}, SettingRepairPaused, 0},
		{ClusterInfo{}, SettingReadOnly, 0},
		{ClusterInfo{ReadOnly: true}, SettingReadOnly, 1},
		{ClusterInfo{Replication: ReplicasMax}, SettingReplication, ReplicasMax},
	} {
		if got := value(c.info, c.name); got != c.want {
			t.Errorf("%s of %+v: got %d, want %d", c.name, c.info, got, c.want)
		}
	}
}

// TestSettingsAreAskedOnly: the table is made anew each time; changing it does
// not change the cluster, nor the next table.
func TestSettingsAreAskedOnly(t *testing.T) {
	c := ClusterInfo{Replication: 3, Grace: GraceDefault}
	first := c.Settings()
	for i := range first {
		first[i] = Setting{}
	}
	if again := c.Settings(); again[0].Name != SettingReplication || again[0].Value != 3 || c.Replication != 3 {
		t.Errorf("got %+v", again[0])
	}
	names := map[string]bool{}
	for _, s := range c.Settings() {
		if names[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		names[s.Name] = true
	}
}

// TestRolesHaveWords: words and roles are one to one, also for numbers that are
// none, which get no right and no word of a role.
func TestRolesHaveWords(t *testing.T) {
	words := map[string]Role{}
	for n := range 256 {
		r := Role(n)
		parsed, err := ParseRole(r.String())
		known := n >= 1 && n <= 5
		if known != (err == nil) || known && parsed != r || !known && parsed != RoleNone {
			t.Errorf("role %d, %q: got %v, %v", n, r, parsed, err)
		}
		if !known {
			if r.String() != "none" || r.Allows(RoleViewer) || !r.Allows(RoleNone) {
				t.Errorf("role %d is %q and allows something", n, r)
			}
			continue
		}
		if other, twice := words[r.String()]; twice {
			t.Errorf("%d and %d are both %q", r, other, r)
		}
		words[r.String()] = r
	}
	if all := Roles(); len(all) != len(words) || all[0] != RoleViewer || all[len(all)-1] != RoleAdmin {
		t.Errorf("roles: %v, words: %v", all, words)
	}
	Roles()[0] = RoleAdmin // a table of one's own
	if Roles()[0] != RoleViewer {
		t.Error("the table of roles can be changed")
	}
}

// TestVolumeStates: what people read of every state that is stored.
func TestVolumeStates(t *testing.T) {
	for n, want := range []string{"idle", "leased", "fencing", "full", "unknown", "unknown"} {
		if got := VolumeState(n).String(); got != want {
			t.Errorf("state %d: got %q, want %q", n, got, want)
		}
	}
	if VolumeFull != 3 || NodeRemoved != 3 || LivenessDown != 3 || OrderSync != 0 || OrderDelete != 1 || OrderDrop != 2 {
		t.Error("a number that is stored or sent changed")
	}
}

// TestBoundsAreDocumented holds the bounds that pages and other programs name.
func TestBoundsAreDocumented(t *testing.T) {
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"a name", NameBytesMax, 255}, {"a path", PathDepthMax, 128}, {"a block", BlockBytesMax, 16 << 20},
		{"a chunk", ChunkBytes, 16 << 10}, {"a volume", VolumeBytesMax, 4 << 30}, {"replicas", ReplicasMax, 8},
		{"a property", PropValueBytesMax, 64 << 10}, {"properties", PropsPerEntryMax, 256},
		{"a copy", CopyEntriesMax, 100_000}, {"locks", LocksMax, 100_000}, {"events", EventsMax, 20_000},
		{"records", AuditMax, 50_000}, {"a page", EventPageMax, 500}, {"a desktop", DesktopBytesMax, 16 << 10},
		{"mutes", MutesMax, 64}, {"a lock, s", int64(LockTimeoutMax / time.Second), 3600},
		{"a session, s", int64(SessionTTL / time.Second), 15}, {"a pause, s", int64(RepairPauseMax / time.Second), 604_800},
	} {
		if c.got != c.want {
			t.Errorf("%s is bounded by %d, documented is %d", c.what, c.got, c.want)
		}
	}
}

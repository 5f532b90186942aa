package metadata

import (
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	var m Meter
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m.Read(10, 0)
	m.Read(20, 999*time.Microsecond)
	m.Read(0, time.Millisecond)
	m.Write(5, 3*time.Millisecond)
	m.Write(6, 8191*time.Millisecond)
	m.Write(7, time.Hour)
	m.Write(0, -time.Second)
	m.Fail()
	got := m.Traffic(start)
	if !got.Started.Equal(start) || got.Reads != 3 || got.Writes != 4 || got.BytesRead != 30 || got.BytesWritten != 18 || got.Errors != 1 {
		t.Errorf("got %+v", got)
	}
	want := []int64{3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}
	if len(got.Latency) != TrafficBuckets {
		t.Fatalf("%d buckets, want %d", len(got.Latency), TrafficBuckets)
	}
	for i, n := range want {
		if got.Latency[i] != n {
			t.Errorf("bucket %d: got %d, want %d", i, got.Latency[i], n)
		}
	}
}

func TestSettingsTable(t *testing.T) {
	c := ClusterInfo{
		Replication: 2, Grace: GraceDefault, ReadOnly: true, RepairPausedUntil: time.Unix(1000, 0),
		SuspectAfter: 2 * time.Second, DownAfter: time.Minute, RepairBytesPerSecond: 5 << 20,
	}
	want := map[string]int64{
		SettingReplication: 2, SettingGrace: 600, SettingReadOnly: 1, SettingRepairPaused: 1000,
		SettingSuspectAfter: 2000, SettingDownAfter: 60_000, SettingRepairRate: 5 << 20,
	}
	all := c.Settings()
	if len(all) != len(want) {
		t.Fatalf("%d settings, want %d", len(all), len(want))
	}
	for _, s := range all {
		if v, ok := want[s.Name]; !ok || v != s.Value {
			t.Errorf("%s is %d, want %d", s.Name, s.Value, v)
		}
		if s.Description == "" || s.Unit == "" || s.Group == "" || s.Min > s.Max {
			t.Errorf("%s: incomplete: %+v", s.Name, s)
		}
		// The default is in the range, or 0 means something.
		if (s.Default < s.Min || s.Default > s.Max) && s.Zero == "" {
			t.Errorf("%s: its default %d is not in its range", s.Name, s.Default)
		}
	}
	if zero := (&ClusterInfo{}).Settings(); zero[4].Value != 0 {
		t.Errorf("a pause without an end: %+v", zero[4])
	}
}

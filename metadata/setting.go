package metadata

import "time"

// Setting is one setting of the cluster as people read and change it: a whole
// number in its unit.
type Setting struct {
	Name        string `json:"name"`
	Value       int64  `json:"value"`
	Default     int64  `json:"default"`
	Min         int64  `json:"min"`
	Max         int64  `json:"max"`
	Zero        string `json:"zero,omitempty"` // what 0 means where it is allowed beside Min to Max
	Unit        string `json:"unit"`           // copies, seconds, milliseconds, bytes_per_second, unix_seconds, bool
	Group       string `json:"group"`          // data, repair, liveness
	Description string `json:"description"`
}

// The names of the settings.
const (
	SettingReplication  = "replication"
	SettingGrace        = "grace"
	SettingReadOnly     = "read_only"
	SettingRepairRate   = "repair_bytes_per_second"
	SettingRepairPaused = "repair_paused_until"
	SettingSuspectAfter = "suspect_after"
	SettingDownAfter    = "down_after"
)

// The ranges of the settings, where 0 does not mean something else.
const (
	GraceDefault    = 10 * time.Minute
	GraceMin        = time.Second
	GraceMax        = 30 * 24 * time.Hour
	RepairRateMin   = 1 << 20 // a volume of 4 GiB takes an hour and more
	RepairRateMax   = 1 << 40 // as good as none
	RepairPauseMax  = 7 * 24 * time.Hour
	SuspectAfterMin = time.Second
	SuspectAfterMax = time.Minute
	DownAfterMin    = 3 * time.Second
	DownAfterMax    = time.Hour
)

// Settings returns the table of all settings with the values of c, in the order
// in which people should see them.
func (c *ClusterInfo) Settings() []Setting {
	readOnly, paused := int64(0), int64(0)
	if c.ReadOnly {
		readOnly = 1
	}
	if !c.RepairPausedUntil.IsZero() {
		paused = c.RepairPausedUntil.Unix()
	}
	const own = "what the nameserver's ken.toml says"
	return []Setting{
		{Name: SettingReplication, Value: int64(c.Replication), Default: 2, Min: 1, Max: ReplicasMax, Unit: "copies", Group: "data",
			Description: "Copies of every file whose directories do not say otherwise. Applies to what is written from now on."},
		{Name: SettingGrace, Value: int64(c.Grace / time.Second), Default: int64(GraceDefault / time.Second),
			Min: int64(GraceMin / time.Second), Max: int64(GraceMax / time.Second), Unit: "seconds", Group: "data",
			Description: "How long the blocks of a deleted file are kept, so that readers who have it open can finish."},
		{Name: SettingReadOnly, Value: readOnly, Max: 1, Unit: "bool", Group: "data",
			Description: "Nothing can be written or deleted by anybody. Repair goes on."},
		{Name: SettingRepairRate, Value: c.RepairBytesPerSecond, Min: RepairRateMin, Max: RepairRateMax, Zero: own,
			Unit: "bytes_per_second", Group: "repair",
			Description: "What each storage server may fetch for repairs. Less leaves more for users and makes repairs longer."},
		{Name: SettingRepairPaused, Value: paused, Max: int64(RepairPauseMax / time.Second), Zero: "repair goes on",
			Unit: "unix_seconds", Group: "repair",
			Description: "No copies are made until this moment, at most seven days ahead. Lost copies stay lost meanwhile."},
		{Name: SettingSuspectAfter, Value: c.SuspectAfter.Milliseconds(), Min: SuspectAfterMin.Milliseconds(),
			Max: SuspectAfterMax.Milliseconds(), Zero: own, Unit: "milliseconds", Group: "liveness",
			Description: "Silence of a storage server after which no new data goes to it."},
		{Name: SettingDownAfter, Value: c.DownAfter.Milliseconds(), Min: DownAfterMin.Milliseconds(),
			Max: DownAfterMax.Milliseconds(), Zero: own, Unit: "milliseconds", Group: "liveness",
			Description: "Silence of a storage server after which it counts as down and its data is copied elsewhere. Not below suspect_after."},
	}
}

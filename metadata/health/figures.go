package health

import (
	"cmp"
	"math"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/phrase"
)

// Figures are what the leading nameserver has counted: everything that a
// judgement follows from.
type Figures struct {
	// Facts are the counted part of the report. Its Verdict, Sentence, Since
	// and Checks are Judge's to make: what is there is passed over.
	Facts    Report
	Previous *Report // the judgement before; nil: there is none
	// Known is the last verdict but Unknown, also of an earlier leader, and
	// since when it held.
	Known      Verdict
	KnownSince time.Time

	Machines []Machine // all that are enrolled and not removed, in order of id
	Target   int       // copies of new files

	Corrupt Count         // copies that differ from their records, for good; Volumes counts copies
	Short   Count         // volumes that lack a copy and for which no storage server can take one
	Why     phrase.Phrase // of Short

	LastError     string // of a copy that failed
	LoginFailures int    // in LoginWindow
	Quotas        []metadata.QuotaUse
	Mutes         []metadata.Mute
}

// Machine is a node as checks see it.
type Machine struct {
	ID, Name   string
	Storage    bool // keeps replicas
	Nameserver bool
	State      metadata.NodeState
	StateSince time.Time
	Until      time.Time // end of its maintenance
	Live       metadata.Liveness
	DownSince  time.Time // when Live is down
	Falls      int       // times it was declared down in FlapWindow

	Volumes int       // whose replicas it lists
	Bytes   int64     // of them
	Moved   time.Time // while draining: when Volumes was last lowered, or draining began

	Version     string
	CertExpires time.Time
	Skew        time.Duration // its clock is ahead by so much
	Disks       []Disk
}

// Disk is a disk as checks see it. Its figures are the last ones heard.
type Disk struct {
	ID, Path string
	Failed   string
	Capacity int64
	Free     int64
	Used     int64
	// FileSystem is equal on disks that share their room; 0: not known.
	FileSystem uint64
}

// Bounds and times of the checks.
const (
	FlapWindow   = time.Hour
	FlapFalls    = 3                   // in FlapWindow
	DrainStuck   = 10 * time.Minute    // without a replica less
	CertSoon     = 14 * 24 * time.Hour // certificates are renewed a month before they end
	SkewMax      = 2 * time.Second
	LoginWindow  = 10 * time.Minute
	LoginsMax    = 20 // failed ones in LoginWindow
	QuotaPercent = 90
	NearFull     = 85 // percent of a disk, or of all
	Full         = 95
)

// name is what people call the machine.
func (m *Machine) name() string {
	if m.Name == "" || m.Name == m.ID {
		return m.ID
	}
	return m.Name + " (" + m.ID + ")"
}

// target returns the machine as what an action is about.
func (m *Machine) target() target { return target{id: m.ID, name: cmp.Or(m.Name, m.ID)} }

// counts reports whether the machine is a storage server that should be there.
func (m *Machine) counts() bool { return m.Storage && m.State != metadata.NodeRemoved }

// percent is how full a disk is: what is not free counts, whoever uses it.
func (d *Disk) percent() int64 {
	return percentFull(d.Capacity, d.Free)
}

// percentFull is what is not free of a capacity, without an overflow.
func percentFull(capacity, free int64) int64 {
	if capacity <= 0 {
		return 0
	}
	full := capacity - min(max(free, 0), capacity)
	if capacity > math.MaxInt64/100 {
		return full / (capacity / 100)
	}
	return full * 100 / capacity
}

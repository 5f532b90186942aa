package health

import (
	"cmp"
	"slices"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/phrase"
)

// raised is a check on its way into the report.
type raised struct {
	since    time.Time // zero: as before, or now
	affected []string
	targets  []target
	bytes    int64
	count    int             // 0: as many as affected
	phrases  []phrase.Phrase // what is affected is said, not named; nil: it is named
}

// add notes one more thing that is affected.
func (r *raised) add(name string, t target, bytes int64) {
	r.affected = append(r.affected, name)
	r.bytes += bytes
	if t.id != "" && !slices.Contains(r.targets, t) {
		r.targets = append(r.targets, t)
	}
}

// why says something where others name what is affected.
func (r *raised) why(p phrase.Phrase, bytes int64) {
	r.phrases = append(r.phrases, p)
	r.add(p.String(), target{}, bytes)
}

// checks returns what the figures raise, in the order of the catalogue.
func (f *Figures) checks(r *Report) []Check {
	found := make(map[string]*raised)
	at := func(code string) *raised {
		if found[code] == nil {
			found[code] = new(raised)
		}
		return found[code]
	}
	for i := range f.Machines {
		f.machineChecks(r.AsOf, &f.Machines[i], at)
		f.diskChecks(&f.Machines[i], at)
	}
	f.dataChecks(r, at)
	f.repairChecks(r, at)
	f.clusterChecks(r, at)
	out := []Check{}
	for _, k := range Catalogue() {
		if c := found[k.Code]; c != nil && len(out) < ChecksMax {
			out = append(out, f.check(k, c, r.AsOf))
		}
	}
	return out
}

// check words what was raised.
func (f *Figures) check(k Kind, c *raised, now time.Time) Check {
	out := Check{
		Code: k.Code, Severity: k.Severity, Title: k.Title, Meaning: k.Meaning, Doing: k.Doing, Remedy: k.Remedy,
		Affected:        append([]string{}, c.affected[:min(len(c.affected), AffectedMax)]...),
		AffectedPhrases: c.phrases[:min(len(c.phrases), AffectedMax)],
		Count:           max(c.count, len(c.affected)), Bytes: c.bytes, Actions: actions(k.Actions, c.targets), Since: c.since,
	}
	if out.Since.IsZero() {
		out.Since = now
		if f.Previous != nil {
			for _, old := range f.Previous.Checks {
				if old.Code == k.Code {
					out.Since = old.Since
				}
			}
		}
	}
	for _, m := range f.Mutes {
		if m.Code == k.Code && m.Until.After(now) {
			out.Muted = m.Until
		}
	}
	return out
}

type finder func(code string) *raised

// machineChecks looks at one node.
func (f *Figures) machineChecks(now time.Time, m *Machine, at finder) {
	away := m.State == metadata.NodeMaintenance
	if m.counts() && !away {
		switch m.Live {
		case metadata.LivenessDown:
			c := at(NodeDown)
			c.add(m.name(), m.target(), m.Bytes)
			if c.since.IsZero() || m.DownSince.Before(c.since) {
				c.since = m.DownSince
			}
		case metadata.LivenessSuspect:
			at(NodeSuspect).add(m.name(), m.target(), 0)
		}
		if m.Falls >= FlapFalls {
			at(NodeFlapping).add(m.name(), m.target(), 0)
		}
	}
	if m.counts() && m.State == metadata.NodeDraining {
		switch {
		case m.Volumes == 0:
			at(DrainReady).add(m.name(), m.target(), 0)
		case !m.Moved.IsZero() && now.Sub(m.Moved) >= DrainStuck:
			at(DrainIsStuck).add(m.name(), m.target(), m.Bytes)
		}
	}
	if away && !m.Until.IsZero() && !now.Before(m.Until) {
		c := at(MaintenanceOverdue)
		c.add(m.name(), m.target(), m.Bytes)
		if c.since.IsZero() || m.Until.Before(c.since) {
			c.since = m.Until
		}
	}
	if !m.CertExpires.IsZero() && m.CertExpires.Sub(now) < CertSoon {
		at(CertExpiring).add(m.name(), m.target(), 0)
	}
	if m.Skew > SkewMax || m.Skew < -SkewMax {
		at(ClockSkew).add(m.name(), m.target(), 0)
	}
}

func (f *Figures) diskChecks(m *Machine, at finder) {
	if !m.counts() || m.Live == metadata.LivenessDown {
		return // what was last heard is not so any more
	}
	for i := range m.Disks {
		d := &m.Disks[i]
		name := m.name() + " " + cmp.Or(d.Path, d.ID)
		switch p := d.percent(); {
		case d.Failed != "":
			at(DiskFailed).add(name, m.target(), d.Used)
		case p >= Full:
			at(DiskFull).add(name, m.target(), d.Used)
		case p >= NearFull:
			at(DiskNearFull).add(name, m.target(), d.Used)
		}
	}
}

// dataChecks looks at the copies. Each volume is in one of the three checks.
func (f *Figures) dataChecks(r *Report, at finder) {
	volumes := func(code string, c Count) {
		if c.Volumes > 0 {
			x := at(code)
			x.count, x.bytes = c.Volumes, c.Bytes
		}
	}
	volumes(DataUnavailable, r.Unavailable)
	volumes(DataSingleCopy, r.AtRisk)
	volumes(DataBelowTarget, Count{
		Volumes: r.Below.Volumes - r.AtRisk.Volumes - r.Unavailable.Volumes,
		Bytes:   r.Below.Bytes - r.AtRisk.Bytes - r.Unavailable.Bytes,
	})
	volumes(DataCorrupt, f.Corrupt)
}

func (f *Figures) repairChecks(r *Report, at finder) {
	p := r.Repair
	switch {
	case p.Paused:
		at(RepairPaused).bytes = p.BytesLeft
	case p.Stalled != "" && p.Running == 0 && p.BytesLeft > 0:
		at(RepairStalled).why(phrase.Told(p.StalledPhrase, p.Stalled), p.BytesLeft)
	}
	if p.Failing > 0 {
		c := at(RepairFailing)
		c.count = p.Failing
		if f.LastError != "" {
			c.affected = []string{f.LastError}
		}
	}
}

// clusterChecks looks at what concerns all nodes together.
func (f *Figures) clusterChecks(r *Report, at finder) {
	if r.ReadOnly {
		at(IsReadOnly)
	}
	if !r.Writable && r.Nodes.Unknown == 0 && r.Nodes.Up+r.Nodes.Suspect+r.Nodes.Down > 0 {
		at(NotWritable)
	}
	switch {
	case r.Voters == 1:
		at(OneVoter).add(cmp.Or(r.Nameserver.Name, r.Nameserver.Leader, "nameserver"), target{}, 0)
	case r.Voters > r.VotersHealthy:
		at(VotersDown).count = r.Voters - r.VotersHealthy
	}
	if f.LoginFailures >= LoginsMax {
		at(LoginAttack).count = f.LoginFailures
	}
	for _, q := range f.Quotas {
		at(QuotaNear).add(string(q.Path), target{string(q.Path), string(q.Path)}, q.Used)
	}
	if percentFull(r.Capacity, r.Free) >= NearFull {
		at(ClusterNearFull).bytes = r.Used
	}
	f.healCheck(r, at)
	f.versionCheck(at)
}

// healCheck finds out whether lost copies can be made again: those that are
// missing now, or those that were on the fullest storage server if it failed.
func (f *Figures) healCheck(r *Report, at finder) {
	if f.Short.Volumes > 0 {
		c := at(CannotSelfHeal)
		c.count = f.Short.Volumes
		c.bytes = f.Short.Bytes
		if f.Why.String() != "" {
			c.why(f.Why, 0)
		}
		return
	}
	var most int64
	var fullest *Machine
	var all []*Machine
	for i := range f.Machines {
		m := &f.Machines[i]
		if !m.counts() || m.State != metadata.NodeActive || m.Live != metadata.LivenessUp {
			continue
		}
		all = append(all, m)
		if used := m.used(); used > most {
			most, fullest = used, m
		}
	}
	if fullest == nil || len(all) <= f.Target {
		return // one that fails leaves too few in any case: that is how the cluster was made
	}
	others := slices.DeleteFunc(all, func(m *Machine) bool { return m == fullest })
	if roomOf(others) < most {
		at(CannotSelfHeal).why(sayNoRoomFor(fullest.name()), most)
	}
}

// used adds up what is on the machine's disks.
func (m *Machine) used() (used int64) {
	for _, d := range m.Disks {
		if d.Failed == "" {
			used += d.Used
		}
	}
	return used
}

// roomOf is what the machines can take together: disks that share a file system
// share their room, also those of several machines.
func roomOf(machines []*Machine) int64 {
	var disks []metadata.Disk
	for _, m := range machines {
		for _, d := range m.Disks {
			if d.Failed == "" {
				disks = append(disks, metadata.Disk{Free: d.Free, FileSystem: d.FileSystem})
			}
		}
	}
	_, free := metadata.RoomOf(disks)
	return free
}

// versionCheck raises VERSION_MIXED with the nodes of the rarer versions.
func (f *Figures) versionCheck(at finder) {
	by := make(map[string][]string)
	for i := range f.Machines {
		if m := &f.Machines[i]; m.Version != "" && m.State != metadata.NodeRemoved {
			by[m.Version] = append(by[m.Version], m.name()+" "+m.Version)
		}
	}
	if len(by) < 2 {
		return
	}
	usual := ""
	for v, names := range by {
		if len(names) > len(by[usual]) || len(names) == len(by[usual]) && v > usual {
			usual = v
		}
	}
	for i := range f.Machines {
		if m := &f.Machines[i]; m.Version != "" && m.Version != usual && m.State != metadata.NodeRemoved {
			at(VersionMixed).add(m.name()+" "+m.Version, target{}, 0)
		}
	}
}

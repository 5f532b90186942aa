package namespace

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// setCluster changes settings of the cluster, all that are given or none.
func (s *state) setCluster(op *metapb.SetCluster) (*metapb.Result, error) {
	if r := op.GetIfRevision(); r != nil && uint64(r.Value) != s.cluster.SettingsRevision {
		return nil, refuse(metadata.KindConflict, "somebody has changed the settings since they were read: read them again")
	}
	row := proto.CloneOf(s.cluster)
	if op.GetReplication() != 0 {
		row.Replication = op.Replication
	}
	if op.GetGrace() != 0 {
		row.Grace = op.Grace
	}
	if op.GetReadOnly() != nil {
		row.ReadOnly = op.ReadOnly.Value != 0
	}
	if op.GetRepairBytes() != nil {
		row.RepairBytes = op.RepairBytes.Value
	}
	if op.GetRepairPausedUntil() != nil {
		row.RepairPausedUntil = op.RepairPausedUntil.Value
		if err := s.checkPause(row.RepairPausedUntil); err != nil {
			return nil, err
		}
	}
	if op.GetSuspectAfter() != nil {
		row.SuspectAfter = op.SuspectAfter.Value
	}
	if op.GetDownAfter() != nil {
		row.DownAfter = op.DownAfter.Value
	}
	if err := checkSettings(row); err != nil {
		return nil, err
	}
	var c changes
	was, is := settingTexts(s.cluster), settingTexts(row)
	for i := range was {
		c.add(was[i].name, was[i].text, is[i].text)
	}
	s.note("settings.set", "", c.String())
	if c.Len() > 0 {
		row.SettingsRevision++
	}
	row.FleetVersion++
	s.cluster = row
	return nil, nil
}

// checkPause reports why repair cannot be paused until then.
func (s *state) checkPause(until int64) error {
	if until != 0 && (until <= s.now || until > addTime(s.now, int64(metadata.RepairPauseMax))) {
		return refuse(metadata.KindInvalid, "repair cannot be paused until %s: want a time to come, within %s",
			timeText(until), metadata.RepairPauseMax)
	}
	return nil
}

type settingText struct{ name, text string }

// settingTexts writes a row's settings for the audit.
func settingTexts(row *metapb.ClusterRow) []settingText {
	own := func(d int64) string {
		if d == 0 {
			return "default"
		}
		return time.Duration(d).String()
	}
	rate := "default"
	if row.RepairBytes != 0 {
		rate = fmt.Sprint(row.RepairBytes)
	}
	return []settingText{
		{metadata.SettingReplication, fmt.Sprint(row.Replication)},
		{metadata.SettingGrace, time.Duration(row.Grace).String()},
		{metadata.SettingReadOnly, fmt.Sprint(row.ReadOnly)},
		{metadata.SettingRepairRate, rate},
		{metadata.SettingRepairPaused, timeText(row.RepairPausedUntil)},
		{metadata.SettingSuspectAfter, own(row.SuspectAfter)},
		{metadata.SettingDownAfter, own(row.DownAfter)},
	}
}

// timeText writes a stored time; "never" for 0.
func timeText(ns int64) string {
	if ns == 0 {
		return "never"
	}
	return time.Unix(0, ns).UTC().Format(time.RFC3339)
}

// checkSettings reports a setting that is out of its range.
func checkSettings(row *metapb.ClusterRow) error {
	if row.Replication < 1 || row.Replication > metadata.ReplicasMax {
		return refuse(metadata.KindInvalid, "replication %d: want 1 to %d", row.Replication, metadata.ReplicasMax)
	}
	for _, r := range []struct {
		what        string
		value       int64
		least, most time.Duration
		zero        bool
	}{
		{"a grace time", row.Grace, metadata.GraceMin, metadata.GraceMax, false},
		{metadata.SettingSuspectAfter, row.SuspectAfter, metadata.SuspectAfterMin, metadata.SuspectAfterMax, true},
		{metadata.SettingDownAfter, row.DownAfter, metadata.DownAfterMin, metadata.DownAfterMax, true},
	} {
		if r.zero && r.value == 0 {
			continue
		}
		if d := time.Duration(r.value); d < r.least || d > r.most {
			return refuse(metadata.KindInvalid, "%s of %s: want %s to %s", r.what, d, r.least, r.most)
		}
	}
	if row.SuspectAfter != 0 && row.DownAfter != 0 && row.DownAfter < row.SuspectAfter {
		return refuse(metadata.KindInvalid, "down_after of %s is below suspect_after of %s",
			time.Duration(row.DownAfter), time.Duration(row.SuspectAfter))
	}
	if b := row.RepairBytes; b != 0 && (b < metadata.RepairRateMin || b > metadata.RepairRateMax) {
		return refuse(metadata.KindInvalid, "%s of %d: want 0 or %d to %d", metadata.SettingRepairRate, b,
			metadata.RepairRateMin, int64(metadata.RepairRateMax))
	}
	return nil
}

// setMute silences a check, or ends that. Mutes that are over are cleared away.
func (s *state) setMute(cmd *metapb.Command, op *metapb.SetMute) (*metapb.Result, error) {
	if err := checkCode(op.GetCode()); err != nil {
		return nil, err
	}
	rows, err := allRows[metapb.MuteRow](s.r, tableMute)
	if err != nil {
		return nil, err
	}
	kept := 0
	var over []string
	was := int64(0)
	for _, m := range rows {
		switch {
		case m.Code == op.Code:
			was = m.Until
		case m.Until <= s.now:
			over = append(over, m.Code)
		default:
			kept++
		}
	}
	on := op.GetUntil() > s.now
	if on && kept >= metadata.MutesMax {
		return nil, refuse(metadata.KindTooLarge, "%d checks are muted already", kept)
	}
	for _, code := range over {
		if err := deleteRow(s.kv, keyMute(code)); err != nil {
			return nil, err
		}
	}
	s.cluster.FleetVersion++
	var c changes
	if !on {
		c.add("until", timeText(was), "never")
		s.note("check.unmute", op.Code, c.String())
		return nil, deleteRow(s.kv, keyMute(op.Code))
	}
	c.add("until", timeText(was), timeText(op.Until))
	s.note("check.mute", op.Code, c.String())
	return nil, putRow(s.kv, keyMute(op.Code), &metapb.MuteRow{
		Code: op.Code, Until: op.Until, User: cut(cmd.GetActor().GetUser(), labelBytesMax), Since: s.now,
	})
}

// putDesktop keeps a user's desktop as it is.
func (s *state) putDesktop(op *metapb.PutDesktop) (*metapb.Result, error) {
	user, err := s.user(op.GetUser())
	switch {
	case err != nil:
		return nil, err
	case user == nil:
		return nil, refuse(metadata.KindNotFound, "there is no user %q", op.GetUser())
	case len(op.Document) > metadata.DesktopBytesMax:
		return nil, refuse(metadata.KindTooLarge, "the desktop has %d bytes: at most %d", len(op.Document), metadata.DesktopBytesMax)
	case len(op.Document) == 0:
		return nil, deleteRow(s.kv, keyDesktop(op.User))
	}
	return nil, setRow(s.kv, keyDesktop(op.User), op.Document)
}

func (v view) getDesktop(q *metapb.GetDesktop) (*metapb.Answer, error) {
	val, err := v.r.Get(keyDesktop(q.GetUser()))
	if err != nil {
		return nil, fault{err}
	}
	return &metapb.Answer{Desktop: append([]byte(nil), val...)}, nil
}

package metarpc

import (
	"context"
	"math"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Settings are the cluster's settings that can be changed; zero and nil are
// unchanged. metadata.ClusterInfo.Settings has their ranges and descriptions.
type Settings struct {
	Replication          int
	Grace                time.Duration
	ReadOnly             *bool
	RepairBytesPerSecond *int64         // 0: the nameserver's own setting
	RepairPausedUntil    *time.Time     // zero: repair goes on
	SuspectAfter         *time.Duration // 0: the nameserver's own setting
	DownAfter            *time.Duration // 0: the nameserver's own setting
	// Revision is that of the settings that the change was made from; nil: any.
	Revision *uint64
}

// SetCluster changes settings of the cluster, all of them or none. KindConflict:
// they are of another revision by now.
func (c *Client) SetCluster(ctx context.Context, s Settings) error {
	if s.Replication < 0 || s.Replication > metadata.ReplicasMax {
		return metadata.Errorf(metadata.KindInvalid, "replication %d: want 1 to %d", s.Replication, metadata.ReplicasMax)
	}
	op := &metapb.SetCluster{Replication: uint32(s.Replication), Grace: int64(s.Grace)}
	if s.ReadOnly != nil {
		op.ReadOnly = &metapb.Int64Value{}
		if *s.ReadOnly {
			op.ReadOnly.Value = 1
		}
	}
	if s.RepairBytesPerSecond != nil {
		op.RepairBytes = &metapb.Int64Value{Value: *s.RepairBytesPerSecond}
	}
	if s.RepairPausedUntil != nil {
		op.RepairPausedUntil = &metapb.Int64Value{Value: toNanos(*s.RepairPausedUntil)}
	}
	if s.SuspectAfter != nil {
		op.SuspectAfter = &metapb.Int64Value{Value: int64(*s.SuspectAfter)}
	}
	if s.DownAfter != nil {
		op.DownAfter = &metapb.Int64Value{Value: int64(*s.DownAfter)}
	}
	if s.Revision != nil {
		op.IfRevision = &metapb.Int64Value{Value: int64(*s.Revision)}
	}
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_SetCluster{SetCluster: op}})
	return err
}

// Settings returns all settings with their values, ranges and descriptions.
func (c *Client) Settings(ctx context.Context) ([]metadata.Setting, error) {
	info, err := c.Cluster(ctx)
	if err != nil {
		return nil, err
	}
	return info.Settings(), nil
}

// Set changes settings by name, each to a number in its unit. KindNotFound:
// there is no such setting. KindInvalid: out of its range; nothing is changed.
func (c *Client) Set(ctx context.Context, values map[string]int64) error {
	s, err := settingsOf(values)
	if err != nil {
		return err
	}
	return c.SetCluster(ctx, s)
}

// SetIf is Set unless the settings are of another revision than the one given
// (metadata.ClusterInfo.SettingsRevision): KindConflict.
func (c *Client) SetIf(ctx context.Context, revision uint64, values map[string]int64) error {
	s, err := settingsOf(values)
	if err != nil {
		return err
	}
	s.Revision = &revision
	return c.SetCluster(ctx, s)
}

// secondsMax is the last moment that fits into nanoseconds: in the year 2262.
const secondsMax = math.MaxInt64 / int64(time.Second)

func settingsOf(values map[string]int64) (Settings, error) {
	var s Settings
	for name, v := range values {
		switch name {
		case metadata.SettingReplication:
			if v < 1 || v > metadata.ReplicasMax {
				return s, metadata.Errorf(metadata.KindInvalid, "replication %d: want 1 to %d", v, metadata.ReplicasMax)
			}
			s.Replication = int(v)
		case metadata.SettingGrace:
			if v < 1 || v > int64(metadata.GraceMax/time.Second) {
				return s, metadata.Errorf(metadata.KindInvalid, "grace of %d s: want 1 to %d", v, metadata.GraceMax/time.Second)
			}
			s.Grace = time.Duration(v) * time.Second
		case metadata.SettingReadOnly:
			if v != 0 && v != 1 {
				return s, metadata.Errorf(metadata.KindInvalid, "read_only %d: want 0 or 1", v)
			}
			on := v == 1
			s.ReadOnly = &on
		case metadata.SettingRepairRate:
			s.RepairBytesPerSecond = &v
		case metadata.SettingRepairPaused:
			if v < 0 || v > secondsMax {
				return s, metadata.Errorf(metadata.KindInvalid, "%s %d: want seconds since 1970, within the next seven days", name, v)
			}
			until := time.Unix(v, 0)
			if v == 0 {
				until = time.Time{}
			}
			s.RepairPausedUntil = &until
		case metadata.SettingSuspectAfter, metadata.SettingDownAfter:
			if v < 0 || v > metadata.DownAfterMax.Milliseconds() {
				return s, metadata.Errorf(metadata.KindInvalid, "%s of %d ms: want at most %d", name, v, metadata.DownAfterMax.Milliseconds())
			}
			d := time.Duration(v) * time.Millisecond
			if name == metadata.SettingSuspectAfter {
				s.SuspectAfter = &d
			} else {
				s.DownAfter = &d
			}
		default:
			return s, metadata.Errorf(metadata.KindNotFound, "there is no setting %q", name)
		}
	}
	return s, nil
}

// SetNode changes what is given of an operator's wishes for a node, and leaves
// the rest to whoever changes it meanwhile. KindConflict: it is to be removed
// and holds replicas, is the last nameserver, or is removed already.
func (c *Client) SetNode(ctx context.Context, id metadata.NodeID, n metadata.NodeChange) (metadata.Node, error) {
	op := &metapb.SetNode{Node: uint64(id)}
	if n.State != nil {
		op.State = &metapb.Int64Value{Value: int64(*n.State)}
	}
	if n.Until != nil {
		op.Until = &metapb.Int64Value{Value: toNanos(*n.Until)}
	}
	if n.Zone != nil {
		op.Zone = &metapb.StringValue{Value: *n.Zone}
	}
	if n.Name != nil {
		op.Name = &metapb.StringValue{Value: *n.Name}
	}
	r, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_SetNode{SetNode: op}})
	if err != nil {
		return metadata.Node{}, err
	}
	return nodeRowFromPB(r.GetNode()), nil
}

// Mute silences a check until then; a time that is past lets it be heard again.
func (c *Client) Mute(ctx context.Context, code string, until time.Time) error {
	_, err := c.propose(ctx, &metapb.Command{Op: &metapb.Command_SetMute{SetMute: &metapb.SetMute{
		Code: code, Until: toNanos(until),
	}}})
	return err
}

// Mutes returns the checks that are silenced.
func (c *Client) Mutes(ctx context.Context) ([]metadata.Mute, error) {
	info, err := c.Cluster(ctx)
	return info.Mutes, err
}

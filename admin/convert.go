package admin

import (
	"math"
	"slices"
	"time"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/health"
)

// ptr returns nil for the zero value: what is not known is left out.
func ptr[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// when is ptr for times.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func apiHealth(n *snapshot) api.Health {
	h := api.Health{Report: tidy(n.health()), Stale: n.stale, AsOf: n.AsOf, History: []api.VerdictChange{}}
	if n.stale {
		h.LastVerdict = ptr(string(n.Report.Verdict))
	}
	for _, v := range n.Verdicts {
		if n.AsOf.Sub(v.Since) < 24*time.Hour || v == n.Verdicts[len(n.Verdicts)-1] {
			h.History = append(h.History, api.VerdictChange{Verdict: string(v.Verdict), Since: v.Since})
		}
	}
	return h
}

// apiRepairs has lists where there would be null.
func apiRepairs(n *snapshot) health.Repairs {
	r := n.Repairs
	if r.Queue == nil {
		r.Queue = []health.Repair{}
	}
	if r.Drains == nil {
		r.Drains = []health.Drain{}
	}
	return r
}

// tidy makes lists of what would be null.
func tidy(r health.Report) health.Report {
	if r.Copies == nil {
		r.Copies = []health.Copies{}
	}
	if r.Checks == nil {
		r.Checks = []health.Check{}
	}
	return r
}

func apiNode(n *snapshot, m *metadata.Node) api.Node {
	out := api.Node{
		Id: m.ID.String(), Name: m.Name, Addr: m.Addr, Roles: slices.Clone(m.Roles), Zone: m.Zone,
		State: api.NodeState(m.State.String()), Liveness: api.NodeLiveness(m.Liveness.String()),
		Storage: slices.Contains(m.Roles, metadata.NodeDatanode), Version: m.Version, Joined: m.Joined.UTC(),
		StateUntil: when(m.Until), Heard: when(m.Heard), Started: when(m.Started), CertExpires: when(m.CertExpires),
		Disks: []api.Disk{}, Leader: ptr(m.ID.String() == n.Report.Nameserver.Leader),
		ZoneSet: ptr(m.ZoneSet), MachineZone: ptr(m.MachineZone),
	}
	if out.Roles == nil {
		out.Roles = []string{}
	}
	for _, d := range m.Disks {
		out.Disks = append(out.Disks, api.Disk{
			Id: d.ID.String(), Path: d.Path, CapacityBytes: d.Capacity, UsedBytes: d.Used, FreeBytes: d.Free,
			Volumes: d.Volumes, Failed: d.Failed,
		})
		out.UsedBytes += d.Used
		out.Volumes += d.Volumes
	}
	out.CapacityBytes, out.FreeBytes = metadata.RoomOf(m.Disks)
	if r, ok := n.rates[m.ID]; ok && r.seconds > 0 {
		out.ReadBytesPerSecond, out.WriteBytesPerSecond = math.Round(r.readBytes), math.Round(r.writeBytes)
		out.LatencyP99Ms = ptr(math.Round(r.p99*10) / 10)
	}
	for i := range n.Repairs.Drains {
		if n.Repairs.Drains[i].Node == out.Id {
			out.Drain = &n.Repairs.Drains[i]
		}
	}
	return out
}

func apiEvent(e metadata.Event) api.Event {
	out := api.Event{
		Id: eventID(e.ID), Time: e.Time.UTC(), Severity: api.EventSeverity(e.Severity), Code: e.Code,
		Subject: ptr(e.Subject), Text: e.Text, TextPhrase: e.TextPhrase,
	}
	if e.Node != 0 {
		out.Node = ptr(e.Node.String())
	}
	return out
}

func apiAudit(r metadata.AuditRecord) api.AuditRecord {
	out := api.AuditRecord{
		Id: eventID(r.ID), Time: r.Time.UTC(), User: r.Actor.User, Origin: r.Actor.Origin, Remote: ptr(r.Actor.Remote),
		RequestId: ptr(r.Actor.Request), Reason: ptr(r.Actor.Reason), Action: r.Action, Target: ptr(r.Target),
		Detail: ptr(r.Detail), Outcome: r.Outcome, Text: ptr(r.Text),
	}
	if r.Actor.Node != 0 {
		out.Node = ptr(r.Actor.Node.String())
	}
	return out
}

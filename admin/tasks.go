package admin

import (
	"fmt"
	"slices"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// tasksMax bounds the list: what needs somebody is in front.
const tasksMax = 50

// apiTasks is the work that goes on, as people think of it: one repair, every
// drain, every maintenance.
func apiTasks(n *snapshot) api.TaskList {
	out := api.TaskList{AsOf: n.AsOf, Items: []api.Task{}}
	p := &n.Report.Repair
	if n.Repairs.Total > 0 || p.BytesLeft > 0 {
		t := api.Task{
			Id: "repair", Kind: api.TaskKindRepair, State: api.Running, Unit: api.TaskUnitBytes, Done: repaired(n),
			Title: fmt.Sprintf("Repair of %d volumes", n.Repairs.Total), EtaMinSeconds: ptr(p.ETAMin), EtaMaxSeconds: ptr(p.ETAMax),
		}
		t.Total = t.Done + p.BytesLeft
		switch {
		case p.Paused:
			t.State, t.Detail = api.Waiting, ptr("paused")
		case p.Running == 0 && p.Failing > 0:
			t.State, t.Detail = api.Failed, ptr(p.Stalled)
		case p.Running == 0:
			t.State, t.Detail = api.Waiting, ptr(p.Stalled)
		}
		out.Items = append(out.Items, t)
	}
	for _, d := range n.Repairs.Drains {
		t := api.Task{
			Id: "drain-" + d.Node, Kind: api.TaskKindDrain, State: api.Running, Unit: api.TaskUnitVolumes, Target: ptr(d.Node),
			Title: "Drain of " + d.Name, Detail: ptr(fmt.Sprintf("%d volumes are still on it", d.Volumes)),
		}
		if d.Ready {
			t.State, t.Detail = api.Done, ptr("nothing is left on it: it may be removed")
		} else if len(d.Blockers) > 0 {
			t.State, t.Detail = api.Waiting, ptr(d.Blockers[0])
		}
		if m, err := n.node(d.Node); err == nil {
			t.Since = when(m.StateSince)
		}
		out.Items = append(out.Items, t)
	}
	for i := range n.Nodes {
		m := &n.Nodes[i]
		if m.State != metadata.NodeMaintenance {
			continue
		}
		out.Items = append(out.Items, api.Task{
			Id: "maintenance-" + m.ID.String(), Kind: api.TaskKindMaintenance, State: api.Running, Unit: api.TaskUnitNone,
			Title: "Maintenance of " + m.Name, Target: ptr(m.ID.String()), Since: when(m.StateSince),
		})
	}
	slices.SortStableFunc(out.Items, func(a, b api.Task) int { return taskRank(a) - taskRank(b) })
	out.Items = out.Items[:min(len(out.Items), tasksMax)]
	return out
}

// repaired is what the running copies have brought so far.
func repaired(n *snapshot) int64 {
	var done int64
	for i := range n.Repairs.Queue {
		done += n.Repairs.Queue[i].BytesDone
	}
	return done
}

// taskRank has what needs somebody first.
func taskRank(t api.Task) int {
	return slices.Index([]api.TaskState{api.Failed, api.Running, api.Waiting, api.Done}, t.State)
}

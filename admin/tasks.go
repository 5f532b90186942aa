package admin

import (
	"slices"

	"kendfs/admin/api"
	"kendfs/metadata"
	"kendfs/metadata/phrase"
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
			EtaMinSeconds: ptr(p.ETAMin), EtaMaxSeconds: ptr(p.ETAMax),
		}
		t.Total = t.Done + p.BytesLeft
		stalled := phrase.Told(p.StalledPhrase, p.Stalled)
		switch {
		case p.Paused:
			t.State, stalled = api.Waiting, sayTaskPaused()
		case p.Running == 0 && p.Failing > 0:
			t.State = api.Failed
		case p.Running == 0:
			t.State = api.Waiting
		default:
			stalled = phrase.Phrase{}
		}
		sayTask(&t, sayRepairTask(n.Repairs.Total), stalled)
		out.Items = append(out.Items, t)
	}
	for _, d := range n.Repairs.Drains {
		t := api.Task{
			Id: "drain-" + d.Node, Kind: api.TaskKindDrain, State: api.Running, Unit: api.TaskUnitVolumes, Target: ptr(d.Node),
		}
		detail := sayStillOnIt(d.Volumes)
		if d.Ready {
			t.State, detail = api.Done, sayDrained()
		} else if len(d.Blockers) > 0 {
			t.State, detail = api.Waiting, phrase.Free(d.Blockers[0])
			if len(d.BlockerPhrases) > 0 {
				detail = phrase.Told(&d.BlockerPhrases[0], d.Blockers[0])
			}
		}
		sayTask(&t, sayDrainTask(d.Name), detail)
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
		t := api.Task{
			Id: "maintenance-" + m.ID.String(), Kind: api.TaskKindMaintenance, State: api.Running, Unit: api.TaskUnitNone,
			Target: ptr(m.ID.String()), Since: when(m.StateSince),
		}
		sayTask(&t, sayMaintenanceTask(m.Name), phrase.Phrase{})
		out.Items = append(out.Items, t)
	}
	slices.SortStableFunc(out.Items, func(a, b api.Task) int { return taskRank(a) - taskRank(b) })
	out.Items = out.Items[:min(len(out.Items), tasksMax)]
	return out
}

// sayTask gives a task its words.
func sayTask(t *api.Task, title, detail phrase.Phrase) {
	t.Title, t.TitlePhrase = title.String(), title.Key()
	t.Detail, t.DetailPhrase = ptr(detail.String()), detail.Key()
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

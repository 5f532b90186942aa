package health

import (
	"slices"
	"strings"
)

// The operations of the admin's API that checks offer.
const (
	opNodes        = "listNodes"
	opReplication  = "getReplication"
	opResume       = "resumeRepair"
	opDrain        = "drainNode"
	opActivate     = "activateNode"
	opMaintain     = "maintainNode"
	opRemove       = "removeNode"
	opAddMachine   = "createToken"
	opWritable     = "changeSettings"
	opAudit        = "listAudit"
	opUsers        = "listUsers"
	opCertificates = "listCertificates"
	opFiles        = "listEntries"
)

// target is what an action is about: a node, or a directory.
type target struct {
	id   string // as the API and the commands want it
	name string // as people know it
}

// operation is what an action says and which command does the same. NODE
// stands for its target: its name in what is said, its id in the command.
type operation struct {
	label, command string
	node           bool // needs a node as its target
}

func operations() map[string]operation {
	return map[string]operation{
		opNodes:        {"Show nodes", "ken node list", false},
		opReplication:  {"Show repair", "ken status", false},
		opResume:       {"Resume repair", "ken repair resume", false},
		opDrain:        {"Drain NODE", "ken node drain NODE", true},
		opActivate:     {"Use NODE again", "ken node undrain NODE", true},
		opMaintain:     {"Maintenance for NODE", "ken node maintenance NODE --for 2h", true},
		opRemove:       {"Remove NODE", "ken node remove NODE", true},
		opAddMachine:   {"Add a machine", "ken token create", false},
		opWritable:     {"Switch writing on", "ken set read_only 0", false},
		opAudit:        {"Show the audit", "ken audit", false},
		opUsers:        {"Show users", "ken user list", false},
		opCertificates: {"Show certificates", "ken node list", false},
		opFiles:        {"Show the folder", "ken fs ls NODE", true},
	}
}

// Operations returns every operation that a check may offer, with NODE in place
// of a target, in the order of their ids.
func Operations() []Action {
	var out []Action
	for op, o := range operations() {
		out = append(out, Action{Op: op, Label: o.label, Command: o.command})
	}
	slices.SortFunc(out, func(a, b Action) int { return strings.Compare(a.Op, b.Op) })
	return out
}

// targetsMax bounds the targets for which a check offers actions.
const targetsMax = 3

// actions offers the operations of a kind, those on a node for each of the
// first targets.
func actions(ops []string, targets []target) []Action {
	table := operations()
	out := []Action{}
	for _, op := range ops {
		o := table[op]
		if !o.node {
			out = append(out, Action{Op: op, Label: o.label, Command: o.command})
			continue
		}
		for _, t := range targets[:min(len(targets), targetsMax)] {
			out = append(out, Action{
				Op: op, Target: t.id, Name: t.name, Label: strings.ReplaceAll(o.label, "NODE", t.name),
				Command: strings.ReplaceAll(o.command, "NODE", t.id),
			})
		}
	}
	return out
}

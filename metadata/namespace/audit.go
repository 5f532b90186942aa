package namespace

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// failedLoginsMax bounds the failed logins that are recorded in a minute:
// whoever guesses passwords must not be able to push everything else out.
const failedLoginsMax = 10

// actionLoginFailed is recorded failedLoginsMax times a minute at most.
const actionLoginFailed = "login.failed"

// noted is what a command says about itself for the audit.
type noted struct{ action, target, detail string }

// note says what the audit will keep of the command that is being executed. A
// command that has changed nothing leaves it empty.
func (s *state) note(action, target, detail string) {
	s.noted = noted{action, target, detail}
}

// attempt is what the audit keeps of a command that was refused before it noted
// anything: its action and target as they were asked for.
func attempt(cmd *metapb.Command) (action, target string) {
	switch op := cmd.GetOp().(type) {
	case *metapb.Command_PutNode:
		return "node.put", nodeName(op.PutNode.GetNode().GetId())
	case *metapb.Command_SetNode:
		return nodeAction(op.SetNode), nodeName(op.SetNode.GetNode())
	case *metapb.Command_PutUser:
		if op.PutUser.GetCreate() {
			return "user.create", op.PutUser.GetUser().GetName()
		}
		return "user.put", op.PutUser.GetUser().GetName()
	case *metapb.Command_DeleteUser:
		return "user.delete", op.DeleteUser.GetName()
	case *metapb.Command_PutToken:
		return "token.create", op.PutToken.GetToken().GetId()
	case *metapb.Command_DeleteToken:
		return "token.delete", op.DeleteToken.GetId()
	case *metapb.Command_SetCluster:
		return "settings.set", ""
	case *metapb.Command_SetMute:
		return "check.mute", op.SetMute.GetCode()
	case *metapb.Command_SetAttr:
		if op.SetAttr.GetQuotaBytes() != nil || op.SetAttr.GetReplication() != nil {
			return "dir.set", op.SetAttr.GetPath()
		}
	}
	return "", ""
}

func nodeName(id uint64) string {
	if id == 0 {
		return ""
	}
	return metadata.NodeID(id).String()
}

// audit records the command in the same step that executed or refused it.
// Refusals are recorded only of those who have said who they are.
func (s *state) audit(cmd *metapb.Command, refused error) error {
	row := &metapb.AuditRow{Action: s.noted.action, Target: s.noted.target, Detail: s.noted.detail}
	s.noted = noted{}
	if s.cluster == nil {
		return nil
	}
	row.Outcome = "ok"
	if refused != nil {
		if cmd.GetActor() == nil {
			return nil
		}
		row.Action, row.Target = attempt(cmd)
		row.Detail, row.Outcome, row.Text = "", metadata.KindOf(refused).String(), refused.Error()
	}
	if row.Action == "" {
		return nil
	}
	row.Actor = cmd.GetActor()
	if user := cmd.GetSetAttr().GetGuard().GetUser(); user != "" && row.Actor.GetUser() == "" {
		// The tree's commands say themselves for whom they are.
		row.Actor = proto.CloneOf(row.Actor)
		if row.Actor == nil {
			row.Actor = &metapb.Actor{Origin: "system"}
		}
		row.Actor.User = user
	}
	return s.addAudit(row, false)
}

// addAudit writes a record under the next id. reported: somebody says so; else
// it is the record that a command makes of itself.
func (s *state) addAudit(from *metapb.AuditRow, reported bool) error {
	row := proto.CloneOf(from) // neither the command nor the state's own is kept
	if row.Actor == nil {
		row.Actor = &metapb.Actor{Origin: "system"}
	}
	for _, field := range []*string{
		&row.Actor.User, &row.Actor.Origin, &row.Actor.Remote, &row.Actor.Request, &row.Actor.Reason,
		&row.Action, &row.Target, &row.Detail, &row.Outcome, &row.Text,
	} {
		*field = cut(*field, metadata.AuditFieldMax)
	}
	ring := ringsOf(s.cluster)[ringOf(row, reported)]
	row.Id, row.Time = lastAudit(s.cluster)+1, s.now
	s.cluster.LastAudit = row.Id
	return ring.add(s.kv, row)
}

// recordAudit records what changes nothing here: a login, a download.
func (s *state) recordAudit(cmd *metapb.Command, op *metapb.RecordAudit) (*metapb.Result, error) {
	r := op.GetRecord()
	switch {
	case r.GetAction() == "" || r.GetOutcome() == "":
		return nil, refuse(metadata.KindInvalid, "an audit record needs an action and an outcome")
	case len(r.Action) > metadata.CodeBytesMax || strings.ContainsFunc(r.Action, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '_'
	}):
		return nil, refuse(metadata.KindInvalid, "%.40q is not an action: want small letters, digits, dots", r.Action)
	case isChange(r.Action):
		return nil, refuse(metadata.KindDenied, "%q is recorded by the change itself, nobody else may claim it", r.Action)
	}
	row := proto.CloneOf(r)
	row.Actor = cmd.GetActor()
	if row.Action == actionLoginFailed {
		before, enough := s.countFailedLogin()
		if enough {
			return nil, nil
		}
		if before > failedLoginsMax {
			row.Detail = fmt.Sprintf("%d more were not recorded a while before. %s", before-failedLoginsMax, row.Detail)
		}
	}
	return nil, s.addAudit(row, true)
}

// isChange reports whether an action is one that commands note of themselves: a
// stolen key must not be able to invent what others have changed.
func isChange(action string) bool {
	what, _, _ := strings.Cut(action, ".")
	switch what {
	case "node", "user", "token", "settings", "check", "dir":
		return true
	}
	return false
}

// countFailedLogin counts a failed login in its minute. enough: it is not to be
// recorded any more. before is the count of the last minute that had some, once.
func (s *state) countFailedLogin() (before uint32, enough bool) {
	c := s.cluster
	minute := s.now / int64(time.Minute)
	if c.FailedMinute != minute {
		before = c.FailedLogins
		c.FailedMinute, c.FailedLogins = minute, 0
	}
	c.FailedLogins++
	return before, c.FailedLogins > failedLoginsMax
}

// listAudit answers with a page of records, newest first.
func (v view) listAudit(q *metapb.ListEvents) (*metapb.Answer, error) {
	m, err := newMatch(q)
	if err != nil {
		return nil, err
	}
	a := &metapb.Answer{}
	err = v.newestAudit(m, func(row *metapb.AuditRow) bool {
		if !m.audit(row) {
			return true
		}
		if a.More = len(a.Audit) == m.limit; !a.More {
			a.Audit = append(a.Audit, row)
		}
		return !a.More
	})
	return a, err
}

func (m *match) audit(r *metapb.AuditRow) bool {
	a := r.GetActor()
	return m.times(r.Time) && (m.Node == 0 || a.GetNode() == m.Node) && (m.User == "" || a.GetUser() == m.User) &&
		(m.worst == 0 || m.worst >= 2 && r.Outcome != "ok" || m.worst == 3) &&
		m.contains(r.Action, r.Target, r.Detail, r.Outcome, r.Text, a.GetUser(), a.GetRemote(), a.GetRequest(), a.GetReason())
}

// changes writes what changed from old to new, in the order given.
type changes struct{ strings.Builder }

func (c *changes) add(name string, from, to any) {
	if from == to {
		return
	}
	if c.Len() > 0 {
		c.WriteString(", ")
	}
	fmt.Fprintf(&c.Builder, "%s: %v → %v", name, from, to)
}

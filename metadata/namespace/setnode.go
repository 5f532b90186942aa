package namespace

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// setNode changes what is given of an operator's wishes for a node. What is not
// given stays as it is now, not as the caller has seen it.
func (s *state) setNode(op *metapb.SetNode) (*metapb.Result, error) {
	old, err := s.node(op.GetNode())
	switch {
	case err != nil:
		return nil, err
	case old == nil:
		return nil, refuse(metadata.KindNotFound, "there is no node n%d", op.GetNode())
	case isRemoved(old):
		return nil, refuse(metadata.KindConflict, "node n%d is removed and cannot come back; let it join anew", old.Id)
	}
	row := proto.CloneOf(old)
	if op.State != nil {
		if op.State.Value < 0 || op.State.Value > int64(metadata.NodeRemoved) {
			return nil, refuse(metadata.KindInvalid, "%d is not a node's state", op.State.Value)
		}
		row.State, row.Until = uint32(op.State.Value), 0
	}
	if op.Until != nil {
		switch row.Until = op.Until.Value; {
		case row.Until == 0:
		case metadata.NodeState(row.State) != metadata.NodeMaintenance:
			return nil, refuse(metadata.KindInvalid, "node n%d is not in maintenance: there is no end to set", old.Id)
		case row.Until <= s.now:
			return nil, refuse(metadata.KindInvalid, "the end of the maintenance, %s, is past", timeText(row.Until))
		}
	}
	if op.Zone != nil {
		operatorZone(row, op.Zone.Value)
	}
	if op.Name != nil {
		row.Name = op.Name.Value
	}
	if err := checkNodeRow(row); err != nil {
		return nil, err
	}
	if row.Name != old.Name && !isRemoved(row) {
		nodes, err := s.nodes()
		if err != nil {
			return nil, err
		}
		if nameTaken(nodes, row.Name, row.Id) {
			return nil, refuse(metadata.KindExists, "another node is called %q", row.Name)
		}
	}
	return s.replaceNode(nodeAction(op), old, row)
}

// nodeAction names a change of a node for the audit.
func nodeAction(op *metapb.SetNode) string {
	switch {
	case op.GetState() != nil:
	case op.GetZone() != nil && op.GetName() == nil:
		return "node.zone"
	default:
		return "node.set"
	}
	switch metadata.NodeState(op.State.Value) {
	case metadata.NodeActive:
		return "node.activate"
	case metadata.NodeDraining:
		return "node.drain"
	case metadata.NodeMaintenance:
		return "node.maintenance"
	case metadata.NodeRemoved:
		return "node.remove"
	}
	return "node.set"
}

// replaceNode writes a node's new row in place of its old one.
func (s *state) replaceNode(action string, old, row *metapb.NodeRow) (*metapb.Result, error) {
	if isRemoved(row) && !isRemoved(old) {
		if err := s.checkRemovable(old); err != nil {
			return nil, err
		}
		if err := s.endSessionsOf(row.Id); err != nil {
			return nil, err
		}
	}
	if row.State != old.State {
		row.StateSince = s.now
	}
	if metadata.NodeState(row.State) != metadata.NodeMaintenance {
		row.Until = 0
	}
	var c changes
	c.add("state", metadata.NodeState(old.State), metadata.NodeState(row.State))
	c.add("until", timeText(old.Until), timeText(row.Until))
	c.add("zone", old.Zone, row.Zone)
	c.add("zone set by", zoneSetBy(old), zoneSetBy(row))
	c.add("name", old.Name, row.Name)
	c.add("address", old.Addr, row.Addr)
	c.add("roles", strings.Join(old.Roles, " "), strings.Join(row.Roles, " "))
	s.note(action, nodeName(row.Id), c.String())
	if row.State != old.State {
		if err := s.addEvent(stateEvent(row)); err != nil {
			return nil, err
		}
	}
	if row.Zone != old.Zone {
		if err := s.addEvent(zoneEvent(row)); err != nil {
			return nil, err
		}
	}
	return &metapb.Result{Id: row.Id, Node: row}, s.changeNode(row)
}

// stateEvent tells of a node's new state.
func stateEvent(row *metapb.NodeRow) *metapb.EventRow {
	e := &metapb.EventRow{Severity: "info", Node: row.Id, Subject: nodeName(row.Id)}
	switch metadata.NodeState(row.State) {
	case metadata.NodeDraining:
		e.Code = "DRAIN_STARTED"
		say(e, sayEmptied(row))
	case metadata.NodeMaintenance:
		e.Code = "MAINTENANCE_STARTED"
		say(e, sayMaintained(row))
	case metadata.NodeRemoved:
		e.Code = "NODE_REMOVED"
		say(e, sayRemoved(row))
	default:
		e.Code = "NODE_ACTIVE"
		say(e, sayUsed(row))
	}
	return e
}

// checkRemovable refuses to remove a node that holds replicas, or the last
// nameserver.
func (s *state) checkRemovable(row *metapb.NodeRow) error {
	held := 0
	err := scanRows(s.r, []byte{tableVolume}, prefixEnd([]byte{tableVolume}), func(key, val []byte) (bool, error) {
		vol, err := decodeRow[metapb.VolumeRow](key, val)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(vol.Replicas, func(r *metapb.Replica) bool { return r.Node == row.Id }) {
			held++
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	if held > 0 {
		return refuse(metadata.KindConflict,
			"n%d still holds replicas of %d volumes: run `ken node drain n%d` and wait until `ken node list` shows none",
			row.Id, held, row.Id)
	}
	if !slices.Contains(row.Roles, metadata.NodeNameserver) {
		return nil
	}
	nodes, err := s.nodes()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(nodes, func(n *metapb.NodeRow) bool {
		return n.Id != row.Id && !isRemoved(n) && slices.Contains(n.Roles, metadata.NodeNameserver)
	}) {
		return refuse(metadata.KindConflict, "n%d is the only nameserver: without it there is no cluster left to remove it from", row.Id)
	}
	return nil
}

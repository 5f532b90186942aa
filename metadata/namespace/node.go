package namespace

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Bounds of nodes.
const (
	nodesMax       = 4096 // also the bound of a scan over them
	disksOfNodeMax = 256  // ever announced by one node
	labelBytesMax  = 255  // of names, addresses and zones
)

// node returns the row of a node, nil when there is none.
func (v view) node(id uint64) (*metapb.NodeRow, error) {
	return getRow[metapb.NodeRow](v.r, keyNode(id))
}

// checkEnrolled reports why a node may not take part: unknown or removed.
func (v view) checkEnrolled(id uint64) error {
	row, err := v.node(id)
	switch {
	case err != nil:
		return err
	case row == nil:
		return refuse(metadata.KindNotFound, "there is no node n%d", id)
	case isRemoved(row):
		return refuse(metadata.KindDenied, "node n%d is removed", id)
	}
	return nil
}

func isRemoved(row *metapb.NodeRow) bool {
	return metadata.NodeState(row.GetState()) == metadata.NodeRemoved
}

// putNode changes what the operator decides about a node, or with id 0 adds
// one. Its disks and the time it joined stay as they are. SetNode changes parts
// of a node without a need to know what others have changed meanwhile.
func (s *state) putNode(op *metapb.PutNode) (*metapb.Result, error) {
	if err := checkNodeRow(op.GetNode()); err != nil {
		return nil, err
	}
	row := proto.CloneOf(op.Node) // the command is not ours to change
	nodes, err := s.nodes()
	if err != nil {
		return nil, err
	}
	if nameTaken(nodes, row.Name, row.Id) && !isRemoved(row) {
		return nil, refuse(metadata.KindExists, "another node is called %q", row.Name)
	}
	if row.Id == 0 {
		return s.addNode(row, nodes)
	}
	old, err := s.node(row.Id)
	switch {
	case err != nil:
		return nil, err
	case old == nil:
		return nil, refuse(metadata.KindNotFound, "there is no node n%d", row.Id)
	}
	if isRemoved(old) && !isRemoved(row) {
		return nil, refuse(metadata.KindConflict, "node n%d is removed and cannot come back; let it join anew", row.Id)
	}
	row.Disks, row.Joined, row.Until, row.StateSince = old.Disks, old.Joined, old.Until, old.StateSince
	zone := row.Zone
	row.Zone, row.MachineZone, row.ZoneSet = old.Zone, old.MachineZone, old.ZoneSet
	if zone != old.Zone {
		operatorZone(row, zone)
	}
	return s.replaceNode("node.put", old, row)
}

// endSessionsOf cuts a node off from writing.
func (s *state) endSessionsOf(node uint64) error {
	rows, err := s.sessions()
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Node != node {
			continue
		}
		if err := s.endSession(r.Id); err != nil {
			return err
		}
	}
	return nil
}

// addNode enrols a node under a new id.
func (s *state) addNode(row *metapb.NodeRow, nodes []*metapb.NodeRow) (*metapb.Result, error) {
	if len(nodes) >= nodesMax {
		return nil, refuse(metadata.KindTooLarge, "there are %d nodes already", len(nodes))
	}
	row.Id = s.cluster.NextNode
	row.Joined = s.now
	row.Disks, row.Until, row.StateSince = nil, 0, 0
	row.MachineZone, row.ZoneSet = row.Zone, false
	s.cluster.NextNode++
	s.note("node.add", nodeName(row.Id), fmt.Sprintf("name: %s, roles: %s", row.Name, strings.Join(row.Roles, " ")))
	return &metapb.Result{Id: row.Id, Node: row}, s.changeNode(row)
}

// changeNode writes a node in a new fleet version.
func (s *state) changeNode(row *metapb.NodeRow) error {
	s.cluster.FleetVersion++
	return putRow(s.kv, keyNode(row.Id), row)
}

// join enrols a node that holds a join token. All checks and the use of the
// token are one step: it cannot be used more often than it says.
func (s *state) join(op *metapb.Join) (*metapb.Result, error) {
	if err := checkNodeRow(op.GetNode()); err != nil {
		return nil, err
	}
	row := proto.CloneOf(op.Node)
	token, err := s.usableToken(op.GetToken(), op.GetSecretSha256())
	if err != nil {
		return nil, err
	}
	if len(row.Roles) == 0 {
		return nil, refuse(metadata.KindInvalid, "the node asks for no role")
	}
	for _, role := range row.Roles {
		if !slices.Contains(token.Roles, role) {
			return nil, refuse(metadata.KindDenied, "the join token is not good for the role %q", role)
		}
	}
	nodes, err := s.nodes()
	if err != nil {
		return nil, err
	}
	row.Name = freeName(nodes, row.Name)
	row.State = uint32(metadata.NodeActive)
	res, err := s.addNode(row, nodes)
	if err != nil {
		return nil, err
	}
	s.note("node.join", nodeName(row.Id), fmt.Sprintf("name: %s, roles: %s, token: %s", row.Name, strings.Join(row.Roles, " "), token.Id))
	joined := &metapb.EventRow{Severity: "info", Code: "NODE_JOINED", Node: row.Id, Subject: nodeName(row.Id)}
	say(joined, sayJoined(row, strings.Join(row.Roles, ", ")))
	if err := s.addEvent(joined); err != nil {
		return nil, err
	}
	return res, s.useToken(token)
}

// announceDisks records a storage server's address, zone and disks. A disk
// belongs to the node that announced it first, for ever: a copied folder or a
// moved disk must not pass for another node's replica.
func (s *state) announceDisks(op *metapb.AnnounceDisks) (*metapb.Result, error) {
	if err := s.checkEnrolled(op.GetNode()); err != nil {
		return nil, err
	}
	nodes, err := s.nodes()
	if err != nil {
		return nil, err
	}
	row := nodes[slices.IndexFunc(nodes, func(n *metapb.NodeRow) bool { return n.Id == op.Node })]
	changed := false
	for _, disk := range op.GetDisks() {
		switch owner := diskOwner(nodes, disk); {
		case disk == 0:
			return nil, refuse(metadata.KindInvalid, "a disk without an id")
		case owner == op.Node:
		case owner != 0:
			return nil, refuse(metadata.KindDenied, "disk %s belongs to node n%d", metadata.DiskID(disk), owner)
		default:
			i, _ := slices.BinarySearch(row.Disks, disk)
			row.Disks = slices.Insert(row.Disks, i, disk)
			changed = true
		}
	}
	if len(row.Disks) > disksOfNodeMax {
		return nil, refuse(metadata.KindTooLarge, "node n%d would have %d disks: at most %d", op.Node, len(row.Disks), disksOfNodeMax)
	}
	if op.GetAddr() != "" && op.Addr != row.Addr {
		row.Addr, changed = op.Addr, true
	}
	changed = machineZone(row, op.GetZone()) || changed
	if err := checkNodeRow(row); err != nil {
		return nil, err
	}
	if !changed {
		return &metapb.Result{Id: row.Id, Node: row}, nil
	}
	return &metapb.Result{Id: row.Id, Node: row}, s.changeNode(row)
}

// diskOwner returns the node that has announced a disk, 0 when none has.
func diskOwner(nodes []*metapb.NodeRow, disk uint64) uint64 {
	for _, n := range nodes {
		if slices.Contains(n.Disks, disk) {
			return n.Id
		}
	}
	return 0
}

// nodes returns all nodes in order of id, removed ones too.
func (v view) nodes() ([]*metapb.NodeRow, error) {
	return allRows[metapb.NodeRow](v.r, tableNode)
}

func (v view) listNodes(*metapb.ListNodes) (*metapb.Answer, error) {
	rows, err := v.nodes()
	return &metapb.Answer{Nodes: rows}, err
}

// nameTaken reports whether another node than id that is not removed has the name.
func nameTaken(nodes []*metapb.NodeRow, name string, id uint64) bool {
	return slices.ContainsFunc(nodes, func(n *metapb.NodeRow) bool {
		return n.Name == name && n.Id != id && !isRemoved(n)
	})
}

// freeName returns name, with a number behind it if it is taken.
func freeName(nodes []*metapb.NodeRow, name string) string {
	for n := 2; ; n++ {
		if !nameTaken(nodes, name, 0) {
			return name
		}
		name = numbered(name, n)
	}
}

// numbered puts "-n" behind a name, in the place of "-(n-1)".
func numbered(name string, n int) string {
	if n > 2 {
		name = name[:len(name)-len(fmt.Sprint("-", n-1))]
	}
	suffix := fmt.Sprint("-", n)
	for len(name)+len(suffix) > labelBytesMax {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name + suffix
}

// checkNodeRow reports what is wrong with the parts of a row that come from outside.
func checkNodeRow(row *metapb.NodeRow) error {
	if row == nil || row.Name == "" {
		return refuse(metadata.KindInvalid, "a node needs a name")
	}
	for _, label := range []string{row.Name, row.Addr, row.Zone, row.MachineZone} {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	if err := checkNodeState(row.State); err != nil {
		return err
	}
	return checkRoles(row.Roles)
}

func checkNodeState(state uint32) error {
	if state > uint32(metadata.NodeRemoved) {
		return refuse(metadata.KindInvalid, "%d is not a node's state", state)
	}
	return nil
}

func checkRoles(roles []string) error {
	for i, role := range roles {
		switch role {
		case metadata.NodeNameserver, metadata.NodeDatanode, metadata.NodeWebDAV, metadata.NodeAdmin, metadata.NodeClient:
		default:
			return refuse(metadata.KindInvalid, "%q is not a role", role)
		}
		if slices.Contains(roles[:i], role) {
			return refuse(metadata.KindInvalid, "the role %q is given twice", role)
		}
	}
	return nil
}

// checkLabel reports why s cannot be a name, an address or a zone.
func checkLabel(s string) error {
	if len(s) > labelBytesMax {
		return refuse(metadata.KindTooLarge, "%.40q… is longer than %d bytes", s, labelBytesMax)
	}
	if !utf8.ValidString(s) {
		return refuse(metadata.KindInvalid, "%q is not valid UTF-8", s)
	}
	for _, r := range s {
		if r < 0x20 || r == 0x7f {
			return refuse(metadata.KindInvalid, "%q contains the character %U, which is not allowed", s, r)
		}
	}
	return nil
}

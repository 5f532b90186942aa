package namespace

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// desk is the dumb twin of what operators keep: users, nodes, tokens, settings,
// mutes, desktops, and how many records and events there must be.
type desk struct {
	users    map[string]deskUser
	nodes    []*deskNode // by id - 1
	tokens   map[string]*deskToken
	mutes    map[string]int64
	desktops map[string]int
	paused   int64
	suspect  int64
	down     int64
	audits   int
	events   int
}

type deskUser struct {
	role     uint32
	disabled bool
}

type deskNode struct {
	name, zone string
	zoneSet    bool
	roles      []string
	state      metadata.NodeState
	until      int64
}

type deskToken struct {
	expires int64
	uses    uint32
}

// deskHistory drives the state machine and its twin with the same random steps.
type deskHistory struct {
	world
	rt   *rapid.T
	twin desk
}

// outcome is what the twin says of a command: its kind (fine: done), what it
// records (when it is done, and when it is refused), and how many events.
type outcome struct {
	kind   metadata.Kind
	done   string
	tried  string
	events int
}

func refusal(kind metadata.Kind, tried string) outcome { return outcome{kind: kind, tried: tried} }

func (h *deskHistory) one(name string, of ...string) string {
	return rapid.SampledFrom(of).Draw(h.rt, name)
}

func (h *deskHistory) admins(but string) (n int) {
	for name, u := range h.twin.users {
		if name != but && metadata.Role(u.role) == metadata.RoleAdmin && !u.disabled {
			n++
		}
	}
	return n
}

func (h *deskHistory) putUser() (*metapb.Command, outcome) {
	op := &metapb.PutUser{Create: rapid.Bool().Draw(h.rt, "create"), PasswordOnly: rapid.Bool().Draw(h.rt, "password only"), User: &metapb.UserRow{
		Name: h.one("user", "adm", "ann", "bob", "", "a:b"), Hash: h.one("hash", "", "h", "h2"),
		Role: rapid.Uint32Range(0, 6).Draw(h.rt, "role"), Disabled: rapid.Bool().Draw(h.rt, "disabled"),
	}}
	u := op.User
	cmd := &metapb.Command{Op: &metapb.Command_PutUser{PutUser: op}}
	action := "user.put"
	if op.Create {
		action = "user.create"
	}
	old, exists := h.twin.users[u.Name]
	losesAdmin := metadata.Role(old.role) == metadata.RoleAdmin && !old.disabled &&
		(metadata.Role(u.Role) != metadata.RoleAdmin || u.Disabled)
	switch {
	case u.Name == "" || u.Name == "a:b" || u.Role == 0 || u.Role > 5:
		return cmd, refusal(metadata.KindInvalid, action)
	case op.Create && exists:
		return cmd, refusal(metadata.KindExists, action)
	case !op.Create && !exists:
		return cmd, refusal(metadata.KindNotFound, action)
	case op.Create && u.Hash == "", !op.Create && op.PasswordOnly && u.Hash == "":
		return cmd, refusal(metadata.KindInvalid, action)
	case !op.Create && op.PasswordOnly:
		return cmd, outcome{kind: fine, done: action}
	case !op.Create && losesAdmin && h.admins(u.Name) == 0:
		return cmd, refusal(metadata.KindConflict, action)
	}
	h.twin.users[u.Name] = deskUser{u.Role, u.Disabled}
	return cmd, outcome{kind: fine, done: action}
}

func (h *deskHistory) deleteUser() (*metapb.Command, outcome) {
	name := h.one("user", "adm", "ann", "bob", "eve")
	cmd := &metapb.Command{Op: &metapb.Command_DeleteUser{DeleteUser: &metapb.DeleteUser{Name: name}}}
	u, exists := h.twin.users[name]
	switch {
	case !exists:
		return cmd, refusal(metadata.KindNotFound, "user.delete")
	case metadata.Role(u.role) == metadata.RoleAdmin && !u.disabled && h.admins(name) == 0:
		return cmd, refusal(metadata.KindConflict, "user.delete")
	}
	delete(h.twin.users, name)
	delete(h.twin.desktops, name)
	return cmd, outcome{kind: fine, done: "user.delete"}
}

func (h *deskHistory) mute() (*metapb.Command, outcome) {
	op := &metapb.SetMute{
		Code:  h.one("code", "A", "B", "", "a", fmt.Sprint("X", rapid.IntRange(0, metadata.MutesMax+5).Draw(h.rt, "n"))),
		Until: h.now + int64(rapid.SampledFrom([]time.Duration{-time.Hour, 0, time.Minute, time.Hour, 24 * time.Hour}).Draw(h.rt, "for")),
	}
	cmd := &metapb.Command{Op: &metapb.Command_SetMute{SetMute: op}}
	if op.Code == "" || op.Code == "a" {
		return cmd, refusal(metadata.KindInvalid, "check.mute")
	}
	now := h.now + int64(h.tick) // of the command
	others := 0
	for code, until := range h.twin.mutes {
		if code != op.Code && until > now {
			others++
		}
	}
	on := op.Until > now
	if on && others >= metadata.MutesMax {
		return cmd, refusal(metadata.KindTooLarge, "check.mute")
	}
	for code, until := range h.twin.mutes {
		if until <= now {
			delete(h.twin.mutes, code)
		}
	}
	if on {
		h.twin.mutes[op.Code] = op.Until
		return cmd, outcome{kind: fine, done: "check.mute"}
	}
	delete(h.twin.mutes, op.Code)
	return cmd, outcome{kind: fine, done: "check.unmute"}
}

func (h *deskHistory) desktop() (*metapb.Command, outcome) {
	op := &metapb.PutDesktop{
		User:     h.one("user", "adm", "ann", "bob"),
		Document: make([]byte, rapid.SampledFrom([]int{0, 5, metadata.DesktopBytesMax, metadata.DesktopBytesMax + 1}).Draw(h.rt, "size")),
	}
	cmd := &metapb.Command{Op: &metapb.Command_PutDesktop{PutDesktop: op}}
	_, exists := h.twin.users[op.User]
	switch {
	case !exists:
		return cmd, refusal(metadata.KindNotFound, "")
	case len(op.Document) > metadata.DesktopBytesMax:
		return cmd, refusal(metadata.KindTooLarge, "")
	case len(op.Document) == 0:
		delete(h.twin.desktops, op.User)
	default:
		h.twin.desktops[op.User] = len(op.Document)
	}
	return cmd, outcome{kind: fine}
}

func (h *deskHistory) taken(name string, but *deskNode) bool {
	return slices.ContainsFunc(h.twin.nodes, func(n *deskNode) bool { return n != but && n.state != metadata.NodeRemoved && n.name == name })
}

func (h *deskHistory) putNode() (*metapb.Command, outcome) {
	row := &metapb.NodeRow{Name: h.one("name", "a", "b", "c", ""), Roles: []string{h.one("role", metadata.NodeNameserver, metadata.NodeDatanode, "king")}}
	cmd := &metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: row}}}
	switch {
	case row.Name == "" || row.Roles[0] == "king":
		return cmd, refusal(metadata.KindInvalid, "node.put")
	case h.taken(row.Name, nil):
		return cmd, refusal(metadata.KindExists, "node.put")
	}
	h.twin.nodes = append(h.twin.nodes, &deskNode{name: row.Name, roles: row.Roles})
	return cmd, outcome{kind: fine, done: "node.add"}
}

func (h *deskHistory) setNode() (*metapb.Command, outcome) {
	op := &metapb.SetNode{Node: rapid.Uint64Range(1, uint64(len(h.twin.nodes)+1)).Draw(h.rt, "node")}
	if rapid.Bool().Draw(h.rt, "with state") {
		op.State = &metapb.Int64Value{Value: rapid.Int64Range(-1, 4).Draw(h.rt, "state")}
	}
	if rapid.Bool().Draw(h.rt, "with end") {
		op.Until = &metapb.Int64Value{Value: rapid.SampledFrom([]int64{0, h.now - 1, h.now + int64(time.Hour)}).Draw(h.rt, "until")}
	}
	if rapid.Bool().Draw(h.rt, "with name") {
		op.Name = &metapb.StringValue{Value: h.one("name", "a", "b", "c", "d", "")}
	}
	if rapid.Bool().Draw(h.rt, "with zone") {
		op.Zone = &metapb.StringValue{Value: h.one("zone", "", "attic")}
	}
	cmd := &metapb.Command{Op: &metapb.Command_SetNode{SetNode: op}}
	action := "node.set"
	if op.State == nil && op.Zone != nil && op.Name == nil {
		action = "node.zone"
	}
	if op.State != nil && op.State.Value >= 0 && op.State.Value <= 3 {
		action = "node." + [...]string{"activate", "drain", "maintenance", "remove"}[op.State.Value]
	}
	if int(op.Node) > len(h.twin.nodes) {
		return cmd, refusal(metadata.KindNotFound, action)
	}
	old := h.twin.nodes[op.Node-1]
	if old.state == metadata.NodeRemoved {
		return cmd, refusal(metadata.KindConflict, action)
	}
	next := *old
	if op.State != nil {
		if op.State.Value < 0 || op.State.Value > 3 {
			return cmd, refusal(metadata.KindInvalid, action)
		}
		next.state, next.until = metadata.NodeState(op.State.Value), 0
	}
	if op.Until != nil {
		if next.until = op.Until.Value; next.until != 0 && (next.state != metadata.NodeMaintenance || next.until <= h.now) {
			return cmd, refusal(metadata.KindInvalid, action)
		}
	}
	next.name, next.zone = op.GetName().GetValue(), op.GetZone().GetValue()
	if op.Name == nil {
		next.name = old.name
	}
	if op.Zone == nil {
		next.zone = old.zone
	} else {
		next.zoneSet = next.zone != "" // the machines of this history say nothing of their zones
	}
	removed := next.state == metadata.NodeRemoved
	lastNameserver := slices.Contains(old.roles, metadata.NodeNameserver) && !slices.ContainsFunc(h.twin.nodes, func(n *deskNode) bool {
		return n != old && n.state != metadata.NodeRemoved && slices.Contains(n.roles, metadata.NodeNameserver)
	})
	switch {
	case next.name == "":
		return cmd, refusal(metadata.KindInvalid, action)
	case next.name != old.name && !removed && h.taken(next.name, old):
		return cmd, refusal(metadata.KindExists, action)
	case removed && lastNameserver:
		return cmd, refusal(metadata.KindConflict, action)
	}
	out := outcome{kind: fine, done: action}
	if next.state != old.state {
		out.events++
	}
	if next.zone != old.zone {
		out.events++
	}
	*old = next
	return cmd, out
}

func (h *deskHistory) token() (*metapb.Command, outcome) {
	row := &metapb.TokenRow{
		Id: h.one("token", "t1", "t2", ""), SecretSha256: secretHash("s"), Roles: []string{metadata.NodeDatanode},
		Expires:  h.now + int64(rapid.SampledFrom([]time.Duration{-time.Hour, time.Minute, time.Hour}).Draw(h.rt, "ttl")),
		UsesLeft: rapid.Uint32Range(0, 2).Draw(h.rt, "uses"),
	}
	cmd := &metapb.Command{Op: &metapb.Command_PutToken{PutToken: &metapb.PutToken{Token: row}}}
	switch {
	case row.Id == "" || row.Expires <= h.now || row.UsesLeft == 0:
		return cmd, refusal(metadata.KindInvalid, "token.create")
	case h.twin.tokens[row.Id] != nil:
		return cmd, refusal(metadata.KindExists, "token.create")
	}
	for id, old := range h.twin.tokens {
		if old.expires <= h.now+int64(h.tick) {
			delete(h.twin.tokens, id)
		}
	}
	h.twin.tokens[row.Id] = &deskToken{row.Expires, row.UsesLeft}
	return cmd, outcome{kind: fine, done: "token.create"}
}

func (h *deskHistory) join() (*metapb.Command, outcome) {
	op := &metapb.Join{
		Token: h.one("token", "t1", "t2", "t3"), SecretSha256: secretHash(h.one("secret", "s", "s", "wrong")),
		Node: &metapb.NodeRow{Name: h.one("name", "a", "j"), Roles: []string{h.one("role", metadata.NodeDatanode, metadata.NodeDatanode, metadata.NodeClient)}},
	}
	cmd := &metapb.Command{Op: &metapb.Command_Join{Join: op}}
	tok := h.twin.tokens[op.Token]
	switch {
	case tok == nil || string(op.SecretSha256) != string(secretHash("s")) || tok.expires <= h.now+int64(h.tick) || tok.uses == 0:
		return cmd, refusal(metadata.KindNoAuth, "")
	case op.Node.Roles[0] != metadata.NodeDatanode:
		return cmd, refusal(metadata.KindDenied, "")
	}
	tok.uses--
	name := op.Node.Name
	for n := 2; h.taken(name, nil); n++ {
		name = fmt.Sprintf("%s-%d", op.Node.Name, n)
	}
	h.twin.nodes = append(h.twin.nodes, &deskNode{name: name, roles: op.Node.Roles})
	return cmd, outcome{kind: fine, done: "node.join", events: 1}
}

func (h *deskHistory) settings() (*metapb.Command, outcome) {
	op := &metapb.SetCluster{}
	d := h.twin
	span := func(name string, to *int64) *metapb.Int64Value {
		if !rapid.Bool().Draw(h.rt, "with "+name) {
			return nil
		}
		*to = int64(rapid.SampledFrom([]time.Duration{0, 1, 2 * time.Second, 30 * time.Second, time.Minute, 2 * time.Hour}).Draw(h.rt, name))
		return &metapb.Int64Value{Value: *to}
	}
	op.SuspectAfter, op.DownAfter = span("suspect", &d.suspect), span("down", &d.down)
	within := func(v int64, least, most time.Duration) bool {
		return v == 0 || v >= int64(least) && v <= int64(most)
	}
	ok := within(d.suspect, metadata.SuspectAfterMin, metadata.SuspectAfterMax) && within(d.down, metadata.DownAfterMin, metadata.DownAfterMax) &&
		(d.suspect == 0 || d.down == 0 || d.down >= d.suspect)
	if rapid.Bool().Draw(h.rt, "with pause") {
		d.paused = rapid.SampledFrom([]int64{0, h.now - 1, h.now + int64(time.Hour), h.now + int64(metadata.RepairPauseMax) + int64(time.Hour)}).Draw(h.rt, "pause")
		op.RepairPausedUntil = &metapb.Int64Value{Value: d.paused}
		ok = ok && (d.paused == 0 || d.paused > h.now && d.paused < h.now+int64(metadata.RepairPauseMax))
	}
	cmd := &metapb.Command{Op: &metapb.Command_SetCluster{SetCluster: op}}
	if !ok {
		return cmd, refusal(metadata.KindInvalid, "settings.set")
	}
	h.twin = d
	return cmd, outcome{kind: fine, done: "settings.set"}
}

// step does one random thing and compares.
func (h *deskHistory) step() {
	h.now += int64(rapid.SampledFrom([]time.Duration{0, 0, 0, time.Second, 30 * time.Minute}).Draw(h.rt, "wait"))
	steps := []func() (*metapb.Command, outcome){
		h.putUser, h.deleteUser, h.mute, h.desktop, h.putNode, h.setNode, h.setNode, h.token, h.join, h.settings,
	}
	cmd, want := steps[rapid.IntRange(0, len(steps)-1).Draw(h.rt, "step")]()
	action := want.done
	if rapid.Bool().Draw(h.rt, "with actor") {
		cmd.Actor = &metapb.Actor{User: "ann", Origin: "admin", Node: 1}
		if want.kind != fine {
			action = want.tried
		}
	}
	res := h.do(cmd)
	got := metadata.Kind(res.Kind)
	if res.Ok {
		got = fine
	}
	if got != want.kind {
		h.rt.Fatalf("%v: got %v (%s), want %v", cmd, got, res.Message, want.kind)
	}
	h.twin.events += want.events
	if action != "" {
		h.twin.audits++
		r := h.newestAudit()
		ok := r.Outcome == "ok"
		if r.Action != action || ok != (want.kind == fine) || cmd.Actor != nil && r.Actor.User != "ann" || r.Time != h.now {
			h.rt.Fatalf("%v is recorded as %v, want %s", cmd, r, action)
		}
	}
	h.compare(cmd)
}

// compare holds everything that can be asked against the twin.
func (h *deskHistory) compare(cmd *metapb.Command) {
	ask := func(step string) *metapb.Answer {
		a, err := h.ask(fleetQuery(parseStep(step), h.now))
		if err != nil {
			h.rt.Fatalf("%s: %v", step, err)
		}
		return a
	}
	fail := func(what string, got any) { h.rt.Fatalf("after %v: %s: got %v, want %+v", cmd, what, got, h.twin) }
	users := ask("users").Users
	for _, u := range users {
		if h.twin.users[u.Name] != (deskUser{u.Role, u.Disabled}) {
			fail("user", u)
		}
	}
	nodes := ask("nodes").Nodes
	for i, n := range nodes[:min(len(nodes), len(h.twin.nodes))] {
		if t := h.twin.nodes[i]; n.Name != t.name || n.Zone != t.zone || n.ZoneSet != t.zoneSet || metadata.NodeState(n.State) != t.state || n.Until != t.until {
			fail("node", n)
		}
	}
	tokens := ask("tokens").Tokens
	for _, tok := range tokens {
		if t := h.twin.tokens[tok.Id]; t == nil || *t != (deskToken{tok.Expires, tok.UsesLeft}) {
			fail("token", tok)
		}
	}
	a := ask("cluster")
	for _, m := range a.Mutes {
		if h.twin.mutes[m.Code] != m.Until {
			fail("mute", m)
		}
	}
	if len(users) != len(h.twin.users) || len(nodes) != len(h.twin.nodes) || len(tokens) != len(h.twin.tokens) || len(a.Mutes) != len(h.twin.mutes) {
		fail("numbers", []int{len(users), len(nodes), len(tokens), len(a.Mutes)})
	}
	c := a.Cluster
	if c.SuspectAfter != h.twin.suspect || c.DownAfter != h.twin.down || c.RepairPausedUntil != h.twin.paused {
		fail("settings", c)
	}
	for _, name := range []string{"adm", "ann", "bob"} {
		if got := len(ask("desktopof " + name).Desktop); got != h.twin.desktops[name] {
			fail("desktop of "+name, got)
		}
	}
	if n := h.rows(tableAudit) + h.rows(tableReport) + h.rows(tableGateway); n != h.twin.audits || int(lastAudit(c)) != n {
		fail("records", n)
	}
	if n := h.rows(tableEvent); n != h.twin.events {
		fail("events", n)
	}
}

// TestDeskModel: over any history of what operators do, the state machine and
// its twin allow the same, keep the same and record the same.
func TestDeskModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &deskHistory{world: world{t: rapidTB{t: rt}, kv: &MemKV{}, now: start(), tick: time.Millisecond}, rt: rt}
		h.must(fleetCommand(parseStep("init admin=adm"), h.now))
		h.twin = desk{
			users:  map[string]deskUser{"adm": {role: uint32(metadata.RoleAdmin)}},
			tokens: map[string]*deskToken{}, mutes: map[string]int64{}, desktops: map[string]int{},
		}
		for range rapid.IntRange(1, 200).Draw(rt, "steps") {
			h.step()
		}
		if errs := Check(h.kv); len(errs) > 0 {
			rt.Fatalf("Check: %v", errs)
		}
		h.replays()
	})
}

// replays applies what was done to an empty store: it must give the same rows.
func (h *deskHistory) replays() {
	kv := &MemKV{}
	for i, l := range h.log {
		if _, err := Apply(kv, uint64(i+1), &metapb.Batch{Version: 1, Now: l.now, Commands: []*metapb.Command{l.cmd}}); err != nil {
			h.rt.Fatal(err)
		}
	}
	if h.hash(kv) != h.hash(h.kv) {
		h.rt.Fatalf("a replay gave other rows")
	}
}

// FuzzOperator is FuzzApply and FuzzAnswer over what operators keep.
func FuzzOperator(f *testing.F) {
	seed := operated(f)
	for _, l := range seed.log {
		f.Add(encode(f, &metapb.Batch{Version: 1, Now: l.now, Commands: []*metapb.Command{l.cmd}}))
	}
	for _, step := range []string{"join t secret=s name=x roles=datanode", "deltoken t", "deluser adm", "setnode n1 state=3 name=two"} {
		f.Add(encode(f, &metapb.Batch{Version: 1, Now: seed.now, Commands: []*metapb.Command{fleetCommand(parseStep(step), seed.now)}}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		checkApply(t, seed.world, data)
		checkAnswer(t, seed.world, data)
	})
}

// TestOperatedWorld keeps the seed honest: a table without rows tests nothing.
func TestOperatedWorld(t *testing.T) {
	w := operated(t)
	for _, table := range []byte("EAHOJNUCSVGY") {
		if w.rows(table) == 0 {
			t.Errorf("table %c is empty", table)
		}
	}
	if !strings.Contains(w.newestAudit().Action, "settings") {
		t.Errorf("the newest record: %v", w.newestAudit())
	}
}

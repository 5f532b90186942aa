package namespace

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// TestFleetScripts runs the scripts on volumes, leases, nodes, users and
// tokens, in the form of TestScripts. Replicas are written n1:a, where a disk
// is a hexadecimal number.
//
//	grant s1 on=n1:a,n2:b target=2 count=10  -> v1 1..10 epoch 1
func TestFleetScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/fleet/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runFleetScript(t, string(want))
			if got == string(want) {
				return
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Fatalf("%s:\n got\n%s\nwant\n%s", file, got, want)
		})
	}
}

func runFleetScript(t *testing.T, script string) string {
	return playFleetScript(emptyWorld(t), script)
}

// emptyWorld is a store with nothing in it: scripts on the fleet begin with Init.
func emptyWorld(t *testing.T) *world {
	return &world{t: t, kv: &MemKV{}, now: start(), tick: time.Millisecond}
}

func playFleetScript(empty *world, script string) string {
	w := &fleetWorld{empty}
	var out strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(script, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		if line == "" || strings.HasPrefix(line, "#") {
			out.WriteString(line + "\n")
			continue
		}
		step, _, _ := strings.Cut(line, " -> ")
		step = strings.TrimSpace(step)
		result, printed := w.step(step)
		fmt.Fprintf(&out, "%-58s -> %s\n", step, result)
		for _, p := range printed {
			out.WriteString("  " + p + "\n")
		}
		w.check()
	}
	return out.String()
}

// fleetWorld is an empty namespace and what scripts on the fleet say to it.
type fleetWorld struct{ *world }

func (w *fleetWorld) step(step string) (string, []string) {
	a := parseStep(step)
	if a.word(0) == "wait" {
		d, err := time.ParseDuration(a.word(1))
		if err != nil {
			w.t.Fatalf("%s: %v", step, err)
		}
		w.now += int64(d)
		return "ok", nil
	}
	if q := fleetQuery(a, w.now); q != nil {
		ans, err := w.ask(q)
		if err != nil {
			return metadata.KindOf(err).String(), nil
		}
		return "ok", showAnswer(ans)
	}
	cmd := fleetCommand(a, w.now)
	if cmd == nil {
		w.t.Fatalf("unknown step %q", step)
	}
	if user, origin, ok := strings.Cut(a.named["by"], "/"); ok {
		cmd.Actor = &metapb.Actor{User: user, Origin: origin, Node: 7, Remote: "10.0.0.9", Request: "r1", Reason: "test"}
	}
	res := w.do(cmd)
	if !res.Ok {
		return metadata.Kind(res.Kind).String() + ": " + res.Message, nil
	}
	switch {
	case res.LeaseTo != 0:
		return fmt.Sprintf("v%d %d..%d epoch %d", res.Id, res.LeaseFrom, res.LeaseTo-1, res.Volume.Epoch), nil
	case res.Volume != nil:
		return fmt.Sprintf("%s epoch %d", volumeState(res.Volume), res.Volume.Epoch), nil
	case res.Node != nil:
		return fmt.Sprintf("n%d %s", res.Id, res.Node.Name), nil
	case res.Id != 0:
		return fmt.Sprint(res.Id), nil
	}
	return "ok", nil
}

// num reads a number behind a letter: 17 of v17.
func num(s string) uint64 {
	n, _ := strconv.ParseUint(strings.TrimLeft(s, "nvs"), 10, 64)
	return n
}

func hexDisk(s string) uint64 {
	n, _ := strconv.ParseUint(s, 16, 64)
	return n
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func parseReplica(s string) *metapb.Replica {
	n, d, _ := strings.Cut(s, ":")
	return &metapb.Replica{Node: num(n), Disk: hexDisk(d)}
}

func secretHash(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

func fleetCommand(a args, now int64) *metapb.Command {
	if op := volumeCommand(a); op != nil {
		return op
	}
	u := func(name string) uint32 { return uint32(a.int(name)) }
	row := &metapb.NodeRow{
		Name: a.named["name"], Addr: a.named["addr"], Zone: a.named["zone"], Roles: list(a.named["roles"]), State: u("state"),
	}
	switch a.word(0) {
	case "init":
		return &metapb.Command{Op: &metapb.Command_Init{Init: &metapb.Init{
			Cluster: &metapb.ClusterRow{Cluster: "c", Replication: u("replication"), CaKey: []byte("key"), CaCert: []byte("cert")},
			Admin:   &metapb.UserRow{Name: a.named["admin"], Hash: "h"},
		}}}
	case "node":
		row.Id = num(a.word(1))
		return &metapb.Command{Op: &metapb.Command_PutNode{PutNode: &metapb.PutNode{Node: row}}}
	case "setnode":
		op := &metapb.SetNode{Node: num(a.word(1))}
		if _, ok := a.named["state"]; ok {
			op.State = &metapb.Int64Value{Value: a.int("state")}
		}
		if d, ok := a.named["for"]; ok {
			ttl, _ := time.ParseDuration(d)
			op.Until = &metapb.Int64Value{Value: now + int64(ttl)}
		}
		if v, ok := a.named["zone"]; ok {
			op.Zone = &metapb.StringValue{Value: v}
		}
		if v, ok := a.named["name"]; ok {
			op.Name = &metapb.StringValue{Value: v}
		}
		return &metapb.Command{Op: &metapb.Command_SetNode{SetNode: op}}
	case "join":
		return &metapb.Command{Op: &metapb.Command_Join{Join: &metapb.Join{
			Token: a.word(1), SecretSha256: secretHash(a.named["secret"]), Node: row,
		}}}
	case "disks":
		op := &metapb.AnnounceDisks{Node: num(a.word(1)), Addr: a.named["addr"], Zone: a.named["zone"]}
		for _, d := range list(a.word(2)) {
			op.Disks = append(op.Disks, hexDisk(d))
		}
		return &metapb.Command{Op: &metapb.Command_AnnounceDisks{AnnounceDisks: op}}
	case "token":
		ttl, _ := time.ParseDuration(a.named["ttl"])
		return &metapb.Command{Op: &metapb.Command_PutToken{PutToken: &metapb.PutToken{Token: &metapb.TokenRow{
			Id: a.word(1), SecretSha256: secretHash(a.named["secret"]), Roles: list(a.named["roles"]),
			Expires: now + int64(ttl), UsesLeft: u("uses"), CreatedBy: "adm",
		}}}}
	case "deltoken":
		return &metapb.Command{Op: &metapb.Command_DeleteToken{DeleteToken: &metapb.DeleteToken{Id: a.word(1)}}}
	case "user":
		return &metapb.Command{Op: &metapb.Command_PutUser{PutUser: &metapb.PutUser{Create: a.has("create"), User: &metapb.UserRow{
			Name: a.word(1), Hash: a.named["hash"], Role: u("role"), Disabled: a.has("disabled"),
		}}}}
	case "deluser":
		return &metapb.Command{Op: &metapb.Command_DeleteUser{DeleteUser: &metapb.DeleteUser{Name: a.word(1)}}}
	case "set":
		grace, _ := time.ParseDuration(a.named["grace"])
		op := &metapb.SetCluster{Replication: u("replication"), Grace: int64(grace)}
		if _, ok := a.named["readonly"]; ok {
			op.ReadOnly = &metapb.Int64Value{Value: a.int("readonly")}
		}
		addSettings(op, a, now)
		return &metapb.Command{Op: &metapb.Command_SetCluster{SetCluster: op}}
	}
	return operatorCommand(a, now)
}

func volumeCommand(a args) *metapb.Command {
	id, vol, epoch := num(a.word(1)), num(a.word(2)), uint64(a.int("e"))
	switch a.word(0) {
	case "open":
		return &metapb.Command{Op: &metapb.Command_OpenSession{OpenSession: &metapb.OpenSession{Node: id, Instance: a.word(2)}}}
	case "close":
		return &metapb.Command{Op: &metapb.Command_CloseSession{CloseSession: &metapb.CloseSession{Session: id}}}
	case "grant":
		op := &metapb.GrantLease{Session: id, Volume: vol, Epoch: epoch, Target: uint32(a.int("target")), Count: uint64(a.int("count")), Nonce: uint64(a.int("nonce"))}
		for _, r := range list(a.named["on"]) {
			op.Replicas = append(op.Replicas, parseReplica(r))
		}
		return &metapb.Command{Op: &metapb.Command_GrantLease{GrantLease: op}}
	case "release":
		return &metapb.Command{Op: &metapb.Command_ReleaseLease{ReleaseLease: &metapb.ReleaseLease{Session: id, Volume: vol}}}
	case "drop":
		return &metapb.Command{Op: &metapb.Command_DropReplica{DropReplica: &metapb.DropReplica{
			Volume: id, Epoch: epoch, Replica: parseReplica(a.word(2)), Session: num(a.named["by"]), MinReplicas: uint32(a.int("min")),
		}}}
	case "add":
		return &metapb.Command{Op: &metapb.Command_AddReplica{AddReplica: &metapb.AddReplica{
			Volume: id, Epoch: epoch, Replica: parseReplica(a.word(2)),
		}}}
	case "synced":
		return &metapb.Command{Op: &metapb.Command_Synced{Synced: &metapb.Synced{Volume: id, Epoch: epoch, Disk: hexDisk(a.word(2))}}}
	case "reaped":
		op := &metapb.Reaped{Volume: id}
		for _, l := range list(a.word(2)) {
			op.Blocks = append(op.Blocks, &metapb.DeadBlock{Local: num(l), Volume: uint64(a.int("of"))})
		}
		return &metapb.Command{Op: &metapb.Command_Reaped{Reaped: op}}
	case "commit": // commit s1 /path v1 e=1 locals=1,2 len=100
		op := &metapb.Commit{Path: a.word(2), Session: id, Leases: []*metapb.LeaseProof{{Volume: num(a.word(3)), Epoch: epoch}}}
		for _, l := range list(a.named["locals"]) {
			op.Blocks = append(op.Blocks, &metapb.BlockRef{Volume: num(a.word(3)), Local: num(l), Length: uint32(a.int("len"))})
			op.Size += a.int("len")
		}
		return commitCmd(op)
	case "remove":
		return removeCmd(a.word(1))
	}
	return nil
}

func fleetQuery(a args, now int64) *metapb.Query {
	limit := uint32(a.int("limit"))
	switch a.word(0) {
	case "volume":
		q := &metapb.GetVolumes{}
		for _, v := range a.words[1:] {
			q.Ids = append(q.Ids, num(v))
		}
		return &metapb.Query{Q: &metapb.Query_Volumes{Volumes: q}}
	case "volumes":
		return &metapb.Query{Q: &metapb.Query_ListVolumes{ListVolumes: &metapb.ListVolumes{
			After: uint64(a.int("after")), Limit: limit, ChangedAfter: uint64(a.int("changed")),
		}}}
	case "blocks":
		return &metapb.Query{Q: &metapb.Query_VolumeBlocks{VolumeBlocks: &metapb.VolumeBlocks{
			Volume: num(a.word(1)), After: uint64(a.int("after")), Limit: limit,
		}}}
	case "dead":
		old, _ := time.ParseDuration(a.named["old"])
		q := &metapb.DeadBlocks{Before: now - int64(old), Limit: limit}
		if v := a.named["after"]; v != "" {
			f := strings.Split(v, "/")
			ms, _ := strconv.ParseInt(f[0], 10, 64)
			q.After = &metapb.DeadBlock{Since: start() + ms*int64(time.Millisecond), Volume: num(f[1]), Local: num(f[2])}
		}
		return &metapb.Query{Q: &metapb.Query_DeadBlocks{DeadBlocks: q}}
	case "nodes":
		return &metapb.Query{Q: &metapb.Query_Nodes{Nodes: &metapb.ListNodes{}}}
	case "sessions":
		return &metapb.Query{Q: &metapb.Query_Sessions{Sessions: &metapb.ListSessions{}}}
	case "tokens":
		return &metapb.Query{Q: &metapb.Query_Tokens{Tokens: &metapb.ListTokens{}}}
	case "users":
		return &metapb.Query{Q: &metapb.Query_Users{Users: &metapb.ListUsers{After: a.named["after"], Limit: limit}}}
	case "show":
		return &metapb.Query{Q: &metapb.Query_User{User: &metapb.GetUser{Name: a.word(1)}}}
	case "cluster":
		return &metapb.Query{Q: &metapb.Query_Cluster{Cluster: &metapb.GetCluster{Secrets: a.has("secrets")}}}
	}
	return operatorQuery(a)
}

func showAnswer(a *metapb.Answer) (lines []string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, v := range a.Volumes {
		lines = append(lines, showVolume(v))
	}
	for _, b := range a.Blocks {
		add("%d: %d bytes", b.Local, b.Length)
	}
	for _, b := range a.Dead {
		add("%d/v%d/%d: %d bytes", (b.Since-start())/int64(time.Millisecond), b.Volume, b.Local, b.Length)
	}
	for _, n := range a.Nodes {
		line := fmt.Sprintf("n%d %s %v %s", n.Id, n.Name, n.Roles, metadata.NodeState(n.State))
		for _, d := range n.Disks {
			line += fmt.Sprintf(" %x", d)
		}
		zone := n.Zone
		if n.ZoneSet {
			zone += " (set; the machine says " + strconv.Quote(n.MachineZone) + ")"
		}
		add("%s", strings.TrimRight(strings.Join([]string{line, n.Addr, zone}, " "), " "))
	}
	for _, s := range a.Sessions {
		add("%d of n%d %s", s.Id, s.Node, s.Instance)
	}
	for _, t := range a.Tokens {
		add("%s %v uses %d secret %d bytes", t.Id, t.Roles, t.UsesLeft, len(t.SecretSha256))
	}
	for _, u := range a.Users {
		add("%s %s disabled %v hash %q", u.Name, metadata.Role(u.Role), u.Disabled, u.Hash)
	}
	if c := a.Cluster; c != nil {
		add("replication %d grace %s read-only %v dead %d trash %d key %q", c.Replication, time.Duration(c.Grace), c.ReadOnly, c.Dead, a.Trash, c.CaKey)
	}
	lines = append(lines, showOperator(a)...)
	if a.More {
		add("more")
	}
	return lines
}

func showVolume(v *metapb.VolumeRow) string {
	line := fmt.Sprintf("v%d %s epoch %d fence %d next %d blocks %d bytes %d of %d:", v.Id, volumeState(v), v.Epoch, v.Fence, v.Next, v.Blocks, v.Bytes, v.Target)
	for _, r := range v.Replicas {
		line += fmt.Sprintf(" n%d:%x", r.Node, r.Disk)
	}
	if v.Lessee != 0 {
		line += fmt.Sprintf(" lessee %d", v.Lessee)
	}
	for _, d := range v.Synced {
		line += fmt.Sprintf(" synced %x", d)
	}
	return line
}

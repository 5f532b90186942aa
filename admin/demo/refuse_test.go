package demo

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/health"
)

// Every setting is taken at both ends of its range and refused beyond them, as
// the namespace does; what is refused changes nothing.
func TestSettingRanges(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 3})
	ctx := acting(d, "admin")
	type step struct {
		name string
		v    int64
		ok   bool
	}
	var steps []step
	info, _ := d.Cluster(ctx)
	for _, s := range info.Settings() {
		if s.Unit == "unix_seconds" {
			continue
		}
		steps = append(steps, step{s.Name, s.Min, true}, step{s.Name, s.Max, true}, step{s.Name, s.Max + 1, false},
			step{s.Name, math.MinInt64, false}, step{s.Name, -1, false},
			step{s.Name, 0, s.Zero != "" || s.Min == 0})
		if s.Min > 1 {
			steps = append(steps, step{s.Name, s.Min - 1, false})
		}
	}
	pause := func(at time.Duration, ok bool) step {
		return step{metadata.SettingRepairPaused, c.at.Add(at).Unix(), ok}
	}
	steps = append(steps, pause(0, false), pause(-time.Second, false), pause(time.Second, true),
		pause(metadata.RepairPauseMax, true), pause(metadata.RepairPauseMax+time.Second, false),
		step{metadata.SettingRepairPaused, 0, true}, step{metadata.SettingRepairPaused, -5, false})
	for _, s := range steps {
		before, _ := d.Cluster(ctx)
		err := d.Set(ctx, map[string]int64{s.name: s.v})
		after, _ := d.Cluster(ctx)
		switch {
		case s.ok && (err != nil || after.SettingsRevision != before.SettingsRevision+1):
			t.Errorf("%s = %d: got %v", s.name, s.v, err)
		case !s.ok:
			kind(t, fmt.Sprintf("%s = %d", s.name, s.v), err, metadata.KindInvalid)
			if !reflect.DeepEqual(before, after) {
				t.Errorf("%s = %d was refused and changed\n%+v to\n%+v", s.name, s.v, before, after)
			}
		}
	}
}

// Settings that are given together are taken all or none, and must fit each
// other and those that are there.
func TestSettingsTogether(t *testing.T) {
	ctx := context.Background()
	const suspect, down = metadata.SettingSuspectAfter, metadata.SettingDownAfter
	for _, c := range []struct {
		what   string
		values map[string]int64
		want   metadata.Kind // KindInternal: taken
	}{
		{"both", map[string]int64{suspect: 20_000, down: 20_000}, metadata.KindInternal},
		{"down first", map[string]int64{suspect: 20_000, down: 19_999}, metadata.KindInvalid},
		{"below what is there", map[string]int64{down: 4_000}, metadata.KindInvalid},
		{"above what is there", map[string]int64{suspect: 11_000}, metadata.KindInvalid},
		{"own again", map[string]int64{suspect: 0, down: 4_000}, metadata.KindInternal},
		{"a good one and a bad one", map[string]int64{metadata.SettingReplication: 5, metadata.SettingGrace: -1}, metadata.KindInvalid},
		{"a good one and none", map[string]int64{metadata.SettingReplication: 5, "colour": 1}, metadata.KindNotFound},
	} {
		d, _ := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 3})
		if err := d.Set(ctx, map[string]int64{suspect: 5_000, down: 10_000}); err != nil {
			t.Fatal(err)
		}
		before, _ := d.Cluster(ctx)
		err := d.Set(ctx, c.values)
		if c.want == metadata.KindInternal {
			if err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		kind(t, c.what, err, c.want)
		if after, _ := d.Cluster(ctx); !reflect.DeepEqual(before, after) {
			t.Errorf("%s: changed\n%+v to\n%+v", c.what, before, after)
		}
	}
}

// Ids that people can write and nothing has: they are not found, however large.
func TestIdsOfNothing(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 3})
	ctx := acting(d, "olga")
	volumes := metadata.VolumeID(len(d.volumes))
	for _, id := range []uint64{0, uint64(volumes) + 1, math.MaxInt64, math.MaxInt64 + 1, math.MaxUint64} {
		v, n := metadata.VolumeID(id), metadata.NodeID(id)
		kind(t, "prioritise "+v.String(), d.Prioritise(ctx, v), metadata.KindNotFound)
		if views, err := d.Volumes(ctx, []metadata.VolumeID{v, 1}); err != nil || len(views) != 1 || views[0].ID != 1 {
			t.Errorf("%s: got %+v, %v", v, views, err)
		}
		if vs, more, err := d.ListVolumes(ctx, v, 10); id != 0 && (len(vs) != 0 || more || err != nil) {
			t.Errorf("after %s: got %d, %v, %v", v, len(vs), more, err)
		}
		_, err := d.SetNode(ctx, n, metadata.NodeChange{})
		kind(t, "set "+n.String(), err, metadata.KindNotFound)
		_, err = d.SafeToStop(ctx, 7, n)
		kind(t, "stop "+n.String(), err, metadata.KindNotFound)
		_, err = d.ZoneFacts(ctx, n, "x")
		kind(t, "zone of "+n.String(), err, metadata.KindNotFound)
	}
	_, err := d.SafeToStop(ctx)
	kind(t, "stop nobody", err, metadata.KindInvalid)
}

// A change of a node is refused whole: nothing of it happens.
func TestNodeChangesRefused(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: 60, Files: 3})
	ctx := acting(d, "olga")
	state := func(s metadata.NodeState) *metadata.NodeState { return &s }
	past, ahead := c.at, c.at.Add(time.Hour)
	zone, taken, own := "elsewhere", "ns-1", "dn-0040"
	for _, k := range []struct {
		what   string
		change metadata.NodeChange
		want   metadata.Kind
	}{
		{"no such state", metadata.NodeChange{State: state(metadata.NodeRemoved + 1), Zone: &zone}, metadata.KindInvalid},
		{"with data", metadata.NodeChange{State: state(metadata.NodeRemoved), Zone: &zone}, metadata.KindConflict},
		{"an end that is past", metadata.NodeChange{State: state(metadata.NodeMaintenance), Until: &past}, metadata.KindInvalid},
		{"an end of a drain", metadata.NodeChange{State: state(metadata.NodeDraining), Until: &ahead}, metadata.KindInvalid},
		{"another's name", metadata.NodeChange{State: state(metadata.NodeDraining), Name: &taken}, metadata.KindExists},
	} {
		before := nodeOf(t, d, 40)
		_, err := d.SetNode(ctx, 40, k.change)
		kind(t, k.what, err, k.want)
		if after := nodeOf(t, d, 40); !reflect.DeepEqual(before, after) {
			t.Errorf("%s: changed\n%+v to\n%+v", k.what, before, after)
		}
	}
	if got, err := d.SetNode(ctx, 40, metadata.NodeChange{Name: &own}); err != nil || got.Name != own {
		t.Errorf("its own name: %v, %v", got, err)
	}
	// A node without data goes for good, and its name is free.
	gone := "gw-1"
	if _, err := d.SetNode(ctx, 4, metadata.NodeChange{State: state(metadata.NodeRemoved)}); err != nil {
		t.Fatal(err)
	}
	_, err := d.SetNode(ctx, 4, metadata.NodeChange{State: state(metadata.NodeActive)})
	kind(t, "back again", err, metadata.KindConflict)
	if _, err := d.SetNode(ctx, 5, metadata.NodeChange{Name: &gone}); err != nil {
		t.Errorf("the name of a removed node: %v", err)
	}
	_, err = d.ZoneFacts(ctx, 4, "x")
	kind(t, "the zone of a removed node", err, metadata.KindNotFound)
}

// Users are what the namespace takes for users.
func TestUsersRefused(t *testing.T) {
	d, _ := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 3})
	ctx := acting(d, "admin")
	user := func(name string, role metadata.Role, hash string) metadata.User {
		return metadata.User{Name: name, Role: role, Hash: hash}
	}
	for _, k := range []struct {
		what   string
		u      metadata.User
		create bool
		want   metadata.Kind
	}{
		{"no name", user("", metadata.RoleReader, "h"), true, metadata.KindInvalid},
		{"a colon", user("a:b", metadata.RoleReader, "h"), true, metadata.KindInvalid},
		{"a slash", user("a/b", metadata.RoleReader, "h"), true, metadata.KindInvalid},
		{"a backslash", user(`a\b`, metadata.RoleReader, "h"), true, metadata.KindInvalid},
		{"no role", user("new", metadata.RoleNone, "h"), true, metadata.KindInvalid},
		{"no such role", user("new", 6, "h"), true, metadata.KindInvalid},
		{"no role any more", user("wim", metadata.RoleNone, ""), false, metadata.KindInvalid},
		{"no password", user("new", metadata.RoleReader, ""), true, metadata.KindInvalid},
		{"there", user("wim", metadata.RoleReader, "h"), true, metadata.KindExists},
		{"not there", user("new", metadata.RoleReader, "h"), false, metadata.KindNotFound},
	} {
		kind(t, k.what, d.PutUser(ctx, k.u, k.create), k.want)
	}
	kind(t, "an empty password", d.SetPassword(ctx, user("wim", 0, "")), metadata.KindInvalid)
	kind(t, "a password of nobody", d.SetPassword(ctx, user("new", 0, "h")), metadata.KindNotFound)
	kind(t, "a desktop of nobody", d.PutDesktop(ctx, "new", nil), metadata.KindNotFound)
	before, _ := d.User(ctx, "wim")
	if before.Role != metadata.RoleWriter || before.Hash == "" {
		t.Fatalf("wim became %+v", before)
	}
	if err := d.PutUser(ctx, user("wim", metadata.RoleViewer, ""), false); err != nil {
		t.Fatal(err)
	}
	want := before
	want.Role = metadata.RoleViewer
	if got, _ := d.User(ctx, "wim"); got != want {
		t.Errorf("got %+v, want the password and the time kept: %+v", got, want)
	}
	if err := d.SetPassword(ctx, metadata.User{Name: "wim", Hash: "other", Role: metadata.RoleAdmin, Disabled: true}); err != nil {
		t.Fatal(err)
	}
	want.Hash = "other"
	if got, _ := d.User(ctx, "wim"); got != want {
		t.Errorf("got %+v, want nothing but the password changed: %+v", got, want)
	}
}

// Tokens are bounded, of their own ids, and go when they are revoked.
func TestTokens(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 3})
	ctx := acting(d, "admin")
	roles := []string{metadata.NodeDatanode}
	for _, k := range []struct {
		what  string
		roles []string
		ttl   time.Duration
		uses  int
	}{
		{"no role", nil, time.Hour, 1}, {"over already", roles, 0, 1}, {"in the past", roles, -1, 1},
		{"no uses", roles, time.Hour, 0}, {"too many uses", roles, time.Hour, tokenUsesMax + 1},
	} {
		_, _, err := d.CreateToken(ctx, k.roles, k.ttl, k.uses)
		kind(t, k.what, err, metadata.KindInvalid)
	}
	first, _ := d.Tokens(ctx)
	ids := map[string]bool{first[0].ID: true}
	for len(ids) < tokensMax {
		tok, secret, err := d.CreateToken(ctx, roles, time.Hour, 3)
		if err != nil || ids[tok.ID] || !strings.HasPrefix(secret, "KEN1-") || tok.UsesLeft != 3 || !tok.Expires.Equal(c.at.Add(time.Hour)) {
			t.Fatalf("token %d: %+v, %q, %v", len(ids), tok, secret, err)
		}
		ids[tok.ID] = true
	}
	_, _, err := d.CreateToken(ctx, roles, time.Hour, 1)
	kind(t, "one too many", err, metadata.KindTooLarge)
	for id := range ids {
		if err := d.DeleteToken(ctx, id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		kind(t, "revoked twice", d.DeleteToken(ctx, id), metadata.KindNotFound)
	}
	if left, err := d.Tokens(ctx); err != nil || left == nil || len(left) != 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
}

// Mutes have a code, are bounded, and those that are over take no room.
func TestMutesAreBounded(t *testing.T) {
	d, c := newDemo(t, Config{Seed: 1, Nodes: NodesMin, Files: 3})
	ctx := acting(d, "olga")
	for _, code := range []string{"", strings.Repeat("X", metadata.CodeBytesMax+1), "small", "A B"} {
		kind(t, code, d.Mute(ctx, code, c.at.Add(time.Hour)), metadata.KindInvalid)
	}
	for i := range metadata.MutesMax {
		if err := d.Mute(ctx, fmt.Sprintf("CHECK_%d", i), c.at.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	kind(t, "one too many", d.Mute(ctx, "MORE", c.at.Add(time.Hour)), metadata.KindTooLarge)
	if err := d.Mute(ctx, "CHECK_3", c.at.Add(time.Minute)); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	c.at = c.at.Add(time.Minute)
	if err := d.Mute(ctx, health.NodeDown, c.at.Add(time.Hour)); err != nil {
		t.Errorf("after all are over: %v", err)
	}
	if info, _ := d.Cluster(ctx); len(info.Mutes) != 1 || info.Mutes[0].Code != health.NodeDown {
		t.Errorf("got %+v", info.Mutes)
	}
	rs, _, err := d.Audit(ctx, metadata.EventQuery{Limit: 1})
	if err != nil || len(rs) != 1 || rs[0].Action != "check.mute" || rs[0].Actor.User != "olga" {
		t.Errorf("audit: %+v, %v", rs, err)
	}
}

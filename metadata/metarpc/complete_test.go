package metarpc

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// listening is a Backend that keeps what it was asked and answers with nothing.
type listening struct {
	command *metapb.Command
	query   *metapb.Query
}

func (l *listening) Propose(_ context.Context, c *metapb.Command) (*metapb.Result, error) {
	l.command = c
	return &metapb.Result{Ok: true}, nil
}

func (l *listening) Query(_ context.Context, q *metapb.Query) (*metapb.Answer, error) {
	l.query = q
	return &metapb.Answer{}, nil
}

// filled returns a T with something in every field.
func filled[T any](skip ...string) T {
	f := &filler{skip: make(map[string]bool), n: 100}
	for _, s := range skip {
		f.skip[s] = true
	}
	var v T
	f.fill(reflect.ValueOf(&v).Elem(), reflect.TypeFor[T]().Name())
	return v
}

// unset lists the fields of m, and of all messages in it, that hold nothing.
func unset(m protoreflect.Message, at string) (names []string) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		name := strings.TrimPrefix(at+"."+string(f.Name()), ".")
		switch {
		case f.ContainingOneof() != nil && !m.Has(f):
		case !m.Has(f):
			names = append(names, name)
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			for j := range m.Get(f).List().Len() {
				names = append(names, unset(m.Get(f).List().Get(j).Message(), name)...)
			}
		case f.Kind() == protoreflect.MessageKind && !f.IsList():
			names = append(names, unset(m.Get(f).Message(), name)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestCommandsAreComplete fills everything that a caller can say, and demands
// that all of it is in the command: a field that was forgotten is named. The
// wanted names are those that a caller cannot or need not set here.
func TestCommandsAreComplete(t *testing.T) {
	// Of every command: the transport's, and what the caller's certificate says.
	general := []string{"session", "sequence", "acked"}
	path, dst := metadata.Path("/p"), metadata.Path("/q")
	guard := filled[metadata.Guard]()
	for i := range guard.If {
		guard.If[i].Path = path
	}
	guard.IfUnmodifiedSince = time.Unix(1000, 0)
	ctx := WithActor(t.Context(), filled[metadata.Actor]())
	on, n, at, d, text := true, int64(5), time.Unix(7, 9), time.Second, "zone"
	state, revision := metadata.NodeMaintenance, uint64(8)
	for _, tc := range []struct {
		name string
		call func(c *Decider) error
		want []string
	}{
		{"commit", func(c *Decider) error {
			_, err := c.Commit(ctx, path, guard, filled[metadata.Commit]())
			return err
		}, nil},
		{"stage", func(c *Decider) error { _, err := c.Stage(ctx, filled[metadata.Stage]()); return err }, nil},
		{"mkdir", func(c *Decider) error { _, err := c.Mkdir(ctx, path, guard); return err }, nil},
		{"rename", func(c *Decider) error { _, err := c.Rename(ctx, path, dst, guard, true); return err }, nil},
		{"copy", func(c *Decider) error {
			_, err := c.Copy(ctx, path, dst, guard, filled[metadata.CopyOptions]())
			return err
		}, nil},
		{"remove", func(c *Decider) error { return c.Remove(ctx, path, guard) }, []string{"remove.only_empty"}},
		{"remove_empty", func(c *Decider) error { return c.RemoveEmpty(ctx, path, guard) }, nil},
		{"set_attr", func(c *Decider) error {
			_, err := c.SetAttr(ctx, path, guard, filled[metadata.AttrChange]())
			return err
		}, nil},
		{"lock", func(c *Decider) error {
			_, _, err := c.Lock(ctx, path, guard, filled[metadata.Lock]())
			return err
		}, nil},
		{"refresh", func(c *Decider) error { _, err := c.Refresh(ctx, path, "ann", "urn:x", time.Hour); return err }, nil},
		{"unlock", func(c *Decider) error { return c.Unlock(ctx, path, "ann", "urn:x") }, nil},
		{"open_session", func(c *Decider) error { _, err := c.OpenSession(ctx, 3, "gw"); return err }, nil},
		{"close_session", func(c *Decider) error { return c.CloseSession(ctx, 3) }, nil},
		{"release", func(c *Decider) error { return c.Release(ctx, 3, 4) }, nil},
		{"put_user", func(c *Decider) error { return c.PutUser(ctx, filled[metadata.User](), true) }, []string{"put_user.password_only"}},
		{"set_password", func(c *Decider) error { return c.SetPassword(ctx, filled[metadata.User]()) }, []string{"put_user.create"}},
		{"delete_user", func(c *Decider) error { return c.DeleteUser(ctx, "ann") }, nil},
		{"put_token", func(c *Decider) error { return c.PutToken(ctx, filled[Token](), [32]byte{1}) }, nil},
		{"delete_token", func(c *Decider) error { return c.DeleteToken(ctx, "t") }, nil},
		{"put_node", func(c *Decider) error { return c.PutNode(ctx, filled[metadata.Node]()) },
			[]string{"put_node.node.disks"}}, // a node's own heartbeat says which it has
		{"set_node", func(c *Decider) error {
			_, err := c.SetNode(ctx, 3, metadata.NodeChange{State: &state, Until: &at, Zone: &text, Name: &text})
			return err
		}, nil},
		{"set_cluster", func(c *Decider) error {
			return c.SetCluster(ctx, Settings{3, d, &on, &n, &at, &d, &d, &revision})
		}, nil},
		{"set_mute", func(c *Decider) error { return c.Mute(ctx, "NODE_DOWN", at) }, nil},
		{"put_desktop", func(c *Decider) error { return c.PutDesktop(ctx, "ann", []byte("{}")) }, nil},
		{"record_audit", func(c *Decider) error { return c.RecordAudit(ctx, filled[metadata.AuditRecord]()) },
			[]string{"record_audit.record.actor", "record_audit.record.id", "record_audit.record.time"}}, // given by the state machine
		{"record_events", func(c *Decider) error { return c.RecordEvents(ctx, filled[[]metadata.Event]()) },
			[]string{"record_events.events.id", "record_events.events.time"}},
		{"grant_lease", func(c *Decider) error { _, _, _, err := c.GrantLease(ctx, filled[Grant]()); return err }, nil},
		{"release_lease", func(c *Decider) error { _, err := c.ReleaseLease(ctx, 3, 4); return err }, nil},
		{"drop_replica", func(c *Decider) error {
			_, err := c.DropReplica(ctx, 3, 4, filled[metadata.Replica](), 5, 6)
			return err
		}, nil},
		{"add_replica", func(c *Decider) error { _, err := c.AddReplica(ctx, 3, 4, filled[metadata.Replica]()); return err }, nil},
		{"synced", func(c *Decider) error { _, err := c.Synced(ctx, 3, 4, 5); return err }, nil},
		{"reaped", func(c *Decider) error { _, err := c.Reaped(ctx, 3, filled[[]metadata.DeadBlock]()); return err }, nil},
		{"announce_disks", func(c *Decider) error { return c.AnnounceDisks(ctx, 3, "a:1", "z", []metadata.DiskID{7}) }, nil},
		{"reap", func(c *Decider) error { _, err := c.Reap(ctx, 5); return err }, nil},
	} {
		l := &listening{}
		if err := tc.call(NewDecider(l)); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		got := unset(l.command.ProtoReflect(), "")
		want := slices.Sorted(slices.Values(append(slices.Clone(tc.want), general...)))
		if !slices.Equal(got, want) {
			t.Errorf("%s: nothing is in %v, want it of %v", tc.name, got, want)
		}
	}
}

// TestQueriesAreComplete is the same for what is asked.
func TestQueriesAreComplete(t *testing.T) {
	ctx := t.Context()
	events := filled[metadata.EventQuery]()
	for _, tc := range []struct {
		name string
		call func(c *Decider) error
		want []string
	}{
		{"lookup", func(c *Decider) error {
			_, err := c.Lookup(ctx, "/p", filled[metadata.LookupOptions]())
			return err
		}, nil},
		{"list", func(c *Decider) error { _, err := c.List(ctx, "/p", filled[metadata.ListOptions]()); return err }, nil},
		{"blocks", func(c *Decider) error { _, err := c.Blocks(ctx, 3, 4); return err }, nil},
		{"quota", func(c *Decider) error { _, err := c.Quota(ctx, "/p"); return err }, nil},
		{"user", func(c *Decider) error {
			if _, err := c.User(ctx, "ann"); metadata.KindOf(err) != metadata.KindNotFound {
				return fmt.Errorf("an answer without a user: %w", err)
			}
			return nil
		}, nil},
		{"users", func(c *Decider) error { _, _, err := c.Users(ctx, "a", 5); return err }, nil},
		{"events", func(c *Decider) error { _, _, err := c.Events(ctx, events); return err }, nil},
		{"audit", func(c *Decider) error { _, _, err := c.Audit(ctx, events); return err }, nil},
		{"desktop", func(c *Decider) error { _, err := c.GetDesktop(ctx, "ann"); return err }, nil},
		{"quotas", func(c *Decider) error { _, _, err := c.Quotas(ctx, 3, 90); return err }, []string{"quotas.limit"}},
		{"secrets", func(c *Decider) error { _, _, err := c.CA(ctx); return err }, nil},
		{"volumes", func(c *Decider) error { _, _, err := c.Volumes(ctx, 3, 4, 5); return err }, nil},
		{"volume blocks", func(c *Decider) error { _, _, err := c.VolumeBlocks(ctx, 3, 4); return err }, nil},
		{"dead blocks", func(c *Decider) error {
			after := filled[metadata.DeadBlock]()
			_, _, err := c.DeadBlocks(ctx, time.Unix(5, 6), &after, 7)
			return err
		}, nil},
		{"nodes", func(c *Decider) error { _, err := c.Nodes(ctx); return err }, nil},
		{"sessions", func(c *Decider) error { _, err := c.Sessions(ctx); return err }, nil},
		{"tokens", func(c *Decider) error { _, err := c.Tokens(ctx); return err }, nil},
	} {
		l := &listening{}
		if err := tc.call(NewDecider(l)); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if got := unset(l.query.ProtoReflect(), ""); !slices.Equal(got, tc.want) {
			t.Errorf("%s: nothing is in %v, want it of %v", tc.name, got, tc.want)
		}
	}
}

// TestAnswersAreRead fills an answer and demands that what is read from it is
// complete, too.
func TestAnswersAreRead(t *testing.T) {
	fill := func(m protoreflect.Message) { fillMessage(m, new(int64), 0) }
	e, l, u := &metapb.Entry{}, &metapb.LockRow{}, &metapb.UserRow{}
	fill(e.ProtoReflect())
	fill(l.ProtoReflect())
	fill(u.ProtoReflect())
	e.Row.Blocks = e.Row.Blocks[:1]
	empty := func(v reflect.Value) (names []string) {
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				names = append(names, v.Type().Field(i).Name)
			}
		}
		return names
	}
	for _, v := range []any{entryFromPB(e), lockFromPB(l), userFromPB(u)} {
		if got := empty(reflect.ValueOf(v)); len(got) != 0 {
			t.Errorf("%T: nothing is in %v", v, got)
		}
	}
	a := &metapb.Answer{}
	fill(a.ProtoReflect())
	c := NewClient(&answering{a: a}, nil)
	info, err := c.Cluster(t.Context())
	if got := empty(reflect.ValueOf(info)); err != nil || len(got) != 0 {
		t.Errorf("cluster: nothing is in %v, %v", got, err)
	}
	ss, err := c.Sessions(t.Context())
	if err != nil || len(ss) == 0 || len(empty(reflect.ValueOf(ss[0]))) != 0 {
		t.Errorf("sessions: %+v, %v", ss, err)
	}
	ts, err := c.Tokens(t.Context())
	if err != nil || len(ts) == 0 || len(empty(reflect.ValueOf(ts[0]))) != 0 {
		t.Errorf("tokens: %+v, %v", ts, err)
	}
	rs, more, err := c.Audit(t.Context(), metadata.EventQuery{})
	if err != nil || !more || len(rs) == 0 || len(empty(reflect.ValueOf(rs[0]))) != 0 || len(empty(reflect.ValueOf(rs[0].Actor))) != 0 {
		t.Errorf("audit: %+v, %v", rs, err)
	}
	qs, next, err := c.Quotas(t.Context(), 0, 0)
	if err != nil || next == 0 || len(qs) == 0 || len(empty(reflect.ValueOf(qs[0]))) != 0 {
		t.Errorf("quotas: %+v, %v", qs, err)
	}
	ds, more, err := NewDecider(&answering{a: a}).DeadBlocks(t.Context(), time.Time{}, nil, 0)
	if err != nil || !more || len(ds) == 0 || len(empty(reflect.ValueOf(ds[0]))) != 0 {
		t.Errorf("dead blocks: %+v, %v", ds, err)
	}
	ns, err := NewDecider(&answering{a: a}).Nodes(t.Context())
	if err != nil || len(ns) == 0 || len(ns[0].Disks) == 0 || ns[0].Disks[0].ID == 0 {
		t.Errorf("nodes: %+v, %v", ns, err)
	}
}

// answering is a Backend that has one answer to everything.
type answering struct {
	Backend
	a *metapb.Answer
}

func (b *answering) Query(context.Context, *metapb.Query) (*metapb.Answer, error) { return b.a, nil }

// fillMessage sets every field of a message, and of those in it.
func fillMessage(m protoreflect.Message, n *int64, depth int) {
	if depth > 5 {
		return
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		value := func() protoreflect.Value {
			*n++
			switch f.Kind() {
			case protoreflect.BoolKind:
				return protoreflect.ValueOfBool(true)
			case protoreflect.StringKind:
				return protoreflect.ValueOfString(fmt.Sprint(f.Name(), *n))
			case protoreflect.BytesKind:
				return protoreflect.ValueOfBytes([]byte{byte(*n)})
			case protoreflect.Uint32Kind:
				return protoreflect.ValueOfUint32(uint32(*n%4 + 1))
			case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
				return protoreflect.ValueOfUint64(uint64(*n + 1))
			}
			return protoreflect.ValueOfInt64(*n)
		}
		switch {
		case f.IsList() && f.Kind() == protoreflect.MessageKind:
			fillMessage(m.Mutable(f).List().AppendMutable().Message(), n, depth+1)
		case f.IsList():
			m.Mutable(f).List().Append(value())
		case f.Kind() == protoreflect.MessageKind:
			fillMessage(m.Mutable(f).Message(), n, depth+1)
		default:
			m.Set(f, value())
		}
	}
}

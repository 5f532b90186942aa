package replica

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

func TestPeerAddress(t *testing.T) {
	for _, c := range []struct {
		id   metadata.NodeID
		addr string
		want raft.ServerAddress
		ok   bool
	}{
		{3, "host:7800", "n3@host:7800", true},
		{1, "[::1]:7800", "n1@[::1]:7800", true},
		{0, "host:7800", "", false},
		{1, "host", "", false},
	} {
		got, err := peerAddress(c.id, c.addr)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("peerAddress %v %s: got %q, %v, want %q", c.id, c.addr, got, err, c.want)
		}
		if !c.ok {
			continue
		}
		id, addr, err := parsePeerAddress(got)
		if id != c.id || addr != c.addr || err != nil {
			t.Errorf("parsePeerAddress %s: got %v, %s, %v", got, id, addr, err)
		}
	}
	for _, bad := range []raft.ServerAddress{"", "host:1", "x3@host:1", "n0@host:1"} {
		if _, _, err := parsePeerAddress(bad); metadata.KindOf(err) != metadata.KindInvalid {
			t.Errorf("parsePeerAddress %q: got %v, want invalid", bad, err)
		}
	}
}

// TestAcksOfTransport checks that accepted messages are noted with the time at
// which they were sent, and refused or lost ones are not.
func TestAcksOfTransport(t *testing.T) {
	_, inner := raft.NewInmemTransport("n1@a:1")
	_, peer := raft.NewInmemTransport("n2@b:1")
	inner.Connect("n2@b:1", peer)
	cfg := Config{ID: 1, Addr: "a:1", Heartbeat: time.Second, transport: inner}
	tr, err := openTransport(&cfg, hclog.NewNullLogger())
	must(t, err)
	answers := make(chan raft.AppendEntriesResponse, 1)
	go func() {
		for rpc := range peer.Consumer() {
			answer := <-answers
			rpc.Respond(&answer, nil)
		}
	}()
	voters := raft.Configuration{Servers: []raft.Server{{ID: "n1"}, {ID: "n2"}, {ID: "n3"}}}
	for _, c := range []struct {
		name   string
		answer raft.AppendEntriesResponse
		want   bool
	}{
		{"refused", raft.AppendEntriesResponse{Term: 5}, false},
		{"later term", raft.AppendEntriesResponse{Term: 6, Success: true}, false},
		{"accepted", raft.AppendEntriesResponse{Term: 5, Success: true}, true},
	} {
		answers <- c.answer
		start := time.Now()
		var resp raft.AppendEntriesResponse
		must(t, tr.AppendEntries("n2", "n2@b:1", &raft.AppendEntriesRequest{Term: 5}, &resp))
		if got, _ := tr.acks.majority(voters, "n1", 5, start); got != c.want {
			t.Errorf("%s: majority %v, want %v", c.name, got, c.want)
		}
		if got, _ := tr.acks.majority(voters, "n1", 5, time.Now()); got {
			t.Errorf("%s: a message that was sent before proves what comes after", c.name)
		}
	}
	var resp raft.AppendEntriesResponse
	if err := tr.AppendEntries("n9", "n9@x:1", &raft.AppendEntriesRequest{Term: 5}, &resp); err == nil {
		t.Error("a message to nowhere was answered")
	}
	must(t, tr.Close(), tr.Close())
	tr.stand() // does not block after Close
}

func TestAcks(t *testing.T) {
	base := time.Now()
	at := func(s int) time.Time { return base.Add(time.Duration(s) * time.Second) }
	members := raft.Configuration{Servers: []raft.Server{
		{ID: "n1"}, {ID: "n2"}, {ID: "n3"}, {ID: "n4", Suffrage: raft.Nonvoter}, {ID: "n5", Suffrage: raft.Nonvoter}}}
	a := newAcks()
	want := func(step string, term uint64, since time.Time, want bool) <-chan struct{} {
		t.Helper()
		got, changed := a.majority(members, "n1", term, since)
		if got != want {
			t.Errorf("%s: majority %v, want %v", step, got, want)
		}
		return changed
	}
	changed := want("nothing", 3, at(0), false)
	a.note("n4", 3, at(1))
	a.note("n5", 3, at(1))
	<-changed
	want("non-voters do not count", 3, at(0), false)
	a.note("n2", 3, at(1))
	want("two of three", 3, at(1), true)
	want("sent too early", 3, at(2), false)
	want("other term", 4, at(1), false)
	a.note("n2", 3, at(0)) // an answer that was overtaken
	want("an older answer changes nothing", 3, at(1), true)
	a.note("n2", 4, at(0))
	want("a later term replaces", 3, at(0), false)
	a.note("n2", 3, at(9))
	want("an earlier term does not", 3, at(0), false)
}

func TestRaftLog(t *testing.T) {
	var b bytes.Buffer
	l := raftLogger(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	l.Info("entering state", "state", "leader")
	l.Named("net").Warn("lost", "peer", "n2")
	l.Error("broken")
	for _, want := range []string{
		`level=DEBUG msg="entering state" part=raft state=leader`,
		`level=WARN msg=lost part=raft.net peer=n2`,
		`level=ERROR msg=broken part=raft`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("log has no %q:\n%s", want, b.String())
		}
	}
}

func TestPebbleLog(t *testing.T) {
	var b bytes.Buffer
	f := newFailure(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	l := pebbleLogger{failure: f, logger: f.logger}
	l.Infof("flushed %d", 3)
	l.Errorf("slow %s", "disk")
	if err := f.guarded(func() error { l.Fatalf("broken %d", 9); return nil }); metadata.KindOf(err) != metadata.KindCorrupt {
		t.Errorf("Fatalf: got %v, want corrupt", err)
	}
	for _, want := range []string{`level=DEBUG msg="flushed 3"`, `level=WARN msg="slow disk"`, "broken 9"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("log has no %q:\n%s", want, b.String())
		}
	}
}

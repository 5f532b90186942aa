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

// TestNoVoteAtFirst checks that a node that has just started refuses to vote
// but takes other messages.
func TestNoVoteAtFirst(t *testing.T) {
	_, inner := raft.NewInmemTransport("n1@a:1")
	_, peer := raft.NewInmemTransport("n2@b:1")
	peer.Connect("n1@a:1", inner)
	cfg := Config{ID: 1, Addr: "a:1", Heartbeat: time.Hour, transport: inner}
	tr, err := openTransport(&cfg, hclog.NewNullLogger())
	must(t, err)
	go func() {
		for rpc := range tr.Consumer() {
			switch rpc.Command.(type) {
			case *raft.RequestVoteRequest:
				rpc.Respond(&raft.RequestVoteResponse{Granted: true}, nil)
			case *raft.AppendEntriesRequest:
				rpc.Respond(&raft.AppendEntriesResponse{Success: true}, nil)
			}
		}
	}()
	var vote raft.RequestVoteResponse
	if err := peer.RequestVote("n1", "n1@a:1", &raft.RequestVoteRequest{}, &vote); err == nil {
		t.Errorf("vote right after the start: got %+v", vote)
	}
	var pre raft.RequestPreVoteResponse
	if err := peer.RequestPreVote("n1", "n1@a:1", &raft.RequestPreVoteRequest{}, &pre); err == nil {
		t.Errorf("pre-vote right after the start: got %+v", pre)
	}
	var app raft.AppendEntriesResponse
	if err := peer.AppendEntries("n1", "n1@a:1", &raft.AppendEntriesRequest{}, &app); err != nil || !app.Success {
		t.Errorf("append right after the start: got %+v, %v", app, err)
	}
	must(t, tr.Close(), tr.Close())
	tr.stand() // does not block after Close
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

package cluster

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/quicwire"
)

// owner starts a first node and returns a client with its owner's identity.
func owner(t *testing.T) (*Node, *Client, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "n1")
	n := startAt(t, dir, func(dir string) { initOne(t, dir) })
	c, err := Connect(t.Context(), dir, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return n, c, dir
}

func TestTokensAreBounded(t *testing.T) {
	_, c, _ := owner(t)
	roles := []string{metadata.NodeDatanode}
	for name, opt := range map[string]TokenOptions{
		"no time":       {Roles: roles, Uses: 1},
		"a past":        {Roles: roles, TTL: -time.Second, Uses: 1},
		"a year":        {Roles: roles, TTL: 365 * 24 * time.Hour, Uses: 1},
		"no use":        {Roles: roles, TTL: time.Hour},
		"too many uses": {Roles: roles, TTL: time.Hour, Uses: tokenUsesMax + 1},
		"no role":       {TTL: time.Hour, Uses: 1},
		"unknown role":  {Roles: []string{"king"}, TTL: time.Hour, Uses: 1},
	} {
		_, _, err := CreateToken(t.Context(), c, opt)
		wantKind(t, name, err, metadata.KindInvalid)
	}
}

func TestJoin(t *testing.T) {
	_, c, _ := owner(t)
	conf := Config{Name: "two", Roles: []string{metadata.NodeDatanode}, Listen: "127.0.0.1:0"}
	token, made, err := CreateToken(t.Context(), c, TokenOptions{Roles: conf.Roles, TTL: time.Minute, Uses: 1})
	if err != nil {
		t.Fatal(err)
	}
	if made.CreatedBy != "n1" || made.UsesLeft != 1 {
		t.Errorf("token: %+v", made)
	}

	// A role that the token is not for.
	bad := conf
	bad.Roles = []string{metadata.NodeNameserver}
	_, err = Join(t.Context(), filepath.Join(t.TempDir(), "king"), bad, token)
	wantKind(t, "another role", err, metadata.KindDenied)

	// A token of another authority sends nothing to this one.
	parsed, err := quicwire.ParseToken(token)
	if err != nil {
		t.Fatal(err)
	}
	parsed.CA[0] ^= 1
	forged, err := parsed.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Join(t.Context(), filepath.Join(t.TempDir(), "forged"), conf, forged); err == nil {
		t.Error("joined an authority that is not the token's")
	}
	parsed.CA[0] ^= 1
	parsed.Secret[0] ^= 1
	guessed, err := parsed.Encode()
	if err != nil {
		t.Fatal(err)
	}
	_, err = Join(t.Context(), filepath.Join(t.TempDir(), "guess"), conf, guessed)
	wantKind(t, "a guessed secret", err, metadata.KindNoAuth)

	// What an interrupted attempt leaves behind does not stand in the way.
	dir := filepath.Join(t.TempDir(), "two")
	for _, name := range []string{keyFile, certFile} {
		if err := errorsOf(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := LoadConfig(dir); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("a folder without settings: %v", err)
	}
	id, err := Join(t.Context(), dir, conf, token)
	if err != nil || id != 2 {
		t.Fatalf("join: %v, %v", id, err)
	}
	cfg := mustLoad(t, dir)
	if len(cfg.Nameservers) == 0 || portZero(cfg.Nameservers[0]) {
		t.Errorf("nameservers: %v", cfg.Nameservers)
	}
	_, err = Join(t.Context(), dir, conf, token)
	wantKind(t, "the folder holds a node", err, metadata.KindExists)
	if _, err = Join(t.Context(), filepath.Join(t.TempDir(), "three"), conf, token); err == nil {
		t.Error("a token for one node let two in")
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestOperator(t *testing.T) {
	_, c, _ := owner(t)
	ctx := t.Context()
	wantKind(t, "a short password", AddUser(ctx, c, "ann", "", metadata.RoleReader), metadata.KindInvalid)
	if err := AddUser(ctx, c, "ann", "a-long-password-1", metadata.RoleReader); err != nil {
		t.Error(err)
	}
	wantKind(t, "twice", AddUser(ctx, c, "ann", "a-long-password-2", metadata.RoleReader), metadata.KindExists)
	ann, err := c.Meta.User(ctx, "ann")
	if err != nil {
		t.Fatal(err)
	}
	before := ann.Hash
	ann.Disabled = true
	if err := c.Meta.PutUser(ctx, ann, false); err != nil {
		t.Fatal(err)
	}
	if _, err := SetPassword(ctx, c, "ann", "a-long-password-3"); err != nil {
		t.Error(err)
	}
	if ann, err = c.Meta.User(ctx, "ann"); err != nil || !ann.Disabled || ann.Hash == before || ann.Role != metadata.RoleReader {
		t.Errorf("a new password: got %+v, %v, want a disabled reader with another hash", ann, err)
	}
	_, err = SetPassword(ctx, c, "ann", "short")
	wantKind(t, "a short new password", err, metadata.KindInvalid)
	_, err = SetPassword(ctx, c, "nobody", "a-long-password-3")
	wantKind(t, "nobody's password", err, metadata.KindNotFound)

	_, err = SetNodeState(ctx, c, "nobody", metadata.NodeDraining)
	wantKind(t, "an unknown node", err, metadata.KindNotFound)
	_, err = SetNodeState(ctx, c, "n1", metadata.NodeRemoved)
	wantKind(t, "removing the nameserver", err, metadata.KindConflict)
	for _, s := range []metadata.NodeState{metadata.NodeDraining, metadata.NodeMaintenance, metadata.NodeActive} {
		if id, err := SetNodeState(ctx, c, "one", s); err != nil || id != 1 {
			t.Errorf("state %v: %v, %v", s, id, err)
		}
	}
	s, err := ReadStatus(ctx, c)
	if err != nil || s.Verdict == "" || s.Nodes.Up+s.Nodes.Unknown != 1 {
		t.Errorf("status: %+v, %v", s, err)
	}
}

// With no nameserver there is a verdict all the same.
func TestStatusWithoutANameserver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n1")
	initOne(t, dir)
	_, err := Connect(t.Context(), dir, time.Second)
	wantKind(t, "a node that never started", err, metadata.KindUnavailable)
	if err := (Running{QUIC: "127.0.0.1:9"}).save(dir); err != nil {
		t.Fatal(err)
	}
	c, err := Connect(t.Context(), dir, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	s, err := ReadStatus(t.Context(), c)
	if err == nil || s.Verdict != "unknown" || !strings.HasPrefix(s.Sentence, "No nameserver answers") {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestRemovedNodes(t *testing.T) {
	var r removed
	if r.has(2) {
		t.Error("a node is removed at the beginning")
	}
	nodes := []metadata.Node{
		{ID: 1, State: metadata.NodeRemoved}, {ID: 2, State: metadata.NodeRemoved}, {ID: 3, State: metadata.NodeDraining},
	}
	if got, want := r.set(nodes, 1), []uint64{2}; !slices.Equal(got, want) { // 1 is itself
		t.Errorf("news: got %v, want %v", got, want)
	}
	if got := r.set(nodes, 1); len(got) != 0 {
		t.Errorf("news again: got %v", got)
	}
	for id, want := range map[uint64]bool{1: false, 2: true, 3: false, 9: false} {
		if got := r.has(id); got != want {
			t.Errorf("has(%d) = %v, want %v", id, got, want)
		}
	}
}

// A removed node's connections end and its certificate opens no new ones.
func TestRemovedNodeIsCutOff(t *testing.T) {
	n, c, dir := owner(t)
	two := startAt(t, filepath.Join(filepath.Dir(dir), "n2"), func(d string) { joinOne(t, dir, d, metadata.NodeWebDAV) })
	deadline := time.Now().Add(4 * removedInterval)
	for known := false; !known && time.Now().Before(deadline); { // the leader looks once a second
		ns, err := two.meta.Nodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		known = len(ns) == 2
		<-time.After(20 * time.Millisecond)
	}
	if _, err := SetNodeState(t.Context(), c, "n2", metadata.NodeRemoved); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := two.meta.Nodes(t.Context())
		if metadata.KindOf(err) == metadata.KindDenied && err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a removed node is still answered: %v", err)
		}
		<-time.After(50 * time.Millisecond)
	}
	if !n.removed.has(2) {
		t.Error("the nameserver does not know that n2 was removed")
	}
}

// A disk that cannot be opened does not keep the others from serving; with none
// left the node does not start.
func TestOneDiskOfTwo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "n1")
	initOne(t, dir)
	bad, good := filepath.Join(t.TempDir(), "bad"), filepath.Join(t.TempDir(), "good")
	if err := errorsOf(os.MkdirAll(bad, 0o700), os.WriteFile(filepath.Join(bad, "holiday.jpg"), []byte("x"), 0o600),
		os.MkdirAll(filepath.Join(good, "lost+found"), 0o700)); err != nil {
		t.Fatal(err)
	}
	cfg := mustLoad(t, dir)
	cfg.Disks = []string{bad, good}
	n, err := Start(t.Context(), cfg, &Local{}, Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for {
		ns, err := n.meta.Nodes(t.Context())
		if err == nil && len(ns) == 1 && len(ns[0].Disks) == 2 {
			failed := 0
			for _, d := range ns[0].Disks {
				if (d.Failed != "") != (d.Path == bad) {
					t.Errorf("disk %s: failed %q", d.Path, d.Failed)
				}
				if d.Failed != "" {
					failed++
				}
			}
			if failed == 1 {
				break
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("nodes: %+v, %v", ns, err)
		}
		<-time.After(20 * time.Millisecond)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
	cfg.Disks = []string{bad}
	if _, err := Start(t.Context(), cfg, &Local{}, Runtime{}); err == nil {
		t.Error("a storage server without a disk has started")
	}
	if _, err := os.Stat(filepath.Join(bad, "holiday.jpg")); err != nil {
		t.Errorf("somebody's file: %v", err)
	}
}

// TestDevCluster starts and stops a whole cluster twice in one folder.
func TestDevCluster(t *testing.T) {
	dir := t.TempDir()
	opt := DevOptions{Dir: dir, WebDAV: "127.0.0.1:0", StorageServers: 2, Replication: 2}
	for i := range 2 {
		d, err := Dev(t.Context(), opt)
		if err != nil {
			t.Fatal(err)
		}
		if d.First != (i == 0) || (d.Password != "") != (i == 0) || d.URL() == "" || d.QUIC() == "" {
			t.Errorf("start %d: %+v", i, d)
		}
		if _, err := Dev(t.Context(), opt); metadata.KindOf(err) != metadata.KindBusy {
			t.Errorf("a second one in the folder: %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := d.Close(ctx); err != nil {
			t.Errorf("Close: %v", err)
		}
		cancel()
	}
	opt.StorageServers = devServersMax + 1
	_, err := Dev(t.Context(), opt)
	wantKind(t, "too many storage servers", err, metadata.KindInvalid)
}

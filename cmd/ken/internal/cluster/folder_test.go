package cluster

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kendfs/metadata"
	"kendfs/quicwire"
)

func wantKind(t *testing.T, what string, err error, want metadata.Kind) {
	t.Helper()
	if err == nil || metadata.KindOf(err) != want {
		t.Errorf("%s: got %v, want kind %v", what, err, want)
	}
}

func initOne(t *testing.T, dir string) InitResult {
	t.Helper()
	res, err := Init(t.Context(), dir, InitOptions{Config: Config{
		Name: "one", Roles: []string{metadata.NodeNameserver, metadata.NodeDatanode}, Listen: "127.0.0.1:0",
	}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestInitMakesAPrivateFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	res := initOne(t, dir)
	if len(res.Password) < 12 || res.Node != "n1" || res.Cluster == "" {
		t.Errorf("got %+v", res)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, keyFile: 0o600, ownerKeyFile: 0o600} {
		st, err := os.Stat(filepath.Join(dir, name))
		if err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: got %v, %v, want mode %v", name, st, err, want)
		}
	}
	_, err := Init(t.Context(), dir, InitOptions{Config: sampleConfig(dir)})
	wantKind(t, "second init", err, metadata.KindExists)
	_, err = Init(t.Context(), t.TempDir(), InitOptions{Config: sampleConfig(dir), Password: "short"})
	wantKind(t, "short password", err, metadata.KindInvalid)
	_, err = Join(t.Context(), dir, sampleConfig(dir), "KEN1-X")
	wantKind(t, "join with nonsense", err, metadata.KindInvalid)

	// The password is nowhere in the folder.
	err = filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err != nil || st.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(res.Password)) {
			t.Errorf("%s holds the password", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestInterruptedInit: what a crash left before ken.toml is no node, and init
// starts afresh.
func TestInterruptedInit(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	initOne(t, dir)
	if err := os.Remove(filepath.Join(dir, configFile)); err != nil {
		t.Fatal(err)
	}
	initOne(t, dir)
	n, err := Start(t.Context(), mustLoad(t, dir), &Local{}, Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestInitKeepsWhatRan: a folder that has lost its settings after a node ran in
// it holds the names of everybody's files, and no init or join may clear it.
func TestInitKeepsWhatRan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	initOne(t, dir)
	n, err := Start(t.Context(), mustLoad(t, dir), &Local{}, Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, configFile)); err != nil {
		t.Fatal(err)
	}
	_, err = Init(t.Context(), dir, InitOptions{Config: sampleConfig(dir)})
	wantKind(t, "init", err, metadata.KindExists)
	if !strings.Contains(err.Error(), "restore that file") {
		t.Errorf("got %v, want what to do", err)
	}
	if !exists(filepath.Join(dir, nameDir)) {
		t.Error("the namespace was deleted")
	}
}

// TestInitTogether: of many that make a node in one folder at once, one does,
// and nobody clears away what another has made.
func TestInitTogether(t *testing.T) {
	for range 30 {
		dir := t.TempDir()
		var made atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				lock, err := newFolder(dir)
				if err != nil {
					return
				}
				defer lock.release()
				made.Add(1)
				if err := errors.Join(os.Mkdir(filepath.Join(dir, nameDir), 0o700), os.WriteFile(filepath.Join(dir, configFile), nil, 0o600)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if made.Load() != 1 || !exists(filepath.Join(dir, nameDir)) {
			t.Fatalf("%d made a node, its namespace is there: %v", made.Load(), exists(filepath.Join(dir, nameDir)))
		}
	}
}

// TestForeignDisk: a disk of another cluster, whose blocks have the numbers of
// blocks here, is not taken into service.
func TestForeignDisk(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "disk")
	open := func() (*Node, error) {
		dir := filepath.Join(t.TempDir(), "node")
		c := sampleConfig(dir)
		c.Disks, c.Roles, c.Nameservers = []string{disk}, []string{metadata.NodeNameserver, metadata.NodeDatanode}, nil
		if _, err := Init(t.Context(), dir, InitOptions{Config: c}); err != nil {
			t.Fatal(err)
		}
		return Start(t.Context(), mustLoad(t, dir), &Local{}, Runtime{})
	}
	n, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = open()
	wantKind(t, "a disk of another cluster", err, metadata.KindConflict)
	if !strings.Contains(err.Error(), "disk of another cluster") {
		t.Errorf("got %v", err)
	}
}

// TestInitRefusesFirst: what is wrong with what was asked leaves no folder.
func TestInitRefusesFirst(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	_, err := Init(t.Context(), dir, InitOptions{Config: sampleConfig(dir), Password: "short"})
	wantKind(t, "a short password", err, metadata.KindInvalid)
	if exists(dir) {
		t.Error("a folder was made")
	}
}

func mustLoad(t *testing.T, dir string) Config {
	t.Helper()
	c, err := LoadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStartRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	initOne(t, dir)
	cfg := mustLoad(t, dir)

	lock, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), cfg, &Local{}, Runtime{})
	wantKind(t, "locked folder", err, metadata.KindBusy)
	lock.release()

	if err := os.Chmod(filepath.Join(dir, keyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), cfg, &Local{}, Runtime{})
	wantKind(t, "key that others may read", err, metadata.KindDenied)
	if err := os.Chmod(filepath.Join(dir, keyFile), 0o600); err != nil {
		t.Fatal(err)
	}

	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	taken := cfg
	taken.Listen = udp.LocalAddr().String()
	_, err = Start(t.Context(), taken, &Local{}, Runtime{})
	wantKind(t, "port in use", err, metadata.KindUnavailable)

	client := cfg
	client.Roles = []string{metadata.NodeClient}
	_, err = Start(t.Context(), client, &Local{}, Runtime{})
	wantKind(t, "a client's folder", err, metadata.KindInvalid)

	// Nothing of all that is left running or locked.
	n, err := Start(t.Context(), cfg, &Local{}, Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestResolve(t *testing.T) {
	top := t.TempDir()
	if got := Resolve(top); got != top {
		t.Errorf("empty folder: got %s", got)
	}
	sub := filepath.Join(top, devNode)
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	c := sampleConfig(sub)
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	if got := Resolve(top); got != sub {
		t.Errorf("folder of ken dev: got %s, want %s", got, sub)
	}
	c.dir = top
	if err := c.save(); err != nil {
		t.Fatal(err)
	}
	if got := Resolve(top); got != top {
		t.Errorf("a node's own folder: got %s, want %s", got, top)
	}
	_, err := LoadConfig(t.TempDir())
	wantKind(t, "no node", err, metadata.KindNotFound)
	if !strings.Contains(err.Error(), "ken init --dir") {
		t.Errorf("the error does not name the next step: %v", err)
	}
}

func TestResetKeyStays(t *testing.T) {
	dir := t.TempDir()
	a, err := resetKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := resetKey(dir)
	if err != nil || a != b || a == [32]byte{} {
		t.Errorf("got %x and %x, %v", a, b, err)
	}
	if err := os.WriteFile(filepath.Join(dir, resetFile), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = resetKey(dir)
	wantKind(t, "damaged", err, metadata.KindCorrupt)
}

func TestWriteFileReplacesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, text := range []string{"one", "two, longer"} {
		if err := writeFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		st, _ := os.Stat(path)
		if err != nil || string(got) != text || st.Mode().Perm() != 0o640 {
			t.Errorf("got %q, %v, %v", got, err, st.Mode())
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := writeFile(filepath.Join(t.TempDir(), "no", "f"), nil, 0o600); err == nil {
		t.Error("wrote into a folder that does not exist")
	}
}

func TestDriveURL(t *testing.T) {
	for want, a := range map[string]net.Addr{
		"http://127.0.0.1:80/": &net.TCPAddr{IP: net.IPv4zero, Port: 80},
		"http://10.0.0.1:80/":  &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 80},
		"http://[fe80::1]:80/": &net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 80},
	} {
		if got := driveURL(a, false); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := driveURL(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 443}, true); got != "https://10.0.0.1:443/" {
		t.Errorf("got %s", got)
	}
}

// TestRenewal: a certificate is replaced for the same key and identity, on
// disk and for the next handshake.
func TestRenewal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "node")
	initOne(t, dir)
	n, err := Start(t.Context(), mustLoad(t, dir), &Local{}, Runtime{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	before := n.identity.credentials()
	if err := n.identity.renew(t.Context(), n.renewer); err != nil {
		t.Fatal(err)
	}
	after := n.identity.credentials()
	if after.Cert.Equal(before.Cert) || after.Identity().String() != before.Identity().String() || after.Key != before.Key {
		t.Errorf("got %v, had %v", after.Identity(), before.Identity())
	}
	again, err := loadIdentity(dir, certFile, keyFile)
	if err != nil || !again.credentials().Cert.Equal(after.Cert) {
		t.Errorf("on disk: %v", err)
	}
	if at := quicwire.RenewAt(after.Cert); at.Before(time.Now().Add(30*24*time.Hour)) || at.After(after.Cert.NotAfter) {
		t.Errorf("next renewal at %v of a certificate until %v", at, after.Cert.NotAfter)
	}
	// Over the network too, as a storage server on another machine does it.
	c, err := Connect(t.Context(), dir, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Meta.Cluster(t.Context()); err != nil {
		t.Error(err)
	}
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/shell"
	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// now is when the tests' facts are printed.
func now() time.Time { return time.Date(2026, 5, 17, 12, 0, 0, 0, time.UTC) }

// printed returns what f prints.
func printed(t *testing.T, f func(c *cobra.Command) error) string {
	t.Helper()
	var b bytes.Buffer
	c := &cobra.Command{}
	c.SetOut(&b)
	if err := f(c); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func golden(t *testing.T, what, got, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("%s:\ngot:\n%swant:\n%s", what, got, want)
	}
	for line := range strings.Lines(got) {
		line = strings.TrimSuffix(line, "\n")
		if utf8.RuneCountInString(line) > 100 {
			t.Errorf("%s: line of more than 100 columns: %s", what, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("%s: line ends in blanks: %q", what, line)
		}
	}
}

func exampleNodes() []nodeJSON {
	heard := func(ago time.Duration) time.Time { return now().Add(-ago) }
	disk := func(id int, used, free int64, failed string) metadata.Disk {
		return metadata.Disk{ID: metadata.DiskID(id), Path: fmt.Sprintf("/srv/disk%d", id), Capacity: 2 << 40,
			Used: used, Free: free, Volumes: 4096, Failed: failed}
	}
	all := []metadata.Node{
		{ID: 1, Name: "attic", Addr: "192.168.100.110:7800", Roles: []string{"nameserver", "datanode", "webdav"},
			Liveness: metadata.LivenessUp, Heard: heard(time.Second), Zone: "house", ZoneSet: true, MachineZone: "shed", Version: "v1.0.0",
			Disks: []metadata.Disk{disk(1, 500<<30, 1400<<30, ""), disk(2, 1<<20, 1900<<30, "input/output error")}},
		{ID: 12, Name: "garage-shelf-number-two", Addr: "192.168.100.111:7800", Roles: []string{"datanode"},
			Liveness: metadata.LivenessDown, Heard: heard(59 * time.Minute), Disks: []metadata.Disk{disk(3, 1<<30, 900<<20, "")}},
		{ID: 13, Name: "new", Addr: "192.168.100.112:7800", Roles: []string{"datanode"}, Liveness: metadata.LivenessUnknown},
		{ID: 14, Name: "old", Addr: "192.168.100.113:7800", Roles: []string{"datanode"}, Liveness: metadata.LivenessUp,
			State: metadata.NodeDraining, Heard: heard(0)},
		{ID: 15, Addr: "192.168.100.114:7800", Roles: []string{"client"}},
	}
	out := make([]nodeJSON, len(all))
	for i, n := range all {
		out[i] = nodeToJSON(n)
	}
	return out
}

// Disks that share a file system share its room.
func TestNodeCountsAFileSystemOnce(t *testing.T) {
	disk := metadata.Disk{Capacity: 100, Free: 40, FileSystem: 7}
	j := nodeToJSON(metadata.Node{Roles: []string{metadata.NodeDatanode}, Disks: []metadata.Disk{disk, disk}})
	if j.capacity != 100 || j.free != 40 {
		t.Errorf("got %d bytes, %d free, want 100 and 40", j.capacity, j.free)
	}
}

func TestNodeTable(t *testing.T) {
	got := printed(t, func(c *cobra.Command) error { return nodeTable(c, exampleNodes(), now()) })
	golden(t, "node list", got, `
NODE  NAME             STATE        USED     FREE  VOLUMES  ADDRESS               ROLES
n1    attic            disk failed   12%  3.2 TiB     8192  192.168.100.110:7800  names,data,webdav
n12   garage-shelf-n…  down 59 min   <1%  900 MiB     4096  192.168.100.111:7800  data
n13   new              unknown         -        -        -  192.168.100.112:7800  data
n14   old              draining        -      0 B        0  192.168.100.113:7800  data
n15   -                active          -        -        -  192.168.100.114:7800  client
`)
}

func TestNodeText(t *testing.T) {
	got := printed(t, func(c *cobra.Command) error { return nodeText(c, exampleNodes()[0], now()) })
	golden(t, "node show", got, `
node:     n1
name:     attic
state:    disk failed
heard:    1 s ago
address:  192.168.100.110:7800
roles:    nameserver, datanode, webdav
zone:     house, set by an operator; the machine says shed
version:  v1.0.0

DISK              STATE                          USED     FREE     SIZE  VOLUMES  FOLDER
0000000000000001  ok                          500 GiB  1.4 TiB  2.0 TiB     4096  /srv/disk1
0000000000000002  failed: input/output error  1.0 MiB  1.9 TiB  2.0 TiB     4096  /srv/disk2
`)
}

func TestVolumeTable(t *testing.T) {
	replica := func(n uint64) metadata.Replica {
		return metadata.Replica{Node: metadata.NodeID(n), Disk: metadata.DiskID(n)}
	}
	all := []volumeJSON{
		volumeToJSON(metadata.Volume{ID: 1, State: metadata.VolumeIdle, Epoch: 3, Target: 2, Blocks: 8, Bytes: 275,
			Replicas: []metadata.Replica{replica(1), replica(3)}}),
		volumeToJSON(metadata.Volume{ID: 123456, State: metadata.VolumeFencing, Epoch: 9, Target: 3, Blocks: 512,
			Bytes: 4 << 30, Replicas: []metadata.Replica{replica(12)}}),
	}
	got := printed(t, func(c *cobra.Command) error { return volumeTable(c, all) })
	golden(t, "volume list", got, `
VOLUME   STATE    COPIES  BLOCKS     SIZE  NODES
v1       idle     2 of 2       8    275 B  n1,n3
v123456  fencing  1 of 3     512  4.0 GiB  n12
`)
	if got := printed(t, func(c *cobra.Command) error { return volumeTable(c, nil) }); got != "VOLUME  STATE  COPIES  BLOCKS  SIZE  NODES\n" {
		t.Errorf("no volumes: got %q", got)
	}
}

func TestTokenTable(t *testing.T) {
	all := []tokenJSON{
		tokenToJSON(cluster.Token{ID: "t3daf2338b38a6e1e", Roles: []string{"datanode", "webdav"}, UsesLeft: 2,
			Expires: now().Add(61 * time.Minute), CreatedBy: "n1"}),
		tokenToJSON(cluster.Token{ID: "tfbf231d49772b4e5", Roles: []string{"client"}, UsesLeft: 1, Expires: now()}),
		tokenToJSON(cluster.Token{ID: "t0123456789abcdef", Roles: []string{"client"}, Expires: now().Add(time.Hour)}),
	}
	got := printed(t, func(c *cobra.Command) error { return tokenTable(c, all, now()) })
	golden(t, "token list", got, `
ID                 ROLES            USES LEFT  EXPIRES  MADE BY
t3daf2338b38a6e1e  datanode,webdav          2  in 1 h   n1
tfbf231d49772b4e5  client                   1  expired  -
t0123456789abcdef  client                   0  used up  -
`)
}

func TestUserTable(t *testing.T) {
	got := printed(t, func(c *cobra.Command) error {
		return userTable(c, []userJSON{{Name: "admin", Role: "admin"}, {Name: "günther", Role: "reader", Disabled: true}})
	})
	golden(t, "user list", got, `
NAME     ROLE    STATE
admin    admin   active
günther  reader  disabled
`)
}

func TestBlockTable(t *testing.T) {
	got := printed(t, func(c *cobra.Command) error {
		return blockTable(c, []blockJSON{
			{Index: 9, Block: "v16/2", Offset: 75497472, Length: 8 << 20, Replicas: []replicaJSON{
				{Node: "n1", Disk: "a1", Live: true}, {Node: "n2", Disk: "b2"}}},
			{Index: 10, Block: "v17/1", Offset: 83886080, Length: 5, Replicas: []replicaJSON{{Node: "n1", Disk: "a1", Live: true}}},
		})
	})
	golden(t, "blocks", got, `

BLOCK  ID       OFFSET   LENGTH  REPLICAS
    9  v16/2  75497472  8.0 MiB  n1 (a1), n2 (b2) not answering
   10  v17/1  83886080      5 B  n1 (a1)
`)
}

// TestJSONShapes: the names of fields are what scripts depend on.
func TestJSONShapes(t *testing.T) {
	at := now()
	for _, k := range []struct {
		what string
		v    any
		want string
	}{
		{"node", exampleNodes()[1], `{"id":"n12","name":"garage-shelf-number-two","addr":"192.168.100.111:7800",` +
			`"roles":["datanode"],"state":"active","liveness":"down","heard":"2026-05-17T11:01:00Z","volumes":4096,` +
			`"disks":[{"id":"0000000000000003","path":"/srv/disk3","capacity":2199023255552,"used":1073741824,` +
			`"free":943718400,"volumes":4096}]}`},
		{"volume", volumeToJSON(metadata.Volume{ID: 7, State: metadata.VolumeIdle, Epoch: 2, Target: 2}),
			`{"id":"v7","state":"idle","epoch":2,"target":2,"copies":0,"blocks":0,"bytes":0,"replicas":[]}`},
		{"token", tokenJSON{Token: "KEN1-X", ID: "t1", Roles: []string{"datanode"}, Uses: 1, Expires: at, Creator: "n1"},
			`{"token":"KEN1-X","id":"t1","roles":["datanode"],"uses":1,"expires":"2026-05-17T12:00:00Z","created_by":"n1"}`},
		{"user", userJSON{Name: "ann", Role: "writer"}, `{"name":"ann","role":"writer","disabled":false}`},
		{"file", toJSON("/a", &metadata.Entry{Name: "a", Size: 3, Modified: at, Created: at, BlockCount: 1, EffectiveReplication: 2}),
			`{"path":"/a","type":"file","size":3,"modified":"2026-05-17T12:00:00Z","created":"2026-05-17T12:00:00Z",` +
				`"etag":ETAG,"blocks":1,"replication":2}`},
		{"transfer", sumJSON(transfer.Summary{Files: 1, Dirs: 2, Skipped: 3, Bytes: 4, Blocks: 5}),
			`{"files":1,"dirs":2,"skipped":3,"bytes":4,"blocks":5}`},
		{"df", spaceJSON{"/", 1, -1}, `{"path":"/","used":1,"available":-1}`},
		{"quota", quotaJSON{"/a", 10, 1}, `{"path":"/a","quota":10,"used":1}`},
		{"replication", replicationJSON{"/a", 2, true}, `{"path":"/a","replication":2,"inherited":true}`},
	} {
		got, err := json.Marshal(k.v)
		want := k.want
		if e, ok := k.v.(entryJSON); ok {
			tag, _ := json.Marshal(e.ETag) // a string
			want = strings.Replace(want, "ETAG", string(tag), 1)
		}
		if err != nil || string(got) != want {
			t.Errorf("%s: %v\ngot  %s\nwant %s", k.what, err, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, k := range []struct{ got, want string }{
		{bytesText(0), "0 B"}, {bytesText(1023), "1023 B"}, {bytesText(1024), "1.0 KiB"}, {bytesText(704 << 20), "704 MiB"},
		{bytesText(1<<20 - 1), "1.0 MiB"}, {bytesText(102297), "99.9 KiB"}, {bytesText(1 << 62), "4.0 EiB"},
		{countText(0, "file"), "0 files"}, {countText(1, "directory"), "1 directory"}, {countText(2, "directory"), "2 directories"},
		{countText(2, "copy"), "2 copies"}, {percentText(0, 10), "0%"}, {percentText(1, 1000), "<1%"}, {percentText(1, 0), "-"},
		{percentText(999, 1000), "100%"}, {cut("short", 5), "short"}, {cut("longer", 5), "long…"}, {cut("日本語", 5), "日本…"},
		{cut("日本", 4), "日本"}, {spanText(now().Add(-47*time.Hour), now()), "47 h"}, {spanText(now().Add(time.Minute), now()), "0 s"},
		{sumText(transfer.Summary{Files: 1, Bytes: 5}), "1 file, 5 B"},
		{sumText(transfer.Summary{Skipped: 2}), "0 files, 0 B, 2 existed and were left"},
	} {
		if k.got != k.want {
			t.Errorf("got %q, want %q", k.got, k.want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "none": 0, "4096": 4096, "4096B": 4096, "10k": 10 << 10, "500M": 500 << 20, "50GiB": 50 << 30,
		"1.5T": 3 << 39, "2 GB": 2 << 30,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "-1G", "G", "1X", "1GG", "1e30", "NaN", "inf"} {
		if got, err := parseSize(text); exitCode(err) != 2 {
			t.Errorf("%q: got %d, %v, want wrong usage", text, got, err)
		}
	}
}

// TestComplain: each of several errors is a line, and equal ones give their exit code.
func TestComplain(t *testing.T) {
	missing, denied := metadata.Errorf(metadata.KindNotFound, "/a does not exist"), metadata.Errorf(metadata.KindDenied, "no")
	var b bytes.Buffer
	complain(&b, errors.Join(missing, errors.Join(denied)), false)
	if want := "ken: /a does not exist\nken: no\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	complain(&b, missing, true)
	if want := "ken: interrupted\n"; b.String() != want {
		t.Errorf("after a signal: got %q, want %q", b.String(), want)
	}
	b.Reset()
	complain(&b, errors.Join(stopError{metadata.Errorf(metadata.KindNoSpace, "the log could not be closed")}), true)
	if want := "ken: the log could not be closed\n"; b.String() != want {
		t.Errorf("an error while stopping: got %q, want %q", b.String(), want)
	}
	b.Reset()
	complain(&b, metadata.Errorf(metadata.KindNotFound, "/a\x1b[2J\u009b2J does not exist\nusage: x"), false)
	if want := "ken: /a\uFFFD[2J\uFFFD2J does not exist\nusage: x\n"; b.String() != want {
		t.Errorf("a hostile name: got %q, want %q", b.String(), want)
	}
	for _, k := range []struct {
		err  error
		want int
	}{
		{nil, 0}, {errors.New("x"), 1}, {usagef("x"), 2}, {missing, 3}, {errors.Join(missing, missing), 3},
		{errors.Join(missing, denied), 1}, {errors.Join(denied), 5}, {metadata.Errorf(metadata.KindUnavailable, "x"), 6},
	} {
		if got := exitCode(k.err); got != k.want {
			t.Errorf("exit code of %v: got %d, want %d", k.err, got, k.want)
		}
	}
}

func TestWrongCommands(t *testing.T) {
	for _, k := range []struct{ args, want string }{
		{"bogus", "there is no command `ken bogus`"},
		{"node lst", "but: list"},
		{"fs tree -d x", "invalid argument \"x\" for \"-d, --depth\" flag\n"},
		{"fs tree -d -1", "want 1 or more"},
		{"fs put -p 0 a /", "want 1 to 64"},
		{"fs put a", "usage: ken fs put LOCAL... PATH"},
		{"fs get /a /b /dev/null", "no folder"},
		{"fs quota /a 12x", "want a number of bytes"},
		{"fs replication /a 99", "want 1 to 8 copies"},
		{"dev --replication 0", "want 1 to 3"},
		{"init --replication 9", "want 1 to 8"},
		{"init --tls-cert /nonexistent", "no such file"},
	} {
		_, stderr, code := ken(t, append(strings.Fields(k.args), "--dir", t.TempDir())...)
		if code != 2 || !strings.Contains(stderr, k.want) {
			t.Errorf("ken %s: got exit code %d and %q, want 2 and %q", k.args, code, stderr, k.want)
		}
	}
}

// TestNobodyAnswers: a command without a nameserver ends soon and says why.
func TestNobodyAnswers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ken")
	mustKen(t, "init", "--dir", dir, "--roles", "nameserver", "--listen", freePort(t, "udp"))
	began := time.Now()
	out, stderr, code := ken(t, "status", "--json", "--dir", dir)
	if took := time.Since(began); code != 6 || took > 2*contactMax {
		t.Errorf("got exit code %d after %v, want 6 at once", code, took)
	}
	for _, want := range []string{"waiting for the nameserver at 127.0.0.1:", "not running, start it with `ken run --dir"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("got %q, want it to say %q", stderr, want)
		}
	}
	var s map[string]any
	if err := json.Unmarshal([]byte(out), &s); err != nil || s["verdict"] != "unknown" {
		t.Errorf("status --json: got %s, %v", out, err)
	}
}

// TestDevPortInUse: a first start that cannot serve makes no drive whose
// password nobody has seen.
func TestDevPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // nothing is on it
	dir := t.TempDir()
	_, stderr, code := ken(t, "dev", "--dir", dir, "--webdav", l.Addr().String())
	if code != 6 || !strings.Contains(stderr, "choose another address with --webdav") {
		t.Errorf("got exit code %d and %q", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "n1", "ken.toml")); err == nil {
		t.Error("a drive was made")
	}
}

// TestFsManySources: several sources into a directory, quota and replication.
func TestFsManySources(t *testing.T) {
	p, _ := dev(t, t.TempDir())
	local := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(local, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runScript(t, devDirOf(p), local, `
! fs put LOCAL/a LOCAL/b /in
? 3 ken fs mkdir -p /in
fs mkdir /in /out
fs put LOCAL/a LOCAL/b /in
> 2 files, 2 B
! fs put LOCAL/a LOCAL/b /in/a
? 4 several sources need a directory
fs cp /in/a /in/b /out
fs ls /out
> a
> b
fs mv /out/a /out/b /in
! fs mv /in/a /nothing /out
? 3 /nothing does not exist
fs ls /out
> a
fs get /out/a /in/b LOCAL
> 2 files, 2 B
fs quota /in 1M
> /in: 1 B used of 1.0 MiB
fs quota /in --json
> {
>   "path": "/in",
>   "quota": 1048576,
>   "used": 1
> }
fs quota /in none
> /in: 1 B used, no limit
! fs quota /in/b 1M
? 4 is a file
fs replication /in 3
> /in: 3 copies
fs replication /in inherit
> /in: 2 copies, as the directory above
fs replication /
> /: 2 copies, the cluster's number
`)
}

// TestHostileNames: names and texts of others reach no terminal as they are.
func TestHostileNames(t *testing.T) {
	const bad = "a\x1b]0;owned\x07\u009b31m\u202egpj.exe\n"
	var b bytes.Buffer
	tab := newTable(&b, "NAME")
	tab.row(bad)
	if err := tab.flush(); err != nil {
		t.Fatal(err)
	}
	if err := printEvent(&b, &globals{}, metadata.Event{Text: bad, Severity: "info", Code: bad}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.ContainsAny(got, "\x1b\x07\u009b\u202e") || strings.Count(got, "\n") != 3 {
		t.Errorf("got %q", got)
	}
	const fine = "naïve – 日本 👩‍👩‍👧 e\u0301"
	if got := shell.Printable(fine); got != fine {
		t.Errorf("got %q, want it as it is", got)
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "日本": 4, "e\u0301": 1, "├─…": 3, "👍": 2, "ｱ": 1, "Ａ": 2} {
		if got := columns(s); got != want {
			t.Errorf("%q: got %d, want %d", s, got, want)
		}
	}
	for _, k := range []struct {
		s    string
		most int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"}, {"e\u0301e\u0301", 2, "e\u0301e\u0301"},
	} {
		if got := cut(k.s, k.most); got != k.want || columns(got) > k.most {
			t.Errorf("cut(%q, %d): got %q, want %q", k.s, k.most, got, k.want)
		}
	}
	var b bytes.Buffer
	tab := newTable(&b)
	tab.row("日本", "x")
	tab.row("ab", "y")
	if err := tab.flush(); err != nil || b.String() != "日本  x\nab    y\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

func TestAskPassword(t *testing.T) {
	answers := func(all ...string) func(string) (string, error) {
		return func(q string) (string, error) {
			if strings.Contains(q, "\x1b") {
				t.Errorf("question %q", q)
			}
			if len(all) == 0 {
				return "", shell.ErrInterrupted
			}
			a := all[0]
			all = all[1:]
			return a, nil
		}
	}
	if p, err := askPassword("ann\x1b", answers("secret-1", "secret-1")); p != "secret-1" || err != nil {
		t.Errorf("got %q, %v", p, err)
	}
	if _, err := askPassword("ann", answers("secret-1", "secret-2")); exitCode(err) != 2 {
		t.Errorf("two passwords: got %v", err)
	}
	for _, a := range []func(string) (string, error){answers(), answers("secret-1")} {
		if _, err := askPassword("ann", a); !errors.Is(err, shell.ErrInterrupted) {
			t.Errorf("Ctrl-C: got %v", err)
		}
	}
}

// TestReadPassword: a password that is too long is refused as such, not cut to
// one that nobody knows.
func TestReadPassword(t *testing.T) {
	for in, want := range map[string]int{"secret-1\r\nmore": 8, "secret-1": 8, strings.Repeat("x", 5000): passwordBytesMax} {
		if got, err := readPassword(strings.NewReader(in), "ann"); err != nil || len(got) != want {
			t.Errorf("%.10q: got %d bytes, %v, want %d", in, len(got), err, want)
		}
	}
	if _, err := readPassword(strings.NewReader(""), "ann"); exitCode(err) != 2 {
		t.Errorf("nothing: got %v", err)
	}
	t.Setenv("KEN_PASSWORD", "of-the-environment")
	if got, err := readPassword(strings.NewReader("x\n"), "ann"); got != "of-the-environment" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestServe: what was started is ended however it ends, and no error is lost.
func TestServe(t *testing.T) {
	broken, late := errors.New("disk failed"), errors.New("log not closed")
	ended, stop := context.WithCancel(t.Context())
	stop()
	for what, k := range map[string]struct {
		ctx           context.Context
		announce, end error
		failed        error
		want          []error
	}{
		"a signal":              {ctx: ended},
		"a signal, a bad end":   {ctx: ended, end: late, want: []error{late}},
		"a failure":             {ctx: t.Context(), failed: broken, want: []error{broken}},
		"both":                  {ctx: t.Context(), failed: broken, end: late, want: []error{broken, late}},
		"nobody to announce to": {ctx: t.Context(), announce: broken, want: []error{broken}},
	} {
		failed, closed := make(chan error, 1), 0
		if k.failed != nil {
			failed <- k.failed
		}
		err := serve(k.ctx, func() error { return k.announce }, failed, func(ctx context.Context) error {
			if _, bounded := ctx.Deadline(); !bounded || ctx.Err() != nil {
				t.Errorf("%s: the end has no time", what)
			}
			closed++
			return k.end
		})
		if closed != 1 || (err == nil) != (len(k.want) == 0) {
			t.Errorf("%s: ended %d times, %v", what, closed, err)
		}
		for _, w := range k.want {
			if !errors.Is(err, w) {
				t.Errorf("%s: got %v, want %v in it", what, err, w)
			}
		}
	}
}

// TestFitted: a page is no wider and no higher than the terminal, and keeps its
// last line.
func TestFitted(t *testing.T) {
	const page = "one two three\nb\nc\nd\ne\nlast\n"
	for _, k := range []struct {
		wide, high int
		want       string
	}{
		{0, 0, "one two three|b|c|d|e|last|"}, {80, 24, "one two three|b|c|d|e|last|"}, {8, 7, "one two…|b|c|d|e|last|"},
		{80, 6, "one two three|b|c|… 2 lines more: `ken status`|last|"}, {80, 2, "one two three|b|c|d|e|last|"},
		{80, 3, "… 5 lines more: `ken status`|last|"},
	} {
		got := strings.ReplaceAll(fitted(page, k.wide, k.high), "\x1b[K\n", "|")
		if got != k.want {
			t.Errorf("%d × %d: got %s, want %s", k.wide, k.high, got, k.want)
		}
	}
}

func TestParagraphIsAsWideAsTheTerminal(t *testing.T) {
	const text = "All names and places of blocks are on one machine's disk. If that disk dies, the data cannot be found."
	for wide, want := range map[int]int{0: 90, 200: 90, 60: 60, 10: paragraphColumnsMin} {
		s := &screen{wide: wide, high: 24}
		paragraph(s, "means: ", text)
		most := 0
		for line := range strings.Lines(s.String()) {
			most = max(most, columns(strings.TrimSuffix(line, "\n")))
		}
		if most > want || most < want-20 {
			t.Errorf("terminal of %d: the longest line has %d columns, want about %d", wide, most, want)
		}
	}
	if w, h := terminalSize(os.Stdin); w < 0 || h < 0 {
		t.Errorf("%d × %d", w, h)
	}
	if w, h := terminalSize(&strings.Builder{}); w != 0 || h != 0 {
		t.Errorf("no terminal: %d × %d", w, h)
	}
}

package replica

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// copyTo is io.Copy without the short cuts.
func copyTo(w io.Writer, r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{w}, struct{ io.Reader }{r})
}

// file is an entry of an archive.
type file struct {
	name, data string
	kind       byte
}

// archive makes a tar archive.
func archive(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := tarHeader(f.name, int64(len(f.data)))
		if f.kind != 0 {
			h.Typeflag, h.Linkname, h.Size = f.kind, "/etc/passwd", 0
		}
		must(t, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := io.WriteString(w, f.data)
			must(t, err)
		}
	}
	must(t, w.Close())
	return b.Bytes()
}

func head() file { return file{name: streamHead, data: string(headBytes())} }

// TestReceive covers good and bad archives.
func TestReceive(t *testing.T) {
	good := archive(t, head(), file{name: "MANIFEST-000001", data: "m"}, file{name: "000002.sst", data: strings.Repeat("s", 2000)})
	for _, c := range []struct {
		name string
		data []byte
		want metadata.Kind // KindInternal: any error
		ok   bool
	}{
		{"good", good, 0, true},
		{"good with a tail", append(bytes.Clone(good), make([]byte, 5000)...), 0, true},
		{"empty", nil, metadata.KindInternal, false},
		{"no archive", []byte(strings.Repeat("garbage ", 200)), metadata.KindInternal, false},
		{"no head", archive(t, file{name: "x", data: "KSTRxxxx"}), metadata.KindInvalid, false},
		{"short head", archive(t, file{name: streamHead, data: "KSTR"}), metadata.KindInvalid, false},
		{"wrong magic", archive(t, file{name: streamHead, data: "KXXX\x00\x00\x00\x01"}), metadata.KindInvalid, false},
		{"later version", archive(t, file{name: streamHead, data: "KSTR\x00\x00\x00\x02"}), metadata.KindUnsupported, false},
		{"path", archive(t, head(), file{name: "../evil", data: "x"}), metadata.KindInvalid, false},
		{"absolute path", archive(t, head(), file{name: "/etc/evil", data: "x"}), metadata.KindInvalid, false},
		{"hidden", archive(t, head(), file{name: ".x", data: "x"}), metadata.KindInvalid, false},
		{"link", archive(t, head(), file{name: "x", kind: tar.TypeSymlink}), metadata.KindInvalid, false},
		{"folder", archive(t, head(), file{name: "x", kind: tar.TypeDir}), metadata.KindInvalid, false},
		{"cut", good[:len(good)-2000], metadata.KindInternal, false},
	} {
		fs := vfs.NewCrashableMem()
		err := receiveFiles(bytes.NewReader(c.data), fs, "in")
		if (err == nil) != c.ok || err != nil && c.want != metadata.KindInternal && metadata.KindOf(err) != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if !c.ok {
			continue
		}
		names, err := fs.List("in")
		must(t, err)
		if len(names) != 2 {
			t.Errorf("%s: files %v, want two", c.name, names)
		}
	}
}

func FuzzReceive(f *testing.F) {
	f.Add(archive(f, head(), file{name: "MANIFEST-000001", data: "m"}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		fs := vfs.NewMem()
		if err := receiveFiles(bytes.NewReader(data), fs, "in"); err != nil {
			return
		}
		names, err := fs.List("in")
		must(t, err)
		for _, name := range names {
			if checkFileName(name) != nil {
				t.Errorf("a file named %q was made", name)
			}
		}
		if names, err := fs.List(""); err != nil || len(names) != 1 {
			t.Errorf("files outside the folder: %v, %v", names, err)
		}
	})
}

// TestSinkCancel drops a stream in the middle.
func TestSinkCancel(t *testing.T) {
	n := openNode(t, memNode())
	store := &snapshots{state: n.state}
	sink, err := store.Create(raft.SnapshotVersionMax, 9, 1, raft.Configuration{}, 1, nil)
	must(t, err)
	if got := sink.ID(); got != liveSnapshot {
		t.Errorf("id before the first byte: got %s", got)
	}
	if _, err := sink.Write(archive(t, head(), file{name: "x", data: "y"})[:1500]); err != nil {
		t.Errorf("write: %v", err)
	}
	must(t, sink.Cancel())
	names, err := n.cfg.FS.List("node")
	must(t, err)
	for _, name := range names {
		if strings.HasPrefix(name, incomingPrefix) {
			t.Errorf("%s is left", name)
		}
	}
	if _, _, err := store.Open("state-000099"); metadata.KindOf(err) != metadata.KindNotFound {
		t.Errorf("open of what is not there: got %v, want not found", err)
	}
	if _, err := store.Create(0, 1, 1, raft.Configuration{}, 1, nil); metadata.KindOf(err) != metadata.KindUnsupported {
		t.Errorf("snapshot version 0: got %v, want unsupported", err)
	}
}

// TestSinkBadStream lets a stream break off: nothing may stay.
func TestSinkBadStream(t *testing.T) {
	n := openNode(t, memNode())
	sink, err := (&snapshots{state: n.state}).Create(raft.SnapshotVersionMax, 9, 1, raft.Configuration{}, 1, nil)
	must(t, err)
	_, err = copyTo(sink, strings.NewReader(strings.Repeat("garbage ", 1000)))
	if err = errors.Join(err, sink.Close()); err == nil {
		t.Error("garbage was accepted")
	}
	names, err := n.cfg.FS.List("node")
	must(t, err)
	if len(names) != 4 {
		t.Errorf("folder has %v", names)
	}
}

// TestStreamClosedEarly stops to read a state in the middle.
func TestStreamClosedEarly(t *testing.T) {
	n := openNode(t, memNode())
	_, r, err := (&snapshots{state: n.state}).Open(liveSnapshot)
	must(t, err)
	if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
		t.Error(err)
	}
	must(t, r.Close())
	names, err := n.cfg.FS.List("node")
	must(t, err)
	if len(names) != 4 {
		t.Errorf("folder has %v", names)
	}
}

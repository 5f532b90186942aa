package replica

import (
	"bytes"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

func entries() []*raft.Log {
	return []*raft.Log{
		{Index: 1, Term: 1, Type: raft.LogConfiguration, Data: []byte("members")},
		{Index: 2, Term: 1, Type: raft.LogNoop},
		{Index: 1 << 60, Term: 1<<63 + 5, Type: raft.LogCommand, Data: bytes.Repeat([]byte{7}, 5000), AppendedAt: time.Unix(5, 6)},
		{Index: 4, Term: 9, Type: raft.LogBarrier, Data: []byte("d"), Extensions: []byte("ext"), AppendedAt: time.Unix(0, 1)},
	}
}

func encoded(l *raft.Log) []byte {
	buf := make([]byte, entrySize(l))
	encodeEntry(buf, l)
	return buf
}

func sameEntry(a, b *raft.Log) bool {
	return a.Index == b.Index && a.Term == b.Term && a.Type == b.Type && bytes.Equal(a.Data, b.Data) &&
		bytes.Equal(a.Extensions, b.Extensions) && a.AppendedAt.Equal(b.AppendedAt)
}

func TestEntryRoundTrip(t *testing.T) {
	for _, want := range entries() {
		var got raft.Log
		if err := decodeEntry(encoded(want), want.Index, &got); err != nil {
			t.Fatalf("decode %v: %v", want.Index, err)
		}
		if !sameEntry(&got, want) {
			t.Errorf("decode: got %+v, want %+v", got, *want)
		}
	}
}

// TestEntryDamage flips every bit, cuts at every length and asks under a wrong
// index: all of it must be noticed.
func TestEntryDamage(t *testing.T) {
	for _, l := range entries() {
		good := encoded(l)
		if len(good) > 200 {
			continue // the long one would take a second and show nothing else
		}
		var got raft.Log
		for n := range good {
			if err := decodeEntry(good[:n], l.Index, &got); err == nil {
				t.Errorf("entry %d cut to %d bytes was accepted", l.Index, n)
			}
			for bit := range 8 {
				bad := bytes.Clone(good)
				bad[n] ^= 1 << bit
				if err := decodeEntry(bad, l.Index, &got); err == nil {
					t.Errorf("entry %d with bit %d of byte %d flipped was accepted", l.Index, bit, n)
				}
			}
		}
		if err := decodeEntry(good, l.Index+1, &got); metadata.KindOf(err) != metadata.KindCorrupt {
			t.Errorf("entry %d under another index: got %v, want corrupt", l.Index, err)
		}
	}
}

func TestEntryVersion(t *testing.T) {
	l := entries()[0]
	buf := encoded(l)
	buf[0] = 2
	var got raft.Log
	if err := decodeEntry(buf, l.Index, &got); metadata.KindOf(err) != metadata.KindUnsupported {
		t.Errorf("version 2: got %v, want unsupported", err)
	}
}

func FuzzDecodeEntry(f *testing.F) {
	for _, l := range entries() {
		f.Add(encoded(l), l.Index)
	}
	f.Fuzz(func(t *testing.T, buf []byte, index uint64) {
		var l raft.Log
		if err := decodeEntry(buf, index, &l); err != nil {
			return
		}
		if got := encoded(&l); !bytes.Equal(got, buf) {
			t.Errorf("encode(decode(%x)) = %x", buf, got)
		}
	})
}

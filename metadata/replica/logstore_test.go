package replica

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"kendfs/metadata"
)

// openLog opens a log store of node 1 that must open.
func openLog(t interface{ Fatal(...any) }, fs vfs.FS) *logStore {
	s, err := openLogStore("log", fs, 1, newFailure(slog.New(slog.DiscardHandler)), &counters{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func entry(index, term uint64) *raft.Log {
	return &raft.Log{Index: index, Term: term, Type: raft.LogCommand, Data: fmt.Appendf(nil, "entry %d.%d", index, term)}
}

// contents lists a store's entries as raft sees them.
func contents(t interface{ Fatalf(string, ...any) }, s raft.LogStore) string {
	first, err := s.FirstIndex()
	if err != nil {
		t.Fatalf("FirstIndex: %v", err)
	}
	last, err := s.LastIndex()
	if err != nil {
		t.Fatalf("LastIndex: %v", err)
	}
	out := fmt.Sprintf("%d..%d:", first, last)
	for i := first; i <= last && i > 0; i++ {
		var l raft.Log
		switch err := s.GetLog(i, &l); {
		case errors.Is(err, raft.ErrLogNotFound):
			out += fmt.Sprintf(" %d-", i)
		case err != nil:
			t.Fatalf("GetLog %d: %v", i, err)
		default:
			out += fmt.Sprintf(" %d.%d=%s", l.Index, l.Term, l.Data)
		}
	}
	return out
}

// TestLogStoreLikeRaftsOwn runs random operations on this store and on raft's
// in-memory one and compares all that can be seen, with reopening in between.
func TestLogStoreLikeRaftsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := vfs.NewMem()
		s, twin := openLog(t, fs), raft.NewInmemStore()
		next, term := uint64(rapid.IntRange(1, 1000).Draw(t, "first")), uint64(1)
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				var logs []*raft.Log
				for range rapid.IntRange(1, 5).Draw(t, "n") {
					logs = append(logs, entry(next, term))
					next++
				}
				must(t, s.StoreLogs(logs), twin.StoreLogs(logs))
			},
			"truncate front": func(t *rapid.T) {
				first, _ := twin.FirstIndex()
				last, _ := twin.LastIndex()
				if first == 0 {
					t.Skip("empty")
				}
				to := rapid.Uint64Range(first, last).Draw(t, "to")
				must(t, s.DeleteRange(first, to), twin.DeleteRange(first, to))
			},
			"truncate back": func(t *rapid.T) {
				first, _ := twin.FirstIndex()
				last, _ := twin.LastIndex()
				if first == 0 {
					t.Skip("empty")
				}
				from := rapid.Uint64Range(first, last).Draw(t, "from")
				must(t, s.DeleteRange(from, last), twin.DeleteRange(from, last))
				next, term = from, term+1
			},
			"stable": func(t *rapid.T) {
				key := []byte(rapid.SampledFrom([]string{"CurrentTerm", "LastVoteTerm"}).Draw(t, "key"))
				val := rapid.Uint64().Draw(t, "val")
				must(t, s.SetUint64(key, val), twin.SetUint64(key, val))
				got, err := s.GetUint64(key)
				if err != nil || got != val {
					t.Fatalf("GetUint64 %s: got %d, %v, want %d", key, got, err, val)
				}
			},
			"reopen": func(t *rapid.T) {
				must(t, s.close())
				s = openLog(t, fs)
			},
			"": func(t *rapid.T) {
				// The twin keeps its last index after all was removed; raft does
				// not depend on that.
				if first, _ := twin.FirstIndex(); first == 0 || isEmpty(t, twin) {
					if got := contents(t, s); got != "0..0:" {
						t.Fatalf("got %s, want nothing", got)
					}
					return
				}
				if got, want := contents(t, s), contents(t, twin); got != want {
					t.Fatalf("got  %s\nwant %s", got, want)
				}
			},
		})
		must(t, s.close())
	})
}

func isEmpty(t *rapid.T, s raft.LogStore) bool {
	last, err := s.LastIndex()
	must(t, err)
	var l raft.Log
	return last == 0 || errors.Is(s.GetLog(last, &l), raft.ErrLogNotFound)
}

func must(t interface{ Fatal(...any) }, errs ...error) {
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestLogStoreEmpty(t *testing.T) {
	s := openLog(t, vfs.NewMem())
	if got, want := contents(t, s), "0..0:"; got != want {
		t.Errorf("contents: got %s, want %s", got, want)
	}
	var l raft.Log
	if err := s.GetLog(1, &l); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("GetLog: got %v, want not found", err)
	}
	if v, err := s.Get([]byte("absent")); v != nil || err != nil {
		t.Errorf("Get: got %q, %v, want nothing", v, err)
	}
	if v, err := s.GetUint64([]byte("absent")); v != 0 || err != nil {
		t.Errorf("GetUint64: got %d, %v, want 0", v, err)
	}
	if !s.IsMonotonic() {
		t.Error("IsMonotonic: got false")
	}
	must(t, s.close())
}

// TestLogStoreOwner checks that a folder stays with its node.
func TestLogStoreOwner(t *testing.T) {
	fs := vfs.NewMem()
	must(t, openLog(t, fs).close())
	_, err := openLogStore("log", fs, 2, newFailure(slog.New(slog.DiscardHandler)), &counters{})
	if metadata.KindOf(err) != metadata.KindConflict {
		t.Errorf("open as node 2: got %v, want a conflict", err)
	}
	must(t, openLog(t, fs).close())
}

func TestLogStoreSignalsWhenLong(t *testing.T) {
	s := openLog(t, vfs.NewMem())
	must(t, s.StoreLog(entry(1, 1)))
	s.pending.Store(snapshotBytes)
	must(t, s.StoreLog(entry(2, 1)), s.StoreLog(entry(3, 1)))
	select {
	case <-s.full:
	default:
		t.Error("no signal after snapshotBytes")
	}
	must(t, s.DeleteRange(1, 2))
	if got := s.pending.Load(); got != 0 {
		t.Errorf("pending after truncation: got %d, want 0", got)
	}
	must(t, s.close())
}

// TestLogCheck covers what Open refuses when log and state do not fit.
func TestLogCheck(t *testing.T) {
	for _, c := range []struct {
		name        string
		first, last uint64 // entries, of term 3
		term        uint64 // current
		state       progress
		want        metadata.Kind // KindInternal: accepted
	}{
		{"new", 0, 0, 0, progress{}, metadata.KindInternal},
		{"nothing applied", 1, 5, 3, progress{}, metadata.KindInternal},
		{"all applied", 1, 5, 3, progress{index: 5, term: 3}, metadata.KindInternal},
		{"truncated", 4, 9, 4, progress{index: 3, term: 3}, metadata.KindInternal},
		{"installed", 0, 0, 3, progress{index: 7, term: 3}, metadata.KindInternal},
		{"log lost", 0, 0, 0, progress{index: 7, term: 3}, metadata.KindCorrupt},
		{"log replaced", 1, 9, 1, progress{index: 7, term: 3}, metadata.KindCorrupt},
		{"hole before", 5, 9, 3, progress{index: 3, term: 3}, metadata.KindCorrupt},
		{"state lost", 5, 9, 3, progress{}, metadata.KindCorrupt},
		{"end lost", 1, 5, 3, progress{index: 6, term: 3}, metadata.KindCorrupt},
		{"other term", 1, 5, 3, progress{index: 4, term: 2}, metadata.KindCorrupt},
	} {
		s := openLog(t, vfs.NewMem())
		for i := c.first; i <= c.last && i > 0; i++ {
			must(t, s.StoreLog(entry(i, 3)))
		}
		if c.term > 0 {
			must(t, s.SetUint64([]byte(keyCurrentTerm), c.term))
		}
		err := s.check(c.state)
		if (err != nil) != (c.want != metadata.KindInternal) || err != nil && metadata.KindOf(err) != c.want {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		must(t, s.close())
	}
}

// TestLogCheckHole removes and damages entries that the state does not have.
func TestLogCheckHole(t *testing.T) {
	for name, break_ := range map[string]func(*logStore) error{
		"hole": func(s *logStore) error { return s.DeleteRange(3, 3) },
		"damage": func(s *logStore) error {
			return s.db.Set(entryKey(3), []byte("garbage of some length, but not an entry"), nil)
		},
	} {
		s := openLog(t, vfs.NewMem())
		for i := uint64(1); i <= 5; i++ {
			must(t, s.StoreLog(entry(i, 1)))
		}
		must(t, s.SetUint64([]byte(keyCurrentTerm), 1), break_(s))
		if err := s.check(progress{index: 1, term: 1}); metadata.KindOf(err) != metadata.KindCorrupt && metadata.KindOf(err) != metadata.KindUnsupported {
			t.Errorf("%s: got %v, want corrupt", name, err)
		}
		if err := s.check(progress{index: 4, term: 1}); err != nil {
			t.Errorf("%s before the state's end: got %v, want nothing", name, err)
		}
		must(t, s.close())
	}
}

// TestInstallNote covers the three places of a crash during an installation.
func TestInstallNote(t *testing.T) {
	for _, c := range []struct {
		name, note, current string
		want                string
	}{
		{"none", "", "state-000001", "1..2: 1.1=entry 1.1 2.1=entry 2.1"},
		{"before the switch", "state-000002", "state-000001", "1..2: 1.1=entry 1.1 2.1=entry 2.1"},
		{"after the switch", "state-000002", "state-000002", "0..0:"},
	} {
		s := openLog(t, vfs.NewMem())
		must(t, s.StoreLogs([]*raft.Log{entry(1, 1), entry(2, 1)}))
		if c.note != "" {
			must(t, s.beginInstall(c.note))
		}
		must(t, s.recoverInstall(c.current))
		if got := contents(t, s); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
		if note, err := getRow(s.db, ownKey(rowInstall)); note != nil || err != nil {
			t.Errorf("%s: note is still there: %q, %v", c.name, note, err)
		}
		must(t, s.close())
	}
}

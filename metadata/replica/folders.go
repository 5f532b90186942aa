package replica

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"kendfs/metadata"
)

// Names in a node's folder. Whatever starts with one of the prefixes and is
// not the current state is a leftover of a crash.
const (
	logFolder        = "log"
	statePrefix      = "state-"
	incomingPrefix   = "incoming-"
	checkpointPrefix = "checkpoint-"
	markerName       = "state"
)

// folders manages the node's folder: the lock, the current state and the side
// folders in which states are received and sent.
type folders struct {
	dir     string
	fs      vfs.FS
	failure *failure
	lock    *pebble.Lock
	marker  *atomicfs.Marker
	current string // name of the current state, "" before the first

	mu   sync.Mutex
	next uint64          // highest number of a state or side folder
	busy map[string]bool // side folders in use, which clean leaves alone
}

// openFolders makes dir if need be, locks it and removes leftovers.
func openFolders(dir string, fs vfs.FS, fail *failure) (*folders, error) {
	if err := makeFolder(dir, fs); err != nil {
		return nil, metadata.Errorf(metadata.KindUnavailable, "make folder %s: %w", dir, err)
	}
	lock, err := pebble.LockDirectory(dir, fs)
	if err != nil {
		return nil, metadata.Errorf(metadata.KindConflict,
			"%s is in use by another process (or cannot be locked): %w", dir, err)
	}
	f := &folders{dir: dir, fs: fs, failure: fail, lock: lock, busy: map[string]bool{}}
	f.marker, f.current, err = atomicfs.LocateMarker(fs, dir, markerName)
	if err == nil {
		err = f.clean()
	}
	if err != nil {
		return nil, metadata.Errorf(metadata.KindOf(err), "open folder %s: %w", dir, errors.Join(err, f.close()))
	}
	return f, nil
}

// makeFolder makes dir and fsyncs its parent, so that it is still there after
// a power cut.
func makeFolder(dir string, fs vfs.FS) error {
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	parent, err := fs.OpenDir(fs.PathDir(dir))
	if errors.Is(err, os.ErrPermission) {
		return nil // the operator made dir in a folder we may not read
	}
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

func (f *folders) path(name string) string { return f.fs.PathJoin(f.dir, name) }

// clean removes every state but the current one and every side folder that is
// not in use.
func (f *folders) clean() error {
	names, err := f.fs.List(f.dir)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		number, ok := folderNumber(name)
		if !ok {
			continue
		}
		f.next = max(f.next, number)
		if name == f.current || f.busy[name] {
			continue
		}
		if err := f.fs.RemoveAll(f.path(name)); err != nil {
			return err
		}
	}
	return nil
}

// side names a new side folder, which is in use until remove or promote.
func (f *folders) side(prefix string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next++
	name := fmt.Sprintf("%s%06d", prefix, f.next)
	f.busy[name] = true
	return name
}

// remove removes a side folder.
func (f *folders) remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.busy, name)
	return f.fs.RemoveAll(f.path(name))
}

// promote renames a complete side folder to a state, which is not current yet.
func (f *folders) promote(name, target string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.fs.Rename(f.path(name), f.path(target)); err != nil {
		return err
	}
	delete(f.busy, name)
	return syncFolder(f.fs, f.dir)
}

// folderNumber parses the number of a state or side folder.
func folderNumber(name string) (uint64, bool) {
	for _, prefix := range []string{statePrefix, incomingPrefix, checkpointPrefix} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			n, err := strconv.ParseUint(rest, 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}

// openCurrent opens the current state, making the first one.
func (f *folders) openCurrent() (*pebble.DB, error) {
	if f.current != "" {
		return f.openState(f.current)
	}
	name := f.side(statePrefix)
	db, err := f.openState(name)
	if err != nil {
		return nil, err
	}
	if err := f.switchTo(name); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// openState opens the state called name.
func (f *folders) openState(name string) (*pebble.DB, error) {
	return openDatabase(f.path(name), f.stateOptions())
}

func (f *folders) stateOptions() databaseOptions {
	return databaseOptions{fs: f.fs, failure: f.failure, magic: "KSTA", cache: stateCacheBytes, memtable: stateMemtableBytes}
}

// switchTo makes name the current state, durably and at once.
func (f *folders) switchTo(name string) error {
	if err := f.marker.Move(name); err != nil {
		return metadata.Errorf(metadata.KindCorrupt, "move the marker to %s: %w", name, err)
	}
	f.current = name
	return nil
}

// close releases the lock.
func (f *folders) close() error { return errors.Join(f.marker.Close(), f.lock.Close()) }

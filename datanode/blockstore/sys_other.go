//go:build !linux

package blockstore

import (
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Outside Linux nothing is preallocated and vectors are written piece by piece.

func allocate(vfs.File, int64, int64) error { return nil }

func inPlace(vfs.File) bool { return false }

func trim(vfs.File, int64) error { return nil }

func writeVector(f vfs.File, pieces [][]byte, off int64) error {
	for _, p := range pieces {
		if _, err := f.WriteAt(p, off); err != nil {
			return err
		}
		off += int64(len(p))
	}
	return nil
}

func readAhead(vfs.File, int64, int64) {}

func dropCache(vfs.File, int64, int64) {}

// fileSystemID is not known here.
func fileSystemID(string) uint64 { return 0 }

package blockstore

import (
	"encoding/binary"
	"hash/fnv"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// iovMax is the kernel's bound on the pieces of one pwritev (IOV_MAX).
const iovMax = 1024

// allocate reserves space and lengthens the file, so that a later fdatasync
// need not write the file's size. It does nothing without a descriptor.
func allocate(f vfs.File, off, n int64) error {
	fd := f.Fd()
	if fd == vfs.InvalidFd || n <= 0 {
		return nil
	}
	err := unix.Fallocate(int(fd), 0, off, n)
	if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
		return nil
	}
	return err
}

// fileSystemID returns a number that is equal for folders on one file system of
// this machine, and 0 if there is none to be had.
func fileSystemID(dir string) uint64 {
	var st unix.Stat_t
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id") // tells machines apart
	if err != nil || unix.Stat(dir, &st) != nil {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write(binary.BigEndian.AppendUint64(boot, st.Dev)) // never fails
	return h.Sum64()
}

// inPlace reports whether the file system writes into a place that was written
// before instead of finding a new one: ext2 to ext4 and XFS do.
func inPlace(f vfs.File) bool {
	fd := f.Fd()
	var st unix.Statfs_t
	if fd == vfs.InvalidFd || unix.Fstatfs(int(fd), &st) != nil {
		return false
	}
	return st.Type == unix.EXT4_SUPER_MAGIC || st.Type == unix.XFS_SUPER_MAGIC
}

// trim gives back what was allocated past the end of a closed log.
func trim(f vfs.File, end int64) error {
	if fd := f.Fd(); fd != vfs.InvalidFd {
		return unix.Ftruncate(int(fd), end)
	}
	return nil
}

// writeVector writes the pieces one after another at off: with pwritev, which
// copies nothing in this process.
func writeVector(f vfs.File, pieces [][]byte, off int64) error {
	fd := int(f.Fd())
	for len(pieces) > 0 {
		n, err := unix.Pwritev(fd, pieces[:min(len(pieces), iovMax)], off)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return io.ErrShortWrite
		}
		off += int64(n)
		for len(pieces) > 0 && n >= len(pieces[0]) {
			n -= len(pieces[0])
			pieces = pieces[1:]
		}
		if n > 0 {
			pieces[0] = pieces[0][n:]
		}
	}
	return nil
}

// readAhead tells the kernel that a range will be read soon.
func readAhead(f vfs.File, off, n int64) {
	if f.Fd() != vfs.InvalidFd {
		_ = f.Prefetch(off, n) // advice only
	}
}

// dropCache tells the kernel that a range will not be read again soon.
func dropCache(f vfs.File, off, n int64) {
	if fd := f.Fd(); fd != vfs.InvalidFd {
		_ = unix.Fadvise(int(fd), off, n, unix.FADV_DONTNEED) // advice only
	}
}

package blockstore

import (
	"errors"
	"fmt"
	"strconv"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// Names below a disk's directory.
const (
	packsName  = "packs"
	blocksName = "blocks"
	tempName   = "tmp"
	indexName  = "index"
	lockName   = "LOCK"
	dirtyName  = "dirty"         // there while the disk is open: found at Open, it tells of a crash
	brokenName = "index.damaged" // there when the index must be rebuilt
	fanOut     = 16              // directories below blocks/
)

// makeDirs makes the directories of a disk, durably.
func makeDirs(fs vfs.FS, dir string) error {
	for _, name := range []string{packsName, tempName} {
		if err := fs.MkdirAll(fs.PathJoin(dir, name), 0o700); err != nil {
			return err
		}
	}
	for i := range fanOut {
		if err := fs.MkdirAll(fs.PathJoin(dir, blocksName, fmt.Sprintf("%02x", i)), 0o700); err != nil {
			return err
		}
	}
	if err := syncDir(fs, fs.PathJoin(dir, blocksName)); err != nil {
		return err
	}
	return syncDir(fs, dir)
}

// syncDir makes the names in a directory durable. It is a syncError when that,
// and not the opening before it, failed.
func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil {
		_ = d.Close() // the sync's error counts
		return syncError{err}
	}
	return d.Close()
}

// writeFile writes a small file and syncs it; the caller syncs the directory.
func writeFile(fs vfs.FS, name string, b []byte) error {
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err != nil {
		_ = f.Close() // the first error counts
		return err
	}
	return f.Close()
}

// isNoSpace reports whether the disk, or a quota on it, is full.
func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// isShort reports whether the process or the machine is short of something.
// That passes, and says nothing about the disk.
func isShort(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// passes reports whether a write that failed so may be tried again later: the
// disk is full, or something is short. An error of a sync never passes (BS-9).
func passes(err error) bool {
	return (isNoSpace(err) || isShort(err)) && !errors.As(err, new(syncError))
}

// diskError turns an error of the file system into one of KenDFS.
func diskError(doing string, err error) error {
	var known *metadata.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case isNoSpace(err):
		return metadata.Errorf(metadata.KindNoSpace, "%s: %w", doing, err)
	case isShort(err):
		return metadata.Errorf(metadata.KindBusy, "%s: %w", doing, err)
	}
	return metadata.Errorf(metadata.KindUnavailable, "%s: %w", doing, err)
}

// packName returns the name of a pack's file.
func packName(n uint32) string { return fmt.Sprintf("%06d", n) }

// parsePackName is the inverse of packName.
func parsePackName(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n > 0 && packName(uint32(n)) == s
}

// packPath returns where a pack is.
func packPath(fs vfs.FS, dir string, n uint32) string {
	return fs.PathJoin(dir, packsName, packName(n))
}

// blockFile names the file of a large block. The generation tells apart two
// files of the same block, written at different times.
type blockFile struct {
	key key
	gen uint64
}

// name returns the file's name without its directory.
func (b blockFile) name() string {
	return fmt.Sprintf("%016x-%016x-%016x", uint64(b.key.volume), uint64(b.key.local), b.gen)
}

// parseBlockFile is the inverse of name.
func parseBlockFile(s string) (blockFile, bool) {
	if len(s) != 50 || s[16] != '-' || s[33] != '-' {
		return blockFile{}, false
	}
	v, err1 := strconv.ParseUint(s[:16], 16, 64)
	l, err2 := strconv.ParseUint(s[17:33], 16, 64)
	g, err3 := strconv.ParseUint(s[34:], 16, 64)
	b := blockFile{key{metadata.VolumeID(v), metadata.LocalID(l)}, g}
	return b, err1 == nil && err2 == nil && err3 == nil && b.name() == s
}

// dir returns the directory below blocks/ that the file is in.
func (b blockFile) dir() string { return fmt.Sprintf("%02x", b.key.id().Digest()%fanOut) }

package blockstore

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kendfs/metadata"
)

// The id file names the disk. It holds the same record twice, in different
// sectors, so that one bad sector does not cost the disk.
const (
	idMagic       = "KENDISK1"
	idCopyBytes   = 4096
	idRecordBytes = 108
	clusterMax    = 63
	idName        = "id"
)

// identity is the content of the id file.
type identity struct {
	disk    metadata.DiskID
	secret  [16]byte // starts every record's checksum
	cluster string   // "" or the cluster that the disk belongs to
}

// secretCRC is where every checksum of a header starts.
func (i identity) secretCRC() uint32 {
	return crc32.Checksum(i.secret[:], crcTable())
}

// appendIdentity appends one copy of the record.
func appendIdentity(b []byte, i identity) []byte {
	le := binary.LittleEndian
	start := len(b)
	b = append(b, idMagic...)
	b = le.AppendUint32(b, formatVersion)
	b = le.AppendUint32(b, 0)
	b = le.AppendUint64(b, uint64(i.disk))
	b = append(b, i.secret[:]...)
	b = append(b, byte(len(i.cluster)))
	b = append(b, i.cluster...)
	b = append(b, make([]byte, clusterMax-len(i.cluster))...)
	return le.AppendUint32(b, crc32.Checksum(b[start:], crcTable()))
}

// parseIdentity reads one copy.
func parseIdentity(b []byte) (identity, error) {
	le := binary.LittleEndian
	if len(b) < idRecordBytes || string(b[:8]) != idMagic {
		return identity{}, metadata.Errorf(metadata.KindCorrupt, "id file: not the id of a KenDFS disk")
	}
	if le.Uint32(b[104:]) != crc32.Checksum(b[:104], crcTable()) {
		return identity{}, metadata.Errorf(metadata.KindCorrupt, "id file: checksum is wrong")
	}
	if v := le.Uint32(b[8:]); v != formatVersion {
		return identity{}, metadata.Errorf(metadata.KindUnsupported,
			"id file: version %d; this program reads version %d: use a newer one", v, formatVersion)
	}
	i := identity{disk: metadata.DiskID(le.Uint64(b[16:])), secret: [16]byte(b[24:40])}
	n := int(b[40])
	if i.disk == 0 || n > clusterMax {
		return identity{}, metadata.Errorf(metadata.KindCorrupt, "id file: disk %v, cluster name of %d bytes", i.disk, n)
	}
	i.cluster = string(b[41 : 41+n])
	return i, nil
}

// decodeIdentity reads the id file's content: the first good copy wins.
func decodeIdentity(b []byte) (identity, error) {
	i, err := parseIdentity(b)
	if err == nil || metadata.KindOf(err) == metadata.KindUnsupported || len(b) < idCopyBytes {
		return i, err
	}
	if second, err2 := parseIdentity(b[idCopyBytes:]); err2 == nil {
		return second, nil
	}
	return identity{}, err
}

// FormatOptions are what Format may be told.
type FormatOptions struct {
	FS      vfs.FS          // nil: the operating system's
	Cluster string          // the cluster that the disk belongs to, at most 63 bytes; may be empty
	Disk    metadata.DiskID // zero: drawn at random
}

// Format makes dir, which is created if need be, a new empty disk and returns
// its id. The id file comes last and by rename: a format that was interrupted
// leaves no disk and may be repeated. KindExists: dir is a disk already.
// KindConflict: dir has no id but holds data, so that a new id would hide it.
func Format(dir string, opt FormatOptions) (metadata.DiskID, error) {
	fs := opt.FS
	if fs == nil {
		fs = vfs.Default
	}
	if len(opt.Cluster) > clusterMax {
		return 0, metadata.Errorf(metadata.KindTooLarge, "cluster name is longer than %d bytes", clusterMax)
	}
	if _, err := fs.Stat(fs.PathJoin(dir, idName)); err == nil {
		return 0, metadata.Errorf(metadata.KindExists, "%s is a KenDFS disk already", dir)
	} else if !errors.Is(err, os.ErrNotExist) {
		return 0, diskError("format", err)
	}
	if names, err := fs.List(fs.PathJoin(dir, packsName)); err == nil && len(names) > 0 {
		return 0, metadata.Errorf(metadata.KindConflict,
			"%s has no id file but holds packs: restore the id file, or empty the directory to start afresh", dir)
	}
	i := identity{disk: opt.Disk, cluster: opt.Cluster}
	var random [24]byte
	if _, err := rand.Read(random[:]); err != nil {
		return 0, metadata.Errorf(metadata.KindInternal, "draw a disk id: %w", err)
	}
	copy(i.secret[:], random[:16])
	if i.disk == 0 {
		i.disk = metadata.DiskID(binary.LittleEndian.Uint64(random[16:]) | 1)
	}
	if err := writeFormat(fs, dir, i); err != nil {
		return 0, diskError("format", err)
	}
	return i.disk, nil
}

// writeFormat makes the directories, then the id.
func writeFormat(fs vfs.FS, dir string, i identity) error {
	if err := makeDirs(fs, dir); err != nil {
		return err
	}
	page := appendIdentity(nil, i)
	page = append(page, make([]byte, idCopyBytes-len(page))...)
	temp := fs.PathJoin(dir, idName+".new")
	if err := writeFile(fs, temp, bytes.Repeat(page, 2)); err != nil {
		return err
	}
	if err := fs.Rename(temp, fs.PathJoin(dir, idName)); err != nil {
		return err
	}
	if err := syncDir(fs, dir); err != nil {
		return err
	}
	return syncDir(fs, fs.PathDir(dir))
}

// readIdentity reads the id file of dir.
func readIdentity(fs vfs.FS, dir string) (identity, error) {
	f, err := fs.Open(fs.PathJoin(dir, idName))
	if errors.Is(err, os.ErrNotExist) {
		return identity{}, metadata.Errorf(metadata.KindNotFound,
			"%s is not a KenDFS disk: no id file (a new or wiped disk must be formatted and gets a new id)", dir)
	}
	if err != nil {
		return identity{}, diskError("open id file", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 2*idCopyBytes))
	if err != nil {
		return identity{}, diskError("read id file", err)
	}
	return decodeIdentity(b)
}

package metadata

import (
	"fmt"
	"strconv"
	"strings"
)

// EntryID names a file or a directory for as long as it exists. Renaming an
// entry or replacing a file's content keeps its id; a copy gets a new one.
type EntryID uint64

// RootID is the directory "/". It always exists.
const RootID EntryID = 1

// ContentID names one immutable version of a file's data. Every commit gets a
// new one, so it is the file's strong validator (ETag). Copies share it.
type ContentID uint64

// VolumeID names a volume, the unit of placement and repair.
type VolumeID uint64

// LocalID numbers a block inside its volume.
type LocalID uint64

// NodeID names a machine (more exactly: one enrolled folder) in the cluster.
// Zero is no node.
type NodeID uint64

// DiskID names one disk of a storage server. It is drawn at random when the
// disk is formatted and stays with the disk. Zero is no disk.
type DiskID uint64

// SessionID names one run of a client that writes: a gateway, a native client.
type SessionID uint64

// Epoch is the version of a volume's replica set. Every change raises it.
type Epoch uint64

// String returns "n" and the decimal number, as "n3".
func (n NodeID) String() string { return "n" + strconv.FormatUint(uint64(n), 10) }

// ParseNodeID is the inverse of String.
func ParseNodeID(s string) (NodeID, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "n"), 10, 64)
	if err != nil || v == 0 || !strings.HasPrefix(s, "n") {
		return 0, Errorf(KindInvalid, "node id %q: want n and a number, as n3", s)
	}
	return NodeID(v), nil
}

// String returns 16 hexadecimal digits.
func (d DiskID) String() string { return fmt.Sprintf("%016x", uint64(d)) }

// ParseDiskID is the inverse of String.
func ParseDiskID(s string) (DiskID, error) {
	v, err := strconv.ParseUint(s, 16, 64)
	if err != nil || v == 0 || len(s) != 16 {
		return 0, Errorf(KindInvalid, "disk id %q: want 16 hexadecimal digits", s)
	}
	return DiskID(v), nil
}

// String returns "v" and the decimal number, as "v17".
func (v VolumeID) String() string { return "v" + strconv.FormatUint(uint64(v), 10) }

// ParseVolumeID is the inverse of String.
func ParseVolumeID(s string) (VolumeID, error) {
	v, err := strconv.ParseUint(strings.TrimPrefix(s, "v"), 10, 64)
	if err != nil || v == 0 || !strings.HasPrefix(s, "v") {
		return 0, Errorf(KindInvalid, "volume id %q: want v and a number, as v17", s)
	}
	return VolumeID(v), nil
}

// BlockID names a block: an immutable piece of one file's data.
type BlockID struct {
	Volume VolumeID
	Local  LocalID
}

// String returns volume and local id, as "v17/4711".
func (b BlockID) String() string {
	return b.Volume.String() + "/" + strconv.FormatUint(uint64(b.Local), 10)
}

// Digest hashes the id for volume digests (see VolumeDigest): the finaliser of
// MurmurHash3, which spreads neighbouring ids over all 64 bits.
func (b BlockID) Digest() uint64 {
	h := uint64(b.Local)*0x9e3779b97f4a7c15 ^ uint64(b.Volume)
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

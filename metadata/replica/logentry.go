package replica

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// A log entry's value: version, type, term, time, length of the extensions,
// extensions, data, CRC32C over the index and all before it.
const (
	entryVersion = 1
	entryHeader  = 1 + 1 + 8 + 8 + 4
	entryTrailer = 4
)

// entrySize returns the encoded size of l.
func entrySize(l *raft.Log) int {
	return entryHeader + len(l.Extensions) + len(l.Data) + entryTrailer
}

// encodeEntry writes l into buf, which has exactly entrySize(l) bytes.
func encodeEntry(buf []byte, l *raft.Log) {
	buf[0] = entryVersion
	buf[1] = byte(l.Type)
	binary.BigEndian.PutUint64(buf[2:], l.Term)
	var at int64
	if !l.AppendedAt.IsZero() {
		at = l.AppendedAt.UnixNano()
	}
	binary.BigEndian.PutUint64(buf[10:], uint64(at))
	binary.BigEndian.PutUint32(buf[18:], uint32(len(l.Extensions)))
	n := entryHeader
	n += copy(buf[n:], l.Extensions)
	n += copy(buf[n:], l.Data)
	binary.BigEndian.PutUint32(buf[n:], entrySum(l.Index, buf[:n]))
}

// checkEntry verifies an encoded entry and returns its term.
func checkEntry(buf []byte, index uint64) (term uint64, err error) {
	if len(buf) < entryHeader+entryTrailer {
		return 0, metadata.Errorf(metadata.KindCorrupt, "log entry %d has only %d bytes", index, len(buf))
	}
	if buf[0] != entryVersion {
		return 0, metadata.Errorf(metadata.KindUnsupported,
			"log entry %d has version %d; this program reads version %d", index, buf[0], entryVersion)
	}
	end := len(buf) - entryTrailer
	if got, want := entrySum(index, buf[:end]), binary.BigEndian.Uint32(buf[end:]); got != want {
		return 0, metadata.Errorf(metadata.KindCorrupt, "log entry %d has checksum %08x, want %08x", index, got, want)
	}
	if ext := binary.BigEndian.Uint32(buf[18:]); uint64(ext) > uint64(end-entryHeader) {
		return 0, metadata.Errorf(metadata.KindCorrupt, "log entry %d: %d bytes of extensions do not fit", index, ext)
	}
	return binary.BigEndian.Uint64(buf[2:]), nil
}

// decodeEntry is the inverse of encodeEntry. l shares no memory with buf.
func decodeEntry(buf []byte, index uint64, l *raft.Log) error {
	term, err := checkEntry(buf, index)
	if err != nil {
		return err
	}
	*l = raft.Log{Index: index, Type: raft.LogType(buf[1]), Term: term}
	if at := int64(binary.BigEndian.Uint64(buf[10:])); at != 0 {
		l.AppendedAt = time.Unix(0, at)
	}
	body := append([]byte(nil), buf[entryHeader:len(buf)-entryTrailer]...)
	ext := binary.BigEndian.Uint32(buf[18:])
	if ext > 0 {
		l.Extensions = body[:ext:ext]
	}
	l.Data = body[ext:]
	return nil
}

// entrySum covers the index too: an entry found under another key is damage.
func entrySum(index uint64, b []byte) uint32 {
	var key [8]byte
	binary.BigEndian.PutUint64(key[:], index)
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(key[:], table), table, b)
}

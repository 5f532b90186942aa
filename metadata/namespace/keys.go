package namespace

import "encoding/binary"

// The tables. A key's first byte is its table; ids in keys are 8 bytes big-endian,
// so that rows of one directory, content, volume or session lie together in
// order. DESIGN.md gives every row byte by byte.
const (
	tableApplied   = 'a' // -> index u64
	tableCluster   = 'C' // -> ClusterRow
	tableEntry     = 'D' // dir, NFC name -> EntryRow; (0, "") is the root
	tableDir       = 'I' // dir -> DirRow
	tableProp      = 'P' // entry, space NUL local -> PropRow
	tableContent   = 'K' // content -> ContentRow
	tableRefs      = 'X' // content, chunk u32 -> RefChunk
	tableStaged    = 'W' // session, content -> empty
	tableDeadLarge = 'Z' // time, content -> empty: large contents to release
	tableTrash     = 'T' // dir -> TrashRow

	tableLock       = 'L' // entry, token -> LockRow
	tableLockToken  = 'l' // token -> LockRow with entry only
	tableLockPath   = 'M' // NFC path NUL token -> entry u64
	tableLockExpiry = 'e' // expires, token -> entry u64
	tableLockUser   = 'u' // user -> number of locks u64

	tableBlock   = 'V' // volume, local -> content u64, length u32
	tableVolume  = 'G' // volume -> VolumeRow
	tableDead    = 'Q' // time, volume, local -> DeadRow
	tableDeadOf  = 'q' // volume, local -> since u64, length u32
	tableNode    = 'N' // node -> NodeRow
	tableUser    = 'U' // name -> UserRow
	tableSession = 'S' // session -> SessionRow
	tableToken   = 'J' // token id -> TokenRow
	tableResult  = 'R' // session, sequence -> Result; sequence 0 -> floor u64
	tableEvent   = 'E' // event -> EventRow
	tableAudit   = 'A' // number -> AuditRow: changes
	tableReport  = 'B' // number -> AuditRow: what desks report
	tableGateway = 'F' // number -> AuditRow: what gateways report
	tableMute    = 'H' // code of a check -> MuteRow
	tableDesktop = 'O' // user -> bytes
	tableLeaseOf = 'Y' // session, volume -> nonce of the grant, or empty: the leases of a session
)

// Hot reports whether the row of key is worth keeping in memory where it was
// read: rows of a few tables are read by most commands and queries.
func Hot(key []byte) bool {
	if len(key) == 0 {
		return false
	}
	switch key[0] {
	case tableApplied, tableCluster, tableEntry, tableDir, tableUser, tableSession, tableVolume:
		return true
	}
	return false
}

// chunkRefs is the number of references in one row of a large content.
const chunkRefs = 256

// key1 is a table and up to three ids.
func key1(table byte, ids ...uint64) []byte {
	b := make([]byte, 1, 1+8*len(ids)+8)
	b[0] = table
	for _, id := range ids {
		b = binary.BigEndian.AppendUint64(b, id)
	}
	return b
}

// keyName is a table, an id and a string.
func keyName(table byte, id uint64, name string) []byte {
	b := make([]byte, 0, 9+len(name))
	b = append(b, table)
	b = binary.BigEndian.AppendUint64(b, id)
	return append(b, name...)
}

// keyString is a table and a string.
func keyString(table byte, s string) []byte {
	return append(append(make([]byte, 0, 1+len(s)), table), s...)
}

// timeKey maps a time to an id that sorts like it. Times of rows are never negative.
func timeKey(t int64) uint64 { return uint64(max(t, 0)) }

func keyApplied() []byte                        { return key1(tableApplied) }
func keyCluster() []byte                        { return key1(tableCluster) }
func keyEntry(dir uint64, name string) []byte   { return keyName(tableEntry, dir, name) }
func keyDir(dir uint64) []byte                  { return key1(tableDir, dir) }
func keyContent(content uint64) []byte          { return key1(tableContent, content) }
func keyStaged(session, content uint64) []byte  { return key1(tableStaged, session, content) }
func keyDeadLarge(since int64, c uint64) []byte { return key1(tableDeadLarge, timeKey(since), c) }
func keyTrash(dir uint64) []byte                { return key1(tableTrash, dir) }
func keyLock(entry uint64, token string) []byte { return keyName(tableLock, entry, token) }
func keyLockToken(token string) []byte          { return keyString(tableLockToken, token) }
func keyLockExpiry(expires int64, t string) []byte {
	return keyName(tableLockExpiry, timeKey(expires), t)
}
func keyLockUser(user string) []byte               { return keyString(tableLockUser, user) }
func keyBlock(volume, local uint64) []byte         { return key1(tableBlock, volume, local) }
func keyVolume(volume uint64) []byte               { return key1(tableVolume, volume) }
func keyDead(since int64, volume, l uint64) []byte { return key1(tableDead, timeKey(since), volume, l) }
func keyDeadOf(volume, local uint64) []byte        { return key1(tableDeadOf, volume, local) }
func keyNode(node uint64) []byte                   { return key1(tableNode, node) }
func keyUser(name string) []byte                   { return keyString(tableUser, name) }
func keySession(session uint64) []byte             { return key1(tableSession, session) }
func keyToken(id string) []byte                    { return keyString(tableToken, id) }
func keyMute(code string) []byte                   { return keyString(tableMute, code) }
func keyDesktop(user string) []byte                { return keyString(tableDesktop, user) }
func keyResult(session, sequence uint64) []byte    { return key1(tableResult, session, sequence) }
func keyLeaseOf(session, volume uint64) []byte     { return key1(tableLeaseOf, session, volume) }
func keyProp(entry uint64, space, lo string) []byte {
	return keyName(tableProp, entry, space+"\x00"+lo)
}

func keyLockPath(path, token string) []byte {
	return keyString(tableLockPath, path+"\x00"+token)
}

func keyRefs(content uint64, chunk uint32) []byte {
	return binary.BigEndian.AppendUint32(key1(tableRefs, content), chunk)
}

// prefixEnd returns the first key after all keys that begin with prefix, whose
// last byte is never the only one that can be 0xff: a prefix begins with a table.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// keyID returns the n-th id of a key, 0 when the key is too short.
func keyID(key []byte, n int) uint64 {
	if len(key) < 9+8*n {
		return 0
	}
	return binary.BigEndian.Uint64(key[1+8*n:])
}

// u64Row and u64Of are the value of a row that is one number.
func u64Row(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func u64Of(val []byte) uint64 {
	if len(val) < 8 {
		return 0
	}
	return binary.BigEndian.Uint64(val)
}

// pairRow and pairOf are the value of a V row (content, length) and of a q row
// (since, length): 12 bytes.
func pairRow(a uint64, length uint32) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 12), a)
	return binary.BigEndian.AppendUint32(b, length)
}

func pairOf(val []byte) (a uint64, length uint32) {
	if len(val) < 12 {
		return 0, 0
	}
	return binary.BigEndian.Uint64(val), binary.BigEndian.Uint32(val[8:])
}

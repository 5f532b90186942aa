package webdav

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"time"

	"kendfs/metadata"
)

// subject is an entry whose properties are asked for, and by whom.
type subject struct {
	*metadata.Entry
	user metadata.User
	now  time.Time
	// quota is that of the directory the request is about, nil if it was not
	// asked for; self is set when that directory is this entry.
	quota *metadata.Quota
	self  bool
}

// liveProp is a property that follows from the entry (RFC 4918 §15).
type liveProp struct {
	name xml.Name
	// all is set if allprop has it: those of RFC 4918, and not the costly and
	// the exotic.
	all bool
	// appendTo appends the value, as inner XML; false: the entry does not have
	// the property.
	appendTo func(b []byte, s *subject) ([]byte, bool)
	// set is nil for a protected property.
	set func(c *metadata.AttrChange, value string) error
}

func davName(local string) xml.Name { return xml.Name{Space: davSpace, Local: local} }

func windowsName(local string) xml.Name { return xml.Name{Space: windowsSpace, Local: local} }

// liveProps returns all live properties; DESIGN.md has the table with reasons.
func liveProps() []liveProp {
	return []liveProp{
		{name: davName("resourcetype"), all: true, appendTo: propResourceType},
		{name: davName("getlastmodified"), all: true, appendTo: propHTTPDate, set: setModified},
		{name: davName("getcontentlength"), all: true, appendTo: propLength},
		{name: davName("getetag"), all: true, appendTo: propETag},
		{name: davName("getcontenttype"), all: true, appendTo: propContentType},
		{name: davName("creationdate"), all: true, appendTo: propCreated, set: setCreated},
		{name: davName("displayname"), all: true, appendTo: propName},
		{name: davName("lockdiscovery"), all: true, appendTo: propLocks},
		{name: davName("supportedlock"), all: true, appendTo: propSupportedLock},
		{name: davName("quota-available-bytes"), appendTo: propAvailable},
		{name: davName("quota-used-bytes"), appendTo: propUsed},
		{name: davName("current-user-privilege-set"), appendTo: propPrivileges},
		{name: davName("owner"), appendTo: propOwner},
		{name: davName("lastmodified"), appendTo: propUnixTime, set: setModified},
		{name: xml.Name{Space: ocSpace, Local: "checksums"}, appendTo: propChecksums},
		{name: xml.Name{Space: sarSpace, Local: "lastmodified"}, appendTo: propHTTPDate, set: setModified},
		{name: windowsName("Win32LastModifiedTime"), appendTo: propHTTPDate, set: setModified},
		{name: windowsName("Win32CreationTime"), appendTo: propWindowsCreated, set: setCreated},
	}
}

func propResourceType(b []byte, s *subject) ([]byte, bool) {
	if s.IsDir {
		b = append(b, "<D:collection/>"...)
	}
	return b, true
}

func propHTTPDate(b []byte, s *subject) ([]byte, bool) {
	return s.Modified.UTC().AppendFormat(b, http.TimeFormat), true
}

func propUnixTime(b []byte, s *subject) ([]byte, bool) {
	return strconv.AppendInt(b, s.Modified.Unix(), 10), true
}

func propLength(b []byte, s *subject) ([]byte, bool) {
	return strconv.AppendInt(b, s.Size, 10), !s.IsDir
}

func propETag(b []byte, s *subject) ([]byte, bool) { return append(b, s.ETag()...), true }

func propContentType(b []byte, s *subject) ([]byte, bool) {
	return appendText(b, entryType(s.Entry)), true
}

// propCreated: RFC 4918 §15.1 wants an RFC 3339 date.
func propCreated(b []byte, s *subject) ([]byte, bool) {
	return s.Created.UTC().AppendFormat(b, "2006-01-02T15:04:05Z"), !s.Created.IsZero()
}

func propWindowsCreated(b []byte, s *subject) ([]byte, bool) {
	return s.Created.UTC().AppendFormat(b, http.TimeFormat), !s.Created.IsZero()
}

func propName(b []byte, s *subject) ([]byte, bool) { return appendText(b, s.Name), true }

func propSupportedLock(b []byte, _ *subject) ([]byte, bool) {
	for _, scope := range []string{"exclusive", "shared"} {
		b = append(b, "<D:lockentry><D:lockscope><D:"...)
		b = append(b, scope...)
		b = append(b, "/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>"...)
	}
	return b, true
}

// propAvailable and propUsed are on directories only (RFC 4331 §3, §4). For
// one inside the listed directory the room is what that one has, or what is
// left of its own quota.
func propAvailable(b []byte, s *subject) ([]byte, bool) {
	if !s.IsDir || s.quota == nil {
		return b, false
	}
	room := s.quota.AvailableBytes
	if own := s.QuotaBytes; own > 0 && !s.self {
		if left := max(own-s.Usage.Bytes, 0); room < 0 || left < room {
			room = left
		}
	}
	return strconv.AppendInt(b, room, 10), room >= 0
}

func propUsed(b []byte, s *subject) ([]byte, bool) {
	if !s.IsDir {
		return b, false
	}
	used := s.Usage.Bytes
	if s.self && s.quota != nil {
		used = s.quota.UsedBytes
	}
	return strconv.AppendInt(b, used, 10), true
}

// propPrivileges is RFC 3744 §5.4, for clients that grey out what is not allowed.
func propPrivileges(b []byte, s *subject) ([]byte, bool) {
	names := []string{"read", "read-current-user-privilege-set"}
	if s.user.Role.Allows(metadata.RoleWriter) {
		names = append(names, "write", "write-properties", "write-content", "bind", "unbind", "unlock")
	}
	for _, n := range names {
		b = append(b, "<D:privilege><D:"...)
		b = append(b, n...)
		b = append(b, "/></D:privilege>"...)
	}
	return b, true
}

// propOwner is RFC 3744 §5.1. Users have no URL in the drive, so it is a URN.
func propOwner(b []byte, s *subject) ([]byte, bool) {
	if s.Owner == "" {
		return b, false
	}
	b = append(b, "<D:href>urn:kendfs:user:"...)
	for i := range len(s.Owner) {
		b = appendHrefByte(b, s.Owner[i])
	}
	return append(b, "</D:href>"...), true
}

// propChecksums is what ownCloud, Nextcloud and rclone compare files by.
func propChecksums(b []byte, s *subject) ([]byte, bool) {
	if s.IsDir || len(s.SHA1) != 20 {
		return b, false
	}
	const digits = "0123456789abcdef"
	b = append(b, `<x:checksum>SHA1:`...)
	for _, c := range s.SHA1 {
		b = append(b, digits[c>>4], digits[c&15])
	}
	return append(b, "</x:checksum>"...), true
}

// propLocks is RFC 4918 §15.8.
func propLocks(b []byte, s *subject) ([]byte, bool) {
	for i := range s.Locks {
		l := &s.Locks[i]
		b = appendActiveLock(b, l, lockLeft(l, s.now), l.User == s.user.Name)
	}
	return b, true
}

// appendActiveLock appends an activelock element (RFC 4918 §14.1). The token is
// shown to the lock's user only: who holds a token may write, and "the server
// is free to withhold" it (§15.8).
func appendActiveLock(b []byte, l *metadata.Lock, left time.Duration, token bool) []byte {
	scope, depth := "exclusive", "0"
	if l.Shared {
		scope = "shared"
	}
	if l.Infinite {
		depth = "infinity"
	}
	b = append(b, "<D:activelock><D:locktype><D:write/></D:locktype><D:lockscope><D:"...)
	b = append(b, scope...)
	b = append(b, "/></D:lockscope><D:depth>"...)
	b = append(b, depth...)
	b = append(b, "</D:depth>"...)
	if l.Owner != "" {
		b = append(b, "<D:owner>"...)
		b = append(b, l.Owner...)
		b = append(b, "</D:owner>"...)
	}
	b = append(b, "<D:timeout>Second-"...)
	b = strconv.AppendInt(b, int64((left+time.Second-1)/time.Second), 10)
	b = append(b, "</D:timeout>"...)
	if token {
		b = append(b, "<D:locktoken><D:href>"...)
		b = appendText(b, l.Token)
		b = append(b, "</D:href></D:locktoken>"...)
	}
	b = append(b, "<D:lockroot><D:href>"...)
	b = appendHref(b, l.Root, false)
	return append(b, "</D:href></D:lockroot></D:activelock>"...)
}

// findLive returns the live property of that name, nil if there is none.
func findLive(all []liveProp, n xml.Name) *liveProp {
	i := slices.IndexFunc(all, func(l liveProp) bool { return l.name == n })
	if i < 0 {
		return nil
	}
	return &all[i]
}

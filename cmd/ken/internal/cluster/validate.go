package cluster

import (
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kendfs/metadata"
)

// Bounds of settings. Sizes are shifted to bytes, so they need one.
const (
	nameRunesMax   = 64
	mibMax         = 1 << 20 // 1 TiB
	uploadsMax     = 10_000
	settingSpanMax = 366 * 24 * time.Hour

	// As the leading nameserver has them; it takes nothing longer.
	suspectDefault, suspectMax = 2500 * time.Millisecond, 3 * time.Second
	downDefault, downMax       = 8 * time.Second, 10 * time.Second
)

// complaints collects what is wrong with settings.
type complaints struct {
	c   *Config
	bad []string
}

// add complains about a setting, and says where its value comes from when that
// is not the file.
func (l *complaints) add(key, format string, args ...any) {
	text := key + ": " + fmt.Sprintf(format, args...)
	if from, over := l.c.from[key]; over {
		text += " (from " + from + ")"
	}
	l.bad = append(l.bad, text)
}

// Validate reports everything that is wrong with the settings at once. It looks
// at them only: whether an address can be had shows when it is bound.
func (c *Config) Validate() error {
	l := &complaints{c: c}
	l.roles()
	l.text("name", c.Name)
	l.text("zone", c.Zone)
	l.quic()
	for _, a := range c.Nameservers {
		if err := checkAddr(a); err != nil {
			l.add("nameservers", "%v", err)
		}
	}
	if c.Has(metadata.NodeWebDAV) {
		l.https("webdav", c.WebDAV.Listen, c.WebDAV.TLSCert, c.WebDAV.TLSKey)
	}
	if c.Has(metadata.NodeAdmin) && c.Admin.Listen != "" {
		l.https("admin", c.Admin.Listen, c.Admin.TLSCert, c.Admin.TLSKey)
	}
	if c.Metrics.Listen != "" {
		if err := checkAddr(c.Metrics.Listen); err != nil {
			l.add("metrics.listen", "%v", err)
		}
	}
	l.numbers()
	if c.Log.Level != "" && new(slog.Level).UnmarshalText([]byte(c.Log.Level)) != nil {
		l.add("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
	if len(l.bad) > 0 {
		return metadata.Errorf(metadata.KindInvalid, "settings: %s", strings.Join(l.bad, "; "))
	}
	return nil
}

func (l *complaints) roles() {
	if len(l.c.Roles) == 0 {
		l.add("roles", "at least one is needed")
	}
	for _, r := range l.c.Roles {
		if !slices.Contains(allRoles(), r) {
			l.add("roles", "%q is none of %s", r, strings.Join(allRoles(), ", "))
		}
	}
}

// text checks what people read in tables.
func (l *complaints) text(key, s string) {
	if n := utf8.RuneCountInString(s); n > nameRunesMax {
		l.add(key, "%d characters, want at most %d", n, nameRunesMax)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		l.add(key, "%q has characters that cannot be shown", s)
	}
}

// quic checks the addresses of the node itself.
func (l *complaints) quic() {
	c := l.c
	if err := checkAddr(c.Listen); err != nil && !c.onlyClient() {
		l.add("listen", "%v", err)
	}
	if c.Advertise != "" {
		if err := checkAddr(c.Advertise); err != nil {
			l.add("advertise", "%v", err)
		} else if everywhere(c.Advertise) {
			l.add("advertise", "%q is no address that others could use", c.Advertise)
		}
		return
	}
	if !c.onlyClient() && everywhere(c.Listen) {
		l.add("listen", "%q is every address of this machine: say with advertise which one others use, as 192.168.1.10:7800", c.Listen)
	}
}

// everywhere reports whether an address that is well-formed names no machine.
func everywhere(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}

func (l *complaints) https(section, listen, cert, key string) {
	if err := checkAddr(listen); err != nil {
		l.add(section+".listen", "%v", err)
	}
	if (cert == "") != (key == "") {
		l.add(section+".tls_cert", "%s.tls_cert and %s.tls_key go together", section, section)
	}
}

func (l *complaints) numbers() {
	c := l.c
	for _, k := range []struct {
		key     string
		n, most int
	}{
		{"webdav.block_mib", c.WebDAV.BlockMiB, metadata.BlockBytesMax >> 20}, {"webdav.buffer_mib", c.WebDAV.BufferMiB, mibMax},
		{"webdav.uploads_max", c.WebDAV.UploadsMax, uploadsMax}, {"storage.reserve_mib", c.Storage.ReserveMiB, mibMax},
		{"storage.pack_mib", c.Storage.PackMiB, mibMax}, {"storage.scrub_mib_per_second", c.Storage.ScrubMiBPerSecond, mibMax},
		{"repair.mib_per_second", c.Repair.MiBPerSecond, mibMax},
	} {
		if k.n < 0 || k.n > k.most {
			l.add(k.key, "%d: want 1 to %d, or 0 for the default", k.n, k.most)
		}
	}
	for _, k := range []struct {
		key  string
		span Duration
		most time.Duration
	}{
		{"storage.scrub_pause", c.Storage.ScrubPause, settingSpanMax}, {"repair.suspect_after", c.Repair.SuspectAfter, suspectMax},
		{"repair.down_after", c.Repair.DownAfter, downMax}, {"repair.deleted_grace", c.Repair.DeletedGrace, settingSpanMax},
	} {
		if d := time.Duration(k.span); d < 0 || d > k.most {
			l.add(k.key, "%v: want up to %v, or 0 for the default", d, k.most)
		}
	}
	suspect, down := time.Duration(c.Repair.SuspectAfter), time.Duration(c.Repair.DownAfter)
	if suspect == 0 {
		suspect = suspectDefault
	}
	if down == 0 {
		down = downDefault
	}
	if down <= suspect {
		l.add("repair.down_after", "%v: must be longer than repair.suspect_after, %v", down, suspect)
	}
}

func (c *Config) onlyClient() bool {
	return len(c.Roles) == 1 && c.Roles[0] == metadata.NodeClient
}

func allRoles() []string {
	return []string{
		metadata.NodeNameserver, metadata.NodeDatanode, metadata.NodeWebDAV, metadata.NodeAdmin,
		metadata.NodeClient,
	}
}

// checkAddr checks the form of an address. Names of hosts are not looked up:
// commands must work while the resolver does not.
func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not IP:PORT", addr)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: the port is no number from 0 to 65535", addr)
	}
	if len(host) > 253 || strings.ContainsFunc(host, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.:%", r)
	}) {
		return fmt.Errorf("%q is no address of a machine", addr)
	}
	return nil
}

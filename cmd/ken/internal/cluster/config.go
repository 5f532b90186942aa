package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"kendfs/metadata"
)

// configVersion is the version of ken.toml that this binary writes and reads.
const configVersion = 1

// Config is a node's settings: the file ken.toml in its folder. The zero value
// of a field is its default.
type Config struct {
	Version int `toml:"version" comment:"Format of this file."`

	Name  string   `toml:"name" comment:"What people call this node."`
	Zone  string   `toml:"zone,omitempty" comment:"Failure domain, as a room or a rack: copies are spread over zones."`
	Roles []string `toml:"roles" comment:"What this node does: nameserver, datanode, webdav, admin, client."`

	Listen    string `toml:"listen" comment:"QUIC address of this node, IP:PORT (UDP)."`
	Advertise string `toml:"advertise,omitempty" comment:"Address that other nodes use, when it differs from listen."`

	Nameservers []string `toml:"nameservers" comment:"QUIC addresses of the nameservers."`
	Disks       []string `toml:"disks,omitempty" comment:"Folders for blocks, one on each disk. Default: disk in this folder."`

	WebDAV  WebDAVConfig  `toml:"webdav" comment:"The gateway."`
	Admin   AdminConfig   `toml:"admin" comment:"The desktop in the browser."`
	Storage StorageConfig `toml:"storage" comment:"Storage servers."`
	Repair  RepairConfig  `toml:"repair" comment:"The leading nameserver's watch over storage servers."`
	Log     LogConfig     `toml:"log" comment:"Messages on standard error."`
	Metrics MetricsConfig `toml:"metrics" comment:"For those who watch this node."`

	dir string // folder; set by LoadConfig
}

// WebDAVConfig is the gateway's part.
type WebDAVConfig struct {
	Listen       string `toml:"listen" comment:"Address of the drive, IP:PORT."`
	TLSCert      string `toml:"tls_cert,omitempty" comment:"PEM file with the certificate chain; serves HTTPS."`
	TLSKey       string `toml:"tls_key,omitempty" comment:"PEM file with its key."`
	SelfSigned   bool   `toml:"tls_self_signed" comment:"Serve HTTPS with a certificate made here."`
	InsecureHTTP bool   `toml:"insecure_http" comment:"Accept passwords over plain HTTP on other addresses than loopback."`
	BufferMiB    int    `toml:"buffer_mib" comment:"Memory for data on its way to storage servers, MiB; 0: 96."`
	BlockMiB     int    `toml:"block_mib" comment:"Largest block that a file is cut into, MiB, 1 to 16; 0: 8."`
	UploadsMax   int    `toml:"uploads_max" comment:"Uploads at the same time; 0: 64."`
}

// AdminConfig is the desktop's part.
type AdminConfig struct {
	Listen       string `toml:"listen" comment:"Address of the desktop, IP:PORT."`
	TLSCert      string `toml:"tls_cert,omitempty" comment:"PEM file with the certificate chain; serves HTTPS."`
	TLSKey       string `toml:"tls_key,omitempty" comment:"PEM file with its key."`
	SelfSigned   bool   `toml:"tls_self_signed" comment:"Serve HTTPS with a certificate made here."`
	InsecureHTTP bool   `toml:"insecure_http" comment:"Accept passwords over plain HTTP on other addresses than loopback."`
}

// StorageConfig is the storage server's part.
type StorageConfig struct {
	ReserveMiB int `toml:"reserve_mib" comment:"Space that is never used on a disk, MiB; 0: 2 %, at most 4 GiB."`
	PackMiB    int `toml:"pack_mib" comment:"Size of a file that holds small blocks, MiB; 0: 256."`

	ScrubPause        Duration `toml:"scrub_pause" comment:"Time between two passes that read every block again to find damage; 0: 1 h."`
	ScrubMiBPerSecond int      `toml:"scrub_mib_per_second" comment:"How fast that is, MiB/s for each disk; 0: 16."`
}

// RepairConfig is the leading nameserver's part.
type RepairConfig struct {
	SuspectAfter Duration `toml:"suspect_after" comment:"Silence after which a storage server gets no new data; 0: 2.5 s."`
	DownAfter    Duration `toml:"down_after" comment:"Silence after which its volumes are repaired elsewhere; 0: 8 s."`
	MiBPerSecond int      `toml:"mib_per_second" comment:"What one storage server may pull for repairs, MiB/s; 0: no limit."`
	DeletedGrace Duration `toml:"deleted_grace" comment:"How long data of deleted files is kept for running readers; 0: 10 min. Read when the cluster is made."`
}

// LogConfig says what is logged.
type LogConfig struct {
	Level string `toml:"level" comment:"debug, info, warn or error; default info."`
}

// MetricsConfig says where monitoring finds the node.
type MetricsConfig struct {
	Listen string `toml:"listen" comment:"HTTP address of /metrics (Prometheus), /healthz and /readyz, IP:PORT, as 127.0.0.1:9180; empty: none. They ask for no password: keep them on loopback or behind a firewall."`
}

// Duration is a time.Duration written as "2.5s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// LoadConfig reads and checks the settings of the node in dir.
func LoadConfig(dir string) (Config, error) {
	b, err := os.ReadFile(filepath.Join(dir, configFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Config{}, metadata.Errorf(metadata.KindNotFound,
			"%s holds no node: make a cluster with `ken init --dir %s`, join one with `ken join`, or name the folder with --dir or KEN_DIR",
			dir, dir)
	}
	if err != nil {
		return Config{}, err
	}
	c, err := ParseConfig(b)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", filepath.Join(dir, configFile), err)
	}
	c.dir = dir
	return c, c.Validate()
}

// ParseConfig reads settings. An unknown key is an error that names it.
func ParseConfig(b []byte) (Config, error) {
	var c Config
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		var strict *toml.StrictMissingError
		if errors.As(err, &strict) {
			return c, metadata.Errorf(metadata.KindInvalid, "unknown setting:\n%s", strict.String())
		}
		var de *toml.DecodeError
		if errors.As(err, &de) {
			return c, metadata.Errorf(metadata.KindInvalid, "%s", de.String())
		}
		return c, metadata.Errorf(metadata.KindInvalid, "%w", err)
	}
	if c.Version != configVersion {
		return c, metadata.Errorf(metadata.KindUnsupported,
			"settings have version %d, this ken reads version %d", c.Version, configVersion)
	}
	return c, nil
}

// save writes the settings atomically.
func (c *Config) save() error {
	c.Version = configVersion
	b, err := toml.Marshal(c)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(c.dir, configFile), b, 0o644)
}

// Has reports whether the node has the role.
func (c *Config) Has(role string) bool { return slices.Contains(c.Roles, role) }

// diskDirs are the folders of the storage server's disks.
func (c *Config) diskDirs() []string {
	if len(c.Disks) > 0 {
		return c.Disks
	}
	return []string{filepath.Join(c.dir, diskDir)}
}

// advertised is the address that others reach this node at.
func (c *Config) advertised(bound net.Addr) string {
	if c.Advertise != "" {
		return c.Advertise
	}
	return bound.String()
}

// Validate reports everything that is wrong with the settings at once.
func (c *Config) Validate() error {
	var bad []string
	complain := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if len(c.Roles) == 0 {
		complain("roles: at least one is needed")
	}
	for _, r := range c.Roles {
		if !slices.Contains(allRoles(), r) {
			complain("roles: %q is none of %s", r, strings.Join(allRoles(), ", "))
		}
	}
	if err := checkAddr(c.Listen); err != nil && !c.onlyClient() {
		complain("listen: %v", err)
	}
	if c.Advertise != "" {
		if err := checkAddr(c.Advertise); err != nil {
			complain("advertise: %v", err)
		}
	}
	if c.Has(metadata.NodeWebDAV) {
		if err := checkAddr(c.WebDAV.Listen); err != nil {
			complain("webdav.listen: %v", err)
		}
		if (c.WebDAV.TLSCert == "") != (c.WebDAV.TLSKey == "") {
			complain("webdav: tls_cert and tls_key go together")
		}
	}
	if c.Metrics.Listen != "" {
		if err := checkAddr(c.Metrics.Listen); err != nil {
			complain("metrics.listen: %v", err)
		}
	}
	if c.Has(metadata.NodeAdmin) && c.Admin.Listen != "" {
		if err := checkAddr(c.Admin.Listen); err != nil {
			complain("admin.listen: %v", err)
		}
		if (c.Admin.TLSCert == "") != (c.Admin.TLSKey == "") {
			complain("admin: tls_cert and tls_key go together")
		}
	}
	if c.WebDAV.BlockMiB < 0 || c.WebDAV.BlockMiB > metadata.BlockBytesMax>>20 {
		complain("webdav.block_mib: want 1 to %d, or 0 for the default", metadata.BlockBytesMax>>20)
	}
	if s, d := time.Duration(c.Repair.SuspectAfter), time.Duration(c.Repair.DownAfter); s < 0 || d < 0 ||
		(s > 0 && d > 0 && d <= s) {
		complain("repair: down_after must be longer than suspect_after")
	}
	if c.Storage.ScrubPause < 0 || c.Storage.ScrubMiBPerSecond < 0 {
		complain("storage: scrub_pause and scrub_mib_per_second must not be negative")
	}
	if len(bad) > 0 {
		return metadata.Errorf(metadata.KindInvalid, "settings: %s", strings.Join(bad, "; "))
	}
	return nil
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

func checkAddr(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not IP:PORT", addr)
	}
	if host != "" && net.ParseIP(host) == nil && host != "localhost" {
		if _, err := net.LookupHost(host); err != nil {
			return fmt.Errorf("%q: %v", addr, err)
		}
	}
	return nil
}

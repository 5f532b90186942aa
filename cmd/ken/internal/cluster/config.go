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
	Advertise string `toml:"advertise,omitempty" comment:"Address that other nodes use, when it differs; empty: listen."`

	Nameservers []string `toml:"nameservers" comment:"QUIC addresses of the nameservers."`
	Disks       []string `toml:"disks,omitempty" comment:"Folders for blocks, one on each disk; empty: disk in this folder."`

	WebDAV  WebDAVConfig  `toml:"webdav" comment:"The gateway."`
	Admin   AdminConfig   `toml:"admin" comment:"The desktop in the browser."`
	Storage StorageConfig `toml:"storage" comment:"Storage servers."`
	Repair  RepairConfig  `toml:"repair" comment:"The leading nameserver's watch over storage servers."`
	Log     LogConfig     `toml:"log" comment:"Messages on standard error."`
	Metrics MetricsConfig `toml:"metrics" comment:"For those who watch this node."`

	dir  string            // folder; set by LoadConfig
	from map[string]string // of settings that are not as in the file: what changed them
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
	SuspectAfter Duration `toml:"suspect_after" comment:"Silence after which a storage server gets no new data, at most 3 s; 0: 2.5 s."`
	DownAfter    Duration `toml:"down_after" comment:"Silence after which its volumes are repaired elsewhere, at most 10 s; 0: 8 s."`
	MiBPerSecond int      `toml:"mib_per_second" comment:"What one storage server may pull for repairs, MiB/s; 0: no limit."`
	DeletedGrace Duration `toml:"deleted_grace" comment:"How long data of deleted files is kept for running readers, read when the cluster is made; 0: 10 min."`
}

// LogConfig says what is logged.
type LogConfig struct {
	Level string `toml:"level" comment:"debug, info, warn or error; empty: info."`
}

// MetricsConfig says where monitoring finds the node.
type MetricsConfig struct {
	Listen string `toml:"listen" comment:"HTTP address of /metrics (Prometheus), /healthz and /readyz, IP:PORT, as 127.0.0.1:9180. They ask for no password: keep them on loopback or behind a firewall; empty: none."`
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

// LoadConfig reads and checks the settings of the node in dir: its file, what
// the environment says otherwise, and then what flags do.
func LoadConfig(dir string, flags ...Override) (Config, error) {
	c, err := readConfig(dir)
	if err != nil {
		return c, err
	}
	if err := c.override(append(c.fromEnv(), flags...)...); err != nil {
		return c, err
	}
	return c, c.Validate()
}

// readConfig reads the file alone.
func readConfig(dir string) (Config, error) {
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
	return c, nil
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

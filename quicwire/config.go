package quicwire

import (
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/quic-go/quic-go"
)

// Config is what an endpoint is made of. Only Listen (or Conn) is required.
type Config struct {
	Listen string         // UDP address to bind, host:port; port 0 picks one
	Conn   net.PacketConn // instead of Listen; the endpoint closes it

	// Credentials returns the current certificate, key and authorities. It is
	// called in every handshake, so a renewed certificate is used at once. Nil
	// (or a nil result) is a joiner: it can dial ServiceJoin with a pin, nothing
	// else.
	Credentials func() *Credentials

	// ResetKey makes stateless reset tokens (RFC 9000, 10.3). It must be secret,
	// stay the same over restarts and differ between nodes; then peers notice a
	// restart at once. All zero: no resets are sent, peers wait for IdleTimeout.
	ResetKey [32]byte

	// Revoked reports whether a node was removed from the cluster. It must be
	// quick. Nil: none was. When a node is removed later, call Disconnect.
	Revoked func(node uint64) bool

	// ServerRoles returns the roles of which a server of the service must have
	// one; nil: nameserver for all services but ServiceBlock, which is datanode.
	ServerRoles func(Service) []string

	// ErrorCode maps a handler's error to its code and text on the wire. Nil:
	// an *Error and the context's errors keep theirs, all others are
	// CodeInternal.
	ErrorCode func(error) (code uint32, msg string)

	Logger *slog.Logger // nil: discards

	IdleTimeout      time.Duration // a peer that has died is noticed within this; default 8 s
	KeepAlive        time.Duration // a quiet connection is probed this often; default 2 s, at most a third of IdleTimeout
	HandshakeTimeout time.Duration // for a silent peer while dialing; default 3 s
	FrameTimeout     time.Duration // for the rest of a frame that has begun; default 30 s

	BodyMax           int   // bytes of a request or reply; default BodyBytesMax, at most 16 MiB
	MaxConns          int   // incoming connections, handshakes included; default 2048
	MaxConnsPerPeer   int   // incoming connections of one node; default 32
	MaxStreams        int   // open streams of one incoming connection; default 1024
	MaxStreamsPerPeer int   // open streams of one node; default 4096
	MaxJoins          int   // incoming connections without a certificate; default 32
	HandshakeRate     int   // handshakes a second before addresses must be proved (Retry); default 100
	WindowBudget      int64 // bytes of receive windows beyond the initial ones, of all connections; default 1 GiB

	DisableGRO bool // receive without UDP_GRO (Linux)
}

// withDefaults returns the configuration with its zeros filled in.
func (c Config) withDefaults() (Config, error) {
	if (c.Listen == "") == (c.Conn == nil) {
		return c, errors.New("quicwire: want one of Listen and Conn")
	}
	if c.Credentials == nil {
		c.Credentials = func() *Credentials { return nil }
	}
	if c.Revoked == nil {
		c.Revoked = func(uint64) bool { return false }
	}
	if c.ServerRoles == nil {
		c.ServerRoles = serverRoles
	}
	if c.ErrorCode == nil {
		c.ErrorCode = errorCode
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.IdleTimeout, 8*time.Second)
	setDefault(&c.KeepAlive, 2*time.Second)
	setDefault(&c.HandshakeTimeout, 3*time.Second)
	setDefault(&c.FrameTimeout, 30*time.Second)
	setDefault(&c.BodyMax, BodyBytesMax)
	setDefault(&c.MaxConns, 2048)
	setDefault(&c.MaxConnsPerPeer, 32)
	setDefault(&c.MaxStreams, 1024)
	setDefault(&c.MaxStreamsPerPeer, 4096)
	setDefault(&c.MaxJoins, 32)
	setDefault(&c.HandshakeRate, 100)
	setDefault(&c.WindowBudget, 1<<30)
	c.KeepAlive = min(c.KeepAlive, c.IdleTimeout/3)
	c.BodyMax = min(c.BodyMax, 16<<20)
	return c, nil
}

// setDefault sets a value that is not above zero.
func setDefault[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// serverRoles is the default of Config.ServerRoles.
func serverRoles(s Service) []string {
	if s == ServiceBlock {
		return []string{"datanode"}
	}
	return []string{"nameserver"}
}

// Receive windows. The initial ones stay at quic-go's 512 KiB: its queue holds
// 256 packets (371 KB) of a connection, and larger first windows overrun it
// (QW-6).
const (
	streamWindowMax = 8 << 20
	connWindowMax   = 16 << 20
)

// quicConfig returns the settings of connections; streams is how many the
// peer may open at a time, -1 for none. QUIC's idle timer starts anew with the
// first probe after a silence (RFC 9000, 10.1), so it is set shorter than the
// time within which a dead peer is to be noticed.
func (e *Endpoint) quicConfig(streams int64) *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:          e.cfg.HandshakeTimeout,
		MaxIdleTimeout:                e.cfg.IdleTimeout - e.cfg.KeepAlive,
		KeepAlivePeriod:               e.cfg.KeepAlive,
		MaxStreamReceiveWindow:        streamWindowMax,
		MaxConnectionReceiveWindow:    connWindowMax,
		MaxIncomingStreams:            streams,
		MaxIncomingUniStreams:         -1,
		AllowConnectionWindowIncrease: e.windows.allow,
	}
}

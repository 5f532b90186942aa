//go:build !linux

package quicwire

import (
	"log/slog"
	"net"
)

// tuneSocket does nothing: quic-go sizes the buffers, and UDP_GRO is Linux's.
func tuneSocket(pc net.PacketConn, _ bool, _ *slog.Logger) net.PacketConn { return pc }

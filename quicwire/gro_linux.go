package quicwire

import (
	"encoding/binary"
	"log/slog"
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// socketBytesWanted is what quic-go asks for, too: 7 MiB absorb some 20 ms of
// a 2.5 Gbit/s sender while the reader is not scheduled.
const socketBytesWanted = 7 << 20

// tuneSocket enlarges the socket's buffers, says once when the kernel does not
// allow it, and turns UDP_GRO on where that works. Any other packet connection
// is returned as it is.
func tuneSocket(pc net.PacketConn, gro bool, log *slog.Logger) net.PacketConn {
	u, ok := pc.(*net.UDPConn)
	if !ok {
		return pc
	}
	_ = u.SetReadBuffer(socketBytesWanted)  // looked at below
	_ = u.SetWriteBuffer(socketBytesWanted) // looked at below
	in, out := bufferBytes(u)
	if in < socketBytesWanted || out < socketBytesWanted {
		log.Warn("UDP socket buffers are small, transfers may lose packets; set net.core.rmem_max and net.core.wmem_max",
			"receive_bytes", in, "send_bytes", out, "wanted_bytes", socketBytesWanted)
	}
	if !gro {
		return pc
	}
	g, err := newGROConn(u)
	if err != nil {
		log.Debug("no UDP_GRO, receiving datagram by datagram", "err", err)
		return pc
	}
	return g
}

// bufferBytes returns the sizes that the kernel granted (socket(7): it doubles
// what was asked for, for its own use).
func bufferBytes(u *net.UDPConn) (in, out int) {
	rc, err := u.SyscallConn()
	if err != nil {
		return 0, 0
	}
	_ = rc.Control(func(fd uintptr) { // fails on a closed socket only: zeros are right then
		in, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF)
		out, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF)
	})
	return in, out
}

// batchReader is the receiving half of ipv4.PacketConn. It serves IPv6 sockets
// as well: the message types of x/net are the same.
type batchReader interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
}

// Sizes of a receive. A message holds up to 64 KiB of datagrams of one size
// from one sender, in order.
const (
	groBatch    = 4
	groBytesMax = 65535
	groOOBMax   = 256
)

// groConn is a UDP socket with UDP_GRO (udp(7)): the kernel hands over runs of
// datagrams as one message. quic-go reads with ReadBatch when its connection
// has it; there the runs are split again. Its fields belong to quic-go's one
// reading goroutine.
type groConn struct {
	*net.UDPConn
	in   batchReader
	msgs []ipv4.Message
	n    int // messages in msgs
	i    int // the current one
	off  int // bytes of it that were handed out
}

// newGROConn turns UDP_GRO on. It fails where the kernel (before 5.0) has none.
func newGROConn(u *net.UDPConn) (*groConn, error) {
	rc, err := u.SyscallConn()
	if err != nil {
		return nil, err
	}
	var serr error
	if err := rc.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1)
	}); err != nil {
		return nil, err
	}
	if serr != nil {
		return nil, serr
	}
	return &groConn{UDPConn: u, in: ipv4.NewPacketConn(u), msgs: groMessages()}, nil
}

// groMessages returns the buffers of a receive.
func groMessages() []ipv4.Message {
	msgs := make([]ipv4.Message, groBatch)
	for i := range msgs {
		msgs[i].Buffers = [][]byte{make([]byte, groBytesMax)}
		msgs[i].OOB = make([]byte, groOOBMax)
	}
	return msgs
}

// ReadBatch fills ms with datagrams, receiving more when none are left.
func (g *groConn) ReadBatch(ms []ipv4.Message, flags int) (int, error) {
	if g.i == g.n {
		n, err := g.in.ReadBatch(g.msgs, flags)
		if err != nil || n == 0 {
			return 0, err
		}
		g.n, g.i, g.off = n, 0, 0
	}
	out := 0
	for out < len(ms) && g.i < g.n {
		m := &g.msgs[g.i]
		d := &ms[out]
		size, nn := splitOOB(d.OOB, m.OOB[:m.NN], m.N)
		end := min(g.off+size, m.N)
		d.N = copy(d.Buffers[0], m.Buffers[0][g.off:end])
		d.NN, d.Flags, d.Addr = nn, m.Flags, m.Addr
		out++
		if g.off = end; g.off >= m.N {
			g.i++
			g.off = 0
		}
	}
	return out, nil
}

// splitOOB returns the size of the segments of a message of n bytes, and copies
// the control messages that are not about that to dst. One that does not fit
// is dropped whole: half a control message would stop quic-go's reader.
func splitOOB(dst, oob []byte, n int) (size, copied int) {
	size = n
	for len(oob) >= unix.CmsgLen(0) { // less is no control message
		h, body, rest, err := unix.ParseOneSocketControlMessage(oob)
		if err != nil {
			break
		}
		whole := oob[:len(oob)-len(rest)]
		oob = rest
		if h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO {
			// An int in Linux 5.0 and later; udp(7) has it as such.
			if len(body) >= 4 {
				if s := int(int32(binary.NativeEndian.Uint32(body))); s > 0 {
					size = min(s, n)
				}
			}
			continue
		}
		if copied+len(whole) <= len(dst) {
			copied += copy(dst[copied:], whole)
		}
	}
	return size, copied
}

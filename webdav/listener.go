package webdav

import (
	"net"
	"net/netip"
	"sync"
)

// limitListener closes connections over a number in total and from one
// address at once, so that no client uses up the file descriptors and the
// memory that all share.
type limitListener struct {
	net.Listener
	connsMax, connsPerIPMax int
	buffers                 sync.Pool // of *[corkBytes]byte

	mu    sync.Mutex
	conns int
	byIP  map[netip.Addr]int
}

func newLimitListener(l net.Listener, connsMax, connsPerIPMax int) *limitListener {
	return &limitListener{
		Listener: l, connsMax: connsMax, connsPerIPMax: connsPerIPMax, byIP: make(map[netip.Addr]int),
		buffers: sync.Pool{New: func() any { return new([corkBytes]byte) }},
	}
}

// Accept returns the next connection that is within the limits.
func (l *limitListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		ip := addrOf(c.RemoteAddr())
		if l.enter(ip) {
			return &limitedConn{corkable: corkable{Conn: c, buffers: &l.buffers}, leave: sync.OnceFunc(func() { l.leave(ip) })}, nil
		}
		_ = c.Close() // refused: what happens to it is no longer of interest
	}
}

func (l *limitListener) enter(ip netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns >= l.connsMax || l.byIP[ip] >= l.connsPerIPMax {
		return false
	}
	l.conns++
	l.byIP[ip]++
	return true
}

func (l *limitListener) leave(ip netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns--
	if l.byIP[ip]--; l.byIP[ip] == 0 {
		delete(l.byIP, ip)
	}
}

// limitedConn gives its place back when it is closed.
type limitedConn struct {
	corkable
	leave func()
}

// Close closes the connection.
func (c *limitedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}

// addrOf returns the address without the port; for an IPv6 address its /64
// network, because one customer has all of it. Other networks share one place.
func addrOf(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	ip := ap.Addr().Unmap()
	if ip.Is6() && !ip.IsLoopback() {
		if net, err := ip.WithZone("").Prefix(64); err == nil {
			return net.Addr()
		}
	}
	return ip
}

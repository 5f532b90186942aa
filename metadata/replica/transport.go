package replica

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"kendfs/metadata"
)

// snapshotTimeoutScale divides a state's size to give its deadline in units of
// ioTimeout: 2 KiB means 2.5 KiB/s at the least, because the deadline includes
// the receiver's fsyncs, and a dead peer is noticed by the stream layer.
const snapshotTimeoutScale = 2 << 10

// transport is raft's transport with two additions: the node can send itself a
// message (stand), and answers to heartbeats are noted with the time at which
// the heartbeat was sent (acks).
type transport struct {
	raft.Transport
	acks *acks
	rpcs chan raft.RPC
	quit chan struct{}
	done chan struct{}
}

var (
	_ raft.Transport   = (*transport)(nil)
	_ raft.WithPreVote = (*transport)(nil)
	_ raft.WithClose   = (*transport)(nil)
)

// openTransport connects a node with its peers, or with nobody.
func openTransport(cfg *Config, logger hclog.Logger) (*transport, error) {
	inner := cfg.transport
	addr, err := peerAddress(cfg.ID, cfg.Addr)
	switch {
	case inner != nil:
	case err != nil:
		return nil, err
	case cfg.Peers == nil:
		_, inner = raft.NewInmemTransport(addr)
	default:
		nt := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: namedLayer{cfg.Peers, addr}, MaxPool: 3, Timeout: cfg.ioTimeout(), Logger: logger,
		})
		nt.TimeoutScale = snapshotTimeoutScale
		inner = nt
	}
	t := &transport{Transport: inner, acks: newAcks(), rpcs: make(chan raft.RPC), quit: make(chan struct{}), done: make(chan struct{})}
	go t.pump()
	return t, nil
}

// pump passes messages to raft.
func (t *transport) pump() {
	defer close(t.done)
	for {
		select {
		case rpc := <-t.Transport.Consumer():
			select {
			case t.rpcs <- rpc:
			case <-t.quit:
				return
			}
		case <-t.quit:
			return
		}
	}
}

// AppendEntries implements raft.Transport. Heartbeats come this way; entries
// may also go through a pipeline, whose answers are not needed as proofs.
func (t *transport) AppendEntries(id raft.ServerID, target raft.ServerAddress,
	args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	sent := time.Now()
	err := t.Transport.AppendEntries(id, target, args, resp)
	if err == nil && resp.Success && resp.Term == args.Term {
		t.acks.note(id, args.Term, sent)
	}
	return err
}

// Consumer implements raft.Transport.
func (t *transport) Consumer() <-chan raft.RPC { return t.rpcs }

// RequestPreVote implements raft.WithPreVote.
func (t *transport) RequestPreVote(id raft.ServerID, target raft.ServerAddress,
	args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	p, ok := t.Transport.(raft.WithPreVote)
	if !ok {
		return fmt.Errorf("%T has no pre-vote", t.Transport)
	}
	return p.RequestPreVote(id, target, args, resp)
}

// Close implements raft.WithClose.
func (t *transport) Close() error {
	select {
	case <-t.quit:
		return nil
	default:
	}
	close(t.quit)
	<-t.done
	if c, ok := t.Transport.(raft.WithClose); ok {
		return c.Close()
	}
	return nil
}

// stand makes the node a candidate at once. It is for the only voter, which
// has nobody to wait for: the usual timeout would make every start a second
// longer (RP-6).
func (t *transport) stand() {
	rpc := raft.RPC{
		Command:  &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}},
		RespChan: make(chan raft.RPCResponse, 1),
	}
	select {
	case t.rpcs <- rpc:
	case <-t.quit:
	}
}

// namedLayer gives a StreamLayer's address raft's form.
type namedLayer struct {
	StreamLayer
	addr raft.ServerAddress
}

// Addr implements net.Listener.
func (l namedLayer) Addr() net.Addr { return peerAddr(l.addr) }

// peerAddr is a raft.ServerAddress as net.Addr.
type peerAddr raft.ServerAddress

// Network implements net.Addr.
func (peerAddr) Network() string { return "raft" }

// String implements net.Addr.
func (a peerAddr) String() string { return string(a) }

// peerAddress returns the raft address of a nameserver: "n3@host:port". The id
// is in it so that a dial can insist on that node's certificate (RP-9).
func peerAddress(id metadata.NodeID, addr string) (raft.ServerAddress, error) {
	if id == 0 {
		return "", metadata.Errorf(metadata.KindInvalid, "nameserver without an id")
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return "", metadata.Errorf(metadata.KindInvalid, "address %q of nameserver %v: want host:port", addr, id)
	}
	return raft.ServerAddress(id.String() + "@" + addr), nil
}

// parsePeerAddress is the inverse of peerAddress.
func parsePeerAddress(a raft.ServerAddress) (metadata.NodeID, string, error) {
	name, addr, ok := strings.Cut(string(a), "@")
	if !ok {
		return 0, "", metadata.Errorf(metadata.KindInvalid, "nameserver address %q: want n3@host:port", a)
	}
	id, err := metadata.ParseNodeID(name)
	return id, addr, err
}

package blockio

import (
	"context"
	"errors"
	"os"

	"kendfs/metadata"
	"kendfs/quicwire"
)

// Lanes are connections of their own to one server: small transfers do not
// queue behind large ones.
const (
	laneSmall = 0
	laneBulk  = 1
)

// Quic returns the way to other storage servers over QUIC.
func Quic(e *quicwire.Endpoint) Wire { return quicWire{e} }

type quicWire struct{ e *quicwire.Endpoint }

func (q quicWire) Call(ctx context.Context, node metadata.NodeID, addr string, method uint32, req []byte) ([]byte, error) {
	t := quicwire.Target{Addr: addr, Node: uint64(node), Lane: laneSmall}
	resp, err := q.e.CallIdempotent(ctx, t, quicwire.ServiceBlock, method, req)
	return resp, wireError(err)
}

func (q quicWire) OpenStream(ctx context.Context, node metadata.NodeID, addr string, method uint32, req []byte,
	bulk bool) (Stream, error) {
	t := quicwire.Target{Addr: addr, Node: uint64(node), Lane: laneSmall}
	if bulk {
		t.Lane = laneBulk
	}
	s, err := q.e.OpenStream(ctx, t, quicwire.ServiceBlock, method, req)
	if err != nil {
		return nil, wireError(err)
	}
	return s, nil
}

// wireError gives an error of the transport its Kind.
func wireError(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*quicwire.Error](err); ok {
		return &metadata.Error{Kind: metadata.Kind(min(e.Code, 255)), Msg: e.Msg, Err: err}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &metadata.Error{Kind: metadata.KindTimeout, Msg: "no progress", Err: err}
	}
	if _, ok := errors.AsType[*metadata.Error](err); ok {
		return err
	}
	kind := metadata.KindOf(err)
	if kind == metadata.KindInternal {
		kind = metadata.KindUnavailable // a stream that broke
	}
	return &metadata.Error{Kind: kind, Msg: err.Error(), Err: err}
}

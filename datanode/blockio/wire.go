package blockio

import (
	"context"
	"io"
	"time"

	"kendfs/metadata"
)

// The methods of the block service (quicwire.ServiceBlock). A number is never
// reused.
const (
	methodPut      uint32 = 1
	methodGet      uint32 = 2
	methodStat     uint32 = 3
	methodList     uint32 = 4
	methodDigest   uint32 = 5
	methodDelete   uint32 = 6
	methodCheck    uint32 = 7
	methodSmallPut uint32 = 8
	methodSmallGet uint32 = 9
)

// Wire opens calls to other storage servers; Quic makes one of a
// quicwire.Endpoint. Its errors have a metadata.Kind.
type Wire interface {
	Call(ctx context.Context, node metadata.NodeID, addr string, method uint32, req []byte) ([]byte, error)
	// OpenStream opens a bulk call; ctx must last until the stream is closed. bulk
	// says that more than a segment or two will follow.
	OpenStream(ctx context.Context, node metadata.NodeID, addr string, method uint32, req []byte, bulk bool) (Stream, error)
}

// Stream is one bulk call as its client sees it, a part of *quicwire.Stream.
type Stream interface {
	io.ReadWriter
	// CloseWrite ends the sending side.
	CloseWrite() error
	// ReadReply reads one reply frame, or the error that the other side answered with.
	ReadReply() ([]byte, error)
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	// Close ends both sides and frees the stream; it does not block. A transfer
	// that is not complete is reset.
	Close() error
}

package quicwire

import (
	"encoding/binary"
	"io"

	"google.golang.org/protobuf/proto"

	"kendfs/quicwire/wirepb"
)

// envelopeVersion is the only version there is.
const envelopeVersion = 1

// Kinds of envelopes.
const (
	kindCall  = 1 // first and later frames of a call stream, from the caller
	kindBulk  = 2 // first frame of a bulk stream, from the caller
	kindRaw   = 3 // first and only frame of a raw stream, from the caller
	kindReply = 4
)

// Bounds of a frame.
const (
	lengthBytes    = 4
	BodyBytesMax   = 1 << 20  // of a request or a reply
	frameSlack     = 16 << 10 // for the envelope's other fields; a message is at most 4 KiB
	joinBytesMax   = 32 << 10 // of a body from or to a peer without a certificate
	bufferKeptMax  = 64 << 10 // larger buffers are not kept for the next frame
	bufferFirstMax = 64 << 10 // allocated on the word of a length; the rest as bytes arrive
)

// appendFrame appends an envelope with its length in front.
func appendFrame(b []byte, env *wirepb.Envelope, bodyMax int) ([]byte, error) {
	if len(env.Body) > bodyMax {
		return b, errorf(CodeTooLarge, "message of %d bytes, at most %d", len(env.Body), bodyMax)
	}
	at := len(b)
	b = append(b, 0, 0, 0, 0)
	b, err := proto.MarshalOptions{}.MarshalAppend(b, env)
	if err != nil {
		return b[:at], errorf(CodeInternal, "encode frame: %w", err)
	}
	binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-lengthBytes))
	return b, nil
}

// frameReader reads frames and keeps one buffer for them.
type frameReader struct {
	r       io.Reader
	bodyMax int
	buf     []byte
}

// next reads one frame into env, whose fields do not share memory with the
// reader. It returns io.EOF at the end of the stream, io.ErrUnexpectedEOF in
// the middle of a frame, an Error for a frame that is no frame, and whatever
// the stream says.
func (f *frameReader) next(env *wirepb.Envelope) error {
	if cap(f.buf) > bufferKeptMax {
		f.buf = nil
	}
	f.buf = grow(f.buf[:0], lengthBytes)
	if _, err := io.ReadFull(f.r, f.buf); err != nil {
		return err
	}
	n := int64(binary.BigEndian.Uint32(f.buf))
	if n > int64(f.bodyMax+frameSlack) {
		return errorf(CodeTooLarge, "frame of %d bytes, at most %d", n, f.bodyMax+frameSlack)
	}
	f.buf = f.buf[:0]
	for left := int(n); left > 0; {
		at := len(f.buf)
		step := min(left, max(bufferFirstMax, at)) // at most double what has come
		f.buf = grow(f.buf, step)
		if _, err := io.ReadFull(f.r, f.buf[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		left -= step
	}
	env.Reset()
	if err := proto.Unmarshal(f.buf, env); err != nil {
		return errorf(CodeInvalid, "frame is no envelope: %w", err)
	}
	if env.Version != envelopeVersion {
		return errorf(CodeUnsupported, "envelope of version %d, this side speaks %d only", env.Version, envelopeVersion)
	}
	return nil
}

// grow returns b with n more bytes.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		c := make([]byte, len(b), len(b)+max(n, 512))
		copy(c, b)
		b = c
	}
	return b[:len(b)+n]
}

// failure makes an error of a reply that carries one; nil if it does not.
func failure(env *wirepb.Envelope) error {
	if env.Status == 0 {
		return nil
	}
	return &Error{Code: min(env.Status-1, codeMax), Msg: env.Message, Remote: true}
}

package quicwire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/quic-go/quic-go"
)

// Codes of errors that quicwire itself makes. They are the numbers of
// metadata.Kind, which this package does not import; a test compares them.
const (
	CodeInternal    uint32 = 0
	CodeInvalid     uint32 = 1
	CodeDenied      uint32 = 9
	CodeTooLarge    uint32 = 13
	CodeUnavailable uint32 = 14
	CodeTimeout     uint32 = 15
	CodeBusy        uint32 = 18
	CodeCanceled    uint32 = 19
	CodeUnsupported uint32 = 21
	codeMax         uint32 = 255 // a metadata.Kind is one byte
)

// Error is every error of calls and streams.
//
// With Remote false it comes from the transport: CodeUnavailable says that the
// request was not executed, CodeTimeout that its outcome is unknown,
// CodeDenied that one side refused the other's certificate, CodeBusy that a
// limit was hit and nothing was executed.
type Error struct {
	Code   uint32 // the number of a metadata.Kind
	Msg    string
	Remote bool // the other side's handler or endpoint said so
	err    error
}

// Error returns the message.
func (e *Error) Error() string {
	if e.Msg == "" {
		return fmt.Sprintf("quicwire: code %d", e.Code)
	}
	return e.Msg
}

// Unwrap returns the cause, if it is of this process.
func (e *Error) Unwrap() error { return e.err }

// Is lets errors.Is compare with the errors of package context, on both sides
// of the wire.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Code == CodeTimeout
	case context.Canceled:
		return e.Code == CodeCanceled
	}
	return false
}

// Timeout makes Error a net.Error.
func (e *Error) Timeout() bool { return e.Code == CodeTimeout }

// Temporary makes Error a net.Error.
func (e *Error) Temporary() bool { return e.Code == CodeTimeout || e.Code == CodeBusy }

var _ net.Error = (*Error)(nil)

// errorf makes an Error of this side. A %w verb sets the cause.
func errorf(code uint32, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Msg: err.Error(), err: errors.Unwrap(err)}
}

// Codes with which streams are reset and connections closed: 0 is an orderly
// end, 1 says that the stream's request was not looked at, and base+k carries
// error code k.
const (
	wireDone    = 0
	wireRefused = 1
	wireBase    = 0x100
)

// wireCode maps an error code to a stream's or connection's.
func wireCode(code uint32) quic.StreamErrorCode {
	return quic.StreamErrorCode(wireBase + min(code, codeMax))
}

// fromWire is the inverse of wireCode. An orderly end in the middle of
// something is a peer that went away.
func fromWire(code uint64, what string) *Error {
	switch {
	case code >= wireBase && code <= wireBase+uint64(codeMax):
		return &Error{Code: uint32(code - wireBase), Msg: what, Remote: true}
	case code == wireRefused:
		return &Error{Code: CodeBusy, Msg: what + ": the peer is over a limit", Remote: true}
	}
	return &Error{Code: CodeUnavailable, Msg: what}
}

// fromQUIC maps an error of quic-go or of package context. It keeps io.EOF out
// of its business: the caller knows what an end means.
func fromQUIC(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if se, ok := errors.AsType[*quic.StreamError](err); ok {
		if se.Remote {
			return fromWire(uint64(se.ErrorCode), "stream reset by the peer")
		}
		// Of this side: the code says why, see Stream.follow.
		e := fromWire(uint64(se.ErrorCode), "stream canceled")
		if e.Remote, e.err = false, err; se.ErrorCode < wireBase {
			e.Code = CodeCanceled
		}
		return e
	}
	if ae, ok := errors.AsType[*quic.ApplicationError](err); ok {
		what := "connection closed"
		if ae.ErrorMessage != "" {
			what += ": " + strings.ToValidUTF8(ae.ErrorMessage, "?")
		}
		if ae.Remote {
			return fromWire(uint64(ae.ErrorCode), what)
		}
		e := fromWire(uint64(ae.ErrorCode), what)
		e.Remote, e.err = false, err
		return e
	}
	if te, ok := errors.AsType[*quic.TransportError](err); ok {
		return fromTransport(te)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &Error{Code: CodeCanceled, Msg: "canceled", err: err}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &Error{Code: CodeTimeout, Msg: "deadline exceeded", err: err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &Error{Code: CodeUnavailable, Msg: "stream ended early", err: err}
	}
	return &Error{Code: CodeUnavailable, Msg: err.Error(), err: err}
}

// Alerts of TLS as QUIC's error codes (RFC 9001, 4.8: 0x100 and the alert).
const (
	alertFirst    = 0x100
	alertInternal = 0x150 // the peer has no certificate yet
	alertNoALPN   = 0x178
	alertLast     = 0x1ff
)

// fromTransport maps an error of the QUIC layer.
func fromTransport(te *quic.TransportError) *Error {
	e := &Error{Code: CodeUnavailable, Msg: te.Error(), err: te}
	switch code := te.ErrorCode; {
	case code == alertNoALPN:
		e.Code, e.Msg = CodeUnsupported, "the peer does not offer this service: "+te.Error()
	case code == alertInternal && te.Remote:
		e.Msg = "the peer is not ready: " + te.Error()
	case code >= alertFirst && code <= alertLast:
		e.Code = CodeDenied
		if te.Remote {
			e.Msg = "the peer refused this node's certificate: " + te.Error()
		}
	case code == quic.ConnectionRefused:
		e.Code = CodeBusy
	}
	return e
}

// lost reports whether an error means that the connection is gone (and not
// just the stream, or the caller's patience).
func lost(err error) bool {
	if _, ok := errors.AsType[*quic.StatelessResetError](err); ok {
		return true
	}
	if _, ok := errors.AsType[*quic.IdleTimeoutError](err); ok {
		return true
	}
	if ae, ok := errors.AsType[*quic.ApplicationError](err); ok {
		return ae.ErrorCode == wireDone
	}
	return false
}

// ended reports whether an error is the end of a whole connection.
func ended(err error) bool {
	_, closed := errors.AsType[*quic.ApplicationError](err)
	_, broken := errors.AsType[*quic.TransportError](err)
	return closed || broken || lost(err)
}

// messageBytesMax bounds an error's text on the wire.
const messageBytesMax = 4 << 10

// wireMessage returns a text that fits an envelope.
func wireMessage(s string) string {
	if len(s) > messageBytesMax {
		s = s[:messageBytesMax]
	}
	return strings.ToValidUTF8(s, "?")
}

// errorCode is what Config.ErrorCode does by default.
func errorCode(err error) (uint32, string) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code, e.Error()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return CodeTimeout, err.Error()
	case errors.Is(err, context.Canceled):
		return CodeCanceled, err.Error()
	}
	return CodeInternal, err.Error()
}

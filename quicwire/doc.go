// Package quicwire is the transport between the nodes of a cluster: one UDP
// socket per process, QUIC with mutual TLS, and on it calls, bulk streams and
// raw streams. DESIGN.md has the protocol byte by byte and the reasons.
//
// An Endpoint both serves and calls. A Service is an ALPN protocol; for each
// there is one connection to a peer's address, so control and data never share
// a congestion window. On a connection there are three kinds of streams:
//
//   - calls: a request frame, a reply frame, one call at a time; the streams
//     are kept and used again (Handle's Calls, Endpoint.Call)
//   - bulk: a request frame, then raw bytes and reply frames as the service
//     says (Handle's Streams, Endpoint.OpenStream)
//   - raw: all bytes are the service's; the Stream is a net.Conn (Handle's
//     Raw, Endpoint.OpenRaw)
//
// Who is at the other end is known before a byte of a service is read: the
// certificate's URI names cluster, node and roles, and both sides check it in
// the handshake. Only ServiceJoin takes peers without a certificate, and the
// joiner checks the server against the hash in its Token first. CA, SignCSR,
// NewCSR, Credentials and Token are the parts of that.
//
// It refuses to be: an RPC framework (methods are numbers, bodies are bytes), a
// name service, a load balancer, a store of keys (callers keep their files). It
// resends a request only when it cannot have been executed, or was said to be
// idempotent; whether anything else may be repeated is the caller's to know.
//
// # Invariants
//
//   - A handler runs only for a peer whose certificate is of this cluster, is
//     valid now, has an allowed role and is not revoked, or for ServiceJoin.
//   - A connection does not outlive its peer's certificate or membership.
//   - CodeUnavailable of this side means: not executed. CodeTimeout: unknown.
//   - A handler sees a request as a whole or not at all.
//   - An upload that was given up never looks complete (Stream.Close).
//
// # Goroutines
//
// Each incoming connection has one goroutine and each of its streams another;
// they end with the connection. A dial has one. Endpoint.Close ends all of them
// and waits, so a handler must return when its context ends. quic-go adds a
// reader per socket and a run loop per connection. A panic of a handler is not
// caught (QW-13).
//
// # Limits
//
// Bodies are at most 1 MiB (Config.BodyMax), error texts 4 KiB, certificates'
// roles 8; connections, streams, handshakes and receive windows have the bounds
// in Config; strangers have much smaller ones. Each is tested.
package quicwire

// Package wirepb is the protobuf schema of quicwire's envelope, and the Go code
// that protoc makes of it:
//
//	protoc --go_out=. --go_opt=module=kendfs quicwire/wirepb/envelope.proto
//
// Nothing but package quicwire imports it. The schema is append-only: a field
// number is never reused, and a reader skips fields it does not know. A change
// that an old reader must not overlook raises the envelope's version, which
// old readers refuse in words.
//
// The services' own messages travel as bytes in Envelope.body; their schemas
// are next to the services.
package wirepb

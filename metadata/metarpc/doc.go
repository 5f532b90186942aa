// Package metarpc is how the rest of the system talks to the nameserver.
//
// Client implements the contracts of package metadata (Tree, Changer, Locker,
// Leaser, Fleet, Directory) and the operator's calls on top of two small
// interfaces: Backend, which proposes commands and answers queries, and
// Leader, which performs the leader's duties. In the nameserver's own process
// these are the replica and the fleet themselves, and a call is a Go call
// (A10). Elsewhere they are a Remote, which carries the same messages over
// quicwire to a Server.
//
// It refuses to know rows, raft or placement: it converts between the types of
// package metadata and the protobuf messages of metapb, decides which role may
// call what, and retries.
//
// Invariants:
//
//   - A command is applied at most once. It is sent again only when the
//     transport says that it was never delivered, or when it carries a session
//     and a sequence, by which the state machine knows a repetition.
//   - A query may be sent again at any time.
//   - A peer can only do what the roles in its certificate allow (allow.go), and
//     the audit has its certificate's node, whatever it claims (actor.go).
//   - A Watch is one call of up to 25 s; everything else is answered at once.
//
// Limits: a message is bounded by quicwire's frame size, a page by the
// constants of package metadata. A Remote starts no goroutine; a Server runs
// in quicwire's.
package metarpc

// Package session keeps who is signed in to the desktop.
//
// A session is an opaque token of 256 random bits in a cookie (scs); the server
// knows its SHA-256 only. Sessions live in memory and in one file of the node's
// folder, so that a restart of the admin signs nobody out. The file is written
// whole, beside the old one, and renamed: it is there or it is not. A file that
// cannot be read means that everybody signs in again, nothing worse.
//
// What it refuses to know: users, roles and passwords. Data.Stamp is whatever
// the caller wants to compare later (a digest of the password's hash, so that a
// new password ends the sessions of the old one).
//
// Invariants:
//
//   - A session that was ended stays ended: a request that was on its way when
//     it happened cannot bring it back.
//   - A session ends Idle after its last request and Life after its begin,
//     whatever happens.
//   - A new sign-in gets a new token (session fixation).
//
// Goroutines: none. Limits: SessionsMax sessions, UserSessionsMax of one user;
// the ones that were not used for longest make room.
package session

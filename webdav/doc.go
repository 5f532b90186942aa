// Package webdav is the gateway: it serves the drive over WebDAV (RFC 4918,
// classes 1, 2 and 3) to Finder, Explorer, davfs2, gvfs, rclone and browsers.
//
// New makes a Handler over the contracts of package metadata and a
// blockio.Client; NewServer puts it on the network, guarded against clients
// that are slow, many or hostile. Handler.FileSystem and Handler.LockSystem offer
// the same drive to the stock handler of golang.org/x/net/webdav.
//
// What it refuses to be: it keeps no state of its own but caches that may be
// lost (any gateway serves any client at any moment), it decides no rights and
// no conditions (the namespace does, in the command that makes the change), it
// stores no partial upload, it offers no CORS, no redirects, no methods beyond
// its list.
//
// Invariants:
//
//   - A 2xx to PUT means that all bytes came, matched the announced length and
//     checksums, and were committed in one command; anything else leaves the
//     old version.
//   - An answer that cannot be completed breaks the connection; it never looks
//     complete.
//   - 404 means that the namespace said "not there", never that it could not be
//     asked.
//   - No byte of a path or a property reaches HTML, XML or a header unescaped.
//
// Goroutines: those of net/http, one per request; none of its own.
//
// Limits: connections in total and per address, header 32 KiB, XML bodies
// 1 MiB, a bounded number of uploads at once and in the queue, 1 KiB/s as the
// slowest pace of a body, pages of a thousand entries, 32 ranges. DESIGN.md has
// the protocol, the failure modes and the decisions (WD-n).
package webdav

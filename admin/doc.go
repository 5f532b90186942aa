// Package admin is the desktop in the browser: an HTTP API over the cluster, a
// live stream, and the user interface (admin/ui) that is built into the binary.
//
// The API is what openapi.yaml says; package admin/api is generated from it.
// Who may call what, which operations want the password again and what values
// are taken is read from that document and enforced in one place for every
// operation (guard.go). Handlers know no Echo types.
//
// Reads come from a snapshot in memory, fed by one watch of the nameservers
// however many browsers look (snapshot.go). When no nameserver answers, the
// snapshot stays and says so: stale, with the verdict unknown. It is on disk,
// too, so that the desktop answers after its own restart when nothing else does.
//
// What it refuses: plain HTTP from elsewhere than this machine unless told to;
// requests of other origins; to render what users store, on its own origin; to
// do as the system what a user asked for: changes of the tree carry the user,
// and the namespace decides.
//
// Invariants:
//
//   - No operation runs without its rule having been checked.
//   - Every change carries who, from where, with which request and why.
//   - Every list, body, queue, cache and stream has a bound.
//
// Goroutines: Run's (one watches, one polls), which end with its context, and
// one for each upload that waits for its end. DESIGN.md has the protocols and
// the decisions.
package admin

// Package ui holds the admin desktop, built, inside the binary.
//
// The sources are the npm project in this folder (README.md tells how an app is
// written); `make ui` builds them into dist/app, which is not committed. A binary
// built without Node has no dist/app: Dist then reports that, the API serves a
// page that says what to run, and every Go test passes as before.
//
// The files are served as they are: everything below assets/ has its hash in its
// name and never changes, index.html answers every other path, because the
// browser's address (/d/nodes/dn-07) names a window and not a file. The page
// needs no inline code and no inline style, so it runs under a Content-Security-
// Policy of default-src 'none' with 'self' for scripts, styles, fonts and images,
// and with Trusted Types (policy name: svelte-trusted-html).
package ui

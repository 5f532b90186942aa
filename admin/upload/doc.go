// Package upload keeps uploads that pause and resume.
//
// An upload is begun with its size, grows by requests that say at which offset
// they go on, and is committed by the request that brings its last byte. Until
// then nobody sees anything; one that is given up, or not continued for TTL,
// leaves no trace. A request that breaks off keeps what has arrived: whoever
// asks learns the offset and goes on from there. A finished upload is remembered
// for a while, for the client whose answer was lost.
//
// What it refuses: two requests at a time on one upload; another user's
// uploads; bytes beyond the size that was said; more than TotalMax unfinished
// uploads, or UserMax of one user.
//
// It knows no paths and no protocol: what is written to is a Writer, and what
// makes it visible is a function of the caller's.
//
// Goroutines: none of its own but timers, which Close stops.
package upload

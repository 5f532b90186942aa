// Package live carries what changes to the browsers: one stream of server-sent
// events (WHATWG HTML §9.2) per tab.
//
// A Hub numbers what is published and keeps the last RingMax messages. A stream
// gets the topics it asked for; one that comes back with Last-Event-ID gets what
// it missed, or "reset" when that is gone, which means: read everything again.
// Coalescing is the publisher's business: it publishes at most once a second
// per topic, and nothing when nothing changed.
//
// What it refuses: to wait for anybody. A stream whose queue is full is dropped;
// its browser comes back and resumes. More than StreamsMax streams, or UserMax
// of one user, are refused.
//
// Invariants: the ids of a Hub only grow; a stream sees messages of its topics
// in order and each at most once; every write has a deadline.
//
// Goroutines: none of its own; Serve runs in the request's. Stop ends all
// streams, so that a server can shut down.
package live

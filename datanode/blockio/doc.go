// Package blockio is the client side of the storage servers: it turns a stream
// of bytes into replicated blocks and blocks back into bytes.
//
// A Client belongs to one process that reads and writes files, such as a
// gateway. It holds a session with the nameserver and a few volume leases, so
// that writing needs no metadata call before the data.
//
//	w := client.Create(ctx, blockio.CreateOptions{Replicas: 2, Size: r.ContentLength})
//	defer w.Abort()                       // harmless after Commit
//	if _, err := io.Copy(w, r.Body); err != nil { … }   // uses ReadFrom
//	err := w.Commit(ctx, func(ctx context.Context, m metadata.Commit) error {
//		m.Modified = modified
//		committed, err = changer.Commit(ctx, path, guard, m)
//		return err
//	})
//
//	r := client.Open(ctx, entry)          // no I/O yet
//	defer r.Close()
//	n, err := r.CopyRange(w, off, length) // or io.Copy(w, r), ReadAt, Seek, Read
//
// What it refuses to be: it knows no paths, no users and no locks; it caches no
// file data; it never returns a byte whose checksum it has not verified; it
// never reports a block as durable that is not durable on every replica of its
// volume.
//
// Invariants:
//
//   - Every block in a metadata.Commit made here is durable on all replicas that
//     the volume has in the epoch of the accompanying proof.
//   - A block's bytes stay in memory until that is so.
//   - A lease that the leader recalls is given back once what is in it is staged
//     or committed; no lease is held for ever.
//   - A lease is released only when no uncommitted block of this process is in
//     its volume.
//
// Goroutines: a Client runs one that renews the session and looks after leases,
// from the first Create until Close; a Writer runs one per block in flight
// (at most writerInFlight) and waits for them in Finish and Abort; a Reader
// runs one per hedged attempt and two for reading ahead, which end with their
// context or at the latest after their stall time. At most checksMax ask servers
// to read a block again; Close waits for them.
//
// Limits: blocks in buffers Config.BufferBytes over all Writers; a Reader holds
// a few segments of SegmentBytes and reads two runs ahead, all Readers together
// at most runBytesOfClient; the caches of volume locations and of block
// references have fixed sizes. The wire format and the decisions are in DESIGN.md.
package blockio

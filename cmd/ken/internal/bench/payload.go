package main

import (
	"io"
	"math/rand/v2"
)

// payload is where the bytes of all files come from: incompressible, different
// for every key, and made once, so that making them takes no time from the
// server that shares the processors.
type payload struct{ pool []byte }

const payloadBytes = 8 << 20

func newPayload() *payload {
	p := &payload{pool: make([]byte, payloadBytes)}
	_, _ = rand.NewChaCha8([32]byte{}).Read(p.pool) // never fails
	return p
}

// reader returns n bytes that are fixed by key: the pool from some place on,
// over and over.
func (p *payload) reader(key uint64, n int64) io.Reader {
	at := key * 0x9e3779b97f4a7c15 % payloadBytes // Fibonacci hashing
	return &repeated{pool: p.pool, at: int(at), left: n}
}

// repeated reads a pool round and round.
type repeated struct {
	pool []byte
	at   int
	left int64
}

// Read implements io.Reader.
func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.left)], r.pool[r.at:])
	r.at = (r.at + n) % len(r.pool)
	r.left -= int64(n)
	return n, nil
}

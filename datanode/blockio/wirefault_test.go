package blockio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/datanode/blockio/blockpb"
	"kendfs/metadata"
)

// scripted is a bulk stream to a storage server that plays its part by the book
// until the call number `at`, which fails with err.
type scripted struct {
	at     int
	err    error
	calls  []string
	closed int

	reply []byte // the answer's frame
	body  io.Reader
	sent  bytes.Buffer
	ended bool // CloseWrite was called
}

func (s *scripted) step(what string) error {
	s.calls = append(s.calls, what)
	if len(s.calls) == s.at {
		return s.err
	}
	return nil
}

func (s *scripted) Read(p []byte) (int, error) {
	if err := s.step("Read"); err != nil {
		return 0, err
	}
	return s.body.Read(p)
}

func (s *scripted) Write(p []byte) (int, error) {
	if err := s.step("Write"); err != nil {
		return 0, err
	}
	return s.sent.Write(p)
}

func (s *scripted) CloseWrite() error {
	s.ended = true
	return s.step("CloseWrite")
}

func (s *scripted) ReadReply() ([]byte, error) {
	if err := s.step("ReadReply"); err != nil {
		return nil, err
	}
	return s.reply, nil
}

func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }
func (s *scripted) Close() error                     { s.closed++; return nil }

// lone is a wire with one stream to be had.
type lone struct {
	s    *scripted
	open func(ctx context.Context) error // nil: at once
	bulk bool
	req  []byte
}

func (l *lone) Call(context.Context, metadata.NodeID, string, uint32, []byte) ([]byte, error) {
	return nil, metadata.Errorf(metadata.KindUnsupported, "no calls here")
}

func (l *lone) OpenStream(ctx context.Context, _ metadata.NodeID, _ string, _ uint32, req []byte, bulk bool) (Stream, error) {
	l.bulk, l.req = bulk, req
	if l.open != nil {
		if err := l.open(ctx); err != nil {
			return nil, err
		}
	}
	return l.s, nil
}

// wireErrors are what a stream may fail with, and the kinds that come of it.
func wireErrors() map[string]struct {
	err  error
	want metadata.Kind
} {
	return map[string]struct {
		err  error
		want metadata.Kind
	}{
		"reset":     {io.ErrUnexpectedEOF, metadata.KindUnavailable},
		"stall":     {os.ErrDeadlineExceeded, metadata.KindTimeout},
		"canceled":  {context.Canceled, metadata.KindCanceled},
		"no space":  {metadata.Errorf(metadata.KindNoSpace, "full"), metadata.KindNoSpace},
		"fenced":    {metadata.Errorf(metadata.KindStale, "fenced"), metadata.KindStale},
		"no memory": {metadata.Errorf(metadata.KindBusy, "busy"), metadata.KindBusy},
	}
}

// putOver puts n bytes over a stream.
func putOver(t *testing.T, s *scripted, n int) ([]Outcome, error) {
	t.Helper()
	data, sums := smallData(n)
	s.reply = encodeOutcomes([]Outcome{{Replica: metadata.Replica{Node: 1, Disk: 5}}})
	r := NewRemote(&lone{s: s}, 1, "host:1")
	return r.Put(t.Context(), PutRequest{Block: blockID(3, 4), Disk: 5, Data: data, Sums: sums})
}

// A put that breaks at any step is an error that names the server, has the kind
// of what broke it, and leaves no stream open.
func TestPutBreaksAtEveryStep(t *testing.T) {
	const n = 2*SegmentBytes + 100
	dry := &scripted{}
	out, err := putOver(t, dry, n)
	if err != nil || len(out) != 1 || out[0].Err != nil || out[0].Disk != 5 || dry.closed != 1 || !dry.ended {
		t.Fatalf("put: %v, %v, closed %d times", out, err, dry.closed)
	}
	data, _ := smallData(n)
	if !bytes.Equal(dry.sent.Bytes(), encode(data)) {
		t.Error("what was sent is not the block in segments")
	}
	if want := 3*2 + 2; len(dry.calls) != want {
		t.Fatalf("a put took %d steps (%v), want %d", len(dry.calls), dry.calls, want)
	}
	for name, e := range wireErrors() {
		for at := 1; at <= len(dry.calls); at++ {
			s := &scripted{at: at, err: e.err}
			out, err := putOver(t, s, n)
			if err == nil || out != nil || metadata.KindOf(err) != e.want {
				t.Errorf("%s at step %d (%s): %v, %v, want %v", name, at, dry.calls[at-1], out, err, e.want)
			}
			if s.closed != 1 {
				t.Errorf("%s at step %d: the stream was closed %d times", name, at, s.closed)
			}
		}
	}
}

// explaining fails every write; its server has said why.
type explaining struct {
	scripted
	why error
}

func (e *explaining) Write([]byte) (int, error)  { return 0, io.ErrClosedPipe }
func (e *explaining) ReadReply() ([]byte, error) { return nil, e.why }

type explainingWire struct {
	lone
	e *explaining
}

func (w *explainingWire) OpenStream(context.Context, metadata.NodeID, string, uint32, []byte, bool) (Stream, error) {
	return w.e, nil
}

// A server that refuses the data says why, and is heard; one that only went
// away is described by what broke.
func TestPutRefusedInTheMiddle(t *testing.T) {
	data, sums := smallData(SegmentBytes)
	for _, c := range []struct{ why, want metadata.Kind }{
		{metadata.KindNoSpace, metadata.KindNoSpace},
		{metadata.KindStale, metadata.KindStale},
		{metadata.KindCorrupt, metadata.KindCorrupt},
		{metadata.KindUnavailable, metadata.KindUnavailable},
		{metadata.KindTimeout, metadata.KindUnavailable}, // it did not answer: the broken pipe counts
		{metadata.KindCanceled, metadata.KindUnavailable},
	} {
		w := &explainingWire{e: &explaining{why: metadata.Errorf(c.why, "because")}}
		_, err := NewRemote(w, 1, "host:1").Put(t.Context(), PutRequest{Block: blockID(1, 1), Data: data, Sums: sums})
		if err == nil || metadata.KindOf(err) != c.want {
			t.Errorf("server says %v: %v, want %v", c.why, err, c.want)
		}
	}
}

// What is still coming in is sent as it comes; when it stops, so does the put.
func TestPutOfWhatComesIn(t *testing.T) {
	data, sums := smallData(3 * SegmentBytes)
	var asked []int
	have := 0
	ready := func(_ context.Context, off int) (int, error) {
		asked = append(asked, off)
		have = min(have+SegmentBytes*2/3, len(data))
		return have, nil
	}
	s := &scripted{reply: encodeOutcomes(nil)}
	r := NewRemote(&lone{s: s}, 1, "host:1")
	if _, err := r.Put(t.Context(), PutRequest{Block: blockID(1, 1), Data: data, Sums: sums, Ready: ready}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(s.sent.Bytes(), encode(data)) {
		t.Error("what was sent is not the block")
	}
	if len(asked) < 4 || asked[0] != 0 || !slices.IsSorted(asked) {
		t.Errorf("asked for more at %v", asked)
	}
	gone := errors.New("sender gone")
	s = &scripted{reply: encodeOutcomes(nil)}
	r = NewRemote(&lone{s: s}, 1, "host:1")
	_, err := r.Put(t.Context(), PutRequest{Block: blockID(1, 1), Data: data, Sums: sums, Ready: func(_ context.Context, off int) (int, error) {
		if off >= SegmentBytes {
			return 0, gone
		}
		return SegmentBytes, nil
	}})
	if !errors.Is(err, gone) || s.ended || s.closed != 1 {
		t.Errorf("a put whose data stopped coming: %v, ended %v, closed %d times", err, s.ended, s.closed)
	}
}

// A server that cannot be reached in time is given up, and a connection that
// comes too late is not used.
func TestOpenTakesTooLong(t *testing.T) {
	for name, open := range map[string]func(context.Context) error{
		"never":    func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"too late": func(ctx context.Context) error { <-ctx.Done(); return nil },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{}
			r := NewRemote(&lone{s: s, open: open}, 1, "host:1")
			data, sums := smallData(100_000)
			began := time.Now()
			_, err := r.Put(t.Context(), PutRequest{Block: blockID(1, 1), Data: data, Sums: sums, Stall: 2 * time.Second})
			if took := time.Since(began); metadata.KindOf(err) != metadata.KindTimeout || took != 2*time.Second {
				t.Errorf("%s: put: %v after %v, want %v after 2 s", name, err, took, metadata.KindTimeout)
			}
			_, err = r.Get(t.Context(), GetRequest{Block: blockID(1, 1)})
			if took := time.Since(began); metadata.KindOf(err) != metadata.KindTimeout || took != 2*time.Second+StallGet {
				t.Errorf("%s: get: %v after %v, want %v", name, err, took, metadata.KindTimeout)
			}
			if want := map[string]int{"never": 0, "too late": 2}[name]; s.closed != want || len(s.calls) != 0 {
				t.Errorf("%s: %d streams closed, want %d; %v", name, s.closed, want, s.calls)
			}
		})
	}
}

// Answers to a put that make no sense are refused.
func TestPutAnswersRefused(t *testing.T) {
	data, sums := smallData(100_000)
	for name, c := range map[string]struct {
		reply []byte
		want  metadata.Kind
	}{
		"garbage":  {[]byte{0xff, 0xff}, metadata.KindInvalid},
		"too many": {encodeOutcomes(make([]Outcome, metadata.ReplicasMax+1)), metadata.KindTooLarge},
	} {
		s := &scripted{reply: c.reply}
		out, err := NewRemote(&lone{s: s}, 1, "h").Put(t.Context(), PutRequest{Block: blockID(1, 1), Data: data, Sums: sums})
		if err == nil || out != nil || metadata.KindOf(err) != c.want || s.closed != 1 {
			t.Errorf("%s: %v, %v, want %v", name, out, err, c.want)
		}
	}
}

// getOver reads a range of a block of n bytes over a stream, verified.
func getOver(t *testing.T, s *scripted, req GetRequest) ([]byte, error) {
	t.Helper()
	r := NewRemote(&lone{s: s}, 1, "host:1")
	in, err := r.Get(t.Context(), req)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	var out []byte
	data, sums := make([]byte, SegmentBytes), make([]uint32, SegmentChunks)
	for {
		n, err := in.Next(data, sums)
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if _, err := Verify(data[:n], sums[:chunks(n)]); err != nil {
			return out, err
		}
		out = append(out, data[:n]...)
	}
}

func getReply(block, rest int) []byte {
	return marshal(&blockpb.GetReply{BlockLength: uint32(block), RangeLength: uint32(rest)})
}

// A get that breaks at any step is an error with the kind of what broke it, what
// came before is right, and the stream is closed once.
func TestGetBreaksAtEveryStep(t *testing.T) {
	const n = 2*SegmentBytes + 20_000
	data, _ := smallData(n)
	begin := func(at int, err error) *scripted {
		return &scripted{at: at, err: err, reply: getReply(n, n), body: bytes.NewReader(encode(data))}
	}
	dry := begin(0, nil)
	got, err := getOver(t, dry, GetRequest{Block: blockID(1, 1)})
	if err != nil || !bytes.Equal(got, data) || dry.closed != 1 || !dry.ended {
		t.Fatalf("get: %d bytes, %v, closed %d times", len(got), err, dry.closed)
	}
	for name, e := range wireErrors() {
		for at := 1; at <= len(dry.calls); at++ {
			s := begin(at, e.err)
			got, err := getOver(t, s, GetRequest{Block: blockID(1, 1)})
			if err == nil || metadata.KindOf(err) != e.want || !bytes.HasPrefix(data, got) {
				t.Errorf("%s at step %d (%s): %d bytes, %v, want %v", name, at, dry.calls[at-1], len(got), err, e.want)
			}
			if s.closed != 1 {
				t.Errorf("%s at step %d: the stream was closed %d times", name, at, s.closed)
			}
		}
	}
}

// A stream that ends at any byte of a range is never taken for its end.
func TestGetCutAtEveryByte(t *testing.T) {
	const n = metadata.ChunkBytes + 700
	data, _ := smallData(n)
	wire := encode(data)
	for cut := 0; cut < len(wire); cut += 37 {
		s := &scripted{reply: getReply(n, n), body: bytes.NewReader(wire[:cut])}
		got, err := getOver(t, s, GetRequest{Block: blockID(1, 1)})
		if metadata.KindOf(err) != metadata.KindUnavailable || err == nil || !bytes.HasPrefix(data, got) {
			t.Fatalf("cut after %d of %d bytes: %d bytes, %v, want %v", cut, len(wire), len(got), err, metadata.KindUnavailable)
		}
	}
	for at := 0; at < len(wire); at += 311 { // and a flipped bit never passes
		bad := slices.Clone(wire)
		bad[at] ^= 4
		s := &scripted{reply: getReply(n, n), body: bytes.NewReader(bad)}
		if got, err := getOver(t, s, GetRequest{Block: blockID(1, 1)}); metadata.KindOf(err) != metadata.KindCorrupt || err == nil {
			t.Fatalf("bit flipped in byte %d: %d bytes, %v, want %v", at, len(got), err, metadata.KindCorrupt)
		}
	}
}

// Answers to a get that promise what cannot be are refused before any data.
func TestGetAnswersRefused(t *testing.T) {
	for name, c := range map[string]struct {
		reply []byte
		off   int64
		want  metadata.Kind
	}{
		"garbage":               {[]byte{0xff}, 0, metadata.KindInvalid},
		"block too large":       {getReply(metadata.BlockBytesMax+1, 10), 0, metadata.KindCorrupt},
		"range beyond block":    {getReply(100, 101), 0, metadata.KindCorrupt},
		"range beyond, shifted": {getReply(20_000, 20_000), metadata.ChunkBytes, metadata.KindCorrupt},
		"range of four GiB":     {getReply(10, 1<<32-1), 0, metadata.KindCorrupt},
	} {
		s := &scripted{reply: c.reply, body: bytes.NewReader(nil)}
		_, err := getOver(t, s, GetRequest{Block: blockID(1, 1), Offset: c.off})
		if err == nil || metadata.KindOf(err) != c.want || s.closed != 1 {
			t.Errorf("%s: %v, want %v; closed %d times", name, err, c.want, s.closed)
		}
	}
	if _, err := NewRemote(&lone{}, 1, "h").Get(t.Context(), GetRequest{Offset: 3}); metadata.KindOf(err) != metadata.KindInvalid {
		t.Errorf("a get that starts within a chunk: %v", err)
	}
}

// Small gets share a connection with other small things; long ones do not.
func TestLanes(t *testing.T) {
	for _, c := range []struct {
		length int64
		bulk   bool
	}{{smallBytes + 1, false}, {4 * SegmentBytes, false}, {4*SegmentBytes + 1, true}, {0, true}} {
		w := &lone{s: &scripted{reply: getReply(0, 0), body: bytes.NewReader(nil)}}
		in, err := NewRemote(w, 1, "h").Get(t.Context(), GetRequest{Block: blockID(1, 1), Length: c.length})
		if err != nil || w.bulk != c.bulk {
			t.Fatalf("get of %d bytes: bulk %v, %v, want %v", c.length, w.bulk, err, c.bulk)
		}
		if err := errors.Join(in.Close(), in.Close()); err != nil || w.s.closed != 1 {
			t.Errorf("closed twice: %v, %d times", err, w.s.closed)
		}
	}
	for _, n := range []int{smallBytes + 1, starBytesMax, starBytesMax + 1} {
		data, sums := smallData(n)
		w := &lone{s: &scripted{reply: encodeOutcomes(nil)}}
		if _, err := NewRemote(w, 1, "h").Put(t.Context(), PutRequest{Block: blockID(1, 1), Data: data, Sums: sums}); err != nil {
			t.Fatal(err)
		}
		if want := n > starBytesMax; w.bulk != want {
			t.Errorf("put of %d bytes: bulk %v, want %v", n, w.bulk, want)
		}
		if r, length, err := decodePut(w.req); err != nil || length != n || r.Stall != StallPut {
			t.Errorf("put of %d bytes announced as %d, %+v, %v", n, length, r, err)
		}
	}
}

// Every error of a way to a server has a kind that tells what to do.
func TestWireErrors(t *testing.T) {
	for name, e := range wireErrors() {
		if got := metadata.KindOf(wireError(fmt.Errorf("wrapped: %w", e.err))); got != e.want {
			t.Errorf("%s: %v, want %v", name, got, e.want)
		}
	}
	if wireError(nil) != nil {
		t.Error("no error became one")
	}
	if got := metadata.KindOf(wireError(errors.New("anything"))); got != metadata.KindUnavailable {
		t.Errorf("an unknown error: %v, want %v", got, metadata.KindUnavailable)
	}
	d := &diskError{metadata.Errorf(metadata.KindNoSpace, "full")}
	if !onDisk(fmt.Errorf("x: %w", d)) || onDisk(d.err) || d.Error() != d.err.Error() || metadata.KindOf(d) != metadata.KindNoSpace {
		t.Error("a disk's error is not told from the cluster's")
	}
	if final(d) || !final(d.err) || final(metadata.Errorf(metadata.KindUnavailable, "x")) || !final(metadata.Errorf(metadata.KindQuota, "x")) {
		t.Error("final: a full disk is, or a full cluster is not; or a quota is not")
	}
}

package metarpc

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
	"kendfs/quicwire"
)

// Remote is a nameserver elsewhere: a Backend and a Leader over quicwire. It
// tries the nameservers in turn, stays with the one that answers, and repeats
// what may be repeated until the context ends or retryFor has passed. Safe for
// concurrent use.
type Remote struct {
	endpoint *quicwire.Endpoint
	retryFor time.Duration

	mu       sync.Mutex
	addrs    []string
	current  int    // index in addrs of the one that answered last
	session  uint64 // of commands; 0 before OpenSession
	sequence uint64 // of the last command sent in session
	flight   []uint64
	done     map[uint64]bool // in flight, already answered
}

var (
	_ Backend = (*Remote)(nil)
	_ Leader  = (*Remote)(nil)
)

// Times of retries.
const (
	retryForDefault = 20 * time.Second
	backoffMin      = 20 * time.Millisecond
	backoffMax      = 500 * time.Millisecond
	attemptMax      = 5 * time.Second  // one try, so that a silent nameserver does not eat the whole deadline
	watchAttempt    = 30 * time.Second // one Watch, which waits for 25 s by itself
)

// NewRemote makes a client of the nameservers at addrs. retryFor bounds the
// repetitions of one call when its context has no earlier end; 0 is 20 s, and
// a negative value never repeats.
func NewRemote(e *quicwire.Endpoint, addrs []string, retryFor time.Duration) *Remote {
	if retryFor == 0 {
		retryFor = retryForDefault
	}
	return &Remote{endpoint: e, addrs: addrs, retryFor: retryFor, done: map[uint64]bool{}}
}

// SetNameservers replaces the addresses.
func (r *Remote) SetNameservers(addrs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addrs, r.current = addrs, 0
}

func (r *Remote) target() (quicwire.Target, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.addrs) == 0 {
		return quicwire.Target{}, 0
	}
	return quicwire.Target{Addr: r.addrs[r.current%len(r.addrs)]}, r.current
}

func (r *Remote) rotate(from int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == from {
		r.current++
	}
}

// wireErr turns the transport's errors into those of package metadata.
func wireErr(err error) error {
	var we *quicwire.Error
	if errors.As(err, &we) {
		return &metadata.Error{Kind: metadata.Kind(we.Code), Msg: we.Msg, Err: err}
	}
	return err
}

// again says whether a call that failed so may be sent once more: quicwire
// promises that an unavailable or busy answer means "not executed", and leaves
// the outcome of a timeout unknown.
func again(err error, idempotent bool) bool {
	var we *quicwire.Error
	if !errors.As(err, &we) {
		return false
	}
	switch metadata.Kind(we.Code) {
	case metadata.KindUnavailable, metadata.KindBusy:
		return true
	case metadata.KindTimeout:
		return idempotent
	}
	return false
}

// call sends one message and decodes the answer, repeating it as far as that
// is safe.
func (r *Remote) call(ctx context.Context, method uint32, req, ans proto.Message, idempotent bool) error {
	send := r.endpoint.Call
	if idempotent {
		send = r.endpoint.CallIdempotent
	}
	_, err := r.exchange(ctx, send, method, req, ans, idempotent)
	return err
}

type sendFunc func(context.Context, quicwire.Target, quicwire.Service, uint32, []byte) ([]byte, error)

// exchange is call over one of the endpoint's ways to send. unsure: before the
// last attempt there was one whose outcome is not known.
func (r *Remote) exchange(ctx context.Context, send sendFunc, method uint32, req, ans proto.Message, idempotent bool) (
	unsure bool, err error) {
	return r.exchangeFor(ctx, attemptMax, send, method, req, ans, idempotent)
}

// exchangeFor is exchange with attempts that last so long.
func (r *Remote) exchangeFor(ctx context.Context, most time.Duration, send sendFunc, method uint32, req, ans proto.Message,
	idempotent bool) (unsure bool, err error) {
	b, err := proto.Marshal(req)
	if err != nil {
		return false, metadata.Errorf(metadata.KindInvalid, "the request cannot be sent, a text in it is not UTF-8: %w", err)
	}
	end := time.Now().Add(r.retryFor)
	for wait := backoffMin; ; wait = min(2*wait, backoffMax) {
		t, index := r.target()
		attempt, cancel := context.WithTimeout(ctx, most)
		out, err := send(attempt, t, quicwire.ServiceMeta, method, b)
		cancel()
		if err == nil {
			if err := proto.Unmarshal(out, ans); err != nil {
				return unsure, metadata.Errorf(metadata.KindInternal, "answer of %s does not decode: %w", t.Addr, err)
			}
			return unsure, nil
		}
		if !again(err, idempotent) || ctx.Err() != nil || time.Now().Add(wait).After(end) {
			return unsure, wireErr(err)
		}
		unsure = unsure || metadata.KindOf(wireErr(err)) == metadata.KindTimeout
		r.rotate(index)
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return unsure, wireErr(err)
		}
	}
}

// Propose implements Backend. After OpenSession every command carries the
// session and a sequence and may be repeated.
func (r *Remote) Propose(ctx context.Context, c *metapb.Command) (*metapb.Result, error) {
	_, opens := c.GetOp().(*metapb.Command_OpenSession)
	seq := r.begin(c, opens)
	var res metapb.Result
	// Not CallIdempotent: what it repeats by itself would not show in unsure.
	unsure, err := r.exchange(ctx, r.endpoint.Call, methodPropose, c, &res, seq != 0)
	r.end(c.GetSession(), seq)
	if err != nil {
		if unsure && metadata.KindOf(err) != metadata.KindTimeout {
			err = metadata.Errorf(metadata.KindTimeout, "the outcome of the change is unknown: %w", err)
		}
		return nil, err
	}
	if opens && res.GetOk() {
		r.adopt(res.GetId())
	}
	if seq != 0 && metadata.Kind(res.GetKind()) == metadata.KindStale {
		return r.stale(ctx, c, &res, unsure)
	}
	return &res, nil
}

// stale finds out what a command was refused as stale for: a lease, or the
// session that commands are counted in, with which the results of earlier
// attempts are gone. If one of these may have been applied, "stale" would be
// understood as "not done, do it again".
func (r *Remote) stale(ctx context.Context, c *metapb.Command, res *metapb.Result, unsure bool) (*metapb.Result, error) {
	err := r.Renew(ctx, metadata.SessionID(c.GetSession()), metadata.Presence{})
	over := err != nil && metadata.KindOf(err) == metadata.KindStale
	if over {
		r.forget(c.GetSession())
	}
	_, closes := c.GetOp().(*metapb.Command_CloseSession)
	switch {
	case err == nil || closes || !over && !unsure:
		return res, nil
	case unsure:
		return nil, metadata.Errorf(metadata.KindTimeout,
			"no answer to the change in time, and the session is over; the outcome is unknown: %s", res.GetMessage())
	}
	c.Session, c.Sequence, c.Acked = 0, 0, 0
	var once metapb.Result
	if _, err := r.exchange(ctx, r.endpoint.Call, methodPropose, c, &once, false); err != nil {
		return nil, err
	}
	return &once, nil
}

// inFlightMax is how many answered commands may wait for an older one before
// the older one's result is given up as no longer repeatable.
const inFlightMax = 2048

// begin stamps a command with the session, the next sequence and the low-water
// mark below which all results have arrived.
func (r *Remote) begin(c *metapb.Command, opens bool) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session == 0 || opens || len(r.flight) >= inFlightMax {
		return 0
	}
	r.sequence++
	c.Session, c.Sequence, c.Acked = r.session, r.sequence, r.sequence
	if len(r.flight) > 0 {
		c.Acked = r.flight[0]
	}
	r.flight = append(r.flight, r.sequence)
	return r.sequence
}

func (r *Remote) end(session, seq uint64) {
	if seq == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if session != r.session {
		return
	}
	r.done[seq] = true
	for len(r.flight) > 0 && r.done[r.flight[0]] {
		delete(r.done, r.flight[0])
		r.flight = r.flight[1:]
	}
}

func (r *Remote) adopt(session uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session, r.sequence, r.flight, r.done = session, 0, nil, map[uint64]bool{}
}

// forget stops using a session that is over; commands go without one until the
// next OpenSession.
func (r *Remote) forget(session uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session == session {
		r.session, r.flight, r.done = 0, nil, map[uint64]bool{}
	}
}

// Query implements Backend.
func (r *Remote) Query(ctx context.Context, q *metapb.Query) (*metapb.Answer, error) {
	var a metapb.Answer
	if err := r.call(ctx, methodQuery, q, &a, true); err != nil {
		return nil, err
	}
	return &a, nil
}

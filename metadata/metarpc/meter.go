package metarpc

import (
	"context"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Metered is a Backend that counts what it does: commands as writes, queries as
// reads, with their latency. A refused command counts as done, one that was not
// applied (or nobody knows) as an error.
type Metered struct {
	Backend
	meter metadata.Meter
	start time.Time
}

// Meter makes a Backend that counts.
func Meter(b Backend) *Metered { return &Metered{Backend: b, start: time.Now()} }

// Propose implements Backend.
func (m *Metered) Propose(ctx context.Context, c *metapb.Command) (*metapb.Result, error) {
	began := time.Now()
	r, err := m.Backend.Propose(ctx, c)
	if err != nil {
		m.meter.Fail()
		return nil, err
	}
	m.meter.Write(0, time.Since(began))
	return r, nil
}

// Query implements Backend.
func (m *Metered) Query(ctx context.Context, q *metapb.Query) (*metapb.Answer, error) {
	began := time.Now()
	a, err := m.Backend.Query(ctx, q)
	if k := metadata.KindOf(err); err != nil && (k.Retryable() || k == metadata.KindInternal) {
		m.meter.Fail()
		return nil, err
	}
	m.meter.Read(0, time.Since(began))
	return a, err
}

// Traffic returns what was counted.
func (m *Metered) Traffic() metadata.Traffic { return m.meter.Traffic(m.start) }

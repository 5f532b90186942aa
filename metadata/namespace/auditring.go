package namespace

import (
	"sort"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// The rings of the audit. Each has a bound of its own, so that however much is
// reported, by whomever, no change is forgotten for it: a stolen key of a
// gateway can push out what gateways report, and nothing else.
const (
	ringChanges = iota
	ringDesks
	ringGateways
	rings
)

// originGateway is the origin of who has no role but a gateway's; certificates
// bear it out (metarpc.actorOf).
const originGateway = "gateway"

// ring is one of them: rows from first to before next, without a gap, in the
// order of their ids, which are one sequence over all rings.
type ring struct {
	table       byte
	most        uint64
	first, next *uint64 // of the cluster's row; both 0: there never was one
}

func ringsOf(c *metapb.ClusterRow) [rings]ring {
	return [rings]ring{
		ringChanges:  {tableAudit, metadata.AuditMax, &c.FirstAudit, &c.NextAudit},
		ringDesks:    {tableReport, metadata.ReportsMax, &c.FirstReport, &c.NextReport},
		ringGateways: {tableGateway, metadata.ReportsMax, &c.FirstGateway, &c.NextGateway},
	}
}

// ringOf is where a record is kept. What gateways bring about is theirs, also
// when it is a change: they can name any user for it.
func ringOf(row *metapb.AuditRow, reported bool) int {
	switch {
	case row.GetActor().GetOrigin() == originGateway:
		return ringGateways
	case reported:
		return ringDesks
	}
	return ringChanges
}

// lastAudit is the newest id. Folders of before had one ring, whose numbers
// were the ids.
func lastAudit(c *metapb.ClusterRow) uint64 {
	return max(c.LastAudit, max(c.NextAudit, 1)-1)
}

// add writes a record, and drops the oldest when there are too many.
func (r ring) add(kv KV, row *metapb.AuditRow) error {
	*r.first, *r.next = max(*r.first, 1), max(*r.next, 1)
	n := *r.next
	*r.next++
	for *r.next-*r.first > r.most {
		if err := deleteRow(kv, key1(r.table, *r.first)); err != nil {
			return err
		}
		*r.first++
	}
	return putRow(kv, key1(r.table, n), row)
}

// end is the number after the newest record whose id is below before; 0 is no bound.
func (r ring) end(kv Reader, before uint64) (uint64, error) {
	if before == 0 || *r.next == *r.first {
		return *r.next, nil
	}
	var failed error
	n := sort.Search(int(*r.next-*r.first), func(i int) bool {
		if failed != nil {
			return true
		}
		row, err := getRow[metapb.AuditRow](kv, key1(r.table, *r.first+uint64(i)))
		failed = err
		return row.GetId() >= before
	})
	return *r.first + uint64(n), failed
}

// backward reads a ring from its newest record on, some at a time.
type backward struct {
	ring
	next uint64             // number after the one that is read next
	rows []*metapb.AuditRow // oldest first
}

// peek returns the record that is the newest now; nil when there is none.
func (b *backward) peek(r Reader) (*metapb.AuditRow, error) {
	if len(b.rows) == 0 && b.next > *b.first {
		from := max(*b.first, b.next-min(b.next, newestChunk))
		err := scanRows(r, key1(b.table, from), key1(b.table, b.next), func(key, val []byte) (bool, error) {
			row, err := decodeRow[metapb.AuditRow](key, val)
			b.rows = append(b.rows, row)
			return true, err
		})
		if err != nil {
			return nil, err
		}
		b.next = from
	}
	if len(b.rows) == 0 {
		return nil, nil
	}
	return b.rows[len(b.rows)-1], nil
}

// newestAudit calls fn for the records that m's ids allow, of all rings, newest
// first, until it says that it wants no more.
func (v view) newestAudit(m *match, fn func(*metapb.AuditRow) (more bool)) error {
	var from [rings]backward
	for i, r := range ringsOf(v.cluster) {
		end, err := r.end(v.r, m.Before)
		if err != nil {
			return err
		}
		from[i] = backward{ring: r, next: end}
	}
	for {
		var newest *backward
		var row *metapb.AuditRow
		for i := range from {
			r, err := from[i].peek(v.r)
			if err != nil {
				return err
			}
			if r != nil && (row == nil || r.Id > row.Id) {
				newest, row = &from[i], r
			}
		}
		if row == nil || row.Id <= m.After || !fn(row) {
			return nil
		}
		newest.rows = newest.rows[:len(newest.rows)-1]
	}
}

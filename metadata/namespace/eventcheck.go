package namespace

import (
	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// checkEvents proves that the events have no gap, are within their bound and
// in the order of time.
func (c *fleetCheck) checkEvents() error {
	last := int64(0)
	return c.checkLog("event", tableEvent, c.cluster.FirstEvent, c.cluster.NextEvent, metadata.EventsMax,
		func(id uint64, key, val []byte) error {
			row, err := decodeRow[metapb.EventRow](key, val)
			if err != nil {
				return err
			}
			if bad := checkEvent(row); bad != nil {
				c.bad("event %d: %v", id, bad)
			}
			c.want(row.Id == id, "event %d: its row says %d", id, row.Id)
			c.want(row.Time >= last && row.Time <= c.cluster.Now, "event %d: out of the order of time", id)
			last = row.Time
			return nil
		})
}

// checkAudit proves the same of each ring of the audit.
func (c *fleetCheck) checkAudit() error {
	newest := uint64(0)
	for i, r := range ringsOf(c.cluster) {
		what := [rings]string{"audit record", "report", "gateway's report"}[i]
		last, lastID := int64(0), uint64(0)
		err := c.checkLog(what, r.table, *r.first, *r.next, int(r.most), func(number uint64, key, val []byte) error {
			row, err := decodeRow[metapb.AuditRow](key, val)
			if err != nil {
				return err
			}
			c.want(row.Id >= number && row.Id > lastID && row.Id <= lastAudit(c.cluster), "%s %d: its row says %d", what, number, row.Id)
			c.want(row.Action != "" && row.Outcome != "" && row.Actor != nil, "%s %d: no action, outcome or actor", what, number)
			c.want(row.Time >= last && row.Time <= c.cluster.Now, "%s %d: out of the order of time", what, number)
			last, lastID = row.Time, row.Id
			newest = max(newest, row.Id)
			return nil
		})
		if err != nil {
			return err
		}
	}
	c.want(newest == lastAudit(c.cluster), "audit: the newest record is %d, want %d", newest, lastAudit(c.cluster))
	return nil
}

// checkLog walks a table whose ids have no gaps.
func (c *fleetCheck) checkLog(what string, table byte, first, next uint64, most int, row func(id uint64, key, val []byte) error) error {
	c.want(first <= next && next-first <= uint64(most) && (first == 0) == (next == 0),
		"%ss: from %d to before %d", what, first, next)
	want := first
	err := scanRows(c.r, []byte{table}, prefixEnd([]byte{table}), func(key, val []byte) (bool, error) {
		id := keyID(key, 0)
		c.want(id == want, "%s %d: want %d in its place", what, id, want)
		want = id + 1
		return true, row(id, key, val)
	})
	c.want(want == next, "%ss: they end before %d, want %d", what, want, next)
	return err
}

func (c *fleetCheck) checkMutes() error {
	rows, err := allRows[metapb.MuteRow](c.r, tableMute)
	for _, m := range rows {
		found, err := hasRow(c.r, keyMute(m.Code))
		c.want(err == nil && found && checkCode(m.Code) == nil, "mute of %q: under another key, or not a code", m.Code)
		c.want(m.Until > m.Since && m.Since <= c.cluster.Now, "mute of %q: from %d until %d", m.Code, m.Since, m.Until)
	}
	c.want(len(rows) <= metadata.MutesMax, "mutes: %d of them", len(rows))
	return err
}

// checkDesktops proves that every desktop is of a user and within its bound.
func (c *fleetCheck) checkDesktops() error {
	return scanRows(c.r, []byte{tableDesktop}, prefixEnd([]byte{tableDesktop}), func(key, val []byte) (bool, error) {
		user, err := hasRow(c.r, keyUser(string(key[1:])))
		c.want(user, "desktop of %q: there is no such user", key[1:])
		c.want(len(val) > 0 && len(val) <= metadata.DesktopBytesMax, "desktop of %q: %d bytes", key[1:], len(val))
		return true, err
	})
}

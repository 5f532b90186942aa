package namespace

import (
	"strings"

	"kendfs/metadata"
	"kendfs/metadata/metapb"
)

// Bounds of listQuotas.
const (
	quotaRowsMax = 10_000 // directories looked at in one call
	quotasMax    = 100    // found in one call
)

// listQuotas looks at directories in order of their ids and answers with those
// that use so many percent of their quota.
func (v view) listQuotas(q *metapb.ListQuotas) (*metapb.Answer, error) {
	limit := limitOf(q.GetLimit(), quotaRowsMax)
	a := &metapb.Answer{}
	type found struct {
		id  uint64
		row *metapb.DirRow
	}
	var near []found
	seen := 0
	lower := append(keyDir(q.GetAfter()), 0)
	err := scanRows(v.r, lower, prefixEnd([]byte{tableDir}), func(key, val []byte) (bool, error) {
		if seen == limit || len(near) == quotasMax {
			return false, nil
		}
		seen++
		a.Next = keyID(key, 0)
		row, err := decodeRow[metapb.DirRow](key, val)
		if err == nil && row.QuotaBytes > 0 && row.Bytes >= percentOf(row.QuotaBytes, q.GetPercent()) {
			near = append(near, found{a.Next, row})
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	if seen < limit && len(near) < quotasMax {
		a.Next = 0
	}
	for _, n := range near {
		path, err := v.dirPath(n.id)
		if err != nil {
			return nil, err
		}
		if path != "" {
			a.Quotas = append(a.Quotas, &metapb.QuotaUse{Path: path, Used: n.row.Bytes, Quota: n.row.QuotaBytes})
		}
	}
	return a, nil
}

// percentOf returns so many percent of n, rounded up, without an overflow.
func percentOf(n int64, percent uint32) int64 {
	p := int64(min(percent, 100))
	return n/100*p + (n%100*p+99)/100
}

// dirPath returns the path of a directory, "" when it is not in the tree (any
// more).
func (v view) dirPath(id uint64) (string, error) {
	var names []string
	for id != uint64(metadata.RootID) {
		row, err := v.dir(id)
		if err != nil {
			return "", err
		}
		if row == nil || row.Parent == 0 || len(names) > metadata.PathDepthMax {
			return "", nil
		}
		e, err := getRow[metapb.EntryRow](v.r, keyEntry(row.Parent, row.Key))
		if err != nil || e == nil || e.Id != id {
			return "", err
		}
		names = append(names, row.Key)
		id = row.Parent
	}
	var b strings.Builder
	for i := len(names) - 1; i >= 0; i-- {
		b.WriteString("/" + names[i])
	}
	if b.Len() == 0 {
		return "/", nil
	}
	return b.String(), nil
}

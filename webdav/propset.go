package webdav

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kendfs/metadata"
)

func setModified(c *metadata.AttrChange, value string) error {
	t, err := parseTime(value)
	c.Modified = &t
	return err
}

func setCreated(c *metadata.AttrChange, value string) error {
	t, err := parseTime(value)
	c.Created = &t
	return err
}

// parseTime parses the forms in which clients set times: an HTTP date (Windows,
// Cyberduck), RFC 3339 (creationdate), and Unix seconds (rclone).
func parseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	t, err := http.ParseTime(s)
	if err != nil {
		t, err = time.Parse(time.RFC3339Nano, s)
	}
	if err != nil {
		var sec float64
		if sec, err = strconv.ParseFloat(s, 64); err == nil && sec > -1e11 && sec < 1e11 {
			whole := int64(sec)
			t = time.Unix(whole, int64((sec-float64(whole))*1e9))
		}
	}
	// Years that do not fit metadata's nanoseconds, or an HTTP date.
	if err != nil || t.Year() < 1678 || t.Year() > 2261 {
		return time.Time{}, metadata.Errorf(metadata.KindConflict, "%.60q is no time that can be kept", s)
	}
	return t.UTC(), nil
}

// patchResult is what became of the property of one instruction.
type patchResult struct {
	name   xml.Name
	status int // 200: as far as is known now
	cond   string
	text   string
}

// plan turns the instructions of a PROPPATCH into one change. "Servers MUST
// process PROPPATCH instructions in document order" (RFC 4918 §9.2), so the
// last one about a property counts. ok is false if one of them cannot be
// done: then none is (§9.2: "all succeed or all fail").
func plan(ops []propOp) (change metadata.AttrChange, results []patchResult, ok bool) {
	live := liveProps()
	last := make(map[xml.Name]*propOp, len(ops))
	var order []xml.Name // of the first mention
	ok = true
	for i := range ops {
		op := &ops[i]
		n := xml.Name{Space: op.prop.Space, Local: op.prop.Local}
		res := patchResult{name: n, status: http.StatusOK}
		if l := findLive(live, n); l != nil {
			res.judge(l, op, &change)
		} else {
			if op.err != nil {
				res.status, res.text = http.StatusInsufficientStorage, op.err.Error()
			}
			if last[n] == nil {
				order = append(order, n)
			}
			last[n] = op
		}
		ok = ok && res.status == http.StatusOK
		results = addResult(results, res)
	}
	for _, n := range order {
		if op := last[n]; op.remove {
			change.DelProps = append(change.DelProps, op.prop)
		} else {
			change.SetProps = append(change.SetProps, op.prop)
		}
	}
	return change, results, ok
}

// judge decides about setting or removing a live property.
func (res *patchResult) judge(l *liveProp, op *propOp, change *metadata.AttrChange) {
	if l.set == nil || op.remove {
		res.status, res.cond = http.StatusForbidden, condProtectedProperty
		return
	}
	value, err := textOf(op.prop.Value)
	if err == nil {
		err = l.set(change, value)
	}
	if err != nil {
		res.status, res.text = http.StatusConflict, err.Error()
	}
}

// addResult adds a result; a property named twice gets the worse one.
func addResult(results []patchResult, res patchResult) []patchResult {
	for i := range results {
		if results[i].name == res.name {
			if res.status != http.StatusOK {
				results[i] = res
			}
			return results
		}
	}
	return append(results, res)
}

// textOf returns the text of a value without elements.
func textOf(value []byte) (string, error) {
	d := xml.NewDecoder(strings.NewReader(string(value)))
	var b strings.Builder
	for {
		t, err := d.RawToken()
		if err != nil {
			return b.String(), nil
		}
		text, ok := t.(xml.CharData)
		if !ok {
			return "", metadata.Errorf(metadata.KindConflict, "the value must be text")
		}
		b.Write(text)
	}
}

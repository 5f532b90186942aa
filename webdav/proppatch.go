package webdav

import (
	"net/http"

	"kendfs/metadata"
)

// proppatch sets and removes properties (RFC 4918 §9.2), all of them or none.
// Once the body is understood and the entry may be changed the answer is 207,
// also when all went well: clients look for the status of each property.
func (h *Handler) proppatch(w http.ResponseWriter, r *request) error {
	body, err := readXML(r.Request)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return badXML("PROPPATCH needs one")
	}
	ops, err := parseProppatch(body)
	if err != nil {
		return err
	}
	g, err := h.guard(r)
	if err != nil {
		return err
	}
	change, results, ok := plan(ops)
	var e metadata.Entry
	if ok {
		e, err = h.cfg.Changer.SetAttr(r.Context(), r.path, g, change)
		if err != nil && !blamesProps(err) {
			return err
		}
		if err != nil {
			// Which of them was one too many cannot be told.
			for i := range results {
				results[i].status, results[i].text = http.StatusInsufficientStorage, err.Error()
			}
		}
	} else {
		err = nil
		if e, err = h.cfg.Tree.Lookup(r.Context(), r.path, metadata.LookupOptions{User: r.user.Name}); err != nil {
			return err
		}
		for i := range results {
			if results[i].status == http.StatusOK {
				results[i].status = http.StatusFailedDependency
			}
		}
	}
	m := newMultistatus(w)
	m.open(appendHref(nil, r.path, e.IsDir || r.slash))
	m.patched(results)
	m.close()
	_ = m.end() // a client that is gone needs no answer
	return nil
}

// blamesProps reports that a change failed by the properties' number or size.
func blamesProps(err error) bool {
	switch metadata.KindOf(err) {
	case metadata.KindTooLarge, metadata.KindNoSpace, metadata.KindQuota:
		return true
	}
	return false
}

// patched writes the results, properties with the same outcome together.
func (m *multistatus) patched(results []patchResult) {
	done := make([]bool, len(results))
	for i := range results {
		if done[i] {
			continue
		}
		first := &results[i]
		m.openProps()
		for j := i; j < len(results); j++ {
			same := &results[j]
			if !done[j] && same.status == first.status && same.cond == first.cond && same.text == first.text {
				done[j] = true
				m.b = appendEmpty(m.b, same.name)
			}
		}
		m.closeProps(first.status, first.cond, first.text)
	}
}

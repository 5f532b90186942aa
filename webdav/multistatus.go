package webdav

import (
	"encoding/xml"
	"net/http"
	"strconv"

	"kendfs/metadata"
)

// multistatusFlushBytes is how much of a multistatus is held back at most.
const multistatusFlushBytes = 32 << 10

// multistatus writes a 207 response (RFC 4918 §13) as it is made up, in flat
// memory. Nothing is sent before the first flush; until then the request can
// still fail with another status. Write errors stick: they are in err.
type multistatus struct {
	w       http.ResponseWriter
	b       []byte
	started bool
	err     error
}

func newMultistatus(w http.ResponseWriter) *multistatus {
	m := &multistatus{w: w, b: make([]byte, 0, multistatusFlushBytes+4<<10)}
	m.b = append(m.b, xmlHeader...)
	m.b = append(m.b, `<D:multistatus xmlns:D="DAV:">`...)
	return m
}

// flush sends what has come together if it is over the bound, or in any case.
func (m *multistatus) flush(all bool) {
	if m.err != nil || !all && len(m.b) < multistatusFlushBytes {
		return
	}
	if !m.started {
		m.started = true
		m.w.Header().Set("Content-Type", xmlContentType)
		m.w.WriteHeader(http.StatusMultiStatus)
	}
	_, m.err = m.w.Write(m.b)
	m.b = m.b[:0]
}

// end completes the document and sends the rest.
func (m *multistatus) end() error {
	m.b = append(m.b, "</D:multistatus>\n"...)
	if !m.started {
		m.w.Header().Set("Content-Length", strconv.Itoa(len(m.b)))
	}
	m.flush(true)
	return m.err
}

// open begins the response for one resource.
func (m *multistatus) open(href []byte) {
	m.b = append(m.b, "<D:response><D:href>"...)
	m.b = append(m.b, href...)
	m.b = append(m.b, "</D:href>"...)
}

// close ends the response for one resource.
func (m *multistatus) close() {
	m.b = append(m.b, "</D:response>\n"...)
	m.flush(false)
}

// status writes a response that has a status and no properties.
func (m *multistatus) status(p metadata.Path, code int, cond string) {
	m.open(appendHref(nil, p, false))
	m.b = appendStatus(m.b, code)
	if cond != "" {
		m.b = append(m.b, "<D:error>"...)
		m.b = appendCondition(m.b, cond, nil)
		m.b = append(m.b, "</D:error>"...)
	}
	m.close()
}

// openProps begins a propstat; the properties follow.
func (m *multistatus) openProps() { m.b = append(m.b, "<D:propstat><D:prop>"...) }

// closeProps ends a propstat.
func (m *multistatus) closeProps(code int, cond, description string) {
	m.b = append(m.b, "</D:prop>"...)
	m.b = appendStatus(m.b, code)
	if cond != "" {
		m.b = append(m.b, "<D:error>"...)
		m.b = appendCondition(m.b, cond, nil)
		m.b = append(m.b, "</D:error>"...)
	}
	if description != "" {
		m.b = append(m.b, "<D:responsedescription>"...)
		m.b = appendText(m.b, description)
		m.b = append(m.b, "</D:responsedescription>"...)
	}
	m.b = append(m.b, "</D:propstat>"...)
}

// dead writes a dead property as it was sent.
func (m *multistatus) dead(p *metadata.Property) {
	n := xml.Name{Space: p.Space, Local: p.Local}
	m.b = appendOpen(m.b, n)
	if p.Lang != "" {
		m.b = append(m.b, ` xml:lang="`...)
		m.b = appendAttr(m.b, p.Lang)
		m.b = append(m.b, '"')
	}
	if len(p.Value) == 0 {
		m.b = append(m.b, "/>"...)
		return
	}
	m.b = append(m.b, '>')
	m.b = append(m.b, p.Value...)
	m.b = appendClose(m.b, n)
}

// appendStatus appends a status element. The text is for people.
func appendStatus(b []byte, code int) []byte {
	b = append(b, "<D:status>HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(code), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(code)...)
	return append(b, "</D:status>"...)
}

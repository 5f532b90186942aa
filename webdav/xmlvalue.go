package webdav

import (
	"strings"

	"kendfs/metadata"
)

// inner reads the content of the innermost open element, up to and with its
// end tag, and returns it as XML that can be put anywhere: every prefix, and a
// default namespace, is declared inside of it (RFC 4918 §4.3 keeps namespace
// names, local names, attributes, children, characters and, where it can, the
// prefixes). Comments and processing instructions are dropped, entities are
// resolved. It fails with KindTooLarge over most bytes.
func (x *xmlReader) inner(most int) ([]byte, error) {
	c := capture{x: x}
	for depth := len(x.open); ; {
		t, err := x.next()
		if err != nil {
			return nil, err
		}
		switch {
		case t.start != nil:
			c.start(t.start)
		case t.end && len(x.open) < depth:
			c.close()
			return c.b, nil
		case t.end:
			c.end()
		default:
			if len(t.text) > 0 {
				c.close()
			}
			c.b = appendText(c.b, string(t.text))
		}
		if len(c.b) > most {
			return nil, metadata.Errorf(metadata.KindTooLarge, "an XML value may have %d bytes at most", most)
		}
	}
}

// standalone makes XML that can be put anywhere of a lock's owner as the stock
// handler hands it on: cut out of the body, without the declarations around
// it. What cannot be completed is kept as text.
func standalone(owner string) string {
	x := newXMLReader([]byte(`<D:owner xmlns:D="DAV:" xmlns:d="DAV:">` + owner + `</D:owner>`))
	if _, err := x.next(); err == nil {
		if b, err := x.inner(metadata.LockOwnerBytesMax); err == nil && x.finish() == nil {
			return string(b)
		}
	}
	return string(appendText(nil, owner[:min(len(owner), metadata.LockOwnerBytesMax/8)]))
}

// capture writes the elements of a value.
type capture struct {
	x       *xmlReader
	b       []byte
	written []binding // declarations written and in scope, innermost last
	open    []captured
	pending bool // the last start tag has no ">" yet
}

// captured is an element that is open in the copy.
type captured struct {
	qname   string
	written int // len(capture.written) outside of it
}

// close ends a start tag whose content begins.
func (c *capture) close() {
	if c.pending {
		c.b = append(c.b, '>')
		c.pending = false
	}
}

func (c *capture) start(e *element) {
	c.close()
	q := qualified(e.prefix, e.name.Local)
	c.open = append(c.open, captured{qname: q, written: len(c.written)})
	c.b = append(c.b, '<')
	c.b = append(c.b, q...)
	c.declare(e.prefix)
	for _, a := range e.attrs {
		if a.prefix != "" {
			c.declare(a.prefix)
		}
		// A value such as xsi:type="xs:string" uses a prefix, too.
		if p, _, ok := strings.Cut(a.value, ":"); ok && p != "" && validNCName(p) {
			if _, bound := c.x.lookup(p); bound {
				c.declare(p)
			}
		}
	}
	for _, a := range e.attrs {
		c.b = append(c.b, ' ')
		c.b = append(c.b, qualified(a.prefix, a.name.Local)...)
		c.b = append(c.b, '=', '"')
		c.b = appendAttr(c.b, a.value)
		c.b = append(c.b, '"')
	}
	c.pending = true
}

// declare writes the declaration of a prefix where the copy needs it: where it
// is bound to something else, or not at all, outside of the present element.
func (c *capture) declare(prefix string) {
	if prefix == "xml" {
		return
	}
	want, _ := c.x.lookup(prefix)
	have := ""
	for i := len(c.written) - 1; i >= 0; i-- {
		if c.written[i].prefix == prefix {
			have = c.written[i].space
			break
		}
	}
	if have == want {
		return
	}
	c.b = append(c.b, " xmlns"...)
	if prefix != "" {
		c.b = append(c.b, ':')
		c.b = append(c.b, prefix...)
	}
	c.b = append(c.b, '=', '"')
	c.b = appendAttr(c.b, want)
	c.b = append(c.b, '"')
	c.written = append(c.written, binding{prefix, want})
}

func (c *capture) end() {
	n := len(c.open) - 1
	e := c.open[n]
	c.open, c.written = c.open[:n], c.written[:e.written]
	if c.pending {
		c.b = append(c.b, "/>"...)
		c.pending = false
		return
	}
	c.b = append(c.b, "</"...)
	c.b = append(c.b, e.qname...)
	c.b = append(c.b, '>')
}

func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

package webdav

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"kendfs/metadata"
)

// Bounds of XML bodies (WD-5). Real ones have some hundred bytes.
const (
	xmlBodyBytesMax  = 1 << 20
	xmlDepthMax      = 64
	xmlPropsMax      = 200
	xmlAttrsMax      = 64  // on one element
	xmlBindingsMax   = 256 // namespace declarations in scope
	xmlNameBytesMax  = 255 // local name
	xmlSpaceBytesMax = 1024
)

const (
	davSpace = "DAV:"
	xmlSpace = "http://www.w3.org/XML/1998/namespace"
)

// readXML reads the XML body of a request. It is empty when there was none.
// Only UTF-8 is taken (WD-6).
func readXML(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.ContentLength == 0 {
		return nil, nil
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, &httpError{status: http.StatusUnsupportedMediaType,
			err: metadata.Errorf(metadata.KindUnsupported, "a body with content encoding %.40q is not taken", e)}
	}
	if r.ContentLength > xmlBodyBytesMax {
		return nil, errBodyTooLarge()
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, xmlBodyBytesMax+1))
	switch {
	case errors.As(err, new(*http.MaxBytesError)) || len(body) > xmlBodyBytesMax:
		return nil, errBodyTooLarge()
	case err != nil:
		return nil, metadata.Errorf(metadata.KindInvalid, "the body ended early: %w", err)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(body, []byte{0xfe, 0xff}) || bytes.HasPrefix(body, []byte{0xff, 0xfe}) || !utf8.Valid(body) {
		return nil, errCharset("what it is written in")
	}
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return nil, nil
	}
	return body, checkAttrs(body)
}

// checkAttrs refuses a tag with too many attributes before encoding/xml makes
// a list of them, of fifty times their size.
func checkAttrs(body []byte) error {
	for {
		_, tag, ok := bytes.Cut(body, []byte("<"))
		if !ok {
			return nil
		}
		switch {
		case bytes.HasPrefix(tag, []byte("!--")):
			_, body, _ = bytes.Cut(tag, []byte("-->"))
			continue
		case bytes.HasPrefix(tag, []byte("![CDATA[")):
			_, body, _ = bytes.Cut(tag, []byte("]]>"))
			continue
		case bytes.HasPrefix(tag, []byte("?")):
			_, body, _ = bytes.Cut(tag, []byte("?>"))
			continue
		}
		attrs, quote, i := 0, byte(0), 0
		for ; i < len(tag) && (quote != 0 || tag[i] != '>'); i++ {
			switch c := tag[i]; {
			case quote != 0 && c == quote:
				quote = 0
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case quote == 0 && c == '=':
				if attrs++; attrs > xmlAttrsMax {
					return badXML("an element has more than %d attributes", xmlAttrsMax)
				}
			}
		}
		body = tag[i:]
	}
}

func errBodyTooLarge() error {
	return metadata.Errorf(metadata.KindTooLarge, "an XML body may have %d bytes at most", xmlBodyBytesMax)
}

func errCharset(name string) error {
	return &httpError{status: http.StatusUnsupportedMediaType,
		err: metadata.Errorf(metadata.KindUnsupported, "XML must be UTF-8, not %.40s", name)}
}

func badXML(format string, args ...any) error {
	return metadata.Errorf(metadata.KindInvalid, "XML body: "+format, args...)
}

// xmlReader reads namespace-well-formed XML (Namespaces in XML 1.0) without
// DTD, under the bounds above. It keeps prefixes, which encoding/xml's own
// namespace handling loses, and unlike it refuses undeclared ones. Its memory
// does not grow with the document.
type xmlReader struct {
	dec      *xml.Decoder
	bindings []binding // innermost last
	open     []element // innermost last
	rooted   bool      // the root was seen
}

// binding is a namespace declaration; the prefix "" is the default namespace.
type binding struct{ prefix, space string }

// element is a start tag. Attributes do not include namespace declarations.
type element struct {
	prefix   string
	name     xml.Name // expanded
	attrs    []attribute
	lang     string // xml:lang in scope
	bindings int    // len(xmlReader.bindings) outside of it
}

type attribute struct {
	prefix string
	name   xml.Name // expanded; no space without a prefix
	value  string
}

// xmlToken is a start tag, an end tag or text.
type xmlToken struct {
	start *element
	end   bool
	text  []byte // valid until the next call
}

func newXMLReader(body []byte) *xmlReader {
	x := &xmlReader{dec: xml.NewDecoder(bytes.NewReader(body))}
	x.dec.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "us-ascii") {
			return r, nil
		}
		return nil, errCharset(charset)
	}
	return x
}

// next returns the next token that carries meaning; io.EOF after the root's end.
func (x *xmlReader) next() (xmlToken, error) {
	for {
		t, err := x.dec.RawToken()
		if err == io.EOF && x.rooted && len(x.open) == 0 {
			return xmlToken{}, io.EOF
		}
		if err != nil {
			return xmlToken{}, wrapXML(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			e, err := x.push(t)
			return xmlToken{start: e}, err
		case xml.EndElement:
			return xmlToken{end: true}, x.pop(t)
		case xml.CharData:
			if len(x.open) > 0 {
				return xmlToken{text: t}, nil
			}
			if len(bytes.TrimLeft(t, " \t\r\n")) > 0 {
				return xmlToken{}, badXML("text outside of the root element")
			}
		case xml.Directive:
			return xmlToken{}, badXML("a document type or other declaration is not taken")
		}
	}
}

func wrapXML(err error) error {
	if errors.As(err, new(*httpError)) {
		return err
	}
	if err == io.EOF {
		return badXML("it ends early")
	}
	return badXML("%w", err)
}

// push opens an element and resolves its names.
func (x *xmlReader) push(t xml.StartElement) (*element, error) {
	switch {
	case x.rooted && len(x.open) == 0:
		return nil, badXML("there is a second root element")
	case len(x.open) >= xmlDepthMax:
		return nil, badXML("it is nested deeper than %d elements", xmlDepthMax)
	case len(t.Attr) > xmlAttrsMax:
		return nil, badXML("an element has more than %d attributes", xmlAttrsMax)
	}
	x.rooted = true
	e := element{prefix: t.Name.Space, bindings: len(x.bindings)}
	if n := len(x.open); n > 0 {
		e.lang = x.open[n-1].lang
	}
	if err := x.declare(t.Attr); err != nil {
		return nil, err
	}
	var err error
	if e.name, err = x.resolve(t.Name, true); err != nil {
		return nil, err
	}
	for _, a := range t.Attr {
		if isDeclaration(a.Name) {
			continue
		}
		name, err := x.resolve(a.Name, false)
		if err != nil {
			return nil, err
		}
		for _, other := range e.attrs {
			if other.name == name {
				return nil, badXML("attribute %.100q is there twice", name.Local)
			}
		}
		if name.Space == xmlSpace && name.Local == "lang" {
			e.lang = a.Value
		}
		e.attrs = append(e.attrs, attribute{prefix: a.Name.Space, name: name, value: a.Value})
	}
	x.open = append(x.open, e)
	return &x.open[len(x.open)-1], nil
}

func isDeclaration(n xml.Name) bool {
	return n.Space == "xmlns" || n.Space == "" && n.Local == "xmlns"
}

// declare brings the namespace declarations of one element into scope.
func (x *xmlReader) declare(attrs []xml.Attr) error {
	outer := len(x.bindings)
	for _, a := range attrs {
		if !isDeclaration(a.Name) {
			continue
		}
		b := binding{space: a.Value}
		if a.Name.Space == "xmlns" {
			b.prefix = a.Name.Local
		}
		switch {
		case b.prefix != "" && b.space == "":
			// Namespaces in XML 1.0 §5: "the attribute value in a namespace
			// declaration for a prefix may not be empty".
			return badXML("prefix %.100q is bound to no namespace", b.prefix)
		case b.prefix == "xmlns" || (b.prefix == "xml") != (b.space == xmlSpace),
			b.space == "http://www.w3.org/2000/xmlns/", !validNCName(b.prefix) && b.prefix != "":
			return badXML("prefix %.100q cannot be bound to %.100q", b.prefix, b.space)
		case len(b.space) > xmlSpaceBytesMax:
			return badXML("a namespace name is longer than %d bytes", xmlSpaceBytesMax)
		case len(x.bindings) >= xmlBindingsMax:
			return badXML("more than %d namespaces are in scope", xmlBindingsMax)
		}
		for _, other := range x.bindings[outer:] {
			if other.prefix == b.prefix {
				return badXML("prefix %.100q is declared twice in one element", b.prefix)
			}
		}
		x.bindings = append(x.bindings, b)
	}
	return nil
}

// resolve expands a name. The default namespace is for elements only.
func (x *xmlReader) resolve(n xml.Name, isElement bool) (xml.Name, error) {
	if len(n.Local) > xmlNameBytesMax || !validNCName(n.Local) {
		return xml.Name{}, badXML("%.100q cannot be a name", n.Local)
	}
	if n.Space == "" && !isElement {
		return xml.Name{Local: n.Local}, nil
	}
	space, ok := x.lookup(n.Space)
	if !ok {
		return xml.Name{}, badXML("prefix %.100q is not declared", n.Space)
	}
	return xml.Name{Space: space, Local: n.Local}, nil
}

// lookup returns the namespace that a prefix is bound to here.
func (x *xmlReader) lookup(prefix string) (string, bool) {
	if prefix == "xml" {
		return xmlSpace, true
	}
	for i := len(x.bindings) - 1; i >= 0; i-- {
		if x.bindings[i].prefix == prefix {
			return x.bindings[i].space, true
		}
	}
	return "", prefix == ""
}

// validNCName reports whether s, which encoding/xml took as (part of) a name,
// is one without a colon: it must not begin as a name cannot.
func validNCName(s string) bool {
	if s == "" || strings.Contains(s, ":") {
		return false
	}
	c, _ := utf8.DecodeRuneInString(s)
	return c != '-' && c != '.' && (c < '0' || c > '9') && c != 0xb7 &&
		(c < 0x300 || c > 0x36f) && c != 0x203f && c != 0x2040
}

// pop closes the innermost element.
func (x *xmlReader) pop(t xml.EndElement) error {
	n := len(x.open) - 1
	if n < 0 {
		return badXML("end tag %.100q without a start", t.Name.Local)
	}
	e := x.open[n]
	if e.prefix != t.Name.Space || e.name.Local != t.Name.Local {
		return badXML("start tag %.100q is closed by end tag %.100q", e.name.Local, t.Name.Local)
	}
	x.open, x.bindings = x.open[:n], x.bindings[:e.bindings]
	return nil
}

// root reads up to the root element, which must be that one of DAV:.
func (x *xmlReader) root(local string) error {
	t, err := x.next()
	if err != nil {
		return err
	}
	if t.start.name != (xml.Name{Space: davSpace, Local: local}) {
		return badXML("the root is %.100q in namespace %.100q, not %q in %q",
			t.start.name.Local, t.start.name.Space, local, davSpace)
	}
	return nil
}

// child returns the next child of the innermost open element, nil at its end.
// Text between children carries no meaning in WebDAV and is skipped.
func (x *xmlReader) child() (*element, error) {
	for {
		t, err := x.next()
		switch {
		case err != nil:
			return nil, err
		case t.start != nil:
			return t.start, nil
		case t.end:
			return nil, nil
		}
	}
}

// skip reads up to the end of the innermost open element.
func (x *xmlReader) skip() error {
	for depth := len(x.open); len(x.open) >= depth; {
		if _, err := x.next(); err != nil {
			return err
		}
	}
	return nil
}

// finish checks that nothing but white space follows the root element.
func (x *xmlReader) finish() error {
	t, err := x.next()
	if err == io.EOF {
		return nil
	}
	if err == nil && t.start != nil {
		return badXML("there is a second root element")
	}
	return err
}

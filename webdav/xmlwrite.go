package webdav

import (
	"encoding/xml"
	"unicode/utf8"
)

const (
	xmlHeader      = `<?xml version="1.0" encoding="utf-8"?>` + "\n"
	xmlContentType = "application/xml; charset=utf-8"
)

// Namespaces of properties and elements outside of DAV:.
const (
	kenSpace     = "urn:kendfs:dav"
	apacheSpace  = "http://apache.org/dav/props/"
	ocSpace      = "http://owncloud.org/ns"
	windowsSpace = "urn:schemas-microsoft-com:"
	sarSpace     = "SAR:"
)

// The documents that are written here bind the prefix D to DAV:, because the
// Mini-Redirector of Windows takes nothing else, and never declare a default
// namespace, so that a value without one means what it meant (WD-7).

// appendText appends s as character data. What XML 1.0 has no place for
// becomes U+FFFD, so that one odd name cannot break a listing.
func appendText(b []byte, s string) []byte { return appendEscaped(b, s, false) }

// appendAttr appends s as the value of an attribute in double quotes.
func appendAttr(b []byte, s string) []byte { return appendEscaped(b, s, true) }

func appendEscaped(b []byte, s string, attr bool) []byte {
	last := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		esc := ""
		switch {
		case r == '&':
			esc = "&amp;"
		case r == '<':
			esc = "&lt;"
		case r == '>':
			esc = "&gt;" // for the sake of "]]>"
		case r == '\r':
			esc = "&#xD;"
		case attr && r == '"':
			esc = "&quot;"
		case attr && r == '\t':
			esc = "&#x9;"
		case attr && r == '\n':
			esc = "&#xA;"
		case !isXMLChar(r) || r == utf8.RuneError && size == 1:
			esc = "\uFFFD"
		}
		if esc != "" {
			b = append(b, s[last:i]...)
			b = append(b, esc...)
			last = i + size
		}
		i += size
	}
	return append(b, s[last:]...)
}

// isXMLChar is the production Char of XML 1.0.
func isXMLChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || 0x20 <= r && r <= 0xd7ff ||
		0xe000 <= r && r <= 0xfffd || 0x10000 <= r && r <= 0x10ffff
}

// appendOpen appends a property's start tag without its ">", with the prefix
// for its namespace declared where that is not DAV:.
func appendOpen(b []byte, n xml.Name) []byte {
	b = append(b, '<')
	b = appendQName(b, n)
	if n.Space != davSpace && n.Space != xmlSpace && n.Space != "" {
		b = append(b, ` xmlns:x="`...)
		b = appendAttr(b, n.Space)
		b = append(b, '"')
	}
	return b
}

func appendQName(b []byte, n xml.Name) []byte {
	switch n.Space {
	case davSpace:
		b = append(b, "D:"...)
	case "":
	case xmlSpace:
		b = append(b, "xml:"...)
	default:
		b = append(b, "x:"...)
	}
	return append(b, n.Local...)
}

// appendEmpty appends an empty property element.
func appendEmpty(b []byte, n xml.Name) []byte { return append(appendOpen(b, n), "/>"...) }

// appendClose appends a property's end tag.
func appendClose(b []byte, n xml.Name) []byte {
	b = append(b, "</"...)
	b = appendQName(b, n)
	return append(b, '>')
}

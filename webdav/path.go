package webdav

import (
	"net/http"
	"net/url"
	"strings"

	"kendfs/metadata"
)

// parsePath returns the path a request is about. The URL is decoded exactly
// once, name by name: an encoded slash, backslash or control character, a "."
// or "..", however spelt, and invalid UTF-8 are refused with 400, a name or
// nesting over its bound with 414 (WD-2). Query and fragment are no part of it.
func parsePath(r *http.Request) (metadata.Path, error) {
	// RawPath is empty exactly when Path, encoded in the usual way, is what was
	// sent; so Path then has no slash that was an encoded one.
	p, err := metadata.Path(""), error(nil)
	if r.URL.RawPath == "" {
		p, err = metadata.ParsePath(r.URL.Path)
	} else {
		p, err = decodePath(r.URL.RawPath)
	}
	if err != nil {
		return "", badPath(err)
	}
	return p, nil
}

// decodePath makes a path of the percent-encoded one in a URL.
func decodePath(raw string) (metadata.Path, error) {
	if !strings.Contains(raw, "%") {
		return metadata.ParsePath(raw)
	}
	names := strings.Split(raw, "/")
	for i, name := range names {
		s, err := url.PathUnescape(name)
		if err != nil {
			return "", metadata.Errorf(metadata.KindInvalid, "path %.200q: %v", raw, err)
		}
		if strings.Contains(s, "/") {
			return "", metadata.Errorf(metadata.KindInvalid, "path %.200q has an encoded slash in a name", raw)
		}
		names[i] = s
	}
	return metadata.ParsePath(strings.Join(names, "/"))
}

// badPath gives a path over its bounds the status that clients take for "name
// too long"; 413 would be about the body.
func badPath(err error) error {
	if metadata.KindOf(err) == metadata.KindTooLarge {
		return &httpError{status: http.StatusRequestURITooLong, err: err}
	}
	return err
}

// appendHref appends the path as it stands in an href: absolute, percent-encoded
// (RFC 3986 §3.3), with a trailing slash for a directory (RFC 4918 §8.3). What
// stays as it is needs no escaping in XML; "+" is encoded because some clients
// take it for a space.
func appendHref(b []byte, p metadata.Path, dir bool) []byte {
	for i := range len(p) {
		b = appendHrefByte(b, p[i])
	}
	if dir && p != metadata.Root {
		b = append(b, '/')
	}
	return b
}

// appendHrefName appends a child's href to that of its directory, which ends
// in a slash.
func appendHrefName(b []byte, name string, dir bool) []byte {
	for i := range len(name) {
		b = appendHrefByte(b, name[i])
	}
	if dir {
		b = append(b, '/')
	}
	return b
}

func appendHrefByte(b []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
		c == '/', c == '-', c == '.', c == '_', c == '~', c == '!', c == '$', c == '\'',
		c == '(', c == ')', c == '*', c == ',', c == ':', c == '=', c == '@':
		return append(b, c)
	}
	return append(b, '%', digits[c>>4], digits[c&15])
}

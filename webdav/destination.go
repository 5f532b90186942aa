package webdav

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"kendfs/metadata"
)

// destination returns the path in the Destination header of COPY and MOVE
// (RFC 4918 §10.3).
func (h *Handler) destination(r *request) (metadata.Path, error) {
	values := r.Header.Values("Destination")
	if len(values) != 1 || values[0] == "" {
		return "", metadata.Errorf(metadata.KindInvalid, "%s needs one Destination header", r.Method)
	}
	ref, err := parseReference(values[0])
	if err != nil {
		return "", badPath(err)
	}
	if !ref.sameServer(r.Request) {
		return "", &httpError{status: http.StatusBadGateway, err: metadata.Errorf(metadata.KindInvalid,
			"the destination is on another server, %.200q; this one copies within itself only", ref.host)}
	}
	return ref.path, nil
}

// reference is a Simple-ref (RFC 4918 §8.3) that names something in a drive.
type reference struct {
	host string // as written, in lower case; "" when it is an absolute path only
	path metadata.Path
}

// parseReference parses an absolute URI or an absolute path. Its path is held
// to the same rules as the request's. A query or a fragment is refused: it
// would be the rest of a name that a client forgot to encode.
func parseReference(s string) (reference, error) {
	s = strings.Trim(s, " \t")
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return reference{}, metadata.Errorf(metadata.KindInvalid, "reference %.200q has a control character", s)
		}
	}
	if strings.ContainsAny(s, "?#") {
		return reference{}, metadata.Errorf(metadata.KindInvalid,
			"reference %.200q has a query or a fragment; encode ? as %%3F and # as %%23", s)
	}
	var ref reference
	raw := s
	if !strings.HasPrefix(s, "/") {
		scheme, rest, ok := strings.Cut(s, "://")
		if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return reference{}, metadata.Errorf(metadata.KindInvalid,
				"reference %.200q is neither an absolute path nor an http or https URL", s)
		}
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		ref.host, raw = strings.ToLower(rest[:end]), rest[end:]
		if !validHost(ref.host) {
			return reference{}, metadata.Errorf(metadata.KindInvalid, "reference %.200q has no proper host", s)
		}
		if raw == "" {
			raw = "/"
		}
	} else if strings.HasPrefix(s, "//") {
		return reference{}, metadata.Errorf(metadata.KindInvalid,
			"reference %.200q starts with two slashes: it would name another server", s)
	}
	p, err := decodePath(raw)
	if err != nil {
		return reference{}, err
	}
	ref.path = p
	return ref, nil
}

// validHost reports whether s can be the authority of a URL without userinfo.
func validHost(s string) bool {
	if s == "" || strings.ContainsAny(s, "@ \\\"<>%") {
		return false
	}
	u, err := url.Parse("http://" + s + "/")
	return err == nil && u.Host == s && u.Hostname() != ""
}

// sameServer reports whether the reference names the server that the request
// was sent to (WD-3). Scheme and port do not count: a proxy that ends TLS
// changes both. The name must agree, unless the request shows that a proxy
// changed it: by a forwarding header, or because its own Host is an address or
// a name without a dot, as proxies use inside. Nothing is granted by that: the
// path is authorised like any other.
func (ref reference) sameServer(r *http.Request) bool {
	if ref.host == "" {
		return true
	}
	own := hostname(r.Host)
	if hostname(ref.host) == own || net.ParseIP(own) != nil || !strings.Contains(own, ".") {
		return true
	}
	for _, name := range []string{"Via", "Forwarded", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto"} {
		if r.Header.Get(name) != "" {
			return true
		}
	}
	return false
}

// hostname returns the host without a port and brackets, in lower case.
func hostname(hostport string) string {
	u := url.URL{Host: hostport}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

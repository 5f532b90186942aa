package webdav

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"kendfs/metadata"
)

// authenticate finds out who asks, by Basic authentication (RFC 7617). A
// password crosses the network with every request, so over plain HTTP it is
// taken from this machine only, unless the owner decided otherwise: others are
// refused without a challenge, because a challenge would make their clients
// send it. A repeated request costs one HMAC; see credential.Verifier.
func (h *Handler) authenticate(w http.ResponseWriter, r *http.Request) (metadata.User, error) {
	if r.TLS == nil && !h.cfg.InsecureHTTP && !isLoopback(r.RemoteAddr) {
		return metadata.User{}, metadata.Errorf(metadata.KindDenied,
			"passwords are not taken over plain HTTP from other machines; use https")
	}
	name, password, ok := r.BasicAuth()
	if !ok {
		h.challenge(w)
		return metadata.User{}, metadata.Errorf(metadata.KindNoAuth, "sign in with a user name and a password")
	}
	u, err := h.cfg.Verifier.Verify(r.Context(), name, password, r.RemoteAddr)
	switch {
	case err == nil && !u.Role.Allows(metadata.RoleReader):
		// A gateway is for reading files.
		return metadata.User{}, metadata.Errorf(metadata.KindDenied, "%s may look at the cluster, not at files", u.Name)
	case err == nil:
		return u, nil
	}
	switch metadata.KindOf(err) {
	case metadata.KindNoAuth:
		h.challenge(w)
	case metadata.KindBusy:
		w.Header().Set("Retry-After", strconv.Itoa(int(authRetryAfter/time.Second)))
	}
	return metadata.User{}, err
}

// authRetryAfter is what a client that failed too often, or came when too many
// signed in, is told to wait.
const authRetryAfter = 5 * time.Second

// challenge asks for Basic credentials in UTF-8.
func (h *Handler) challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", "Basic realm="+strconv.QuoteToASCII(h.cfg.Realm)+`, charset="UTF-8"`)
}

// isLoopback reports whether the client runs on this machine. Forwarding
// headers are not looked at: anybody can write them.
func isLoopback(remote string) bool {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

package webdav

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"kendfs/metadata"
)

// lock takes a lock, or with an empty body refreshes one (RFC 4918 §9.10).
func (h *Handler) lock(w http.ResponseWriter, r *request) error {
	body, err := readXML(r.Request)
	if err != nil {
		return err
	}
	if len(body) == 0 {
		return h.refresh(w, r)
	}
	li, err := parseLockInfo(body)
	if err != nil {
		return err
	}
	d, noroot, err := parseDepth(r.Header, depthInfinity)
	if err != nil {
		return err
	}
	if d == depthOne || noroot {
		return metadata.Errorf(metadata.KindInvalid, "LOCK takes the depths 0 and infinity")
	}
	g, err := h.guard(r)
	if err != nil {
		return err
	}
	want := metadata.Lock{
		Token: newLockToken(), Root: r.path, Owner: li.owner, User: r.user.Name,
		Shared: li.shared, Infinite: d == depthInfinity, Timeout: parseTimeout(r.Header),
	}
	lock, created, err := h.cfg.Locker.Lock(r.Context(), r.path, g, want)
	if metadata.KindOf(err) == metadata.KindLocked && err != nil {
		return h.lockConflict(w, r, err)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Lock-Token", "<"+lock.Token+">")
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	writeLock(w, status, &lock)
	return nil
}

// newLockToken returns a random UUID (RFC 9562 §5.4) as a URN: RFC 4918 §6.5
// wants tokens that are unique for all time, and nobody shall guess one.
func newLockToken() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	x := hex.EncodeToString(u[:])
	return "urn:uuid:" + x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

// refreshTokensMax bounds the tokens that one refresh may try.
const refreshTokensMax = 8

// refresh restarts the timeout of the lock whose token is in the If header
// (RFC 4918 §9.10.2). The request may be for anything the lock covers.
func (h *Handler) refresh(w http.ResponseWriter, r *request) error {
	g, err := h.guard(r)
	if err != nil {
		return err
	}
	tokens := refreshTokens(&g)
	if len(tokens) == 0 || len(tokens) > refreshTokensMax {
		return metadata.Errorf(metadata.KindInvalid,
			"a LOCK without a body refreshes a lock: it needs an If header with the token")
	}
	var lock metadata.Lock
	for _, token := range tokens {
		lock, err = h.cfg.Locker.Refresh(r.Context(), r.path, r.user.Name, token, parseTimeout(r.Header))
		if err == nil {
			writeLock(w, http.StatusOK, &lock)
			return nil
		}
		if metadata.KindOf(err) != metadata.KindPrecondition {
			return err
		}
	}
	return &httpError{cond: condLockTokenMatches, err: err}
}

// refreshTokens returns the tokens that the conditions want to be there.
func refreshTokens(g *metadata.Guard) []string {
	seen := map[string]bool{noLock: true}
	var tokens []string
	for _, l := range g.If {
		for _, c := range l.Conds {
			if c.Token != "" && !c.Not && !seen[c.Token] {
				seen[c.Token] = true
				tokens = append(tokens, c.Token)
			}
		}
	}
	return tokens
}

// writeLock answers with the lock as it is now.
func writeLock(w http.ResponseWriter, status int, l *metadata.Lock) {
	b := append(make([]byte, 0, 1024), xmlHeader...)
	b = append(b, `<D:prop xmlns:D="DAV:"><D:lockdiscovery>`...)
	b = appendActiveLock(b, l, l.Timeout, true)
	b = append(b, "</D:lockdiscovery></D:prop>\n"...)
	w.Header().Set("Content-Type", xmlContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // a client that is gone needs no answer
}

// lockConflict answers a LOCK that another lock forbids. If that is on or
// above the path, the response is 423; if it is on a member, then 207 with
// the member's status (RFC 4918 §9.10.3).
func (h *Handler) lockConflict(w http.ResponseWriter, r *request, cause error) error {
	locks, err := h.blockingLocks(r.Context(), r.path)
	if err != nil || len(locks) == 0 {
		return &httpError{cond: condNoConflictingLock, err: cause}
	}
	if root := locks[0].Root; root != r.path && r.path.Contains(root) {
		m := newMultistatus(w)
		m.status(root, http.StatusLocked, condNoConflictingLock)
		m.status(r.path, http.StatusFailedDependency, "")
		_ = m.end() // a client that is gone needs no answer
		return nil
	}
	he := &httpError{cond: condNoConflictingLock, err: cause}
	for i := range locks {
		he.hrefs = append(he.hrefs, locks[i].Root)
	}
	return he
}

// blockingPagesMax bounds the search for a lock below a directory.
const blockingPagesMax = 64

// blockingLocks finds the locks that may forbid a change of p: those that
// apply to it (or, when it is not there, to its directory), else the first
// one below. It explains a refusal and decides nothing.
func (h *Handler) blockingLocks(ctx context.Context, p metadata.Path) ([]metadata.Lock, error) {
	e, err := h.cfg.Tree.Lookup(ctx, p, metadata.LookupOptions{Locks: true})
	if err != nil && metadata.KindOf(err) == metadata.KindNotFound && p != metadata.Root {
		dir, _ := p.Split()
		e, err = h.cfg.Tree.Lookup(ctx, dir, metadata.LookupOptions{Locks: true})
		return e.Locks, err
	}
	if err != nil || len(e.Locks) > 0 || !e.IsDir {
		return e.Locks, err
	}
	dirs := []metadata.Path{p}
	for pages := 0; len(dirs) > 0; {
		dir := dirs[0]
		dirs = dirs[1:]
		opt := metadata.ListOptions{Locks: true}
		for more := true; more; {
			if pages++; pages > blockingPagesMax {
				return nil, nil
			}
			page, err := h.cfg.Tree.List(ctx, dir, opt)
			if err != nil {
				return nil, err
			}
			for i := range page.Entries {
				e := &page.Entries[i]
				if len(e.Locks) > 0 {
					return e.Locks[:1], nil
				}
				if e.IsDir && len(dirs) < blockingPagesMax {
					dirs = append(dirs, dir.Join(e.Name))
				}
				opt.After = e.Name
			}
			more = page.More && len(page.Entries) > 0
		}
	}
	return nil, nil
}

// lockLeft is what is left of a lock's time.
func lockLeft(l *metadata.Lock, now time.Time) time.Duration {
	if l.Expires.IsZero() {
		return l.Timeout
	}
	return max(l.Expires.Sub(now), 0)
}

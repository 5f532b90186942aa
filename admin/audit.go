package admin

import (
	"context"
	"crypto/sha256"
	"strings"
	"sync"
	"time"

	"kendfs/metadata"
)

// recordTimeout bounds the writing of an audit record. It is the record's own:
// what was done is recorded also when its request is over.
const recordTimeout = 5 * time.Second

// note records what was done.
func (h *handlers) note(ctx context.Context, action, target string) {
	h.record(ctx, action, target, "", nil)
}

// outcomeUnknown is of an act whose answer is missing: it may have been done.
const outcomeUnknown = "unknown"

// record puts into the audit what the caller did, or tried: the tree's own
// commands are not recorded by the namespace, which has too many of them, and
// neither is what changes nothing there. When nobody answers it is recorded
// later; whoever waits for the answer of the act need not wait for that.
func (h *handlers) record(ctx context.Context, action, target, detail string, failed error) {
	// A thousand long paths would not fit into a call, and the record would be lost.
	rec := metadata.AuditRecord{Actor: h.actor(callerOf(ctx), ""), Action: action, Target: auditText(target), Detail: auditText(detail), Outcome: "ok"}
	at := time.Now()
	if failed != nil {
		rec.Outcome, rec.Text = metadata.KindOf(failed).String(), failed.Error()
		if mayHaveBeen(failed) {
			rec.Outcome = outcomeUnknown
			h.log.Warn("nobody knows whether it was done", "action", action, "target", rec.Target, "user", rec.Actor.User, "err", failed)
			h.late.add(rec, at)
			return
		}
	}
	err := h.recordNow(context.WithoutCancel(ctx), rec)
	if err == nil {
		return
	}
	h.log.Warn("not recorded in the audit yet", "action", action, "target", rec.Target, "user", rec.Actor.User, "err", err)
	if mayHaveBeen(err) {
		h.late.add(rec, at)
	}
}

// auditText cuts a text to what a record keeps.
func auditText(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), metadata.AuditFieldMax)], "")
}

// Bounds of what is remembered of reading.
const (
	readAgain = 10 * time.Minute // reading on in a file is one record for so long
	readsKept = 4096
)

// reads remembers who has been recorded as reading what, so that a film that is
// fetched in pieces is one record and not hundreds.
type reads struct {
	mu sync.Mutex
	at map[[sha256.Size]byte]time.Time
}

// first reports whether this is news.
func (r *reads) first(session, what string, now time.Time) bool {
	key := sha256.Sum256([]byte(session + "\x00" + what))
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.at[key]; ok && now.Sub(at) < readAgain {
		return false
	}
	if r.at == nil || len(r.at) >= readsKept {
		r.at = map[[sha256.Size]byte]time.Time{} // a record too many is better than one too few
	}
	r.at[key] = now
	return true
}

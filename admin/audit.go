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

// record puts into the audit what the caller did, or tried: the tree's own
// commands are not recorded by the namespace, which has too many of them, and
// neither is what changes nothing there. When nobody can be asked there is
// nothing to record, because nothing was done.
func (h *handlers) record(ctx context.Context, action, target, detail string, failed error) {
	// A thousand long paths would not fit into a call, and the record would be lost.
	rec := metadata.AuditRecord{Actor: h.actor(callerOf(ctx), ""), Action: action, Target: auditText(target), Detail: auditText(detail), Outcome: "ok"}
	if failed != nil {
		kind := metadata.KindOf(failed)
		if kind == metadata.KindUnavailable {
			return
		}
		rec.Outcome, rec.Text = kind.String(), failed.Error()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := h.cfg.Cluster.RecordAudit(h.cfg.Cluster.WithActor(ctx, rec.Actor), rec); err != nil {
		h.log.Warn("not recorded in the audit", "action", action, "user", rec.Actor.User, "err", err)
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

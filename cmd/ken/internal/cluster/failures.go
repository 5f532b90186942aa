package cluster

import (
	"context"
	"time"

	"kendfs/metadata"
	"kendfs/metadata/metarpc"
)

// Bounds of the record of wrong passwords: whoever guesses must not be able to
// keep the nameserver busy with it.
const (
	failuresWaiting = 16
	failureEvery    = 3 * time.Second // between two records
)

// wrong is a sign-in that failed.
type wrong struct{ user, remote string }

// recordFailures returns what a gateway's Verifier tells of wrong passwords.
// They get into the audit one after the other; those that come too fast are
// passed over, since the pace alone shows what is going on.
func (n *Node) recordFailures() func(user, remote string) {
	queue := make(chan wrong, failuresWaiting)
	n.wg.Go(func() { recordFailures(n.ctx, n.meta, queue, failureEvery) })
	return func(user, remote string) {
		select {
		case queue <- wrong{user, remote}:
		default:
		}
	}
}

func recordFailures(ctx context.Context, meta *metarpc.Client, queue <-chan wrong, every time.Duration) {
	for {
		select {
		case w := <-queue:
			call, cancel := context.WithTimeout(ctx, storeWait)
			_ = meta.RecordAudit(call, metadata.AuditRecord{
				Actor:  metadata.Actor{User: w.user, Origin: metarpc.OriginGateway, Remote: w.remote},
				Action: "login.failed", Target: w.user, Outcome: metadata.KindNoAuth.String(),
			})
			cancel()
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
	}
}

// storeWait bounds one record; without a nameserver nobody can sign in anyhow.
const storeWait = 5 * time.Second

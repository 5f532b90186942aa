package blockio

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

// nonceLeaser loses its first answers.
type nonceLeaser struct {
	slowLeaser
	lost   int
	nonces []uint64
}

func (n *nonceLeaser) Grant(_ context.Context, r metadata.GrantRequest) (metadata.Lease, error) {
	n.nonces = append(n.nonces, r.Nonce)
	if len(n.nonces) <= n.lost {
		return metadata.Lease{}, metadata.Errorf(metadata.KindTimeout, "no answer")
	}
	return metadata.Lease{
		Volume: metadata.VolumeID(len(n.nonces)), Epoch: 1, Session: r.Session, From: 1, To: 1 << 20, Replicas: located(1, 2),
	}, nil
}

func (n *nonceLeaser) RenewSession(context.Context, metadata.SessionID) error { return nil }

func (n *nonceLeaser) Release(context.Context, metadata.SessionID, metadata.VolumeID) error {
	return nil
}

// A request for a lease has one nonce until it brings one, the next has another.
func TestLostGrantIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leaser := &nonceLeaser{lost: 3}
		leaser.volumes = func([]metadata.VolumeID) ([]metadata.VolumeView, error) { return nil, nil }
		c := New(Config{Leaser: leaser, Leases: 3})
		for try := 0; ; try++ {
			x, err := c.leases.acquire(t.Context(), 2, 10)
			if err == nil {
				x.release(10, false)
				break
			}
			if metadata.KindOf(err) != metadata.KindTimeout || try > 3 {
				t.Fatal(err)
			}
			time.Sleep(grantPause)
		}
		time.Sleep(5 * time.Second)
		if err := c.Close(t.Context()); err != nil {
			t.Error(err)
		}
		count := make(map[uint64]int)
		for _, n := range leaser.nonces {
			count[n]++
		}
		if len(leaser.nonces) < 6 || count[leaser.nonces[0]] != 4 || len(count) != len(leaser.nonces)-3 || count[0] != 0 {
			t.Errorf("nonces %x: want the first four times, then others", leaser.nonces)
		}
	})
}

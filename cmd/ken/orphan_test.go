package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestKilledGatewaysLeaveNoOrphans kills the gateway at random moments of many
// uploads, so that data is on the disks and its commit never comes. When the
// leases have ended, the disks hold exactly the blocks of the files that are
// there: each times its copies, and not a byte more.
func TestKilledGatewaysLeaveNoOrphans(t *testing.T) {
	t.Parallel()
	kills := 6
	if soak() {
		kills = 200
	}
	dir := t.TempDir()
	c := newNameserver(t, dir, quickRepair, "--deleted-grace", "1s")
	for range 3 {
		c.joined("datanode", quickRepair)
	}
	c.withGateway("")
	d := newDrive(c.url())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var acked, broken atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(w), 5))
			for i := 0; ctx.Err() == nil; i++ {
				body := io.Reader(bytes.NewReader(randomBytes(1 + rng.IntN(1<<20))))
				if w < 3 { // large ones, in many blocks, of unknown length
					body = io.MultiReader(bytes.NewReader(randomBytes(10<<20)), bytes.NewReader(randomBytes(8<<20)))
				}
				resp, _, err := d.do(context.WithoutCancel(ctx), "PUT", fmt.Sprintf("/w%d-%d", w, i%20), body)
				if err == nil && resp.StatusCode < 300 {
					acked.Add(1)
				} else {
					broken.Add(1)
					<-time.After(20 * time.Millisecond) // nobody listens just now
				}
			}
		})
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for range kills {
		<-time.After(time.Duration(500+rng.IntN(1200)) * time.Millisecond) // the random moment
		c.nodes[c.gateway].kill()
		c.start(c.gateway)
	}
	cancel()
	wg.Wait()
	c.nodes[c.gateway].kill()
	began := time.Now()
	var got, want int64
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%d bytes on disks, want %d; %s; %v", got, want, c.unaccounted(), c.status())
		}
	})
	await(t, "the disks hold what the files reference", 90*time.Second, func() bool {
		// Each time: what was committed in the gateway's last moment may show late.
		got, want = 0, 2*c.referenced()
		for _, n := range c.nodeList() {
			got += used(n)
		}
		return got == want && c.unaccounted() == ""
	})
	t.Logf("%d gateways killed, %d uploads acknowledged, %d broken off; %d bytes on disks for %d bytes of files, 0 orphaned, after %v",
		kills+1, acked.Load(), broken.Load(), got, want/2, time.Since(began).Round(100*time.Millisecond))
	if acked.Load() == 0 || broken.Load() < int64(kills) {
		t.Errorf("%d uploads acknowledged and %d broken off: nothing was tested", acked.Load(), broken.Load())
	}
}

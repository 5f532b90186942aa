package blockio_test

import (
	"context"
	"testing"
	"time"

	"kendfs/datanode/blockio"
)

// Lean writers that pause hold nothing but their last block: many of them leave
// memory for one more.
func TestLeanWritersLeaveMemory(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r := newRig(t, 2, false, nil) // 1 MiB of buffers, blocks of 64 KiB
	c := r.client
	for range 10 {
		w := c.Create(ctx, blockio.CreateOptions{Replicas: 2, Size: 640 << 10, Lean: true})
		defer w.Abort()
		if _, err := w.Write(make([]byte, 600<<10)); err != nil {
			t.Fatal(err)
		}
	}
}

package quicwire_test

import (
	"sync/atomic"
	"testing"

	"kendfs/quicwire"
)

func BenchmarkCall(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(map[int]string{1: "clients=1", 64: "clients=64"}[clients], func(b *testing.B) {
			_, client, to := pair(b)
			req := make([]byte, 100)
			ctx := b.Context()
			if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, req); err != nil {
				b.Fatal(err)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			done := make(chan error, clients)
			b.ReportAllocs()
			b.ResetTimer()
			for range clients {
				go func() {
					for left.Add(-1) >= 0 {
						if _, err := client.Call(ctx, to, quicwire.ServiceMeta, methodEcho, req); err != nil {
							done <- err
							return
						}
					}
					done <- nil
				}()
			}
			for range clients {
				if err := <-done; err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

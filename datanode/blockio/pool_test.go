package blockio

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

func TestPoolClasses(t *testing.T) {
	p := NewPool(64<<20, 8<<20)
	for _, c := range []struct{ want, size int }{
		{1, 4 << 10}, {4096, 4 << 10}, {4097, 16 << 10}, {70_000, 256 << 10}, {1 << 20, 1 << 20},
		{1<<20 + 1, 2 << 20}, {5 << 20, 8 << 20}, {8 << 20, 8 << 20}, {99 << 20, 8 << 20},
	} {
		b, err := p.Get(t.Context(), c.want)
		if err != nil || len(b.Data) != c.size || cap(b.Sums) < chunks(c.size) {
			t.Errorf("Get(%d): %d bytes, room for %d checksums, %v, want %d bytes", c.want, len(b.Data), cap(b.Sums), err, c.size)
		}
		p.Put(b)
	}
}

// Whoever waits is served in order, a large one before small ones behind it.
func TestPoolIsFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1<<20, 1<<20)
		first, err := p.Get(t.Context(), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		done := make(chan *Buffer)
		for i, size := range []int{1 << 20, 4096} {
			go func() {
				b, err := p.Get(t.Context(), size)
				if err != nil {
					t.Error(err)
				}
				order = append(order, i)
				done <- b
			}()
			synctest.Wait()
		}
		if p.tryGet(1) != nil || !p.crowded() {
			t.Error("tryGet overtook those who wait")
		}
		p.Put(first)
		p.Put(<-done)
		p.Put(<-done)
		if len(order) != 2 || order[0] != 0 {
			t.Errorf("served in order %v, want 0 first", order)
		}
		if p.crowded() || p.free != 1<<20 {
			t.Errorf("%d bytes free at the end, want %d", p.free, 1<<20)
		}
	})
}

// A waiter that gives up lets those behind it pass, and loses nothing.
func TestPoolGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1<<20, 1<<20)
		half, err := p.Get(t.Context(), 256<<10)
		if err != nil {
			t.Fatal(err)
		}
		got := make(chan error)
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := p.Get(ctx, 1<<20)
			got <- err
		}()
		synctest.Wait()
		go func() {
			b, err := p.Get(t.Context(), 4096)
			if err == nil {
				p.Put(b)
			}
			got <- err
		}()
		if err := <-got; metadata.KindOf(err) != metadata.KindTimeout {
			t.Errorf("the first: %v, want %v", err, metadata.KindTimeout)
		}
		if err := <-got; err != nil {
			t.Errorf("the one behind it: %v", err)
		}
		p.Put(half)
		if p.free != 1<<20 {
			t.Errorf("%d bytes free at the end, want %d", p.free, 1<<20)
		}
	})
}

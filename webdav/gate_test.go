package webdav

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/metadata"
)

func TestGateShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(4, 4)
		var leaves []func()
		for range 2 {
			leave, err := g.enter(t.Context(), "ann")
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		// Half of the places are ann's; her next waits though two are free.
		third := make(chan error, 1)
		go func() {
			leave, err := g.enter(t.Context(), "ann")
			if err == nil {
				leave()
			}
			third <- err
		}()
		synctest.Wait()
		if running, waiting := g.load(); running != 2 || waiting != 1 {
			t.Errorf("got %d running, %d waiting", running, waiting)
		}
		leaveBob, err := g.enter(t.Context(), "bob")
		if err != nil {
			t.Errorf("bob: %v", err)
		}
		leaves[0]()
		if err := <-third; err != nil {
			t.Errorf("ann's third: %v", err)
		}
		leaves[1]()
		leaveBob()
		if running, waiting := g.load(); running+waiting != 0 || len(g.users) != 0 {
			t.Errorf("got %d running, %d waiting, %d users in the end", running, waiting, len(g.users))
		}
	})
}

func TestGateRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, 3)
		leave, err := g.enter(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 1)
		start := time.Now()
		go func() { _, err := g.enter(t.Context(), "ann"); errs <- err }()
		synctest.Wait()
		// Her share of running and waiting is 2 of 4.
		if _, err := g.enter(t.Context(), "ann"); err == nil || metadata.KindOf(err) != metadata.KindBusy {
			t.Errorf("third of ann: got %v, want busy", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := g.enter(ctx, "bob"); metadata.KindOf(err) != metadata.KindTimeout {
			t.Errorf("bob's client went away: got %v", err)
		}
		if err := <-errs; metadata.KindOf(err) != metadata.KindBusy || time.Since(start) != gateWaitMax {
			t.Errorf("got %v after %v, want busy after %v", err, time.Since(start), gateWaitMax)
		}
		leave()
		leave, err = g.enter(t.Context(), "bob")
		if err != nil {
			t.Fatal(err)
		}
		leave()
	})
}

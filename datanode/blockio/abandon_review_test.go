package blockio_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// An upload that breaks off after references were staged gives them up, also
// when the nameserver is away at first; one that was committed keeps them.
func TestAbortGivesUpWhatWasStaged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 3, false, nil)
		w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
		if _, err := w.Write(data(2, 150*64<<10)); err != nil {
			t.Fatal(err)
		}
		if got := r.ns.Staged(); got != 1 {
			t.Fatalf("%d contents are staged, want 1: the test says nothing", got)
		}
		var tries atomic.Int64
		r.ns.Hook(func(call string) error {
			if call == "Stage" && tries.Add(1) == 1 {
				return metadata.Errorf(metadata.KindUnavailable, "an election")
			}
			return nil
		})
		w.Abort()
		time.Sleep(time.Minute)
		if got := r.ns.Staged(); got != 0 || tries.Load() != 2 {
			t.Errorf("a minute after Abort: %d contents are staged after %d tries, want none after 2", got, tries.Load())
		}
		e := r.mustWrite(data(3, 150*64<<10), blockio.CreateOptions{Replicas: 2})
		time.Sleep(time.Minute)
		r.mustRead(e, data(3, 150*64<<10))
	})
}

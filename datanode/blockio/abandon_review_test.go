package blockio_test

import (
	"sync/atomic"
	"testing"
	"time"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// An upload that breaks off after references were staged gives them up; one
// that was committed keeps them.
func TestAbortGivesUpWhatWasStaged(t *testing.T) {
	r := newRig(t, 3, false, nil)
	w := r.client.Create(t.Context(), blockio.CreateOptions{Replicas: 2})
	if _, err := w.Write(data(2, 150*64<<10)); err != nil {
		t.Fatal(err)
	}
	if got := r.ns.Staged(); got != 1 {
		t.Fatalf("%d contents are staged, want 1: the test says nothing", got)
	}
	var failed atomic.Bool
	r.ns.Hook(func(call string) error {
		if call == "Stage" && !failed.Swap(true) {
			return metadata.Errorf(metadata.KindUnavailable, "an election")
		}
		return nil
	})
	w.Abort()
	for end := time.Now().Add(10 * time.Second); r.ns.Staged() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d contents are still staged after Abort", r.ns.Staged())
		}
	}
	e := r.mustWrite(data(3, 150*64<<10), blockio.CreateOptions{Replicas: 2})
	r.mustRead(e, data(3, 150*64<<10))
}

package admin

import (
	"context"
	"testing"

	"kendfs/admin/api"
	"kendfs/metadata"
)

// Walks over folders are few at a time; who waits for a place and has no time
// left is told why.
func TestWalksAreBounded(t *testing.T) {
	h := &handlers{&Server{walks: make(chan struct{}, walksMax)}}
	for range walksMax {
		h.walks <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.IndexEntries(ctx, api.IndexEntriesRequestObject{Params: api.IndexEntriesParams{Path: "/"}})
	if got := metadata.KindOf(err); got != metadata.KindBusy {
		t.Errorf("got %v, want %v", err, metadata.KindBusy)
	}
	if len(h.walks) != walksMax {
		t.Errorf("%d places are taken, want %d", len(h.walks), walksMax)
	}
}

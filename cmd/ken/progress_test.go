package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"kendfs/cmd/ken/internal/transfer"
)

func TestBlocksText(t *testing.T) {
	file := func(size, block int64) transfer.File { return transfer.File{Name: "f", Size: size, BlockBytes: block} }
	for _, k := range []struct {
		moved int64
		f     transfer.File
		want  string
	}{
		{0, file(0, 8), "1 of 1"},
		{0, file(20, 8), "1 of 3"},
		{7, file(20, 8), "1 of 3"},
		{8, file(20, 8), "2 of 3"},
		{20, file(20, 8), "3 of 3"},
		{24, file(24, 8), "3 of 3"},
		{99, file(24, 8), "3 of 3"},
		{5, file(24, 0), "6 of 24"},
	} {
		if got := blocksText(k.moved, k.f); got != k.want {
			t.Errorf("%d of %+v: got %s, want %s", k.moved, k.f, got, k.want)
		}
	}
}

// TestBarsWithoutTerminal: nothing is drawn, and everything is counted.
func TestBarsWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	b := newBars(&out, false, true)
	for i := range 3 {
		task := b.Begin(transfer.File{Name: "f", Size: 4 << 20, BlockBytes: 1 << 20})
		task.Add(1 << 20)
		if i == 2 {
			task.End(os.ErrClosed)
			continue
		}
		task.End(nil)
	}
	b.wait()
	if got := b.sumText(b.began.Add(2 * time.Second)); got != "2 files done, 3.0 MiB, 1.5 MiB/s" || out.Len() > 0 {
		t.Errorf("got %q and %q", got, out.String())
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) || isTerminal(&out) {
		t.Error("taken for a terminal")
	}
}

func TestMovedText(t *testing.T) {
	s := transfer.Summary{Files: 1, Bytes: 20 << 20, Blocks: 3}
	for retries, want := range map[int64]string{0: "1 file, 20.0 MiB in 3 blocks", 1: "1 file, 20.0 MiB in 3 blocks, 1 retry on another server",
		2: "1 file, 20.0 MiB in 3 blocks, 2 retries on another server"} {
		if got := movedText(s, retries); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

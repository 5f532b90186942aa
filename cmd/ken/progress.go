package main

import (
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"kendfs/cmd/ken/internal/transfer"
)

// bars draws one progress bar for each running file and keeps none of them
// when it is done. Where standard error is no terminal, it draws nothing.
type bars struct {
	p *mpb.Progress
}

// barAfter is the smallest file that gets a bar: the others are gone before
// anybody could read it.
const barAfter = 1 << 20

const barName = 28 // columns

func newBars(w io.Writer, quiet bool) *bars {
	f, ok := w.(*os.File)
	if quiet || !ok {
		return &bars{}
	}
	st, err := f.Stat()
	if err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return &bars{}
	}
	return &bars{mpb.New(mpb.WithOutput(f), mpb.WithWidth(72), mpb.WithRefreshRate(120*time.Millisecond))}
}

func (b *bars) wait() {
	if b.p != nil {
		b.p.Wait()
	}
}

// Begin implements transfer.Progress.
func (b *bars) Begin(name string, size int64) transfer.Task {
	if b.p == nil || size < barAfter {
		return barTask{}
	}
	short := filepath.Base(name)
	if r := []rune(short); len(r) > barName {
		short = string(r[:barName-1]) + "…"
	}
	return barTask{b.p.AddBar(size,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(short, decor.WC{W: barName, C: decor.DindentRight})),
		mpb.AppendDecorators(
			decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace),
			decor.AverageSpeed(decor.SizeB1024(0), "% .0f", decor.WCSyncSpace),
			decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace),
		))}
}

type barTask struct{ bar *mpb.Bar }

// Add implements transfer.Task.
func (t barTask) Add(n int64) {
	if t.bar != nil {
		t.bar.IncrInt64(n)
	}
}

// End implements transfer.Task.
func (t barTask) End(error) {
	if t.bar != nil {
		t.bar.Abort(true) // takes the bar away, whether or not it is full
	}
}

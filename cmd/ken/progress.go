package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"kendfs/cmd/ken/internal/transfer"
)

// bars draws one progress bar for each large file that is running and, where
// there may be many files, a line with their sum. It keeps none of them when it
// is done. Where standard error is no terminal, it draws nothing.
type bars struct {
	p      *mpb.Progress
	many   bool
	blocks bool // count blocks, not bytes of all
	began  time.Time

	once  sync.Once
	total *mpb.Bar
	files atomic.Int64 // done
	bytes atomic.Int64 // moved
}

// barAfter is the smallest file that gets a bar: the others are gone before
// anybody could read it.
const barAfter = 1 << 20

// Columns. A line stays below 80, so that what the terminal echoes, as ^C, does
// not wrap it and leave a piece behind.
const (
	barName  = 20
	barWidth = 20
)

func newBars(w io.Writer, quiet, many bool) *bars {
	b := &bars{many: many, began: time.Now()}
	if quiet || !isTerminal(w) || os.Getenv("TERM") == "dumb" {
		return b
	}
	b.p = mpb.New(mpb.WithOutput(w), mpb.WithWidth(barWidth), mpb.WithRefreshRate(120*time.Millisecond))
	return b
}

func (b *bars) wait() {
	if b.p == nil {
		return
	}
	b.once.Do(func() {}) // no sum from here on
	if b.total != nil {
		b.total.Abort(true)
	}
	b.p.Wait()
}

// sum draws the line below the bars.
func (b *bars) sum() {
	b.total = b.p.New(0, mpb.NopStyle(), mpb.BarPriority(1<<30), mpb.PrependDecorators(
		decor.Any(func(decor.Statistics) string { return b.sumText(time.Now()) })))
}

func (b *bars) sumText(now time.Time) string {
	n := b.bytes.Load()
	text := countText(b.files.Load(), "file") + " done, " + bytesText(n)
	if d := now.Sub(b.began); d > time.Second {
		text += fmt.Sprintf(", %s/s", bytesText(int64(float64(n)/d.Seconds())))
	}
	return text
}

// Begin implements transfer.Progress.
func (b *bars) Begin(f transfer.File) transfer.Task {
	if b.p == nil {
		return &barTask{all: b}
	}
	if b.many {
		b.once.Do(b.sum)
	}
	if f.Size < barAfter {
		return &barTask{all: b}
	}
	right := []decor.Decorator{
		decor.CountersKibiByte("% .1f / % .1f", decor.WCSyncSpace),
		decor.AverageSpeed(decor.SizeB1024(0), "% .0f", decor.WCSyncSpace),
		decor.AverageETA(decor.ET_STYLE_GO, decor.WCSyncSpace),
	}
	if b.blocks {
		right[0] = decor.Any(func(s decor.Statistics) string {
			return bytesText(s.Current) + ", block " + blocksText(s.Current, f)
		}, decor.WCSyncSpace)
	}
	return &barTask{b, b.p.AddBar(f.Size,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(cut(filepath.Base(f.Name), barName), decor.WC{W: barName + 1, C: decor.DindentRight})),
		mpb.AppendDecorators(right...))}
}

// blocksText says at which of its blocks a transfer is: "3 of 12".
func blocksText(moved int64, f transfer.File) string {
	size := max(f.BlockBytes, 1)
	all := max((f.Size+size-1)/size, 1)
	return fmt.Sprintf("%d of %d", min(moved/size+1, all), all)
}

type barTask struct {
	all *bars
	bar *mpb.Bar // nil: a small file
}

// Add implements transfer.Task.
func (t *barTask) Add(n int64) {
	t.all.bytes.Add(n)
	if t.bar != nil {
		t.bar.IncrInt64(n)
	}
}

// End implements transfer.Task.
func (t *barTask) End(err error) {
	if err == nil {
		t.all.files.Add(1)
	}
	if t.bar != nil {
		t.bar.Abort(true) // takes the bar away, whether or not it is full
	}
}

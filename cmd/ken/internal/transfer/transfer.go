package transfer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"kendfs/datanode/blockio"
	"kendfs/metadata"
)

// Drive is the drive as a transfer needs it.
type Drive struct {
	Tree   metadata.Tree
	Change metadata.Changer
	Blocks *blockio.Client
}

// Pair is a file or folder of this machine and its path on the drive.
type Pair struct {
	Local  string
	Remote metadata.Path
}

// Options say how to transfer.
type Options struct {
	Parallel  int  // files at once; 0: 4, at most ParallelMax
	Recursive bool // follow directories
	NoClobber bool // leave what exists
	Progress  Progress
}

// ParallelMax bounds Options.Parallel.
const ParallelMax = 64

const (
	parallelDefault = 4
	queueMax        = 256 // names waiting for a worker
	errorsMax       = 100 // kept of one transfer
)

// Progress is told what happens. Its methods are called concurrently.
type Progress interface {
	// Begin announces a file.
	Begin(File) Task
}

// File is one file of a transfer.
type File struct {
	Name       string // local for an upload, on the drive for a download
	Size       int64  // bytes
	BlockBytes int64  // of each of its blocks but the last
}

// Task is one file's progress.
type Task interface {
	Add(n int64)
	End(err error)
}

// silent is the Progress of who wants none.
type silent struct{}

func (silent) Begin(File) Task { return silent{} }
func (silent) Add(int64)       {}
func (silent) End(error)       {}

func (o Options) withDefaults() Options {
	if o.Parallel <= 0 {
		o.Parallel = parallelDefault
	}
	o.Parallel = min(o.Parallel, ParallelMax)
	if o.Progress == nil {
		o.Progress = silent{}
	}
	return o
}

// Summary counts what a transfer did.
type Summary struct {
	Files, Dirs, Skipped int64
	Bytes, Blocks        int64
}

// pool runs jobs on a bounded number of goroutines and keeps their errors.
type pool struct {
	jobs chan func(context.Context) error
	wg   sync.WaitGroup

	mu   sync.Mutex
	errs []error
	more int // errors beyond errorsMax
	sum  Summary
}

func newPool(ctx context.Context, workers int) *pool {
	p := &pool{jobs: make(chan func(context.Context) error, queueMax)}
	for range workers {
		p.wg.Go(func() {
			for job := range p.jobs {
				if err := ctx.Err(); err != nil {
					p.fail(err)
					continue
				}
				p.fail(job(ctx))
			}
		})
	}
	return p
}

// add queues a job, waiting for room.
func (p *pool) add(ctx context.Context, job func(context.Context) error) error {
	select {
	case p.jobs <- job:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pool) fail(err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errs) == errorsMax {
		p.more++
		return
	}
	p.errs = append(p.errs, err)
}

func (p *pool) count(f func(*Summary)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(&p.sum)
}

// wait ends the pool and returns what it did and everything that failed.
func (p *pool) wait() (Summary, error) {
	close(p.jobs)
	p.wg.Wait()
	if p.more > 0 {
		p.errs = append(p.errs, fmt.Errorf("and %d errors more", p.more))
	}
	return p.sum, errors.Join(p.errs...)
}

// isKind reports whether err has the kind.
func isKind(err error, k metadata.Kind) bool { return err != nil && metadata.KindOf(err) == k }

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/shell"
	"kendfs/metadata"
)

// Times of a shell's connection.
const (
	shellAnswerMax = 60 * time.Second        // one call, with a person or a script who knows that it waits
	shellProbeMax  = 1200 * time.Millisecond // a nameserver that takes longer is away
	shellPause     = 300 * time.Millisecond  // between attempts to connect
	shellAwayMax   = 2 * time.Minute         // then a command gives up
	shellWatch     = time.Second             // between looks at the nameserver while a command runs
)

// shellDrive is the drive as the shell's commands use it: a connection that is
// made again when the nameserver was away, possibly at another address.
type shellDrive struct {
	c           *cobra.Command
	g           *globals
	notices     io.Writer
	interactive bool
	yes         bool

	mu      sync.Mutex
	cl      *cluster.Client // nil: none yet
	closing sync.WaitGroup
}

func newShellDrive(c *cobra.Command, g *globals) *shellDrive {
	return &shellDrive{c: c, g: g, notices: c.ErrOrStderr()}
}

// client is the connection. Commands have one, since attend made it.
func (d *shellDrive) client() *cluster.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cl
}

// tree is the drive's names: nothing at all without a connection.
func (d *shellDrive) tree() metadata.Tree {
	if cl := d.client(); cl != nil {
		return cl.Meta
	}
	return noTree{}
}

// noTree is a tree out of reach.
type noTree struct{ metadata.Tree }

func (noTree) Lookup(context.Context, metadata.Path, metadata.LookupOptions) (metadata.Entry, error) {
	return metadata.Entry{}, metadata.Errorf(metadata.KindUnavailable, "not connected")
}

func (noTree) List(context.Context, metadata.Path, metadata.ListOptions) (metadata.Page, error) {
	return metadata.Page{}, metadata.Errorf(metadata.KindUnavailable, "not connected")
}

// replace takes a new connection and ends the old one, which may take a while
// because it gives leases back.
func (d *shellDrive) replace(ctx context.Context, cl *cluster.Client) {
	d.mu.Lock()
	old := d.cl
	d.cl = cl
	d.mu.Unlock()
	if old == nil {
		return
	}
	d.closing.Go(func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		old.Close(end)
	})
}

func (d *shellDrive) close(ctx context.Context) {
	d.replace(ctx, nil)
	d.closing.Wait()
}

// attend runs a command with a connection that works. While it runs it says
// when the nameserver is away and when it is back. What only reads is run again
// when it failed for that.
func (d *shellDrive) attend(ctx context.Context, reads bool, run func(context.Context) error) error {
	for again := false; ; again = true {
		if err := d.ready(ctx); err != nil {
			return err
		}
		err := d.watched(ctx, run)
		if err == nil || ctx.Err() != nil || again || !reads || !away(err) {
			return err
		}
	}
}

// away reports whether an error is that of a nameserver that does not answer.
func away(err error) bool {
	k := metadata.KindOf(err)
	return k == metadata.KindUnavailable || k == metadata.KindTimeout
}

// probe asks the nameserver for its root.
func probe(ctx context.Context, cl *cluster.Client) error {
	try, cancel := context.WithTimeout(ctx, shellProbeMax)
	defer cancel()
	_, err := cl.Meta.Lookup(try, metadata.Root, metadata.LookupOptions{})
	return err
}

// ready connects, and connects again, until the nameserver answers.
func (d *shellDrive) ready(ctx context.Context) error {
	if cl := d.client(); cl != nil && probe(ctx, cl) == nil {
		return nil
	}
	began, said := time.Now(), false
	for {
		cl, err := cluster.Connect(ctx, d.g.dir, shellAnswerMax)
		if err != nil && metadata.KindOf(err) != metadata.KindUnavailable {
			return err
		}
		if err == nil {
			old := d.client()
			d.replace(ctx, cl)
			if err = probe(ctx, cl); err == nil {
				if said || old != nil {
					fmt.Fprintf(d.notices, "connected again, to %s\n", d.where())
				}
				return nil
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !away(err):
			return err
		case time.Since(began) > d.patience():
			return metadata.Errorf(metadata.KindUnavailable, "no nameserver answers at %s: %s", d.where(), awayHint(d.g.dir))
		case !said:
			said = true
			fmt.Fprintf(d.notices, "the nameserver at %s does not answer, waiting for it%s\n", d.where(), d.escape())
		}
		select {
		case <-time.After(shellPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// patience is how long a command waits for the nameserver: a person ends it
// with Ctrl-C, a script has to fail some time.
func (d *shellDrive) patience() time.Duration {
	if d.interactive {
		return shellAwayMax
	}
	return contactMax
}

func (d *shellDrive) escape() string {
	if d.interactive {
		return " (Ctrl-C gives up)"
	}
	return ""
}

// where is where the nameserver should be.
func (d *shellDrive) where() string {
	if cl := d.client(); cl != nil {
		return strings.Join(cl.Nameservers(), ", ")
	}
	return d.g.dir
}

// watched runs f and looks at the nameserver meanwhile.
func (d *shellDrive) watched(ctx context.Context, f func(context.Context) error) error {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		d.watch(ctx, stop)
	}()
	err := f(ctx)
	close(stop)
	<-done
	return err
}

// watch says when the nameserver goes and comes, until stop.
func (d *shellDrive) watch(ctx context.Context, stop <-chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	tick := time.NewTicker(shellWatch)
	defer tick.Stop()
	for gone := false; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		err := probe(ctx, d.client())
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && away(err) && !gone:
			gone = true
			fmt.Fprintf(d.notices, "the nameserver at %s does not answer, waiting for it%s\n", d.where(), d.escape())
		case err == nil && gone:
			gone = false
			fmt.Fprintln(d.notices, "the nameserver answers again")
		}
	}
}

// commands are all commands of the shell that work on the drive.
func (d *shellDrive) commands() []shell.Command {
	return append(append(append(d.lookCommands(), d.changeCommands()...), d.transferCommands()...), d.opsCommands()...)
}

// opsCommands are commands of ken itself that make sense in the shell.
func (d *shellDrive) opsCommands() []shell.Command {
	var out []shell.Command
	for _, k := range []struct{ name, usage, short string }{
		{"status", "status", "say whether the data is safe"},
		{"node", "node list|show|drain|… [node]", "look at the machines and what they do"},
		{"volume", "volume list|show [volume]", "look at the volumes and their replicas"},
		{"repair", "repair list|pause|resume|first [volume]", "look at the making of missing copies"},
		{"events", "events [--since span] [--node node]", "show what happened to the cluster"},
		{"audit", "audit [--since span]", "show who changed what"},
	} {
		out = append(out, shell.Command{
			Name: k.name, Usage: k.usage, Short: k.short, Long: "As `ken " + k.name + "`, with the same options: " + k.name + " --help.",
			Max: -1, Whole: true,
			Run: func(ctx context.Context, c *shell.Call) error {
				root := newRoot()
				root.SetArgs(append(append([]string{k.name}, c.Args...), "--dir", d.g.dir))
				root.SetOut(c.Out)
				root.SetErr(c.Err)
				return root.ExecuteContext(ctx)
			},
		})
	}
	return out
}

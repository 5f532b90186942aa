package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/transfer"
	"kendfs/metadata"
)

// Times of the first contact with a nameserver. A command that has made it
// waits longer for later answers, so that a transfer outlives a restart.
const (
	noticeAfter  = 700 * time.Millisecond // then say what is being waited for
	contactMax   = 6 * time.Second
	contactLocal = 4 * time.Second // when the folder's own nameserver is known not to run
	answerMax    = 15 * time.Second
)

// withDrive connects to the cluster of the chosen folder, runs f and ends the
// connection, so that leases are given back at once.
func withDrive(c *cobra.Command, g *globals, f func(ctx context.Context, cl *cluster.Client) error) error {
	return withContact(c.Context(), g, c.ErrOrStderr(), contactMax, f)
}

// withClient is withDrive for commands that move no data.
func withClient(c *cobra.Command, g *globals, f func(*cluster.Client) error) error {
	return withDrive(c, g, func(_ context.Context, cl *cluster.Client) error { return f(cl) })
}

func withContact(ctx context.Context, g *globals, notices io.Writer, most time.Duration,
	f func(ctx context.Context, cl *cluster.Client) error) error {
	cl, err := cluster.Connect(ctx, g.dir, answerMax)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		cl.Close(end)
	}()
	if cluster.NotRunning(g.dir) {
		most = min(most, contactLocal) // it may be starting
	}
	if err := contact(ctx, cl.Meta, cl.Nameservers(), notices, most, awayHint(g.dir)); err != nil {
		return err
	}
	return f(ctx, cl)
}

// awayHint says what to do about a nameserver that does not answer.
func awayHint(dir string) string {
	if cluster.NotRunning(dir) {
		return fmt.Sprintf("it is not running, start it with `%s`", cluster.StartCommand(dir))
	}
	return "is it running, and does every firewall let its UDP port through?"
}

// contact waits until a nameserver answers, and says so when that takes a while.
func contact(ctx context.Context, t metadata.Tree, addrs []string, notices io.Writer, most time.Duration,
	hint string) error {
	where := strings.Join(addrs, ", ")
	notice := time.AfterFunc(noticeAfter, func() {
		fmt.Fprintf(notices, "ken: waiting for the nameserver at %s\n", where)
	})
	defer notice.Stop()
	try, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	_, err := t.Lookup(try, metadata.Root, metadata.LookupOptions{})
	switch {
	case err == nil || ctx.Err() != nil:
		return ctx.Err()
	case try.Err() != nil || metadata.KindOf(err).Retryable():
		return &metadata.Error{Kind: metadata.KindUnavailable, Err: err,
			Msg: fmt.Sprintf("no nameserver answers at %s: %s", where, hint)}
	}
	return err
}

func driveOf(cl *cluster.Client) transfer.Drive {
	return transfer.Drive{Tree: cl.Meta, Change: cl.Meta, Blocks: cl.Blocks}
}

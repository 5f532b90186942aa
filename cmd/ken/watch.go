package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata/health"
)

// Times of watching.
const (
	redrawEvery = time.Second      // figures move between changes
	lookEvery   = 10 * time.Second // when nothing is said to have changed
	watchAway   = time.Second      // between attempts to reach a nameserver
	watchAsk    = 3 * time.Second  // one attempt
)

// watching is a connection for commands that go on until Ctrl-C: it is made
// anew when the nameserver was away.
type watching struct {
	dir     string
	cl      *cluster.Client
	version uint64 // of the state that was seen last
}

// close ends the connection.
func (w *watching) close(ctx context.Context) {
	if w.cl == nil {
		return
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	w.cl.Close(end)
	w.cl = nil
}

// ask calls f with a connection. An error ends the connection: the next call
// makes another, possibly to another address.
func (w *watching) ask(ctx context.Context, f func(context.Context, *cluster.Client) error) error {
	if w.cl == nil {
		cl, err := cluster.Connect(ctx, w.dir, answerMax)
		if err != nil {
			return err
		}
		w.cl = cl
	}
	try, cancel := context.WithTimeout(ctx, watchAsk)
	defer cancel()
	err := f(try, w.cl)
	if err != nil {
		w.close(ctx)
	}
	return err
}

// wait returns when the cluster has changed, after most, or when ctx ends.
func (w *watching) wait(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	if w.cl != nil {
		if v, err := w.cl.Meta.Watch(ctx, w.version); err == nil {
			w.version = v
			return
		}
	}
	select {
	case <-time.After(min(most, watchAway)):
	case <-ctx.Done():
	}
}

// watchStatus shows the status until ctx ends.
func watchStatus(c *cobra.Command, g *globals) error {
	ctx := c.Context()
	w := &watching{dir: g.dir}
	defer func() { w.close(ctx) }()
	show, every := lineShower(c.OutOrStdout(), g), lookEvery
	if isTerminal(c.OutOrStdout()) && g.output != "json" {
		show, every = pageShower(c.OutOrStdout()), redrawEvery
	}
	var last health.Report
	for ctx.Err() == nil {
		err := w.ask(ctx, func(ctx context.Context, cl *cluster.Client) error {
			r, err := cl.Meta.Report(ctx)
			if err == nil {
				last = r
			}
			return err
		})
		now := last
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !away(err) && last.AsOf.IsZero():
			return err // wrong from the beginning
		case err != nil:
			since := last.AsOf
			if since.IsZero() {
				since = time.Now().UTC()
			}
			now = health.Blind(last, since, "no nameserver answers")
		}
		if err := show(&now, time.Now()); err != nil {
			return err
		}
		w.wait(ctx, every)
	}
	return nil
}

// pageShower draws the page in place of the one before.
func pageShower(w io.Writer) func(*health.Report, time.Time) error {
	first := true
	return func(r *health.Report, now time.Time) error {
		var page bytes.Buffer
		if first {
			page.WriteString("\x1b[2J")
			first = false
		}
		page.WriteString("\x1b[H")
		var text bytes.Buffer
		if err := statusText(&text, r, now); err != nil {
			return err
		}
		for line := range strings.Lines(text.String()) {
			page.WriteString(strings.TrimSuffix(line, "\n") + "\x1b[K\n") // no flicker: lines are replaced
		}
		fmt.Fprintf(&page, "\x1b[K\n\x1b[2mas of %s, Ctrl-C ends\x1b[0m\x1b[K\n\x1b[J", r.AsOf.Local().Format("15:04:05"))
		_, err := w.Write(page.Bytes())
		return err
	}
}

// lineShower prints a line, or an object, whenever the verdict, its sentence or
// the checks change.
func lineShower(w io.Writer, g *globals) func(*health.Report, time.Time) error {
	before := ""
	return func(r *health.Report, now time.Time) error {
		var codes []string
		for _, k := range r.Checks {
			codes = append(codes, k.Code)
		}
		line := fmt.Sprintf("%-11s  %s", r.Verdict, r.Sentence)
		if len(codes) > 0 {
			line += "  [" + strings.Join(codes, " ") + "]"
		}
		if line == before {
			return nil
		}
		before = line
		if g.output == "json" {
			fillStatus(r)
			return json.NewEncoder(w).Encode(r)
		}
		_, err := fmt.Fprintf(w, "%s  %s\n", now.Local().Format("2006-01-02 15:04:05"), line)
		return err
	}
}

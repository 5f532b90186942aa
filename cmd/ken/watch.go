package main

import (
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
			now = health.Blind(last, since, health.NoAnswer)
		}
		if err := show(&now, time.Now()); err != nil {
			return err
		}
		w.wait(ctx, every)
	}
	return nil
}

// pageShower draws the page in place of the one before. What does not fit into
// the terminal is cut: lines that wrap or scroll would be left behind.
func pageShower(w io.Writer) func(*health.Report, time.Time) error {
	first := true
	return func(r *health.Report, now time.Time) error {
		var text screen
		text.wide, text.high = terminalSize(w)
		if err := statusText(&text, r, now); err != nil {
			return err
		}
		fmt.Fprintf(&text, "\nas of %s, Ctrl-C ends\n", r.AsOf.Local().Format("15:04:05"))
		page := "\x1b[H"
		if first {
			page, first = "\x1b[2J\x1b[H", false
		}
		_, err := io.WriteString(w, page+fitted(text.String(), text.wide, text.high)+"\x1b[J")
		return err
	}
}

// fitted is a page that is drawn over another, at most so wide and high; 0 is
// no limit. The last line stays free for the cursor.
func fitted(text string, wide, high int) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if most := high - 1; most > 1 && len(lines) > most {
		more := len(lines) - most + 1
		lines = append(lines[:most-2:most-2], fmt.Sprintf("… %d lines more: `ken status`", more), lines[len(lines)-1])
	}
	var b strings.Builder
	for _, line := range lines {
		if wide > 0 {
			line = cut(line, wide)
		}
		b.WriteString(line + "\x1b[K\n") // no flicker: lines are replaced
	}
	return b.String()
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

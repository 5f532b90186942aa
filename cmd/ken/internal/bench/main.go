// Command bench measures a drive beside Apache's mod_dav on the same disk in
// one run, and separate processes beside a raw QUIC stream, and prints the
// ratios with their targets. `make bench` runs it.
//
//	bench [-ken bin/ken] [-dir DIR] [-small 3000] [-large-mib 512] [-rounds 2] [-only put,get]
//
// It starts everything itself, on loopback, in a folder of its own below -dir,
// and ends it again. Apache comes from Debian (apache2); without it only the
// absolute figures are printed. Figures of a shared machine are noisy: each
// workload runs on both servers in turn, in every round, and the best round of
// each counts.
//
// It refuses to be a load generator for anything else: addresses are its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
)

// options are the command's flags.
type options struct {
	ken, dir, only  string
	small, rounds   int
	large           int64
	listed          int
	clients         int
	separate, local bool
}

func main() {
	var o options
	flag.StringVar(&o.ken, "ken", "bin/ken", "the binary to measure")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where both servers keep their data: on the disk to measure")
	flag.StringVar(&o.only, "only", "", "comma-separated parts of workload names")
	flag.IntVar(&o.small, "small", 3000, "number of 4 KiB files")
	flag.IntVar(&o.rounds, "rounds", 2, "rounds; the best of each workload counts")
	flag.IntVar(&o.listed, "listed", 5000, "entries in the listed directory")
	flag.IntVar(&o.clients, "clients", 16, "concurrent clients for small files")
	large := flag.Int64("large-mib", 512, "size of the large file, MiB")
	flag.BoolVar(&o.local, "dev", true, "measure ken dev (one process)")
	flag.BoolVar(&o.separate, "separate", true, "measure separate processes over QUIC")
	flag.Parse()
	o.large = *large << 20
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp(o.dir, "ken-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // best effort: it is a temporary folder
	if o.local {
		if err := besideApache(ctx, o, dir); err != nil {
			return err
		}
	}
	if o.separate {
		return besideQUIC(ctx, o, dir)
	}
	return nil
}

// target is the least ratio that a workload must reach.
func target(name string) float64 {
	for _, t := range []struct {
		prefix string
		ratio  float64
	}{
		{"copy-large", 50}, {"put-large", 0.8}, {"put-chunked", 0.8}, {"get-large", 0.8}, {"move", 1.5},
		{"delete", 1.5}, {"mkcol", 1.5}, {"list", 1.5}, {"put-small", 1}, {"overwrite", 1}, {"get-small", 1}, {"stat", 1},
	} {
		if strings.HasPrefix(name, t.prefix) {
			return t.ratio
		}
	}
	return 0
}

// besideApache measures `ken dev` and Apache in turn.
func besideApache(ctx context.Context, o options, dir string) error {
	ours, err := startDev(ctx, o.ken, dir)
	if err != nil {
		return err
	}
	defer ours.stop()
	servers := []*server{ours}
	theirs, err := startApache(ctx, dir)
	switch {
	case err == nil:
		defer theirs.stop()
		servers = append(servers, theirs)
	case errors.Is(err, errNoApache):
		fmt.Println("apache2 is not installed: absolute figures only (apt-get install apache2)")
	default:
		return err
	}
	best := map[string]map[*server]float64{}
	var order []string
	for range o.rounds {
		for _, s := range servers {
			err := measure(ctx, s, o, func(r figure) {
				if best[r.name] == nil {
					best[r.name] = map[*server]float64{}
					order = append(order, r.name)
				}
				best[r.name][s] = max(best[r.name][s], r.rate)
			})
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	fmt.Println("\none process (ken dev, two copies, fsync before every answer) beside Apache mod_dav (one copy, no fsync)")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "workload\tken\tapache\tratio\ttarget\t")
	for _, name := range order {
		k, a := best[name][ours], 0.0
		if theirs != nil {
			a = best[name][theirs]
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%s\t%s\t\n", name, k, a, ratio(k, a), goal(target(name), k, a))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Printf("peak memory: %s\n", ours.memory())
	return nil
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func goal(want, a, b float64) string {
	switch {
	case want == 0 || b == 0:
		return ""
	case a/b < want:
		return fmt.Sprintf("%.1f MISSED", want)
	}
	return fmt.Sprintf("%.1f ok", want)
}

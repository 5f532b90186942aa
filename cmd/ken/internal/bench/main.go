// Command bench measures a drive beside Apache's mod_dav on the same disk in
// one run, and separate processes beside a raw QUIC stream, and prints the
// ratios with their targets. `make bench` runs it.
//
//	bench [-ken bin/ken] [-base OTHER] [-dir DIR] [-small 3000] [-large-mib 512] [-rounds 3] [-only put,get]
//
// It starts everything itself, on loopback, in a folder of its own below -dir,
// and ends it again. Apache comes from Debian (apache2); without it only the
// absolute figures are printed. With -base another ken takes Apache's place: so
// a change is measured beside what was before.
//
// Figures of a shared machine are noisy: in every round each workload runs on
// both servers in turn, on a disk that has nothing left to write, and the best
// round of each counts; how far the ratios of single rounds lie apart is
// printed beside, and the servers' processor time, which is less noisy. Apache has no password to check and does not fsync; its
// connections stay open, as ours do.
//
// It refuses to be a load generator for anything else: addresses are its own.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// options are the command's flags.
type options struct {
	ken, base       string
	dir, only       string
	small, rounds   int
	large           int64
	listed          int
	clients         int
	separate, local bool
}

func main() {
	var o options
	flag.StringVar(&o.ken, "ken", "bin/ken", "the binary to measure")
	flag.StringVar(&o.base, "base", "", "another ken to measure beside, instead of Apache and the raw stream")
	flag.StringVar(&o.dir, "dir", os.TempDir(), "where both servers keep their data: on the disk to measure")
	flag.StringVar(&o.only, "only", "", "comma-separated parts of workload names")
	flag.IntVar(&o.small, "small", 3000, "number of 4 KiB files")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds; the best of each workload counts")
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
		if err := oneProcess(ctx, o, dir); err != nil {
			return err
		}
	}
	if o.separate {
		return processes(ctx, o, dir)
	}
	return nil
}

// oneProcess measures `ken dev` and Apache, or another ken, in turn.
func oneProcess(ctx context.Context, o options, dir string) error {
	ours, err := startDev(ctx, "ken", o.ken, dir)
	if err != nil {
		return err
	}
	defer ours.stop()
	var theirs *server
	if o.base != "" {
		theirs, err = startDev(ctx, "base", o.base, dir)
	} else {
		theirs, err = startApache(ctx, dir)
	}
	if errors.Is(err, errNoApache) {
		fmt.Println("apache2 is not installed: absolute figures only (apt-get install apache2)")
		theirs, err = nil, nil
	}
	if err != nil {
		return err
	}
	defer theirs.stop()
	r, err := inTurn(ctx, o, ours, theirs)
	if err != nil {
		return err
	}
	fmt.Println("\none process: ken dev (two copies, fsync and password before every answer) beside",
		cmp.Or(o.base, "Apache mod_dav (one copy, no fsync, no password)"))
	if err := r.print(os.Stdout, apacheTarget); err != nil {
		return err
	}
	fmt.Printf("peak memory: %s\n", strings.Join(ours.memory(), ", "))
	return nil
}

// processes measures separate processes (nameserver, four storage servers,
// gateway) beside a raw QUIC stream, or beside those of another ken.
func processes(ctx context.Context, o options, dir string) error {
	ours, err := startCluster(ctx, "ken", o.ken, filepath.Join(dir, "cluster"))
	if err != nil {
		return err
	}
	defer ours.stop()
	var theirs *server
	if o.base != "" {
		if theirs, err = startCluster(ctx, "base", o.base, filepath.Join(dir, "base")); err != nil {
			return err
		}
	}
	defer theirs.stop()
	r, err := inTurn(ctx, o, ours, theirs)
	if err != nil {
		return err
	}
	fmt.Println("\nseparate processes over QUIC beside", cmp.Or(o.base, "one raw stream of quic-go"))
	if err := r.print(os.Stdout, quicTarget); err != nil {
		return err
	}
	fmt.Printf("peak memory, nameserver, four storage servers, gateway: %s\n", strings.Join(ours.memory(), ", "))
	return nil
}

// inTurn runs all workloads on both servers, in every round. Without the second
// one the large transfers are compared with a raw stream.
func inTurn(ctx context.Context, o options, ours, theirs *server) (*rounds, error) {
	var r rounds
	for i := range o.rounds {
		turn := []*server{ours, theirs}
		if i%2 == 1 {
			slices.Reverse(turn)
		}
		for _, s := range turn {
			if s == nil {
				continue
			}
			syscall.Sync() // nobody is slowed down by what the other one left to write
			err := measure(ctx, s, o, func(f figure) { r.add(i, s == ours, f) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
		}
		if theirs != nil || len(ours.procs) == 1 {
			continue
		}
		rate, err := rawStream(ctx, o.large)
		if err != nil {
			return nil, err
		}
		fmt.Printf("%-8s %-14s %10.1f MB/s\n", "raw", "stream", rate)
		for _, name := range []string{"put-large", "get-large", "put-chunked"} {
			r.add(i, false, figure{name: name + " MB/s", rate: rate})
		}
	}
	return &r, nil
}

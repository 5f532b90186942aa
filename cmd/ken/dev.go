package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
)

// stopMax bounds an orderly stop after SIGTERM.
const stopMax = 4500 * time.Millisecond

// newLogger writes messages for people to standard error.
func newLogger(level string) (*slog.Logger, error) {
	var l slog.Level
	if level != "" {
		if err := l.UnmarshalText([]byte(level)); err != nil {
			return nil, usagef("log level %q: want debug, info, warn or error", level)
		}
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: l})), nil
}

// stopContext is what is left for an orderly stop once the command was told to end.
func stopContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), stopMax)
}

func devCommand(g *globals) *cobra.Command {
	opt := cluster.DevOptions{}
	level := setOr("log.level", "warn")
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a whole drive in this process, with data in one folder",
		Long: `Run a whole drive in this process, with data in one folder: a nameserver, three
storage servers, the WebDAV gateway and the desktop in the browser. Every file is
kept twice, as on a real cluster, but on this machine's disk only.

The first start prints the password; KEN_ADMIN_PASSWORD sets it instead. The
next start with the same folder finds everything again. The environment overrides
settings as it does for ken run (KEN_STORAGE_PACK_MIB is storage.pack_mib), for
all nodes of the drive.`,
		Example: `  ken dev
  ken dev --dir /srv/drive --webdav 127.0.0.1:9000
  ken dev --webdav 127.0.0.1:0      # a free port, several can run side by side`,
		Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := newLogger(level)
			if err != nil {
				return err
			}
			if most := min(replicationMax, opt.StorageServers); opt.Replication < 1 ||
				c.Flags().Changed("replication") && opt.Replication > most {
				return usagef("--replication %d: want 1 to %d, one storage server for each copy", opt.Replication, most)
			}
			stop, err := serveProfiles(log)
			if err != nil {
				return err
			}
			defer stop()
			opt.Dir, opt.Logger, opt.Version = g.dir, log, version
			opt.Password = os.Getenv("KEN_ADMIN_PASSWORD")
			if !c.Flags().Changed("admin") && opt.Admin == adminListen && strings.HasSuffix(opt.WebDAV, ":0") {
				opt.Admin = opt.WebDAV // several side by side: a free port for both
			}
			return runDev(c, g, opt)
		},
	}
	f := c.Flags()
	f.StringVar(&opt.WebDAV, "webdav", setOr("webdav.listen", "127.0.0.1:8080"), "address of the drive")
	f.StringVar(&opt.Metrics, "metrics", setOr("metrics.listen", ""), "address of /metrics, /healthz and /readyz, IP:PORT; none by default")
	f.StringVar(&opt.Admin, "admin", setOr("admin.listen", adminListen), "address of the desktop; empty: none")
	f.StringVar(&opt.Listen, "listen", setOr("listen", ""), "QUIC address of the nameserver (default 127.0.0.1:0)")
	f.IntVar(&opt.StorageServers, "storage-servers", 3, "number of storage servers, 1 to 16")
	f.IntVar(&opt.Replication, "replication", 2, "copies of every file, at the first start")
	f.StringVar(&level, "log-level", level, "debug, info, warn or error")
	return c
}

// setOr is what the environment says of a setting, or def.
func setOr(key, def string) string { return cmp.Or(os.Getenv(cluster.EnvName(key)), def) }

// devJSON is what `ken dev -o json` prints, one line, when it is ready.
type devJSON struct {
	Ready    bool   `json:"ready"`
	URL      string `json:"url"`
	Admin    string `json:"admin,omitempty"`
	User     string `json:"user"`
	Password string `json:"password,omitempty"`
	Dir      string `json:"dir"`
	QUIC     string `json:"quic"`
	Metrics  string `json:"metrics,omitempty"`
	PID      int    `json:"pid"`
}

// serve announces what runs, waits for a signal or a failure, and ends it.
func serve(ctx context.Context, announce func() error, failed <-chan error, end func(context.Context) error) error {
	err := announce()
	if err == nil {
		select {
		case <-ctx.Done():
		case err = <-failed:
		}
	}
	stop, cancel := stopContext(ctx)
	defer cancel()
	if serr := end(stop); serr != nil {
		err = errors.Join(err, stopError{serr})
	}
	return err
}

func runDev(c *cobra.Command, g *globals, opt cluster.DevOptions) error {
	d, err := cluster.Dev(c.Context(), opt)
	if err != nil {
		return err
	}
	return serve(c.Context(), func() error { return announceDev(c, g, opt, d) }, d.Failed(), d.Close)
}

func announceDev(c *cobra.Command, g *globals, opt cluster.DevOptions, d *cluster.DevCluster) error {
	j := devJSON{
		Ready: true, URL: d.URL(), Admin: d.AdminURL(), User: cluster.AdminName, Password: d.Password, Dir: opt.Dir,
		QUIC: d.QUIC(), PID: os.Getpid(), Metrics: d.Metrics(),
	}
	if g.output == "json" {
		return printJSON(c, j)
	}
	w := c.OutOrStdout()
	t := newTable(w)
	t.row("drive:", j.URL)
	if j.Admin != "" {
		t.row("desktop:", j.Admin)
	}
	t.row("user:", j.User)
	switch {
	case j.Password != "":
		t.row("password:", j.Password+"   (shown this once)")
	case opt.Password != "" && d.First:
		t.row("password:", "as in KEN_ADMIN_PASSWORD")
	default:
		t.row("password:", "as printed at the first start; `ken user passwd admin` sets a new one")
	}
	t.row("folder:", j.Dir)
	if j.Metrics != "" {
		t.row("metrics:", j.Metrics)
	}
	if err := t.flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "ready\n")
	return err
}

func runCommand(g *globals) *cobra.Command {
	f := &settingFlags{}
	c := &cobra.Command{
		Use:   "run",
		Short: "Run the roles that this machine's folder was enrolled with",
		Long: `Run the roles that this machine's folder was enrolled with by ken init or ken
join. Settings come from ken.toml in the folder; the environment overrides them
(KEN_WEBDAV_LISTEN is webdav.listen), and flags override both for this run.
` + "`ken config check`" + ` lists all settings and where each comes from.

It prints a line "ready" when the node answers, drains on SIGTERM and ends
within five seconds.`,
		Example: `  ken run --dir /srv/ken
  ken run --dir /srv/ken --set storage.scrub_pause=10m --log-level debug`,
		Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.load(c, g)
			if err != nil {
				return err
			}
			return runNode(c, g, cfg)
		},
	}
	f.register(c, shortFlag{"listen", "listen"}, shortFlag{"webdav", "webdav.listen"}, shortFlag{"admin", "admin.listen"},
		shortFlag{"metrics", "metrics.listen"}, shortFlag{"log-level", "log.level"})
	return c
}

func runNode(c *cobra.Command, g *globals, cfg cluster.Config) error {
	ctx := c.Context()
	log, err := newLogger(cfg.Log.Level)
	if err != nil {
		return err
	}
	stop, err := serveProfiles(log)
	if err != nil {
		return err
	}
	defer stop()
	n, err := cluster.Start(ctx, cfg, &cluster.Local{}, cluster.Runtime{Logger: log, Version: version})
	if err != nil {
		return err
	}
	return serve(ctx, func() error { return announceNode(c, g, cfg.Name, n) }, n.Failed(), n.Close)
}

func announceNode(c *cobra.Command, g *globals, name string, n *cluster.Node) error {
	r := n.Running()
	if g.output == "json" {
		return printJSON(c, r)
	}
	t := newTable(c.OutOrStdout())
	t.row("node:", n.ID().String()+" "+name)
	t.row("quic:", r.QUIC)
	for _, k := range []struct{ what, url string }{{"drive:", r.WebDAV}, {"desktop:", r.Admin}, {"metrics:", r.Metrics}} {
		if k.url != "" {
			t.row(k.what, k.url)
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), "ready")
	return err
}

package main

import (
	"cmp"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

// adminListen is where the desktop is unless told otherwise.
const adminListen = "127.0.0.1:8090"

func adminCommand(g *globals) *cobra.Command {
	f := &settingFlags{}
	var demo bool
	nodes, files := 0, 0
	c := &cobra.Command{
		Use:   "admin",
		Short: "Serve the desktop in the browser",
		Long: `Serve the desktop in the browser from this machine's folder, which must have been
enrolled with the role admin (ken join --roles admin). It may run on several
machines, and answers from what it knew last when no nameserver does.

With --demo it shows a cluster that does not exist: a thousand nodes, of which
some fail, and a hundred thousand files. Nothing is stored.`,
		Example: `  ken join --dir /srv/ken --roles admin --admin 0.0.0.0:8090 --tls-self-signed KEN1-...
  ken admin --dir /srv/ken
  ken admin setup-link --dir /srv/ken     # nobody knows a password any more
  ken admin --demo`,
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			if demo {
				return runDemo(c, g, nodes, files)
			}
			cfg, err := f.load(c, g)
			if err != nil {
				return err
			}
			if !cfg.Has(metadata.NodeAdmin) {
				return metadata.Errorf(metadata.KindInvalid,
					"%s was not enrolled as admin, but as %s: make a token with `ken token create --roles admin` and join with it",
					g.dir, strings.Join(cfg.Roles, ", "))
			}
			return runNode(c, g, cfg)
		},
	}
	f.register(c, shortFlag{"listen", "admin.listen"}, shortFlag{"log-level", "log.level"})
	c.Flags().BoolVar(&demo, "demo", false, "show a cluster that does not exist")
	c.Flags().IntVar(&nodes, "demo-nodes", 0, "how many nodes it has (default 1000)")
	c.Flags().IntVar(&files, "demo-files", 0, "how many files its largest folder has (default 100000)")
	c.AddCommand(setupLink(g))
	return c
}

// demoJSON is what `ken admin --demo -o json` prints, one line, when it is ready.
type demoJSON struct {
	Ready    bool   `json:"ready"`
	Admin    string `json:"admin"`
	User     string `json:"user"`
	Password string `json:"password"`
}

func runDemo(c *cobra.Command, g *globals, nodes, files int) error {
	ctx := c.Context()
	of := func(flag, key, def string) string {
		return cmp.Or(c.Flags().Lookup(flag).Value.String(), setOr(key, def))
	}
	log, err := newLogger(of("log-level", "log.level", ""))
	if err != nil {
		return err
	}
	d, err := cluster.StartDemo(cluster.DemoOptions{
		Listen: of("listen", "admin.listen", adminListen), Nodes: nodes, Files: files, Logger: log, Version: version,
	})
	if err != nil {
		return err
	}
	return serve(ctx, func() error { return announceDemo(c, g, d) }, d.Failed(), d.Close)
}

func announceDemo(c *cobra.Command, g *globals, d *cluster.Demo) error {
	j := demoJSON{Ready: true, Admin: d.URL, User: cluster.AdminName, Password: d.Password}
	if g.output == "json" {
		return printJSON(c, j)
	}
	t := newTable(c.OutOrStdout())
	t.row("desktop:", j.Admin)
	t.row("users:", "admin, olga (operator), wim (writer), rita (reader), vera (viewer)")
	t.row("password:", j.Password)
	if err := t.flush(); err != nil {
		return err
	}
	_, err := io.WriteString(c.OutOrStdout(), "ready\n")
	return err
}

func setupLink(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "setup-link",
		Short: "Make a link with which the administrator's password can be set, once",
		Long: `Make a link with which the password of the user admin can be set on this
machine's desktop, once and within a day. It is for the first start, and for
when nobody knows a password any more. An earlier link is void.`,
		Example: "  ken admin setup-link --dir /srv/ken",
		Args:    exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			url, expires, err := cluster.SetupLink(g.dir)
			if err != nil {
				return err
			}
			return report(c, g, map[string]any{"url": url, "expires": expires}, "%s\ngood once, until %s", url,
				expires.Local().Format(time.DateTime))
		},
	}
}

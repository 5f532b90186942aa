package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

// nodeFlags are shared by init and join: they become ken.toml.
type nodeFlags struct {
	cfg   cluster.Config
	roles string
}

func (f *nodeFlags) register(c *cobra.Command, roles string) {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	fl := c.Flags()
	fl.StringVar(&f.roles, "roles", roles, "what this node does: nameserver, datanode, webdav, client")
	fl.StringVar(&f.cfg.Name, "name", host, "what people call this node")
	fl.StringVar(&f.cfg.Zone, "zone", "", "failure domain, as a room or a rack")
	fl.StringVar(&f.cfg.Listen, "listen", "127.0.0.1:7800", "QUIC address of this node, IP:PORT")
	fl.StringVar(&f.cfg.Advertise, "advertise", "", "address for other nodes, if it differs from --listen")
	fl.StringVar(&f.cfg.WebDAV.Listen, "webdav", "127.0.0.1:8080", "address of the drive, IP:PORT")
	fl.StringVar(&f.cfg.WebDAV.TLSCert, "tls-cert", "", "PEM certificate: serve HTTPS")
	fl.StringVar(&f.cfg.WebDAV.TLSKey, "tls-key", "", "PEM key of --tls-cert")
	fl.BoolVar(&f.cfg.WebDAV.SelfSigned, "tls-self-signed", false, "serve HTTPS with a certificate made here")
	fl.BoolVar(&f.cfg.WebDAV.InsecureHTTP, "insecure-http", false,
		"accept passwords over plain HTTP from other machines")
	fl.StringArrayVar(&f.cfg.Disks, "disk", nil, "folder for blocks, one on each disk; may be repeated")
}

func (f *nodeFlags) config() cluster.Config {
	for r := range strings.SplitSeq(f.roles, ",") {
		if r = strings.TrimSpace(r); r != "" {
			f.cfg.Roles = append(f.cfg.Roles, r)
		}
	}
	return f.cfg
}

func initCommand(g *globals) *cobra.Command {
	f := &nodeFlags{}
	replication := 2
	c := &cobra.Command{
		Use:   "init",
		Short: "Make a new cluster on this machine",
		Long: `Make a new cluster on this machine: its certificate authority, its namespace and
its first node, in one folder. It starts nothing; ken run does.`,
		Example: `  ken init --dir /srv/ken --roles nameserver,datanode,webdav --listen 192.168.1.10:7800
  ken run --dir /srv/ken
  ken token create --dir /srv/ken --roles datanode      # for the next machine`,
		Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			res, err := cluster.Init(c.Context(), g.dir, cluster.InitOptions{
				Config: f.config(), Password: os.Getenv("KEN_ADMIN_PASSWORD"), Replication: replication,
			})
			if err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(c, res)
			}
			t := newTable(c.OutOrStdout())
			t.row("cluster:", res.Cluster)
			t.row("node:", res.Node+" "+f.cfg.Name)
			t.row("user:", res.User)
			if res.Password != "" {
				t.row("password:", res.Password+"   (shown this once)")
			} else {
				t.row("password:", "as in KEN_ADMIN_PASSWORD")
			}
			if err := t.flush(); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "\nstart it with: ken run --dir %s\n", g.dir)
			return nil
		},
	}
	f.register(c, "nameserver,datanode,webdav")
	c.Flags().IntVar(&replication, "replication", replication, "copies of every file, 1 to 8")
	return c
}

func joinCommand(g *globals) *cobra.Command {
	f := &nodeFlags{}
	c := &cobra.Command{
		Use:   "join TOKEN",
		Short: "Enrol this machine in a cluster",
		Long: `Enrol this machine in the cluster that a token was made for (ken token create).
The token names the nameserver and the cluster's authority, which is checked
before anything secret is sent. It starts nothing; ken run does.`,
		Example: `  ken join --dir /srv/ken --roles datanode --listen 192.168.1.11:7800 KEN1-...
  ken join --dir ~/.ken --roles client KEN1-...   # this machine only uses the drive`,
		Args: exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := cluster.Join(c.Context(), g.dir, f.config(), args[0])
			if err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(c, map[string]string{"node": id.String(), "dir": g.dir})
			}
			fmt.Fprintf(c.OutOrStdout(), "joined as %s\n", id)
			if len(f.cfg.Roles) > 1 || f.cfg.Roles[0] != metadata.NodeClient {
				fmt.Fprintf(c.OutOrStdout(), "start it with: ken run --dir %s\n", g.dir)
			}
			return nil
		},
	}
	f.register(c, metadata.NodeDatanode)
	return c
}

func configCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Check and show this node's settings", Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(&cobra.Command{
		Use:   "check",
		Short: "Check ken.toml in this node's folder",
		Args:  exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := cluster.LoadConfig(cluster.Resolve(g.dir))
			if err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(c, cfg)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: ok, roles %s\n", cluster.Resolve(g.dir), strings.Join(cfg.Roles, ", "))
			return nil
		},
	})
	return c
}

func tokenCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Tokens with which machines join", Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(tokenCreate(g), tokenList(g), tokenRevoke(g))
	return c
}

func tokenCreate(g *globals) *cobra.Command {
	opt := cluster.TokenOptions{TTL: time.Hour, Uses: 1}
	roles := metadata.NodeDatanode
	c := &cobra.Command{
		Use:     "create",
		Short:   "Make a token",
		Long:    "Make a token with which a machine joins. It is printed once; only a hash of it is kept.",
		Example: "  ken token create --roles datanode --ttl 1h\n  ken token create --roles datanode --uses 5",
		Args:    exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			opt.Roles = strings.Split(roles, ",")
			return withClient(c, g, func(cl *cluster.Client) error {
				text, t, err := cluster.CreateToken(c.Context(), cl, opt)
				if err != nil {
					return err
				}
				if g.output == "json" {
					return printJSON(c, map[string]any{
						"token": text, "id": t.ID, "roles": t.Roles, "expires": t.Expires, "uses": t.UsesLeft,
					})
				}
				_, err = fmt.Fprintln(c.OutOrStdout(), text)
				return err
			})
		},
	}
	c.Flags().StringVar(&roles, "roles", roles, "what the machine may do: nameserver, datanode, webdav, client")
	c.Flags().DurationVar(&opt.TTL, "ttl", opt.TTL, "how long it may be used")
	c.Flags().IntVar(&opt.Uses, "uses", opt.Uses, "how many machines may use it")
	return c
}

func tokenList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List tokens that can still be used",
		Args:  exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				ts, err := cl.Meta.Tokens(c.Context())
				if err != nil {
					return err
				}
				if g.output == "json" {
					return printJSON(c, ts)
				}
				t := newTable(c.OutOrStdout(), "ID", "ROLES", "USES LEFT", "EXPIRES", "MADE BY")
				for _, k := range ts {
					t.row(k.ID, strings.Join(k.Roles, ","), fmt.Sprint(k.UsesLeft),
						k.Expires.Local().Format("2006-01-02 15:04"), dash(k.CreatedBy))
				}
				return t.flush()
			})
		},
	}
}

func tokenRevoke(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a token",
		Args:  exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				return cl.Meta.DeleteToken(c.Context(), args[0])
			})
		},
	}
}

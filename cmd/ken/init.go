package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

// replicationMax is the most copies of a file that a cluster takes.
const replicationMax = 8

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
	fl.StringVar(&f.roles, "roles", roles, "what this node does: nameserver, datanode, webdav, admin, client")
	fl.StringVar(&f.cfg.Name, "name", host, "what people call this node")
	fl.StringVar(&f.cfg.Zone, "zone", "", "failure domain, as a room or a rack")
	fl.StringVar(&f.cfg.Listen, "listen", "127.0.0.1:7800", "QUIC address of this node, IP:PORT")
	fl.StringVar(&f.cfg.Advertise, "advertise", "", "address for other nodes, if it differs from --listen")
	fl.StringVar(&f.cfg.WebDAV.Listen, "webdav", "127.0.0.1:8080", "address of the drive, IP:PORT")
	fl.StringVar(&f.cfg.Admin.Listen, "admin", adminListen, "address of the desktop, IP:PORT")
	fl.StringVar(&f.cfg.WebDAV.TLSCert, "tls-cert", "", "PEM certificate: serve HTTPS")
	fl.StringVar(&f.cfg.WebDAV.TLSKey, "tls-key", "", "PEM key of --tls-cert")
	fl.BoolVar(&f.cfg.WebDAV.SelfSigned, "tls-self-signed", false, "serve HTTPS with a certificate made here")
	fl.BoolVar(&f.cfg.WebDAV.InsecureHTTP, "insecure-http", false,
		"accept passwords over plain HTTP from other machines")
	fl.StringArrayVar(&f.cfg.Disks, "disk", nil, "folder for blocks, one on each disk; may be repeated")
}

// config returns the settings. Names of files become absolute: the node may be
// started elsewhere.
func (f *nodeFlags) config() (cluster.Config, error) {
	f.cfg.Roles = splitRoles(f.roles)
	files := []*string{&f.cfg.WebDAV.TLSCert, &f.cfg.WebDAV.TLSKey}
	for _, name := range files {
		if *name == "" {
			continue
		}
		if _, err := os.Stat(*name); err != nil {
			return f.cfg, usagef("%v", err)
		}
	}
	for i := range f.cfg.Disks {
		files = append(files, &f.cfg.Disks[i])
	}
	for _, name := range files {
		if *name == "" {
			continue
		}
		abs, err := filepath.Abs(*name)
		if err != nil {
			return f.cfg, err
		}
		*name = abs
	}
	// The drive and the desktop are served alike.
	w, a := &f.cfg.WebDAV, &f.cfg.Admin
	a.TLSCert, a.TLSKey, a.SelfSigned, a.InsecureHTTP = w.TLSCert, w.TLSKey, w.SelfSigned, w.InsecureHTTP
	return f.cfg, nil
}

func splitRoles(text string) []string {
	var roles []string
	for r := range strings.SplitSeq(text, ",") {
		if r = strings.TrimSpace(r); r != "" {
			roles = append(roles, r)
		}
	}
	return roles
}

func initCommand(g *globals) *cobra.Command {
	f := &nodeFlags{}
	replication := 2
	var grace time.Duration
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
			if replication < 1 || replication > replicationMax {
				return usagef("--replication %d: want 1 to %d", replication, replicationMax)
			}
			cfg, err := f.config()
			if err != nil {
				return err
			}
			cfg.Repair.DeletedGrace = cluster.Duration(grace)
			res, err := cluster.Init(c.Context(), g.dir, cluster.InitOptions{
				Config: cfg, Password: os.Getenv("KEN_ADMIN_PASSWORD"), Replication: replication,
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
	c.Flags().DurationVar(&grace, "deleted-grace", 0, "how long data of deleted files is kept for running readers (default 10m)")
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
			cfg, err := f.config()
			if err != nil {
				return err
			}
			id, err := cluster.Join(c.Context(), g.dir, cfg, args[0])
			if err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(c, map[string]string{"node": id.String(), "dir": g.dir})
			}
			fmt.Fprintf(c.OutOrStdout(), "joined as %s\n", id)
			if !slices.Equal(cfg.Roles, []string{metadata.NodeClient}) {
				fmt.Fprintf(c.OutOrStdout(), "start it with: ken run --dir %s\n", g.dir)
			}
			return nil
		},
	}
	f.register(c, metadata.NodeDatanode)
	return c
}

func tokenCommand(g *globals) *cobra.Command {
	return group("token", "Tokens with which machines join", tokenCreate(g), tokenList(g), tokenRevoke(g))
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
			opt.Roles = splitRoles(roles)
			return withClient(c, g, func(cl *cluster.Client) error {
				text, t, err := cluster.CreateToken(c.Context(), cl, opt)
				if err != nil {
					return err
				}
				j := tokenToJSON(t)
				j.Token = text
				return report(c, g, j, "%s", text)
			})
		},
	}
	c.Flags().StringVar(&roles, "roles", roles, "what the machine may do: nameserver, datanode, webdav, admin, client")
	c.Flags().DurationVar(&opt.TTL, "ttl", opt.TTL, "how long it may be used")
	c.Flags().IntVar(&opt.Uses, "uses", opt.Uses, "how many machines may use it")
	return c
}

func tokenList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List tokens that are not used up",
		Args:  exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				ts, err := cl.Meta.Tokens(c.Context())
				if err != nil {
					return err
				}
				all := make([]tokenJSON, len(ts))
				for i, t := range ts {
					all[i] = tokenToJSON(t)
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				return tokenTable(c, all, time.Now())
			})
		},
	}
}

// tokenJSON is a join token as scripts see it.
type tokenJSON struct {
	Token   string    `json:"token,omitempty"` // when it was just made
	ID      string    `json:"id"`
	Roles   []string  `json:"roles"`
	Uses    int       `json:"uses"` // left
	Expires time.Time `json:"expires"`
	Creator string    `json:"created_by,omitempty"`
}

func tokenToJSON(t cluster.Token) tokenJSON {
	return tokenJSON{ID: t.ID, Roles: t.Roles, Uses: t.UsesLeft, Expires: t.Expires, Creator: t.CreatedBy}
}

func tokenTable(c *cobra.Command, all []tokenJSON, now time.Time) error {
	t := newTable(c.OutOrStdout(), "ID", "ROLES", ">USES LEFT", "EXPIRES", "MADE BY")
	for _, k := range all {
		expires := "expired"
		if left := k.Expires.Sub(now); left > 0 {
			expires = "in " + spanText(now, k.Expires)
		}
		if k.Uses == 0 {
			expires = "used up"
		}
		t.row(k.ID, strings.Join(k.Roles, ","), fmt.Sprint(k.Uses), expires, dash(k.Creator))
	}
	return t.flush()
}

func tokenRevoke(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Revoke a token",
		Long:  "Revoke a token, by its id in `ken token list`. Machines that have joined with it stay.",
		Args:  exact(1), ValidArgsFunction: completeTokens(g),
		RunE: func(c *cobra.Command, args []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				if err := cl.Meta.DeleteToken(c.Context(), args[0]); err != nil {
					return err
				}
				return report(c, g, map[string]string{"revoked": args[0]}, "%s is revoked", args[0])
			})
		},
	}
}

// completeTokens completes ids of tokens.
func completeTokens(g *globals) cobra.CompletionFunc {
	return completeIDs(g, func(ctx context.Context, cl *cluster.Client) ([]string, error) {
		ts, err := cl.Meta.Tokens(ctx)
		var ids []string
		for _, t := range ts {
			ids = append(ids, t.ID+"\t"+strings.Join(t.Roles, ","))
		}
		return ids, err
	})
}

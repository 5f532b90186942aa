package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/metadata"
)

// withClient is withDrive for commands that move no data.
func withClient(c *cobra.Command, g *globals, f func(*cluster.Client) error) error {
	return withDrive(c, g, func(_ context.Context, cl *cluster.Client) error { return f(cl) })
}

func userCommand(g *globals) *cobra.Command {
	c := &cobra.Command{Use: "user", Short: "People who may sign in to the drive", Args: exact(0),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(userAdd(g), userList(g), userPasswd(g), userRemove(g))
	return c
}

// readPassword takes a new password from the environment or from standard
// input, never from the command line, where others could see it.
func readPassword(in io.Reader) (string, error) {
	if p := os.Getenv("KEN_PASSWORD"); p != "" {
		return p, nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, 1024)).ReadString('\n')
	if err != nil && line == "" {
		return "", usagef("no password: set KEN_PASSWORD or give it on standard input")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func parseRole(s string) (metadata.Role, error) {
	for r := metadata.RoleReader; r <= metadata.RoleAdmin; r++ {
		if r.String() == s {
			return r, nil
		}
	}
	return 0, usagef("role %q: want reader, writer, operator or admin", s)
}

func userAdd(g *globals) *cobra.Command {
	role := "writer"
	c := &cobra.Command{
		Use:     "add NAME",
		Short:   "Add a user; the password is read from KEN_PASSWORD or standard input",
		Example: "  KEN_PASSWORD=secret ken user add ann --role writer",
		Args:    exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := parseRole(role)
			if err != nil {
				return err
			}
			p, err := readPassword(c.InOrStdin())
			if err != nil {
				return err
			}
			return withClient(c, g, func(cl *cluster.Client) error {
				return cluster.SetUser(c.Context(), cl, args[0], p, r, true)
			})
		},
	}
	c.Flags().StringVar(&role, "role", role, "reader, writer, operator or admin")
	return c
}

func userPasswd(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "passwd NAME",
		Short: "Set a user's password, read from KEN_PASSWORD or standard input",
		Args:  exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := readPassword(c.InOrStdin())
			if err != nil {
				return err
			}
			return withClient(c, g, func(cl *cluster.Client) error {
				u, err := cl.Meta.User(c.Context(), args[0])
				if err != nil {
					return err
				}
				return cluster.SetUser(c.Context(), cl, u.Name, p, u.Role, false)
			})
		},
	}
}

func userRemove(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a user; the files stay",
		Args:  exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				return cl.Meta.DeleteUser(c.Context(), args[0])
			})
		},
	}
}

// userJSON is a user as scripts see it: without the hash.
type userJSON struct {
	Name     string `json:"name"`
	Role     string `json:"role"`
	Disabled bool   `json:"disabled"`
}

func userList(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List users",
		Args:  exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				all := []userJSON{}
				for after, more := "", true; more; {
					us, m, err := cl.Meta.Users(c.Context(), after, 1000)
					if err != nil {
						return err
					}
					for _, u := range us {
						all, after = append(all, userJSON{u.Name, u.Role.String(), u.Disabled}), u.Name
					}
					more = m && len(us) > 0
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				t := newTable(c.OutOrStdout(), "NAME", "ROLE", "STATE")
				for _, u := range all {
					state := "active"
					if u.Disabled {
						state = "disabled"
					}
					t.row(u.Name, u.Role, state)
				}
				return t.flush()
			})
		},
	}
}

func nodeSetState(g *globals, use, short string, state metadata.NodeState, done string) *cobra.Command {
	return &cobra.Command{
		Use:   use + " NODE",
		Short: short,
		Args:  exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				n, err := cluster.SetNodeState(c.Context(), cl, args[0], state)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(c.OutOrStdout(), done+"\n", n)
				return err
			})
		},
	}
}

package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
	"kendfs/cmd/ken/internal/shell"
	"kendfs/metadata"
)

func userCommand(g *globals) *cobra.Command {
	return group("user", "People who may sign in to the drive", userAdd(g), userList(g), userPasswd(g), userRemove(g))
}

// passwordBytesMax is more than any password may have, so that one that is too
// long is refused and not cut.
const passwordBytesMax = 4 << 10

// readPassword takes a new password from the environment, from whoever sits at
// the terminal, or from a line of standard input; never from the command line,
// where others could see it.
func readPassword(in io.Reader, name string) (string, error) {
	if p := os.Getenv("KEN_PASSWORD"); p != "" {
		return p, nil
	}
	if in == os.Stdin && shell.CanEdit() {
		return askPassword(name, shell.ReadSecret)
	}
	line, err := bufio.NewReader(io.LimitReader(in, passwordBytesMax)).ReadString('\n')
	if err != nil && line == "" {
		return "", usagef("no password: set KEN_PASSWORD or give it on standard input")
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// askPassword asks twice: nobody sees what is typed.
func askPassword(name string, ask func(question string) (string, error)) (string, error) {
	first, err := ask("new password of " + shell.Printable(name) + ": ")
	if err != nil {
		return "", err
	}
	again, err := ask("the same again: ")
	if err == nil && again != first {
		err = usagef("the two are not the same, nothing was changed")
	}
	return first, err
}

func parseRole(s string) (metadata.Role, error) {
	r, err := metadata.ParseRole(s)
	if err != nil {
		return 0, usageError{err}
	}
	return r, nil
}

func userAdd(g *globals) *cobra.Command {
	role := "writer"
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a user",
		Long: `Add a user. The password is asked for, or read from standard input or KEN_PASSWORD.

Roles: viewer may look at the cluster and at names but at no file's content,
reader may read everything, writer may change files, operator and admin are for
those who run the drive.`,
		Example: "  ken user add ann --role writer\n  pass show drive/ann | ken user add ann",
		Args:    exact(1),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := parseRole(role)
			if err != nil {
				return err
			}
			p, err := readPassword(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return withClient(c, g, func(cl *cluster.Client) error {
				if err := cluster.AddUser(c.Context(), cl, args[0], p, r); err != nil {
					return err
				}
				return report(c, g, userJSON{Name: args[0], Role: r.String()}, "%s may sign in as %s", args[0], r)
			})
		},
	}
	c.Flags().StringVar(&role, "role", role, "viewer, reader, writer, operator or admin")
	return c
}

func userPasswd(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "passwd NAME",
		Short: "Set a user's password",
		Long:  "Set a user's password. It is asked for, or read from standard input or KEN_PASSWORD.",
		Args:  exact(1), ValidArgsFunction: completeUsers(g),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := readPassword(c.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return withClient(c, g, func(cl *cluster.Client) error {
				u, err := cluster.SetPassword(c.Context(), cl, args[0], p)
				if err != nil {
					return err
				}
				return report(c, g, userJSON{Name: u.Name, Role: u.Role.String()}, "%s has a new password", u.Name)
			})
		},
	}
}

func userRemove(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a user; the files stay",
		Args:  exact(1), ValidArgsFunction: completeUsers(g),
		RunE: func(c *cobra.Command, args []string) error {
			return withClient(c, g, func(cl *cluster.Client) error {
				if err := cl.Meta.DeleteUser(c.Context(), args[0]); err != nil {
					return err
				}
				return report(c, g, map[string]string{"removed": args[0]}, "%s is removed", args[0])
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
				all, err := readUsers(c.Context(), cl)
				if err != nil {
					return err
				}
				if g.output == "json" {
					return printJSON(c, all)
				}
				return userTable(c, all)
			})
		},
	}
}

func readUsers(ctx context.Context, cl *cluster.Client) ([]userJSON, error) {
	all := []userJSON{}
	for after, more := "", true; more; {
		us, m, err := cl.Meta.Users(ctx, after, 1000)
		if err != nil {
			return nil, err
		}
		for _, u := range us {
			all, after = append(all, userJSON{u.Name, u.Role.String(), u.Disabled}), u.Name
		}
		more = m && len(us) > 0
	}
	return all, nil
}

// completeUsers completes names of users.
func completeUsers(g *globals) cobra.CompletionFunc {
	return completeIDs(g, func(ctx context.Context, cl *cluster.Client) ([]string, error) {
		us, err := readUsers(ctx, cl)
		var names []string
		for _, u := range us {
			names = append(names, u.Name+"\t"+u.Role)
		}
		return names, err
	})
}

func userTable(c *cobra.Command, all []userJSON) error {
	t := newTable(c.OutOrStdout(), "NAME", "ROLE", "STATE")
	for _, u := range all {
		state := "active"
		if u.Disabled {
			state = "disabled"
		}
		t.row(u.Name, u.Role, state)
	}
	return t.flush()
}

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"kendfs/cmd/ken/internal/cluster"
)

// settingFlags change settings for one run.
type settingFlags struct {
	set   []string
	short []shortFlag
}

// shortFlag is a flag with a name of its own for a setting.
type shortFlag struct{ name, key string }

// register adds --set, and flags of their own for some settings.
func (f *settingFlags) register(c *cobra.Command, short ...shortFlag) {
	f.short = short
	c.Flags().StringArrayVar(&f.set, "set", nil, "any setting of ken.toml for this run, as storage.scrub_pause=10m; may be repeated")
	for _, s := range short {
		c.Flags().String(s.name, "", "setting "+s.key+" ($"+cluster.EnvName(s.key)+")")
	}
}

// overrides are what the flags say.
func (f *settingFlags) overrides(c *cobra.Command) ([]cluster.Override, error) {
	var out []cluster.Override
	for _, text := range f.set {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			return nil, usagef("--set %q: want SETTING=VALUE, as log.level=debug", text)
		}
		out = append(out, cluster.Override{Key: strings.TrimSpace(key), Value: value, From: "--set"})
	}
	for _, s := range f.short {
		if fl := c.Flags().Lookup(s.name); fl.Changed {
			out = append(out, cluster.Override{Key: s.key, Value: fl.Value.String(), From: "--" + s.name})
		}
	}
	return out, nil
}

// load reads the settings of this node, with what the flags say.
func (f *settingFlags) load(c *cobra.Command, g *globals) (cluster.Config, error) {
	over, err := f.overrides(c)
	if err != nil {
		return cluster.Config{}, err
	}
	return cluster.LoadConfig(cluster.Resolve(g.dir), over...)
}

func configCommand(g *globals) *cobra.Command {
	f := &settingFlags{}
	check := &cobra.Command{
		Use:   "check",
		Short: "Check this node's settings, and show each and where it comes from",
		Long: `Check this node's settings, and show each and where it comes from. A setting is
what a flag of ken run says, else its variable of the environment, else ken.toml
in the node's folder, else the default. The variable of a setting is KEN_ and its
name in capitals with _ for the dot: KEN_WEBDAV_LISTEN is webdav.listen. Lists
are divided by commas; an empty variable counts as none. Nodes read their
settings when they start.`,
		Example: "  ken config check\n  KEN_STORAGE_SCRUB_PAUSE=10m ken config check\n  ken config check -o json | jq -r '.settings[] | select(.from != \"default\")'",
		Args:    exact(0),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := f.load(c, g)
			if err != nil {
				return err
			}
			return configReport(c, g, &cfg)
		},
	}
	f.register(check)
	return group("config", "This node's settings", check)
}

// configJSON is what `ken config check` prints for scripts.
type configJSON struct {
	OK       bool              `json:"ok"`
	Dir      string            `json:"dir"`
	Name     string            `json:"name"`
	Roles    []string          `json:"roles"`
	Settings []cluster.Setting `json:"settings"`
	Unknown  []string          `json:"unknown_environment"`
}

func configReport(c *cobra.Command, g *globals, cfg *cluster.Config) error {
	dir := cluster.Resolve(g.dir)
	unknown := cluster.UnknownEnv()
	for _, name := range unknown {
		fmt.Fprintf(c.ErrOrStderr(), "ken: %s in the environment is no setting and counts for nothing\n", name)
	}
	if g.output == "json" {
		return printJSON(c, configJSON{true, dir, cfg.Name, cfg.Roles, cfg.Settings(), append([]string{}, unknown...)})
	}
	t := newTable(c.OutOrStdout(), "SETTING", "VALUE", "FROM")
	for _, s := range cfg.Settings() {
		t.row(s.Key, dash(s.Value), s.From)
	}
	if err := t.flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "\n%s: ok, roles %s\n", filepath.Join(dir, "ken.toml"), strings.Join(cfg.Roles, ", "))
	return err
}

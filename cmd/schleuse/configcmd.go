// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway/upstream"
)

//go:embed schleuse.example.yaml
var exampleConfig string

func configCommand() *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Konfiguration anlegen und prüfen"}
	c.AddCommand(
		&cobra.Command{
			Use: "init", Short: "Eine kommentierte Konfiguration ausgeben", Args: noArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := io.WriteString(cmd.OutOrStdout(), exampleConfig)
				return err
			},
		},
		configTemplateCommand(),
		configReadCommand("validate", "Eine Konfiguration prüfen und alle Fehler nennen", func(cmd *cobra.Command, c Config, unread error) error {
			if err := errors.Join(unread, c.validateWholly(cmd.Context())); err != nil {
				return usageError{err}
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "Die Konfiguration ist in Ordnung.")
			return err
		}),
		configFileCommand("print", "Die Konfiguration mit Vorgaben ausgeben, ohne Geheimnisse", func(out io.Writer, c Config) error {
			c.hideSecrets()
			raw, err := yaml.Marshal(c)
			if err != nil {
				return err
			}
			_, err = out.Write(raw)
			return err
		}),
	)
	return c
}

// configTemplateCommand prints the entries of a known kind of server.
func configTemplateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "template [NAME]", Short: "Einträge für einen bekannten Anbieter oder Modellserver ausgeben",
		Long: "Ohne Namen: die Liste. Die Einträge sind vorsichtig: Was vertraglich nicht vereinbart ist, ist nicht erlaubt.",
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) == 0 {
				for _, t := range upstream.Templates() {
					fmt.Fprintf(out, "%-12s %s\n", t.Name, t.Title)
				}
				return nil
			}
			for _, t := range upstream.Templates() {
				if len(args) == 1 && t.Name == args[0] {
					_, err := io.WriteString(out, t.YAML)
					return err
				}
			}
			return usageError{fmt.Errorf("die Vorlage %q gibt es nicht; schleuse config template zählt alle auf", strings.Join(args, " "))}
		},
	}
}

const hidden = "***"

// hideSecrets replaces every value that may be a secret. It leaves alone what the
// configuration shares with others.
func (c *Config) hideSecrets() {
	*c = c.detached()
	for _, value := range []*string{&c.Database, &c.Vault.KeysDatabase, &c.Record.RetentionDatabase} {
		hide(value)
	}
	hideAll(c.Telemetry.Headers)
	hideInURL(&c.Telemetry.OTLP)
	hideInURL(&c.Policies.URL)
	for name, e := range c.Endpoints {
		hide(&e.Key)
		hide(&e.Proxy)
		hideInURL(&e.URL)
		hideAll(e.Headers)
		c.Endpoints[name] = e
	}
	for i := range c.ToolServers {
		hideInURL(&c.ToolServers[i].URL)
		hideAll(c.ToolServers[i].Headers)
	}
	for i := range c.Record.Witnesses {
		hideInURL(&c.Record.Witnesses[i].URL)
		hideAll(c.Record.Witnesses[i].Headers)
	}
}

func hide(value *string) {
	if *value != "" && !strings.HasPrefix(*value, "${") {
		*value = hidden
	}
}

func hideAll(values map[string]string) {
	for name, value := range values {
		hide(&value)
		values[name] = value
	}
}

// hideInURL hides user and query of an address: passwords and signatures stand there.
func hideInURL(value *string) {
	u, err := url.Parse(*value)
	if err != nil {
		hide(value) // what it is nobody knows
		return
	}
	if u.User == nil && u.RawQuery == "" {
		return
	}
	if u.User != nil {
		u.User = url.User(hidden)
	}
	if u.RawQuery != "" {
		u.RawQuery = hidden
	}
	*value = u.String()
}

// detached shares nothing with the original in which secrets can stand.
func (c *Config) detached() Config {
	out := *c
	out.Telemetry.Headers = maps.Clone(c.Telemetry.Headers)
	out.Endpoints = maps.Clone(c.Endpoints)
	for name, e := range out.Endpoints {
		e.Headers = maps.Clone(e.Headers)
		out.Endpoints[name] = e
	}
	out.ToolServers = slices.Clone(c.ToolServers)
	for i := range out.ToolServers {
		out.ToolServers[i].Headers = maps.Clone(out.ToolServers[i].Headers)
	}
	out.Record.Witnesses = slices.Clone(c.Record.Witnesses)
	for i := range out.Record.Witnesses {
		out.Record.Witnesses[i].Headers = maps.Clone(out.Record.Witnesses[i].Headers)
	}
	return out
}

func configFileCommand(use, short string, do func(io.Writer, Config) error) *cobra.Command {
	return configReadCommand(use, short, func(cmd *cobra.Command, c Config, unread error) error {
		if unread != nil {
			return usageError{unread}
		}
		return do(cmd.OutOrStdout(), c)
	})
}

// configReadCommand is one that goes on with what is right in a file with mistakes.
func configReadCommand(use, short string, do func(cmd *cobra.Command, c Config, unread error) error) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: use, Short: short, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(path)
			if found, ok := errors.AsType[mistakes](err); err != nil && (!ok || found.wholly) {
				return usageError{err}
			}
			return do(cmd, c, err)
		},
	}
	c.Flags().StringVar(&path, "config", "schleuse.yaml", "Konfigurationsdatei")
	return c
}

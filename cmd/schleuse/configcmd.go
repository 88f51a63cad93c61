// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	_ "embed"
	"fmt"
	"io"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
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
		configFileCommand("validate", "Eine Konfiguration prüfen und alle Fehler nennen", func(out io.Writer, c Config) error {
			if err := c.Validate(); err != nil {
				return usageError{err}
			}
			_, err := fmt.Fprintln(out, "Die Konfiguration ist in Ordnung.")
			return err
		}),
		configFileCommand("print", "Die Konfiguration mit Vorgaben ausgeben, ohne Geheimnisse", func(out io.Writer, c Config) error {
			for name, e := range c.Endpoints {
				if e.Key != "" {
					e.Key = "***"
					c.Endpoints[name] = e
				}
			}
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

func configFileCommand(use, short string, do func(io.Writer, Config) error) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: use, Short: short, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(path)
			if err != nil {
				return usageError{err}
			}
			return do(cmd.OutOrStdout(), c)
		},
	}
	c.Flags().StringVar(&path, "config", "schleuse.yaml", "Konfigurationsdatei")
	return c
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sort"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ki-schleuse/schleuse/connectors"
	"github.com/ki-schleuse/schleuse/connectors/filesystem"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// sourceKinds is the table of connectors: a new one is one line here.
var sourceKinds = map[string]func(SourceConfig) (connectors.Source, error){
	"filesystem": func(c SourceConfig) (connectors.Source, error) {
		allow := make([]string, 0, len(c.Readers))
		for _, r := range c.Readers {
			allow = append(allow, string(r))
		}
		return filesystem.New(filesystem.Config{Name: c.Name, Root: c.Path, Allow: allow})
	},
}

func sourceKindNames() []string {
	var out []string
	for name := range sourceKinds {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// syncOnce brings one source up to date in the search and returns the number of
// documents that changed.
func (p *parts) syncOnce(ctx context.Context, c SourceConfig, reconcile bool) (int, error) {
	source, err := sourceKinds[c.Kind](c)
	if err != nil {
		return 0, fmt.Errorf("open source %s: %w", c.Name, err)
	}
	if closer, ok := source.(io.Closer); ok {
		defer closer.Close() // of a folder: nothing is lost
	}
	result, err := p.index.Sync(ctx, source, retrieval.SyncOptions{Tenant: c.Tenant, Source: c.Name, Class: c.DataClass, Reconcile: reconcile})
	if err != nil {
		return 0, fmt.Errorf("synchronise %s: %w", c.Name, err)
	}
	for _, f := range result.Failures {
		p.logger.LogAttrs(ctx, slog.LevelWarn, "document not indexed", slog.String("source", c.Name), slog.String("reason", f.Reason), slog.Int("tries", f.Tries))
	}
	return result.Added + result.Changed, nil
}

const (
	defaultSyncEvery = 5 * time.Minute
	reconcileEvery   = 24 * time.Hour
)

// syncSources keeps all sources up to date until the context ends. A source that
// fails is tried again at its next turn.
func (p *parts) syncSources(ctx context.Context) error {
	var group errgroup.Group
	for _, c := range p.config.Sources {
		every := c.Every
		if every <= 0 {
			every = defaultSyncEvery
		}
		group.Go(func() error {
			for turn := 0; ; turn++ {
				// Once a day the whole source is walked, for deletions no delta told of.
				whole := turn%int(max(1, reconcileEvery/every)) == 0
				if _, err := p.syncOnce(ctx, c, whole); err != nil && ctx.Err() == nil {
					p.logger.LogAttrs(ctx, slog.LevelError, "source not synchronised", slog.String("source", c.Name), slog.Any("error", err))
				}
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(every):
				}
			}
		})
	}
	return group.Wait()
}

func sourcesCommand() *cobra.Command {
	c := &cobra.Command{Use: "sources", Short: "Dokumentquellen"}
	c.AddCommand(
		configFileCommand("list", "Eingerichtete Quellen auflisten", func(out io.Writer, c Config) error {
			for _, s := range c.Sources {
				fmt.Fprintf(out, "%s/%s\t%s\t%s\n", s.Tenant, s.Name, s.Kind, s.Path)
			}
			return nil
		}),
		sourcesSyncCommand(),
	)
	return c
}

func sourcesSyncCommand() *cobra.Command {
	var path string
	c := &cobra.Command{
		Use: "sync", Short: "Alle Quellen einmal abgleichen", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := validConfig(path)
			if err != nil {
				return usageError{err}
			}
			p, err := build(cmd.Context(), c, slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)))
			if err != nil {
				return err
			}
			defer func() { _ = p.close() }()
			for _, s := range c.Sources {
				n, err := p.syncOnce(cmd.Context(), s, true)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s/%s: %s geändert.\n", s.Tenant, s.Name, counted(n, "Dokument", "Dokumente"))
			}
			return nil
		},
	}
	c.Flags().StringVar(&path, "config", "schleuse.yaml", "Konfigurationsdatei")
	return c
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/state"
	statepostgres "github.com/ki-schleuse/schleuse/gateway/state/postgres"
	statesqlite "github.com/ki-schleuse/schleuse/gateway/state/sqlite"
)

func auditRetainCommand() *cobra.Command {
	var config string
	var dryRun bool
	c := &cobra.Command{
		Use: "retain", Short: "Inhalte entfernen, deren Aufbewahrungsfrist abgelaufen ist", Args: noArgs,
		Long: "Entfernt die Inhalte, deren Frist nach der Konfiguration (record) oder nach der Regel des Eintrags abgelaufen ist.\n" +
			"Prüfsummen bleiben, ein Vermerk nennt die entfernten Blätter. Ein laufender Dienst tut dasselbe einmal am Tag.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return retainRecord(cmd.Context(), cmd.OutOrStdout(), config, dryRun)
		},
	}
	configFlag(c, &config)
	c.Flags().BoolVar(&dryRun, "dry-run", false, "nur zählen, nichts entfernen")
	return c
}

func retainRecord(ctx context.Context, out io.Writer, path string, dryRun bool) (err error) {
	c, err := loadConfig(path)
	if err != nil {
		return usageError{err}
	}
	if err := errors.Join(c.validateSecret(), c.Record.validate()); err != nil {
		return usageError{err}
	}
	notes := &notebook{config: c}
	defer func() { err = errors.Join(err, notes.close()) }()
	holds, err := notes.holds(ctx)
	if err != nil {
		return err
	}
	standard, err := notes.open(ctx)
	if err != nil {
		return err
	}
	key, err := recordKey(c.Origin, c.secret)
	if err != nil {
		return err
	}
	log, done, err := retentionLog(ctx, c.Record, standard, key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	r := c.Record.retention()
	r.DryRun, r.Holds = dryRun, recordHolds(holds)
	report, err := log.Retain(ctx, r)
	if err != nil {
		return err
	}
	printRetained(out, report, dryRun)
	return nil
}

// holds opens the database and the store of legal holds in it.
func (n *notebook) holds(ctx context.Context) (state.Store, error) {
	if err := n.connect(ctx); err != nil {
		return nil, err
	}
	if n.pool == nil {
		store, err := statesqlite.Open(ctx, filepath.Join(n.config.Data, "state.db"))
		if err == nil {
			n.closers.add(store.Close)
		}
		return store, err
	}
	return statepostgres.Open(ctx, n.pool)
}

func printRetained(out io.Writer, r audit.Retained, dryRun bool) {
	switch {
	case r.Busy:
		fmt.Fprintln(out, "Ein anderer Prozess entfernt gerade abgelaufene Inhalte.")
		return
	case r.Postponed:
		fmt.Fprintln(out, "Nichts entfernt: Das Protokoll war lange still, oder die Uhr wurde verstellt. Ein Lauf am nächsten Tag entfernt, was abgelaufen ist.")
		return
	}
	done := "entfernt"
	if dryRun {
		done = "zu entfernen"
	}
	fmt.Fprintf(out, "%s und %s %s, %d durch eine Sperre gehalten.\n", counted(r.Entries, "Eintrag", "Einträge"), counted(r.Notes, "Vermerk", "Vermerke"), done, r.Held)
	if r.Changed > 0 {
		fmt.Fprintf(out, "  %d nicht entfernt: Was gespeichert ist, weicht vom unterschriebenen Protokoll ab. Bitte prüfen Sie es mit „schleuse audit verify“.\n", r.Changed)
	}
	for _, tenant := range slices.Sorted(maps.Keys(r.Tenants)) {
		fmt.Fprintf(out, "  %s: %d\n", tenant, r.Tenants[tenant])
	}
	if !r.Oldest.IsZero() {
		fmt.Fprintf(out, "  vom %s bis zum %s\n", day(r.Oldest), day(r.Newest))
	}
}

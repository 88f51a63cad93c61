// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies/release"
)

func policyRestoreCommand() *cobra.Command {
	var o deskOptions
	var reason string
	c := &cobra.Command{
		Use: "restore", Short: "Einen aus der Sicherung zurückgeholten Stand der Richtlinien bestätigen", Args: noArgs,
		Long: "Nennt der gemeinsame Speicher einen älteren Regelstand als das Protokoll, startet der Dienst nicht.\n" +
			"War das Zurückholen Absicht, wird der ältere, damals von zweien unterschriebene Regelstand hiermit unter\n" +
			"neuer Nummer wieder in Kraft gesetzt. Wer das war und warum, steht im Protokoll.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return restorePolicies(cmd.Context(), cmd.OutOrStdout(), o, reason)
		},
	}
	o.flags(c)
	c.Flags().StringVar(&reason, "reason", "", "Grund; er steht im Protokoll")
	return c
}

func restorePolicies(ctx context.Context, out io.Writer, o deskOptions, reason string) (err error) {
	p, err := openParts(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	switch err := p.loadRules(ctx); {
	case err == nil:
		return &gateway.Error{Op: "restore policies", Code: gateway.CodeConflict, Message: "Der Speicher widerspricht dem Protokoll nicht; es gibt nichts zu bestätigen."}
	case !errors.Is(err, release.ErrSetBack):
		return err
	}
	r, err := p.desk.Restore(ctx, p.releaser(), reason)
	if err != nil {
		return err
	}
	if r.Restores == "" {
		fmt.Fprintf(out, "Es gilt kein freigegebener Regelstand mehr, sondern der der Quelle: %s.\n", r.Revision)
		return nil
	}
	fmt.Fprintf(out, "Regelstand %s ist als %s wieder in Kraft.\n", r.Restores, r.Revision)
	return nil
}

// openParts opens the ground of a configuration, without rules and without serving.
func openParts(ctx context.Context, o deskOptions) (*parts, error) {
	c, err := validConfig(o.config)
	if err != nil {
		return nil, usageError{err}
	}
	g, err := prepare(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, sayOf(err, "Der Bestand unter data oder database lässt sich nicht öffnen.")
	}
	return &parts{ground: g, config: c}, nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

func policyCommand() *cobra.Command {
	c := &cobra.Command{Use: "policy", Short: "Richtlinien prüfen und befragen"}
	c.AddCommand(policyTestCommand(), policyEvalCommand(), policyListCommand(), policyClassifyCommand())
	c.AddCommand(policyReleaseCommands()...)
	return c
}

func policyTestCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use: "test", Short: "Regeltests und Musterfälle ausführen", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return policyTest(cmd.Context(), cmd.OutOrStdout(), library(dir))
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "Ordner mit einem Richtlinienpaket (Vorgabe: das mitgelieferte)")
	return c
}

func library(dir string) fs.FS {
	if dir == "" {
		return policies.Library()
	}
	return os.DirFS(dir)
}

func policyTest(ctx context.Context, out io.Writer, root fs.FS) error {
	r, err := policies.Test(ctx, root)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Regelstand %s: %s, %s und %s bestanden, Abdeckung %.0f %%, %s\n",
		r.Revision, counted(len(r.Rules), "Regel", "Regeln"), counted(r.RegoPassed, "Regeltest", "Regeltests"), counted(r.GoldenPassed, "Musterfall", "Musterfälle"), r.Coverage, r.Duration.Round(time.Millisecond))
	for _, f := range r.Failures {
		fmt.Fprintln(out, "  nicht bestanden: "+f)
	}
	if !r.OK() {
		return errFinding
	}
	return nil
}

func policyListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Regeln mit Rechtsgrundlage auflisten", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := policies.New(cmd.Context(), policies.Config{})
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			for _, r := range e.Rules() {
				fmt.Fprintf(w, "%s\t%s\t%s\n", r.ID, r.Title, r.Basis)
			}
			return w.Flush()
		},
	}
}

func policyEvalCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "eval FILE", Short: "Eine Frage (YAML oder JSON) entscheiden lassen; - liest die Standardeingabe",
		Args: oneArg("eine Datei mit einer Frage, oder - für die Standardeingabe"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := readInput(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return policyEval(cmd.Context(), cmd.OutOrStdout(), raw, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "die ganze Entscheidung als JSON")
	return c
}

// policyEval decides a question with the shipped library. The question's tenant
// counts as known and active: the tool explains rules, it admits nobody.
func policyEval(ctx context.Context, out io.Writer, raw []byte, asJSON bool) error {
	q, err := policies.ParseQuestion(raw)
	if err != nil {
		return err
	}
	if q.Request.Time.IsZero() {
		q.Request.Time = time.Now()
	}
	if q.Request.CaseDate.IsZero() {
		q.Request.CaseDate = q.Request.Time
	}
	catalog, err := loadServices(ctx)
	if err != nil {
		return err
	}
	engine, err := policies.New(ctx, policies.Config{
		Tenants: map[gateway.TenantID]policies.Tenant{q.Request.Caller.Tenant: {Active: true}}, Services: catalog.Cards(),
	})
	if err != nil {
		return err
	}
	d, err := engine.Decide(ctx, q)
	if err != nil {
		return err
	}
	if asJSON {
		encoder := json.NewEncoder(out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(d)
	} else {
		err = printDecision(out, d)
	}
	if err == nil && !d.Allowed() {
		return errFinding
	}
	return err
}

func printDecision(out io.Writer, d gateway.Decision) error {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	effect := "zugelassen"
	if !d.Allowed() {
		effect = "abgelehnt"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\n", effect, d.Risk.Class, d.Risk.Basis)
	for _, r := range d.Reasons {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", r.Rule, r.Basis, r.Text)
	}
	for _, o := range d.Obligations {
		fmt.Fprintf(w, "  Auflage %s\t%s\t\n", o.ID, o.Rule)
	}
	for id, rules := range d.Rejected {
		fmt.Fprintf(w, "  Modell %s ausgeschlossen\t%s\t\n", id, strings.Join(rules, ", "))
	}
	if !d.Allowed() {
		fmt.Fprintln(w, "Die Anfrage würde an kein Modell gesendet.")
	}
	return w.Flush()
}

const maxInputBytes = 64 << 20

// readInput reads a file or standard input, bounded.
func readInput(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		return readBounded(in, "standard input")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readBounded(f, path)
}

func readBounded(in io.Reader, name string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(in, maxInputBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(raw) > maxInputBytes {
		return nil, say("%s ist größer als 64 MiB.", name)
	}
	return raw, nil
}

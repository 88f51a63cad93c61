// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// policyReleaseCommands are the verbs by which policies change.
func policyReleaseCommands() []*cobra.Command {
	return []*cobra.Command{
		policyPackCommand(), policyKeygenCommand(), policySignCommand(), policyVerifyCommand(),
		policyProposeCommand(), policyDiffCommand(), policyImpactCommand(), policyReplayCommand(),
		policyActivateCommand(), policyRollbackCommand(), policyRestoreCommand(), policyShadowCommand(), policyStatusCommand(),
	}
}

func policyPackCommand() *cobra.Command {
	var dir, out string
	c := &cobra.Command{
		Use: "pack", Short: "Einen Ordner mit Regeln als Paket packen", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			files, err := release.FromFS(library(dir))
			if err != nil {
				return err
			}
			manifest, err := files.Manifest()
			if err != nil {
				return err
			}
			raw, err := files.Pack()
			if err != nil {
				return err
			}
			if err := writeNew(out, writing(raw)); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s geschrieben: Regelstand %s, %s, Prüfsumme %s.\n", out, manifest.Revision, counted(len(files), "Datei", "Dateien"), files.Digest())
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "", "Ordner mit einem Richtlinienpaket (Vorgabe: das mitgelieferte)")
	c.Flags().StringVar(&out, "out", "richtlinien.zip", "Ausgabedatei")
	return c
}

func writing(raw []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	}
}

func policyKeygenCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "keygen NAME", Short: "Ein Schlüsselpaar für Unterschriften erzeugen", Args: oneArg("der Name der unterschreibenden Stelle"),
		Long: "Der private Schlüssel bleibt bei der Person, die unterschreibt, und gehört nicht auf den Server.\n" +
			"Der öffentliche wird in der Konfiguration unter policies.signers eingetragen.",
		RunE: func(cmd *cobra.Command, args []string) error {
			private, public, err := release.GenerateKey(args[0])
			if err != nil {
				return err
			}
			path := out
			if path == "" {
				path = args[0] + ".key"
			}
			if err := writeNew(path, writing([]byte(private+"\n"))); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "Privater Schlüssel: %s (nur für Sie lesbar)\nIn die Konfiguration:\npolicies:\n  signers:\n    - {name: %s, key: %q}\n", path, args[0], public)
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "", "Datei des privaten Schlüssels (Vorgabe: NAME.key)")
	return c
}

func policySignCommand() *cobra.Command {
	var bundle, text, key, impact string
	c := &cobra.Command{
		Use: "sign", Short: "Ein Paket oder den Text eines Entwurfs unterschreiben", Args: noArgs,
		Long: "Mit --bundle wird die Unterschrift der Datei PAKET.sig hinzugefügt, mit --text wird der unterschriebene\n" +
			"Text eines Entwurfs ausgegeben (- liest die Standardeingabe), zum Einreichen auf der Seite des Entwurfs.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			private, err := os.ReadFile(key)
			if err != nil {
				return err
			}
			switch {
			case (bundle == "") == (text == ""):
				return usageError{say("Erwartet wird entweder --bundle oder --text.")}
			case bundle != "":
				return signBundle(cmd.OutOrStdout(), bundle, impact, string(private))
			}
			raw, err := readInput(text, cmd.InOrStdin())
			if err != nil {
				return err
			}
			signed, err := release.Sign(raw, string(private))
			if err == nil {
				_, err = cmd.OutOrStdout().Write(signed)
			}
			return err
		},
	}
	c.Flags().StringVar(&bundle, "bundle", "", "gepacktes Richtlinienpaket")
	c.Flags().StringVar(&text, "text", "", "Datei mit dem Text eines Entwurfs")
	c.Flags().StringVar(&key, "key", "", "Datei des privaten Schlüssels")
	c.Flags().StringVar(&impact, "impact", "", "Prüfsumme des Berichts über die Auswirkung (schleuse policy impact), wenn sie mit unterschrieben wird")
	_ = c.MarkFlagRequired("key")
	return c
}

func signBundle(out io.Writer, path, impact, private string) error {
	delivery, err := release.File(path).Read(context.Background())
	if err != nil {
		return err
	}
	text := delivery.Note
	if len(text) == 0 {
		manifest, err := delivery.Files.Manifest()
		if err != nil {
			return err
		}
		text = []byte(release.Statement{Bundle: delivery.Files.Digest(), Revision: manifest.Revision, Impact: impact}.Text())
	}
	signed, err := release.Sign(text, private)
	if err != nil {
		return err
	}
	if !strings.Contains(string(signed), "bundle "+delivery.Files.Digest()+"\n") {
		return say("%s.sig gehört zu einem anderen Paket; löschen Sie die Datei, um neu zu beginnen.", path)
	}
	if err := os.WriteFile(path+".sig", signed, 0o644); err != nil { //nolint:gosec // public
		return err
	}
	fmt.Fprintf(out, "%s.sig geschrieben, %s.\n", path, counted(strings.Count(string(signed), "\n— "), "Unterschrift", "Unterschriften"))
	return nil
}

func policyVerifyCommand() *cobra.Command {
	var bundle, config string
	c := &cobra.Command{
		Use: "verify", Short: "Unterschriften eines Pakets prüfen und seine Prüfungen ausführen", Args: noArgs,
		Long: "Rückgabewert 3: das Paket würde nicht angenommen.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadConfig(config)
			if err != nil {
				return usageError{err}
			}
			return verifyBundle(cmd.Context(), cmd.OutOrStdout(), bundle, c.Policies.trust())
		},
	}
	c.Flags().StringVar(&bundle, "bundle", "", "gepacktes Richtlinienpaket; die Unterschriften stehen in PAKET.sig")
	c.Flags().StringVar(&config, "config", "schleuse.yaml", "Konfigurationsdatei mit policies.signers")
	_ = c.MarkFlagRequired("bundle")
	return c
}

func verifyBundle(ctx context.Context, out io.Writer, path string, trust release.Trust) error {
	delivery, err := release.File(path).Read(ctx)
	if err != nil {
		return err
	}
	fine := true
	statement, signers, err := trust.Verify(delivery.Files, delivery.Note)
	if err != nil {
		fine = false
		fmt.Fprintln(out, explain(err))
	} else {
		fmt.Fprintf(out, "Regelstand %s, Paket %s, unterschrieben von %s.\n", statement.Revision, statement.Bundle, strings.Join(signers, ", "))
	}
	report, err := release.Examine(ctx, delivery.Files)
	if err != nil {
		return err
	}
	printChecks(out, report)
	if !fine || !report.OK() {
		return errFinding
	}
	return nil
}

func printChecks(out io.Writer, r release.Report) {
	for _, c := range r.Checks {
		mark := "bestanden      "
		if !c.OK {
			mark = "nicht bestanden"
		}
		fmt.Fprintf(out, "  %s  %s: %s\n", mark, c.Title, c.Text)
		for _, f := range c.Findings {
			fmt.Fprintln(out, "                     "+f)
		}
	}
}

// deskOptions say which gateway is meant.
type deskOptions struct{ config string }

func (o *deskOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.config, "config", "schleuse.yaml", "Konfigurationsdatei des Dienstes")
}

// withDesk opens ground and rules of a configuration, without serving. What it
// changes stands in the record: with SQLite the service must not run meanwhile, with
// PostgreSQL it may and follows.
func withDesk(ctx context.Context, o deskOptions, do func(*parts) error) (err error) {
	p, err := openParts(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	if err := p.loadRules(ctx); err != nil {
		return err
	}
	return do(p)
}

// releaser is whoever runs the command: the signer whose account it is, else the
// account.
func (p *parts) releaser() release.Person {
	who := release.Person{Tenant: identity.OperatorTenant, Name: operator().Name, Role: "kommandozeile", Pseudonym: operatorPseudonym(p.keys)}
	for _, s := range p.config.Policies.trust().Signers {
		if s.Account != "" && s.Account == account() {
			who.User = s.Person
		}
	}
	return who
}

func policyProposeCommand() *cobra.Command {
	var o deskOptions
	var bundle, dir, comment string
	c := &cobra.Command{
		Use: "propose", Short: "Ein Paket als Entwurf vorschlagen", Args: noArgs,
		Long: "Der Entwurf wird geprüft und aufbewahrt. Rückgabewert 3: eine Prüfung ist nicht bestanden.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			raw, err := draftBundle(bundle, dir)
			if err != nil {
				return err
			}
			return withDesk(cmd.Context(), o, func(p *parts) error {
				return p.propose(cmd.Context(), cmd.OutOrStdout(), release.Draft{Zip: raw, Comment: comment})
			})
		},
	}
	o.flags(c)
	c.Flags().StringVar(&bundle, "bundle", "", "gepacktes Richtlinienpaket")
	c.Flags().StringVar(&dir, "dir", "", "Ordner statt eines Pakets")
	c.Flags().StringVar(&comment, "comment", "", "Erläuterung")
	return c
}

func draftBundle(bundle, dir string) ([]byte, error) {
	if bundle != "" {
		return readInput(bundle, nil)
	}
	files, err := release.FromFS(library(dir))
	if err != nil {
		return nil, err
	}
	return files.Pack()
}

func (p *parts) propose(ctx context.Context, out io.Writer, draft release.Draft) error {
	proposal, err := p.desk.Propose(ctx, p.releaser(), draft)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Entwurf %s, Regelstand %s.\n", proposal.ID, proposal.Revision)
	printChecks(out, proposal.Checks)
	if !proposal.Checks.OK() {
		return errFinding
	}
	if proposal, err = p.desk.Impact(ctx, p.releaser(), proposal.ID, time.Time{}); err != nil {
		return err
	}
	printImpact(out, *proposal.Impact)
	fmt.Fprintf(out, "Zu unterschreiben (schleuse policy sign --text DATEI --key SCHLÜSSEL):\n\n%s", proposal.Text)
	return nil
}

func policyActivateCommand() *cobra.Command {
	var o deskOptions
	var reason string
	c := &cobra.Command{
		Use: "activate ENTWURF", Short: "Einen unterschriebenen Entwurf in Kraft setzen", Args: oneArg("die Kennung eines Entwurfs"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDesk(cmd.Context(), o, func(p *parts) error {
				r, err := p.desk.Activate(cmd.Context(), p.releaser(), args[0], reason)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "Regelstand %s ist in Kraft.\n", r.Revision)
				}
				return err
			})
		},
	}
	o.flags(c)
	c.Flags().StringVar(&reason, "reason", "", "Grund; er steht im Protokoll")
	return c
}

func policyRollbackCommand() *cobra.Command {
	var o deskOptions
	var reason string
	c := &cobra.Command{
		Use: "rollback REGELSTAND", Short: "Einen früheren Regelstand unter neuer Nummer wieder in Kraft setzen", Args: oneArg("ein Regelstand, der in Kraft war"),
		Long: "Welche es gibt, zeigt schleuse policy status; auch der mitgelieferte, der vor der ersten Freigabe galt.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDesk(cmd.Context(), o, func(p *parts) error {
				r, err := p.desk.Rollback(cmd.Context(), p.releaser(), args[0], reason)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "Regelstand %s ist als %s wieder in Kraft.\n", r.Restores, r.Revision)
				}
				return err
			})
		},
	}
	o.flags(c)
	c.Flags().StringVar(&reason, "reason", "", "Grund; er steht im Protokoll")
	return c
}

func policyShadowCommand() *cobra.Command {
	var o deskOptions
	var how time.Duration
	var end bool
	c := &cobra.Command{
		Use: "shadow [ENTWURF]", Short: "Einen Entwurf neben den geltenden Regeln mitlaufen lassen, oder den Stand zeigen", Args: atMostOneArg("die Kennung eines Entwurfs"),
		Long: "Der Entwurf beeinflusst keine Antwort. Ohne Angabe eines Entwurfs wird der letzte Schattenlauf gezeigt.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return withDesk(cmd.Context(), o, func(p *parts) error {
				return p.shadowRun(cmd.Context(), cmd.OutOrStdout(), args, how, end)
			})
		},
	}
	o.flags(c)
	c.Flags().DurationVar(&how, "for", 24*time.Hour, "Dauer")
	c.Flags().BoolVar(&end, "end", false, "den Schattenlauf beenden")
	return c
}

func (p *parts) shadowRun(ctx context.Context, out io.Writer, args []string, how time.Duration, end bool) (err error) {
	var run release.ShadowRun
	switch {
	case end:
		run, err = p.desk.EndShadow(ctx, p.releaser())
	case len(args) == 1:
		run, err = p.desk.Shadow(ctx, p.releaser(), args[0], how)
	default:
		run, err = p.desk.Shadowing(ctx)
	}
	if err != nil {
		return err
	}
	until := "läuft bis " + run.Until.Format(time.RFC3339)
	if !run.Ended.IsZero() {
		until = "beendet " + run.Ended.Format(time.RFC3339)
	}
	c := run.Counts
	fmt.Fprintf(out, "Schattenlauf von Regelstand %s (%s), %s.\n", run.Revision, run.Proposal, until)
	fmt.Fprintf(out, "%s, %d verglichen, %d gleich, %d ausgelassen, %d nicht entscheidbar.\n", counted(c.Asked, "Entscheidung", "Entscheidungen"), c.Compared, c.Same, c.Dropped, c.Errors)
	fmt.Fprintf(out, "Neu abgelehnt %d, neu zugelassen %d, andere Auflagen %d, andere Modelle %d, andere Gründe %d.\n",
		c.NewlyDenied, c.NewlyAllowed, c.ChangedObligations, c.ChangedModels, c.ChangedReasons)
	return nil
}

func policyStatusCommand() *cobra.Command {
	var o deskOptions
	c := &cobra.Command{
		Use: "status", Short: "Geltenden Regelstand, frühere und Entwürfe zeigen", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withDesk(cmd.Context(), o, func(p *parts) error { return p.policyStatus(cmd.Context(), cmd.OutOrStdout()) })
		},
	}
	o.flags(c)
	return c
}

func (p *parts) policyStatus(ctx context.Context, out io.Writer) error {
	s := p.desk.Status()
	fmt.Fprintf(out, "In Kraft: Regelstand %s, Quelle %s.\nPaket %s (die Dateien, wie sie unterschrieben sind).\nWirkung %s (mit Mandanten und Leistungen, wie sie hier eingerichtet sind).\n", s.Revision, s.Source, s.Bundle, s.Digest)
	for _, text := range []string{s.Problem, s.Refused} {
		if text != "" {
			fmt.Fprintln(out, text)
		}
	}
	revisions, err := p.desk.Revisions(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, r := range revisions {
		mark := " "
		if r.Current {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %s\t%.12s…\t%s\t%s\t%s\n", mark, r.Revision, r.Bundle, r.From, strings.Join(r.Signers, ", "), r.Step.Reason)
	}
	proposals, err := p.desk.Proposals(ctx)
	if err != nil {
		return err
	}
	for _, one := range proposals {
		fmt.Fprintf(w, "  Entwurf %s\t%s\t%s\t%s\n", one.ID, one.Revision, one.Phase, strings.Join(one.Missing, " "))
	}
	return w.Flush()
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// bundleAt is a folder, a packed bundle, or the shipped library for an empty path.
func bundleAt(ctx context.Context, path string) (fs.FS, error) {
	if !strings.HasSuffix(path, ".zip") {
		files, err := release.FromFS(library(path))
		if err != nil {
			return nil, err
		}
		return files.FS(), nil
	}
	delivery, err := release.File(path).Read(ctx)
	if err != nil {
		return nil, err
	}
	return delivery.Files.FS(), nil
}

func policyDiffCommand() *cobra.Command {
	var from, to string
	var asJSON bool
	c := &cobra.Command{
		Use: "diff", Short: "Zwei Regelstände vergleichen: Regeln, Angaben, Tabellen", Args: noArgs,
		Long: "Rückgabewert 3: es gibt Unterschiede.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := bundleAt(cmd.Context(), from)
			if err != nil {
				return err
			}
			b, err := bundleAt(cmd.Context(), to)
			if err != nil {
				return err
			}
			d, err := policies.Diff(a, b)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), d)
			} else {
				printDifference(cmd.OutOrStdout(), d)
			}
			if err == nil && !d.Empty() {
				return errFinding
			}
			return err
		},
	}
	c.Flags().StringVar(&from, "from", "", "Ordner oder ZIP (Vorgabe: die mitgelieferten Regeln)")
	c.Flags().StringVar(&to, "to", "", "Ordner oder ZIP")
	c.Flags().BoolVar(&asJSON, "json", false, "als JSON")
	_ = c.MarkFlagRequired("to")
	return c
}

func printDifference(out io.Writer, d policies.Difference) {
	fmt.Fprintf(out, "Von %s zu %s: %s neu, %d entfallen, %d geändert, %s, %s in Tabellen.\n",
		d.Old, d.New, counted(len(d.Added), "Regel", "Regeln"), len(d.Removed), len(d.Changed), counted(len(d.Modules)+len(d.Cases), "weitere Datei", "weitere Dateien"), counted(len(d.Tables), "Wert", "Werte"))
	for _, r := range d.Added {
		fmt.Fprintf(out, "+ %s %s (%s)\n", r.ID, r.Title, r.Basis)
	}
	for _, r := range d.Removed {
		fmt.Fprintf(out, "- %s %s (%s)\n", r.ID, r.Title, r.Basis)
	}
	for _, c := range d.Changed {
		fmt.Fprintf(out, "~ %s %s\n", c.New.ID, c.New.Title)
		printLines(out, c.Lines)
	}
	for _, f := range slices.Concat(d.Modules, d.Cases) {
		fmt.Fprintf(out, "~ %s\n", f.File)
		printLines(out, f.Lines)
	}
	for _, t := range d.Tables {
		fmt.Fprintf(out, "~ Tabelle %s, %s: %s → %s\n", t.Table, t.Path, cmp.Or(string(t.Old), "nichts"), cmp.Or(string(t.New), "nichts"))
	}
}

func printLines(out io.Writer, lines []policies.Line) {
	for _, l := range lines {
		fmt.Fprintf(out, "    %s %s\n", l.Op, l.Text)
	}
}

// pastOptions say which history is meant.
type pastOptions struct {
	recordOptions
	from string
	json bool
}

func (o *pastOptions) add(c *cobra.Command) {
	o.flags(c.Flags())
	c.Flags().StringVar(&o.from, "from", "", "nur Anfragen ab diesem Tag, JJJJ-MM-TT")
	c.Flags().BoolVar(&o.json, "json", false, "als JSON")
}

// past opens the record for reading; a service may be running beside it.
func (o *pastOptions) past(ctx context.Context) (policies.Records, func(), error) {
	filter, err := exportFilter("", o.from, "")
	if err != nil {
		return nil, nil, err
	}
	viewer, done, err := openViewer(ctx, o.recordOptions)
	if err != nil {
		return nil, nil, err
	}
	return func(yield func(gateway.Record) error) error {
		return viewer.Each(ctx, filter, func(i audit.Item) error { return yield(i.Record) })
	}, done, nil
}

func policyImpactCommand() *cobra.Command {
	var o pastOptions
	var from, to string
	c := &cobra.Command{
		Use: "impact", Short: "Was ein anderer Regelstand zu den bisherigen Anfragen gesagt hätte", Args: noArgs,
		Long: "Entscheidet die protokollierten Anfragen mit beiden Regelständen. Die Mandanten des Protokolls gelten als zugelassen.\n" +
			"Rückgabewert 3: es wird etwas zugelassen, was bisher abgelehnt wurde.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			each, done, err := o.past(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			return impactOf(cmd.Context(), cmd.OutOrStdout(), each, from, to, o.json)
		},
	}
	o.add(c)
	c.Flags().StringVar(&from, "old", "", "bisherige Regeln, Ordner oder ZIP (Vorgabe: die mitgelieferten)")
	c.Flags().StringVar(&to, "new", "", "neue Regeln, Ordner oder ZIP")
	_ = c.MarkFlagRequired("new")
	return c
}

func impactOf(ctx context.Context, out io.Writer, each policies.Records, from, to string, asJSON bool) error {
	a, err := engineOver(ctx, each, from)
	if err != nil {
		return err
	}
	b, err := engineOver(ctx, each, to)
	if err != nil {
		return err
	}
	impact, err := policies.Compare(ctx, a, b, each, policies.CompareOptions{})
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(out, impact)
	} else {
		printImpact(out, impact)
	}
	if err == nil && impact.NewlyAllowed.Count > 0 {
		return errFinding
	}
	return err
}

// engineOver decides for the tenants of a history, with the services of the product.
func engineOver(ctx context.Context, each policies.Records, path string) (*policies.Engine, error) {
	root, err := bundleAt(ctx, path)
	if err != nil {
		return nil, err
	}
	tenants := map[gateway.TenantID]policies.Tenant{}
	if err := each(func(r gateway.Record) error {
		tenants[r.Tenant] = policies.Tenant{Active: true}
		return nil
	}); err != nil {
		return nil, err
	}
	catalog, err := loadServices(ctx)
	if err != nil {
		return nil, err
	}
	return policies.New(ctx, policies.Config{FS: root, Tenants: tenants, Services: catalog.Cards(), Timeout: policyTimeout})
}

func printImpact(out io.Writer, i policies.Impact) {
	fmt.Fprintf(out, "Auswirkung von %s auf %s: %d verglichen, davon %d gleich (%s, %d verschiedene Fragen).\n", i.New.Revision,
		counted(i.Records, "Anfrage", "Anfragen"), i.Compared, i.Same, counted(i.Decisions.Compared, "Entscheidung", "Entscheidungen"), i.Distinct)
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, c := range []struct {
		name   string
		change policies.Change
	}{
		{"neu abgelehnt", i.NewlyDenied}, {"neu zugelassen", i.NewlyAllowed}, {"andere Auflagen", i.ChangedObligations},
		{"andere Modelle", i.ChangedModels}, {"andere Gründe", i.ChangedReasons},
		{"nicht vergleichbar", i.NotComparable}, {"nicht entscheidbar", i.Errors},
	} {
		fmt.Fprintf(w, "  %s\t%d\t%s\n", c.name, c.change.Count, strings.Join(c.change.Samples[:min(3, len(c.change.Samples))], " "))
	}
	for _, id := range slices.Sorted(maps.Keys(i.ByRule)) {
		fmt.Fprintf(w, "  Regel %s\tspricht neu in %d, nicht mehr in %d\n", id, i.ByRule[id].Added, i.ByRule[id].Removed)
	}
	printTallies(w, "Mandant", "ohne Mandanten", i.ByTenant)
	printTallies(w, "Leistung", "ohne Leistung", i.ByService)
	_ = w.Flush()
	fmt.Fprintf(out, "Prüfsumme des Berichts: %s\n", i.Digest())
}

// printTallies prints the parts of a report, those without a name under another.
func printTallies[K ~string](w io.Writer, what, none string, by map[K]policies.Tally) {
	for _, id := range slices.Sorted(maps.Keys(by)) {
		t, name := by[id], what+" "+string(id)
		if id == "" {
			name = none
		}
		fmt.Fprintf(w, "  %s\t%d von %d anders, neu abgelehnt %d, neu zugelassen %d\n", name, t.Compared-t.Same, t.Compared, t.NewlyDenied, t.NewlyAllowed)
	}
}

func policyReplayCommand() *cobra.Command {
	var o pastOptions
	var self bool
	var bundle string
	c := &cobra.Command{
		Use: "replay", Short: "Die bisherigen Anfragen noch einmal entscheiden", Args: noArgs,
		Long: "Mit --self wird mit dem verglichen, was protokolliert ist: Wirkung, Gründe, Auflagen und Modelle jeder Entscheidung,\n" +
			"die derselbe Regelstand getroffen hat. Andere Regelstände werden genannt und gesondert gezählt; mit --bundle kommt einer von ihnen an die Reihe.\n" +
			"Mit --config gelten dabei Mandanten und Leistungen der Konfiguration und die Regeln, die in Kraft sind; der Dienst darf laufen.\n" +
			"Mit --data sind die Angaben zu Mandanten nicht bekannt. Was sie bewirkt haben, oder was sich an ihnen seither geändert hat, erscheint als Unterschied.\n" +
			"Rückgabewert 3: es gibt Unterschiede, oder nichts ließ sich vergleichen.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			start := time.Now()
			impact, err := o.replay(cmd.Context(), bundle, self)
			if err != nil {
				return err
			}
			if o.json {
				err = printJSON(cmd.OutOrStdout(), impact)
			} else {
				printImpact(cmd.OutOrStdout(), impact)
				printOthers(cmd.OutOrStdout(), impact, self)
				fmt.Fprintf(cmd.OutOrStdout(), "Dauer %s.\n", time.Since(start).Round(time.Millisecond))
			}
			if err == nil && (impact.Differences() > 0 || self && impact.Compared == 0 && impact.Records > 0) {
				return errFinding
			}
			return err
		},
	}
	o.add(c)
	c.Flags().BoolVar(&self, "self", false, "mit den protokollierten Entscheidungen vergleichen")
	c.Flags().StringVar(&bundle, "bundle", "", "Regeln, Ordner oder ZIP (Vorgabe: die mitgelieferten, mit --config die geltenden)")
	return c
}

// printOthers names the rules whose decisions a self test did not compare.
func printOthers(out io.Writer, i policies.Impact, self bool) {
	if !self {
		return
	}
	fmt.Fprintf(out, "Verglichen wurde mit dem Protokoll, unter Regelstand %s (Paket %.12s…).\n", i.New.Revision, i.New.Bundle)
	for _, other := range i.OtherPolicies {
		fmt.Fprintf(out, "Nicht verglichen: %s unter Regelstand %s", counted(other.Requests, "Anfrage", "Anfragen"), other.Revision)
		switch other.Bundle {
		case "":
			fmt.Fprintf(out, " (Wirkung %.12s…)", other.Digest)
		case i.New.Bundle:
			fmt.Fprint(out, ", mit anderen Angaben zu Mandanten oder Leistungen")
		default:
			fmt.Fprintf(out, " (Paket %.12s…)", other.Bundle)
		}
		fmt.Fprintln(out, ".")
	}
	if i.Compared == 0 && i.Records > 0 {
		fmt.Fprintln(out, "Keine Anfrage ließ sich vergleichen; bewiesen ist damit nichts.")
	}
}

func (o *pastOptions) replay(ctx context.Context, bundle string, self bool) (impact policies.Impact, err error) {
	each, done, err := o.past(ctx)
	if err != nil {
		return impact, err
	}
	defer done()
	if self {
		e, err := o.engine(ctx, each, bundle)
		if err != nil {
			return impact, err
		}
		return e.SelfTest(ctx, each, policies.CompareOptions{SameRules: true})
	}
	a, err := engineOver(ctx, each, "")
	if err != nil {
		return impact, err
	}
	b, err := engineOver(ctx, each, bundle)
	if err != nil {
		return impact, err
	}
	return policies.Compare(ctx, a, b, each, policies.CompareOptions{})
}

// engine decides for the tenants of the configuration, without one for those of the
// record, of whom nothing else is known.
func (o *pastOptions) engine(ctx context.Context, each policies.Records, bundle string) (*policies.Engine, error) {
	if o.config != "" {
		return engineBeside(ctx, o.config, bundle)
	}
	return engineOver(ctx, each, bundle)
}

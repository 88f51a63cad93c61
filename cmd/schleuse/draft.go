// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
)

// draftOptions are the flags of draft.
type draftOptions struct {
	kind, report, out, application, file, authority, person string
	server, key                                             string
	release                                                 bool
}

func draftCommand() *cobra.Command {
	var o draftOptions
	c := &cobra.Command{
		Use: "draft", Short: "Ein Schreiben entwerfen", Args: noArgs,
		Long: "Setzt ein Schreiben aus einem Prüfbericht zusammen. Das Format folgt der Endung: .odt, .pdf, .docx, .html oder .json.\n" +
			"Anschrift und Eingangsdatum kommen aus dem Antrag (--application), Kopf und Kontakt aus den Angaben der Behörde (--authority).\n" +
			"Was fehlt, steht als Platzhalter im Entwurf und sperrt die Freigabe. Rückgabewert 3: der Entwurf kann so nicht freigegeben werden.",
		Example: "  schleuse check --service wohngeld-mietzuschuss --application antrag.json --json > report.json\n" +
			"  schleuse draft --report report.json --application antrag.json --authority behoerde.json --person 'Kim Beispiel' --out brief.odt",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return draft(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.kind, "kind", string(drafting.KindRequest), "Art: nachforderung oder eingangsbestaetigung")
	f.StringVar(&o.report, "report", "", "Prüfbericht (JSON von schleuse check --json)")
	f.StringVar(&o.out, "out", "", "Ausgabedatei")
	f.StringVar(&o.application, "application", "", "der Antrag, für Anschrift und Eingangsdatum")
	f.StringVar(&o.file, "case", "", "Aktenzeichen")
	f.StringVar(&o.authority, "authority", "", "Datei mit den Angaben der Behörde (JSON)")
	f.StringVar(&o.person, "person", "", "Name der Person, die bearbeitet")
	f.BoolVar(&o.release, "release", false, "im Namen von --person freigeben")
	addServerFlags(f, &o.server, &o.key)
	return c
}

func draft(ctx context.Context, in io.Reader, out io.Writer, o draftOptions) error {
	if o.report == "" || o.out == "" {
		return usageError{fmt.Errorf("--report und --out sind nötig")}
	}
	if o.release && o.person == "" {
		return usageError{fmt.Errorf("--release braucht --person: ein Mensch steht für das Schreiben ein")}
	}
	if _, ok := letterWriters[filepath.Ext(o.out)]; !ok && filepath.Ext(o.out) != ".json" {
		return usageError{fmt.Errorf("--out: unbekannte Endung %q; möglich sind .odt, .pdf, .docx, .html, .json", filepath.Ext(o.out))}
	}
	report, input, err := readDraftInput(in, o)
	if err != nil {
		return err
	}
	if o.server != "" {
		return draftRemote(ctx, out, o, report, input)
	}
	return draftLocal(ctx, out, o, report, input)
}

// readDraftInput reads the report and, if given, the application.
func readDraftInput(in io.Reader, o draftOptions) (completeness.Report, completeness.Input, error) {
	var report completeness.Report
	raw, err := readInput(o.report, in)
	if err != nil {
		return report, completeness.Input{}, err
	}
	if err := json.Unmarshal(raw, &report); err != nil {
		return report, completeness.Input{}, fmt.Errorf("read report %s: %w", o.report, err)
	}
	input := completeness.Input{Service: report.Service}
	if o.application != "" {
		if raw, err = readInput(o.application, in); err != nil {
			return report, input, err
		}
		if input, err = completeness.ParseApplication(report.Service, raw); err != nil {
			return report, input, err
		}
	}
	if o.file != "" {
		input.Case = o.file
	}
	return report, input, nil
}

func draftLocal(ctx context.Context, out io.Writer, o draftOptions, report completeness.Report, in completeness.Input) error {
	profile, err := readAuthority(o.authority)
	if err != nil {
		return err
	}
	p, done, err := local(ctx, func(c *Config) { c.Authorities = map[gateway.TenantID]Authority{localTenant: {profile}} })
	if err != nil {
		return err
	}
	defer done()
	service, ok := p.catalog.Service(report.Service)
	if !ok {
		return unknownService(report.Service)
	}
	input := letterFor(service, in)
	input.Kind, input.Report, input.Caseworker.Name = drafting.Kind(o.kind), &report, o.person
	caller := localCaller(input.Kind.Purpose())
	d, err := p.drafter.Draft(ctx, caller, input)
	if err != nil {
		return err
	}
	if o.release {
		if d, err = p.drafter.Release(ctx, caller, d, o.person); err != nil {
			return err
		}
	}
	if err := writeDraft(o.out, d); err != nil {
		return err
	}
	return printDraft(out, o.out, d)
}

// readAuthority reads the authority's data; without a file every value is a
// placeholder in the draft.
func readAuthority(path string) (drafting.Profile, error) {
	var profile drafting.Profile
	if path == "" {
		return profile, nil
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return profile, fmt.Errorf("read authority: %w", err)
	}
	return profile, strict(raw, path, &profile)
}

var letterWriters = map[string]func(io.Writer, document.Letter) error{
	".odt": document.WriteODT, ".pdf": document.WritePDF, ".docx": document.WriteDOCX, ".html": document.WriteHTML,
}

func writeDraft(path string, d drafting.Draft) error {
	var buffer bytes.Buffer
	var err error
	if filepath.Ext(path) == ".json" {
		err = printJSON(&buffer, d)
	} else {
		err = letterWriters[filepath.Ext(path)](&buffer, d.Letter)
	}
	if err != nil {
		return fmt.Errorf("write letter: %w", err)
	}
	return os.WriteFile(path, buffer.Bytes(), 0o600)
}

func printDraft(out io.Writer, path string, d drafting.Draft) error {
	fmt.Fprintf(out, "%s geschrieben", path)
	if d.Deadline != nil {
		fmt.Fprintf(out, ", Frist %s", d.Deadline.Date)
	}
	fmt.Fprintf(out, ", %s.\n", counted(len(d.Citations), "Fundstelle", "Fundstellen"))
	shown := map[string]bool{}
	for _, c := range d.Checks {
		if c.Level == drafting.LevelRed && !shown[c.Reason] {
			shown[c.Reason] = true
			fmt.Fprintln(out, "  sperrt die Freigabe: "+c.Reason)
		}
	}
	if !d.Releasable {
		return errFinding
	}
	return nil
}

// draftRemote lets a server draft and fetches the file.
func draftRemote(ctx context.Context, out io.Writer, o draftOptions, report completeness.Report, in completeness.Input) error {
	catalog, err := loadServices(ctx)
	if err != nil {
		return err
	}
	service, ok := catalog.Service(report.Service)
	if !ok {
		return unknownService(report.Service)
	}
	input := letterFor(service, in)
	c := &client{url: o.server, key: o.key, person: o.person}
	var answer struct {
		ID       string   `json:"id"`
		Problems []string `json:"problems"`
	}
	facts := map[string]any{"caseworker": drafting.Person{Name: o.person}, "period_days": input.PeriodDays}
	if !input.Received.IsZero() {
		facts["received"] = input.Received.Format(time.DateOnly)
	}
	body := map[string]any{
		"kind": o.kind, "service": report.Service, "report": report, "case": input.Case, "recipient": input.Recipient, "facts": facts,
	}
	if err := c.post(ctx, "/api/v1/drafts", body, &answer); err != nil {
		return err
	}
	if o.release {
		if err := c.post(ctx, "/api/v1/drafts/"+answer.ID+"/release", map[string]string{}, &answer); err != nil {
			return err
		}
	}
	raw, err := c.get(ctx, "/api/v1/drafts/"+answer.ID+filepath.Ext(o.out))
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.out, raw, 0o600); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s geschrieben.\n", o.out)
	if len(answer.Problems) > 0 {
		fmt.Fprintln(out, "  sperrt die Freigabe: "+strings.Join(answer.Problems, "\n  sperrt die Freigabe: "))
		return errFinding
	}
	return nil
}

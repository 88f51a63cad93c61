// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
)

// checkOptions are the flags of check.
type checkOptions struct {
	service, application, documents string
	server, key                     string
	asJSON                          bool
}

func checkCommand() *cobra.Command {
	var o checkOptions
	c := &cobra.Command{
		Use: "check", Short: "Einen Antrag auf Vollständigkeit prüfen", Args: noArgs,
		Long: "Prüft einen Antrag nach den Regeln der Leistung. Ohne --server in diesem Prozess, mit --server über HTTP; das Ergebnis ist dasselbe.\n" +
			"Rückgabewert 0: vollständig, 3: etwas fehlt oder ist zu klären.",
		Example: "  schleuse check --service wohngeld-mietzuschuss --application antrag.json --documents unterlagen/",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return check(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.service, "service", "", "Leistung, zum Beispiel wohngeld-mietzuschuss")
	f.StringVar(&o.application, "application", "", "Datei mit dem Antrag (JSON), - liest die Standardeingabe")
	f.StringVar(&o.documents, "documents", "", "Ordner mit den Unterlagen")
	f.BoolVar(&o.asJSON, "json", false, "Bericht als JSON")
	addServerFlags(f, &o.server, &o.key)
	return c
}

func check(ctx context.Context, in io.Reader, out io.Writer, o checkOptions) error {
	if o.application == "" {
		return usageError{fmt.Errorf("--application fehlt")}
	}
	raw, err := readInput(o.application, in)
	if err != nil {
		return err
	}
	input, err := completeness.ParseApplication(gateway.ServiceID(o.service), raw)
	if err != nil {
		return err
	}
	if o.documents != "" {
		if input.Documents, err = readDocuments(o.documents, input.Documents); err != nil {
			return err
		}
	}
	report, err := runCheck(ctx, o, input)
	if err != nil {
		return err
	}
	if o.asJSON {
		if err := printJSON(out, report); err != nil {
			return err
		}
	} else {
		printReport(out, input, report)
	}
	if !report.Complete {
		return errFinding
	}
	return nil
}

func runCheck(ctx context.Context, o checkOptions, in completeness.Input) (completeness.Report, error) {
	if o.server != "" {
		var report completeness.Report
		return report, (&client{url: o.server, key: o.key}).post(ctx, "/api/v1/checks", checkBody(in), &report)
	}
	p, done, err := local(ctx, nil)
	if err != nil {
		return completeness.Report{}, err
	}
	defer done()
	return p.checker.Check(ctx, localCaller(gateway.PurposeCompletenessCheck), in)
}

// checkBody is the input as POST /api/v1/checks takes it.
func checkBody(in completeness.Input) map[string]any {
	body := map[string]any{"service": in.Service, "application": in.Application}
	if len(in.Params) > 0 {
		body["params"] = in.Params
	}
	if !in.Date.IsZero() {
		body["date"] = in.Date.Format(time.DateOnly)
	}
	if in.Case != "" {
		body["case"] = in.Case
	}
	documents := []map[string]any{}
	for _, d := range in.Documents {
		doc := map[string]any{}
		for key, value := range map[string]string{"id": d.ID, "name": d.Name, "media_type": d.MediaType, "type": d.Type, "person": d.Person, "format": d.Format} {
			if value != "" {
				doc[key] = value
			}
		}
		if d.Content != nil {
			doc["content"] = d.Content // base64
		}
		if len(d.Fields) > 0 {
			doc["fields"] = d.Fields
		}
		documents = append(documents, doc)
	}
	body["documents"] = documents
	return body
}

const (
	maxFolderFiles = 200
	maxFileBytes   = 50 << 20
)

// readDocuments reads a folder. Files that the input declares by name keep what
// it says of them.
func readDocuments(folder string, declared []completeness.InputDocument) ([]completeness.InputDocument, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("open documents: %w", err)
	}
	defer root.Close()
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("read documents: %w", err)
	}
	byName := map[string]int{}
	for i, d := range declared {
		byName[d.Name] = i
	}
	out := append([]completeness.InputDocument(nil), declared...)
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") || e.Name() == "bundle.json" {
			continue
		}
		if len(out) >= maxFolderFiles {
			return nil, say("--documents: In %s liegen mehr als %d Dateien.", folder, maxFolderFiles)
		}
		data, err := readFile(root, e.Name())
		if err != nil {
			return nil, err
		}
		if i, ok := byName[e.Name()]; ok && e.Name() != "" {
			out[i].Content = data
			continue
		}
		out = append(out, completeness.InputDocument{Name: e.Name(), MediaType: mime.TypeByExtension(filepath.Ext(e.Name())), Content: data})
	}
	return out, nil
}

func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open document: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read document %s: %w", name, err)
	}
	if len(data) > maxFileBytes {
		return nil, say("--documents: %s ist größer als 50 MiB.", name)
	}
	return data, nil
}

func printJSON(out io.Writer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

var statusText = map[completeness.Status]string{
	completeness.StatusComplete: "vollständig", completeness.StatusIncomplete: "unvollständig",
	completeness.StatusUnclear: "Klärung nötig", completeness.StatusUnverifiable: "nicht prüfbar",
}

var severityText = map[completeness.Severity]string{
	completeness.SeverityAsk: "fehlt", completeness.SeverityHint: "Hinweis", completeness.SeverityOfficial: "ansehen",
}

// printReport writes a report for people.
func printReport(out io.Writer, in completeness.Input, r completeness.Report) {
	head := string(r.Service)
	if in.Case != "" {
		head += ", " + in.Case
	}
	fmt.Fprintln(out, head)
	findings := append([]completeness.Finding(nil), r.Findings...)
	sort.SliceStable(findings, func(i, j int) bool { return rankOf(findings[i].Severity) < rankOf(findings[j].Severity) })
	for _, f := range findings {
		word, what := describeFinding(f)
		fmt.Fprintf(out, "  %-8s  %s\n            %s", word, what, f.Requirement)
		if len(f.Basis) > 0 {
			fmt.Fprintf(out, "  ·  %s", strings.Join(f.Basis, ", "))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "Ergebnis: %s. Regelstand %s vom %s, %s gelesen.\n", statusText[r.Status], r.ServiceVersion, r.Date, counted(len(r.Documents), "Unterlage", "Unterlagen"))
	if len(r.DecisionIDs) > 0 {
		fmt.Fprintf(out, "Entscheidung %s.\n", strings.Join(r.DecisionIDs, ", "))
	}
}

func rankOf(s completeness.Severity) int {
	switch s {
	case completeness.SeverityAsk:
		return 0
	case completeness.SeverityOfficial:
		return 1
	case completeness.SeverityHint:
		return 2
	default:
		return 3
	}
}

// describeFinding is a finding in a word and a line.
func describeFinding(f completeness.Finding) (word, what string) {
	word, what = severityText[f.Severity], f.Message
	if !strings.HasPrefix(f.Code, "missing") {
		if f.Severity == completeness.SeverityAsk {
			word = "klären"
		}
		return word, what
	}
	if f.Label != "" {
		what = f.Label
	}
	if f.Person != "" {
		what += ", " + f.Person
	}
	return word, what
}

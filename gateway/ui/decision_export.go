// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// exportedRow is one entry of an export: what the list shows, and counts. The
// whole of an entry stands in its evidence, which needs a justification.
type exportedRow struct {
	ID           string              `json:"id"`
	Time         time.Time           `json:"time"`
	Result       audit.Result        `json:"result"`
	Tenant       gateway.TenantID    `json:"tenant"`
	System       gateway.SystemID    `json:"system"`
	Operation    gateway.Operation   `json:"operation"`
	Purpose      gateway.Purpose     `json:"purpose"`
	Service      gateway.ServiceID   `json:"service,omitempty"`
	Classes      []gateway.DataClass `json:"data_classes"`
	Findings     int                 `json:"findings"`
	Masked       int                 `json:"masked"`
	Model        gateway.ModelID     `json:"model,omitempty"`
	Residency    gateway.Residency   `json:"residency,omitempty"`
	Rule         string              `json:"rule,omitempty"`
	Basis        string              `json:"basis,omitempty"`
	Rules        []string            `json:"rules"`
	Obligations  []string            `json:"obligations"`
	Changes      []gateway.Change    `json:"changes,omitzero"`
	Revision     string              `json:"revision,omitempty"`
	Milliseconds int64               `json:"total_ms"`
	Input        int                 `json:"input_tokens"`
	Output       int                 `json:"output_tokens"`
	Case         gateway.Pseudonym   `json:"case,omitempty"`
}

func exported(i audit.Item) exportedRow {
	rec := i.Record
	reason := decisive(rec, i.Closing)
	out := exportedRow{
		ID: rec.ID, Time: rec.Time.UTC(), Result: i.Result(), Tenant: rec.Tenant, System: rec.System, Operation: rec.Operation,
		Purpose: rec.Purpose, Service: rec.Service, Classes: []gateway.DataClass{}, Findings: rec.Screened.Total(), Masked: rec.Masked,
		Rule: reason.Rule, Basis: reason.Basis, Rules: []string{}, Obligations: []string{}, Changes: rec.Changes, Case: rec.Case,
	}
	for _, f := range firedRules(i) {
		out.Rules = append(out.Rules, f.Rule)
	}
	if n := len(rec.Decisions); n > 0 {
		last := rec.Decisions[n-1]
		out.Classes = append(out.Classes, last.DataClasses...)
		out.Revision = last.Revision
		for _, o := range last.Obligations {
			out.Obligations = append(out.Obligations, o.ID)
		}
	}
	if route := routeOf(i); route != nil {
		out.Model, out.Residency = route.Model, route.Residency
	}
	if i.Closing != nil {
		out.Milliseconds, out.Input, out.Output = i.Closing.Total.Milliseconds(), i.Closing.Usage.Input, i.Closing.Usage.Output
	}
	return out
}

var exportColumns = []string{
	"Zeit", "Kennung", "Ergebnis", "Mandant", "Fachverfahren", "Anwendungsfall", "Leistung", "Datenklassen", "Fundstellen mit Personenbezug", "Ersetzt",
	"Modell", "Ort", "Ausschlaggebende Regel", "Rechtsgrundlage", "Angewendete Regeln", "Auflagen", "Regelstand", "Dauer in ms", "Token Eingabe", "Token Ausgabe",
	"Aktenzeichen, pseudonym", "An der Anfrage geändert",
}

func (u *UI) columns(e exportedRow) []string {
	classes := make([]string, len(e.Classes))
	for i, c := range e.Classes {
		classes[i] = className(c)
	}
	duties := make([]string, len(e.Obligations))
	for i, o := range e.Obligations {
		duties[i] = dutyName(o)
	}
	place := ""
	if e.Model != "" {
		place = residencyName(e.Residency)
	}
	return []string{
		e.Time.In(u.zone).Format("2006-01-02 15:04:05"), e.ID, resultText(e.Result), u.tenantName(e.Tenant),
		u.systemName(gateway.Record{Tenant: e.Tenant, System: e.System}), purposeName(e.Purpose), u.serviceName(e.Service), strings.Join(classes, ", "),
		strconv.Itoa(e.Findings), strconv.Itoa(e.Masked), string(e.Model), place, e.Rule, e.Basis, strings.Join(e.Rules, ", "), strings.Join(duties, ", "),
		e.Revision, strconv.FormatInt(e.Milliseconds, 10), strconv.Itoa(e.Input), strconv.Itoa(e.Output), string(e.Case),
		evidenceChanges(gateway.Record{Changes: e.Changes}, func(p phrase) string { return p.in(u.translate("de")) }),
	}
}

// cell keeps a spreadsheet from taking a value for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

// decisionExport writes everything that the filter finds, newest first, in
// bounded memory. That it was taken out stands in the record before the first byte.
func (u *UI) decisionExport(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	f, err := readFilter(r.PostForm)
	if err != nil {
		return err
	}
	query, err := u.query(f, person)
	if err != nil {
		return err
	}
	query.Cursor = ""
	format := r.PostForm.Get("format")
	mediaType, ok := map[string]string{"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}[format]
	if !ok {
		return invalid("format", "Dieses Format gibt es nicht. Möglich sind csv und ndjson.")
	}
	err = u.jot(r.Context(), person, audit.Note{
		Topic: audit.TopicExported, Tenant: query.Scope.Tenant, Object: "decisions", Text: "Liste der Entscheidungen ausgegeben (" + format + ").", New: u.noted(f, person),
	})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=\"entscheidungen-%s.%s\"", u.Now().In(u.zone).Format("2006-01-02-1504"), format))
	out := bufio.NewWriterSize(w, 32<<10)
	write := u.writeCSV
	if format == "ndjson" {
		write = writeLines
	}
	if err := write(r, out, query, u.Records); err != nil {
		// The answer has begun: an end without the end of the message is the only
		// way to say that something is missing.
		u.Logger.LogAttrs(r.Context(), slog.LevelError, "export broken off", slog.Any("error", err))
		panic(http.ErrAbortHandler)
	}
	return nil
}

// writeCSV writes for the spreadsheets of German offices: semicolons and a mark
// that the text is UTF-8.
func (u *UI) writeCSV(r *http.Request, out *bufio.Writer, query audit.Filter, records Records) error {
	if _, err := out.WriteString("\ufeff"); err != nil {
		return err
	}
	table := csv.NewWriter(out)
	table.Comma, table.UseCRLF = ';', true
	if err := table.Write(exportColumns); err != nil {
		return err
	}
	err := records.Each(r.Context(), query, func(i audit.Item) error {
		cells := u.columns(exported(i))
		for n := range cells {
			cells[n] = cell(cells[n])
		}
		return table.Write(cells)
	})
	if err != nil {
		return err
	}
	table.Flush()
	if err := table.Error(); err != nil {
		return err
	}
	return out.Flush()
}

func writeLines(r *http.Request, out *bufio.Writer, query audit.Filter, records Records) error {
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	if err := records.Each(r.Context(), query, func(i audit.Item) error { return lines.Encode(exported(i)) }); err != nil {
		return err
	}
	return out.Flush()
}

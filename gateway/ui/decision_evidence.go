// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	archive "archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/document"
)

// evidence is one entry with everything that is needed to prove it elsewhere.
type evidence struct {
	Format  string       `json:"format"`
	Created time.Time    `json:"created"`
	How     string       `json:"how"`
	ID      string       `json:"id"`
	Result  audit.Result `json:"result"`
	// Leaves are the beginning and, if there is one, the end of the entry.
	Leaves []evidenceLeaf `json:"leaves"`
	// Checkpoint is the signed checkpoint to whose root the proofs lead.
	Checkpoint string   `json:"checkpoint"`
	PublicKeys []string `json:"public_keys"`
	// Rules are those that spoke, as they read now.
	Rules []evidenceRule `json:"rules"`
	// Notes are what was done with the entry since.
	Notes []audit.NotedAt `json:"notes"`
}

// evidenceLeaf is a leaf of the tree. Bytes are what is hashed, Entry is the same
// to read.
type evidenceLeaf struct {
	Seq   int64           `json:"seq"`
	Bytes []byte          `json:"bytes"`
	Entry json.RawMessage `json:"entry"`
	Proof []string        `json:"proof"`
}

type evidenceRule struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Basis   string `json:"basis"`
	Text    string `json:"text"`
	English string `json:"text_en,omitempty"`
}

const evidenceFormat = "ki-schleuse/evidence/v1"

const evidenceHow = "Jedes Blatt (bytes, Base64) ergibt mit SHA-256 über 0x00 und die Bytes seinen Blatthash (RFC 6962). " +
	"Der Pfad (proof) führt vom Blatthash zur Wurzel in der dritten Zeile von checkpoint; die zweite Zeile nennt die Zahl der Blätter. " +
	"checkpoint ist mit einem der Schlüssel in public_keys unterschrieben (Ed25519, signed note). " +
	"Vergleichen Sie den Schlüssel mit dem, den der Betreiber veröffentlicht hat."

// maxEvidence bounds what is read of one entry.
const maxEvidence = 64 << 20

// decisionEvidence hands out one entry with its proofs: as JSON, as PDF with the
// JSON inside, or as an archive that "schleuse audit verify" proves.
func (u *UI) decisionEvidence(w http.ResponseWriter, r *http.Request) error {
	entry, err := u.opened(r)
	if err != nil {
		return err
	}
	format := r.PostForm.Get("format")
	mediaType, ok := map[string]string{"json": "application/json", "pdf": "application/pdf", "zip": "application/zip"}[format]
	if !ok {
		return invalid("format", "Dieses Format gibt es nicht. Möglich sind pdf, json und zip.")
	}
	err = u.jot(r.Context(), personOf(r), audit.Note{
		Topic: audit.TopicExported, Tenant: entry.Record.Tenant, Object: entry.Record.ID, Text: "Nachweis ausgegeben (" + format + ").",
	})
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := u.writeEvidence(r, &out, entry, format); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=\"nachweis-%s.%s\"", entry.Record.ID, format))
	_, err = out.WriteTo(w)
	return err
}

func (u *UI) writeEvidence(r *http.Request, out *bytes.Buffer, entry audit.Entry, format string) error {
	var exported bytes.Buffer
	f := audit.Filter{Scope: audit.Scope{Tenant: entry.Record.Tenant}, IDPrefix: entry.Record.ID}
	if err := u.Records.Export(r.Context(), &exported, f); err != nil {
		return err
	}
	if format == "zip" {
		_, err := exported.WriteTo(out)
		return err
	}
	e, err := u.evidence(r, entry, exported.Bytes())
	if err != nil {
		return err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(e); err != nil {
		return fmt.Errorf("encode evidence: %w", err)
	}
	if format == "json" {
		_, err := text.WriteTo(out)
		return err
	}
	if err := document.WritePDF(out, u.evidenceLetter(entry, e, text.Bytes())); err != nil {
		return fmt.Errorf("write evidence: %w", err)
	}
	return nil
}

// evidence takes the leaves and proofs out of an export of the one entry.
func (u *UI) evidence(r *http.Request, entry audit.Entry, raw []byte) (evidence, error) {
	e := evidence{
		Format: evidenceFormat, Created: u.Now().UTC(), How: evidenceHow, ID: entry.Record.ID, Result: entry.Result(),
		PublicKeys: u.Records.PublicKeys(), Rules: []evidenceRule{}, Notes: []audit.NotedAt{},
	}
	files, err := archive.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return e, fmt.Errorf("read export: %w", err)
	}
	checkpoint, err := readPart(files, "checkpoint.txt")
	if err != nil {
		return e, err
	}
	e.Checkpoint = string(checkpoint)
	entries, err := readPart(files, "entries.jsonl")
	if err != nil {
		return e, err
	}
	lines := bufio.NewScanner(bytes.NewReader(entries))
	lines.Buffer(nil, maxEvidence)
	for lines.Scan() {
		var leaf evidenceLeaf
		if err := json.Unmarshal(lines.Bytes(), &leaf); err != nil {
			return e, fmt.Errorf("read export: %w", err)
		}
		leaf.Bytes = leaf.Entry
		e.Leaves = append(e.Leaves, leaf)
	}
	if err := lines.Err(); err != nil || len(e.Leaves) == 0 {
		return e, errors.Join(errors.New("the export holds no leaf"), err)
	}
	e.Rules = u.evidenceRules(entry)
	page, err := u.Records.Notes(r.Context(), audit.NoteFilter{Scope: scope(personOf(r)), Object: entry.Record.ID, Limit: 500})
	e.Notes = append(e.Notes, page.Notes...)
	return e, err
}

func readPart(files *archive.Reader, name string) ([]byte, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open %s of the export: %w", name, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxEvidence))
	if err != nil {
		return nil, fmt.Errorf("read %s of the export: %w", name, err)
	}
	return raw, nil
}

func (u *UI) evidenceRules(entry audit.Entry) []evidenceRule {
	out := []evidenceRule{}
	english := u.rulebook("en")
	for _, f := range firedRules(entry.Item) {
		one := evidenceRule{ID: f.Rule, Title: f.Title, Basis: f.Basis, Text: f.Text}
		if s := english.sentence(f.Rule, f.Text); s.Lang == "" {
			one.English = s.Text
		}
		out = append(out, one)
	}
	return out
}

// evidenceLetter is the same for people, in German as the law it rests on.
func (u *UI) evidenceLetter(entry audit.Entry, e evidence, attachment []byte) document.Letter {
	speak := func(p phrase) string { return p.in(u.translate("de")) }
	rec, one := entry.Record, u.row(entry.Item)
	at := func(t time.Time) string { return t.In(u.zone).Format("02.01.2006, 15:04:05") }
	var sentences []string
	for _, s := range sentence(entry.Item) {
		sentences = append(sentences, speak(s))
	}
	if rec.Effect() != gateway.EffectAllow {
		sentences = append(sentences, decisive(rec, entry.Closing).Text)
	}
	l := document.Letter{
		Lang: "de-DE", Title: "Nachweis " + rec.ID, Author: u.Operator, Created: e.Created,
		Letterhead: document.Letterhead{Authority: "KI-Schleuse", Lines: []string{u.Operator}},
		Info:       []document.Pair{{Label: "Kennung", Value: rec.ID}, {Label: "Zeit", Value: at(rec.Time)}, {Label: "Mandant", Value: one.Tenant}, {Label: "Erstellt", Value: at(e.Created)}},
		Subject:    "Nachweis einer Entscheidung: " + purposeName(rec.Purpose),
		Running:    "Nachweis " + rec.ID,
		Attachment: &document.Attachment{Name: "nachweis.json", MediaType: "application/json", Description: "Eintrag, Beweispfade, Prüfpunkt und Regeln", Data: attachment},
	}
	add := func(b ...document.Block) { l.Body = append(l.Body, b...) }
	add(document.Heading{Level: 1, Text: "Ergebnis"},
		document.Paragraph{Runs: []document.Run{{Text: speak(heading(entry.Item)) + ". ", Strong: true}, {Text: strings.Join(sentences, " ")}}})
	add(document.Heading{Level: 1, Text: "Anfrage"}, document.Table{Header: []string{"Angabe", "Wert"}, Widths: []int{1, 2}, Rows: u.evidenceFacts(entry, one)})
	rows := [][]string{}
	for _, rule := range e.Rules {
		rows = append(rows, []string{rule.ID + " " + rule.Title, rule.Basis, rule.Text})
	}
	if len(rows) > 0 {
		add(document.Heading{Level: 1, Text: "Angewendete Regeln"}, document.Table{Header: []string{"Regel", "Rechtsgrundlage", "Begründung"}, Widths: []int{3, 3, 5}, Rows: rows})
	}
	add(document.Heading{Level: 1, Text: "Beweis"}, document.Table{Header: []string{"Angabe", "Wert"}, Widths: []int{1, 2}, Rows: evidenceProof(entry, e)})
	add(document.Text("Die Datei nachweis.json in diesem Dokument enthält den Eintrag, wie er protokolliert ist, mit Beweispfaden und Prüfpunkt. " + evidenceHow))
	if len(e.Notes) > 0 {
		add(document.Heading{Level: 1, Text: "Vermerke zu diesem Eintrag"}, document.Table{Header: []string{"Zeit", "Vermerk", "Rolle"}, Widths: []int{2, 4, 2}, Rows: u.evidenceNotes(e.Notes)})
	}
	return l
}

func (u *UI) evidenceFacts(entry audit.Entry, one row) [][]string {
	rec := entry.Record
	speak := func(p phrase) string { return p.in(u.translate("de")) }
	classes, found, duties := []string{}, []string{}, []string{}
	for _, c := range one.Classes {
		classes = append(classes, className(c))
	}
	for _, k := range kinds(rec.Screened) {
		found = append(found, fmt.Sprintf("%s (%d)", kindName(k), rec.Screened.Counts[k]))
	}
	for _, d := range fulfilledOf(rec) {
		duties = append(duties, dutyName(d.ID))
	}
	orNone := func(s []string) string {
		if len(s) == 0 {
			return "keine"
		}
		return strings.Join(s, ", ")
	}
	model := "nicht beteiligt"
	if one.Model != "" {
		model = one.Model + ", " + one.Place
	}
	wording := "nicht gespeichert"
	if rec.Kept != nil {
		wording = fmt.Sprintf("verschlüsselt verwahrt, %d Tage; nicht Teil dieses Nachweises", rec.Kept.Days)
	}
	rows := [][]string{
		{"Fachverfahren", one.System},
		{"Anwendungsfall", purposeName(rec.Purpose)},
		{"Leistung", u.serviceName(rec.Service)},
		{"Datenklassen", orNone(classes)},
		{"Erkannt", orNone(found)},
		{"Vor dem Versand ersetzt", fmt.Sprint(rec.Masked)},
		{"Modell", model},
		{"Versuche", strings.Join(evidenceAttempts(entry.Item, speak), "; ")},
		{"Erfüllte Auflagen", orNone(duties)},
		{"An der Anfrage geändert", evidenceChanges(rec, speak)},
		{"Regelstand", revisionOf(rec)},
		{"Wortlaut", wording},
		{"Aktenzeichen, pseudonym", string(rec.Case)},
		{"Person, pseudonym", string(rec.User)},
	}
	kept := rows[:0]
	for _, line := range rows {
		if line[1] != "" {
			kept = append(kept, line)
		}
	}
	return kept
}

// evidenceChanges is empty where the record does not say.
func evidenceChanges(rec gateway.Record, speak func(phrase) string) string {
	if rec.Changes == nil {
		return ""
	}
	var out []string
	for _, p := range changesOf(rec) {
		out = append(out, speak(p))
	}
	if len(out) == 0 {
		return "nichts"
	}
	return strings.Join(out, "; ")
}

func evidenceAttempts(i audit.Item, speak func(phrase) string) []string {
	if i.Closing == nil {
		return nil
	}
	var out []string
	for _, a := range i.Closing.Attempts {
		out = append(out, fmt.Sprintf("%s über %s: %s", a.Model, a.Endpoint, speak(attemptText(a.Code))))
	}
	return out
}

func evidenceProof(entry audit.Entry, e evidence) [][]string {
	seal := readSeal(e.Checkpoint)
	rows := [][]string{{"Eintrag Nr.", fmt.Sprint(entry.Open.Seq)}, {"Blatthash", entry.Open.Leaf}}
	if entry.Closed != nil {
		rows = append(rows, []string{"Abschluss Nr.", fmt.Sprint(entry.Closed.Seq)}, []string{"Blatthash des Abschlusses", entry.Closed.Leaf})
	}
	rows = append(rows, []string{"Prüfpunkt über", fmt.Sprintf("%d Einträge", seal.Size)}, []string{"Wurzel", seal.Root})
	for _, key := range e.PublicKeys {
		rows = append(rows, []string{"Öffentlicher Schlüssel", key})
	}
	return rows
}

func (u *UI) evidenceNotes(notes []audit.NotedAt) [][]string {
	rows := [][]string{}
	for _, n := range notes {
		text := n.Note.Text
		if n.Note.Reason != "" {
			text += " Begründung: " + n.Note.Reason
		}
		rows = append(rows, []string{n.Note.Time.In(u.zone).Format("02.01.2006 15:04:05"), text, roleNames(n.Note.Role, func(s string) string { return s })})
	}
	return rows
}

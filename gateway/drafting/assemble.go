// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/drafting/deadline"
	"github.com/ki-schleuse/schleuse/gateway/norms"
)

// Blocks that are not in a template.
const (
	blockHead    = "kopf"
	blockSubject = "betreff"
	blockRelease = "hinweis-freigabe"
)

// assemble makes the draft: facts, texts, letter, checks.
func (d *Drafter) assemble(ctx context.Context, tenant gateway.TenantID, in Input) (Draft, error) {
	profile, err := d.profile(ctx, tenant)
	if err != nil {
		return Draft{}, fmt.Errorf("profile of the authority: %w", err)
	}
	t, ok := choose(d.templates, in.Kind, in.Date)
	if !ok {
		return Draft{}, &gateway.Error{Op: "draft letter", Code: gateway.CodeNotFound, Path: "date", Message: "Für dieses Datum gibt es keine geprüfte Vorlage."}
	}
	id, err := d.id(in, profile, t)
	if err != nil {
		return Draft{}, err
	}
	a := assembly{in: in, template: t, register: d.register}
	a.profile, a.missing = profile.filled()
	draft := Draft{
		ID: id, Kind: in.Kind, Service: in.Service.ID, Regime: in.Service.Regime, Case: in.Case,
		Date: in.Date.Format(time.DateOnly), Template: TemplateRef{Version: t.Version, ValidFrom: t.ValidFrom},
	}
	if in.Report != nil {
		draft.ReportID = in.Report.ID
	}
	if in.Kind == KindRequest {
		if draft.Deadline, err = a.deadline(d.deadlines); err != nil {
			return Draft{}, err
		}
	}
	if err := a.letter(); err != nil {
		return Draft{}, err
	}
	draft.Letter, draft.Parts, draft.Missing = a.out, a.parts, a.missing
	draft.Template.ReleasedNote = a.releasedNote
	if draft.Letter.Attachment, err = attachment(draft, a.items); err != nil {
		return Draft{}, err
	}
	return d.Check(draft), nil
}

// assembly builds one letter.
type assembly struct {
	in           Input
	template     letterTemplate
	profile      Profile
	register     *norms.Register
	missing      []string
	data         letterData
	items        []Item
	out          document.Letter
	parts        []Part
	releasedNote string
	lastDay      time.Time
}

// deadline computes the fixed day on which everything has to be there.
func (a *assembly) deadline(engine *deadline.Engine) (*Deadline, error) {
	days := a.in.PeriodDays
	if days == 0 {
		days = a.in.Service.PeriodDays
	}
	if days == 0 {
		days = defaultPeriodDays
	}
	r, err := engine.FixedDay(a.in.Service.Regime.code(), a.profile.Land, a.in.Date, days)
	if err != nil {
		return nil, &gateway.Error{Op: "draft letter", Code: gateway.CodeInvalid, Path: "date", Err: err, Message: "Für dieses Datum und Land lässt sich keine Frist berechnen."}
	}
	a.lastDay = r.End
	return &Deadline{Date: r.End.Format(time.DateOnly), Days: days, Steps: r.Steps, Verified: r.Fiction.Verified, Source: r.Fiction.Source}, nil
}

// letter fills head and body.
func (a *assembly) letter() error {
	a.items = itemsOf(a.in, a.template)
	if a.in.Kind == KindRequest && !slices.ContainsFunc(a.items, func(i Item) bool { return !i.ByAuthority }) {
		return &gateway.Error{Op: "draft letter", Code: gateway.CodeInvalid, Path: "report.findings", Message: "Es gibt nichts nachzufordern: Der Bericht enthält keinen Punkt, nach dem gefragt werden soll."}
	}
	a.fillData()
	if err := a.head(); err != nil {
		return err
	}
	for _, b := range a.template.Blocks {
		applies, err := b.applies(a.in.Service.Regime, a.data)
		if err != nil {
			return err
		}
		if !applies {
			continue
		}
		if err := a.block(b); err != nil {
			return fmt.Errorf("block %s: %w", b.ID, err)
		}
	}
	return nil
}

// value returns the text, or a named placeholder that is noted as missing.
func (a *assembly) value(text, name string) string {
	if strings.TrimSpace(text) != "" {
		return text
	}
	if !slices.Contains(a.missing, name) {
		a.missing = append(a.missing, name)
	}
	return placeholder(name)
}

func (a *assembly) fillData() {
	in, notice := a.in, a.in.Service.Nature == "Anzeige"
	a.data = letterData{
		Service: in.Service.Title, Nominative: "Ihr Antrag", Accusative: "Ihren Antrag",
		Greeting: greeting(in.Recipient), Preserves: in.Service.Preserves, Via: in.Service.Via, Law: a.profile.law(),
		Case: a.value(in.Case, "Aktenzeichen"), Caseworker: a.value(in.Caseworker.Name, "Name der Sachbearbeitung"),
		Phone: cmp.Or(in.Caseworker.Phone, a.profile.Phone), Email: cmp.Or(in.Caseworker.Email, a.profile.Email),
		Profile: a.profile, application: !notice,
		own:       slices.ContainsFunc(a.items, func(i Item) bool { return i.ByAuthority }),
		sensitive: slices.Contains(in.Service.DataClasses, gateway.DataArt9),
		checked:   in.Report != nil, complete: in.Report != nil && in.Report.Complete,
	}
	if notice {
		a.data.Nominative, a.data.Accusative = "Ihre Anzeige", "Ihre Anzeige"
	}
	received := ""
	if !in.Received.IsZero() {
		received = deadline.Date(in.Received)
	}
	a.data.Received = a.value(received, "Eingangsdatum")
	if in.Kind == KindRequest {
		a.data.Deadline, a.data.DeadlineDate = deadline.Long(a.lastDay), deadline.Date(a.lastDay)
	} else {
		a.data.Duration = a.value(in.Duration, "voraussichtliche Bearbeitungsdauer")
	}
}

// greeting is neutral unless the form of address is known.
func greeting(r Recipient) string {
	title := strings.TrimSpace(r.AcademicTitle + " " + r.Last)
	switch {
	case r.Last == "":
		return "Sehr geehrte Damen und Herren,"
	case r.Salutation == "Frau":
		return "Sehr geehrte Frau " + title + ","
	case r.Salutation == "Herr":
		return "Sehr geehrter Herr " + title + ","
	}
	return "Guten Tag " + fullName(r) + ","
}

func fullName(r Recipient) string {
	return strings.Join(strings.Fields(r.AcademicTitle+" "+r.First+" "+r.Last), " ")
}

// head fills everything above the body.
func (a *assembly) head() error {
	in, p := a.in, a.profile
	subject, err := render(a.template.Subject, a.data)
	if err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	a.out = document.Letter{
		Lang: "de-DE", Title: subject, Author: p.Authority, Created: in.Date, Subject: subject, Draft: true,
		Letterhead: document.Letterhead{Authority: p.Authority, Department: p.Department, Lines: []string{p.Street, p.place()}},
		ReturnLine: p.Authority + ", " + p.Street + ", " + p.place(),
		Recipient:  a.address(), Info: a.info(), Footer: p.Footer,
	}
	for _, pl := range flatten(a.out) {
		part := Part{Path: pl.path, Block: blockHead, Text: pl.text, Fixed: true}
		switch {
		case pl.path == "subject":
			part.Block, part.Fixed, part.Mandatory = blockSubject, false, true
		case strings.HasPrefix(pl.path, "recipient"), strings.HasPrefix(pl.path, "info"):
			part.Mandatory = true
		}
		a.parts = append(a.parts, part)
	}
	return nil
}

func (a *assembly) address() []string {
	r := a.in.Recipient
	var lines []string
	for _, line := range []string{r.Company, strings.TrimSpace(r.Salutation + " " + fullName(r)), r.CareOf} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		lines = append(lines, a.value("", "Name der Empfängerin oder des Empfängers"))
	}
	lines = append(lines, a.value(r.Street, "Straße der Empfängerin oder des Empfängers"),
		a.value(strings.TrimSpace(r.Postcode+" "+r.City), "Ort der Empfängerin oder des Empfängers"))
	if r.Country != "" {
		lines = append(lines, strings.ToUpper(r.Country))
	}
	return lines
}

func (a *assembly) info() []document.Pair {
	in := a.in
	pairs := []document.Pair{}
	add := func(label, value string) {
		if value != "" {
			pairs = append(pairs, document.Pair{Label: label, Value: value})
		}
	}
	add("Ihr Zeichen", in.Reference)
	if !in.Received.IsZero() {
		add("Ihre Nachricht vom", deadline.Date(in.Received))
	}
	add("Unser Zeichen", a.data.Case)
	add("Bearbeitet von", a.data.Caseworker)
	add("Zimmer", in.Caseworker.Room)
	add("Telefon", a.data.Phone)
	add("E-Mail", a.data.Email)
	add("Datum", deadline.Date(in.Date))
	return pairs
}

// block adds one block of the template.
func (a *assembly) block(b blockTemplate) error {
	switch {
	case b.Heading != "":
		text, err := render(b.Heading, a.data)
		if err != nil {
			return err
		}
		a.append(document.Heading{Level: 2, Text: text}, Part{Block: b.ID, Citations: a.cites(text)})
		return nil
	case b.Items != "":
		a.list(b)
		return nil
	}
	if b.Release {
		a.releasedNote = b.Released
	}
	text, err := render(b.Text, a.data)
	if err != nil {
		return err
	}
	return a.text(b, text)
}

// text adds paragraphs and bulleted lists.
func (a *assembly) text(b blockTemplate, text string) error {
	facts := make([]Fact, 0, len(b.Must))
	for _, name := range b.Must {
		f, err := a.data.fact(name)
		if err != nil {
			return err
		}
		if !strings.Contains(text, f.Value) && !strings.Contains(strings.ReplaceAll(text, "**", ""), f.Value) {
			return fmt.Errorf("the text does not contain %s", name)
		}
		facts = append(facts, f)
	}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		part := Part{Block: b.ID, Mandatory: b.Mandatory, Fixed: b.Legal || b.Release, Legal: b.Legal, Must: facts, Citations: a.cites(paragraph)}
		if !strings.HasPrefix(paragraph, "- ") {
			p := inline(strings.ReplaceAll(paragraph, "\n", " "))
			p.KeepWithNext = b.Keep
			a.append(p, part)
			continue
		}
		var list document.List
		for line := range strings.SplitSeq(paragraph, "\n") {
			list.Items = append(list.Items, []document.Paragraph{inline(strings.TrimPrefix(line, "- "))})
		}
		a.append(list, part)
	}
	return nil
}

// append adds a block and its parts. A fact that must appear is required of
// every text of the block it stands in.
func (a *assembly) append(block document.Block, like Part) {
	path := fmt.Sprintf("body[%d]", len(a.out.Body))
	a.out.Body = append(a.out.Body, block)
	flattenBlock(path, block, func(path, text string) {
		part := like
		part.Path, part.Text, part.Must = path, text, present(text, like.Must)
		a.parts = append(a.parts, part)
	})
}

// cites are the citations of a text in canonical form.
func (a *assembly) cites(text string) []string {
	var list []string
	for _, c := range a.register.Parse(text) {
		if s := c.String(); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// inline turns "**strong**" into runs.
func inline(text string) document.Paragraph {
	var p document.Paragraph
	for i, piece := range strings.Split(text, "**") {
		if piece != "" {
			p.Runs = append(p.Runs, document.Run{Text: piece, Strong: i%2 == 1})
		}
	}
	return p
}

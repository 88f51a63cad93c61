// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/document"
)

// itemsOf collects what the letter is about: the report's findings that are to
// be asked, what the authority gets itself, then the caseworker's own items.
func itemsOf(in Input, t letterTemplate) []Item {
	var list []Item
	if in.Report != nil {
		for _, f := range in.Report.Findings {
			if f.Severity == completeness.SeverityAsk || f.ByAuthority && f.Severity != completeness.SeverityOfficial {
				list = addItem(list, itemOf(f, t.Reasons), f)
			}
		}
	}
	return append(list, in.Items...)
}

// addItem adds an item. What a document lacks is said where its evidence is
// asked for, so that the same thing is not asked for twice.
func addItem(list []Item, item Item, f completeness.Finding) []Item {
	for i := range list {
		if list[i].Requirement == item.Requirement && item.Requirement != "" && len(f.Evidence) > 0 {
			list[i].Why = f.Message
			return list
		}
	}
	return append(list, item)
}

func itemOf(f completeness.Finding, reasons map[string]string) Item {
	item := Item{
		Title: cmp.Or(f.Label, f.Message), Person: f.Person, Ask: f.Question, Why: cmp.Or(reasons[f.Code], f.Message),
		Basis: f.Basis, ByAuthority: f.ByAuthority, Requirement: f.Requirement,
	}
	if item.Title == item.Why {
		item.Why = ""
	}
	if !slices.Equal(f.Alternatives, []string{f.Label}) && !strings.Contains(f.Label, " oder ") {
		item.Alternatives = f.Alternatives
	}
	if f.Origin == "tenant" && len(f.Basis) == 0 {
		item.Basis = []string{"örtliche Satzung"}
	}
	return item
}

// itemText is one paragraph of an item with what has to stay in it.
type itemText struct {
	paragraph document.Paragraph
	must      []Fact
}

// list adds the numbered list of what is asked, or the list of what the
// authority gets itself.
func (a *assembly) list(b blockTemplate) {
	list := document.List{Ordered: b.Items == "ask"}
	path := fmt.Sprintf("body[%d]", len(a.out.Body))
	for _, item := range a.items {
		if item.ByAuthority == (b.Items == "ask") {
			continue
		}
		citations := a.supplied(item)
		var paragraphs []document.Paragraph
		for _, text := range a.itemTexts(item, b.Items == "ask") {
			a.parts = append(a.parts, Part{
				Path: fmt.Sprintf("%s.items[%d][%d]", path, len(list.Items), len(paragraphs)), Block: b.ID, Text: plain(text.paragraph),
				Mandatory: b.Mandatory, Must: text.must, Citations: citations,
			})
			paragraphs = append(paragraphs, text.paragraph)
		}
		for i := range paragraphs[:len(paragraphs)-1] {
			paragraphs[i].KeepWithNext = true
		}
		list.Items = append(list.Items, paragraphs)
	}
	a.out.Body = append(a.out.Body, list)
}

// itemTexts are the paragraphs of one item: what and for whom, what to do, why,
// what is accepted instead, on which basis.
func (a *assembly) itemTexts(item Item, ask bool) []itemText {
	title := document.Paragraph{Runs: []document.Run{{Text: item.Title, Strong: true}}}
	first := itemText{paragraph: title}
	if item.Person != "" {
		first.paragraph.Runs = append(first.paragraph.Runs, document.Run{Text: " – betrifft: " + item.Person})
		first.must = []Fact{{Kind: FactName, Value: item.Person}}
	}
	texts := []itemText{first}
	if ask {
		sentences := strings.TrimSpace(item.Ask + " " + item.Why)
		if sentences != "" {
			texts = append(texts, itemText{paragraph: document.Text(sentences), must: present(sentences, first.must)})
		}
		if accepted := accepted(item.Alternatives); accepted != "" {
			texts = append(texts, itemText{paragraph: document.Text(accepted)})
		}
	}
	if basis, facts := a.basis(item.Basis); basis != "" {
		texts = append(texts, itemText{paragraph: document.Paragraph{Runs: []document.Run{{Text: basis, Emph: true}}}, must: facts})
	}
	return texts
}

// present are the facts that a text mentions.
func present(text string, facts []Fact) []Fact {
	var list []Fact
	for _, f := range facts {
		if strings.Contains(text, f.Value) {
			list = append(list, f)
		}
	}
	return list
}

func accepted(alternatives []string) string {
	switch len(alternatives) {
	case 0:
		return ""
	case 1:
		return "Das genügt: " + alternatives[0] + "."
	}
	last := len(alternatives) - 1
	return "Eines davon genügt: " + strings.Join(alternatives[:last], ", ") + " oder " + alternatives[last] + "."
}

// basis writes the legal basis with the headings of the norms, so that people
// see what they are about.
func (a *assembly) basis(list []string) (string, []Fact) {
	var parts []string
	var facts []Fact
	for _, b := range list {
		citation := a.landLaw(b)
		facts = append(facts, Fact{Kind: FactNorm, Value: citation})
		if heading := a.heading(citation); heading != "" {
			citation += " (" + heading + ")"
		}
		parts = append(parts, citation)
	}
	if len(parts) == 0 {
		return "", nil
	}
	return "Rechtsgrundlage: " + strings.Join(parts, "; "), facts
}

func (a *assembly) heading(citation string) string {
	cites := a.register.Parse(citation)
	if len(cites) != 1 {
		return ""
	}
	e, _, ok := a.register.Entry(cites[0])
	if !ok || e.Repealed || strings.Contains(e.Heading, "§") {
		return ""
	}
	return e.Heading
}

// landLaw replaces the federal VwVfG by the law of the Land where the authority
// applies that one and the register knows the same place in it.
func (a *assembly) landLaw(basis string) string {
	law := a.profile.law()
	cites := a.register.Parse(basis)
	if law == "VwVfG" || len(cites) != 1 || cites[0].Law != "VwVfG" || cites[0].Text != basis {
		return basis
	}
	c := cites[0]
	c.Law = law
	if a.register.Lookup(c) != nil {
		return basis
	}
	return c.String()
}

// supplied are the citations an item may show: its own basis and what the check
// wrote about it.
func (a *assembly) supplied(item Item) []string {
	var list []string
	for _, b := range item.Basis {
		list = append(list, a.cites(a.landLaw(b))...)
	}
	if item.Requirement != "" {
		list = append(list, a.cites(strings.Join(append([]string{item.Title, item.Ask, item.Why}, item.Alternatives...), "\n"))...)
	}
	return list
}

// attachment is what a machine can read of the letter, without the recipient.
func attachment(d Draft, items []Item) (*document.Attachment, error) {
	data, err := json.MarshalIndent(map[string]any{
		"id": d.ID, "kind": d.Kind, "service": d.Service, "case": d.Case, "date": d.Date,
		"deadline": d.Deadline, "report_id": d.ReportID, "template": d.Template.Version, "items": items,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode attachment: %w", err)
	}
	return &document.Attachment{Name: string(d.Kind) + ".json", MediaType: "application/json", Description: "Angaben dieses Schreibens in maschinenlesbarer Form", Data: data}, nil
}

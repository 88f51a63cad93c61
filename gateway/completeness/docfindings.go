// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"fmt"
	"slices"
)

// documents lists what the documents were taken for and what is wrong with them.
func (b *builder) documents() {
	several := map[string]map[string]bool{}
	for _, p := range b.pieces {
		b.out.Documents = append(b.out.Documents, p.Document)
		if p.several {
			if several[p.ID] == nil {
				several[p.ID] = map[string]bool{}
			}
			several[p.ID][p.Type] = true
		}
	}
	told := map[string]bool{}
	for _, p := range b.pieces {
		if f, ok := b.documentFinding(p); ok && !told[p.ID+f.Code] {
			told[p.ID+f.Code] = true
			b.add(f)
		}
		if len(several[p.ID]) > 1 && !told[p.ID+codeMulti] {
			told[p.ID+codeMulti] = true
			b.add(b.about(p, codeMulti, SeverityHint, "Die Datei enthält mehrere Dokumente; sie wurden einzeln geprüft.", ""))
		}
	}
}

// documentFinding says what is wrong with one document, if anything is.
func (b *builder) documentFinding(p piece) (Finding, bool) {
	spec, known := b.types.get(p.Type)
	wanted, needed := b.wanted(p)
	switch {
	case p.assumed:
		b.unverifiable = true
		return b.about(p, codeNotVerifiable, SeverityOfficial, "Die Datei enthält keinen Text und wurde als "+spec.Label+" angenommen; bitte sehen Sie sie an.", ""), true
	case p.unreadable:
		f := b.about(p, p.code, b.severity(p), p.Problem, "Bitte reichen Sie das Dokument noch einmal in lesbarer und ungeschützter Form ein.")
		if p.Type == "" {
			f.Requirement = p.ID
		}
		return f, true
	case p.code == codeUnknownType:
		return b.about(p, codeUnknownType, SeverityHint, "Die Art des Dokuments wurde nicht erkannt; es wurde keinem Nachweis zugeordnet.", ""), true
	case p.Type != "" && !known:
		return b.about(p, codeUnknownType, SeverityHint, "Die angegebene Art des Dokuments ist nicht bekannt; es wurde keinem Nachweis zugeordnet.", ""), true
	case spec.Art9 && !needed:
		return b.about(p, codeArt9, SeverityOfficial, "Das Dokument enthält Gesundheitsdaten oder andere besondere Daten, um die nicht gebeten wurde; es sollte zurückgegeben oder gelöscht werden (Art. 9 DSGVO).", ""), true
	case !needed:
		return Finding{}, false
	case p.foreign && !b.verdict.anyOne[wanted.ID], p.foreignTo(b.people):
		return b.about(p, codeWrongPerson, b.severity(p), "Das Dokument betrifft eine Person, die im Antrag nicht genannt ist.", fmt.Sprintf("Bitte reichen Sie den Nachweis „%s“ für die richtige Person ein.", wanted.Label)), true
	case p.code == codeWrongPeriod && p.is(paySlip):
		return b.about(p, p.code, b.severity(p), "Die Abrechnungen decken nicht zwölf aufeinanderfolgende Monate bis zur Antragstellung ab.", fmt.Sprintf("Bitte reichen Sie die fehlenden Monate nach (%s).", wanted.Label)), true
	case p.code != "":
		return b.about(p, p.code, b.severity(p), p.Problem, fmt.Sprintf("Bitte reichen Sie einen gültigen Nachweis „%s“ ein.", wanted.Label)), true
	case len(p.unproven) > 0:
		b.unverifiable = true
		return b.about(p, codeNotVerifiable, SeverityOfficial, "Auf dem Dokument fehlt eine lesbare Angabe, von der eine Regel abhängt; bitte sehen Sie es an.", ""), true
	case wanted.ForEach != "" && p.person == "":
		return b.about(p, codeUnassigned, SeverityHint, "Das Dokument konnte keiner Person zugeordnet werden.", ""), true
	}
	return Finding{}, false
}

// foreignTo says whether the caller named a person the application does not have.
func (p *piece) foreignTo(who people) bool {
	return p.trusted && p.person != "" && len(who.persons) > 0 && who.persons[0].key != "" &&
		!slices.ContainsFunc(who.persons, func(x person) bool { return x.key == p.person })
}

// wanted returns the requirement the document would serve.
func (b *builder) wanted(p piece) (Requirement, bool) {
	types := p.types
	if p.Type == paySlip {
		types = append(slices.Clone(types), paySlips)
	}
	for _, n := range b.needs() {
		if slices.ContainsFunc(types, n.wants) {
			return n.Requirement, true
		}
	}
	return Requirement{}, false
}

// severity of a problem with a document: it is asked about only when what it
// should prove is still open.
func (b *builder) severity(p piece) Severity {
	types := p.types
	if p.Type == paySlip {
		types = append(slices.Clone(types), paySlips)
	}
	for _, n := range b.open {
		if n.Severity != SeverityHint && (p.Type == "" || slices.ContainsFunc(types, n.wants)) {
			return SeverityAsk
		}
	}
	return SeverityHint
}

// about is a finding on a document.
func (b *builder) about(p piece, code string, s Severity, message, question string) Finding {
	spec, _ := b.types.get(p.Type)
	f := Finding{Requirement: p.ID, Code: code, Severity: s, Message: message, Question: question, Label: spec.Label, Person: p.Person, Origin: "law", Confidence: p.confidence}
	if r, ok := b.wanted(p); ok {
		f.Requirement, f.Basis, f.Origin = r.ID, r.Basis, r.Origin
		if r.ForEach != "" && p.person != "" {
			f.Requirement += ":" + p.person
		}
	}
	if code == codeArt9 {
		f.Basis, f.Origin = []string{"Art. 9 Abs. 1 DSGVO"}, "law"
	}
	if p.ocr {
		f.Source = "ocr"
	}
	e := Evidence{Document: p.ID}
	e.Page, e.Quote = p.quoteOf(quoted(code)...)
	f.Evidence = []Evidence{e}
	return f
}

// quoted are the fields whose printed line shows what is the case.
func quoted(code string) []string {
	switch code {
	case codeWrongPerson:
		return []string{"arbeitnehmer", "person", "mieter", "kontoinhaber", "vollmachtgeber", "verpflichteter", "hauptmieter"}
	case "expired":
		return []string{"gueltig_bis"}
	case codeWrongPeriod:
		return []string{"zeitraum"}
	}
	return nil
}

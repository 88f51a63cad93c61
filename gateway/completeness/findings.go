// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Codes of findings.
const (
	codeMissingField    = "missing_field"
	codeInvalidField    = "invalid_field"
	codeMissingEvidence = "missing_evidence"
	codeRule            = "rule"
	codeUnknownField    = "unknown_field"
	codeUnknownType     = "unknown_type"
	codeUnreadable      = "unreadable"
	codeNotVerifiable   = "not_verifiable"
	codeNoRules         = "no_rules_for_date"
	codeWrongPerson     = "wrong_person"
	codeUnassigned      = "unassigned_person"
	codeWrongPeriod     = "wrong_period"
	codeMulti           = "multi_document"
	codeArt9            = "art9_unrequested"
)

// builder turns what was found into a report.
type builder struct {
	service  *compiled
	types    *documentTypes
	prepared *prepared
	params   map[string]any
	people   people
	pieces   []piece
	verdict  verdict
	day      string

	out          Report
	unverifiable bool
	open         []need // requirements that are not satisfied
}

// need is one requirement for one person ("" for none).
type need struct {
	Requirement
	item string
}

func (n need) id() string {
	if n.item == "" {
		return n.ID
	}
	return n.ID + ":" + n.item
}

func (b *builder) report(unknownParams []string) Report {
	s := b.service
	b.out = Report{
		Service: s.ID, ServiceVersion: s.Version, RulesSHA256: s.RulesSHA256, Date: b.day,
		MissingFields: []string{}, InvalidFields: []InvalidField{}, MissingEvidence: []string{},
		Findings: []Finding{}, Documents: []Document{}, DecisionIDs: []string{},
	}
	b.validity()
	b.fields()
	b.invalid()
	b.evidence()
	b.rules()
	b.documents()
	b.unknown(append(slices.Clone(b.prepared.unknown), unknownParams...))
	b.conclude()
	return b.out
}

// conclude sets the status. Complete is only what nothing speaks against.
func (b *builder) conclude() {
	r := &b.out
	asks := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == SeverityAsk })
	absent := len(r.MissingFields)+len(r.MissingEvidence) > 0
	r.Complete = !absent && !asks && len(r.InvalidFields) == 0 && !b.unverifiable
	switch {
	case r.Complete:
		r.Status = StatusComplete
	case b.unverifiable:
		r.Status = StatusUnverifiable
	case absent:
		r.Status = StatusIncomplete
	default:
		r.Status = StatusUnclear
	}
}

// add gives the finding its id and puts it into the report.
func (b *builder) add(f Finding) {
	if f.Basis == nil {
		f.Basis = []string{}
	}
	if f.Evidence == nil {
		f.Evidence = []Evidence{}
	}
	if f.Source == "" {
		f.Source = "rule"
	}
	if f.Confidence == 0 {
		f.Confidence = 1
	}
	parts := []string{string(b.service.ID), b.service.Version, b.day, f.Requirement, f.Code}
	for _, e := range f.Evidence {
		parts = append(parts, e.Document, e.Path)
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	f.ID = "f_" + hex.EncodeToString(sum[:8])
	b.out.Findings = append(b.out.Findings, f)
}

func (b *builder) validity() {
	if b.service.On(b.day) {
		return
	}
	b.unverifiable = true
	b.add(Finding{
		Requirement: "date", Code: codeNoRules, Severity: SeverityOfficial,
		Message:  "Für das Datum des Falls liegt kein geprüftes Regelwerk vor; bitte prüfen Sie den Antrag von Hand.",
		Evidence: []Evidence{{Path: b.service.DateField}},
	})
}

func (b *builder) fields() {
	for _, f := range b.service.Fields {
		needed := f.Required == Always || f.Required == Conditional && b.verdict.fields[f.ID]
		value := at(b.prepared.tree, f.ID)
		if f.On(b.day) && needed && missing(value) && !b.prepared.isInvalid(f.ID) {
			b.missingField(f, f.ID, "")
		}
		for _, item := range list(value) {
			o, _ := item.(map[string]any)
			key, _ := o[keyOf].(string)
			for _, i := range f.Items {
				path := f.ID + "[" + key + "]." + i.ID
				if i.Required == Always && i.On(b.day) && missing(o[i.ID]) && !b.prepared.isInvalid(path) {
					b.missingField(i, path, key)
				}
			}
		}
	}
}

func (b *builder) missingField(f Field, path, key string) {
	b.out.MissingFields = append(b.out.MissingFields, path)
	person := b.people.display(key)
	b.add(Finding{
		Requirement: path, Code: codeMissingField, Severity: SeverityAsk,
		Message: fmt.Sprintf("Die Angabe „%s“%s fehlt.", f.Label, forPerson(person)), Question: askField(f, person),
		Label: f.Label, Person: person, Basis: f.Basis, Origin: f.Origin, Evidence: []Evidence{{Path: path}},
	})
}

func forPerson(person string) string {
	if person == "" {
		return ""
	}
	return " für " + person
}

func askField(f Field, person string) string {
	if f.Question != "" {
		return f.Question
	}
	if strings.HasSuffix(f.Label, "?") {
		return fmt.Sprintf("Bitte beantworten Sie die Frage „%s“%s.", f.Label, forPerson(person))
	}
	return fmt.Sprintf("Bitte ergänzen Sie die Angabe „%s“%s.", f.Label, forPerson(person))
}

func (b *builder) invalid() {
	for _, i := range b.prepared.invalid {
		b.out.InvalidFields = append(b.out.InvalidFields, i)
		f, key := b.fieldAt(i.Path)
		label := f.Label
		if label == "" {
			label = i.Path
		}
		b.add(Finding{
			Requirement: i.Path, Code: codeInvalidField, Severity: SeverityAsk,
			Message: fmt.Sprintf("Die Angabe „%s“ ist nicht verwendbar. %s", label, i.Reason), Question: fmt.Sprintf("Bitte prüfen Sie die Angabe „%s“ und machen Sie sie noch einmal.", label),
			Label: label, Person: b.people.display(key), Basis: f.Basis, Origin: f.Origin, Evidence: []Evidence{{Path: i.Path}},
		})
	}
}

// fieldAt finds the field of a shown path such as haushalt[p3].geschlecht.
func (b *builder) fieldAt(path string) (f Field, key string) {
	plain, rest, found := strings.Cut(path, "[")
	if found {
		k, item, _ := strings.Cut(rest, "]")
		plain, key = plain+item, k
	}
	f, _ = b.service.Field(plain)
	return f, key
}

func (b *builder) evidence() {
	for _, n := range b.needs() {
		if satisfied(n.Requirement, n.item, b.verdict.anyOne[n.ID], b.pieces) {
			continue
		}
		b.open = append(b.open, n)
		if n.Severity == "" {
			n.Severity = SeverityAsk
		}
		if n.Severity == SeverityAsk {
			b.out.MissingEvidence = append(b.out.MissingEvidence, n.id())
			b.unverifiable = b.unverifiable || b.mayBeUnread(n)
		}
		b.add(b.missingEvidence(n))
	}
}

func (b *builder) missingEvidence(n need) Finding {
	person := b.people.display(n.item)
	question := n.Question
	if question == "" {
		question = fmt.Sprintf("Bitte reichen Sie ein%s: %s.", forPerson(person), n.Label)
	}
	f := Finding{
		Requirement: n.id(), Code: codeMissingEvidence, Severity: n.Severity,
		Message: fmt.Sprintf("Es fehlt%s: %s.", forPerson(person), n.Label), Question: question,
		Label: n.Label, Person: person, Basis: n.Basis, Origin: n.Origin, ByAuthority: n.ByAuthority,
	}
	if len(n.Accepts) == 1 {
		return f // nothing else would do
	}
	for _, a := range n.Accepts {
		f.Alternatives = append(f.Alternatives, b.types.labels(a))
	}
	return f
}

// needs are the requirements of this case in the order of the definition.
func (b *builder) needs() []need {
	var out []need
	for _, r := range b.service.Evidence {
		if !r.On(b.day) {
			continue
		}
		if r.Required == Always {
			out = append(out, need{r, ""})
			continue
		}
		items := b.verdict.evidence[r.ID]
		for _, key := range b.people.order(items) {
			out = append(out, need{r, key})
		}
	}
	return out
}

// mayBeUnread says whether a document that could not be read might be what is
// missing.
func (b *builder) mayBeUnread(n need) bool {
	return slices.ContainsFunc(b.pieces, func(p piece) bool {
		return p.unreadable && (p.Type == "" || n.wants(p.Type))
	})
}

func (b *builder) rules() {
	for _, r := range b.service.Rules {
		if !r.On(b.day) {
			continue
		}
		if absent := b.absentParams(r); len(absent) > 0 {
			b.unverifiable = true
			b.add(Finding{
				Requirement: r.ID, Code: codeNotVerifiable, Severity: SeverityOfficial,
				Message: fmt.Sprintf("Diese Regel konnte nicht geprüft werden, weil der Wert „%s“ nicht hinterlegt ist.", strings.Join(absent, "“, „")),
				Basis:   r.Basis, Origin: r.Origin,
			})
			continue
		}
		paths, violated := b.verdict.violated[r.ID]
		if !violated {
			continue
		}
		f := Finding{Requirement: r.ID, Code: codeRule, Severity: r.Severity, Message: r.Message, Question: r.Question, Basis: r.Basis, Origin: r.Origin}
		b.places(&f, paths)
		b.add(f)
	}
}

// places attaches fields and documents a rule names. Documents are written
// "document:<id>".
func (b *builder) places(f *Finding, paths []string) {
	slices.Sort(paths)
	var names []string
	for _, p := range slices.Compact(paths) {
		if id, ok := strings.CutPrefix(p, "document:"); ok {
			f.Evidence = append(f.Evidence, Evidence{Document: id})
			continue
		}
		f.Evidence = append(f.Evidence, Evidence{Path: p})
		if _, key := b.fieldAt(p); key != "" {
			names = append(names, b.people.display(key))
		}
	}
	f.Person = strings.Join(slices.Compact(names), "; ")
}

func (b *builder) absentParams(r Rule) []string {
	var out []string
	for _, id := range r.Params {
		if _, ok := b.params[id]; ok {
			continue
		}
		for _, p := range b.service.Params {
			if p.ID == id {
				out = append(out, p.Label)
			}
		}
	}
	return out
}

func (b *builder) unknown(paths []string) {
	for _, p := range paths {
		b.add(Finding{
			Requirement: p, Code: codeUnknownField, Severity: SeverityHint,
			Message: fmt.Sprintf("Die Angabe „%s“ ist für diese Leistung nicht vorgesehen und wurde nicht geprüft.", p), Evidence: []Evidence{{Path: p}},
		})
	}
}

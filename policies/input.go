// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Bounds of one input.
const (
	maxIdent  = 100
	maxModels = 1000
	maxInput  = 512 << 10
)

// facts is what a Question becomes: the only place where it is said what policies
// and records see. Facts and counts, no text, no file number, no person. Every
// list is accompanied by its length, so that a lost element cannot open a check.
type facts struct {
	question       gateway.Question
	date, caseDate string
	total          int
	kinds          []gateway.FindingKind
	models         *modelSet
	passages       passageFacts
}

type passageFacts struct {
	count, unclassified int
	classes             []gateway.DataClass
}

func questionFacts(q gateway.Question) (facts, error) { return factsWith(q, newModelSet) }

// factsWith are the facts of a question, with the candidates as set makes them.
func factsWith(q gateway.Question, set func([]gateway.ModelCard) *modelSet) (facts, error) {
	r := q.Request
	switch {
	case r.Time.IsZero():
		return facts{}, errors.New("the request has no time")
	case len(q.Models) > maxModels:
		return facts{}, fmt.Errorf("%d models", len(q.Models))
	case q.Screened.Unscreenable < 0:
		return facts{}, errors.New("a negative number of parts that cannot be screened")
	}
	f := facts{question: q, date: r.Time.Format(time.DateOnly), models: set(q.Models), passages: factsOf(q.Passages)}
	f.caseDate = f.date
	if !r.CaseDate.IsZero() {
		f.caseDate = r.CaseDate.Format(time.DateOnly)
	}
	for kind, n := range q.Screened.Counts {
		if n < 0 {
			return facts{}, errors.New("a negative number of findings")
		}
		f.kinds = append(f.kinds, kind)
		f.total += n
	}
	// By what is written, then by what was meant: two kinds that are both written
	// as "invalid" stand in the same order every time.
	slices.SortFunc(f.kinds, func(a, b gateway.FindingKind) int {
		return cmp.Or(cmp.Compare(ident(a), ident(b)), cmp.Compare(a, b))
	})
	return f, nil
}

// modelFacts are the candidates in the order of their ids; of two with the same
// id the last one counts (and the number of models tells that one is missing).
func modelFacts(models []gateway.ModelCard) []*gateway.ModelCard {
	ordered := make([]*gateway.ModelCard, len(models))
	for i := range models {
		ordered[i] = &models[i]
	}
	slices.SortStableFunc(ordered, func(a, b *gateway.ModelCard) int { return cmp.Compare(text(a.ID), text(b.ID)) })
	out := ordered[:0]
	for i, m := range ordered {
		if i+1 == len(ordered) || text(ordered[i+1].ID) != text(m.ID) {
			out = append(out, m)
		}
	}
	return out
}

func factsOf(passages []gateway.Passage) passageFacts {
	f := passageFacts{count: len(passages)}
	for _, p := range passages {
		if len(p.Class) == 0 {
			f.unclassified++
		}
		f.classes = append(f.classes, p.Class...)
	}
	slices.Sort(f.classes)
	f.classes = slices.Compact(f.classes)
	return f
}

// writer takes facts down, as an AST or as JSON. Keys come in order. Keys, texts
// and elements are words without anything to escape; only an id may be any text.
type writer interface {
	open(key string)
	openID(id string)
	models(set *modelSet)
	shut()
	text(key, value string)
	flag(key string, value bool)
	number(key string, value int)
	list(key string)
	element(value string)
	endList()
}

// write hands the facts to a writer, keys in order, so that JSON is canonical.
// Quantities go through count, which may make them coarser.
func (f *facts) write(w writer, count func(int) int) {
	q := &f.question
	r := &q.Request
	w.open("")
	writeAutomation(w, r.Automation)
	writeCaller(w, &r.Caller)
	w.text("case_date", f.caseDate)
	writeIdents(w, "chain", r.Chain)
	w.number("chain_count", len(r.Chain))
	w.text("date", f.date)
	writeIdents(w, "declared", r.DataClass)
	w.number("declared_count", len(r.DataClass))
	w.number("entities", count(len(r.Entities)))
	writeIdents(w, "fields", r.Fields)
	w.number("fields_count", len(r.Fields))
	w.flag("has_case", r.Case != "")
	w.flag("has_service", r.Service != "")
	w.models(f.models)
	w.number("models_count", len(q.Models))
	writeIdents(w, "named_sources", r.Sources)
	w.number("named_sources_count", len(r.Sources))
	w.text("operation", ident(r.Operation))
	w.open("passages")
	writeIdents(w, "classes", f.passages.classes)
	w.number("classes_count", len(f.passages.classes))
	w.number("count", count(f.passages.count))
	w.number("unclassified", count(f.passages.unclassified))
	w.shut()
	w.text("purpose", ident(r.Purpose))
	writeRuling(w, r.Ruling)
	f.writeScreened(w, count)
	w.text("service", ident(r.Service))
	w.number("sources", count(len(r.Sources)))
	w.text("stage", ident(q.Stage))
	w.shut()
}

// writeAutomation: without a word about it a case is neither complete nor automatic.
func writeAutomation(w writer, a *gateway.Automation) {
	said := gateway.Automation{FreeText: true}
	if a != nil {
		said = *a
	}
	w.open("automation")
	w.flag("complete", said.Complete)
	w.flag("free_text", said.FreeText)
	w.flag("requested", a != nil)
	w.shut()
}

// writeRuling says that there is a decision of a person, never what it is.
func writeRuling(w writer, r *gateway.Ruling) {
	said := gateway.Ruling{Burdening: true}
	if r != nil {
		said = *r
	}
	w.open("ruling")
	w.flag("burdening", said.Burdening)
	w.text("hearing", ident(said.Hearing))
	w.flag("made", said.Tenor != "")
	w.shut()
}

func writeCaller(w writer, c *gateway.Caller) {
	w.open("caller")
	w.text("channel", ident(c.Channel))
	w.flag("has_system", c.System != "")
	w.flag("has_user", c.User != "")
	writeIdents(w, "purposes", c.Purposes)
	w.number("purposes_count", len(c.Purposes))
	writeIdents(w, "roles", c.Roles)
	w.text("system", ident(c.System))
	w.text("tenant", ident(c.Tenant))
	w.shut()
}

func (f *facts) writeScreened(w writer, count func(int) int) {
	s := &f.question.Screened
	w.open("screened")
	writeIdents(w, "categories", s.Categories)
	w.number("categories_count", len(s.Categories))
	w.open("counts")
	for i, kind := range f.kinds {
		if i+1 < len(f.kinds) && ident(kind) == ident(f.kinds[i+1]) {
			continue
		}
		w.number(ident(kind), count(s.Counts[kind]))
	}
	w.shut()
	w.number("total", count(f.total))
	w.number("unscreenable", count(s.Unscreenable))
	w.shut()
}

func writeModels(w writer, models []*gateway.ModelCard) {
	w.open("models")
	for _, m := range models {
		writeModel(w, m)
	}
	w.shut()
}

// writeModel keys a candidate by id. References of contracts become yes or no: a
// rule asks whether there is one, never which.
func writeModel(w writer, m *gateway.ModelCard) {
	w.openID(text(m.ID))
	w.flag("art9", m.Art9)
	w.text("country", ident(m.Country))
	writeIdents(w, "data_classes", m.DataClasses)
	w.flag("has_contract", m.Contract != "")
	w.flag("has_para80_notice", m.Para80Notice != "")
	writeIdents(w, "operations", m.Operations)
	w.flag("para30_ao", m.Para30AO)
	w.text("para80_ground", ident(m.Para80Ground))
	w.text("processor_kind", ident(m.ProcessorKind))
	w.text("residency", ident(m.Residency))
	w.flag("trains_on_input", m.TrainsOnInput)
	w.shut()
}

func writeIdents[S ~string](w writer, key string, values []S) {
	w.list(key)
	for _, v := range values {
		w.element(ident(v))
	}
	w.endList()
}

func exact(n int) int { return n }

// presence is what is left of a quantity when only nothing and something differ.
func presence(n int) int { return min(n, 1) }

// canonical is the policy input as recorded, in JSON.
func (f *facts) canonical() []byte {
	w := jsonWriter{out: make([]byte, 0, 1024+len(f.models.json))}
	f.write(&w, exact)
	return w.out
}

// counted says that a quantity is more than presence tells. No kind of finding
// is more than their total, no unclassified passages more than the passages.
func (f *facts) counted() bool {
	q := &f.question
	return max(len(q.Request.Entities), len(q.Request.Sources), f.passages.count, f.total, q.Screened.Unscreenable) > 1
}

// recordedInput reads a Decision.Input back.
func recordedInput(raw []byte) (ast.Object, gateway.Stage, error) {
	if len(raw) > maxInput {
		return nil, "", errors.New("input too large")
	}
	v, err := ast.ValueFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, "", err
	}
	object, ok := v.(ast.Object)
	if !ok {
		return nil, "", errors.New("input is not an object")
	}
	if err := checkNumbers(object); err != nil {
		return nil, "", err
	}
	stage, _ := stringField(object, "stage")
	return object, gateway.Stage(stage), nil
}

// checkNumbers refuses numbers no input has: 1e999999999 is short to write and
// takes a built-in function minutes to round.
func checkNumbers(v ast.Value) error {
	var err error
	ast.WalkTerms(v, func(t *ast.Term) bool {
		if n, ok := t.Value.(ast.Number); ok && (len(n) > 18 || strings.ContainsAny(string(n), "eE")) {
			err = errors.New("a number is out of range")
		}
		return err != nil
	})
	return err
}

// invalidIdent stands for what is no identifier.
const invalidIdent = "invalid"

// ident keeps identifiers and turns anything else into "invalid": a header is
// foreign input, and nobody's name may reach a record through it.
func ident[S ~string](s S) string {
	if len(s) > maxIdent {
		return invalidIdent
	}
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("_-./:()", c) < 0 {
			return invalidIdent
		}
	}
	return string(s)
}

// text keeps an operator's own word, such as a model id, as valid UTF-8.
func text[S ~string](s S) string { return strings.ToValidUTF8(string(s), "�") }

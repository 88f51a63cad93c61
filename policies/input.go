// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
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

// questionInput is the only place where a Question becomes what Rego sees: facts
// and counts, no text, no file number, no person. Every list is accompanied by
// its length, so that a lost element cannot open a check.
func questionInput(q gateway.Question) (ast.Value, error) {
	r := q.Request
	if r.Time.IsZero() {
		return nil, errors.New("the request has no time")
	}
	if len(q.Models) > maxModels {
		return nil, fmt.Errorf("%d models", len(q.Models))
	}
	caseDate := r.CaseDate
	if caseDate.IsZero() {
		caseDate = r.Time
	}
	return object(
		"stage", ident(q.Stage),
		"date", date(r.Time),
		"case_date", date(caseDate),
		"caller", callerInput(r.Caller),
		"operation", ident(r.Operation),
		"purpose", ident(r.Purpose),
		"service", ident(r.Service),
		"has_service", yesNo(r.Service != ""),
		"has_case", yesNo(r.Case != ""),
		"entities", number(len(r.Entities)),
		"sources", number(len(r.Sources)),
		"declared", idents(r.DataClass),
		"declared_count", number(len(r.DataClass)),
		"screened", screenedInput(q.Screened),
		"models", modelsInput(q.Models),
		"models_count", number(len(q.Models)),
		"passages", passagesInput(q.Passages),
	), nil
}

func callerInput(c gateway.Caller) ast.Value {
	return object(
		"tenant", ident(c.Tenant),
		"system", ident(c.System),
		"has_system", yesNo(c.System != ""),
		"has_user", yesNo(c.User != ""),
		"channel", ident(c.Channel),
		"roles", idents(c.Roles),
		"purposes", idents(c.Purposes),
		"purposes_count", number(len(c.Purposes)),
	)
}

func screenedInput(s gateway.Screened) ast.Value {
	counts := ast.NewObject()
	for kind, n := range s.Counts {
		counts.Insert(ast.NewTerm(ident(kind)), ast.NewTerm(number(n)))
	}
	return object(
		"counts", counts,
		"total", number(s.Total()),
		"categories", idents(s.Categories),
		"categories_count", number(len(s.Categories)),
		"unscreenable", number(s.Unscreenable),
	)
}

// modelsInput keys the candidates by id. References of contracts become yes or
// no: a rule asks whether there is one, never which.
func modelsInput(models []gateway.ModelCard) ast.Value {
	out := ast.NewObject()
	for _, m := range models {
		out.Insert(ast.NewTerm(text(string(m.ID))), ast.NewTerm(object(
			"residency", ident(m.Residency),
			"country", ident(m.Country),
			"processor_kind", ident(m.ProcessorKind),
			"has_contract", yesNo(m.Contract != ""),
			"has_para80_notice", yesNo(m.Para80Notice != ""),
			"para30_ao", yesNo(m.Para30AO),
			"art9", yesNo(m.Art9),
			"trains_on_input", yesNo(m.TrainsOnInput),
			"data_classes", idents(m.DataClasses),
			"operations", idents(m.Operations),
		)))
	}
	return out
}

func passagesInput(passages []gateway.Passage) ast.Value {
	var classes []gateway.DataClass
	unclassified := 0
	for _, p := range passages {
		if len(p.Class) == 0 {
			unclassified++
		}
		classes = append(classes, p.Class...)
	}
	slices.Sort(classes)
	classes = slices.Compact(classes)
	return object(
		"count", number(len(passages)),
		"classes", idents(classes),
		"classes_count", number(len(classes)),
		"unclassified", number(unclassified),
	)
}

// recordedInput reads a Decision.Input back.
func recordedInput(raw []byte) (ast.Value, gateway.Stage, error) {
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

func object(pairs ...any) ast.Object {
	terms := make([][2]*ast.Term, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		//nolint:forcetypeassert // every pair is written out in this file
		terms = append(terms, [2]*ast.Term{ast.InternedTerm(pairs[i].(string)), ast.NewTerm(pairs[i+1].(ast.Value))})
	}
	return ast.NewObject(terms...)
}

func idents[S ~string](values []S) ast.Value {
	terms := make([]*ast.Term, len(values))
	for i, v := range values {
		terms[i] = ast.NewTerm(ident(v))
	}
	return ast.NewArray(terms...)
}

// ident keeps identifiers and turns anything else into "invalid": a header is
// foreign input, and nobody's name may reach a record through it.
func ident[S ~string](s S) ast.Value {
	if len(s) > maxIdent {
		return ast.String("invalid")
	}
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("_-./:()", rune(c)) {
			return ast.String("invalid")
		}
	}
	return ast.String(s)
}

// text keeps an operator's own word, such as a model id, as valid UTF-8.
func text(s string) ast.Value {
	return ast.String(strings.ToValidUTF8(s, "�"))
}

func date(t time.Time) ast.Value { return ast.String(t.Format(time.DateOnly)) }

func yesNo(b bool) ast.Value { return ast.Boolean(b) }

func number(n int) ast.Value { return ast.InternedTerm(n).Value }

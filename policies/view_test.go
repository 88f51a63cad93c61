// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/gateway"
)

func contextEnded(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx, cancel
}

// TestOneView: the two ways to a view meet, and both ways to canonical JSON.
func TestOneView(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	s := e.active.Load()
	for _, c := range g.cases {
		f, err := questionFacts(c.question)
		if err != nil {
			t.Fatal(err)
		}
		canonical := f.canonical()
		recorded, _, err := recordedInput(canonical)
		if err != nil {
			t.Fatal(err)
		}
		if again := canonicalJSON(recorded); !bytes.Equal(again, canonical) {
			t.Errorf("%s: canonical input is %s, read back %s", c.name(), canonical, again)
		}
		fromQuestion, err := s.questionView(t.Context(), &f, canaryTimeout)
		if err != nil {
			t.Fatal(err)
		}
		fromRecord, err := s.recordedView(t.Context(), recorded, canaryTimeout)
		if err != nil {
			t.Fatal(err)
		}
		if fromQuestion.Compare(fromRecord) != 0 {
			t.Errorf("%s: asked %v, replayed %v", c.name(), fromQuestion, fromRecord)
		}
	}
}

// TestQuantitiesDoNotMatter asks the golden questions with the rules seeing exact
// quantities: with more of what there is, the decisions are the same. So the
// manifest may say that presence is enough.
func TestQuantitiesDoNotMatter(t *testing.T) {
	t.Parallel()
	manifest, err := fs.ReadFile(Library(), "manifest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, g := corpus(t)
	c := g.config(bundleWith(t, map[string]string{"manifest.yaml": strings.Replace(string(manifest), "\nquantities: presence", "\nquantities: exact", 1)}))
	e, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if e.active.Load().coarse {
		t.Fatal("the rules still see presence only")
	}
	for _, c := range g.cases {
		want := mustDecide(t, e, c.question)
		got := mustDecide(t, e, moreOf(c.question))
		got.Input, want.Input = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: with more of the same %s %v, was %s %v", c.name(), got.Effect, ruleIDs(got), want.Effect, ruleIDs(want))
		}
	}
}

// moreOf multiplies whatever can be counted and is not a list of words.
func moreOf(q gateway.Question) gateway.Question {
	counts := map[gateway.FindingKind]int{}
	for kind, n := range q.Screened.Counts {
		counts[kind] = n * 9
	}
	q.Screened.Counts = counts
	q.Screened.Unscreenable *= 4
	for range 2 {
		q.Request.Entities = append(q.Request.Entities, q.Request.Entities...)
		q.Request.Sources = append(q.Request.Sources, q.Request.Sources...)
		q.Passages = append(q.Passages, q.Passages...)
	}
	return q
}

func TestOtherNamesOfPurposes(t *testing.T) {
	t.Parallel()
	e, _ := corpus(t)
	q := canaryQuestion()
	q.Request.Caller.Tenant = "musterstadt"
	q.Request.Purpose, q.Request.Caller.Purposes = "transcribe_summary", []gateway.Purpose{"transcribe"}
	d := mustDecide(t, e, q)
	if !d.Allowed() || !bytes.Contains(d.Input, []byte(`"purpose":"transcribe_summary"`)) {
		t.Errorf("%s %v, recorded %s", d.Effect, ruleIDs(d), d.Input)
	}
	q.Request.Purpose, q.Request.Caller.Purposes = "transcribe", []gateway.Purpose{"transcribe_summary"}
	if d := mustDecide(t, e, q); !d.Allowed() {
		t.Errorf("%s %v", d.Effect, ruleIDs(d))
	}
}

func TestRulesAskOnlyWhatIsAnswered(t *testing.T) {
	t.Parallel()
	_, err := New(t.Context(), Config{FS: bundleWith(t, map[string]string{
		"rego/tenant/probe/probe.rego": ruleSource("TEN-900", "reject contains id if some id in (input.candidates.ids - input.candidates.invented)"),
	})})
	if err == nil || !strings.Contains(err.Error(), "invented") {
		t.Errorf("a rule that asks for a set that does not exist: %v", err)
	}
}

func TestWellFormed(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	good := string(mustDecide(t, e, benchQuestion(g)).Input)
	cases := map[string][2]string{
		"lost element":          {`"declared_count":0`, `"declared_count":1`},
		"unknown stage":         {`"stage":"request"`, `"stage":"later"`},
		"negative number":       {`"unscreenable":0`, `"unscreenable":-1`},
		"fraction":              {`"unscreenable":0`, `"unscreenable":0.5`},
		"exponent":              {`"sources":0`, `"sources":1e1`},
		"no date":               {`"case_date":"2026-11-21"`, `"case_date":"yesterday"`},
		"no such day":           {`"date":"2026-11-21"`, `"date":"2026-02-30"`},
		"service contradicts":   {`"has_service":true`, `"has_service":false`},
		"findings do not add":   {`"total":5`, `"total":4`},
		"flag of wrong type":    {`"has_case":true`, `"has_case":"yes"`},
		"additional field":      {`"stage":`, `"well_formed":true,"stage":`},
		"additional candidates": {`"stage":`, `"candidates":{},"stage":`},
		"model of wrong type":   {`"art9":false`, `"art9":1`},
		"model without field":   {`"art9":false,`, ``},
		"model lost":            {`"models_count":5`, `"models_count":6`},
		"empty purpose":         {`"purposes":["summarise"`, `"purposes":[""`},
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(good, change[0], change[1], 1)
			if bad == good || !json.Valid([]byte(bad)) {
				t.Fatalf("nothing to change: %s is not in %s", change[0], good)
			}
			input, _, err := recordedInput([]byte(bad))
			if err != nil {
				return // refused even earlier
			}
			if wellFormed(input) && addsUp(input) {
				t.Error("the input counts as well-formed")
			}
			if d, err := e.Replay(t.Context(), []byte(bad)); err != nil || d.Allowed() {
				t.Errorf("answered %s, %v", d.Effect, err)
			}
		})
	}
	input, _, err := recordedInput([]byte(good))
	if err != nil || !wellFormed(input) || !addsUp(input) {
		t.Errorf("the untouched input is not well-formed: %v", err)
	}
	if wellFormed(ast.NewObject()) {
		t.Error("an empty input is well-formed")
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/ki-schleuse/schleuse/gateway"
)

var update = flag.Bool("update", false, "write golden files")

// minCoverage of the rules by their own Rego tests, in percent.
const minCoverage = 95

// TestLibrary is fmt, strict compilation, lint, Rego tests, coverage and golden cases.
func TestLibrary(t *testing.T) {
	t.Parallel()
	report, err := Test(t.Context(), Library())
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range report.Failures {
		t.Error(failure)
	}
	if !report.OK() || len(report.Rules) < 15 {
		t.Errorf("%d rules, %d rego tests: a library without rules or tests must not pass", len(report.Rules), report.RegoPassed)
	}
	if report.Coverage < minCoverage {
		t.Errorf("rego tests cover %.1f %%, want %d %%; uncovered: %v", report.Coverage, minCoverage, report.Uncovered)
	}
	t.Logf("%d rules, %d rego tests, %d golden cases, coverage %.1f %%", len(report.Rules), report.RegoPassed, report.GoldenPassed, report.Coverage)
}

// corpus is the golden corpus with an engine over its setup.
func corpus(t testing.TB) (*Engine, golden) {
	t.Helper()
	g, err := readGolden(Library())
	if err != nil {
		t.Fatal(err)
	}
	e, err := New(context.Background(), g.config(nil))
	if err != nil {
		t.Fatal(err)
	}
	return e, g
}

// recorded is what a record keeps of a decision, without revision and digest.
type recorded struct {
	Stage       gateway.Stage                `json:"stage"`
	Effect      gateway.Effect               `json:"effect"`
	Risk        gateway.Risk                 `json:"risk"`
	DataClasses []gateway.DataClass          `json:"data_classes"`
	Reasons     []recordedReason             `json:"reasons"`
	Obligations []gateway.Obligation         `json:"obligations"`
	Models      []gateway.ModelID            `json:"models"`
	Rejected    map[gateway.ModelID][]string `json:"rejected"`
	Input       json.RawMessage              `json:"input"`
}

type recordedReason struct {
	Rule  string `json:"rule"`
	Basis string `json:"basis"`
}

// TestGoldenRecords compares what would be recorded, policy input included, with
// the file beside the cases. go test ./policies -run Golden -update writes it.
func TestGoldenRecords(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	byFile := map[string]map[string]recorded{}
	for _, c := range g.cases {
		d, err := e.Decide(t.Context(), c.question)
		if err != nil {
			t.Fatal(err)
		}
		r := recorded{d.Stage, d.Effect, d.Risk, d.DataClasses, nil, d.Obligations, d.Models, d.Rejected, d.Input}
		for _, reason := range d.Reasons {
			r.Reasons = append(r.Reasons, recordedReason{reason.Rule, reason.Basis})
		}
		if byFile[c.file] == nil {
			byFile[c.file] = map[string]recorded{}
		}
		if _, twice := byFile[c.file][c.Name]; twice {
			t.Fatalf("two cases are called %s", c.name())
		}
		byFile[c.file][c.Name] = r
	}
	for file, records := range byFile {
		compareGolden(t, filepath.Join(goldenDir, file+".golden.json"), records)
	}
}

func compareGolden(t *testing.T, name string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: the records changed; look at the difference, then run with -update", name)
	}
}

// TestPurposeCases asks for the class of every case in the purposes file: a
// purpose in a field of Annex III, as the draft guidelines classify it.
func TestPurposeCases(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/purpose-cases.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	_, g := corpus(t)
	lines := bufio.NewScanner(bytes.NewReader(raw))
	count := 0
	for lines.Scan() {
		var c purposeCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		count++
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			c.run(t, g.setup.Models["own"])
		})
	}
	if count < 20 {
		t.Errorf("%d cases read", count)
	}
}

type purposeCase struct {
	ID       string          `json:"id"`
	Purpose  gateway.Purpose `json:"purpose"`
	AnnexIII string          `json:"annex_iii"`
	Service  string          `json:"service"`
	Expected string          `json:"expected"`
}

func (c purposeCase) run(t *testing.T, own gateway.ModelCard) {
	t.Helper()
	e, err := New(t.Context(), Config{
		Tenants:  map[gateway.TenantID]Tenant{"t": {Active: true}},
		Services: []gateway.ServiceCard{{ID: gateway.ServiceID(c.Service), AnnexIII: c.AnnexIII}},
		Timeout:  canaryTimeout,
	})
	if err != nil {
		t.Fatal(err)
	}
	q := canaryQuestion()
	q.Models = []gateway.ModelCard{own}
	q.Request.Service, q.Request.Purpose = gateway.ServiceID(c.Service), c.Purpose
	q.Request.Caller.Tenant, q.Request.Caller.Purposes = "t", []gateway.Purpose{c.Purpose}
	if c.Purpose == gateway.PurposeLetterFromDecision {
		q.Request.Ruling = &gateway.Ruling{Tenor: "Das Wohngeld wird bewilligt."}
	}
	d, err := e.Decide(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if d.Risk.Class != c.Expected {
		t.Errorf("%s is %s, want %s", c.Purpose, d.Risk.Class, c.Expected)
	}
	refused := slices.Contains([]string{"high_risk", "prohibited"}, c.Expected)
	if d.Allowed() == refused {
		t.Errorf("%s (%s) is answered %s by %v", c.Purpose, c.Expected, d.Effect, ruleIDs(d))
	}
	if d.Risk.Basis == "" {
		t.Error("the class has no norm")
	}
}

// TestSameResultWithoutOptimisation guards against errors of the rule indexer and
// of early exit: they have been wrong in released versions of OPA.
func TestSameResultWithoutOptimisation(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	s := e.active.Load()
	for _, c := range g.cases {
		f, err := questionFacts(c.question)
		if err != nil {
			t.Fatal(err)
		}
		input, err := s.questionView(t.Context(), &f, canaryTimeout)
		if err != nil {
			t.Fatal(err)
		}
		want := mustEvaluate(t, s, input)
		if got := mustEvaluate(t, s, input, rego.EvalRuleIndexing(false)); got.Compare(want) != 0 {
			t.Errorf("%s differs without rule indexing", c.name())
		}
		if got := mustEvaluate(t, s, input, rego.EvalEarlyExit(false)); got.Compare(want) != 0 {
			t.Errorf("%s differs without early exit", c.name())
		}
	}
}

func mustEvaluate(t *testing.T, s *snapshot, input ast.Value, options ...rego.EvalOption) ast.Value {
	t.Helper()
	term, err := evaluate(t.Context(), s.query, input, canaryTimeout, options...)
	if err != nil {
		t.Fatal(err)
	}
	return term.Value
}

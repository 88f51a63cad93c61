// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/gateway"
)

// bundleWith is the shipped library with some files replaced or added; a file
// with empty content is removed.
func bundleWith(t *testing.T, files map[string]string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	err := fs.WalkDir(Library(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(Library(), name)
		out[name] = &fstest.MapFile{Data: raw}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if content == "" {
			delete(out, name)
			continue
		}
		out[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return out
}

func ruleSource(id, body string) string {
	return `# METADATA
# scope: package
# title: Probe
# custom:
#   rule_id: ` + id + `
#   legal_basis: "§ 1 Probe"
#   severity: block
#   text: Ein Satz.
#   text_en: A sentence.
package rules.tenant.probe

import rego.v2

` + body + "\n"
}

func TestBundlesThatMustNotBecomeActive(t *testing.T) {
	t.Parallel()
	purposes, err := fs.ReadFile(Library(), "catalog/purposes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"network access", map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny if http.send({"method": "GET", "url": "http://localhost"}).status_code != 200`)}, "http.send"},
		{"the clock", map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny if time.now_ns() > 0`)}, "time.now_ns"},
		{"the environment", map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny if opa.runtime().env.HOME`)}, "opa.runtime"},
		{"an id used twice", map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-001", `deny if input.stage == "x"`)}, "TEN-001"},
		{"a rule without id", map[string]string{"rego/tenant/probe/probe.rego": ruleSource(`""`, `deny if input.stage == "x"`)}, "rule_id"},
		{"a rule without METADATA", map[string]string{"rego/tenant/probe/probe.rego": "package rules.tenant.probe\n\nimport rego.v2\n\ndeny if input.stage == \"x\"\n"}, "METADATA"},
		{"a consequence nobody collects", map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `denies if input.stage == "x"`)}, "none of"},
		{"a package in the wrong folder", map[string]string{"rego/tenant/other/other.rego": ruleSource("TEN-900", `deny if input.stage == "x"`)}, "package is"},
		{"a library that refuses everything", map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny := true`)}, "answered deny"},
		{"a library without the rule on prohibited practices", map[string]string{
			"catalog/purposes.yaml": strings.NewReplacer("class: prohibited", "class: out_of_scope", "channels: []", "channels: [caseworker]").Replace(string(purposes)),
		}, "prohibited practice"},
		{"no decision", map[string]string{"rego/main.rego": "# METADATA\n# scope: package\n# title: x\npackage main\n\nimport rego.v2\n\nresult := {\"effect\": \"allow\"}\n"}, "missing"},
		{"an unused import", map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", "import data.facts\n\ndeny if input.stage == \"x\"")}, "unused"},
		{"no revision", map[string]string{"manifest.yaml": "title: x\n"}, "revision"},
		{"functions of its own", map[string]string{"capabilities.json": `{"builtins": [{"name": "http.send", "decl": {"type": "function", "args": [], "result": {"type": "any"}}}]}`}, "http.send"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(t.Context(), Config{FS: bundleWith(t, c.files)})
			if err == nil {
				t.Fatal("the bundle became active")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not mention %q", err, c.want)
			}
		})
	}
}

func TestReloadKeepsWhatWorks(t *testing.T) {
	t.Parallel()
	files := bundleWith(t, nil)
	e, err := New(t.Context(), Config{FS: files})
	if err != nil {
		t.Fatal(err)
	}
	revision, digest := e.Revision(), e.Digest()
	good := files["rego/main.rego"]
	files["rego/main.rego"] = &fstest.MapFile{Data: []byte("package main\n\nbroken(")}
	if err := e.Reload(t.Context()); err == nil {
		t.Fatal("a broken bundle was activated")
	}
	if e.Digest() != digest {
		t.Error("the digest changed although the reload did not work")
	}
	files["rego/main.rego"] = good
	files["manifest.yaml"] = &fstest.MapFile{Data: []byte("revision: next\n")}
	if err := e.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e.Revision() == revision || e.Digest() == digest {
		t.Error("revision and digest must change with the bundle")
	}
}

func TestWhateverGoesWrongIsADenial(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	slow := bundleWith(t, map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900",
		`deny if {
	input.operation == "embeddings"
	count([1 | some a in digits; some b in digits; some c in digits; some d in digits; some e in digits; a+b+c+d+e < 0]) > 0
}

digits := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]`)})
	failing := bundleWith(t, map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900",
		`deny if {
	input.operation == "embeddings"
	substring(input.purpose, -1, 1) == "x"
}`)})
	unknownObligationShape := bundleWith(t, map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900",
		`oblige contains {"id": 7, "params": {}} if input.operation == "embeddings"`)})
	cases := []struct {
		name   string
		fs     fs.FS
		ctx    context.Context
		change func(*gateway.Question)
		err    error
	}{
		{"no time", Library(), t.Context(), func(q *gateway.Question) { q.Request.Time = time.Time{} }, nil},
		{"timeout", slow, t.Context(), nil, nil},
		{"error in a built-in function", failing, t.Context(), nil, nil},
		{"unknown shape", unknownObligationShape, t.Context(), nil, nil},
		{"the caller left", Library(), ended, nil, context.Canceled},
		{"too many models", Library(), t.Context(), func(q *gateway.Question) { q.Models = make([]gateway.ModelCard, maxModels+1) }, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			e, err := New(t.Context(), Config{
				FS: c.fs, Tenants: map[gateway.TenantID]Tenant{"town": {Active: true}}, Timeout: 150 * time.Millisecond,
				Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			if err != nil {
				t.Fatal(err)
			}
			q := townQuestion()
			q.Request.Operation = gateway.OperationEmbeddings
			if c.change != nil {
				c.change(&q)
			}
			d, err := e.Decide(c.ctx, q)
			if !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if d.Allowed() || len(d.Reasons) != 1 || d.Reasons[0].Rule != "KERN-000" {
				t.Errorf("got %s %v, want a denial by KERN-000", d.Effect, d.Reasons)
			}
			if d.Digest == "" || d.Stage != gateway.StageRequest {
				t.Error("the denial does not say which policies and which stage")
			}
			level := "level=ERROR"
			if c.err != nil {
				level = "level=DEBUG" // nothing went wrong here
			}
			if !strings.Contains(log.String(), level+` msg="policy evaluation refused"`) {
				t.Errorf("the cause is not in the log as %s: %s", level, log.String())
			}
		})
	}
}

func TestResultIsDecodedStrictly(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	s := e.active.Load()
	f, err := questionFacts(benchQuestion(g))
	if err != nil {
		t.Fatal(err)
	}
	input, err := s.questionView(t.Context(), &f, canaryTimeout)
	if err != nil {
		t.Fatal(err)
	}
	term, err := evaluate(t.Context(), s.query, input, canaryTimeout)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := s.decision("request", input, term); err != nil || !d.Allowed() {
		t.Fatalf("the untouched result is %v, %v", d.Effect, err)
	}
	with := func(field string, value *ast.Term) *ast.Term {
		o, _ := term.Value.(ast.Object)
		changed := ast.NewObject()
		o.Foreach(func(k, v *ast.Term) { changed.Insert(k, v) })
		if value == nil {
			changed, _ = changed.Filter(ast.NewObject())
		} else {
			changed.Insert(ast.StringTerm(field), value)
		}
		return ast.NewTerm(changed)
	}
	cases := map[string]*ast.Term{
		"not an object":          ast.StringTerm("allow"),
		"empty":                  with("", nil),
		"unknown effect":         with("effect", ast.StringTerm("maybe")),
		"effect of wrong type":   with("effect", ast.BooleanTerm(true)),
		"unknown field":          with("surprise", ast.BooleanTerm(true)),
		"denied and allowed":     with("denied", ast.SetTerm(ast.StringTerm("tenant/known"))),
		"rules as list":          with("denied", ast.ArrayTerm()),
		"denied without a rule":  with("effect", ast.StringTerm("deny")),
		"prohibited and allowed": with("risk", ast.ObjectTerm(ast.Item(ast.StringTerm("class"), ast.StringTerm("prohibited")), ast.Item(ast.StringTerm("basis"), ast.StringTerm("x")), ast.Item(ast.StringTerm("note"), ast.StringTerm("")))),
		"class without norm":     with("risk", ast.ObjectTerm(ast.Item(ast.StringTerm("class"), ast.StringTerm("out_of_scope")), ast.Item(ast.StringTerm("basis"), ast.StringTerm("")), ast.Item(ast.StringTerm("note"), ast.StringTerm("")))),
		"model nobody offered":   with("models", ast.SetTerm(ast.StringTerm("stranger"))),
		"rejected model allowed": with("models", ast.SetTerm(ast.StringTerm("us"))),
		"no model":               with("models", ast.SetTerm()),
		"no data class":          with("data_classes", ast.SetTerm()),
		"unknown rule":           with("noted", ast.SetTerm(ast.StringTerm("tenant/nobody"))),
		"obligation incomplete":  with("obliged", ast.ObjectTerm(ast.Item(ast.StringTerm("aiact/watermark"), ast.SetTerm(ast.ObjectTerm(ast.Item(ast.StringTerm("id"), ast.StringTerm("notice"))))))),
	}
	for name, result := range cases {
		if d, err := s.decision("request", input, result); err == nil {
			t.Errorf("%s: decoded as %s", name, d.Effect)
		}
	}
}

func TestInputHoldsNoContent(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	q := benchQuestion(g)
	secrets := []string{"AZ-4711/23", "Sabine Sachbearbeiterin", "Erika", "DE02120300000000202051", "geheimer Text", "Akte 17"}
	q.Request.Case, q.Request.Caller.User = secrets[0], secrets[1]
	q.Request.Entities = []gateway.Entity{{Type: "person", First: secrets[2]}, {Type: "iban", Value: secrets[3]}}
	q.Passages = []gateway.Passage{{Text: secrets[4], Citation: gateway.Citation{Title: secrets[5]}}}
	q.Screened.Categories = []string{"health", "Erika Mustermann hat Diabetes"}
	q.Request.Caller.Roles = []string{"Sabine Sachbearbeiterin"}
	d, err := e.Decide(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range append(secrets, "Diabetes") {
		if strings.Contains(string(d.Input), secret) {
			t.Errorf("the policy input contains %q", secret)
		}
	}
	if !strings.Contains(string(d.Input), `"has_case":true`) || !strings.Contains(string(d.Input), `"entities":2`) {
		t.Errorf("facts are missing in %s", d.Input)
	}
}

// TestReplay: the recorded input gives the same decision again.
func TestReplay(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	for _, c := range g.cases {
		first, err := e.Decide(t.Context(), c.question)
		if err != nil {
			t.Fatal(err)
		}
		again, err := e.Replay(t.Context(), first.Input)
		if err != nil {
			t.Fatal(err)
		}
		if first.Effect != again.Effect || !slices.Equal(ruleIDs(first), ruleIDs(again)) || !slices.Equal(first.Models, again.Models) ||
			first.Risk != again.Risk || !bytes.Equal(first.Input, again.Input) || !maps.EqualFunc(first.Rejected, again.Rejected, slices.Equal) {
			t.Errorf("%s: replay gives %s %v, was %s %v", c.name(), again.Effect, ruleIDs(again), first.Effect, ruleIDs(first))
		}
	}
}

// townQuestion is the control question that is allowed, of a tenant that can be one.
func townQuestion() gateway.Question {
	q := canaryQuestion()
	q.Request.Caller.Tenant = "town"
	return q
}

func TestConfigDecides(t *testing.T) {
	t.Parallel()
	tenants := map[gateway.TenantID]Tenant{"town": {Active: true}}
	plainEngine, err := New(t.Context(), Config{Tenants: tenants, Timeout: canaryTimeout})
	if err != nil {
		t.Fatal(err)
	}
	narrowed, err := New(t.Context(), Config{Tenants: tenants, Timeout: canaryTimeout, Overrides: map[string]any{
		"classes": map[string]any{"classes": map[string]any{"internal": map[string]any{"residencies": []string{}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if plainEngine.Digest() == narrowed.Digest() {
		t.Error("overrides decide, so they belong into the digest")
	}
	before, _ := plainEngine.Decide(t.Context(), townQuestion())
	after, _ := narrowed.Decide(t.Context(), townQuestion())
	if !before.Allowed() || after.Allowed() {
		t.Errorf("without override %s, with override %s", before.Effect, after.Effect)
	}
	if _, err := New(t.Context(), Config{Services: []gateway.ServiceCard{{ID: "x", DataClasses: []gateway.DataClass{"nonsense"}}}}); err == nil {
		t.Error("a service with an unknown data class was accepted")
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	e, _ := corpus(t)
	rules := e.Rules()
	if !slices.IsSortedFunc(rules, func(a, b RuleInfo) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("rules are not in order")
	}
	rules[0].ID = "changed"
	if e.Rules()[0].ID == "changed" {
		t.Error("the list can be changed from outside")
	}
	for _, r := range e.Rules() {
		if r.Line == 0 || !strings.HasSuffix(r.Text, ".") || r.File == "" {
			t.Errorf("%s: %+v", r.ID, r)
		}
	}
}

func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	d, err := e.Decide(t.Context(), benchQuestion(g))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"nothing":       "",
		"a list":        "[]",
		"text":          `"allow"`,
		"endless":       strings.Repeat("[", 100_000),
		"huge":          `{"stage":"` + strings.Repeat("x", maxInput) + `"}`,
		"a huge number": strings.Replace(string(d.Input), `"entities":1`, `"entities":1e999999999`, 1),
		"two documents": "{} {}",
	}
	for name, raw := range cases {
		start := time.Now()
		again, err := e.Replay(t.Context(), []byte(raw))
		if err != nil || again.Allowed() {
			t.Errorf("%s: %s, %v", name, again.Effect, err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
}

// TestConcurrentUse decides while policies are reloaded; it is for -race.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	q := benchQuestion(g)
	want, err := e.Decide(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 10 {
				d, err := e.Decide(t.Context(), q)
				if err != nil || !d.Allowed() || !bytes.Equal(d.Input, want.Input) || !slices.Equal(d.Models, want.Models) {
					t.Errorf("got %s %v, %v", d.Effect, d.Models, err)
				}
			}
		})
	}
	for range 2 {
		if err := e.Reload(t.Context()); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
}

func TestCanonicalJSON(t *testing.T) {
	t.Parallel()
	value := ast.MustParseTerm(`{"b": [1, true, null, "ü<\"\\\n"], "a": {"z": 0.5, "y": -3}}`).Value
	got := string(canonicalJSON(value))
	var back any
	if err := json.Unmarshal([]byte(got), &back); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	want, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

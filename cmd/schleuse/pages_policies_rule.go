// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// Rule reads what stands behind a rule from the files of the policies in force.
func (b *ruleBook) Rule(ctx context.Context, id string) (ui.RuleDetail, error) {
	rules := b.Rules()
	i := slices.IndexFunc(rules, func(r policies.RuleInfo) bool { return r.ID == id })
	if i < 0 {
		return ui.RuleDetail{}, &gateway.Error{Op: "show rule", Code: gateway.CodeNotFound, Message: "Diese Regel gibt es im geltenden Regelstand nicht."}
	}
	d, err := ruleDetail(b.p.engine.Files(), rules[i])
	if err != nil {
		return d, err
	}
	d.History, err = b.history(ctx, id)
	return d, err
}

// maxHistory is the number of revisions whose changes are looked at.
const maxHistory = 8

// history is what the last revisions did to a rule, the newest first.
func (b *ruleBook) history(ctx context.Context, id string) ([]ui.RuleChange, error) {
	revisions, err := b.p.desk.Revisions(ctx)
	if err != nil {
		return nil, err
	}
	var out []ui.RuleChange
	for i := range min(len(revisions)-1, maxHistory) {
		now, before := revisions[i], revisions[i+1]
		diff, err := b.between(ctx, before, now)
		if err != nil {
			return nil, err
		}
		if change := changeOf(diff, id); change != "" {
			out = append(out, ui.RuleChange{Revision: now.Revision, Time: now.Step.Time, Change: change})
		}
	}
	return out, nil
}

// between compares two revisions once.
func (b *ruleBook) between(ctx context.Context, before, now release.Revision) (policies.Difference, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := [2]string{before.Bundle, now.Bundle}
	if d, ok := b.diffs[key]; ok {
		return d, nil
	}
	d, err := b.p.desk.Between(ctx, before.Revision, now.Revision)
	if err != nil {
		return d, err
	}
	if b.diffs == nil || len(b.diffs) > 4*maxHistory {
		b.diffs = map[[2]string]policies.Difference{}
	}
	b.diffs[key] = d
	return d, nil
}

func changeOf(d policies.Difference, id string) string {
	is := func(r policies.RuleInfo) bool { return r.ID == id }
	switch {
	case slices.ContainsFunc(d.Added, is):
		return "added"
	case slices.ContainsFunc(d.Removed, is):
		return "removed"
	case slices.ContainsFunc(d.Changed, func(c policies.RuleChange) bool { return c.New.ID == id }):
		return "changed"
	default:
		return ""
	}
}

func ruleDetail(root fs.FS, rule policies.RuleInfo) (ui.RuleDetail, error) {
	d := ui.RuleDetail{RuleInfo: rule, TestFile: strings.TrimSuffix(rule.File, ".rego") + "_test.rego"}
	source, err := fs.ReadFile(root, rule.File)
	if err != nil {
		return d, fmt.Errorf("read rule %s: %w", rule.ID, err)
	}
	d.Source = string(source)
	if d.Tests, err = regoTests(root, d.TestFile); err != nil {
		return d, err
	}
	if d.Golden, err = goldenCases(root, rule.ID); err != nil {
		return d, err
	}
	d.Tables, err = usedTables(root, rule.File)
	return d, err
}

func parseRego(root fs.FS, name string) (*ast.Module, error) {
	raw, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	module, err := ast.ParseModuleWithOpts(name, string(raw), ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", name, err)
	}
	return module, nil
}

// regoTests are the names of the tests in a file, in their order; a rule without
// a test file has none.
func regoTests(root fs.FS, name string) ([]string, error) {
	if _, err := fs.Stat(root, name); err != nil {
		return nil, nil //nolint:nilerr // no such file: no tests
	}
	module, err := parseRego(root, name)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, r := range module.Rules {
		if test := r.Head.Ref().String(); strings.HasPrefix(test, "test_") && !slices.Contains(out, test) {
			out = append(out, test)
		}
	}
	return out, nil
}

// goldenCases are the cases in whose decision a rule speaks.
func goldenCases(root fs.FS, rule string) ([]ui.GoldenCase, error) {
	names, err := fs.Glob(root, "testdata/decisions/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("find golden cases: %w", err)
	}
	var out []ui.GoldenCase
	for _, name := range names {
		var file struct {
			Cases []struct {
				Name string `yaml:"name"`
				Want struct {
					Effect string   `yaml:"effect"`
					Rules  []string `yaml:"rules"`
				} `yaml:"want"`
			} `yaml:"cases"`
		}
		raw, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		if err := yaml.Unmarshal(raw, &file); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		for _, c := range file.Cases {
			if slices.Contains(c.Want.Rules, rule) {
				out = append(out, ui.GoldenCase{File: path.Base(name), Name: c.Name, Effect: c.Want.Effect})
			}
		}
	}
	return out, nil
}

// tableSearch follows what a rule asks for to the tables that answer it.
type tableSearch struct {
	// shared are the facts and the candidates by name, asked those that were followed.
	shared map[string][]*ast.Rule
	asked  map[string]bool
	tables map[string]bool
}

// usedTables are the tables that a rule reads, itself or through the facts and the
// candidates it asks for.
func usedTables(root fs.FS, name string) ([]string, error) {
	rule, err := parseRego(root, name)
	if err != nil {
		return nil, err
	}
	s := tableSearch{shared: map[string][]*ast.Rule{}, asked: map[string]bool{}, tables: map[string]bool{}}
	for _, file := range []string{"rego/facts/facts.rego", "rego/candidates/candidates.rego"} {
		module, err := parseRego(root, file)
		if err != nil {
			return nil, err
		}
		for _, r := range module.Rules {
			name := path.Base(path.Dir(file)) + "." + words(r.Head.Ref())[0]
			s.shared[name] = append(s.shared[name], r)
		}
	}
	s.visit(rule, "")
	return slices.Sorted(maps.Keys(s.tables)), nil
}

// known are the tables behind input.known.
var known = map[string]string{"purpose": "purposes", "service": "services", "tenant": "tenants", "operation": "operations"}

// visit looks at the references of a rule, and at those of what it refers to. In a
// shared file (inside) names without a prefix may be those of others.
func (s *tableSearch) visit(node any, inside string) {
	ast.WalkRefs(node, func(ref ast.Ref) bool {
		w := words(ref)
		switch {
		case w[0] == "data" && w[1] == "catalog" && w[2] != "":
			s.tables[w[2]] = true
		case w[0] == "input" && w[1] == "known" && known[w[2]] != "":
			s.tables[known[w[2]]] = true
		case w[0] == "input" && w[1] == "candidates":
			s.follow("candidates." + w[2])
		case w[0] == "facts":
			s.follow("facts." + w[1])
		}
		return false
	})
	if inside == "" {
		return
	}
	ast.WalkVars(node, func(v ast.Var) bool {
		s.follow(inside + "." + string(v))
		return false
	})
}

func (s *tableSearch) follow(name string) {
	if s.asked[name] {
		return
	}
	s.asked[name] = true
	for _, r := range s.shared[name] {
		file, _, _ := strings.Cut(name, ".")
		s.visit(r, file)
	}
}

// words are the first three parts of a reference; a part that is no word is empty.
func words(ref ast.Ref) [3]string {
	var out [3]string
	for i, term := range ref[:min(len(ref), len(out))] {
		switch v := term.Value.(type) {
		case ast.Var:
			out[i] = string(v)
		case ast.String:
			out[i] = string(v)
		}
	}
	return out
}

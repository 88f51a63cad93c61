// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// ruleset is the compiled rules.rego of one service.
type ruleset struct {
	query   rego.PreparedEvalQuery
	service Service
}

// module is one Rego source.
type module struct{ name, source string }

// verdict is what the rules say about one application.
type verdict struct {
	fields   map[string]bool            // conditional fields that are required
	evidence map[string]map[string]bool // evidence id → items ("" for none)
	violated map[string][]string        // rule id → paths
	anyOne   map[string]bool            // evidence that may be somebody else's
}

// The rules a service's package may define. All are partial sets.
var outputs = []string{"required_field", "required_evidence", "violated", "any_person"}

// allowedBuiltins are pure functions: no clock, no network, no randomness.
var allowedBuiltins = map[string]bool{
	"eq": true, "equal": true, "neq": true, "lt": true, "lte": true, "gt": true, "gte": true, "assign": true,
	"plus": true, "minus": true, "mul": true, "abs": true, "rem": true, "div": true, "and": true, "or": true,
	"count": true, "sum": true, "min": true, "max": true, "to_number": true, "format_int": true,
	"concat": true, "contains": true, "startswith": true, "endswith": true, "lower": true, "upper": true,
	"replace": true, "split": true, "sprintf": true, "trim": true, "trim_suffix": true, "trim_prefix": true, "trim_left": true, "trim_space": true, "substring": true, "indexof": true,
	"regex.match": true, "regex.replace": true, "regex.split": true,
	"object.get": true, "object.keys": true, "array.concat": true, "intersection": true, "union": true,
	"is_string": true, "is_boolean": true, "is_number": true, "is_array": true, "is_object": true,
	"time.parse_ns": true, "time.add_date": true, "time.date": true,
	"numbers.range": true, "internal.member_2": true, "internal.member_3": true, "internal.template_string": true,
}

func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	kept := c.Builtins[:0:0]
	for _, b := range c.Builtins {
		if allowedBuiltins[b.Name] {
			kept = append(kept, b)
		}
	}
	c.Builtins = kept
	c.AllowNet = []string{}
	return c
}

// packageOf is the Rego package of a service.
func packageOf(s Service) string {
	return "data.schleuse.services." + strings.ReplaceAll(string(s.ID), "-", "_")
}

func compileRules(ctx context.Context, s Service, m module, lib []module) (*ruleset, error) {
	parsed, err := ast.ParseModule(m.name, m.source)
	if err != nil {
		return nil, fmt.Errorf("parse rules: %w", err)
	}
	if got := parsed.Package.Path.String(); got != packageOf(s) {
		return nil, fmt.Errorf("rules are in package %s, expected %s", got, packageOf(s))
	}
	defined := map[string]bool{}
	for _, r := range parsed.Rules {
		defined[r.Head.Name.String()] = true
	}
	var parts []string
	for _, o := range outputs {
		if defined[o] {
			parts = append(parts, fmt.Sprintf("%q: %s.%s", o, packageOf(s), o))
		}
	}
	if !defined["violated"] {
		return nil, errors.New("rules define no violated set")
	}
	options := []func(*rego.Rego){
		rego.Query("result := {" + strings.Join(parts, ", ") + "}"),
		rego.ParsedModule(parsed),
		rego.Capabilities(capabilities()),
		rego.StrictBuiltinErrors(true), // an error is an error, never "not violated"
		rego.Strict(true),
	}
	for _, l := range lib {
		options = append(options, rego.Module(l.name, l.source))
	}
	q, err := rego.New(options...).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("compile rules: %w", err)
	}
	return &ruleset{query: q, service: s}, nil
}

// eval asks the rules. An id the service does not define is an error: a rule
// that nobody can explain must not be dropped silently.
func (r *ruleset) eval(ctx context.Context, input map[string]any) (verdict, error) {
	value, err := ast.InterfaceToValue(input)
	if err != nil {
		return verdict{}, fmt.Errorf("build input: %w", err)
	}
	rs, err := r.query.Eval(ctx, rego.EvalParsedInput(value))
	if err != nil {
		return verdict{}, fmt.Errorf("evaluate rules: %w", err)
	}
	if len(rs) != 1 {
		return verdict{}, fmt.Errorf("evaluate rules: %d results", len(rs))
	}
	result, ok := rs[0].Bindings["result"].(map[string]any)
	if !ok {
		return verdict{}, errors.New("evaluate rules: result is no object")
	}
	return r.read(result)
}

func (r *ruleset) read(result map[string]any) (verdict, error) {
	v := verdict{fields: map[string]bool{}, evidence: map[string]map[string]bool{}, violated: map[string][]string{}, anyOne: map[string]bool{}}
	for _, e := range list(result["required_field"]) {
		id, _ := e.(string)
		if _, ok := r.service.fields[id]; !ok {
			return v, fmt.Errorf("rules require unknown field %q", id)
		}
		v.fields[id] = true
	}
	for _, e := range list(result["required_evidence"]) {
		o, _ := e.(map[string]any)
		id, _ := o["id"].(string)
		item, _ := o["item"].(string)
		if _, ok := r.service.evidence[id]; !ok {
			return v, fmt.Errorf("rules require unknown evidence %q", id)
		}
		if v.evidence[id] == nil {
			v.evidence[id] = map[string]bool{}
		}
		v.evidence[id][item] = true
	}
	for _, e := range list(result["violated"]) {
		o, _ := e.(map[string]any)
		id, _ := o["rule"].(string)
		if _, ok := r.service.rules[id]; !ok {
			return v, fmt.Errorf("unknown rule %q is violated", id)
		}
		if v.violated[id] == nil {
			v.violated[id] = []string{}
		}
		for _, p := range list(o["paths"]) {
			if s, ok := p.(string); ok {
				v.violated[id] = append(v.violated[id], s)
			}
		}
	}
	for _, e := range list(result["any_person"]) {
		if id, ok := e.(string); ok {
			v.anyOne[id] = true
		}
	}
	return v, nil
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

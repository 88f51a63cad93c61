// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package plan_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/ki-schleuse/schleuse/policies/plan"
)

// rules are small modules, each with what a kind of rule can do; result is asked.
var rules = map[string]string{
	"complete":        `result := x if { x := input.a; x > 1 }`,
	"default":         `default result := "none"` + "\n" + `result := "some" if input.a == 2`,
	"else":            `result := "one" if input.a == 1 else := "two" if input.a == 2 else := "more"`,
	"set":             `result contains x if { some x in input.list; x > 2 }`,
	"empty set":       `result contains x if { some x in input.list; x > 200 }`,
	"object":          `result[k] := v if some k, v in input.object`,
	"object of sets":  `result[k] contains e if { some k, v in input.nested; some e in v }`,
	"deep object":     `result[k][x] := 1 if { some k, v in input.nested; some x in v }`,
	"array of":        `result := [x | some x in input.list; x != 3]`,
	"set of":          `result := {x | some x in input.list}`,
	"object of":       `result := {k: n | some k, v in input.nested; n := count(v)}`,
	"nested of":       `result := [inner | some v in input.nested; inner := {y | some x in v; y := concat("-", [x, x])}]`,
	"every":           `result if every x in input.list { x > 0 }`,
	"every fails":     `result if every x in input.list { x > 3 }`,
	"every of object": `result if every k, v in input.object { v != k }`,
	"every of text":   `result if every x in input.text { x }`,
	"function":        `double(x) := x * 2` + "\n" + `result := [double(x) | some x in input.list]`,
	"functions":       `kind(x) := "low" if x < 3` + "\n" + `kind(x) := "high" if x >= 3` + "\n" + `result := {kind(x) | some x in input.list}`,
	"pattern":         `pair([a, b]) := a + b` + "\n" + `result := pair(input.pair)`,
	"array pattern":   `result := [a, c] if [a, _, c] := input.list`,
	"object pattern":  `result := x if {"x": x} = input.object`,
	"not":             `result if not input.a == 3`,
	"not undefined":   `result if not input.missing.deeper == 3`,
	"not function":    `f(x) if x > 3` + "\n" + `result if not f(input.missing)`,
	"or":              `result if { input.a == 9 or input.b == "x" }`,
	"and":             `result if { (input.a == 2 and input.b == "x") }`,
	"undefined":       `result := input.missing`,
	"false":           `result if false`,
	"null":            `result := null if input.nothing == null`,
	"numbers":         `result := [1.5, 1, 1e3, input.float] if 1.0 == 1`,
	"text":            `result := sprintf("%s has %d", [input.text, count(input.list)])`,
	"set algebra":     `result := ({1, 2, 3} & {x | some x in input.list}) | {9} - {1}`,
	"union":           `result := union({{1}, {x | some x in input.list}})`,
	"member":          `result if { 3 in input.list; "x", 1 in input.object }`,
	"object.get":      `result := [object.get(input.object, k, "none") | some k in ["x", "z"]]`,
	"data":            `result := data.table[input.b].title`,
	"data by rule":    `names contains n if some n, _ in data.table` + "\n" + `result := {n: data.table[n].rank | some n in names}`,
	"iterated data":   `result contains id if { some id; data.table[id].rank == 2 }`,
	"ref to set":      `s contains x if some x in input.list` + "\n" + `result := [x | some x; s[x]]`,
	"set lookup":      `s contains x if some x in input.list` + "\n" + `result if s[3]`,
	"negative":        `result if input.list[0] != 7`,
	"index":           `result := input.list[count(input.list) - 1]`,
	"index outside":   `result := input.list[99]`,
	"into text":       `result := input.text.deeper`,
	"two values":      `result := 1 if input.a == 2` + "\n" + `result := 2 if input.b == "x"`,
	"two keys":        `result[k] := 1 if some k in ["k"]` + "\n" + `result[k] := 2 if some k in ["k"]`,
	"package":         `a.b.c := 1` + "\n" + `a.d.c := 2` + "\n" + `result := {v | some k; v := data.m.a[k].c}`,
	"same value":      `result := 1 if input.a == 2` + "\n" + `result := 1 if input.b == "x"`,
	"error":           `result := 1 / (input.a - 2)`,
	"wrong type":      `result := count(input.a)`,
	"negated error":   `result if not count(input.a) == 1`,
	"memo":            `slow := count([1 | some i in input.list; some j in input.list])` + "\n" + `result := slow + slow`,
}

const input = `{"a": 2, "b": "x", "list": [1, 2, 3, 4], "pair": [3, 4], "text": "abc", "float": 2.50, "nothing": null,
	"object": {"x": 1, "y": "y"}, "nested": {"k": ["p", "q"], "l": [], "m": ["p"]}}`

func data(t testing.TB) map[string]any {
	t.Helper()
	v, err := ast.JSON(ast.MustParseTerm(`{"table": {"x": {"title": "X", "rank": 1}, "y": {"title": "Y", "rank": 2}}}`).Value)
	if err != nil {
		t.Fatal(err)
	}
	tables, ok := v.(map[string]any)
	if !ok {
		t.Fatal("no table")
	}
	return tables
}

func compiled(t testing.TB, body string) *ast.Compiler {
	t.Helper()
	module, err := ast.ParseModuleWithOpts("m.rego", "package m\n\nimport rego.v2\n\n"+body, ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		t.Fatal(err)
	}
	compiler := ast.NewCompiler()
	if compiler.Compile(map[string]*ast.Module{"m.rego": module}); compiler.Failed() {
		t.Fatal(compiler.Errors)
	}
	return compiler
}

// TestAgreesWithTopdown compares each kind of rule with OPA's own evaluation.
func TestAgreesWithTopdown(t *testing.T) {
	t.Parallel()
	in, tables := ast.MustParseTerm(input).Value, data(t)
	value, err := ast.InterfaceToValue(tables)
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range rules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiler := compiled(t, body)
			want, wantErr := byTopdown(t.Context(), compiler, tables, in)
			p, err := plan.New(t.Context(), compiler, "data.m.result")
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the machine is used again
				got, gotErr := p.Eval(t.Context(), value, in, topdown.NewCancel())
				if (wantErr == nil) != (gotErr == nil) {
					t.Fatalf("topdown fails with %v, the plan with %v", wantErr, gotErr)
				}
				switch {
				case want == nil && got == nil, wantErr != nil:
				case want == nil || got == nil || want.Value.Compare(got.Value) != 0:
					t.Fatalf("topdown gives %v, the plan %v", want, got)
				}
			}
		})
	}
}

func byTopdown(ctx context.Context, compiler *ast.Compiler, tables map[string]any, in ast.Value) (*ast.Term, error) {
	var out *ast.Term
	plan.Register()
	_, err := rego.New(rego.Query("data.m.result"), rego.Compiler(compiler), rego.Store(inmem.NewFromObject(tables)),
		rego.ParsedInput(in), rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) {
			out = t
			return "", nil
		})).Eval(ctx)
	return out, err
}

func TestUnsupported(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"with":     `x := input.a` + "\n" + `result := 1 if x == 3 with input.a as 3`,
		"clock":    `result := time.now_ns()`,
		"network":  `result := http.send({"method": "get", "url": "http://localhost"})`,
		"walk":     `result := [p | walk(input, [p, _])]`,
		"dynamic":  `a.b.c := 1` + "\n" + `a.d.c := 2` + "\n" + `result := data.m.a[input.b].c`,
		"no rule":  `other := 1`,
		"document": `a.b := 1` + "\n" + `result := data.m.a`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := plan.New(t.Context(), compiled(t, body), "data.m.result"); !errors.Is(err, plan.ErrUnsupported) {
				t.Errorf("planned, or failed with %v", err)
			}
		})
	}
}

func TestStopsAtTheLimit(t *testing.T) {
	t.Parallel()
	p, err := plan.New(t.Context(), compiled(t, `result := count([1 | some a in input.l; some b in input.l; some c in input.l; some d in input.l; a+b+c+d == 0])`), "data.m.result")
	if err != nil {
		t.Fatal(err)
	}
	numbers := make([]*ast.Term, 400)
	for i := range numbers {
		numbers[i] = ast.InternedTerm(i + 1)
	}
	in := ast.NewObject([2]*ast.Term{ast.StringTerm("l"), ast.ArrayTerm(numbers...)})
	cancel := topdown.NewCancel()
	defer time.AfterFunc(20*time.Millisecond, cancel.Cancel).Stop()
	start := time.Now()
	if out, err := p.Eval(t.Context(), ast.NewObject(), in, cancel); err == nil {
		t.Errorf("gives %v", out)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// TestManyAtOnce evaluates one program for different inputs at the same time.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	p, err := plan.New(t.Context(), compiled(t, `once := {x | some x in input.l}`+"\n"+`result := {"n": input.n, "once": once}`), "data.m.result")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			in := ast.MustParseTerm(`{"l": ["` + strings.Repeat("x", n) + `"]}`).Value.(ast.Object)
			in.Insert(ast.StringTerm("n"), ast.InternedTerm(n))
			want := ast.MustParseTerm(`{"once": {"` + strings.Repeat("x", n) + `"}}`).Value.(ast.Object)
			want.Insert(ast.StringTerm("n"), ast.InternedTerm(n))
			for range 200 {
				got, err := p.Eval(t.Context(), ast.NewObject(), in, nil)
				if err != nil || got.Value.Compare(want) != 0 {
					t.Errorf("%v, %v instead of %v", got, err, want)
					return
				}
			}
		})
	}
	group.Wait()
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// doubled are lines in which each value holds the one before twice.
func doubled(line string) string {
	var out strings.Builder
	for i := 1; i < 40; i++ {
		out.WriteString(strings.NewReplacer("NEW", fmt.Sprintf("x%d", i), "OLD", fmt.Sprintf("x%d", i-1)).Replace(line))
	}
	return out.String()
}

// TestValuesThatDouble: they would keep the compiler busy for longer than anybody
// waits, so they are refused before.
func TestValuesThatDouble(t *testing.T) {
	t.Parallel()
	rule := func(line, last string) string {
		return "deny if {\n\tx0 := [input.date]\n" + doubled("\t"+line+"\n") + "\t" + last + "\n}"
	}
	for name, body := range map[string]string{
		"lists":       rule("NEW := [OLD, OLD]", "x39 == 1"),
		"objects":     rule(`NEW := {"a": OLD, "b": OLD}`, "x39 == 1"),
		"unification": rule("NEW = [OLD, OLD]", "x39 == 1"),
		"loops":       rule("some NEW in [[OLD, OLD]]", "x39 == 1"),
		"taken apart": rule("[NEW, _] := [[OLD, OLD], 1]", "x39 == 1"),
		"elements":    rule("NEW := [[OLD, OLD]][0]", "x39 == 1"),
		"texts":       rule(`NEW := concat("", [OLD, OLD])`, "x39 == 1"),
		"rules":       strings.ReplaceAll("x0 := [input.date]\n\n"+doubled("NEW := [OLD, OLD]\n\n")+"deny if x39 == 1", "x", "_x"),
		"functions":   "_f(a) := [a, a]\n\ndeny if " + strings.Repeat("_f(", 30) + "input.date" + strings.Repeat(")", 30) + " == 1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			err := CheckTenantRules(t.Context(), "amt", []string{ownRule("amt", "MND-001", body)})
			if err == nil || !strings.Contains(err.Error(), "grow with every line") {
				t.Errorf("%v", err)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestShippedRulesDoNotDouble: the bound is far from what rules need.
func TestShippedRulesDoNotDouble(t *testing.T) {
	t.Parallel()
	b, err := parseBundle(Library())
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(b.modules, b.tests)
	for name, m := range b.modules {
		if n := expanded(m); n > maxExpansion/10 {
			t.Errorf("%s: %d", name, n)
		}
	}
	if n := expanded(slices.Collect(maps.Values(b.modules))...); n > maxExpansion/10 {
		t.Errorf("all together: %d", n)
	}
	if len(b.modules) < 50 {
		t.Errorf("%d modules", len(b.modules))
	}
}

// TestValuesThatDoubleAcrossModules: each module holds the value of the one before
// twice, by its path, an import, a function or as a whole package.
func TestValuesThatDoubleAcrossModules(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"by path":     "import rego.v2\n\nx := [data.help.OLD.x, data.help.OLD.x]",
		"by import":   "import data.help.OLD\nimport rego.v2\n\nx := [OLD.x, OLD.x]",
		"by alias":    "import data.help.OLD as o\nimport rego.v2\n\nx := {\"a\": o.x, \"b\": o.x}",
		"as packages": "import rego.v2\n\nx := [data.help.OLD, data.help.OLD]",
		"functions":   "import rego.v2\n\nf(v) := data.help.OLD.f([v, v])\n\nx := f(1)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"rego/help/h0/h0.rego": "package help.h0\n\nimport rego.v2\n\nx := [1, 2]\n\nf(v) := [v, v]\n"}
			for i := 1; i < 30; i++ {
				here := fmt.Sprintf("h%d", i)
				files["rego/help/"+here+"/"+here+".rego"] = "package help." + here + "\n\n" + strings.ReplaceAll(line, "OLD", fmt.Sprintf("h%d", i-1)) + "\n"
			}
			start := time.Now()
			x, err := Examine(t.Context(), bundleWith(t, files), ExamineOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if last := x.Results[len(x.Results)-1]; last.Step != StepCompile || len(last.Findings) != 1 || !strings.Contains(last.Findings[0], "grow") {
				t.Errorf("the last step is %+v", last)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/policies/plan"
)

// Values that grow in a few lines.
const (
	hundred  = "_d := [a | some a in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]\n\n_h := [[a, b] | some a in _d; some b in _d]\n\n"
	kilo     = hundred + "_k := concat(\"\", [\"0123456789\" | some _ in _h])\n\n"
	hundredK = kilo + "_m := concat(\"\", [_k | some _ in _h])\n\n"
)

// TestHostileDrafts: what a draft asks of a function in one call, no deadline ends.
// It is refused before, with a sentence that names the rule, and neither time nor
// memory go beyond their bounds.
func TestHostileDrafts(t *testing.T) { // alone: it measures the heap
	for _, c := range []struct{ name, body, want string }{
		{"a wide format", `deny if sprintf("%1000000000d", [1]) == ""`, "sprintf"},
		{"a width from outside", `deny if sprintf("%*d", [1000000000, 1]) == ""`, "sprintf"},
		{"a long precision", `deny if sprintf("%.999999999f", [1.5]) == ""`, "sprintf"},
		{"a list of long texts", hundredK + `deny if concat("", [_m | some _ in _h]) == ""`, "concat"},
		{"a text between many", hundredK + `deny if concat(_m, ["" | some _ in _h; true]) == ""`, "concat"},
		{"an operand again and again", hundredK + `deny if sprintf("%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s%[1]s", [_m]) == ""`, "sprintf"},
		{"a template", hundredK + "deny if $\"{_m}{_m}{_m}{_m}{_m}{_m}{_m}{_m}{_m}{_m}{_m}{_m}\" == \"\"", "template"},
		{"a text taken apart", hundredK + `deny if count(split(concat("", [_m, _m, _m]), "")) == 1`, "split"},
		{"a cut set", hundredK + `deny if trim(_m, _m) == "x"`, "trim"},
		{"a number of a billion digits", `deny if floor(1e1000000000) == 1`, "=number too big"},
		{"a sum of such", `deny if sum([1e999999999, 1]) == 1`, "=number too big"},
		{"in another base", `deny if format_int(1e999999999, 2) == ""`, "=number too big"},
		{"squares of squares", "_s1 := 12345678901234567890123456789012345678901234567890\n\n_s2 := _s1 * _s1\n\n_s3 := _s2 * _s2\n\n_s4 := _s3 * _s3\n\ndeny if _s4 * _s4 == 1", "mul"},
		{"lists joined", hundred + "_e := [_h | some _ in _h; some _ in _d]\n\ndeny if count(array.concat(_e, _e)) == 1", "array.concat"},
		{"a loop without end", hundred + "deny if count([1 | some a in _h; some b in _h; some c in _h; some d in _h; a[0] + b[0] + c[0] + d[0] < 0]) > 0", "=Regel TEN-900 (rego/tenant/probe/probe.rego) kommt zu keinem Ende: die Auswertung braucht mehr als 5 Millionen Schritte"},
		{"lists within lists", hundred + "_e := [[a, b] | some a in _h; some b in _h]\n\ndeny if object.subset(array.concat(_e, _e), _e)", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			watch := startWatch()
			x, err := Examine(t.Context(), draftWith(t, c.body), ExamineOptions{Mutations: 1})
			took, most := watch.stop()
			if err != nil {
				t.Fatal(err)
			}
			if x.OK() {
				t.Fatal("the draft passed")
			}
			last := x.Results[len(x.Results)-1]
			text := strings.Join(last.Findings, "\n")
			if want, ok := strings.CutPrefix(c.want, "="); ok && !strings.Contains(text, want) {
				t.Errorf("step %s does not say %q: %s", last.Step, want, text)
			} else if !ok && c.want != "" && (!strings.Contains(text, "Regel TEN-900 (rego/tenant/probe/probe.rego) ruft ") || !strings.Contains(text, c.want)) {
				t.Errorf("step %s does not name the rule and %s: %s", last.Step, c.want, text)
			}
			if took > time.Minute || most > 2*defaultMemory {
				t.Errorf("it took %s and %d MiB", took, most>>20)
			}
		})
	}
}

// TestHostileTests: the same in Rego tests, which OPA runs by itself.
func TestHostileTests(t *testing.T) {
	test := "package rules.tenant.probe_test\n\nimport rego.v2\n\nimport data.rules.tenant.probe\n\ntest_fires if not probe.deny with input as {\"x\": sprintf(\"%1000000000d\", [1])}\n"
	watch := startWatch()
	x, err := Examine(t.Context(), bundleWith(t, map[string]string{
		"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny if input.stage == "x"`), "rego/tenant/probe/probe_test.rego": test,
	}), ExamineOptions{Mutations: 1})
	took, most := watch.stop()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(x.Results, func(r StepResult) bool { return r.Step == StepRego })
	if i < 0 || !strings.Contains(strings.Join(x.Results[i].Findings, "\n"), "sprintf mit zu großen Werten") {
		t.Errorf("the test was not refused: %+v", x.Results)
	}
	if took > 2*time.Minute || most > 2*defaultMemory {
		t.Errorf("it took %s and %d MiB", took, most>>20)
	}
}

// watch measures how much the heap grows.
type watch struct {
	begin time.Time
	heap  uint64
	most  atomic.Uint64
	done  chan struct{}
	ended chan struct{}
}

func startWatch() *watch {
	w := &watch{begin: time.Now(), heap: heapBytes(), done: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		for {
			select {
			case <-w.done:
				return
			case <-time.After(time.Millisecond):
				w.most.Store(max(w.most.Load(), heapBytes()))
			}
		}
	}()
	return w
}

func (w *watch) stop() (time.Duration, uint64) {
	close(w.done)
	<-w.ended
	return time.Since(w.begin), max(w.most.Load(), w.heap) - w.heap
}

// TestFunctionsThatGenerate: what makes much of nothing is not among the functions
// that rules may call, and whatever is added to the list has to be looked at.
func TestFunctionsThatGenerate(t *testing.T) {
	t.Parallel()
	allowed, err := allowedFunctions()
	if err != nil {
		t.Fatal(err)
	}
	bounded := plan.Bounded()
	// These make of their operands no more than they are, in time that is linear.
	linear := strings.Fields(`all and any array.slice assign contains count endswith eq equal gt gte indexof
		internal.member_2 internal.member_3 internal.test_case is_array is_boolean is_null is_number is_object is_set is_string
		lower lt lte max min neq object.filter object.get object.keys object.remove rego.metadata.chain rego.metadata.rule
		set_diff sort startswith substring trim_prefix trim_suffix type_name upper`)
	for _, f := range allowed.Builtins {
		if !slices.Contains(bounded, f.Name) && !slices.Contains(linear, f.Name) {
			t.Errorf("%s may be called: is what it makes bounded?", f.Name)
		}
	}
	for _, name := range []string{"numbers.range", "numbers.range_step", "walk", "json.patch", "strings.replace_n", "replace", "strings.render_template", "graph.reachable", "regex.replace", "net.cidr_expand", "bits.lsh", "yaml.unmarshal", "json.unmarshal"} {
		if slices.ContainsFunc(allowed.Builtins, func(b *ast.Builtin) bool { return b.Name == name }) {
			t.Errorf("%s may be called", name)
		}
	}
	if len(bounded) < 20 {
		t.Error(fmt.Sprint(bounded))
	}
}

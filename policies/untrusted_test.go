// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// draftWith is the shipped library with a rule and a test of it.
func draftWith(t *testing.T, body string) fstest.MapFS {
	t.Helper()
	return bundleWith(t, map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", body)})
}

// TestDraftsOfStrangers: what a draft tries, it does not get, and the examination
// comes to an end.
func TestDraftsOfStrangers(t *testing.T) {
	t.Parallel()
	digits := "_d := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]\n\n"
	cases := []struct {
		name  string
		files fstest.MapFS
		step  string
		want  string
	}{
		{"network", draftWith(t, `deny if http.send({"method": "GET", "url": "http://localhost"}).status_code != 200`), StepCompile, "http.send"},
		{"a list of any length", draftWith(t, `deny if count(numbers.range(1, 1000000000)) == 1`), StepCompile, "numbers.range"},
		{"functions of its own", bundleWith(t, map[string]string{"capabilities.json": `{"builtins": [{"name": "http.send", "decl": {"type": "function", "args": [], "result": {"type": "any"}}}]}`}), StepFormat, "http.send"},
		{"hosts of its own", bundleWith(t, map[string]string{"capabilities.json": `{"builtins": [], "allow_net": ["localhost"]}`}), StepFormat, "host"},
		{"a cross product", draftWith(t, digits+`deny if count([1 | some a in _d; some b in _d; some c in _d; some d in _d; some e in _d; some f in _d; a+b+c+d+e+f < 0]) > 0`), StepCanary, ""},
		{"a huge comprehension", draftWith(t, digits+`deny if count({[a, b, c, d, e] | some a in _d; some b in _d; some c in _d; some d in _d; some e in _d}) == 1`), StepCanary, ""},
		{"texts that double", draftWith(t, doubling(60)), StepFormat, "grow with every line"},
		{"data where a package stands", bundleWith(t, map[string]string{"catalog/dated_rules.yaml": "a: 1\n", "rego/tenant/probe/probe.rego": strings.Replace(ruleSource("TEN-900", "deny if false"), "rules.tenant.probe", "catalog.purposes", 1)}), StepCompile, "package is"},
		{"a package of another rule", bundleWith(t, map[string]string{"rego/tenant/probe/probe.rego": strings.Replace(ruleSource("TEN-900", "deny if false"), "rules.tenant.probe", "rules.tenant.known", 1)}), StepCompile, "package is"},
		{"what is generated", bundleWith(t, map[string]string{collected: "package collected\n"}), StepCompile, "generated"},
		{"recursion", draftWith(t, "deny if _a\n\n_a if _b\n\n_b if _a"), StepCompile, "recursi"},
		{"deep Rego", draftWith(t, "_x := "+strings.Repeat("[", 200_000)), StepFormat, "deeper"},
		{"deep YAML", bundleWith(t, map[string]string{"catalog/deep.yaml": "a: " + strings.Repeat("[", 200_000)}), StepFormat, "deeper"},
		{"deep YAML by dashes", bundleWith(t, map[string]string{"catalog/deep.yaml": strings.Repeat("- ", 200_000) + "1"}), StepFormat, "deeper"},
		{"laughs", bundleWith(t, map[string]string{"catalog/laughs.yaml": laughs()}), StepFormat, "alias"},
		{"many terms", draftWith(t, "_x := ["+strings.Repeat("1, ", maxModuleTerms)+"1]\n\ndeny if _x[0] == 2"), StepFormat, "terms"},
		{"a rule that denies all", draftWith(t, "deny := true"), StepCanary, "deny"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x, err := Examine(t.Context(), c.files, ExamineOptions{Mutations: 1})
			if err != nil {
				t.Fatal(err)
			}
			if x.OK() {
				t.Fatal("the draft passed")
			}
			i := slices.IndexFunc(x.Results, func(r StepResult) bool { return r.Step == c.step })
			if i < 0 || !strings.Contains(strings.Join(x.Results[i].Findings, "\n"), c.want) || len(x.Results[i].Findings) == 0 {
				t.Errorf("step %s says nothing of %q: %+v", c.step, c.want, x.Results)
			}
		})
	}
}

// doubling is a text that is twice as long with each line.
func doubling(lines int) string {
	var out strings.Builder
	out.WriteString("_t0 := \"xxxxxxxxxxxxxxxx\"\n\n")
	for i := range lines {
		fmt.Fprintf(&out, "_t%d := concat(\"\", [_t%d, _t%d])\n\n", i+1, i, i)
	}
	fmt.Fprintf(&out, "deny if _t%d == \"\"", lines)
	return out.String()
}

func laughs() string {
	var out strings.Builder
	out.WriteString("a0: &a0 [ha, ha]\n")
	for i := range 30 {
		fmt.Fprintf(&out, "a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
	}
	return out.String()
}

// TestMemoryIsBounded: rules that fill the memory are ended before the machine is.
func TestMemoryIsBounded(t *testing.T) {
	ctx, done := withinMemory(t.Context(), 8<<20)
	defer done()
	var hold [][]byte
	for i := 0; ctx.Err() == nil && i < 2000; i++ {
		hold = append(hold, make([]byte, 1<<20))
		time.Sleep(time.Millisecond)
	}
	if ctx.Err() == nil {
		t.Errorf("%d MiB were taken", len(hold))
	}
	if len(hold) > 1000 {
		t.Errorf("noticed only after %d MiB", len(hold))
	}
}

// TestShippedListIsNotNeeded: a bundle without a list of functions has ours.
func TestShippedListIsNotNeeded(t *testing.T) {
	t.Parallel()
	files := bundleWith(t, map[string]string{capabilitiesFile: ""})
	without, err := New(t.Context(), Config{FS: files})
	if err != nil {
		t.Fatal(err)
	}
	with, err := New(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	if with.Digest() != without.Digest() {
		t.Error("the list a bundle repeats decides something")
	}
}

func FuzzTameYAML(f *testing.F) {
	f.Add([]byte("a: &x [1]\nb: *x\n"))
	f.Add([]byte(laughs()))
	f.Fuzz(func(_ *testing.T, raw []byte) {
		if len(raw) < 1<<16 {
			_ = tameYAML(raw)
		}
	})
}

func FuzzNesting(f *testing.F) {
	f.Add([]byte(`x := "[" # [`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if n := nesting(raw, regoStrings); n < 0 || n > len(raw) {
			t.Errorf("%d levels in %d bytes", n, len(raw))
		}
	})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	base := bundleWith(t, map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny if input.stage == "x"`)})
	changed := maps.Clone(base)
	changed["rego/tenant/probe/probe.rego"] = &fstest.MapFile{Data: []byte(strings.Replace(ruleSource("TEN-900", `deny if input.stage == "y"`), "Ein Satz.", "Ein anderer Satz.", 1))}
	changed["rego/tenant/second/second.rego"] = &fstest.MapFile{Data: []byte(strings.Replace(ruleSource("TEN-901", "note if false"), "tenant.probe", "tenant.second", 1))}
	changed["manifest.yaml"] = &fstest.MapFile{Data: []byte("revision: next\nquantities: exact\n")}
	changed["catalog/extra.yaml"] = &fstest.MapFile{Data: []byte("a: {b: [1, 2]}\n")}
	d, err := Diff(base, changed)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Added) != 1 || d.Added[0].ID != "TEN-901" || len(d.Removed) != 0 || len(d.Changed) != 1 || d.New != "next" {
		t.Fatalf("added %v, removed %v, changed %v", d.Added, d.Removed, d.Changed)
	}
	if m := d.Changed[0].Metadata; len(m) != 1 || m[0].Field != "text" || m[0].New != "Ein anderer Satz." {
		t.Errorf("metadata: %+v", m)
	}
	var ops strings.Builder
	for _, l := range d.Changed[0].Lines {
		if l.Op != " " {
			ops.WriteString(l.Op)
		}
	}
	if ops.String() != "-+-+" {
		t.Errorf("lines: %q %+v", ops.String(), d.Changed[0].Lines)
	}
	if len(d.Tables) != 2 || d.Tables[0].Table != "extra" || string(d.Tables[0].New) != `{"a":{"b":[1,2]}}` || d.Tables[1].Path != "quantities" {
		t.Errorf("tables: %+v", d.Tables)
	}
	back, err := Diff(changed, base)
	if err != nil || len(back.Removed) != 1 || len(back.Added) != 0 {
		t.Errorf("the other way round: %+v, %v", back.Removed, err)
	}
	same, err := Diff(base, base)
	if err != nil || !same.Empty() {
		t.Errorf("a bundle differs from itself: %+v, %v", same, err)
	}
}

func TestLineDiff(t *testing.T) {
	t.Parallel()
	show := func(lines []Line) string {
		var out []string
		for _, l := range lines {
			out = append(out, l.Op+l.Text)
		}
		return strings.Join(out, "|")
	}
	for _, c := range []struct{ a, b, want string }{
		{"", "", ""}, {"a\n", "a\n", ""}, {"", "a\n", "+a"}, {"a\n", "", "-a"}, {"a\nb\nc\n", "a\nx\nc\n", " a|-b|+x| c"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\nx\n", " 6| 7| 8|-9|+x"},
	} {
		if got := show(lineDiff(c.a, c.b)); got != c.want {
			t.Errorf("%q to %q: %q, want %q", c.a, c.b, got, c.want)
		}
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// TestNoMutationOpens damages every path of the golden inputs: deletes it, sets
// it to null, to junk and to other types. Whatever is lost or wrong, a denial must
// never become an allow, a rejected model never permitted, and no obligation lost.
// Every denial is tried, of the allows one in eight; SCHLEUSE_MUTATE=all tries all,
// -short and -race a sample. A recorded input is always decided by the rules;
// TestDamagedQuestionsAreNotConfused damages questions, which may be remembered.
func TestNoMutationOpens(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	for _, c := range g.cases { // with everything remembered that will be damaged
		mustDecide(t, e, c.question)
	}
	inputs, mutations, openings := 0, 0, 0
	for i, c := range g.cases {
		before, err := e.Decide(t.Context(), c.question)
		if err != nil {
			t.Fatal(err)
		}
		if skipped(i, before) {
			continue
		}
		inputs++
		var input map[string]any
		if err := json.Unmarshal(before.Input, &input); err != nil {
			t.Fatal(err)
		}
		mutate(input, func(path string, original, replacement any) {
			mutations++
			raw, err := json.Marshal(input)
			if err != nil {
				t.Fatal(err)
			}
			after, err := e.Replay(t.Context(), raw)
			if err != nil {
				t.Fatal(err)
			}
			if what := opened(before, after); what != "" {
				openings++
				t.Errorf("%s: %s = %v instead of %v %s", c.name(), path, replacement, original, what)
			}
		})
	}
	if mutations < 1000 {
		t.Errorf("only %d mutations tried", mutations)
	}
	t.Logf("%d mutations of %d golden inputs, %d openings", mutations, inputs, openings)
}

func skipped(i int, d gateway.Decision) bool {
	switch {
	case os.Getenv("SCHLEUSE_MUTATE") == "all":
		return false
	case testing.Short() || raceEnabled:
		return i%12 != 0
	}
	return d.Allowed() && i%8 != 0
}

// opened says what the second decision gives away that the first did not.
func opened(before, after gateway.Decision) string {
	if !after.Allowed() {
		return ""
	}
	if !before.Allowed() {
		return "turns the denial into an allow"
	}
	for _, m := range after.Models {
		if _, rejected := before.Rejected[m]; rejected {
			return "permits the rejected model " + string(m)
		}
		if !slices.Contains(before.Models, m) {
			return "permits a model nobody offered"
		}
	}
	for _, o := range before.Obligations {
		if _, kept := after.Obligation(o.ID); !kept {
			return "loses the obligation " + o.ID
		}
	}
	return ""
}

// mutate calls try once for every damaged version of the tree, with the tree
// damaged, and leaves the tree as it was.
func mutate(root map[string]any, try func(path string, original, replacement any)) {
	var visit func(path string, node any)
	visit = func(path string, node any) {
		switch node := node.(type) {
		case map[string]any:
			for _, key := range sortedKeys(node) {
				visitKey(node, key, path+"/"+key, try)
				visit(path+"/"+key, node[key])
			}
		case []any:
			for i := range node {
				visitIndex(node, i, path+"/"+strconv.Itoa(i), try)
				visit(path+"/"+strconv.Itoa(i), node[i])
			}
		}
	}
	visit("", root)
}

func visitKey(node map[string]any, key, path string, try func(string, any, any)) {
	original := node[key]
	delete(node, key)
	try(path, original, "(deleted)")
	for _, replacement := range replacements(original) {
		node[key] = replacement
		try(path, original, replacement)
	}
	// A list shortened by its last and by its first element.
	if list, ok := original.([]any); ok && len(list) > 0 {
		for _, shorter := range [][]any{list[1:], list[:len(list)-1]} {
			node[key] = shorter
			try(path, original, shorter)
		}
	}
	node[key] = original
}

func visitIndex(node []any, i int, path string, try func(string, any, any)) {
	original := node[i]
	for _, replacement := range replacements(original) {
		node[i] = replacement
		try(path, original, replacement)
	}
	node[i] = original
}

// replacements are null, junk and every other type. What would be a legitimate
// other answer to the same question is left out: yes for no, 7 for 2.
func replacements(original any) []any {
	number, yes, list, object := any(-1.0), any(true), any([]any{}), any(map[string]any{})
	out := []any{nil, "", "junk", number, list, object}
	switch original.(type) {
	case bool:
		return append(out, 1.0)
	case float64:
		return append(out, yes, 0.5)
	case []any:
		return append(out, yes, []any{"junk"})
	case map[string]any:
		return append(out, yes, map[string]any{"junk": "junk"})
	}
	return append(out, yes)
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"encoding/json"
	"os"
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

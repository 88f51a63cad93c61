// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"encoding/json"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// TestPlanAgreesWithTopdown asks the rules in both ways, with every golden input
// and with damaged ones: the results are the same, to the last element, and where
// one fails the other does.
func TestPlanAgreesWithTopdown(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	s := e.active.Load()
	if s.main.program == nil || s.candidates.query.program == nil {
		t.Fatal("the library uses what plans do not know")
	}
	asked := 0
	for i, c := range g.cases {
		d := mustDecide(t, e, c.question)
		asked += agree(t, s, c.name(), d.Input)
		if skipped(i, d) || i%10 != 0 {
			continue
		}
		var input map[string]any
		if err := json.Unmarshal(d.Input, &input); err != nil {
			t.Fatal(err)
		}
		mutate(input, func(path string, _, _ any) {
			raw, err := json.Marshal(input)
			if err != nil {
				t.Fatal(err)
			}
			asked += agree(t, s, c.name()+" "+path, raw)
		})
	}
	if asked < 300 {
		t.Errorf("only %d questions were asked", asked)
	}
	t.Logf("%d questions asked both ways", asked)
}

// agree asks with a recorded input, if it can be read.
func agree(t *testing.T, s *snapshot, name string, raw []byte) int {
	t.Helper()
	input, _, err := recordedInput(raw)
	if err != nil {
		return 0
	}
	view, err := s.recordedView(t.Context(), input, canaryTimeout)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, doc := range []struct {
		document
		input ast.Value
	}{{s.main, view}, {s.candidates.query, input}} {
		want, wantErr := evaluate(t.Context(), doc.query, doc.input, canaryTimeout)
		got, gotErr := doc.evaluate(t.Context(), doc.input, canaryTimeout)
		if (wantErr == nil) != (gotErr == nil) {
			t.Errorf("%s: topdown fails with %v, the plan with %v", name, wantErr, gotErr)
			continue
		}
		if wantErr == nil && want.Value.Compare(got.Value) != 0 {
			t.Errorf("%s: topdown gives %v, the plan %v", name, want, got)
		}
	}
	return 1
}

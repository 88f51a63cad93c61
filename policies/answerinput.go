// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"encoding/json"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/gateway"
)

// answerInput is the question that was decided before the answer (Record.Answer),
// which is not recorded because it follows from the last one: the stage of an
// answer, nothing found in it, and of the models those that could be asked.
func answerInput(last json.RawMessage, answer gateway.Decision) json.RawMessage {
	if len(answer.Input) > 0 {
		return answer.Input
	}
	value, _, err := recordedInput(last)
	if err != nil {
		return nil
	}
	out := ast.NewObject()
	value.Foreach(func(k, v *ast.Term) {
		switch termText(k) {
		case "stage":
			v = ast.StringTerm(string(gateway.StageResponse))
		case "screened":
			v = nothingScreened
		case "models":
			v = keep(v, answer.Models)
		case "models_count":
			v = ast.InternedTerm(len(answer.Models))
		}
		out.Insert(k, v)
	})
	return canonicalJSON(out)
}

var nothingScreened = ast.MustParseTerm(`{"categories": [], "categories_count": 0, "counts": {}, "total": 0, "unscreenable": 0}`)

// keep leaves of an object of models those that are named.
func keep(t *ast.Term, ids []gateway.ModelID) *ast.Term {
	models, ok := t.Value.(ast.Object)
	if !ok {
		return t
	}
	out := ast.NewObject()
	for _, id := range ids {
		if model := models.Get(ast.StringTerm(text(id))); model != nil {
			out.Insert(ast.StringTerm(text(id)), model)
		}
	}
	return ast.NewTerm(out)
}

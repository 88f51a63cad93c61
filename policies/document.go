// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"

	"github.com/ki-schleuse/schleuse/policies/plan"
)

// document is a document of the rules with the tables of a snapshot, ready to be
// asked. Questions are answered by the plan of the rules (package plan), or by
// topdown if the rules use what plans do not know. TestPlanAgreesWithTopdown
// compares the two.
type document struct {
	query   rego.PreparedEvalQuery
	program *plan.Program
	data    ast.Value
}

func newDocument(ctx context.Context, name string, compiler *ast.Compiler, store storage.Store) (document, error) {
	query, err := prepare(ctx, name, compiler, store)
	if err != nil {
		return document{}, err
	}
	d := document{query: query}
	program, err := plan.New(ctx, compiler, name)
	if errors.Is(err, plan.ErrUnsupported) {
		return d, nil
	}
	if err != nil {
		return document{}, err
	}
	data, err := storage.ReadOne(ctx, store, storage.Path{})
	if err != nil {
		return document{}, fmt.Errorf("read tables: %w", err)
	}
	value, ok := data.(ast.Value)
	if !ok {
		return document{}, fmt.Errorf("the tables are %T", data)
	}
	d.program, d.data = program, value
	return d, nil
}

// evaluate asks the document, within limit.
func (d document) evaluate(ctx context.Context, input ast.Value, limit time.Duration) (*ast.Term, error) {
	if d.program == nil {
		return evaluate(ctx, d.query, input, limit)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cancel := topdown.NewCancel()
	timer := time.AfterFunc(limit, cancel.Cancel)
	defer timer.Stop()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	out, err := d.program.Eval(ctx, d.data, input, cancel)
	if err != nil {
		return nil, err
	}
	if out == nil {
		return nil, errors.New("the result is undefined")
	}
	return out, nil
}

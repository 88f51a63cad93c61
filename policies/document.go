// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

func (b *bundle) document(ctx context.Context, name string, store storage.Store) (document, error) {
	query, err := prepare(ctx, name, b.compiler, store)
	if err != nil {
		return document{}, err
	}
	d := document{query: query}
	program, err := b.plans.of(ctx, b.compiler, name)
	if err != nil || program == nil {
		return d, err
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

// plans are the plans of a bundle, made when they are first wanted. They know no
// tables, so that all snapshots share them.
type plans struct {
	mu   sync.Mutex
	made map[string]*plan.Program
}

// of is the plan of a document; nil: the rules use what plans do not know.
func (p *plans) of(ctx context.Context, compiler *ast.Compiler, name string) (*plan.Program, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if program, ok := p.made[name]; ok {
		return program, nil
	}
	program, err := plan.New(ctx, compiler, name)
	if err != nil && !errors.Is(err, plan.ErrUnsupported) {
		return nil, err
	}
	if p.made == nil {
		p.made = map[string]*plan.Program{}
	}
	p.made[name] = program
	return program, nil
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

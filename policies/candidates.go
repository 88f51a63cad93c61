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
	"github.com/open-policy-agent/opa/v1/storage"
)

// maxCandidateSets bounds what is kept: the sets of models that are asked about
// are few (the catalogue, and what is left of it), and change with it.
const maxCandidateSets = 256

// candidateFacts answers data.candidates.result. That document sees the models of
// a question and the tables, and nothing else: the same models have the same facts
// for the life of a snapshot, whoever asks.
type candidateFacts struct {
	query document
	mu    sync.Mutex
	known map[string]candidateSet
}

// candidateSet are models as they stand in a policy input, and what is known of them.
type candidateSet struct{ models, facts *ast.Term }

func (b *bundle) candidateFacts(ctx context.Context, store storage.Store) (*candidateFacts, error) {
	query, err := b.document(ctx, "data.candidates.result", store)
	if err != nil {
		return nil, err
	}
	return &candidateFacts{query: query, known: map[string]candidateSet{}}, nil
}

// about answers for models as they stand in a policy input.
func (c *candidateFacts) about(ctx context.Context, models ast.Object, limit time.Duration) (*ast.Term, error) {
	key := canonicalJSON(models)
	if set, ok := c.recall(key); ok {
		return set.facts, nil
	}
	set := candidateSet{models: ast.NewTerm(models)}
	var err error
	if set.facts, err = c.query.evaluate(ctx, ast.NewObject([2]*ast.Term{fieldTerm("models"), set.models}), limit); err != nil {
		return nil, fmt.Errorf("candidates: %w", err)
	}
	if _, ok := set.facts.Value.(ast.Object); !ok {
		return nil, errors.New("candidates: the result is not an object")
	}
	c.keep(key, set)
	return set.facts, nil
}

func (c *candidateFacts) recall(key []byte) (candidateSet, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	set, ok := c.known[string(key)]
	return set, ok
}

func (c *candidateFacts) keep(key []byte, set candidateSet) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxCandidateSets {
		clear(c.known)
	}
	c.known[string(key)] = set
}

// check makes sure that rules ask about candidates only what is answered: a set
// that does not exist would leave a rule silent.
func (c *candidateFacts) check(ctx context.Context, modules map[string]*ast.Module, limit time.Duration) error {
	facts, err := c.about(ctx, ast.NewObject(), limit)
	if err != nil {
		return err
	}
	answered, _ := facts.Value.(ast.Object)
	prefix := ast.MustParseRef("input.candidates")
	for _, name := range sortedKeys(modules) {
		var unknown string
		ast.WalkRefs(modules[name], func(ref ast.Ref) bool {
			if ref.HasPrefix(prefix) && len(ref) > len(prefix) && answered.Get(ref[len(prefix)]) == nil {
				unknown = ref.String()
			}
			return false
		})
		if unknown != "" {
			return fmt.Errorf("%s asks for %s, which rego/candidates does not answer", name, unknown)
		}
	}
	return nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"fmt"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// A view is what the rules of a bundle see of a policy input: the input as
// recorded, with quantities as coarse as the bundle wants them (manifest.yaml,
// quantities), with purposes under the name the table knows them by (catalog/
// purposes.yaml, aliases), and with three facts that follow from it:
//
//	well_formed  the input has the shape every input has (shape.go)
//	known        the entries of the tables for tenant, service, purpose and
//	             operation; what is not in the table is not there
//	candidates   what rego/candidates says about the models
//
// A view depends on the recorded input and the snapshot alone, so a replay makes
// the same one. There are two ways to it, from a question and from a record;
// TestOneView compares them.

// questionView is the view of facts that were just put together.
func (s *snapshot) questionView(ctx context.Context, f *facts, limit time.Duration) (ast.Value, error) {
	set, asked := s.candidates.recall(f.models.json)
	w := astWriter{purpose: s.purpose, known: set.models}
	f.write(&w, s.quantity())
	if !asked {
		return s.complete(ctx, w.value, wellFormed(w.value), limit)
	}
	return s.with(w.value, wellFormed(w.value), set.facts), nil
}

// recordedView is the view of an input that was recorded, or damaged since.
func (s *snapshot) recordedView(ctx context.Context, recorded ast.Object, limit time.Duration) (ast.Value, error) {
	seen := ast.NewObject()
	recorded.Foreach(func(k, v *ast.Term) {
		if s.coarse {
			v = coarser(k, v)
		}
		seen.Insert(k, s.named(k, v))
	})
	return s.complete(ctx, seen, wellFormed(recorded) && addsUp(recorded), limit)
}

// complete adds what follows. Models that are not described as models are none.
func (s *snapshot) complete(ctx context.Context, seen ast.Object, well bool, limit time.Duration) (ast.Value, error) {
	models, ok := inner(seen, "models")
	if !ok || !areModels(models) {
		models = ast.NewObject()
	}
	candidates, err := s.candidates.about(ctx, models, limit)
	if err != nil {
		return nil, err
	}
	return s.with(seen, well, candidates), nil
}

func (s *snapshot) with(seen ast.Object, well bool, candidates *ast.Term) ast.Value {
	seen.Insert(fieldTerm("well_formed"), ast.InternedTerm(well))
	seen.Insert(fieldTerm("known"), ast.NewTerm(s.known(seen)))
	seen.Insert(fieldTerm("candidates"), candidates)
	return seen
}

// known looks tenant, service, purpose and operation up in the tables.
func (s *snapshot) known(seen ast.Object) ast.Object {
	out := ast.NewObject()
	look := func(as, table string, in ast.Object, key string) {
		if name := in.Get(fieldTerm(key)); name != nil {
			if entry := s.tables[table].Get(name); entry != nil {
				out.Insert(fieldTerm(as), entry)
			}
		}
	}
	look("service", "services", seen, "service")
	look("purpose", "purposes", seen, "purpose")
	look("operation", "operations", seen, "operation")
	if caller, ok := inner(seen, "caller"); ok {
		look("tenant", "tenants", caller, "tenant")
	}
	return out
}

func inner(o ast.Object, name string) (ast.Object, bool) {
	term := o.Get(fieldTerm(name))
	if term == nil {
		return nil, false
	}
	object, ok := term.Value.(ast.Object)
	return object, ok
}

// lookups are the tables known looks into.
func lookups(catalog ast.Value) (map[string]ast.Object, error) {
	out := map[string]ast.Object{}
	for name, path := range map[string]string{
		"tenants": "tenants", "services": "services", "purposes": "purposes.purposes", "operations": "operations.operations",
	} {
		v, err := catalog.Find(ast.MustParseRef("data." + path)[1:])
		table, ok := v.(ast.Object)
		if err != nil || !ok {
			return nil, fmt.Errorf("catalog: %s is not a table", path)
		}
		out[name] = table
	}
	return out, nil
}

// quantity is how the rules see counts.
func (s *snapshot) quantity() func(int) int {
	if s.coarse {
		return presence
	}
	return exact
}

// named replaces other names of purposes.
func (s *snapshot) named(key, value *ast.Term) *ast.Term {
	switch termText(key) {
	case "purpose":
		return s.purposeTerm(value)
	case "caller":
		return mapFields(value, func(k, v *ast.Term) *ast.Term {
			if termText(k) != "purposes" {
				return v
			}
			return s.purposeTerms(v)
		})
	case "chain":
		return s.purposeTerms(value)
	}
	return value
}

// purposeTerms replaces other names in a list of purposes.
func (s *snapshot) purposeTerms(t *ast.Term) *ast.Term {
	list, ok := t.Value.(*ast.Array)
	if !ok {
		return t
	}
	purposes := make([]*ast.Term, list.Len())
	for i := range purposes {
		purposes[i] = s.purposeTerm(list.Elem(i))
	}
	return ast.ArrayTerm(purposes...)
}

func (s *snapshot) purposeTerm(t *ast.Term) *ast.Term {
	alias, ok := t.Value.(ast.String)
	if !ok {
		return t
	}
	return ast.StringTerm(s.purpose(string(alias)))
}

// purpose is the name the table has for a purpose.
func (s *snapshot) purpose(alias string) string {
	if name, ok := s.aliases[alias]; ok {
		return name
	}
	return alias
}

// coarser leaves of a quantity whether there is any. It touches the fields
// facts.write counts; what is no quantity there stays as it is.
func coarser(key, value *ast.Term) *ast.Term {
	switch termText(key) {
	case "entities", "sources":
		return presenceTerm(value)
	case "passages":
		return mapFields(value, func(k, v *ast.Term) *ast.Term {
			if name := termText(k); name == "count" || name == "unclassified" {
				return presenceTerm(v)
			}
			return v
		})
	case "screened":
		return mapFields(value, func(k, v *ast.Term) *ast.Term {
			switch termText(k) {
			case "total", "unscreenable":
				return presenceTerm(v)
			case "counts":
				return mapFields(v, func(_, n *ast.Term) *ast.Term { return presenceTerm(n) })
			}
			return v
		})
	}
	return value
}

func presenceTerm(t *ast.Term) *ast.Term {
	if isCount(t.Value) && t.Value.Compare(ast.InternedTerm(0).Value) > 0 {
		return ast.InternedTerm(1)
	}
	return t
}

// termText is the text of a term, "" for anything else.
func termText(t *ast.Term) string {
	s, _ := t.Value.(ast.String)
	return string(s)
}

func mapFields(t *ast.Term, change func(k, v *ast.Term) *ast.Term) *ast.Term {
	o, ok := t.Value.(ast.Object)
	if !ok {
		return t
	}
	fields := make([][2]*ast.Term, 0, o.Len())
	o.Foreach(func(k, v *ast.Term) { fields = append(fields, [2]*ast.Term{k, change(k, v)}) })
	return ast.ObjectTerm(fields...)
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import "github.com/open-policy-agent/opa/v1/ast"

// maxExpansion bounds what a value of a rule is when every name in it is replaced by
// what it stands for. Thirty lines of x1 := [x0, x0] are short to write, and neither
// the compiler, which works out types, nor a comparison comes to an end with them;
// no deadline reaches either.
const maxExpansion = 50_000

// expansion measures the values of a module. Names of one rule are nothing to
// another, names of rules are known to all.
type expansion struct {
	rules map[ast.Var]*named
}

// named is what a name stands for: any of the terms, in the scope of a rule.
type named struct {
	scopes []scope
	terms  []*ast.Term
	// argument of a function.
	argument bool
	// sizes with arguments of one and of two parts; 0 before they are known and 1
	// while they are worked out: what goes in a circle is refused by the compiler.
	sizes [2]int
}

type scope map[ast.Var]*named

// expanded is the size of the largest value in a module; above maxExpansion it is
// not exact.
func expanded(m *ast.Module) int {
	x := expansion{rules: map[ast.Var]*named{}}
	scopes := map[*ast.Rule]scope{}
	for _, first := range m.Rules {
		for r := first; r != nil; r = r.Else {
			scopes[r] = boundIn(r)
			if name, ok := r.Head.Ref()[0].Value.(ast.Var); ok {
				x.name(name).add(scopes[r], r.Head.Key, r.Head.Value)
			}
		}
	}
	most := 0
	for r, in := range scopes {
		for _, n := range in {
			most = max(most, x.sizeOf(0, n))
		}
		for _, t := range [...]*ast.Term{r.Head.Key, r.Head.Value} {
			if t != nil {
				most = max(most, x.size(0, in, t))
			}
		}
		ast.WalkExprs(r.Body, func(e *ast.Expr) bool {
			for _, t := range operands(e) {
				most = max(most, x.size(0, in, t))
			}
			return most > maxExpansion
		})
	}
	return most
}

func (x expansion) name(v ast.Var) *named {
	if x.rules[v] == nil {
		x.rules[v] = &named{}
	}
	return x.rules[v]
}

func (n *named) add(in scope, terms ...*ast.Term) {
	for _, t := range terms {
		if t != nil {
			n.scopes, n.terms = append(n.scopes, in), append(n.terms, t)
		}
	}
}

// boundIn are the names a rule gives: by := and =, and by some … in.
func boundIn(r *ast.Rule) scope {
	in := scope{}
	for _, a := range r.Head.Args {
		ast.WalkVars(a, func(v ast.Var) bool {
			in[v] = &named{argument: true}
			return false
		})
	}
	bind := func(to, from *ast.Term) {
		ast.WalkVars(to, func(v ast.Var) bool {
			if in[v] == nil {
				in[v] = &named{}
			}
			in[v].add(in, from)
			return false
		})
	}
	ast.WalkExprs(r, func(e *ast.Expr) bool {
		switch terms := e.Terms.(type) {
		case []*ast.Term:
			if len(terms) != 3 || !e.IsAssignment() && !e.IsEquality() {
				return false
			}
			if _, name := terms[2].Value.(ast.Var); name && e.IsEquality() {
				bind(terms[2], terms[1])
				return false
			}
			bind(terms[1], terms[2])
		case *ast.SomeDecl:
			for _, s := range terms.Symbols {
				call, ok := s.Value.(ast.Call)
				for i := 1; ok && i < len(call)-1; i++ {
					bind(call[i], call[len(call)-1])
				}
			}
		}
		return false
	})
	return in
}

func operands(e *ast.Expr) []*ast.Term {
	switch terms := e.Terms.(type) {
	case *ast.Term:
		return []*ast.Term{terms}
	case []*ast.Term:
		return terms[1:]
	}
	return nil
}

// sizeOf is what a name stands for, with arguments of one part (0) or two (1).
func (x expansion) sizeOf(arguments int, n *named) int {
	switch {
	case n == nil:
		return 1
	case n.argument:
		return 1 + arguments
	case n.sizes[arguments] > 0:
		return n.sizes[arguments]
	}
	n.sizes[arguments] = 1
	most := 1
	for i, t := range n.terms {
		most = max(most, x.size(arguments, n.scopes[i], t))
	}
	n.sizes[arguments] = most
	return most
}

// size of a term. A function makes of its arguments at most what they are, one of
// the rules as often as they stand in its value.
func (x expansion) size(arguments int, in scope, t *ast.Term) int {
	sum := 1
	add := func(parts ...*ast.Term) {
		for _, p := range parts {
			sum = min(sum+x.size(arguments, in, p), maxExpansion+1)
		}
	}
	switch v := t.Value.(type) {
	case ast.Var:
		if n := in[v]; n != nil {
			return x.sizeOf(arguments, n)
		}
		return x.sizeOf(arguments, x.rules[v])
	case ast.Ref:
		add(v...)
	case *ast.Array:
		v.Foreach(func(e *ast.Term) { add(e) })
	case ast.Set:
		v.Foreach(func(e *ast.Term) { add(e) })
	case ast.Object:
		v.Foreach(func(k, e *ast.Term) { add(k, e) })
	case *ast.ArrayComprehension:
		add(v.Term)
	case *ast.SetComprehension:
		add(v.Term)
	case *ast.ObjectComprehension:
		add(v.Key, v.Value)
	case ast.Call:
		add(v[1:]...)
		if f := x.called(v); f != nil {
			once := x.sizeOf(0, f)
			sum = min(once+sum*max(1, x.sizeOf(1, f)-once), maxExpansion+1)
		}
	}
	return sum
}

// called is the function of the module that a call means.
func (x expansion) called(c ast.Call) *named {
	f, ok := c[0].Value.(ast.Ref)
	if !ok || len(f) != 1 {
		return nil
	}
	name, ok := f[0].Value.(ast.Var)
	if !ok {
		return nil
	}
	return x.rules[name]
}

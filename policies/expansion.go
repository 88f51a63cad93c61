// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// maxExpansion bounds what a value of a rule is when every name in it is replaced by
// what it stands for. Thirty lines of x1 := [x0, x0] are short to write, and neither
// the compiler, which works out types, nor a comparison comes to an end with them;
// no deadline reaches either.
const maxExpansion = 50_000

// expansion measures the values of modules. Names of one rule are nothing to
// another, names of rules are known to all, in other modules by their path.
type expansion struct {
	// rules by path, like data.rules.tenant.known.deny.
	rules map[string]*named
	// documents are packages by path: all their rules together.
	documents map[string]*named
}

// named is what a name stands for: any of the terms, in the scope of a rule.
type named struct {
	scopes []scope
	terms  []*ast.Term
	// argument of a function.
	argument bool
	// parts are the rules of a package.
	parts []*named
	// sizes with arguments of one and of two parts; 0 before they are known and 1
	// while they are worked out: what goes in a circle is refused by the compiler.
	sizes [2]int
}

// scope are the names of a rule, and the module it stands in.
type scope struct {
	names  map[ast.Var]*named
	module *module
}

// module is what its names without a prefix mean.
type module struct {
	path    string
	imports map[ast.Var]string
}

// expanded is the size of the largest value in modules; above maxExpansion it is not
// exact.
func expanded(modules ...*ast.Module) int {
	x := expansion{rules: map[string]*named{}, documents: map[string]*named{}}
	scopes := map[*ast.Rule]scope{}
	for _, m := range modules {
		x.read(m, scopes)
	}
	most := 0
	for r, in := range scopes {
		for _, n := range in.names {
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

// read adds the rules of a module.
func (x expansion) read(m *ast.Module, scopes map[*ast.Rule]scope) {
	at := &module{path: pathOf(m.Package.Path), imports: map[ast.Var]string{}}
	for _, i := range m.Imports {
		if path, ok := i.Path.Value.(ast.Ref); ok {
			at.imports[i.Name()] = pathOf(path)
		}
	}
	for _, first := range m.Rules {
		for r := first; r != nil; r = r.Else {
			scopes[r] = boundIn(r, at)
			if name, ok := r.Head.Ref()[0].Value.(ast.Var); ok {
				x.rule(at.path+"."+string(name)).add(scopes[r], r.Head.Key, r.Head.Value)
			}
		}
	}
}

// pathOf are the words of a reference up to the first that is not known.
func pathOf(ref ast.Ref) string {
	var words []string
	for _, t := range ref {
		switch v := t.Value.(type) {
		case ast.Var:
			if len(words) > 0 {
				return strings.Join(words, ".")
			}
			words = append(words, string(v))
		case ast.String:
			words = append(words, string(v))
		default:
			return strings.Join(words, ".")
		}
	}
	return strings.Join(words, ".")
}

func (x expansion) rule(path string) *named {
	if x.rules[path] == nil {
		x.rules[path] = &named{}
	}
	return x.rules[path]
}

// target is what a reference means that does not begin with a name of its rule: a
// rule, or all rules of the packages below; nil: neither, such as the input.
func (x expansion) target(in scope, ref ast.Ref) *named {
	head, ok := ref[0].Value.(ast.Var)
	if !ok {
		return nil
	}
	path := string(head)
	if own := x.rules[in.module.path+"."+path]; own != nil {
		return own
	}
	if imported := in.module.imports[head]; imported != "" {
		path = imported
	}
	for _, t := range ref[1:] {
		word, ok := t.Value.(ast.String)
		if x.rules[path] != nil || !ok {
			break
		}
		path += "." + string(word)
	}
	if n := x.rules[path]; n != nil {
		return n
	}
	return x.document(path)
}

// document is all below a path.
func (x expansion) document(path string) *named {
	if n, known := x.documents[path]; known {
		return n
	}
	n := &named{}
	for rule, r := range x.rules {
		if strings.HasPrefix(rule, path+".") {
			n.parts = append(n.parts, r)
		}
	}
	if len(n.parts) == 0 {
		n = nil
	}
	x.documents[path] = n
	return n
}

func (n *named) add(in scope, terms ...*ast.Term) {
	for _, t := range terms {
		if t != nil {
			n.scopes, n.terms = append(n.scopes, in), append(n.terms, t)
		}
	}
}

// boundIn are the names a rule gives: by := and =, and by some … in.
func boundIn(r *ast.Rule, at *module) scope {
	in := scope{names: map[ast.Var]*named{}, module: at}
	for _, a := range r.Head.Args {
		ast.WalkVars(a, func(v ast.Var) bool {
			in.names[v] = &named{argument: true}
			return false
		})
	}
	bind := func(to, from *ast.Term) {
		ast.WalkVars(to, func(v ast.Var) bool {
			if in.names[v] == nil {
				in.names[v] = &named{}
			}
			in.names[v].add(in, from)
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
	for _, part := range n.parts {
		most = min(most+x.sizeOf(arguments, part), maxExpansion+1)
	}
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
		return x.sizeOf(arguments, x.meaning(in, ast.Ref{t}))
	case ast.Ref:
		if _, name := v[0].Value.(ast.Var); name {
			sum = min(sum+x.sizeOf(arguments, x.meaning(in, v)), maxExpansion+1)
		} else {
			add(v[0])
		}
		add(v[1:]...)
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
		if f := x.called(in, v); f != nil {
			once := x.sizeOf(0, f)
			sum = min(once+sum*max(1, x.sizeOf(1, f)-once), maxExpansion+1)
		}
	}
	return sum
}

// meaning is what the beginning of a reference stands for.
func (x expansion) meaning(in scope, ref ast.Ref) *named {
	if head, ok := ref[0].Value.(ast.Var); ok && in.names[head] != nil {
		return in.names[head]
	}
	return x.target(in, ref)
}

// called is the function that a call means, if it is one of the rules.
func (x expansion) called(in scope, c ast.Call) *named {
	f, ok := c[0].Value.(ast.Ref)
	if !ok {
		return nil
	}
	if n := x.target(in, f); n != nil && len(n.parts) == 0 {
		return n
	}
	return nil
}

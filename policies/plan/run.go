// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package plan

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// What can become of a block. Above done is the number of blocks to leave: 1 is
// the block itself, which is how a statement that is undefined ends it.
const (
	failed    = -2
	returned  = -1
	done      = 0
	undefined = 1
)

// checkEvery is how many statements run between two looks at the limit.
const checkEvery = 256

// MaxSteps is how many statements one evaluation may run; the shipped rules need some
// thousand.
const MaxSteps = 5_000_000

// machine holds the state of one evaluation. Machines are used again.
type machine struct {
	program   *Program
	constants []*ast.Term
	stack     []*ast.Term
	memo      []memory
	// round tells results of this evaluation from those of earlier ones.
	round  uint64
	cancel topdown.Cancel
	steps  int
	err    error

	built topdown.BuiltinContext
	args  [8]*ast.Term
	taken *ast.Term
	take  func(*ast.Term) error
}

type memory struct {
	round uint64
	value *ast.Term
}

func newMachine(memos int, constants []*ast.Term) *machine {
	m := &machine{constants: constants, memo: make([]memory, memos)}
	m.take = func(t *ast.Term) error {
		m.taken = t
		return nil
	}
	return m
}

// Eval evaluates the document for data and input, until cancel is called. The
// result is nil if the document is undefined. A built-in function that fails
// fails the evaluation.
func (p *Program) Eval(ctx context.Context, data, input ast.Value, cancel topdown.Cancel) (out *ast.Term, err error) {
	m, ok := p.machines.Get().(*machine)
	if !ok {
		return nil, errors.New("no machine")
	}
	m.program, m.cancel, m.err, m.steps = p, cancel, nil, 0
	m.round++
	m.built = topdown.BuiltinContext{Context: ctx, Cancel: cancel}
	defer func() {
		if r := recover(); r != nil {
			// The machine is lost with what it was doing; the next one is made anew.
			out, err = nil, fmt.Errorf("evaluate: %v", r)
			return
		}
		m.built, m.cancel, m.taken = topdown.BuiltinContext{}, nil, nil
		clear(m.args[:])
		clear(m.stack[:cap(m.stack)])
		m.stack = m.stack[:0]
		p.machines.Put(m)
	}()
	f := &p.functions[p.entry]
	out = m.enter(f, []*ast.Term{ast.NewTerm(input), ast.NewTerm(data)})
	return out, m.err
}

// enter runs a function with arguments. The result is nil if it is undefined or
// has failed (m.err).
func (m *machine) enter(f *function, args []*ast.Term) *ast.Term {
	base := len(m.stack)
	for range f.locals {
		m.stack = append(m.stack, nil)
	}
	// What is called may move the stack; the locals stay where they are.
	locals := m.stack[base:]
	for i, p := range f.params {
		locals[p] = args[i]
	}
	out := m.body(f, locals)
	m.stack = m.stack[:base]
	return out
}

func (m *machine) body(f *function, locals []*ast.Term) *ast.Term {
	for _, b := range f.blocks {
		switch m.run(b, locals) {
		case returned:
			return locals[f.result]
		case failed:
			if e, ok := errors.AsType[*TooMuchError](m.err); ok && e.Rule == "" {
				e.Rule = f.name
			}
			return nil
		}
	}
	return nil
}

// mayGoOn ends an evaluation of too many steps, the same on every machine, and one
// that nobody waits for any more.
func (m *machine) mayGoOn() int {
	switch {
	case m.cancel != nil && m.cancel.Cancelled():
		return m.fail("the time limit has passed or the caller has left")
	case m.steps > MaxSteps:
		return m.fail("%w", &TooMuchError{Text: "die Auswertung braucht mehr als 5 Millionen Schritte"})
	}
	return done
}

func (m *machine) fail(format string, args ...any) int {
	if m.err == nil {
		m.err = fmt.Errorf(format, args...)
	}
	return failed
}

// read is an operand's value.
func (m *machine) read(locals []*ast.Term, operand int32) *ast.Term {
	if operand >= 0 {
		return locals[operand]
	}
	return m.constants[-operand-1]
}

// run executes a block.
func (m *machine) run(b block, locals []*ast.Term) int {
	for i := range b {
		s := &b[i]
		if m.steps++; m.steps%checkEvery == 0 {
			if next := m.mayGoOn(); next != done {
				return next
			}
		}
		next := done
		switch s.op {
		case opReturn:
			return returned
		case opBreak:
			return int(s.n)
		case opDot:
			next = m.store(locals, s, dot(m.read(locals, s.a), m.read(locals, s.b)))
		case opCall:
			next = m.call(locals, s)
		case opBuiltin:
			next = m.callBuiltin(locals, s)
		case opBlocks:
			next = m.runBlocks(locals, s)
		case opScan:
			next = m.scan(locals, s)
		case opNot:
			next = m.not(locals, s)
		case opAssign:
			locals[s.target] = m.read(locals, s.a)
		case opAssignOnce:
			next = m.assignOnce(locals, s)
		case opReset:
			locals[s.target] = nil
		case opEqual, opNotEqual:
			next = m.compare(locals, s)
		case opIsDefined:
			next = when(locals[s.a] != nil)
		case opIsUndefined:
			next = when(locals[s.a] == nil)
		default:
			next = m.value(locals, s)
		}
		if next != done {
			return next
		}
	}
	return done
}

func when(holds bool) int {
	if holds {
		return done
	}
	return undefined
}

// value executes what looks at values or makes them.
func (m *machine) value(locals []*ast.Term, s *instruction) int {
	switch s.op {
	case opArray:
		locals[s.target] = ast.NewTerm(ast.NewArrayWithCapacity(int(s.n)))
	case opObject:
		locals[s.target] = ast.NewTerm(ast.NewObject())
	case opSet:
		locals[s.target] = ast.NewTerm(ast.NewSet())
	case opLen:
		return m.length(locals, s)
	case opAppend, opInsert, opInsertOnce, opAdd:
		return m.put(locals, s)
	case opIsArray, opIsObject, opIsSet:
		return m.is(locals, s)
	default:
		return m.fail("unknown statement %d", s.op)
	}
	return done
}

func (m *machine) store(locals []*ast.Term, s *instruction, t *ast.Term) int {
	locals[s.target] = t
	return when(t != nil)
}

// dot is what stands in a value under a key, nil if nothing does.
func dot(from, key *ast.Term) *ast.Term {
	if from == nil || key == nil {
		return nil
	}
	switch v := from.Value.(type) {
	case ast.Object:
		return v.Get(key)
	case *ast.Array:
		return v.Get(key)
	case ast.Set:
		if v.Contains(key) {
			return key
		}
	}
	return nil
}

func (m *machine) call(locals []*ast.Term, s *instruction) int {
	f := &m.program.functions[s.n]
	if f.memo >= 0 {
		if kept := &m.memo[f.memo]; kept.round == m.round {
			return m.store(locals, s, kept.value)
		}
	}
	var few [6]*ast.Term
	args := few[:0]
	for _, a := range s.args {
		args = append(args, m.read(locals, a))
	}
	out := m.enter(f, args)
	if m.err != nil {
		return failed
	}
	if f.memo >= 0 {
		m.memo[f.memo] = memory{round: m.round, value: out}
	}
	return m.store(locals, s, out)
}

func (m *machine) callBuiltin(locals []*ast.Term, s *instruction) int {
	b := &m.program.builtins[s.n]
	args := m.args[:0]
	for _, a := range s.args {
		arg := m.read(locals, a)
		if arg == nil {
			return m.fail("%s: an operand is undefined", b.name)
		}
		args = append(args, arg)
	}
	m.taken = nil
	if err := b.call(m.built, args, m.take); err != nil {
		return m.fail("%s: %w", b.name, err)
	}
	return m.store(locals, s, m.taken)
}

func (m *machine) runBlocks(locals []*ast.Term, s *instruction) int {
	for _, b := range s.blocks {
		next := m.run(b, locals)
		if next < 0 {
			return next
		}
		if next > undefined {
			return next - 1
		}
	}
	return done
}

// scan runs a block for each element. Nothing in it ends the loop but a return
// or an error.
func (m *machine) scan(locals []*ast.Term, s *instruction) int {
	source := locals[s.a]
	if source == nil {
		return done
	}
	next := done
	each := func(key, value *ast.Term) bool {
		locals[s.b], locals[s.target] = key, value
		next = min(m.run(s.blocks[0], locals), done)
		return next != done
	}
	switch v := source.Value.(type) {
	case ast.Object:
		v.Until(each)
	case *ast.Array:
		for i := range v.Len() {
			if each(ast.InternedTerm(i), v.Elem(i)) {
				break
			}
		}
	case ast.Set:
		for _, element := range v.Slice() {
			if each(element, element) {
				break
			}
		}
	}
	return next
}

func (m *machine) not(locals []*ast.Term, s *instruction) int {
	switch next := m.run(s.blocks[0], locals); next {
	case returned, failed:
		return next
	case done:
		return undefined
	}
	return done
}

func (m *machine) assignOnce(locals []*ast.Term, s *instruction) int {
	before, value := locals[s.target], m.read(locals, s.a)
	if before != nil && (value == nil || !equal(before, value)) {
		return m.fail("a rule has more than one value")
	}
	locals[s.target] = value
	return done
}

func (m *machine) compare(locals []*ast.Term, s *instruction) int {
	a, b := m.read(locals, s.a), m.read(locals, s.b)
	if a == nil || b == nil {
		return m.fail("a comparison with something undefined")
	}
	return when(equal(a, b) == (s.op == opEqual))
}

func equal(a, b *ast.Term) bool {
	if a == b {
		return true
	}
	if left, ok := a.Value.(ast.String); ok {
		right, ok := b.Value.(ast.String)
		return ok && left == right
	}
	return a.Value.Compare(b.Value) == 0
}

func (m *machine) length(locals []*ast.Term, s *instruction) int {
	source := m.read(locals, s.a)
	if source == nil {
		return undefined
	}
	sized, ok := source.Value.(interface{ Len() int })
	if !ok {
		return undefined
	}
	locals[s.target] = ast.InternedTerm(sized.Len())
	return done
}

func (m *machine) is(locals []*ast.Term, s *instruction) int {
	source := m.read(locals, s.a)
	if source == nil {
		return undefined
	}
	var holds bool
	switch s.op { //nolint:exhaustive // these three ask for a type
	case opIsArray:
		_, holds = source.Value.(*ast.Array)
	case opIsObject:
		_, holds = source.Value.(ast.Object)
	case opIsSet:
		_, holds = source.Value.(ast.Set)
	}
	return when(holds)
}

// put adds to a value that is being made.
func (m *machine) put(locals []*ast.Term, s *instruction) int {
	into, first := locals[s.target], m.read(locals, s.a)
	if into == nil || first == nil {
		return m.fail("something undefined is put into a value")
	}
	switch v := into.Value.(type) {
	case ast.Set:
		v.Add(first)
	case *ast.Array:
		locals[s.target] = ast.NewTerm(v.Append(first))
	case ast.Object:
		return m.insert(v, first, m.read(locals, s.b), s.op == opInsertOnce)
	default:
		return m.fail("nothing can be put into a scalar")
	}
	return done
}

func (m *machine) insert(o ast.Object, key, value *ast.Term, once bool) int {
	if value == nil {
		return m.fail("something undefined is put into an object")
	}
	if once {
		if before := o.Get(key); before != nil && !equal(before, value) {
			return m.fail("an object has more than one value for a key")
		}
	}
	o.Insert(key, value)
	return done
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package plan runs the plan OPA makes of rules (package ir): statements over
// local variables instead of a search with unification. It gives what topdown
// gives, several times faster.
//
// It is not another language and no full OPA: it knows what a library of
// decisions needs. Rules with "with", with references that are only known while
// they run, or with built-in functions that look outside (clock, network,
// randomness) are refused by [New] with [ErrUnsupported]; the caller asks
// topdown then.
//
// Start at [New] and [Program.Eval]; run.go is the machine.
package plan

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/ir"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// ErrUnsupported says that rules use what this package does not know.
var ErrUnsupported = errors.New("not supported by plans")

// Program is a document of compiled rules, ready to be evaluated. It is safe for
// concurrent use.
type Program struct {
	entry     int
	functions []function
	builtins  []builtin
	constants []*ast.Term
	machines  sync.Pool
}

// function is a planned rule, or a planned function of rules.
type function struct {
	name   string
	params []int32
	// result is the local that is returned, locals is how many there are.
	result, locals int32
	// memo is the place of the result among those that are kept; a function with
	// arguments of its own has none (-1).
	memo   int32
	blocks []block
}

type builtin struct {
	name string
	call topdown.BuiltinFunc
}

type block []instruction

// instruction is a statement. Operands are locals, or constants below zero.
type instruction struct {
	op           operation
	a, b, target int32
	// n is the number of blocks to leave, or the function to call.
	n      int32
	args   []int32
	blocks []block
}

type operation uint8

const (
	opNone operation = iota // no statement: an error
	opReturn
	opCall
	opBuiltin
	opBlocks
	opBreak
	opDot
	opLen
	opScan
	opNot
	opAssign
	opAssignOnce
	opReset
	opArray
	opObject
	opSet
	opEqual
	opNotEqual
	opIsArray
	opIsObject
	opIsSet
	opIsDefined
	opIsUndefined
	opAppend
	opInsert
	opInsertOnce
	opAdd
)

// New plans a document of compiled modules, for example data.main.result.
func New(ctx context.Context, compiler *ast.Compiler, document string) (*Program, error) {
	policy, err := planned(ctx, compiler, document)
	if err != nil {
		return nil, err
	}
	t := translation{policy: policy, program: &Program{}, functions: map[string]int32{}, builtins: map[string]int32{}}
	if err := t.translate(); err != nil {
		return nil, err
	}
	entry, ok := t.functions["g0."+document]
	if !ok {
		return nil, fmt.Errorf("%s: %w: not a rule", document, ErrUnsupported)
	}
	t.program.entry = int(entry)
	return t.program, nil
}

// target is the name under which OPA hands its plan over: the only way to get it
// without going through a bundle's JSON.
const target = "schleuse-plan"

// receiver takes plans from OPA. It is registered once and holds nothing: each
// caller brings the place for his plan in the context.
type receiver struct{}

type sink struct{}

var register = sync.OnceFunc(func() {
	rego.RegisterPlugin(target, receiver{})
	boundFunctions()
})

// Register makes the receiver and the bounds of functions known to OPA, whose tables
// have no locks: who uses package rego beside this one calls it before, so that
// nobody reads the tables while they change. It may be called any number of times.
func Register() { register() }

func (receiver) IsTarget(name string) bool { return name == target }

func (receiver) PrepareForEval(ctx context.Context, p *ir.Policy, _ ...rego.PrepareOption) (rego.TargetPluginEval, error) {
	place, ok := ctx.Value(sink{}).(**ir.Policy)
	if !ok {
		return nil, errors.New("nobody asked for a plan")
	}
	*place = p
	return receiver{}, nil
}

// Eval exists because OPA wants it; programs are evaluated by Program.Eval.
func (receiver) Eval(context.Context, *rego.EvalContext, ast.Value) (ast.Value, error) {
	return nil, errors.New("a plan is not evaluated by OPA")
}

func planned(ctx context.Context, compiler *ast.Compiler, document string) (*ir.Policy, error) {
	register()
	var policy *ir.Policy
	ctx = context.WithValue(ctx, sink{}, &policy)
	_, err := rego.New(rego.Query(document), rego.Compiler(compiler), rego.Target(target)).PrepareForEval(ctx)
	compiler.WithEvalMode(ast.EvalModeTopdown) // others use it to evaluate
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", document, err)
	}
	if policy == nil || policy.Static == nil || policy.Funcs == nil {
		return nil, fmt.Errorf("plan %s: OPA gave none", document)
	}
	return policy, nil
}

// translation turns a policy's plan into a program.
type translation struct {
	policy    *ir.Policy
	program   *Program
	functions map[string]int32
	builtins  map[string]int32
	memos     int32
	// most is the highest local of the function at hand.
	most int32
}

func (t *translation) translate() error {
	for _, b := range t.policy.Static.BuiltinFuncs {
		if err := t.addBuiltin(b); err != nil {
			return err
		}
	}
	t.program.functions = make([]function, len(t.policy.Funcs.Funcs))
	for i, f := range t.policy.Funcs.Funcs {
		t.functions[f.Name] = int32(i)
	}
	for i, f := range t.policy.Funcs.Funcs {
		if err := t.addFunction(&t.program.functions[i], f); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	memos, constants := int(t.memos), t.program.constants
	t.program.machines.New = func() any { return newMachine(memos, constants) }
	return nil
}

func (t *translation) addBuiltin(b *ir.BuiltinFunc) error {
	declared, known := ast.BuiltinMap[b.Name]
	call := topdown.GetBuiltin(b.Name)
	if !known || call == nil || declared.Nondeterministic || declared.Decl.Result() == nil || b.Name == "walk" {
		return fmt.Errorf("%s: %w", b.Name, ErrUnsupported)
	}
	t.builtins[b.Name] = int32(len(t.program.builtins))
	t.program.builtins = append(t.program.builtins, builtin{name: b.Name, call: call})
	return nil
}

func (t *translation) addFunction(out *function, f *ir.Func) error {
	if len(f.Params) < 2 {
		return fmt.Errorf("%w: a function without input and data", ErrUnsupported)
	}
	t.most = int32(f.Return)
	*out = function{name: f.Name, result: int32(f.Return), memo: -1}
	for _, p := range f.Params {
		out.params = append(out.params, t.local(p))
	}
	if len(f.Params) == 2 {
		out.memo = t.memos
		t.memos++
	}
	var err error
	if out.blocks, err = t.blocks(f.Blocks, 0); err != nil {
		return err
	}
	out.locals = t.most + 1
	return nil
}

func (t *translation) local(l ir.Local) int32 {
	t.most = max(t.most, int32(l))
	return int32(l)
}

func (t *translation) constant(term *ast.Term) int32 {
	t.program.constants = append(t.program.constants, term)
	return -int32(len(t.program.constants))
}

func (t *translation) operand(o ir.Operand) (int32, error) {
	switch v := o.Value.(type) {
	case ir.Local:
		return t.local(v), nil
	case ir.Bool:
		return t.constant(ast.InternedTerm(bool(v))), nil
	case ir.StringIndex:
		return t.constant(ast.StringTerm(t.policy.Static.Strings[v].Value)), nil
	}
	return 0, fmt.Errorf("%w: operand %v", ErrUnsupported, o.Value)
}

// blocks translates blocks that stand within depth others. The body of a loop or
// of a negation begins at 0 again: nothing may leave it but its end.
func (t *translation) blocks(in []*ir.Block, depth int) ([]block, error) {
	out := make([]block, len(in))
	for i, b := range in {
		for _, s := range b.Stmts {
			next, err := t.statement(s, depth)
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], next)
		}
	}
	return out, nil
}

func (t *translation) statement(s ir.Stmt, depth int) (instruction, error) {
	switch s := s.(type) {
	case *ir.ReturnLocalStmt:
		return instruction{op: opReturn, a: t.local(s.Source)}, nil
	case *ir.CallStmt:
		return t.call(s)
	case *ir.BlockStmt:
		blocks, err := t.blocks(s.Blocks, depth+1)
		return instruction{op: opBlocks, blocks: blocks}, err
	case *ir.BreakStmt:
		if int(s.Index) > depth {
			return instruction{}, fmt.Errorf("%w: a jump out of a loop", ErrUnsupported)
		}
		return instruction{op: opBreak, n: int32(s.Index) + 1}, nil
	case *ir.ScanStmt:
		blocks, err := t.blocks([]*ir.Block{s.Block}, 0)
		return instruction{op: opScan, a: t.local(s.Source), b: t.local(s.Key), target: t.local(s.Value), blocks: blocks}, err
	case *ir.NotStmt:
		blocks, err := t.blocks([]*ir.Block{s.Block}, 0)
		return instruction{op: opNot, blocks: blocks}, err
	case *ir.DotStmt:
		return t.both(opDot, s.Source, s.Key, s.Target)
	case *ir.EqualStmt:
		return t.both(opEqual, s.A, s.B, 0)
	case *ir.NotEqualStmt:
		return t.both(opNotEqual, s.A, s.B, 0)
	case *ir.ObjectInsertStmt:
		return t.both(opInsert, s.Key, s.Value, s.Object)
	case *ir.ObjectInsertOnceStmt:
		return t.both(opInsertOnce, s.Key, s.Value, s.Object)
	case *ir.LenStmt:
		return t.one(opLen, s.Source, s.Target)
	case *ir.AssignVarStmt:
		return t.one(opAssign, s.Source, s.Target)
	case *ir.AssignVarOnceStmt:
		return t.one(opAssignOnce, s.Source, s.Target)
	case *ir.IsArrayStmt:
		return t.one(opIsArray, s.Source, 0)
	case *ir.IsObjectStmt:
		return t.one(opIsObject, s.Source, 0)
	case *ir.IsSetStmt:
		return t.one(opIsSet, s.Source, 0)
	case *ir.ArrayAppendStmt:
		return t.one(opAppend, s.Value, s.Array)
	case *ir.SetAddStmt:
		return t.one(opAdd, s.Value, s.Set)
	}
	return t.simple(s)
}

// simple are statements without operands of others.
func (t *translation) simple(s ir.Stmt) (instruction, error) {
	switch s := s.(type) {
	case *ir.IsDefinedStmt:
		return instruction{op: opIsDefined, a: t.local(s.Source)}, nil
	case *ir.IsUndefinedStmt:
		return instruction{op: opIsUndefined, a: t.local(s.Source)}, nil
	case *ir.ResetLocalStmt:
		return instruction{op: opReset, target: t.local(s.Target)}, nil
	case *ir.AssignIntStmt:
		return t.set(s.Target, ast.InternedTerm(int(s.Value))), nil
	case *ir.MakeNullStmt:
		return t.set(s.Target, ast.NullTerm()), nil
	case *ir.MakeNumberIntStmt:
		return t.set(s.Target, ast.InternedTerm(int(s.Value))), nil
	case *ir.MakeNumberRefStmt:
		return t.set(s.Target, ast.NumberTerm(json.Number(t.policy.Static.Strings[s.Index].Value))), nil
	case *ir.MakeArrayStmt:
		return instruction{op: opArray, n: s.Capacity, target: t.local(s.Target)}, nil
	case *ir.MakeObjectStmt:
		return instruction{op: opObject, target: t.local(s.Target)}, nil
	case *ir.MakeSetStmt:
		return instruction{op: opSet, target: t.local(s.Target)}, nil
	}
	return instruction{}, fmt.Errorf("%w: %T", ErrUnsupported, s)
}

func (t *translation) set(target ir.Local, term *ast.Term) instruction {
	return instruction{op: opAssign, a: t.constant(term), target: t.local(target)}
}

func (t *translation) one(op operation, a ir.Operand, target ir.Local) (instruction, error) {
	from, err := t.operand(a)
	return instruction{op: op, a: from, target: t.local(target)}, err
}

func (t *translation) both(op operation, a, b ir.Operand, target ir.Local) (instruction, error) {
	left, err := t.operand(a)
	if err != nil {
		return instruction{}, err
	}
	right, err := t.operand(b)
	return instruction{op: op, a: left, b: right, target: t.local(target)}, err
}

func (t *translation) call(s *ir.CallStmt) (instruction, error) {
	out := instruction{op: opCall, target: t.local(s.Result)}
	for _, a := range s.Args {
		arg, err := t.operand(a)
		if err != nil {
			return out, err
		}
		out.args = append(out.args, arg)
	}
	if n, ok := t.functions[s.Func]; ok {
		out.n = n
		if want := len(t.policy.Funcs.Funcs[n].Params); want != len(out.args) {
			return out, fmt.Errorf("%w: %d arguments for %s", ErrUnsupported, len(out.args), s.Func)
		}
		return out, nil
	}
	n, ok := t.builtins[s.Func]
	if !ok {
		return out, fmt.Errorf("%w: function %s", ErrUnsupported, s.Func)
	}
	out.op, out.n = opBuiltin, n
	return out, nil
}

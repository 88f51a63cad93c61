// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// A deadline ends an evaluation between two steps. What a single call of a built-in
// function makes of its operands, and how long it takes for that, is bounded here,
// before the call, for plans and for OPA's own evaluation.
const (
	// MaxText is the length of a text that a function makes, in bytes.
	MaxText = 1 << 20
	// MaxElements is the number of elements of a list, set or object that it makes.
	MaxElements = 100_000
	// maxPairs bounds what compares every element of one operand with all of another.
	maxPairs = 4_000_000
	// maxDigits and maxExponent bound numbers, maxWidth a width in a format.
	maxDigits   = 200
	maxExponent = 400
	maxWidth    = 1000
)

// TooMuchError says that a call was not made because it would have made too much, or that
// the steps were too many. It ends the evaluation: it is nothing that a rule may find
// undefined.
type TooMuchError struct {
	// Function that was called, if one was, Rule in which, as a path or as file and line.
	Function, Rule string
	// Text says in German what it would have made.
	Text string
}

func (e *TooMuchError) Error() string {
	text := e.Text
	if e.Function != "" {
		text = e.Function + ": " + text
	}
	if e.Rule != "" {
		text = e.Rule + ": " + text
	}
	return text
}

// bound looks at the operands of a function; an empty text: they are fine.
type bound func(args []*ast.Term) string

const (
	longText   = "der Text würde länger als 1 MiB"
	manyItems  = "es würden mehr als 100.000 Elemente"
	longNumber = "die Zahl hat zu viele Stellen"
	manyPairs  = "es wären zu viele Vergleiche"
)

// bounds are the functions whose result or effort can be much larger than what they
// are given, or grow with every call. All others that rules may call are not listed.
func bounds() map[string]bound {
	return map[string]bound{
		ast.Concat.Name:                 concatBound,
		ast.Sprintf.Name:                sprintfBound,
		ast.InternalTemplateString.Name: func(args []*ast.Term) string { return refuseIf(textSize(args[0], MaxText) > MaxText, longText) },
		ast.Split.Name:                  splitBound,
		ast.Trim.Name:                   func(args []*ast.Term) string { return refuseIf(textLen(args[1]) > maxWidth, manyPairs) },
		ast.ArrayConcat.Name:            elementsBound,
		ast.Or.Name:                     elementsBound,
		ast.Union.Name:                  elementsBound,
		ast.ObjectUnion.Name:            elementsBound,
		ast.ObjectUnionN.Name:           elementsBound,
		ast.ObjectSubset.Name:           pairsBound,
		ast.Intersection.Name:           elementsBound,
		ast.Plus.Name:                   numbersBound,
		ast.Minus.Name:                  numbersBound,
		ast.Multiply.Name:               numbersBound,
		ast.Divide.Name:                 numbersBound,
		ast.Rem.Name:                    numbersBound,
		ast.Sum.Name:                    numbersBound,
		ast.Round.Name:                  numbersBound,
		ast.Ceil.Name:                   numbersBound,
		ast.Floor.Name:                  numbersBound,
		ast.Abs.Name:                    numbersBound,
		ast.FormatInt.Name:              numbersBound,
	}
}

func refuseIf(tooMuch bool, text string) string {
	if tooMuch {
		return text
	}
	return ""
}

// boundFunctions puts the bounds before the functions. It is part of Register: OPA's
// table of functions has no lock either.
func boundFunctions() {
	for name, check := range bounds() {
		call := topdown.GetBuiltin(name)
		topdown.RegisterBuiltinFunc(name, func(b topdown.BuiltinContext, args []*ast.Term, yield func(*ast.Term) error) error {
			if text := check(args); text != "" {
				e := &TooMuchError{Function: name, Text: text}
				if b.Location != nil {
					e.Rule = fmt.Sprintf("%s:%d", b.Location.File, b.Location.Row)
				}
				return topdown.Halt{Err: e}
			}
			return call(b, args, yield)
		})
	}
}

func textLen(t *ast.Term) int {
	s, _ := t.Value.(ast.String)
	return len(s)
}

func concatBound(args []*ast.Term) string {
	size, between := 0, textLen(args[0])
	each := func(t *ast.Term) bool {
		size += textLen(t) + between
		return size > MaxText
	}
	switch list := args[1].Value.(type) {
	case *ast.Array:
		list.Until(each)
	case ast.Set:
		list.Until(each)
	}
	return refuseIf(size > MaxText, longText)
}

var formatWidth = regexp.MustCompile(`%[-+# 0]*(?:\[[0-9]+\])?(\*|[0-9]*)(?:\.(?:\[[0-9]+\])?(\*|[0-9]+))?`)

// sprintfBound: every verb may show every operand.
func sprintfBound(args []*ast.Term) string {
	format, _ := args[0].Value.(ast.String)
	if len(format) > MaxText {
		return longText
	}
	verbs, widest := strings.Count(string(format), "%"), 0
	for _, m := range formatWidth.FindAllStringSubmatch(string(format), -1) {
		for _, width := range m[1:] {
			if n, err := strconv.Atoi(width); width == "*" || width != "" && (err != nil || n > maxWidth) {
				return longText
			} else if err == nil {
				widest = max(widest, n)
			}
		}
	}
	return refuseIf(len(format)+verbs*(widest+textSize(args[1], MaxText)) > MaxText, longText)
}

func splitBound(args []*ast.Term) string {
	text, by := textLen(args[0]), textLen(args[1])
	return refuseIf(text/max(1, by) > MaxElements, manyItems)
}

// elementsBound counts all that is in the operands.
func elementsBound(args []*ast.Term) string {
	n := 0
	for _, a := range args {
		n += elements(a, MaxElements-n)
	}
	return refuseIf(n > MaxElements, manyItems)
}

func pairsBound(args []*ast.Term) string {
	a := elements(args[0], maxPairs)
	b := elements(args[1], maxPairs)
	return refuseIf(a*b > maxPairs, manyPairs)
}

// numbersBound looks at numbers, also at those in a list or a set.
func numbersBound(args []*ast.Term) string {
	for _, a := range args {
		wrong := false
		each := func(t *ast.Term) bool {
			wrong = longNumeral(t)
			return wrong
		}
		switch v := a.Value.(type) {
		case *ast.Array:
			v.Until(each)
		case ast.Set:
			v.Until(each)
		default:
			each(a)
		}
		if wrong {
			return longNumber
		}
	}
	return ""
}

func longNumeral(t *ast.Term) bool {
	n, ok := t.Value.(ast.Number)
	return ok && !ShortNumber(n)
}

// ShortNumber says that a number can be calculated with: it has neither many digits
// nor a large exponent, which are short to write.
func ShortNumber(n ast.Number) bool {
	text := string(n)
	if len(text) > maxDigits {
		return false
	}
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return true
	}
	exponent, err := strconv.Atoi(text[i+1:])
	return err == nil && exponent <= maxExponent && exponent >= -maxExponent
}

// elements counts what is in a value, on all levels, to a limit.
func elements(t *ast.Term, limit int) int {
	n := 0
	var count func(*ast.Term) bool
	count = func(t *ast.Term) bool {
		n++
		if n > limit {
			return true
		}
		switch v := t.Value.(type) {
		case *ast.Array:
			return v.Until(count)
		case ast.Set:
			return v.Until(count)
		case ast.Object:
			return v.Until(func(k, e *ast.Term) bool { return count(k) || count(e) })
		}
		return false
	}
	count(t)
	return n
}

// textSize is about how long a value is when it is written, to a limit.
func textSize(t *ast.Term, limit int) int {
	size := 0
	var add func(*ast.Term) bool
	add = func(t *ast.Term) bool {
		switch v := t.Value.(type) {
		case ast.String:
			size += len(v) + 3
		case ast.Number:
			size += len(v) + 2
			if !ShortNumber(v) {
				size = limit // it may be written out
			}
		case *ast.Array:
			size += 2
			v.Until(add)
		case ast.Set:
			size += 2
			v.Until(add)
		case ast.Object:
			size += 2
			v.Until(func(k, e *ast.Term) bool { return add(k) || add(e) })
		default:
			size += 8
		}
		return size > limit
	}
	add(t)
	return size
}

// Bounded are the functions that have a bound, in order.
func Bounded() []string { return slices.Sorted(maps.Keys(bounds())) }

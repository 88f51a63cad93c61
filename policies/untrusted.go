// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"slices"

	yamlast "github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/open-policy-agent/opa/v1/ast"
)

// Rules are code of others. This file says what any of them may be: which
// functions it calls, how large it is and how deep. How long it may run says
// evaluate, how much memory it may take budget.go.

// Bounds of a bundle: of a file, of their number, of nesting and of all terms.
const (
	maxFile  = 1 << 20
	maxFiles = 2000
	maxDepth = 100
	// What the rules are prepared for grows with the square of their terms.
	maxTerms       = 40_000
	maxModuleTerms = 5_000
)

const capabilitiesFile = "capabilities.json"

// capabilitiesJSON are the functions rules may call: always those of the product.
// A bundle may repeat the list or a part of it; it cannot make it longer.
//
//go:embed capabilities.json
var capabilitiesJSON []byte

func allowedFunctions() (*ast.Capabilities, error) {
	c, err := ast.LoadCapabilitiesJSON(bytes.NewReader(capabilitiesJSON))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", capabilitiesFile, err)
	}
	return c, nil
}

// noMoreThan refuses a list of functions that has others than ours.
func noMoreThan(ours *ast.Capabilities, raw []byte) error {
	theirs, err := ast.LoadCapabilitiesJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	for _, f := range theirs.Builtins {
		if !slices.ContainsFunc(ours.Builtins, func(b *ast.Builtin) bool { return b.Name == f.Name }) {
			return fmt.Errorf("function %s is not among those rules may call", f.Name)
		}
	}
	if len(theirs.AllowNet) > 0 {
		return errors.New("rules may call no host")
	}
	return nil
}

// parseRego parses a module that is not nested too deeply for a parser that calls
// itself.
func parseRego(name string, raw []byte) (*ast.Module, error) {
	if nesting(raw, regoStrings) > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	m, err := ast.ParseModuleWithOpts(name, string(raw), ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1})
	if err != nil {
		return nil, err
	}
	if terms := termsOf(m); terms > maxModuleTerms {
		return nil, fmt.Errorf("%d terms, at most %d in one file", terms, maxModuleTerms)
	}
	if expanded(m) > maxExpansion {
		return nil, errGrowth
	}
	return m, nil
}

// errGrowth is what maxExpansion refuses.
var errGrowth = errors.New("values that hold each other grow with every line beyond what can be compiled")

func termsOf(m *ast.Module) int {
	terms := 0
	ast.WalkTerms(m, func(*ast.Term) bool {
		terms++
		return false
	})
	return terms
}

// regoStrings are the quotes in which brackets are text, and whether \ escapes.
var regoStrings = map[byte]bool{'"': true, '`': false}

// nesting is how deep brackets stand within brackets. Comments begin with # and
// end with the line.
func nesting(raw []byte, quotes map[byte]bool) int {
	depth, deepest := 0, 0
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '[', '{', '(':
			depth++
			deepest = max(deepest, depth)
		case ']', '}', ')':
			depth = max(0, depth-1)
		case '#':
			i = endOf(raw, i, '\n', false)
		default:
			if escapes, ok := quotes[c]; ok {
				i = endOf(raw, i+1, c, escapes)
			}
		}
	}
	return deepest
}

// endOf is where end stands, or the end of the text. A string with escapes ends
// with its line at the latest.
func endOf(raw []byte, i int, end byte, escapes bool) int {
	for ; i < len(raw); i++ {
		switch {
		case raw[i] == end, escapes && raw[i] == '\n':
			return i
		case escapes && raw[i] == '\\':
			i++
		}
	}
	return i
}

// maxRepeated bounds what aliases may repeat: their number times the size of the file.
const maxRepeated = 32 << 20

// tameYAML refuses what is short to write and long to read: nesting without end,
// and anchors that repeat each other.
func tameYAML(raw []byte) error {
	depth, dashes, line, aliases := 0, 0, 0, 0
	for _, t := range lexer.Tokenize(string(raw)) {
		if t.Position != nil && t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		switch t.Type { //nolint:exhaustive // the tokens that nest or repeat
		case token.AliasType:
			aliases++
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		}
		if depth > maxDepth || dashes > maxDepth {
			return fmt.Errorf("nested deeper than %d levels", maxDepth)
		}
	}
	switch {
	case aliases == 0:
		return nil
	case aliases*len(raw) > maxRepeated:
		return errors.New("too many aliases")
	}
	return simpleAnchors(raw)
}

// simpleAnchors refuses an alias within what an anchor names: a few of them
// double each other to any size.
func simpleAnchors(raw []byte) error {
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return err
	}
	var nested bool
	for _, doc := range file.Docs {
		for _, anchor := range yamlast.Filter(yamlast.AnchorType, doc) {
			nested = nested || len(yamlast.Filter(yamlast.AliasType, anchor)) > 0
		}
	}
	if nested {
		return errors.New("an alias stands within what an anchor names")
	}
	return nil
}

// size counts the terms of all modules, tests included.
func (b *bundle) size() int {
	terms := 0
	for _, modules := range []map[string]*ast.Module{b.modules, b.tests} {
		for _, m := range modules {
			terms += termsOf(m)
		}
	}
	return terms
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ki-schleuse/schleuse/gateway"
)

// strictYAML reads a file into what it is to fill. A file with mistakes is read once
// more, place by place: each mistake is named, and what is right stands in the result,
// so that it can be checked as well.
func strictYAML(raw []byte, into any) error {
	first := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(into)
	if first == nil || errors.Is(first, io.EOF) {
		return nil
	}
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return notYAML(err)
	}
	r := yamlReader{}
	for _, doc := range file.Docs {
		r.read(doc.Body, "", reflect.ValueOf(into).Elem())
	}
	if len(r.problems) == 0 {
		return notYAML(first) // a mistake that only the whole shows
	}
	return mistakes{error: errors.Join(r.problems...)}
}

// mistakes of a file, in German. Nothing is known of one that is wholly unreadable.
type mistakes struct {
	error
	wholly bool
}

// in names the file.
func (m mistakes) in(path string) error {
	m.error = fmt.Errorf("%s:\n%w", path, m.error)
	return m
}

// inFile names the file of what is wrong with it.
func inFile(path string, err error) error {
	if found, ok := errors.AsType[mistakes](err); ok {
		return found.in(path)
	}
	return sayAt(path, err)
}

func notYAML(err error) error { return mistakes{error: whereNotYAML(err), wholly: true} }

// whereNotYAML shows the lines where reading stopped.
func whereNotYAML(err error) error {
	known, ok := errors.AsType[yaml.Error](err)
	if !ok || known.GetToken() == nil {
		return say("Die Datei ist nicht als YAML lesbar (%s).", err)
	}
	_, source, _ := strings.Cut(yaml.FormatError(err, false, true), "\n")
	at := known.GetToken().Position
	return fmt.Errorf("Zeile %d, Spalte %d: Die Datei ist hier nicht als YAML lesbar; Einrückung, Doppelpunkte und Anführungszeichen prüfen (%s):\n%s", at.Line, at.Column, known.GetMessage(), source)
}

// yamlReader fills a value node by node and collects what does not fit.
type yamlReader struct{ problems []error }

func (r *yamlReader) problem(node ast.Node, at, format string, args ...any) {
	line := 0
	if t := node.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	r.problems = append(r.problems, fmt.Errorf("%s (Zeile %d): %s", cmp.Or(at, "Datei"), line, fmt.Sprintf(format, args...)))
}

func (r *yamlReader) read(node ast.Node, at string, into reflect.Value) {
	switch n := node.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return
	case *ast.AnchorNode:
		r.read(n.Value, at, into)
		return
	}
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		r.read(node, at, into.Elem())
		return
	}
	switch kind := into.Kind(); {
	case ownReader(into) || node.Type() == ast.AliasType:
		r.leaf(node, at, into)
	case kind == reflect.Struct:
		r.object(node, at, into)
	case kind == reflect.Map:
		r.table(node, at, into)
	case kind == reflect.Slice:
		r.list(node, at, into)
	default:
		r.leaf(node, at, into)
	}
}

// ownReader: the type knows itself how it is written.
func ownReader(v reflect.Value) bool {
	switch v.Addr().Interface().(type) {
	case yaml.InterfaceUnmarshaler, yaml.BytesUnmarshaler, encoding.TextUnmarshaler, *time.Duration, *[]byte:
		return true
	}
	return false
}

func (r *yamlReader) leaf(node ast.Node, at string, into reflect.Value) {
	err := yaml.NodeToValue(node, into.Addr().Interface(), yaml.Strict())
	if err == nil {
		return
	}
	if own := into.Addr().Interface(); ownReader(into) {
		if _, duration := own.(*time.Duration); !duration {
			r.problem(node, at, "%s", whatItSays(err))
			return
		}
	}
	r.problem(node, at, "%s ist %s.", shown(node), kindName(into.Type()))
}

// whatItSays is the innermost message: what the type itself says.
func whatItSays(err error) string {
	if own, ok := errors.AsType[*gateway.Error](err); ok {
		return own.Message
	}
	if own, ok := errors.AsType[said](err); ok {
		return own.Error()
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	if known, ok := errors.AsType[yaml.Error](err); ok {
		return known.GetMessage()
	}
	return err.Error()
}

func shown(node ast.Node) string {
	text := strings.TrimSpace(node.String())
	if text, _, more := strings.Cut(text, "\n"); more || len(text) > 60 {
		return "Die Angabe"
	}
	return "„" + text + "“"
}

func kindName(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "keine Dauer wie 30s, 5m oder 2h"
	}
	switch t.Kind() { //nolint:exhaustive // the kinds that stand in configurations
	case reflect.Bool:
		return "weder true noch false"
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint64:
		return "keine ganze Zahl"
	case reflect.Float64, reflect.Float32:
		return "keine Zahl"
	case reflect.String:
		return "kein Text"
	}
	return "hier nicht möglich"
}

func (r *yamlReader) entries(node ast.Node, at string) []*ast.MappingValueNode {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	r.problem(node, at, "Hier werden Angaben der Form „name: wert“ erwartet.")
	return nil
}

func (r *yamlReader) object(node ast.Node, at string, into reflect.Value) {
	for _, entry := range r.entries(node, at) {
		name := keyOf(entry)
		field, ok := fieldOf(into, name)
		if !ok {
			r.problem(entry.Key, below(at, name), "Diese Angabe gibt es hier nicht%s.", meant(name, namesOf(into.Type())))
			continue
		}
		r.read(entry.Value, below(at, name), field)
	}
}

func (r *yamlReader) table(node ast.Node, at string, into reflect.Value) {
	entries := r.entries(node, at)
	out := reflect.MakeMap(into.Type())
	for _, entry := range entries {
		name := keyOf(entry)
		key, value := reflect.New(into.Type().Key()).Elem(), reflect.New(into.Type().Elem()).Elem()
		if key.Kind() != reflect.String {
			r.leaf(node, at, into)
			return
		}
		key.SetString(name)
		r.read(entry.Value, below(at, name), value)
		out.SetMapIndex(key, value)
	}
	into.Set(out)
}

func (r *yamlReader) list(node ast.Node, at string, into reflect.Value) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		r.problem(node, at, "Hier wird eine Liste erwartet.")
		return
	}
	out := reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values))
	for i, one := range sequence.Values {
		r.read(one, fmt.Sprintf("%s[%d]", at, i), out.Index(i))
	}
	into.Set(out)
}

func keyOf(entry *ast.MappingValueNode) string {
	if t := entry.Key.GetToken(); t != nil {
		return t.Value
	}
	return entry.Key.String()
}

func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// fieldName is how a field is written; an inline one has the names of its own fields.
func fieldName(f reflect.StructField) (name string, inline bool) {
	name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return cmp.Or(name, strings.ToLower(f.Name)), strings.Contains(options, "inline")
}

func fieldOf(into reflect.Value, name string) (reflect.Value, bool) {
	for i := range into.NumField() {
		f := into.Type().Field(i)
		written, inline := fieldName(f)
		switch {
		case !f.IsExported():
		case inline:
			if found, ok := fieldOf(into.Field(i), name); ok {
				return found, true
			}
		case written == name && written != "-":
			return into.Field(i), true
		}
	}
	return reflect.Value{}, false
}

func namesOf(t reflect.Type) []string {
	var out []string
	for f := range t.Fields() {
		switch written, inline := fieldName(f); {
		case !f.IsExported() || written == "-":
		case inline:
			out = append(out, namesOf(f.Type)...)
		default:
			out = append(out, written)
		}
	}
	return out
}

// meant guesses which name was to be written: the nearest, if it is near.
func meant(name string, names []string) string {
	best, least := "", 3
	for _, other := range slices.Sorted(slices.Values(names)) {
		if d := distance(name, other); d < least {
			best, least = other, d
		}
	}
	if best == "" {
		return ""
	}
	return "; gemeint ist vielleicht „" + best + "“"
}

// distance is the number of letters to insert, remove, replace or swap with the next.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var before, last, row [66]int
	for j := range len(b) + 1 {
		last[j] = j //nolint:gosec // at most 64, see above
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			same := 1
			if a[i-1] == b[j-1] {
				same = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+same)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1) //nolint:gosec // j is at least 2 here
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

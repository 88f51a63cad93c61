// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// difference returns what differs of two values, and nothing beside it. The elements
// of a list that have a name are compared by it.
func difference(before, after any) (was, is any, differs bool) {
	if reflect.DeepEqual(before, after) {
		return nil, nil, false
	}
	old, next := children(before), children(after)
	if old == nil || next == nil {
		return before, after, true
	}
	gone, came := map[string]any{}, map[string]any{}
	for _, name := range names(old, next) {
		a, had := old[name]
		b, has := next[name]
		switch {
		case !has:
			gone[name] = a
		case !had:
			came[name] = b
		default:
			if x, y, d := difference(a, b); d {
				gone[name], came[name] = x, y
			}
		}
	}
	if len(gone) == 0 && len(came) == 0 { // another order
		return before, after, true
	}
	return gone, came, true
}

func names(a, b map[string]any) []string {
	both := maps.Clone(a)
	maps.Copy(both, b)
	return slices.Sorted(maps.Keys(both))
}

// children are the fields of an object, or the elements of a list by their names; nil:
// the value has none.
func children(value any) map[string]any {
	switch v := value.(type) {
	case map[string]any:
		return v
	case []any:
		for _, name := range []string{"id", "name", "label", "service"} {
			if byName := identified(v, name); byName != nil {
				return byName
			}
		}
	}
	return nil
}

func identified(list []any, field string) map[string]any {
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]any, len(list))
	for _, element := range list {
		name, _ := objectOf(element)[field].(string)
		if _, taken := out[name]; taken || name == "" {
			return nil
		}
		out[name] = element
	}
	return out
}

// change is what differs, as it fits into one note.
type change struct{ was, is map[string]any }

// maxChange leaves room in a note for what stands beside the values.
const maxChange = audit.MaxNoteValue - 4<<10

// changes divides a difference into what fits into a note each. What cannot be divided
// any further has a digest in its place.
func changes(was, is any) []change {
	var out []change
	var full int
	divide(nil, was, is, func(path []string, a, b any) {
		size := max(jsonSize(a), jsonSize(b)) + pathSize(path)
		if len(out) == 0 || full+size > maxChange {
			out, full = append(out, change{map[string]any{}, map[string]any{}}), 0
		}
		full += size
		put(out[len(out)-1].was, path, a)
		put(out[len(out)-1].is, path, b)
	})
	return out
}

// maxDivide is how deep a difference is divided.
const maxDivide = 16

// divide hands over parts that are small enough. Sections always stand alone.
func divide(path []string, was, is any, yield func(path []string, was, is any)) {
	small := max(jsonSize(was), jsonSize(is))+pathSize(path) <= maxChange
	old, next := children(was), children(is)
	divisible := (old != nil || was == nil) && (next != nil || is == nil) && len(path) < maxDivide
	if len(path) > 0 && (small || !divisible) {
		yield(path, fitting(was), fitting(is))
		return
	}
	for _, name := range names(orEmpty(old), orEmpty(next)) {
		divide(append(slices.Clone(path), name), old[name], next[name], yield)
	}
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// fitting puts a digest in the place of a value that fits into no note.
func fitting(value any) any {
	raw, err := json.Marshal(value)
	if err != nil || len(raw) <= maxChange {
		return value
	}
	return summed(raw)
}

func jsonSize(value any) int {
	if value == nil {
		return 0
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return audit.MaxNoteValue
	}
	return len(raw)
}

func pathSize(path []string) int {
	n := 0
	for _, name := range path {
		n += len(fmt.Sprintf("%q", name)) + len(`:{},`)
	}
	return n
}

// put sets a value under its path; nil is none.
func put(into map[string]any, path []string, value any) {
	if value == nil {
		return
	}
	for _, name := range path[:len(path)-1] {
		inner, ok := into[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			into[name] = inner
		}
		into = inner
	}
	into[path[len(path)-1]] = value
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// keyOf is where the key of a list item is kept for rules: its id, or its index.
const keyOf = "_key"

// decodeTree reads an application with exact numbers. It refuses what later
// stages could not treat faithfully: repeated keys, deep nesting, huge numbers.
func decodeTree(raw []byte) (map[string]any, error) {
	if len(raw) > maxApplication {
		return nil, tooLarge("application", "Der Antrag ist zu groß.")
	}
	d := &treeDecoder{json: json.NewDecoder(bytes.NewReader(raw))}
	d.json.UseNumber()
	v, err := d.value("application", 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.json.Token(); err != io.EOF {
		return nil, invalid("application", "Nach dem Antrag folgen weitere Zeichen.")
	}
	tree, ok := v.(map[string]any)
	if !ok {
		return nil, invalid("application", "Der Antrag ist kein JSON-Objekt.")
	}
	return tree, nil
}

type treeDecoder struct {
	json  *json.Decoder
	nodes int
}

func (d *treeDecoder) value(path string, depth int) (any, error) {
	d.nodes++
	if depth > maxDepth {
		return nil, invalid(path, "Der Antrag ist zu tief verschachtelt.")
	}
	if d.nodes > maxNodes {
		return nil, tooLarge(path, "Der Antrag hat zu viele Angaben.")
	}
	t, err := d.json.Token()
	if err != nil {
		return nil, invalid(path, "Der Antrag ist kein gültiges JSON.")
	}
	switch t := t.(type) {
	case json.Delim:
		if t == '{' {
			return d.object(path, depth)
		}
		return d.array(path, depth)
	case json.Number:
		if len(t) > maxNumber || strings.ContainsAny(t.String(), "eE") {
			return nil, invalid(path, "Die Zahl ist nicht als einfache Dezimalzahl geschrieben.")
		}
	}
	return t, nil
}

func (d *treeDecoder) object(path string, depth int) (any, error) {
	o := map[string]any{}
	for d.json.More() {
		t, err := d.json.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, invalid(path, "Der Antrag ist kein gültiges JSON.")
		}
		at := path + "." + short(key)
		if _, repeated := o[key]; repeated {
			return nil, invalid(at, "Die Angabe kommt mehrfach vor.")
		}
		if o[key], err = d.value(at, depth+1); err != nil {
			return nil, err
		}
	}
	return o, d.end(path)
}

func (d *treeDecoder) array(path string, depth int) (any, error) {
	a := []any{}
	for d.json.More() {
		v, err := d.value(fmt.Sprintf("%s[%d]", path, len(a)), depth+1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	return a, d.end(path)
}

func (d *treeDecoder) end(path string) error {
	if _, err := d.json.Token(); err != nil {
		return invalid(path, "Der Antrag ist kein gültiges JSON.")
	}
	return nil
}

// short keeps foreign keys in paths readable.
func short(key string) string {
	if r := []rune(key); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return key
}

// at follows a dotted path through objects.
func at(tree map[string]any, path string) any {
	var v any = tree
	for p := range strings.SplitSeq(path, ".") {
		o, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = o[p]
	}
	return v
}

// put sets a value, creating the objects on the way. It does nothing when
// something that is no object is in the way.
func put(tree map[string]any, path string, value any) {
	parts := strings.Split(path, ".")
	for _, p := range parts[:len(parts)-1] {
		next, ok := tree[p].(map[string]any)
		if !ok {
			if tree[p] != nil {
				return
			}
			next = map[string]any{}
			tree[p] = next
		}
		tree = next
	}
	tree[parts[len(parts)-1]] = value
}

// remove deletes the place. List items become nil so that indices stay.
func remove(tree map[string]any, loc []string) {
	var v any = tree
	for i, p := range loc {
		last := i == len(loc)-1
		switch o := v.(type) {
		case map[string]any:
			if last {
				delete(o, p)
				return
			}
			v = o[p]
		case []any:
			n, err := strconv.Atoi(p)
			if err != nil || n < 0 || n >= len(o) {
				return
			}
			if last {
				o[n] = nil
				return
			}
			v = o[n]
		default:
			return
		}
	}
}

// missing is: absent, null, blank text or an empty list. false and 0 are values.
func missing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// clean removes nulls and blank text from objects, so that they are missing and
// not of a wrong type. List items stay: their place matters.
func clean(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); x == nil || ok && strings.TrimSpace(s) == "" {
				delete(v, k)
				continue
			}
			clean(x)
		}
	case []any:
		for _, x := range v {
			clean(x)
		}
	}
}

// display turns a location into a path for people: haushalt[p3].geschlecht.
func display(tree map[string]any, loc []string) string {
	var b strings.Builder
	var v any = tree
	for _, p := range loc {
		switch o := v.(type) {
		case []any:
			n, err := strconv.Atoi(p)
			if err != nil || n >= len(o) {
				return b.String()
			}
			v = o[n]
			b.WriteString("[" + itemKey(o, n) + "]")
			continue
		case map[string]any:
			v = o[p]
		default:
			v = nil
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(short(p))
	}
	return b.String()
}

// itemKey is the id of a list item if it has one that no earlier item has, else
// its index.
func itemKey(items []any, n int) string {
	id := itemID(items[n])
	if id == "" {
		return strconv.Itoa(n)
	}
	for _, earlier := range items[:n] {
		if itemID(earlier) == id {
			return strconv.Itoa(n)
		}
	}
	return id
}

func itemID(item any) string {
	o, _ := item.(map[string]any)
	id, _ := o["id"].(string)
	return short(strings.TrimSpace(id))
}

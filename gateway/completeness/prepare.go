// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// prepared is an application that rules can work with: every value in it has
// its declared type, money is in whole cents, list items have a key.
type prepared struct {
	tree    map[string]any
	invalid []InvalidField
	unknown []string
}

// prepare validates and normalises. A value that does not fit is reported and
// taken out, so that no rule takes it for present and fine; nothing is guessed
// except the leading zero of a municipality key sent as a number.
func (c *compiled) prepare(tree map[string]any) (*prepared, error) {
	clean(tree)
	c.restoreKeys(tree)
	found, err := defects(c.schema, tree)
	if err != nil {
		return nil, err
	}
	p := &prepared{tree: tree}
	var out [][]string
	for _, d := range found {
		path := display(tree, d.at)
		if path == "" {
			return nil, invalid("application", "Der Antrag ist kein JSON-Objekt.")
		}
		out = append(out, d.at)
		if d.unknown {
			p.unknown = append(p.unknown, path)
			continue
		}
		p.invalid = append(p.invalid, InvalidField{Path: path, Reason: d.reason})
	}
	p.duplicates(c.Fields)
	for _, loc := range out {
		remove(tree, loc)
	}
	p.normalise(c.Fields)
	slices.Sort(p.unknown)
	p.unknown = slices.Compact(p.unknown)
	slices.SortFunc(p.invalid, func(a, b InvalidField) int { return strings.Compare(a.Path+a.Reason, b.Path+b.Reason) })
	p.invalid = slices.CompactFunc(p.invalid, func(a, b InvalidField) bool { return a.Path == b.Path })
	return p, nil
}

// restoreKeys gives a municipality key (AGS) that was sent as a number its
// leading zero back.
func (c *compiled) restoreKeys(tree map[string]any) {
	for _, f := range c.Fields {
		if f.Type != "ags" {
			continue
		}
		if n, ok := at(tree, f.ID).(json.Number); ok {
			if s, ok := agsOf(n); ok {
				put(tree, f.ID, s)
			}
		}
	}
}

func agsOf(n json.Number) (string, bool) {
	i, err := strconv.ParseUint(n.String(), 10, 64)
	if err != nil || i < 1_000_000 || i > 99_999_999 {
		return "", false
	}
	return fmt.Sprintf("%08d", i), true
}

// duplicates reports ids that two items of a list share: evidence could not be
// told apart.
func (p *prepared) duplicates(fields []Field) {
	for _, f := range fields {
		items, _ := at(p.tree, f.ID).([]any)
		seen := map[string]bool{}
		for n, item := range items {
			id := itemID(item)
			if id != "" && seen[id] {
				p.invalid = append(p.invalid, InvalidField{Path: fmt.Sprintf("%s[%d].id", f.ID, n), Reason: "Die Kennung ist mehrfach vergeben."})
			}
			seen[id] = true
		}
	}
}

func (p *prepared) normalise(fields []Field) {
	for _, f := range fields {
		v := at(p.tree, f.ID)
		items, isList := v.([]any)
		if !isList {
			p.set(p.tree, f, f.ID, f.ID)
			continue
		}
		kept := make([]any, 0, len(items))
		for n, item := range items {
			o, ok := item.(map[string]any)
			if !ok {
				continue // reported as invalid
			}
			key := itemKey(items, n)
			o[keyOf] = key
			for _, i := range f.Items {
				p.set(o, i, i.ID, f.ID+"["+key+"]."+i.ID)
			}
			kept = append(kept, o)
		}
		put(p.tree, f.ID, kept)
	}
}

// set puts the normal form of one field in place: money as cents, integers
// without a fraction, text without blanks around it.
func (p *prepared) set(o map[string]any, f Field, path, shown string) {
	v := at(o, path)
	if s, ok := v.(string); ok {
		put(o, path, strings.TrimSpace(s))
		return
	}
	n, ok := v.(json.Number)
	if !ok {
		return
	}
	scale := int64(1)
	if f.Type == "money" {
		scale = 100
	}
	i, ok := scaled(n, scale)
	if !ok {
		p.invalid = append(p.invalid, InvalidField{Path: shown, Reason: "Der Betrag hat mehr als zwei Nachkommastellen oder ist zu groß."})
		remove(o, strings.Split(path, "."))
		return
	}
	put(o, path, i)
}

// scaled returns n·scale as an integer, exactly or not at all.
func scaled(n json.Number, scale int64) (json.Number, bool) {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return "", false
	}
	r.Mul(r, new(big.Rat).SetInt64(scale))
	if !r.IsInt() || r.Num().BitLen() > 53 {
		return "", false
	}
	return json.Number(r.Num().String()), true
}

// params checks the tenant's values and fills in defaults.
func (s Service) params(given map[string]any) (map[string]any, []string, error) {
	out := map[string]any{}
	known := map[string]bool{}
	for _, p := range s.Params {
		known[p.ID] = true
		v := given[p.ID]
		if v == nil {
			v = p.Default
		}
		n, err := paramValue(p, v)
		if err != nil {
			return nil, nil, invalid("params."+p.ID, "Der Parameter „"+p.Label+"“ hat einen falschen Typ.")
		}
		if n != nil {
			out[p.ID] = n
		}
	}
	var unknown []string
	for id := range given {
		if !known[id] {
			unknown = append(unknown, "params."+short(id))
		}
	}
	slices.Sort(unknown)
	return out, unknown, nil
}

// paramValue returns the value in the form rules get it; nil for none.
func paramValue(p Param, v any) (any, error) {
	wrong := fmt.Errorf("param %s: wrong type", p.ID)
	if v == nil {
		return nil, nil //nolint:nilnil // a value that is not given is no error
	}
	switch p.Type {
	case "bool":
		if b, ok := v.(bool); ok {
			return b, nil
		}
	case "string":
		if s, ok := v.(string); ok {
			return s, nil
		}
	case "int":
		if i, ok := scaled(numberOf(v), 1); ok {
			return i, nil
		}
	case "ags":
		if s, ok := v.(string); ok && len(s) == 8 {
			return s, nil
		}
		if s, ok := agsOf(numberOf(v)); ok {
			return s, nil
		}
	case "string_list":
		items, ok := v.([]any)
		for _, i := range items {
			if _, isText := i.(string); !isText {
				return nil, wrong
			}
		}
		if ok {
			return items, nil
		}
	}
	return nil, wrong
}

// numberOf takes numbers as they come from JSON, YAML and Go.
func numberOf(v any) json.Number {
	switch v := v.(type) {
	case json.Number:
		if len(v) > maxNumber || strings.ContainsAny(v.String(), "eE") {
			return ""
		}
		return v
	case int, int64, uint64:
		return json.Number(fmt.Sprint(v))
	case float64:
		return json.Number(strconv.FormatFloat(v, 'f', -1, 64))
	}
	return ""
}

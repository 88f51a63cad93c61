// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"slices"
	"strconv"
	"strings"
)

// Change is what one obligation changed in a request before it left. It holds no
// word of the caller: fields by the names that the rule or the gateway lists, models
// by those of the catalogue, everything else as numbers. What an obligation adds to
// the answer (a notice, a mark) or demands of the record stands elsewhere: with the
// decision, in Retain and in Kept.
type Change struct {
	// ID is the obligation.
	ID string `json:"id"`
	// Fields of the body that were removed.
	Fields []string `json:"fields,omitempty"`
	// Models that the rules left and the obligation excluded.
	Models []ModelID `json:"models,omitempty"`
	// Count is the number of values that were replaced or of tools that are not offered.
	Count int `json:"count,omitempty"`
	// From and To bound the answer in tokens. Without From the caller had set no bound.
	From int `json:"from,omitempty"`
	To   int `json:"to,omitempty"`
}

func (c Change) none() bool {
	return len(c.Fields) == 0 && len(c.Models) == 0 && c.Count == 0 && c.To == 0
}

// changed notes what an obligation changed, if anything. Several obligations of one
// id are one change: from what the first found to what the last left.
func (p *passage) changed(c Change) {
	if c.none() {
		return
	}
	i := slices.IndexFunc(p.record.Changes, func(have Change) bool { return have.ID == c.ID })
	if i < 0 {
		p.record.Changes = append(p.record.Changes, c)
		return
	}
	have := &p.record.Changes[i]
	have.Fields = union(have.Fields, c.Fields)
	have.Models = union(have.Models, c.Models)
	have.Count += c.Count
	if have.To == 0 {
		have.From = c.From
	}
	if c.To > 0 {
		have.To = c.To
	}
}

func union[T comparable](have, more []T) []T {
	for _, one := range more {
		if !slices.Contains(have, one) {
			have = append(have, one)
		}
	}
	return have
}

// listed are those of the names under which the body has a field, in whatever case
// the caller wrote it.
func (b Body) listed(names []string) []string {
	var out []string
	for _, name := range names {
		has := slices.ContainsFunc(b.fields, func(f field) bool { return strings.EqualFold(f.key, name) })
		if has && !containsFold(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// tools is the number of tools that a body offers.
func (b Body) tools() int {
	n := 0
	for _, f := range b.fields {
		if strings.EqualFold(f.key, "tools") || strings.EqualFold(f.key, "functions") {
			n += max(f.elements, 0)
		}
	}
	return n
}

// capping is what capped changes. A field that asks for nothing, such as one for one
// answer, is not missed.
func (b Body) capping(most int) Change {
	c := Change{ID: ObligationCapTokens}
	common := false // one of the names that every server heeds
	for _, f := range b.fields {
		name, raw := strings.ToLower(f.key), b.raw[f.valueAt:f.end]
		switch {
		case slices.Contains(longest[:], name):
			common = common || name == longest[0] || name == longest[1]
			n, err := strconv.Atoi(string(raw))
			if err != nil {
				n = 0
			}
			if n < 1 || n > most {
				c.From, c.To = max(c.From, n), most
			}
		case slices.Contains(several[:], name) && string(raw) != "1",
			slices.Contains(shortest[:], name) && string(raw) != "0" && string(raw) != "false":
			if string(raw) != "null" && !slices.Contains(c.Fields, name) {
				c.Fields = append(c.Fields, name)
			}
		}
	}
	if !common {
		c.To = most
	}
	return c
}

// excluded are the models that are not among those left.
func excluded(models, left []ModelID) []ModelID {
	return slices.DeleteFunc(slices.Clone(models), func(id ModelID) bool { return containsModel(left, id) })
}

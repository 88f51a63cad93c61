// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Kind says what a leaf reports.
type Kind string

// Kinds of leaves.
const (
	KindOpen  Kind = "open"  // a request was admitted or refused
	KindClose Kind = "close" // it ended
	KindNote  Kind = "note"  // something else worth proving: a new policy, a destroyed key
)

// Leaf is what one leaf of the tree says. Its JSON is hashed and stored as it
// is. It holds facts, counts and pseudonyms, never content.
type Leaf struct {
	Kind    Kind             `json:"kind"`
	ID      string           `json:"id"`
	Time    time.Time        `json:"time"`
	Tenant  gateway.TenantID `json:"tenant"`
	Writer  string           `json:"writer"`
	Record  *gateway.Record  `json:"record,omitempty"`
	Closing *gateway.Closing `json:"closing,omitempty"`
	Note    *Note            `json:"note,omitempty"`
}

// row encodes a leaf and extracts its columns.
func (l Leaf) row() (Row, error) {
	body, err := l.encode()
	if err != nil {
		return Row{}, fmt.Errorf("encode %s of %s: %w", l.Kind, l.ID, err)
	}
	if len(body) > maxBody {
		return Row{}, fmt.Errorf("%s of %s has %d bytes, more than %d", l.Kind, l.ID, len(body), maxBody)
	}
	return Row{
		Kind: l.Kind, ID: l.ID, Tenant: l.Tenant, Writer: l.Writer,
		Time: l.Time.UnixNano(), Columns: l.columns(), Body: body,
	}, nil
}

// parseLeaf decodes the stored bytes of a leaf.
func parseLeaf(body []byte) (Leaf, error) {
	var l Leaf
	if err := json.Unmarshal(body, &l); err != nil {
		return Leaf{}, fmt.Errorf("decode leaf: %w", err)
	}
	return l, nil
}

// ColumnsOf are the facts of a stored leaf that can be searched for. A store fills
// columns with them that were added after the leaf was written.
func ColumnsOf(body []byte) (Columns, error) {
	leaf, err := parseLeaf(body)
	if err != nil {
		return Columns{}, err
	}
	return leaf.columns(), nil
}

func (l Leaf) columns() Columns {
	var c Columns
	if n := l.Note; n != nil {
		c = Columns{Topic: clean(n.Topic), Object: clean(n.Object)}
	}
	if r := l.Record; r != nil {
		floor, ceiling := keep(*r)
		c = Columns{
			System: clean(r.System), Purpose: clean(r.Purpose), Service: clean(r.Service),
			Operation: clean(r.Operation), Effect: clean(r.Effect()), File: clean(r.Case),
			Rules: clean(rules(r.Decisions)), Result: promised(*r), Revision: clean(revision(*r)),
			Floor: floor, Ceiling: ceiling,
		}
		if r.Route != nil {
			c.Model, c.Residency = clean(r.Route.Model), clean(r.Route.Residency)
		}
	}
	if e := l.Closing; e != nil {
		c.Outcome = clean(e.Outcome)
		if e.Response != nil {
			c.Effect = clean(e.Response.Effect)
			c.Rules = clean(rules([]gateway.Decision{*e.Response}))
		}
	}
	return c
}

// clean makes a column of a value that may come from outside: what the JSON of
// the leaf makes of invalid UTF-8, and no zero byte, which PostgreSQL refuses.
// One odd header must not spoil the batch of everybody else.
func clean[T ~string](value T) string {
	s := string(value)
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	return strings.ReplaceAll(s, "\x00", "")
}

// rules lists the ids of all rules that spoke, so that "|ID|" finds one exactly.
func rules(decisions []gateway.Decision) string {
	var ids []string
	for _, d := range decisions {
		for _, r := range d.Reasons {
			ids = append(ids, r.Rule)
		}
		for _, rejected := range d.Rejected {
			ids = append(ids, rejected...)
		}
	}
	if len(ids) == 0 {
		return ""
	}
	slices.Sort(ids)
	return "|" + strings.Join(slices.Compact(ids), "|") + "|"
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Guide walks a person from purpose and service to the class under the AI Act and
// to what has to be done. It is made of the tables the rules decide with.
type Guide struct {
	Revision string `json:"revision"`
	// Date for which the guide speaks, like 2026-11-22.
	Date    string       `json:"date"`
	Classes []GuideClass `json:"classes"`
	// Purposes in the order of their titles.
	Purposes []GuidePurpose `json:"purposes"`
	Examples []Example      `json:"examples"`
}

// GuideClass is one class under the AI Act.
type GuideClass struct {
	ID string `json:"id"`
	// Title is short ("Hochrisiko"), Text explains the class in two or three sentences.
	Title string `json:"title"`
	Text  string `json:"text"`
	Basis string `json:"basis"`
	// Permitted says that a request of this class may be allowed at all.
	Permitted bool        `json:"permitted"`
	Checklist []GuideDuty `json:"checklist"`
	// Examples are those of Guide.Examples with this class.
	Examples []Example `json:"examples"`
}

// GuideDuty is a line of a checklist.
type GuideDuty struct {
	Duty string `json:"duty"`
	// Norm is the legal basis, Who has to do it, How the gateway takes part; may be empty.
	Norm string `json:"norm"`
	Who  string `json:"who"`
	How  string `json:"how,omitempty"`
	// Since is the first day (2027-12-02), Day the same for people (2. Dezember 2027).
	Since string `json:"since"`
	Day   string `json:"day"`
	// InForce says that it applies on the guide's date.
	InForce bool `json:"in_force"`
}

// GuidePurpose is a purpose with what becomes of it.
type GuidePurpose struct {
	ID    gateway.Purpose `json:"id"`
	Title string          `json:"title"`
	// Text explains the purpose in a sentence.
	Text     string            `json:"text"`
	Channels []gateway.Channel `json:"channels"`
	// NeedsService: the service must be named. Release: the result is a draft until a
	// person releases it.
	NeedsService bool       `json:"needs_service"`
	Release      bool       `json:"release"`
	Rows         []GuideRow `json:"rows"`
}

// GuideRow says which class a purpose has.
type GuideRow struct {
	// Annex is a point of Annex III, "*" (any other point) or "none" (no point).
	Annex string `json:"annex"`
	Class string `json:"class"`
	Basis string `json:"basis"`
	// Source is where the classification stands: a paragraph of the draft guidelines,
	// or that it is ours.
	Source string `json:"source"`
}

// Example is a concrete use in a municipality.
type Example struct {
	ID string `json:"id"`
	// Area is the field of work, for example "Wohngeld".
	Area  string `json:"area"`
	Title string `json:"title"`
	// Purpose and Annex (point of Annex III of the service, empty: none) lead to Class.
	Purpose gateway.Purpose `json:"purpose"`
	Annex   string          `json:"annex"`
	Channel gateway.Channel `json:"channel"`
	Class   string          `json:"class"`
	Norm    string          `json:"norm"`
	// Paragraph of the Commission's draft guidelines; empty: none speaks of it.
	Paragraph string `json:"paragraph,omitempty"`
	Why       string `json:"why"`
	// From is the day from which the example is meant.
	From string `json:"from"`
}

// guideTables are the tables the guide is made of, as they stand in the catalogue.
type guideTables struct {
	Purposes struct {
		Purposes map[gateway.Purpose]struct {
			Title    string            `json:"title"`
			Text     string            `json:"text"`
			Channels []gateway.Channel `json:"channels"`
			Service  bool              `json:"service"`
			Release  bool              `json:"release"`
			Rows     []struct {
				GuideRow
				ValidFrom string `json:"valid_from"`
				ValidTo   string `json:"valid_to"`
			} `json:"rows"`
		} `json:"purposes"`
	} `json:"purposes"`
	AIAct struct {
		Permitted []string `json:"permitted_classes"`
	} `json:"ai_act"`
	Guide struct {
		Classes []GuideClass           `json:"classes"`
		Duties  map[string][]GuideDuty `json:"duties"`
	} `json:"guide"`
	Examples struct {
		Examples []Example `json:"examples"`
	} `json:"examples"`
	English struct {
		Texts map[string]string `json:"texts"`
	} `json:"english"`
}

// Guide is the guide of the active policies for today. A bundle without the tables
// guide and examples gives one without classes and examples.
func (e *Engine) Guide(ctx context.Context) (Guide, error) {
	g, _, err := e.guide(ctx)
	return g, err
}

func (e *Engine) guide(ctx context.Context) (Guide, map[string]string, error) {
	s := e.active.Load()
	tables, err := s.guideTables(ctx)
	if err != nil {
		return Guide{}, nil, fmt.Errorf("read the guide: %w", err)
	}
	g := Guide{Revision: s.revision, Date: e.cfg.Now().Format(time.DateOnly), Examples: tables.Examples.Examples}
	for _, class := range tables.Guide.Classes {
		class.Permitted = slices.Contains(tables.AIAct.Permitted, class.ID)
		class.Checklist = checklist(tables.Guide.Duties[class.ID], g.Date)
		class.Examples = slices.DeleteFunc(slices.Clone(g.Examples), func(x Example) bool { return x.Class != class.ID })
		g.Classes = append(g.Classes, class)
	}
	g.Purposes = tables.purposes(g.Date)
	return g, tables.English.Texts, nil
}

func checklist(duties []GuideDuty, date string) []GuideDuty {
	out := slices.Clone(duties)
	for i := range out {
		out[i].Day, out[i].InForce = dayOf(out[i].Since), out[i].Since <= date
	}
	return out
}

func (t *guideTables) purposes(date string) []GuidePurpose {
	out := make([]GuidePurpose, 0, len(t.Purposes.Purposes))
	for _, id := range slices.Sorted(maps.Keys(t.Purposes.Purposes)) {
		row := t.Purposes.Purposes[id]
		p := GuidePurpose{ID: id, Title: row.Title, Text: row.Text, Channels: row.Channels, NeedsService: row.Service, Release: row.Release}
		for _, r := range row.Rows {
			if r.ValidFrom <= date && date <= r.ValidTo {
				p.Rows = append(p.Rows, r.GuideRow)
			}
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b GuidePurpose) int { return strings.Compare(fold(a.Title), fold(b.Title)) })
	return out
}

func (s *snapshot) guideTables(ctx context.Context) (guideTables, error) {
	var t guideTables
	v, err := storage.ReadOne(ctx, s.store, storage.Path{"catalog"})
	if err != nil {
		return t, err
	}
	value, ok := v.(ast.Value)
	if !ok {
		return t, fmt.Errorf("the catalogue is %T", v)
	}
	plain, err := ast.JSON(value)
	if err != nil {
		return t, err
	}
	raw, err := json.Marshal(plain)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(raw, &t)
}

// dayOf writes a date for people: 2027-12-02 is 2. Dezember 2027. What is no date
// stays as it is.
func dayOf(date string) string {
	d, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return date
	}
	months := [...]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}
	return fmt.Sprintf("%d. %s %d", d.Day(), months[d.Month()-1], d.Year())
}

// fold orders German words: umlauts as their vowels.
func fold(s string) string {
	return strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss").Replace(strings.ToLower(s))
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"slices"
	"strings"
	"time"
)

// piece is one document of the case: a file, or one of several in a file.
type piece struct {
	Document
	// types are all evidence types it satisfies.
	types []string
	// person is the key of the person in the list; "" when it is nobody's or unknown.
	person string
	// foreign: belongs to somebody who is not part of the case.
	foreign bool
	format  string
	// date of issue, YYYY-MM-DD; empty: unknown.
	date string
	// unreadable: nobody knows what it is.
	unreadable bool
	// trusted: the type comes from the caller.
	trusted    bool
	confidence float64
	code       string // why it does not count: expired, not_passed, unreadable, locked …
	ocr        bool
	// several: the file holds more than this document.
	several bool
	// textless: the file was readable but has no text; assumed: therefore taken for a picture.
	textless, assumed bool
	// unproven are fields rules depend on and that could not be read.
	unproven []string
	// places are where the fields were read.
	places map[string]value
}

// counts says whether the piece may satisfy a requirement at all.
func (p *piece) counts() bool { return p.Usable && !p.unreadable }

func (p *piece) is(docType string) bool { return slices.Contains(p.types, docType) }

// satisfied says whether the pieces satisfy a requirement for an item ("" for
// requirements that are not per person).
func satisfied(r Requirement, item string, anyPerson bool, pieces []piece) bool {
	need := max(r.MinCount, 1)
	for _, alternative := range r.Accepts {
		all := true
		for part := range strings.SplitSeq(alternative, "+") {
			all = all && countOf(part, item, anyPerson, pieces) >= need
		}
		if all {
			return true
		}
	}
	return false
}

func countOf(docType, item string, anyPerson bool, pieces []piece) int {
	n := 0
	for _, p := range pieces {
		mine := item == "" || p.person == item
		if p.counts() && mine && p.is(docType) && (anyPerson || !p.foreign) {
			n++
		}
	}
	return n
}

// wants says whether a requirement accepts the type, alone or with others.
func (r Requirement) wants(docType string) bool {
	for _, alternative := range r.Accepts {
		for part := range strings.SplitSeq(alternative, "+") {
			if part == docType {
				return true
			}
		}
	}
	return false
}

// typesOf are the type itself and what it also counts as.
func (t *documentTypes) typesOf(id string) []string {
	d, _ := t.get(id)
	return append([]string{id}, d.Also...)
}

// Twelve pay slips are evidence together, and only when they are of twelve
// different months in a row that reach up to the application.
const (
	paySlip      = "lohnabrechnung"
	paySlips     = "verdienstabrechnungen_12m"
	paySlipCount = 12
	// paySlipGap is how many months the newest slip may lie before the month of
	// the application: the slip of the current month often does not exist yet.
	paySlipGap = 3
)

// joinPaySlips marks the pay slips of a person as verdienstabrechnungen_12m when
// twelve of them are in a row, and as of the wrong period when there are several
// that are not.
func joinPaySlips(pieces []piece, day string) {
	months := map[string]map[string]bool{}
	for _, p := range pieces {
		if !p.counts() || p.foreign || !p.is(paySlip) {
			continue
		}
		if months[p.person] == nil {
			months[p.person] = map[string]bool{}
		}
		for m := range strings.SplitSeq(p.Fields["zeitraum"], ",") {
			months[p.person][strings.TrimSpace(m)] = true
		}
	}
	for i, p := range pieces {
		if !p.counts() || p.foreign || !p.is(paySlip) {
			continue
		}
		if inRow(months[p.person], day) {
			pieces[i].types = append(slices.Clone(p.types), paySlips)
			continue
		}
		pieces[i].code = codeWrongPeriod
	}
}

// inRow says whether the months hold twelve in a row, the last one not too long
// before the day.
func inRow(months map[string]bool, day string) bool {
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return false
	}
	first := time.Date(date.Year(), date.Month(), 1, 0, 0, 0, 0, time.UTC)
	for gap := 0; gap <= paySlipGap; gap++ {
		n := 0
		for n < paySlipCount && months[first.AddDate(0, -gap-n, 0).Format("2006-01")] {
			n++
		}
		if n == paySlipCount {
			return true
		}
	}
	return false
}

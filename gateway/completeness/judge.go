// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"slices"
	"strings"
	"time"
)

// assign finds out whose document it is. A name printed behind a label of the
// type decides; otherwise the person of the case who is named first.
func (p *piece) assign(d InputDocument, spec DocumentType, found part, who people) {
	if d.Person != "" {
		return // the caller knows
	}
	words := nameWords(text(found.pages))
	birth := p.Fields["geburtsdatum"]
	if p.ocr {
		birth = "" // a digit may have been misread
	}
	for _, f := range spec.Fields {
		if f.Type != "name" || p.Fields[f.Name] == "" {
			continue
		}
		printed := p.Fields[f.Name]
		p.Person = printed
		if x, ok := who.find(printed, birth); ok {
			p.person, p.Person = x.key, x.name
			return
		}
		break
	}
	if x, ok := who.named(words, birth, p.ocr); ok {
		p.person, p.Person = x.key, x.name
		return
	}
	if p.Person == "" && !spec.Ignore {
		p.Person = addressee(found.pages)
	}
	// Somebody is named, but nobody of the case.
	p.foreign = p.Person != "" && len(who.persons) > 0
}

// named finds the person whose whole name stands in the text, the one named
// first when there are several.
func (p people) named(words []string, birth string, fuzzy bool) (person, bool) {
	best, at := person{}, len(words)
	for _, x := range p.persons {
		if len(x.words) < 2 || birth != "" && x.birth != "" && birth != x.birth {
			continue
		}
		if first, ok := firstOf(x.words, words, fuzzy); ok && first < at {
			best, at = x, first
		}
	}
	return best, at < len(words)
}

// firstOf returns where the first word of the name stands, when all of them do.
func firstOf(name, words []string, fuzzy bool) (int, bool) {
	first := len(words)
	for _, n := range name {
		i := slices.IndexFunc(words, func(w string) bool { return w == n || fuzzy && similar(w, n) })
		if i < 0 {
			return 0, false
		}
		first = min(first, i)
	}
	return first, true
}

// similar allows one misread letter in longer words.
func similar(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) < 5 || len(x) != len(y) {
		return false
	}
	wrong := 0
	for i := range x {
		if x[i] != y[i] {
			wrong++
		}
	}
	return wrong == 1
}

// judge decides whether the document may count at all.
func (p *piece) judge(spec DocumentType, folded, day string) {
	switch {
	case spec.Expires && passed(p.Fields["gueltig_bis"], day):
		p.fail("expired", "Das Dokument ist abgelaufen.")
		return
	case spec.Period && passed(p.Fields["bis"], day), spec.MaxAgeMonths > 0 && passed(p.latest(), monthsBefore(day, spec.MaxAgeMonths)):
		p.fail(codeWrongPeriod, "Das Dokument betrifft einen anderen Zeitraum.")
		return
	}
	no, unknown := failed(spec.Failed, folded)
	switch {
	case no:
		p.fail("not_passed", "Die Prüfung oder der Test wurde laut Dokument nicht bestanden.")
	case unknown:
		p.fail(codeUnreadable, "Das Ergebnis ist auf dem Dokument nicht lesbar.")
		p.unreadable = true
	}
}

// passed says whether a date or month lies before the day; an unknown one does not.
func passed(until, day string) bool {
	return until != "" && until < day[:min(len(until), len(day))]
}

// latest is the month a document is about, or its date of issue.
func (p *piece) latest() string {
	if m := p.Fields["zeitraum"]; m != "" {
		return m
	}
	return p.date
}

func monthsBefore(day string, months int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, -months, 0).Format(time.DateOnly)
}

// quoteOf is a line that shows what a finding about the document rests on.
func (p *piece) quoteOf(fields ...string) (page int, quote string) {
	for _, f := range fields {
		if v, ok := p.places[f]; ok {
			return v.page, strings.Join(strings.Fields(v.quote), " ")
		}
	}
	return p.Pages[0], ""
}

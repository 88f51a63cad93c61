// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package norms is the register of statutes: which law has which § with which
// heading and which Absätze, in the version of which day. It answers whether a
// citation such as "§ 66 Abs. 3 SGB I" exists, finds citations in German text
// and imports statutes in the formats of gesetze-im-internet.de.
//
// It holds facts, no statute texts, and it does not say what a norm means. The
// embedded facts are replaced by what an operator imports. Start at [Default],
// [Register.Lookup] and [ParseCitations]; [Import] reads official files.
package norms

import (
	"fmt"
	"slices"
	"strings"
)

// Units of a statute.
const (
	UnitSection = "§"
	UnitArticle = "Art."
	UnitAnnex   = "Anlage" // also "Anhang", as the statute calls it
)

// Citation is one norm as cited in a text.
type Citation struct {
	// Start and End are byte offsets into the text, Text is what stands there.
	Start int    `json:"start"`
	End   int    `json:"end"`
	Text  string `json:"text"`
	// Unit is "§", "Art.", "Anlage" or "Anhang".
	Unit string `json:"unit"`
	// Section is the number: "60", "66a", "III".
	Section string `json:"section"`
	// Paragraph is the Absatz: "3", "1b". The parts below it are not looked up.
	Paragraph    string `json:"paragraph,omitempty"`
	Subparagraph string `json:"subparagraph,omitempty"`
	Sentence     string `json:"sentence,omitempty"`
	Number       string `json:"number,omitempty"`
	Letter       string `json:"letter,omitempty"`
	// Law is the canonical abbreviation if the law is known, else the word as
	// written; empty if the text names none.
	Law string `json:"law"`
}

// String writes the citation in the usual form, for example
// "§ 60 Abs. 1 Satz 1 Nr. 3 SGB I".
func (c Citation) String() string {
	var b strings.Builder
	b.WriteString(c.Unit + " " + c.Section)
	part := func(label, value string) {
		if value != "" {
			b.WriteString(" " + label + " " + value)
		}
	}
	part("Abs.", c.Paragraph)
	part("UAbs.", c.Subparagraph)
	part("Satz", c.Sentence)
	part("Nr.", c.Number)
	part("Buchst.", c.Letter)
	if c.Law != "" {
		b.WriteString(" " + c.Law)
	}
	return b.String()
}

// Entry is what the register knows about one § or Article.
type Entry struct {
	// Number is "60", "66a", "Anlage 1", "Anhang III".
	Number  string `json:"number"`
	Heading string `json:"heading,omitempty"`
	// Paragraphs are the labels of the Absätze in order; empty: not divided.
	Paragraphs []string `json:"paragraphs,omitempty"`
	// RepealedParagraphs have a number and no content any more.
	RepealedParagraphs []string `json:"repealed_paragraphs,omitempty"`
	// Repealed says that the whole § is gone (weggefallen).
	Repealed bool `json:"repealed,omitempty"`
	// Open says that the list of Absätze may be longer; one that is not in it
	// counts as not confirmed.
	Open bool `json:"open,omitempty"`
}

// Statute is one law in the register.
type Statute struct {
	// Abbr is the canonical abbreviation: "SGB I", "WoGG", "DSGVO".
	Abbr    string   `json:"abbr"`
	Aliases []string `json:"aliases,omitempty"`
	Title   string   `json:"title"`
	// Unit is "§" or "Art.".
	Unit string `json:"unit"`
	// Stand is the day of the last change that is contained, YYYY-MM-DD.
	Stand string `json:"stand,omitempty"`
	// Source says where the facts come from.
	Source string `json:"source"`
	// Verified is false when the facts come from a secondary source.
	Verified bool `json:"verified"`
	// Partial says that only some sections are in the register; another one counts
	// as not confirmed, not as missing.
	Partial bool             `json:"partial,omitempty"`
	Entries map[string]Entry `json:"-"`
	order   []string
}

// Sections are the entries in the order of the statute.
func (s *Statute) Sections() []Entry {
	list := make([]Entry, 0, len(s.order))
	for _, number := range s.order {
		list = append(list, s.Entries[number])
	}
	return list
}

// Add puts an entry at the end, or replaces the one with the same number. It is
// for building a statute, before it goes into a register.
func (s *Statute) Add(e Entry) {
	if _, known := s.Entries[e.Number]; !known {
		s.order = append(s.order, e.Number)
	}
	s.Entries[e.Number] = e
}

// Problem classifies why a citation cannot be confirmed.
type Problem string

// Problems.
const (
	ProblemNoLaw        Problem = "no_law"        // the citation names no law
	ProblemUnknownLaw   Problem = "unknown_law"   // the law is not in the register
	ProblemNoSection    Problem = "no_section"    // the law has no such § or Article
	ProblemNoParagraph  Problem = "no_paragraph"  // the § has no such Absatz
	ProblemRepealed     Problem = "repealed"      // it existed once
	ProblemNotConfirmed Problem = "not_confirmed" // the register does not know enough
)

// LookupError says in German why a citation cannot be confirmed.
type LookupError struct {
	Citation Citation
	Problem  Problem
	// Message is for people, for example "existiert nicht: § 66 Abs. 9 SGB I –
	// der Paragraf hat 3 Absätze".
	Message string
}

func (e *LookupError) Error() string { return e.Message }

// Lookup returns nil if the citation exists down to its Absatz, else a
// *LookupError.
func (r *Register) Lookup(c Citation) error {
	fail := func(p Problem, format string, args ...any) error {
		return &LookupError{Citation: c, Problem: p, Message: fmt.Sprintf(format, args...)}
	}
	if c.Law == "" {
		return fail(ProblemNoLaw, "Gesetz fehlt: %s", c)
	}
	s, ok := r.Statute(c.Law)
	if !ok {
		return fail(ProblemUnknownLaw, "nicht im Normenregister: %s", c.Law)
	}
	c.Law = s.Abbr
	e, ok := s.Entries[entryKey(c)]
	short := Citation{Unit: c.Unit, Section: c.Section, Law: c.Law}
	if !ok && s.Partial && s.hasUnit(c.Unit) {
		return fail(ProblemNotConfirmed, "nicht bestätigt: %s – das Register kennt dieses Gesetz nicht vollständig", short)
	}
	if !ok || !s.hasUnit(c.Unit) {
		return fail(ProblemNoSection, "existiert nicht: %s", short)
	}
	if e.Repealed {
		return fail(ProblemRepealed, "weggefallen: %s", short)
	}
	return r.lookupParagraph(s, e, c, fail)
}

func (r *Register) lookupParagraph(s *Statute, e Entry, c Citation, fail func(Problem, string, ...any) error) error {
	if c.Paragraph == "" || slices.Contains(e.Paragraphs, c.Paragraph) {
		return nil
	}
	short := Citation{Unit: c.Unit, Section: c.Section, Paragraph: c.Paragraph, Law: c.Law}
	what := "der Paragraf"
	if s.Unit == UnitArticle {
		what = "der Artikel"
	}
	switch {
	case slices.Contains(e.RepealedParagraphs, c.Paragraph):
		return fail(ProblemRepealed, "weggefallen: %s", short)
	case e.Open:
		return fail(ProblemNotConfirmed, "nicht bestätigt: %s – das Register kennt die Absätze nicht vollständig", short)
	case len(e.Paragraphs) == 0:
		return fail(ProblemNoParagraph, "existiert nicht: %s – %s hat keine Absätze", short, what)
	case len(e.Paragraphs) == 1:
		return fail(ProblemNoParagraph, "existiert nicht: %s – %s hat 1 Absatz", short, what)
	}
	return fail(ProblemNoParagraph, "existiert nicht: %s – %s hat %d Absätze", short, what, len(e.Paragraphs))
}

func (s *Statute) hasUnit(unit string) bool {
	return unit == s.Unit || unit == UnitAnnex || unit == "Anhang"
}

func entryKey(c Citation) string {
	if c.Unit == UnitAnnex || c.Unit == "Anhang" {
		return c.Unit + " " + c.Section
	}
	return c.Section
}

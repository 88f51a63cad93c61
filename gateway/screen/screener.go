// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Config bounds the work and adds words. The zero value is the default.
type Config struct {
	// MaxTextBytes bounds all texts of one request together; default 16 MiB,
	// at most 1 GiB.
	MaxTextBytes int
	// MaxFindings bounds the findings of one request; default 100,000.
	MaxFindings int
	// MaxEntities bounds the known entities of one request; default 500.
	MaxEntities int
	// FileNumberLabels are further words that stand before a file number
	// ("Kassenzeichen" and the like are built in).
	FileNumberLabels []string
	// FirstNames are further first names.
	FirstNames []string
}

// maxEntityBytes bounds one field of a known entity.
const maxEntityBytes = 1024

func (c Config) withDefaults() Config {
	if c.MaxTextBytes == 0 {
		c.MaxTextBytes = 16 << 20
	}
	if c.MaxFindings == 0 {
		c.MaxFindings = 100_000
	}
	if c.MaxEntities == 0 {
		c.MaxEntities = 500
	}
	return c
}

// Validate reports values that make no sense.
func (c Config) Validate() error {
	if c.MaxTextBytes < 0 || c.MaxTextBytes > 1<<30 || c.MaxFindings < 0 || c.MaxEntities < 0 {
		return fmt.Errorf("screen: limits must not be negative, max_text_bytes not above %d", 1<<30)
	}
	return nil
}

// Screener finds personal data. It keeps no text and is safe for concurrent use.
type Screener struct {
	config Config
	lex    *lexicon
	codes  map[string]bool
	stems  *stemTable
	pool   sync.Pool // of *scan
	tables sync.Pool // of *caseTable
}

var _ gateway.Screener = (*Screener)(nil)

// New builds the word tables.
func New(c Config) (*Screener, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	s := &Screener{
		config: c.withDefaults(),
		lex:    newLexicon(c.FileNumberLabels, c.FirstNames),
		codes:  newPlateCodes(),
		stems:  newStemTable(),
	}
	return s, nil
}

// Screen finds personal data in the texts. It fails with CodeTooLarge beyond the
// limits, so that a text is never screened in part.
func (s *Screener) Screen(ctx context.Context, texts []string, known []gateway.Entity) (gateway.Screening, error) {
	if err := s.admit(texts, known); err != nil {
		return nil, err
	}
	table := s.newTable(known)
	defer s.releaseTable(table)
	scans := make([]*scan, len(texts))
	defer s.release(scans)
	total := 0
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("screen texts: %w", err)
		}
		scans[i] = s.newScan(table)
		scans[i].run(text)
		scans[i].cands = resolve(scans[i].cands)
		if total += len(scans[i].cands); total > s.config.MaxFindings {
			return nil, tooLarge("findings", "Der Text enthält zu viele personenbezogene Angaben auf einmal. Bitte teilen Sie ihn auf.")
		}
	}
	s.propagate(scans)
	return s.collect(texts, table, scans)
}

// admit enforces the limits before any work is done.
func (s *Screener) admit(texts []string, known []gateway.Entity) error {
	size := 0
	for _, t := range texts {
		size += len(t)
	}
	if size > s.config.MaxTextBytes {
		return tooLarge("texts", "Der Text ist zu lang, um ihn auf personenbezogene Daten zu prüfen. Bitte kürzen Sie ihn oder teilen Sie ihn auf.")
	}
	if len(known) > s.config.MaxEntities {
		return tooLarge("case_entities", "Es wurden zu viele bekannte Angaben zum Vorgang mitgeschickt.")
	}
	for i, e := range known {
		if max(len(e.Value), len(e.First), len(e.Last), len(e.BirthName)) > maxEntityBytes {
			return tooLarge(fmt.Sprintf("case_entities[%d]", i), "Eine der bekannten Angaben zum Vorgang ist zu lang.")
		}
	}
	return nil
}

func tooLarge(path, message string) error {
	return &gateway.Error{Op: "screen", Code: gateway.CodeTooLarge, Message: message, Path: path}
}

func (s *Screener) newScan(table *caseTable) *scan {
	sc, ok := s.pool.Get().(*scan)
	if !ok {
		sc = &scan{}
	}
	sc.lex, sc.codes, sc.stems, sc.table = s.lex, s.codes, s.stems, table
	return sc
}

func (s *Screener) newTable(known []gateway.Entity) *caseTable {
	if len(known) == 0 {
		return noCase
	}
	t, ok := s.tables.Get().(*caseTable)
	if !ok {
		t = &caseTable{}
	}
	t.fill(known)
	return t
}

// maxKeptEntries bounds the tables that are kept for the next case.
const maxKeptEntries = 1 << 14

// releaseTable gives the table back without the case.
func (s *Screener) releaseTable(t *caseTable) {
	if t == noCase || len(t.entries) > maxKeptEntries {
		return
	}
	t.reset()
	s.tables.Put(t)
}

// release gives the working memory back without the texts.
func (s *Screener) release(scans []*scan) {
	for _, sc := range scans {
		if sc == nil {
			continue
		}
		sc.text, sc.table = "", nil
		clear(sc.names[:cap(sc.names)])
		if cap(sc.toks) > 1<<20 {
			continue
		}
		s.pool.Put(sc)
	}
}

// collect puts the results of all texts together.
func (s *Screener) collect(texts []string, table *caseTable, scans []*scan) (*Screening, error) {
	result := &Screening{texts: slices.Clone(texts), persons: table.persons}
	var set uint16
	for i, sc := range scans {
		for _, c := range sc.cands {
			f := found{text: i, candidate: c}
			if c.name >= 0 {
				f.who = sc.names[c.name]
			}
			result.found = append(result.found, f)
		}
		set |= sc.categories(sc.cands)
	}
	if len(result.found) > s.config.MaxFindings {
		return nil, tooLarge("findings", "Der Text enthält zu viele personenbezogene Angaben auf einmal. Bitte teilen Sie ihn auf.")
	}
	for c, name := range categories {
		if set&(1<<c) != 0 {
			result.categories = append(result.categories, name)
		}
	}
	slices.Sort(result.categories)
	result.settlePersons()
	return result, nil
}

// propagate looks for the surnames found by title, label or first name in all
// texts, where they may stand alone.
func (s *Screener) propagate(scans []*scan) {
	var names []gateway.Entity
	seen := map[string]bool{}
	for _, sc := range scans {
		for _, c := range sc.cands {
			if c.kind != kPerson || c.known && sc.names[c.name].entity >= 0 || sc.names[c.name].lastAt < c.start {
				continue
			}
			last := sc.text[sc.names[c.name].lastAt:c.end]
			if len(last) >= 3 && len(names) < maxFoundNames && !seen[last] {
				seen[last] = true
				names = append(names, gateway.Entity{Type: "person", Last: last})
			}
		}
	}
	if len(names) == 0 {
		return
	}
	table := s.newTable(names)
	defer s.releaseTable(table)
	for _, sc := range scans {
		sc.repeatNames(table)
	}
}

// maxFoundNames bounds the names looked for again.
const maxFoundNames = 2000

// repeatNames finds the surnames of a table with the evidence of a trigger.
func (s *scan) repeatNames(table *caseTable) {
	own, before := s.table, len(s.cands)
	s.table, s.knownEnd = table, -1
	for i := range s.toks {
		t := &s.toks[i]
		if !t.capital || t.start < s.knownEnd || !table.maybe(t.hash) {
			continue
		}
		if w := table.word(t.hash); w != nil {
			s.knownPerson(i, w)
		}
	}
	s.table = own
	if len(s.cands) == before {
		return
	}
	for i := before; i < len(s.cands); i++ {
		c := &s.cands[i]
		c.evidence, c.known = byTrigger, false
		s.names[c.name].entity = -1
	}
	s.cands = resolve(s.cands)
}

// Screening is the result for one request.
type Screening struct {
	texts      []string
	persons    []knownPerson
	found      []found
	categories []string
}

// found is a finding with its text.
type found struct {
	candidate
	text int
	who  nameParts
}

var _ gateway.Screening = (*Screening)(nil)

// Findings in order of text and position, never overlapping.
func (s *Screening) Findings() []gateway.Finding {
	out := make([]gateway.Finding, len(s.found))
	for i, f := range s.found {
		out[i] = gateway.Finding{
			Kind: kindNames[f.kind], Text: f.text, Start: int(f.start), End: int(f.end), Known: f.known, Validated: f.validated,
		}
	}
	return out
}

// Summary for policies and records.
func (s *Screening) Summary() gateway.Screened {
	sum := gateway.Screened{Counts: map[gateway.FindingKind]int{}, Categories: slices.Clone(s.categories)}
	if sum.Categories == nil {
		sum.Categories = []string{}
	}
	for _, f := range s.found {
		sum.Counts[kindNames[f.kind]]++
	}
	return sum
}

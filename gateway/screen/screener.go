// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"

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
	// RememberFor is how long the places found in a text are remembered after
	// their last use, so that a growing chat is screened only where it grew;
	// default 10 minutes, negative for not at all. No text is kept.
	RememberFor time.Duration
	// RememberTexts and RememberBytes bound what is remembered; default 8192 texts
	// and 16 MiB.
	RememberTexts, RememberBytes int
	// Now is the clock; default time.Now.
	Now func() time.Time
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
	c.RememberFor = cmp.Or(c.RememberFor, 10*time.Minute)
	c.RememberTexts = cmp.Or(c.RememberTexts, 8192)
	c.RememberBytes = cmp.Or(c.RememberBytes, 16<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate reports values that make no sense.
func (c Config) Validate() error {
	if c.MaxTextBytes < 0 || c.MaxTextBytes > 1<<30 || c.MaxFindings < 0 || c.MaxEntities < 0 || c.RememberTexts < 0 || c.RememberBytes < 0 {
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
	keyers sync.Pool // of *keyer
	memory *memory   // nil when nothing is remembered
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
	if s.config.RememberFor > 0 {
		var err error
		if s.memory, err = newMemory(s.config); err != nil {
			return nil, fmt.Errorf("screen: draw a key: %w", err)
		}
	}
	return s, nil
}

// Screen finds personal data in the texts. It fails with CodeTooLarge beyond the
// limits, so that a text is never screened in part.
func (s *Screener) Screen(ctx context.Context, texts []string, known []gateway.Entity) (gateway.Screening, error) {
	return s.screen(ctx, "", texts, known)
}

// For returns the screener for one tenant. It finds the same; what it remembers
// of texts is used for that tenant alone, so that no tenant can learn from the
// time an answer takes that another one has sent a text.
func (s *Screener) For(tenant gateway.TenantID) gateway.Screener { return tenantScreener{s, tenant} }

type tenantScreener struct {
	s      *Screener
	tenant gateway.TenantID
}

func (t tenantScreener) Screen(ctx context.Context, texts []string, known []gateway.Entity) (gateway.Screening, error) {
	return t.s.screen(ctx, t.tenant, texts, known)
}

func (s *Screener) screen(ctx context.Context, tenant gateway.TenantID, texts []string, known []gateway.Entity) (gateway.Screening, error) {
	if err := s.admit(texts, known); err != nil {
		return nil, err
	}
	table := s.newTable(known)
	defer s.releaseTable(table)
	keys := s.newKeyer(tenant, texts, known)
	defer s.releaseKeyer(keys)
	readings := make([]reading, len(texts))
	defer s.release(readings)
	total := 0
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("screen texts: %w", err)
		}
		r := &readings[i]
		r.text = text
		s.read(r, table, keys)
		if total += len(r.cands()); total > s.config.MaxFindings {
			return nil, tooLarge("findings", tooMany)
		}
	}
	s.propagate(readings, table, keys)
	return s.collect(table, readings)
}

const tooMany = "Der Text enthält zu viele personenbezogene Angaben auf einmal. Bitte teilen Sie ihn auf."

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
	t.open(known)
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

// newKeyer returns nil when nothing of the request can be remembered.
func (s *Screener) newKeyer(tenant gateway.TenantID, texts []string, known []gateway.Entity) *keyer {
	if s.memory == nil || !slices.ContainsFunc(texts, func(t string) bool { return len(t) >= minRemembered }) {
		return nil
	}
	k, ok := s.keyers.Get().(*keyer)
	if !ok {
		k = &keyer{h: sha256.New()}
	}
	k.forCase(s.memory.secret, tenant, known)
	return k
}

func (s *Screener) releaseKeyer(k *keyer) {
	if k != nil {
		k.forget()
		s.keyers.Put(k)
	}
}

// release gives the working memory back without the texts.
func (s *Screener) release(readings []reading) {
	for i := range readings {
		sc := readings[i].scan
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
func (s *Screener) collect(table *caseTable, readings []reading) (*Screening, error) {
	result := &Screening{texts: make([]string, len(readings)), persons: table.persons}
	total := 0
	for i := range readings {
		cands, _ := readings[i].result()
		total += len(cands)
	}
	if total > s.config.MaxFindings {
		return nil, tooLarge("findings", tooMany)
	}
	if total > 0 {
		result.found = make([]found, 0, total)
	}
	var set uint16
	for i := range readings {
		r := &readings[i]
		result.texts[i] = r.text
		cands, own := r.result()
		set |= own
		for _, c := range cands {
			f := found{text: i, candidate: c}
			if c.name >= 0 {
				f.who = r.who(c.name)
			}
			result.found = append(result.found, f)
		}
		if r.fresh != nil {
			s.memory.put(r.fresh)
		}
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

// repeatNames finds the surnames of a table with the evidence of a trigger and
// says whether that changes anything.
func (s *scan) repeatNames(table *caseTable) bool {
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
		return false
	}
	for i := before; i < len(s.cands); i++ {
		c := &s.cands[i]
		c.evidence, c.known = byTrigger, false
		s.names[c.name].entity = -1
	}
	s.before = append(s.before[:0], s.cands[:before]...)
	s.cands, s.spare = merge(s.cands, before, s.spare)
	s.cands = resolve(s.cands)
	return !slices.Equal(s.cands, s.before)
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

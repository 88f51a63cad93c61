// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"maps"
	"slices"
	"strings"
)

// review is what of a streamed answer has been screened and what waits for it.
type review struct {
	max     int // bytes that may wait
	waiting int
	last    *part // the text that grew last

	seen       map[FindingKind]int
	categories []string
}

// note adds a piece, as it stands in JSON, to what waits and returns it decoded.
func (r *review) note(p *part, raw []byte) string {
	if p.window.Cap() == 0 {
		p.window.Grow(min(r.max, defaultWindow) + len(raw) + 64)
	}
	at := p.window.Len()
	writeUnquoted(&p.window, raw)
	text := p.window.String()[at:]
	r.waiting += len(text)
	r.last = p
	return text
}

// windowFull: at the end of a sentence or when enough waits.
func (s *Stream) windowFull() bool {
	n := s.review.waiting
	switch {
	case n >= s.review.max || len(s.held) >= maxHeld:
		return true
	case n < 40:
		return false
	}
	text := s.review.last.window.String()
	return strings.HasSuffix(text, "\n") || strings.HasSuffix(text, ". ") || strings.HasSuffix(text, "? ") || strings.HasSuffix(text, "! ")
}

// reviewWindow screens what came since the last review. The policies are asked
// again only when something new was found: their answer depends on nothing else.
func (s *Stream) reviewWindow() error {
	if s.review.waiting > 0 {
		if err := s.screenWindow(); err != nil {
			return err
		}
	}
	s.ready = append(s.ready, s.held...)
	s.held = nil
	return nil
}

// screenWindow screens every text by itself: the pieces of two choices or tool
// calls come mixed and would hide what stands in them.
func (s *Stream) screenWindow() error {
	texts, from := s.windows()
	screening, err := s.p.g.screener(s.p.request.Caller.Tenant).Screen(s.ctx, texts, nil)
	if err != nil {
		return s.p.fault("screen answer", err)
	}
	fresh := s.p.newIn(screening, texts, from)
	if !s.review.grown(fresh) {
		return nil
	}
	return s.p.decideOn(s.ctx, Screened{Counts: maps.Clone(s.review.seen), Categories: slices.Clone(s.review.categories)})
}

// windows takes what waits, each text after the end of its last window; from is
// where the new part begins.
func (s *Stream) windows() (texts []string, from []int) {
	for _, p := range s.parts {
		if p.window.Len() == p.from {
			continue
		}
		text := p.window.String()
		texts, from = append(texts, text), append(from, p.from)
		carry := tail(text, windowCarry)
		p.window.Reset()
		p.window.Grow(len(carry) + min(s.review.max, defaultWindow) + 64)
		p.window.WriteString(carry)
		p.from = len(carry)
	}
	s.review.waiting = 0
	return texts, from
}

// grown adds what was found and tells whether anything is new.
func (r *review) grown(fresh Screened) bool {
	grown := false
	for kind, n := range fresh.Counts {
		r.seen[kind] += n
		grown = grown || n > 0
	}
	for _, c := range fresh.Categories {
		if !slices.Contains(r.categories, c) {
			r.categories = append(r.categories, c)
			grown = true
		}
	}
	slices.Sort(r.categories)
	return grown
}

// tail is the end of s from a word's start, at most n bytes.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	if i := strings.IndexAny(s, " \n\t"); i >= 0 {
		return s[i+1:]
	}
	return ""
}

// newIn counts the findings in texts that reach beyond from and whose value
// stands neither in the request nor in its sources.
func (p *passage) newIn(s Screening, texts []string, from []int) Screened {
	fresh := Screened{Counts: map[FindingKind]int{}, Categories: s.Summary().Categories}
	findings := s.Findings()
	if len(findings) == 0 {
		return fresh
	}
	known := map[string]bool{}
	for _, f := range findings {
		if f.End <= from[f.Text] {
			continue
		}
		value := texts[f.Text][f.Start:f.End]
		if _, asked := known[value]; !asked {
			known[value] = len(known) < maxKnown && p.wasGiven(value)
		}
		if !known[value] {
			fresh.Counts[f.Kind]++
		}
	}
	return fresh
}

// maxKnown bounds how many values of one answer or window are looked up in what
// the model was given. More are a list that nobody has asked about; they count as new.
const maxKnown = 2000

// wasGiven says that something stands in the texts that went to the model.
func (p *passage) wasGiven(value string) bool {
	return slices.ContainsFunc(p.given, func(g string) bool { return strings.Contains(g, value) })
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"slices"
	"sort"
)

// outcome is what screening a text came to, in places of the text.
type outcome struct {
	cands []candidate
	names []namePlace
	spans []span
	// set is the set of special categories; rated says that it is known.
	set   uint16
	rated bool
}

// namePlace is a nameParts without the name.
type namePlace struct {
	entity, lastAt int32
	first          span   // empty for none
	last           [2]int // the surname, from and to in spans
	cut            int    // bytes of the folded surname that are inflection
}

type span struct{ start, end int32 }

func (o *outcome) size() int { return 16*len(o.cands) + 56*len(o.names) + 8*len(o.spans) }

// outcome puts the result of a scan into places. It is false when a name cannot
// be read again from the text.
func (s *scan) outcome() (o outcome, ok bool) {
	o.cands = slices.Clone(s.cands)
	o.names = make([]namePlace, 0, len(s.names))
	o.spans = make([]span, 0, len(s.names))
	for i := range o.cands {
		c := &o.cands[i]
		if c.name < 0 {
			continue
		}
		place, ok := s.placeOf(&o, c, &s.names[c.name])
		if !ok || !s.same(&o, &place, &s.names[c.name]) {
			return outcome{}, false
		}
		c.name = int32(len(o.names))
		o.names = append(o.names, place)
	}
	return o, true
}

// placeOf finds the tokens of a candidate that make up its name.
func (s *scan) placeOf(o *outcome, c *candidate, n *nameParts) (namePlace, bool) {
	p := namePlace{entity: n.entity, lastAt: n.lastAt}
	from := sort.Search(len(s.toks), func(k int) bool { return s.toks[k].start >= c.start })
	to := from
	for to < len(s.toks) && s.toks[to].start < c.end {
		to++
	}
	found := n.first == ""
	for k := from; k < to && !found; k++ {
		s.buf = appendFold(s.buf[:0], s.str(k))
		if found = string(s.buf) == n.first; found {
			p.first = span{s.toks[k].start, s.toks[k].end}
		}
	}
	if !found {
		return p, false
	}
	if n.last == "" {
		return p, true
	}
	for k := from; k < to; k++ {
		if s.surnamePlace(o, &p, k, to, n.last) {
			return p, true
		}
	}
	return p, false
}

// surnamePlace says that the tokens from k on, before token to, make up a
// surname, and notes their places.
func (s *scan) surnamePlace(o *outcome, p *namePlace, k, to int, last string) bool {
	from, have := len(o.spans), 0
	for ; k < to; k++ {
		s.buf = appendFold(s.buf[:0], s.str(k))
		o.spans = append(o.spans, span{s.toks[k].start, s.toks[k].end})
		n, rest := len(s.buf), last[have:]
		if n >= len(rest) && string(s.buf[:len(rest)]) == rest {
			p.last, p.cut = [2]int{from, len(o.spans)}, n-len(rest)
			return true
		}
		if n > len(rest) || string(s.buf) != rest[:n] {
			break
		}
		have += n
	}
	o.spans = o.spans[:from]
	return false
}

// same says that reading a place again gives the very name.
func (s *scan) same(o *outcome, p *namePlace, n *nameParts) bool {
	s.buf = p.appendFirst(s.buf[:0], s.text)
	if string(s.buf) != n.first {
		return false
	}
	s.buf = p.appendLast(s.buf[:0], o, s.text)
	return string(s.buf) == n.last && p.entity == n.entity && p.lastAt == n.lastAt
}

func (p *namePlace) appendFirst(b []byte, text string) []byte {
	return appendFold(b, text[p.first.start:p.first.end])
}

func (p *namePlace) appendLast(b []byte, o *outcome, text string) []byte {
	for _, sp := range o.spans[p.last[0]:p.last[1]] {
		b = appendFold(b, text[sp.start:sp.end])
	}
	return b[:max(0, len(b)-p.cut)]
}

// parts reads the name again.
func (p *namePlace) parts(o *outcome, text string) nameParts {
	var buf [64]byte
	n := nameParts{entity: p.entity, lastAt: p.lastAt}
	n.first = string(p.appendFirst(buf[:0], text))
	n.last = string(p.appendLast(buf[:0], o, text))
	return n
}

// recall prepares a scan of a text as it was after what is remembered of it.
func (s *scan) recall(text string, it *item) {
	s.reset(text)
	s.tokenise()
	s.cands = append(s.cands, it.own.cands...)
	s.hints = append(s.hints, it.hints...)
	for i := range it.own.names {
		s.names = append(s.names, it.own.names[i].parts(&it.own, text))
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"slices"
	"strings"
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
	for i := range o.cands {
		c := &o.cands[i]
		if c.name < 0 {
			continue
		}
		place, ok := s.placeOf(&o, c, &s.names[c.name])
		if !ok || place.parts(&o, s.text) != s.names[c.name] {
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
	from, _ := slices.BinarySearchFunc(s.toks, c.start, func(t token, pos int32) int { return int(t.start - pos) })
	to := from
	for to < len(s.toks) && s.toks[to].start < c.end {
		to++
	}
	found := n.first == ""
	for k := from; k < to && !found; k++ {
		if found = fold(s.str(k)) == n.first; found {
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
		w := fold(s.str(k))
		o.spans = append(o.spans, span{s.toks[k].start, s.toks[k].end})
		rest := last[have:]
		if strings.HasPrefix(w, rest) {
			p.last, p.cut = [2]int{from, len(o.spans)}, len(w)-len(rest)
			return true
		}
		if !strings.HasPrefix(rest, w) {
			break
		}
		have += len(w)
	}
	o.spans = o.spans[:from]
	return false
}

// parts reads the name again.
func (p *namePlace) parts(o *outcome, text string) nameParts {
	n := nameParts{entity: p.entity, lastAt: p.lastAt}
	if p.first.end > p.first.start {
		n.first = fold(text[p.first.start:p.first.end])
	}
	var buf [64]byte
	b := buf[:0]
	for _, sp := range o.spans[p.last[0]:p.last[1]] {
		b = appendFold(b, text[sp.start:sp.end])
	}
	n.last = string(b[:max(0, len(b)-p.cut)])
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

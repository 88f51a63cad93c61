// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "strings"

// knownPerson matches a name of the case at token i and everything of a name
// that stands around it.
func (s *scan) knownPerson(i int, w *knownWord) {
	from, to := i, i
	m := match{}
	m.take(i, w)
	cut := w.suffix
	for to-from < maxNameTokens && to+1 < len(s.toks) {
		step, next := s.knownNext(to, m)
		if step == 0 {
			break
		}
		to += step
		cut = 0
		if next != nil {
			m.take(to, next)
			cut = next.suffix
		}
	}
	if m.first != nil && m.last == nil && m.birth == nil && s.otherSurname(to) {
		to++ // Erika Weber, when the case knows another Erika
		m.stranger, m.lastAt, cut = m.firstAt, to+1, 0
		to = s.hyphenated(to)
	}
	from = s.extendLeft(from, &m)
	if from == to && s.ordinaryWord(i) {
		return
	}
	s.addPerson(from, to, cut, byKnown, m.parts(s, from, to))
}

// otherSurname says that a surname unknown to the case follows token i.
func (s *scan) otherSurname(i int) bool {
	if i+1 >= len(s.toks) || !s.blank(i) {
		return false
	}
	next := &s.toks[i+1]
	return s.nameToken(i+1) && next.len() >= 3 && next.roles&(rFunction|rFirstName|rUnit|triggerMask) == 0 && !nounLike(s.str(i+1))
}

// match collects which parts of a name of the case have been seen.
type match struct {
	first, last, birth []int32
	firstAt, lastAt    int // token index + 1
	stranger           int // token index + 1 of an unknown first name
}

func (m *match) take(i int, w *knownWord) {
	switch {
	case len(w.last) > 0 && (m.last == nil || len(w.first) == 0):
		m.last = narrow(m.last, w.last)
		if m.lastAt == 0 {
			m.lastAt = i + 1
		}
	case len(w.first) > 0:
		m.first = narrow(m.first, w.first)
		if m.firstAt == 0 {
			m.firstAt = i + 1
		}
	default:
		m.birth = narrow(m.birth, w.birth)
		if m.lastAt == 0 {
			m.lastAt = i + 1
		}
	}
}

// narrow intersects; an empty intersection keeps the new ids.
func narrow(have, ids []int32) []int32 {
	if have == nil {
		return ids
	}
	var both []int32
	for _, a := range have {
		for _, b := range ids {
			if a == b {
				both = append(both, a)
			}
		}
	}
	if both == nil {
		return ids
	}
	return both
}

// knownNext looks at what follows token i: another known part, an initial or a
// particle before one, the other half of a double name.
func (s *scan) knownNext(i int, m match) (int, *knownWord) {
	next := &s.toks[i+1]
	w := s.table.word(next.hash)
	if !s.nameGap(i) {
		if s.gap(i) == ", " && w != nil && m.first == nil && len(w.first) > 0 && next.capital && !s.surnameOfCase(i+2) {
			return 1, w // Mustermann, Erika
		}
		return 0, nil
	}
	switch {
	case w != nil && (next.capital || s.hyphen(i)):
		return 1, w
	case m.lastAt > 0 && m.lastAt < m.firstAt && s.table.particle(next.hash):
		return 1, nil // Brücke, Ernst von
	case s.hyphen(i) && next.capital && next.letters():
		return 1, nil
	case m.last == nil && s.initial(i+1) && i+2 < len(s.toks) && s.nameGap(i+1) && s.table.word(s.toks[i+2].hash) != nil:
		return 1, nil
	case m.last == nil && next.roles&rParticle != 0:
		for n := 2; n <= 3 && i+n < len(s.toks) && s.nameGap(i+n-1); n++ {
			if w := s.table.word(s.toks[i+n].hash); w != nil && len(w.last) > 0 {
				return n, w
			}
		}
	case m.last == nil && next.roles&rFirstName != 0 && next.capital && s.nameToken(i+1) && i+2 < len(s.toks) && s.nameGap(i+1):
		if w := s.table.word(s.toks[i+2].hash); w != nil && len(w.last) > 0 {
			return 2, w // a second first name the case does not know
		}
	}
	return 0, nil
}

// surnameOfCase says that token i directly continues a name with a surname of
// the case.
func (s *scan) surnameOfCase(i int) bool {
	if i >= len(s.toks) || !s.nameGap(i-1) {
		return false
	}
	w := s.table.word(s.toks[i].hash)
	return w != nil && len(w.last) > 0
}

// extendLeft takes in initials, particles, further first names and one unknown
// first name before a known surname ("Petra Mustermann").
func (s *scan) extendLeft(from int, m *match) int {
	for n := 0; n < 4 && from > 0 && s.nameGap(from-1); n++ {
		p := from - 1
		t := &s.toks[p]
		switch {
		case t.start < s.knownEnd:
			return from
		case m.last != nil && s.table.particle(t.hash):
		case s.initial(p), t.capital && t.roles&rFirstName != 0 && s.nameToken(p):
			if m.first == nil && m.last != nil {
				m.stranger = p + 1
			}
		case s.hyphen(p) && t.capital && t.letters() && t.len() > 1:
		case t.roles&rParticle != 0 && m.last != nil && p > 0 && s.nameGap(p-1) && s.toks[p-1].capital && s.toks[p-1].roles&(rFunction|rNoun) == 0 && t.roles&rFunction == 0:
		case m.first == nil && m.last != nil && m.stranger == 0 && s.unknownFirstName(p):
			m.stranger = p + 1
		default:
			return from
		}
		from = p
	}
	return from
}

// unknownFirstName says that token p looks like a first name and not like the
// noun or function word that happens to stand before a surname.
func (s *scan) unknownFirstName(p int) bool {
	t := &s.toks[p]
	return s.blank(p) && t.capital && t.letters() && t.len() >= 3 && t.class&clLower != 0 &&
		t.roles&(rNoun|rFunction|rSalutation|rMonth|rTitle|rLegalForm|rUnit|rAmbiguous|rNameLabel|rGreeting|triggerMask) == 0 && !nounLike(s.str(p))
}

// parts says who the matched name is: one person of the case, or somebody with
// the same surname.
func (m *match) parts(s *scan, from, to int) nameParts {
	n := nameParts{entity: -1, lastAt: -1}
	switch {
	case m.stranger > 0:
		n.first = fold(s.str(m.stranger - 1))
		n.entity = s.byInitial(n.first, m.last)
	case len(m.birth) > 0 && m.last == nil:
	case m.last == nil && len(m.first) == 1:
		n.entity = m.first[0]
	case m.first == nil && len(m.last) == 1:
		n.entity = m.last[0]
	case m.first != nil && m.last != nil:
		if both := narrow(m.first, m.last); len(both) == 1 {
			n.entity = both[0]
		}
	}
	if n.first == "" && m.firstAt > 0 {
		n.first = fold(s.str(m.firstAt - 1))
	}
	if m.lastAt > 0 {
		n.last = s.surname(m.lastAt-1, to)
		k := m.lastAt - 1
		for k > from && s.table.particle(s.toks[k-1].hash) {
			k--
		}
		n.lastAt = s.toks[k].start
	}
	return n
}

// byInitial returns the only person among the given ones whose first name
// begins with an initial, or -1.
func (s *scan) byInitial(initial string, persons []int32) int32 {
	only := int32(-1)
	for _, id := range persons {
		if len(initial) != 1 || !strings.HasPrefix(fold(s.table.persons[id].first), initial) {
			continue
		}
		if only >= 0 {
			return -1
		}
		only = id
	}
	return only
}

// surname is the folded surname from token i to token j, without inflection.
func (s *scan) surname(i, j int) string {
	var b strings.Builder
	for k := i; k <= j; k++ {
		w := fold(s.str(k))
		if kw := s.table.word(s.toks[k].hash); kw != nil {
			w = w[:len(w)-int(kw.suffix)]
		}
		b.WriteString(w)
	}
	return b.String()
}

// ordinaryWord says that a single word that is also a name of the case is
// probably meant as the word: "der Richter", "klein", "im Mai 2026".
func (s *scan) ordinaryWord(i int) bool {
	t := &s.toks[i]
	titled := i > 0 && (s.toks[i-1].roles&(rSalutation|rTitle|rGreeting) != 0 || s.initial(i-1))
	if titled && t.capital {
		return false
	}
	if t.roles&rFunction != 0 {
		return true
	}
	ambiguous := t.roles&(rAmbiguous|rMonth|rNoun) != 0 || s.baseAmbiguous(i)
	if !t.capital {
		return ambiguous || t.len() < 5
	}
	if t.roles&rMonth != 0 && i+1 < len(s.toks) && s.toks[i+1].digits() {
		return true
	}
	if !ambiguous || i == 0 {
		return false
	}
	gap := s.gap(i - 1)
	return isBlank(gap) && s.toks[i-1].roles&(rArticle|rFunction) != 0 && s.toks[i-1].roles&rFunction != 0 && beforeNoun(s.toks[i-1].roles)
}

// baseAmbiguous looks at the word without its inflection: Richters.
func (s *scan) baseAmbiguous(i int) bool {
	w := s.table.word(s.toks[i].hash)
	if w == nil || w.suffix == 0 {
		return false
	}
	f := fold(s.str(i))
	return s.lex.lookup(hashFolded(f[:len(f)-int(w.suffix)]))&rAmbiguous != 0
}

// beforeNoun says that a word with these roles announces a noun.
func beforeNoun(r role) bool { return r&rArticle != 0 || r&(rSelf|rThird) != 0 }

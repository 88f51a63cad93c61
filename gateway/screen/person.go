// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "strings"

// maxNameTokens bounds a name in tokens.
const maxNameTokens = 8

// personRoles are the roles of words at which the recogniser of a person starts.
const personRoles = rSalutation | rSigned | rNameLabel | rGreeting | rClosing | rFirstName | tBirth

// person tries the recognisers of persons at word i: known by the case, after a
// title or label, or a common first name.
func (s *scan) person(i int) {
	t := &s.toks[i]
	if s.table.maybe(t.hash) {
		if w := s.table.word(t.hash); w != nil && t.start >= s.knownEnd {
			s.knownPerson(i, w)
		}
	}
	r := t.roles
	if r&personRoles == 0 {
		return
	}
	switch {
	case r&rSalutation != 0 && t.capital:
		s.titledName(i)
	case r&rSigned != 0:
		s.signedName(i)
	}
	if r&rNameLabel != 0 {
		s.labelledName(i)
	}
	if r&rGreeting != 0 {
		s.greetedName(i)
	}
	if r&rClosing != 0 {
		s.closingName(i)
	}
	if r&tBirth != 0 {
		s.birthName(i)
	}
	if r&rFirstName != 0 && t.capital && t.start >= s.personEnd {
		s.listedName(i)
	}
}

// nameGap says that two tokens may belong to one name: a blank, a hyphen, the
// point of an initial.
func (s *scan) nameGap(i int) bool {
	gap := s.gap(i)
	if isBlank(gap) || gap == "-" || gap == "'" || gap == "’" {
		return true
	}
	if gap != ". " && gap != "." && gap != ".\u00A0" && gap != ".-" {
		return false
	}
	return s.toks[i].len() == 1 || s.toks[i].roles&rTitle != 0 || s.toks[i].roles&rSalutation != 0
}

// initial says that token i is one capital with a point.
func (s *scan) initial(i int) bool {
	t := &s.toks[i]
	return t.capital && (t.len() == 1 || t.len() == 2 && t.class&clHigh != 0) && strings.HasPrefix(s.gap(i), ".")
}

// nameToken says that token i may be part of a name.
func (s *scan) nameToken(i int) bool {
	t := &s.toks[i]
	return t.capital && t.letters() && t.roles&(rNoun|rMonth|rLegalForm|rSalutation) == 0 && (t.len() > 1 || s.initial(i))
}

// addPerson notes a name that reaches from token i to token j; cut bytes at its
// end are inflection and stay in the text.
func (s *scan) addPerson(i, j int, cut int32, e evidence, n nameParts) {
	start, end := s.toks[i].start, s.toks[j].end-cut
	if end <= start {
		return
	}
	s.names = append(s.names, n)
	s.cands = append(s.cands, candidate{start: start, end: end, kind: kPerson, evidence: e, known: e == byKnown, name: int32(len(s.names) - 1)})
	s.personEnd = max(s.personEnd, end)
	if e == byKnown {
		s.knownEnd = max(s.knownEnd, end)
	}
}

// titledName reads the name after Herr, Frau, Familie.
func (s *scan) titledName(i int) {
	if s.gap(i) == "." && s.toks[i].len() > 3 {
		return
	}
	s.readName(i, byTrigger)
}

// readName reads a name that starts after token i.
func (s *scan) readName(i int, e evidence) {
	from := i + 1
	for from < len(s.toks) && from <= i+4 && s.titleGap(from-1) && s.toks[from].roles&(rTitle|rNoun|rPersonNoun|rSalutation) != 0 && s.toks[from].capital || from < len(s.toks) && from <= i+5 && s.toks[from].roles&rTitle != 0 && s.titleGap(from-1) {
		if s.toks[from].roles&rFunction != 0 {
			return
		}
		from++
	}
	if from >= len(s.toks) || !s.titleGap(from-1) {
		return
	}
	if to, n, ok := s.nameAt(from); ok && !(n.first == "" && abstractNoun(s.str(from))) {
		s.addPerson(from, to, 0, e, n)
	}
}

func (s *scan) titleGap(i int) bool {
	gap := s.gap(i)
	return isBlank(gap) || gap == ". " || gap == "." || gap == "  " || gap == ".-" || gap == "-" && s.toks[i].roles&rTitle != 0
}

// nameAt reads first names, initials, particles and one surname from token i.
func (s *scan) nameAt(i int) (int, nameParts, bool) {
	n := nameParts{entity: -1, lastAt: -1}
	to, noble := -1, int32(-1)
	for k := i; k < len(s.toks) && k-i < maxNameTokens; k++ {
		if k > i && !s.nameGap(k-1) {
			break
		}
		t := &s.toks[k]
		hyphen := k > i && s.hyphen(k-1)
		if t.roles&rParticle != 0 && !hyphen && n.last == "" && k+1 < len(s.toks) && s.nameGap(k) && (s.toks[k+1].capital || s.toks[k+1].roles&rParticle != 0) {
			if t.roles&rArticle != 0 && (k == 0 || s.toks[k-1].roles&rParticle == 0) {
				break // Herr der Lage; von der Lage
			}
			if noble < 0 {
				noble = t.start
			}
			continue // von, van; counts when a surname follows
		}
		if !s.nameToken(k) && !(hyphen && t.capital) {
			break
		}
		given := t.roles&rFirstName != 0 || s.initial(k)
		switch {
		case hyphen && n.last != "":
			n.last += fold(s.str(k))
		case hyphen:
		case n.last != "" && n.first == "" && k == to+1 && !given && !nounLike(s.str(k)) && t.roles&rFunction == 0 && t.len() > 2:
			// The first word was no listed first name, but a second one follows.
			n.first, n.last, n.lastAt = n.last, fold(s.str(k)), t.start
			return s.hyphenated(k), s.withSurname(n, k), true
		case n.last != "":
			return to, n, true
		case given && s.surnameFollows(k):
			if n.first == "" {
				n.first = fold(s.str(k))
			}
		default:
			n.last, n.lastAt = fold(s.str(k)), t.start
			if noble >= 0 {
				n.lastAt = noble
			}
		}
		to = k
	}
	return to, n, to >= 0 && (n.last != "" || n.first != "")
}

// surnameFollows says that after the first name k another part of the name comes.
func (s *scan) surnameFollows(k int) bool {
	if k+1 >= len(s.toks) || !s.nameGap(k) {
		return false
	}
	if s.hyphen(k) {
		return true
	}
	next := &s.toks[k+1]
	for n := k + 1; n <= k+3 && s.toks[n].roles&rParticle != 0 && n+1 < len(s.toks) && s.nameGap(n); n++ {
		if s.toks[n+1].capital {
			return true
		}
	}
	return s.nameToken(k+1) && next.roles&rFunction == 0 && !nounLike(s.str(k+1))
}

// hyphenated extends a surname over its hyphens.
func (s *scan) hyphenated(k int) int {
	for k+1 < len(s.toks) && s.hyphen(k) && s.toks[k+1].capital && s.toks[k+1].letters() {
		k++
	}
	return k
}

func (s *scan) withSurname(n nameParts, k int) nameParts {
	n.last = s.surname(k, s.hyphenated(k))
	return n
}

// signedName reads the name after "gez.", "i. A.".
func (s *scan) signedName(i int) {
	if i+1 < len(s.toks) && (strings.HasPrefix(s.gap(i), ".") || s.blank(i) || strings.HasPrefix(s.gap(i), ":")) && s.toks[i+1].capital {
		if to, n, ok := s.nameAt(i + 1); ok && n.last != "" {
			s.addPerson(i+1, to, 0, byTrigger, n)
		}
	}
}

// labelledName reads the value of a form field or a JSON key.
func (s *scan) labelledName(i int) {
	gap := s.gap(i)
	if s.columnLabel(i) {
		s.columnName(i)
		return
	}
	if !strings.ContainsAny(gap, ":=") || len(gap) > 40 || strings.Count(gap, "\n") > 1 || strings.ContainsAny(gap, "(){}[];,.") {
		return
	}
	from := i + 1
	for from < len(s.toks) && from < i+4 && s.toks[from].roles&(rSalutation|rTitle) != 0 && s.titleGap(from) {
		from++
	}
	to, n, ok := s.nameAt(from)
	if !ok || n.first == "" && nounLike(s.str(from)) {
		return
	}
	if to+1 < len(s.toks) && s.gap(to) == ", " && s.nameToken(to+1) && n.first == "" && s.endOfField(to+1) {
		n.first = fold(s.str(to + 1))
		to++ // Mustermann, Erika
	}
	if to+1 < len(s.toks) && s.blank(to) && s.toks[to+1].roles&rLegalForm != 0 {
		return
	}
	s.addPerson(from, to, 0, byTrigger, n)
}

// columnLabel says that a label of a form stands in a column of its own.
func (s *scan) columnLabel(i int) bool {
	gap := s.gap(i)
	if len(gap) < 2 && gap != "\n" && gap != "\t" || len(gap) > 80 || strings.Trim(gap, " \t\r\n") != "" || strings.Count(gap, "\n") > 1 {
		return false
	}
	switch fold(s.str(i)) {
	case "familienname", "nachname", "vorname", "vornamen", "geburtsname", "name", "rufname":
		return true
	}
	return false
}

// columnName reads the value beside or below a label when it is a name and
// nothing else.
func (s *scan) columnName(i int) {
	to, n, ok := s.nameAt(i + 1)
	if ok && s.endOfField(to) && s.toks[i+1].roles&rNameLabel == 0 && !nounLike(s.str(i+1)) {
		s.addPerson(i+1, to, 0, byTrigger, n)
	}
}

// endOfField says that nothing but a field's end follows token i.
func (s *scan) endOfField(i int) bool {
	gap := s.gap(i)
	return gap == "\x00" || strings.ContainsAny(gap, "\n\r\";|\t") || len(gap) > 1
}

// greetedName reads "Liebe Erika," and "Hallo Max!"; a title has its own rule.
func (s *scan) greetedName(i int) {
	if i+1 >= len(s.toks) || !s.blank(i) || !s.nameToken(i+1) || s.toks[i+1].roles&(rFunction|rClosing) != 0 {
		return
	}
	to, n, ok := s.nameAt(i + 1)
	if !ok {
		return
	}
	if gap := s.gap(to); strings.HasPrefix(gap, ",") || strings.HasPrefix(gap, "!") || s.toks[i+1].roles&rFirstName != 0 {
		s.addPerson(i+1, to, 0, byTrigger, n)
	}
}

// closingName reads the signature under a letter: the first lines after "Mit
// freundlichen Grüßen" that are not "Im Auftrag" or the like.
func (s *scan) closingName(i int) {
	if i+1 >= len(s.toks) || !strings.Contains(s.gap(i), "\n") {
		return
	}
	for from, lines := i+1, 0; from < len(s.toks) && lines < 3; lines++ {
		end := s.lineEnd(from)
		if to, n, ok := s.signature(from, end); ok {
			s.addPerson(from+s.skipSigned(from), to, 0, byTrigger, n)
			return
		}
		from = end + 1
	}
}

// lineEnd is the last token on the line of token i.
func (s *scan) lineEnd(i int) int {
	for i+1 < len(s.toks) && !strings.Contains(s.gap(i), "\n") {
		i++
	}
	return i
}

// signature says that the line from token i to token end is a name.
func (s *scan) signature(i, end int) (int, nameParts, bool) {
	i += s.skipSigned(i)
	if i > end || end-i > 5 {
		return 0, nameParts{}, false
	}
	to, n, ok := s.nameAt(i)
	return to, n, ok && to == end && n.last != ""
}

// skipSigned counts the tokens of "i. A.", "gez.", "Dr." before a name.
func (s *scan) skipSigned(i int) int {
	n := 0
	for i+n < len(s.toks) && n < 5 {
		t := &s.toks[i+n]
		w := s.str(i + n)
		if t.roles&(rSigned|rTitle|rSalutation) == 0 && w != "i" && !(n > 0 && s.str(i+n-1) == "i" && (w == "A" || w == "V")) {
			break
		}
		n++
	}
	return n
}

// birthName reads the name after "geb." and "geborene".
func (s *scan) birthName(i int) {
	w := fold(s.str(i))
	if w != "geb" && w != "geborene" && w != "geborener" && w != "geborenen" {
		return
	}
	if i+1 < len(s.toks) && (s.gap(i) == " " || s.gap(i) == ". ") && s.nameToken(i+1) && !nounLike(s.str(i+1)) {
		n := nameParts{entity: -1, last: fold(s.str(i + 1)), lastAt: s.toks[i+1].start}
		s.addPerson(i+1, s.hyphenated(i+1), 0, byTrigger, n)
	}
}

// listedName takes a common first name with the surname after it.
func (s *scan) listedName(i int) {
	t := &s.toks[i]
	if !s.nameToken(i) || i > 0 && s.hyphen(i-1) || s.namesThing(i) {
		return
	}
	to, n, ok := s.nameAt(i)
	if !ok || s.hyphen(to) {
		return
	}
	if n.first == "" { // alone
		if t.roles&(rAmbiguous|rPlace|rFunction) != 0 || t.len() < 3 {
			return
		}
		n.first, n.last, n.lastAt = n.last, "", -1
	} else if t.roles&rAmbiguous != 0 && i > 0 && s.toks[i-1].roles&rArticle != 0 {
		return
	}
	e := byList
	if n.last != "" {
		e = byTrigger
	}
	s.addPerson(i, to, 0, e, n)
}

// namesThing says that a first name opens a compound: Karl-Marx-Stadt.
func (s *scan) namesThing(i int) bool {
	for ; s.hyphen(i); i++ {
		if s.toks[i+1].roles&rFirstName == 0 {
			return true
		}
	}
	return false
}

// abstractNoun says that a word ends as no surname does.
func abstractNoun(w string) bool {
	var buf [64]byte
	return abstractEndings.match(appendFold(buf[:0], w), 0) != ""
}

// nounLike says that a capitalised word ends like a German noun, so it is
// probably no surname.
func nounLike(w string) bool {
	var buf [64]byte
	f := appendFold(buf[:0], w)
	return nounEndings.match(f, 0) != "" && surnameEndings.match(f, 0) == ""
}

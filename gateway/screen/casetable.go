// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// caseTable is what a case knows, prepared for look-up while scanning.
type caseTable struct {
	persons []knownPerson
	words   map[uint64]*knownWord
	bloom   [64]uint64 // of the hashes in words and phrases
	phrases map[uint64][]knownPhrase
	compact [256][]knownCompact // by first byte
	dates   map[date]bool
	// particles that belong to surnames of the case
	particles map[uint64]bool
}

type knownPerson struct{ first, last, birth string }

// knownWord is a token that is part of a name.
type knownWord struct {
	first, last, birth []int32 // persons
	suffix             int32   // bytes at the end that are inflection: Müller|s
}

// knownPhrase is a sequence of tokens, for example a street with its number.
type knownPhrase struct {
	hashes []uint64
	kind   kindID
}

// knownCompact is a number without blanks and punctuation, folded.
type knownCompact struct {
	value string
	kind  kindID
}

// newCaseTable prepares the entities. Empty values are skipped.
func newCaseTable(known []gateway.Entity) *caseTable {
	t := &caseTable{words: map[uint64]*knownWord{}, phrases: map[uint64][]knownPhrase{}, dates: map[date]bool{}, particles: map[uint64]bool{}}
	for _, e := range known {
		switch e.Type {
		case "person":
			t.addPerson(e)
		case "address":
			t.addAddress(e.Value)
		case "date_of_birth":
			t.addDate(e.Value)
		case "iban":
			t.addNumber(e.Value, kIBAN)
		case "phone":
			t.addPhone(e.Value)
		case "email":
			t.addPhrase(e.Value, kEmail)
		case "file_number":
			t.addNumber(e.Value, kFile)
		default:
			t.addOther(e.Value)
		}
	}
	return t
}

func (t *caseTable) note(h uint64) { t.bloom[h>>6&63] |= 1 << (h & 63) }

func (t *caseTable) maybe(h uint64) bool { return t.bloom[h>>6&63]&(1<<(h&63)) != 0 }

func (t *caseTable) addPerson(e gateway.Entity) {
	p := knownPerson{strings.TrimSpace(e.First), strings.TrimSpace(e.Last), strings.TrimSpace(e.BirthName)}
	if p.first == "" && p.last == "" {
		p.first, p.last = splitName(e.Value)
	}
	if p.first == "" && p.last == "" && p.birth == "" {
		return
	}
	id := int32(len(t.persons))
	t.persons = append(t.persons, p)
	for _, w := range words(p.last) {
		if isParticle(w) {
			t.particles[hashFolded(fold(w))] = true
		}
	}
	t.addName(p.first, func(w *knownWord) { w.first = appendOnce(w.first, id) })
	t.addName(p.last, func(w *knownWord) { w.last = appendOnce(w.last, id) })
	t.addName(p.birth, func(w *knownWord) { w.birth = appendOnce(w.birth, id) })
}

func appendOnce(ids []int32, id int32) []int32 {
	if slices.Contains(ids, id) {
		return ids
	}
	return append(ids, id)
}

// splitName splits "Erika Mustermann", "Mustermann, Erika" and "Ludwig van
// Beethoven" into first names and surname with particles.
func splitName(value string) (first, last string) {
	value = strings.TrimSpace(value)
	if l, f, ok := strings.Cut(value, ","); ok {
		return strings.TrimSpace(f), strings.TrimSpace(l)
	}
	words := strings.Fields(value)
	for len(words) > 1 && isHonorific(words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return "", ""
	}
	if isParticle(words[0]) {
		return "", strings.Join(words, " ")
	}
	cut := len(words) - 1
	for cut > 1 && isParticle(words[cut-1]) {
		cut--
	}
	return strings.Join(words[:cut], " "), strings.Join(words[cut:], " ")
}

func isHonorific(w string) bool {
	switch strings.TrimRight(fold(w), ".") {
	case "herr", "herrn", "frau", "dr", "prof", "familie", "eheleute":
		return true
	}
	return false
}

func isParticle(w string) bool {
	switch fold(w) {
	case "von", "van", "vom", "zu", "zur", "zum", "de", "der", "den", "del", "della", "di", "da", "do", "dos", "du", "la", "le",
		"el", "al", "ten", "ter", "te", "ben", "bin", "ibn", "abu", "und":
		return true
	}
	return false
}

// addName adds every part of a name with its spellings and inflections;
// particles and initials are not looked for on their own.
func (t *caseTable) addName(name string, mark func(*knownWord)) {
	for _, part := range words(name) {
		if isParticle(part) || len(part) < 2 {
			continue
		}
		for _, form := range spellings(part) {
			t.addWord(form, 0, mark)
		}
	}
	for _, part := range words(name) {
		if isParticle(part) || len(part) < 3 {
			continue
		}
		for _, form := range spellings(part) {
			for _, suffix := range []string{"s", "es", "sche", "schen", "scher", "sches", "schem"} {
				t.addWord(form+suffix, int32(len(suffix)), mark)
			}
		}
	}
}

// addWord enters a folded form. An exact name wins over an inflected one that
// looks the same (Peter|s and Peters).
func (t *caseTable) addWord(form string, suffix int32, mark func(*knownWord)) {
	h := hashFolded(form)
	w := t.words[h]
	if w == nil {
		w = &knownWord{suffix: suffix}
		t.words[h] = w
		t.note(h)
	}
	if suffix == 0 && w.suffix != 0 {
		*w = knownWord{}
	}
	if suffix == w.suffix {
		mark(w)
	}
}

// words are the runs of letters and digits of a value.
func words(value string) []string {
	s := scan{lex: &lexicon{slots: make([]lexSlot, 1)}}
	s.reset(value)
	s.tokenise()
	out := make([]string, 0, len(s.toks))
	for i := range s.toks {
		out = append(out, s.str(i))
	}
	return out
}

// addAddress takes a postal address apart: each part that names a street or a
// town with its postcode is looked for on its own.
func (t *caseTable) addAddress(value string) {
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\n' || r == ';' }) {
		ws := words(part)
		if len(ws) == 0 {
			continue
		}
		if i := postcodeAt(ws); i >= 0 {
			t.addWords(ws[i:i+1], kAddress)
			t.addWords(ws[i:], kAddress)
			t.addStreet(ws[:i])
			continue
		}
		t.addStreet(ws)
	}
}

func postcodeAt(ws []string) int {
	for i, w := range ws {
		if len(w) == 5 && allDigits(w) {
			return i
		}
	}
	return -1
}

// addStreet adds a street with its number, and the street alone when it ends
// like one: "Hauptstraße", "Hauptstr.", "Haupt Strasse".
func (t *caseTable) addStreet(ws []string) {
	if len(ws) == 0 || len(ws) == 1 && len(ws[0]) < 4 {
		return
	}
	hasNumber := len(ws) > 1 && isDigit(ws[len(ws)-1][0])
	for _, form := range streetForms(ws) {
		t.addWords(form, kAddress)
	}
	if !hasNumber {
		return
	}
	name := ws[:len(ws)-1]
	if isDigit(name[len(name)-1][0]) && len(name) > 1 {
		name = name[:len(name)-1]
	}
	if last := fold(name[len(name)-1]); strings.HasSuffix(last, "strasse") || strings.HasSuffix(last, "str") || hasStreetEnding(last) {
		for _, form := range streetForms(name) {
			t.addWords(form, kAddress)
		}
	}
}

// streetForms writes Straße and Str. for one another.
func streetForms(ws []string) [][]string {
	forms := [][]string{ws}
	for i, w := range ws {
		f := fold(w)
		var alt string
		switch {
		case strings.HasSuffix(f, "strasse"):
			alt = strings.TrimSuffix(f, "strasse") + "str"
		case strings.HasSuffix(f, "str"):
			alt = f + "asse"
		default:
			continue
		}
		form := append(append(append([]string{}, ws[:i]...), alt), ws[i+1:]...)
		return append(forms, form)
	}
	return forms
}

// addWords adds a phrase in the spellings of its first word.
func (t *caseTable) addWords(ws []string, k kindID) {
	if len(ws) == 0 {
		return
	}
	for _, long := range []bool{false, true} {
		hashes := make([]uint64, len(ws))
		differs := false
		for i, w := range ws {
			forms := spellings(w)
			form := forms[0]
			if long && len(forms) > 1 {
				form, differs = forms[1], true
			}
			hashes[i] = hashFolded(form)
		}
		if long && !differs {
			return
		}
		t.phrases[hashes[0]] = append(t.phrases[hashes[0]], knownPhrase{hashes, k})
		t.note(hashes[0])
	}
}

func (t *caseTable) addPhrase(value string, k kindID) { t.addWords(words(value), k) }

// addNumber looks for a number in any grouping.
func (t *caseTable) addNumber(value string, k kindID) {
	c := compact(value)
	if len(c) < 4 {
		t.addPhrase(value, k)
		return
	}
	t.compact[c[0]] = append(t.compact[c[0]], knownCompact{c, k})
}

// addPhone adds the national and international forms.
func (t *caseTable) addPhone(value string) {
	c := nationalPhone(value)
	if len(c) < 5 {
		return
	}
	for _, form := range []string{"0" + c, "49" + c, "0049" + c, "490" + c, "00490" + c} {
		t.compact[form[0]] = append(t.compact[form[0]], knownCompact{form, kPhone})
	}
}

func nationalPhone(value string) string {
	c := compact(value)
	foreign := strings.HasPrefix(strings.TrimSpace(value), "+")
	c = strings.TrimPrefix(c, "00")
	if (foreign || len(c) != len(compact(value))) && strings.HasPrefix(c, "49") {
		c = c[2:]
	}
	return strings.TrimLeft(c, "0")
}

func (t *caseTable) addOther(value string) {
	t.addPhrase(value, kOther)
	c := compact(value)
	if len(c) >= 6 && strings.ContainsAny(c, "0123456789") {
		t.addNumber(value, kOther)
	}
}

func (t *caseTable) addDate(value string) {
	s := scan{lex: &lexicon{slots: make([]lexSlot, 1)}}
	s.reset(value)
	s.tokenise()
	for i := range s.toks {
		if d, _, ok := s.dateAt(i); ok {
			t.dates[d] = true
			return
		}
	}
}

// compact keeps letters and digits, folded.
func compact(value string) string { return strings.Join(wordsFolded(value), "") }

func wordsFolded(value string) []string {
	ws := words(value)
	for i, w := range ws {
		ws[i] = fold(w)
	}
	return ws
}

// knownPhrase matches values of the case that start at token i.
func (s *scan) knownPhrase(i int) {
	t := &s.toks[i]
	if s.table.maybe(t.hash) {
		for _, p := range s.table.phrases[t.hash] {
			if j, ok := s.followPhrase(i, p.hashes); ok {
				s.add(i, j, p.kind, byKnown)
			}
		}
	}
	if c := s.text[t.start] | 0x20; t.hasDigit() || t.class == clUpper {
		for _, k := range s.table.compact[c] {
			if j, ok := s.followCompact(i, k.value); ok {
				start := t.start
				if k.kind == kPhone && s.byteAt(start-1) == '+' {
					start--
				}
				s.addSpan(start, s.toks[j].end, k.kind, byKnown)
			}
		}
	}
}

func (s *scan) followPhrase(i int, hashes []uint64) (int, bool) {
	for n, h := range hashes {
		if i+n >= len(s.toks) || s.toks[i+n].hash != h {
			return 0, false
		}
		if n > 0 && !lightGap(s.gap(i+n-1)) {
			return 0, false
		}
	}
	return i + len(hashes) - 1, true
}

// followCompact compares the tokens from i on with a number, whatever stands
// between the groups.
func (s *scan) followCompact(i int, value string) (int, bool) {
	pos := 0
	for j := i; j < len(s.toks); j++ {
		if j > i && !lightGap(s.gap(j-1)) {
			return 0, false
		}
		part := s.str(j)
		if len(part) > len(value)-pos {
			return 0, false
		}
		for k := range len(part) {
			if part[k]|0x20 != value[pos+k] {
				return 0, false
			}
		}
		pos += len(part)
		if pos == len(value) {
			return j, true
		}
	}
	return 0, false
}

// lightGap says that two tokens may belong to one value.
func lightGap(gap string) bool {
	return len(gap) <= 3 || isWrap(gap)
}

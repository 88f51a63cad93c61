// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// caseTable is what a case knows, prepared for look-up while scanning. It is
// filled once, read by all texts of a request and used again.
type caseTable struct {
	known   []gateway.Entity
	ready   bool // the words are entered
	persons []knownPerson
	index   []int32 // open addressing: index + 1 into entries
	entries []knownEntry
	bloom   [64]uint64 // of the hashes of the entries
	phrases []knownPhrase
	hashes  []uint64 // of the words of the phrases
	numbers []knownCompact
	byFirst [256]int32 // index + 1 of the first number by its first byte
	dates   map[date]bool
	// particles that belong to surnames of the case; there are few of them
	particles []uint64

	split scan // cuts values into words
	parts []string
	forms [2][]byte
	long  []byte
}

type knownPerson struct{ first, last, birth string }

// knownEntry is what a word can begin or be.
type knownEntry struct {
	hash   uint64
	word   knownWord
	isWord bool
	phrase int32 // index + 1 of the first phrase that begins with this word
}

// knownWord is a token that is part of a name.
type knownWord struct {
	first, last, birth []int32 // persons
	suffix             int32   // bytes at the end that are inflection: Müller|s
}

// namePart says which part of a name a word is.
type namePart uint8

const (
	partFirst namePart = iota
	partLast
	partBirth
)

// knownPhrase is a sequence of tokens, for example a street with its number.
type knownPhrase struct {
	from, to int32 // in hashes
	next     int32 // index + 1 of the next phrase with the same first word
	kind     kindID
}

// knownCompact is a number without blanks and punctuation, folded.
type knownCompact struct {
	value string
	next  int32 // index + 1 of the next number with the same first byte
	kind  kindID
}

// noCase is the table of a request without known entities.
var noCase = &caseTable{}

// reset forgets a case, its memory as well.
func (t *caseTable) reset() {
	t.known, t.ready, t.persons = nil, false, nil // a Screening holds the persons
	clear(t.index)
	clear(t.entries)
	clear(t.numbers)
	clear(t.dates)
	clear(t.parts[:cap(t.parts)])
	clear(t.long[:cap(t.long)])
	for _, form := range t.forms {
		clear(form[:cap(form)])
	}
	t.bloom, t.byFirst, t.split.text = [64]uint64{}, [256]int32{}, ""
	t.entries, t.numbers, t.phrases, t.hashes, t.particles = t.entries[:0], t.numbers[:0], t.phrases[:0], t.hashes[:0], t.particles[:0]
}

// open takes the entities and reads the persons.
func (t *caseTable) open(known []gateway.Entity) {
	t.known = known
	for i := range known {
		if p := personOf(&known[i]); p != (knownPerson{}) {
			t.persons = append(t.persons, p)
		}
	}
}

// personOf is the person an entity stands for, empty for none.
func personOf(e *gateway.Entity) knownPerson {
	if e.Type != "person" {
		return knownPerson{}
	}
	p := knownPerson{strings.TrimSpace(e.First), strings.TrimSpace(e.Last), strings.TrimSpace(e.BirthName)}
	if p.first == "" && p.last == "" {
		p.first, p.last = splitName(e.Value)
	}
	return p
}

// prepare enters all words before the first scan. Empty values are skipped.
func (t *caseTable) prepare() {
	if t.ready || t == noCase {
		return
	}
	t.ready = true
	for i := range t.persons {
		t.addPerson(int32(i))
	}
	for i := range t.known {
		e := &t.known[i]
		switch e.Type {
		case "person":
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
}

func (t *caseTable) maybe(h uint64) bool { return t.bloom[h>>6&63]&(1<<(h&63)) != 0 }

// find returns what begins with a word, nil for nothing.
func (t *caseTable) find(h uint64) *knownEntry {
	if !t.maybe(h) {
		return nil
	}
	mask := uint64(len(t.index) - 1)
	for i := slotOf(h) & mask; t.index[i] != 0; i = (i + 1) & mask {
		if e := &t.entries[t.index[i]-1]; e.hash == h {
			return e
		}
	}
	return nil
}

// word returns the name a word is part of, nil for none.
func (t *caseTable) word(h uint64) *knownWord {
	if e := t.find(h); e != nil && e.isWord {
		return &e.word
	}
	return nil
}

// particle says that a word is a particle of a surname of the case.
func (t *caseTable) particle(h uint64) bool { return slices.Contains(t.particles, h) }

// entry returns the entry of a word, made when missing. It is valid until the
// next one is made.
func (t *caseTable) entry(h uint64) *knownEntry {
	if e := t.find(h); e != nil {
		return e
	}
	if 2*(len(t.entries)+1) > len(t.index) {
		t.grow()
	}
	t.entries = append(t.entries, knownEntry{hash: h})
	t.bloom[h>>6&63] |= 1 << (h & 63)
	t.place(h, int32(len(t.entries)))
	return &t.entries[len(t.entries)-1]
}

func (t *caseTable) grow() {
	t.index = make([]int32, max(64, 2*len(t.index)))
	for i := range t.entries {
		t.place(t.entries[i].hash, int32(i)+1)
	}
}

func (t *caseTable) place(h uint64, n int32) {
	mask := uint64(len(t.index) - 1)
	i := slotOf(h) & mask
	for t.index[i] != 0 {
		i = (i + 1) & mask
	}
	t.index[i] = n
}

func (t *caseTable) addPerson(id int32) {
	p := &t.persons[id]
	ids := []int32{id}
	for _, w := range t.words(p.last) {
		if isParticle(w) {
			t.particles = appendOnce(t.particles, hashFolded(fold(w)))
		}
	}
	t.addName(p.first, partFirst, ids)
	t.addName(p.last, partLast, ids)
	t.addName(p.birth, partBirth, ids)
}

func appendOnce[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
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
	var buf [64]byte
	switch string(appendFold(buf[:0], w)) {
	case "von", "van", "vom", "zu", "zur", "zum", "de", "der", "den", "del", "della", "di", "da", "do", "dos", "du", "la", "le",
		"el", "al", "ten", "ter", "te", "ben", "bin", "ibn", "abu", "und":
		return true
	}
	return false
}

// suffixes are the inflections of a name.
var suffixes = [...]string{"s", "es", "sche", "schen", "scher", "sches", "schem"}

// addName adds every part of a name with its spellings and inflections;
// particles and initials are not looked for on their own.
func (t *caseTable) addName(name string, part namePart, ids []int32) {
	for _, w := range t.words(name) {
		if isParticle(w) || len(w) < 2 {
			continue
		}
		for _, form := range t.spell(w) {
			t.addWord(hashFolded(form), 0, part, ids)
			if len(w) < 3 {
				continue
			}
			for _, suffix := range suffixes {
				t.long = append(append(t.long[:0], form...), suffix...)
				t.addWord(hashFolded(t.long), int32(len(suffix)), part, ids)
			}
		}
	}
}

// addWord enters a folded form. An exact name wins over an inflected one that
// looks the same (Peter|s and Peters).
func (t *caseTable) addWord(h uint64, suffix int32, part namePart, ids []int32) {
	e := t.entry(h)
	w := &e.word
	if !e.isWord {
		e.isWord, w.suffix = true, suffix
	}
	if suffix == 0 && w.suffix != 0 {
		*w = knownWord{}
	}
	if suffix == w.suffix {
		w.mark(part, ids)
	}
}

// mark adds a person; the first list is shared by all words of the person.
func (w *knownWord) mark(part namePart, ids []int32) {
	list := &w.first
	switch part {
	case partFirst:
	case partLast:
		list = &w.last
	case partBirth:
		list = &w.birth
	}
	if *list == nil {
		*list = ids[:1:1]
		return
	}
	*list = appendOnce(*list, ids[0])
}

// noWords and noStems hold nothing, for values that are only cut up.
var (
	noWords = &lexicon{slots: make([]lexSlot, 1)}
	noStems = &stemTable{}
)

// cut cuts up a value.
func (s *scan) cut(value string) []token {
	s.lex, s.stems, s.table = noWords, noStems, noCase
	s.reset(value)
	s.tokenise()
	return s.toks
}

// words are the runs of letters and digits of a value, until the next call.
func (t *caseTable) words(value string) []string {
	t.parts = t.split.words(value, t.parts[:0])
	return t.parts
}

// words are the runs of letters and digits of a value.
func words(value string) []string {
	s := scan{}
	return s.words(value, nil)
}

func (s *scan) words(value string, out []string) []string {
	for i := range s.cut(value) {
		out = append(out, s.str(i))
	}
	return out
}

// spell returns the folded forms of a word as spellings does, until the next
// call.
func (t *caseTable) spell(word string) [][]byte {
	t.forms[0] = appendFold(t.forms[0][:0], word)
	t.forms[1] = appendLong(t.forms[1][:0], word)
	if bytes.Equal(t.forms[0], t.forms[1]) {
		t.forms[1] = appendShort(t.forms[1][:0], t.forms[0])
	}
	if bytes.Equal(t.forms[0], t.forms[1]) {
		return t.forms[:1]
	}
	return t.forms[:]
}

// addAddress takes a postal address apart: each part that names a street or a
// town with its postcode is looked for on its own.
func (t *caseTable) addAddress(value string) {
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == '\n' || r == ';' }) {
		ws := t.words(part)
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

// addWords adds a phrase in the spellings of its words.
func (t *caseTable) addWords(ws []string, k kindID) {
	if len(ws) == 0 {
		return
	}
	for _, long := range [...]bool{false, true} {
		from, differs := len(t.hashes), false
		for _, w := range ws {
			forms := t.spell(w)
			form := forms[0]
			if long && len(forms) > 1 {
				form, differs = forms[1], true
			}
			t.hashes = append(t.hashes, hashFolded(form))
		}
		if long && !differs {
			t.hashes = t.hashes[:from]
			return
		}
		e := t.entry(t.hashes[from])
		t.phrases = append(t.phrases, knownPhrase{int32(from), int32(len(t.hashes)), e.phrase, k})
		e.phrase = int32(len(t.phrases))
	}
}

func (t *caseTable) addPhrase(value string, k kindID) { t.addWords(t.words(value), k) }

// addNumber looks for a number in any grouping.
func (t *caseTable) addNumber(value string, k kindID) {
	c := compact(value)
	if len(c) < 4 {
		t.addPhrase(value, k)
		return
	}
	t.note(c, k)
}

func (t *caseTable) note(number string, k kindID) {
	t.numbers = append(t.numbers, knownCompact{number, t.byFirst[number[0]], k})
	t.byFirst[number[0]] = int32(len(t.numbers))
}

// addPhone adds the national and international forms.
func (t *caseTable) addPhone(value string) {
	c := nationalPhone(value)
	if len(c) < 5 {
		return
	}
	for _, form := range []string{"0" + c, "49" + c, "0049" + c, "490" + c, "00490" + c} {
		t.note(form, kPhone)
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
	s := &t.split
	for i := range s.cut(value) {
		d, _, ok := s.dateAt(i)
		if !ok {
			continue
		}
		if t.dates == nil {
			t.dates = map[date]bool{}
		}
		t.dates[d] = true
		return
	}
}

// compact keeps letters and digits, folded.
func compact(value string) string {
	var buf [64]byte
	return string(appendCompact(buf[:0], value))
}

func appendCompact(b []byte, value string) []byte {
	from := len(b)
	for i := range len(value) {
		switch c := value[i]; {
		case c >= utf8.RuneSelf || c == '\\':
			b = b[:from]
			for _, w := range words(value) {
				b = appendFold(b, w)
			}
			return b
		case classOf[c]&clWord != 0:
			b = append(b, lower(c))
		}
	}
	return b
}

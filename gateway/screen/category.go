// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"cmp"
	"slices"
	"strings"
)

// Special categories of personal data (Art. 9 Abs. 1 DSGVO) as they appear in
// the summary.
var categories = [...]string{
	"health", "religion", "ethnic_origin", "political_opinion", "trade_union", "sexual_life", "genetic", "biometric",
}

// hint is a word that hints at a category.
type hint struct {
	token    int32
	category uint8
}

// stemList are folded beginnings of words per category. A stem counts only in a
// sentence that speaks of a person, because legal prose is full of them.
var stemList = [len(categories)]string{
	`krankheit erkrank krebs tumor diagnos diabet depress psych suizid schizo epilep demenz alzheimer hiv aids hepatit covid corona
	behinder schwerbehind pflegegrad pflegebedurf pflegestufe merkzeichen gdb rollstuhl blind gehorlos gehbehind sehbehind schwanger
	suchterkrank suchtkrank drogenabhang alkoholabhang alkoholkrank therapie reha operation herzinfarkt schlaganfall arztlich attest arbeitsunfahig
	krankgeschrieben krankenhaus medikament allerg asthma multiplesklerose parkinson chemotherap dialyse entgiftung berufsunfahig
	erwerbsminder icd substitution magersucht bulimi burnout traumatis gesundheitszustand leidet`,
	`katholi evangeli protestant muslim islam judisch jude judin juden konfession kirchenmitglied kirchensteuer buddhis hinduis
	religionszugehor glaubens orthodox zeugejehova kopftuch aleviti alevit jesid yezid`,
	`ethni rassisch hautfarbe sinti roma volksgruppe abstamm herkunftsland kurdisch kurde kurdin tschetschen rohingya`,
	`parteimitglied parteibuch politischeuberzeug cdumitglied spdmitglied afdmitglied gesinnung`,
	`gewerkschaftsmitglied gewerkschaftszugehor gewerkschafter verdimitglied igmetallmitglied gewerkschaftlich`,
	`homosex heterosex bisex lesbisch schwul transsex transgender intersex sexualleben sexuelleorient sexualstraf zwangsprostit prostituier`,
	`gentest genanalyse erbkrankheit erbgut gendefekt genetisch dnaanalys chromosom`,
	`fingerabdruck irisscan gesichtserkenn biometri`,
}

// stemTable finds stems by the first three letters of a word.
type stemTable struct {
	heads [1 << 15 / 64]uint64 // bit set of the heads that occur
	index [1 << 15]uint16      // index into lists, the first of which is empty
	lists [][]stem
	next  []uint32 // per list, the letters that may follow the head
}

// anyLetter stands for a stem that is its head.
const anyLetter = ^uint32(0)

type stem struct {
	text     string
	category uint8
}

func newStemTable() *stemTable {
	t := &stemTable{lists: make([][]stem, 1), next: make([]uint32, 1)}
	for c, list := range stemList {
		for w := range strings.FieldsSeq(list) {
			h := stemHead(w[0], w[1], w[2])
			if t.index[h] == 0 {
				t.heads[h>>6] |= 1 << (h & 63)
				t.index[h] = uint16(len(t.lists))
				t.lists, t.next = append(t.lists, nil), append(t.next, 0)
			}
			if len(w) == 3 {
				t.next[t.index[h]] = anyLetter
			} else {
				t.next[t.index[h]] |= 1 << (w[3] & 31)
			}
			t.lists[t.index[h]] = append(t.lists[t.index[h]], stem{w, uint8(c)})
		}
	}
	return t
}

// stemHead numbers the first three letters of a word.
func stemHead(a, b, c byte) uint16 { return uint16(a&31)<<10 | uint16(b&31)<<5 | uint16(c&31) }

// maybe says that a stem begins with these letters.
func (t *stemTable) maybe(head uint16) bool { return t.heads[head>>6]&(1<<(head&63)) != 0 }

// lookup returns the category a word with this head hints at.
func (t *stemTable) lookup(w string, head uint16, class class) (uint8, bool) {
	if next := t.next[t.index[head]]; next != anyLetter && class&clHigh == 0 && (len(w) == 3 || next&(1<<(w[3]&31)) == 0) {
		return 0, false
	}
	var buf [64]byte
	b := appendFold(buf[:0], w)
	if len(b) < 3 {
		return 0, false
	}
	for _, s := range t.lists[t.index[stemHead(b[0], b[1], b[2])]] {
		if len(b) >= len(s.text) && string(b[:len(s.text)]) == s.text && !innocent(b) {
			return s.category, true
		}
	}
	return 0, false
}

// innocent are words that begin like a hint and are none.
func innocent(f []byte) bool {
	for _, w := range [...]string{"krankenkasse", "krankenversicher", "romane", "roman", "operationell", "blindenschrift", "therapiezentrum", "psychologiestud"} {
		if len(f) >= len(w) && string(f[:len(w)]) == w {
			return true
		}
	}
	return false
}

// hint notes word i when it hints at a category.
func (s *scan) hint(i int) {
	t := &s.toks[i]
	if !s.stems.maybe(t.head) || t.roles&rFunction != 0 {
		return
	}
	if c, ok := s.stems.lookup(s.str(i), t.head, t.class); ok {
		s.hints = append(s.hints, hint{int32(i), c})
	}
}

// categories returns the set of categories hinted at in a sentence with a
// person: one that was found, "ich", or "er" and "sie" after a sentence with a
// person. With a known case, "die Antragstellerin" is a person as well.
func (s *scan) categories(found []candidate) (set uint16) {
	for _, h := range s.hints {
		if set&(1<<h.category) == 0 && s.aboutPerson(int(h.token), found) {
			set |= 1 << h.category
		}
	}
	return set
}

// maxSentence bounds a sentence in tokens to each side.
const maxSentence = 60

func (s *scan) aboutPerson(i int, found []candidate) bool {
	from, to := s.sentence(i)
	third := false
	for k := from; k <= to; k++ {
		r := s.toks[k].roles
		if r&rSelf != 0 || r&rPersonNoun != 0 && len(s.table.persons) > 0 {
			return true
		}
		third = third || r&rThird != 0
	}
	if s.personBetween(from, to, found) {
		return true
	}
	if !third || from == 0 {
		return false
	}
	before, _ := s.sentence(from - 1)
	return s.personBetween(before, from-1, found)
}

func (s *scan) personBetween(from, to int, found []candidate) bool {
	start, end := s.toks[from].start, s.toks[to].end
	i, _ := slices.BinarySearchFunc(found, start, func(c candidate, pos int32) int { return cmp.Compare(c.start, pos) })
	for ; i < len(found) && found[i].end <= end; i++ {
		if found[i].kind == kPerson {
			return true
		}
	}
	return false
}

// sentence returns the first and last token of the sentence of token i.
func (s *scan) sentence(i int) (from, to int) {
	from, to = i, i
	for from > 0 && i-from < maxSentence && !s.sentenceEnds(from-1) {
		from--
	}
	for to+1 < len(s.toks) && to-i < maxSentence && !s.sentenceEnds(to) {
		to++
	}
	return from, to
}

// sentenceEnds says that a sentence ends after token i.
func (s *scan) sentenceEnds(i int) bool {
	gap := s.gap(i)
	if strings.Contains(gap, "\n\n") || strings.ContainsAny(gap, "!?") {
		return true
	}
	if !strings.Contains(gap, ". ") && !strings.Contains(gap, ".\n") && !strings.Contains(gap, ".“") && !strings.Contains(gap, ".\"") {
		return false
	}
	t := &s.toks[i]
	short := t.len() <= 3 && t.roles&rFunction == 0
	return !short && t.letters() && t.roles&(rTitle|rSalutation) == 0 && s.toks[i+1].capital
}

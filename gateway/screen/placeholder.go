// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// placeholder stands for one value in all texts of a request.
//
// The tag is the kind and a number, [IBAN_1]. A date of birth keeps its year,
// [DATE_OF_BIRTH_1_1988], because age decides cases and a model must be able to
// reckon with it; day and month do not leave the house. A person has one tag in
// all forms of the name. What comes back depends on what stands before the tag:
// the surname after "Sehr geehrte Frau", after "Herr" or "Frau" the form that
// stood after a title in the texts, elsewhere the most complete form in them.
type placeholder struct {
	tag    string // without brackets
	value  string
	last   string // surname of a person
	titled string // form of a person's name after a title
	person bool
}

// Pseudonymise returns the texts with every finding replaced and how to undo it.
func (s *Screening) Pseudonymise() ([]string, gateway.Restorer) {
	assigned, list := s.assign()
	out := make([]string, len(s.texts))
	var b []byte
	next := 0
	for i, text := range s.texts {
		pos := 0
		b = b[:0]
		for ; next < len(s.found) && s.found[next].text == i; next++ {
			f := &s.found[next]
			b = append(append(b, text[pos:f.start]...), '[')
			b = append(append(b, list[assigned[next]].tag...), ']')
			pos = int(f.end)
		}
		if pos == 0 {
			out[i] = text
			continue
		}
		b = append(b, text[pos:]...)
		out[i] = string(b)
	}
	return out, newRestorer(list)
}

// assign gives every finding a placeholder, numbered per kind in the order of
// first appearance.
func (s *Screening) assign() ([]int32, []placeholder) {
	keys := s.newKeys()
	taken := takenTags(s.texts)
	byKey := map[string]int32{}
	assigned := make([]int32, len(s.found))
	var heads, tails []int32            // first and last finding of a placeholder
	next := make([]int32, len(s.found)) // the next one of the same, 0 for none
	for i := range s.found {
		key := keys.of(&s.found[i])
		n, ok := byKey[string(key)]
		if !ok {
			n = int32(len(heads))
			byKey[string(key)] = n
			heads, tails = append(heads, int32(i)), append(tails, int32(i))
		} else {
			next[tails[n]], tails[n] = int32(i), int32(i)
		}
		assigned[i] = n
	}
	list := make([]placeholder, len(heads))
	var counts [len(kindNames)]int
	var all []*found
	for n, head := range heads {
		all = append(all[:0], &s.found[head])
		for i := next[head]; i > 0; i = next[i] {
			all = append(all, &s.found[i])
		}
		list[n] = s.describe(all)
		kind := all[0].kind
		for {
			counts[kind]++
			list[n].tag = kindLabels[kind] + "_" + strconv.Itoa(counts[kind])
			if !taken[list[n].tag] {
				break
			}
		}
		if kind == kBirth {
			list[n].tag += "_" + birthYear(keys.birthOf(list[n].value))
		}
	}
	return assigned, list
}

func (s *Screening) describe(all []*found) placeholder {
	if all[0].kind == kPerson {
		n := s.personName(all)
		return placeholder{value: n.full, last: n.last, titled: n.titled, person: true}
	}
	return placeholder{value: s.surface(all[0])}
}

// takenTags collects what looks like a tag in the original texts; such a number
// is not given out. Brackets, case and the separator do not matter.
func takenTags(texts []string) map[string]bool {
	var taken map[string]bool
	for _, text := range texts {
		for i := 3; i < len(text); i++ {
			if classOf[text[i]] != clDigit {
				continue
			}
			if c := text[i-1]; c != ' ' && c != '_' && c != '-' {
				continue
			}
			var buf [40]byte
			label := labelBefore(buf[:0], text[:i-1])
			if !isLabel(label) {
				continue
			}
			end := i
			for end < len(text) && end-i < 9 && isDigit(text[end]) {
				end++
			}
			if taken == nil {
				taken = map[string]bool{}
			}
			taken[string(label)+"_"+strings.TrimLeft(text[i:end], "0")] = true
		}
	}
	return taken
}

// labelBefore appends the letters and underscores at the end of a text, in
// capitals; backslashes between them are left out.
func labelBefore(b []byte, text string) []byte {
	start := len(text)
	for start > 0 && len(text)-start < 31 && (classOf[text[start-1]]&(clLower|clUpper) != 0 || text[start-1] == '_' || text[start-1] == '\\') {
		start--
	}
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
		case c >= 'a':
			b = append(b, c&^0x20)
		default:
			b = append(b, c)
		}
	}
	return b
}

// kindLabels are the kinds in capitals, as they stand in tags.
var kindLabels = func() (t [len(kindNames)]string) {
	for k, name := range kindNames {
		t[k] = strings.ToUpper(string(name))
	}
	return t
}()

func isLabel(label []byte) bool {
	return len(label) > 0 && slices.Contains(kindLabels[1:], string(label))
}

// birthYear writes the year with its century; two digits above 29 belong to the
// last one.
func birthYear(d date) string {
	switch {
	case d.year >= 100:
		return strconv.Itoa(d.year)
	case d.year > 29:
		return strconv.Itoa(1900 + d.year)
	}
	return strconv.Itoa(2000 + d.year)
}

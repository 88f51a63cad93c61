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
	next := 0
	for i, text := range s.texts {
		var b strings.Builder
		pos := 0
		for ; next < len(s.found) && s.found[next].text == i; next++ {
			f := s.found[next]
			b.WriteString(text[pos:f.start])
			b.WriteString("[" + list[assigned[next]].tag + "]")
			pos = int(f.end)
		}
		if pos == 0 {
			out[i] = text
			continue
		}
		b.WriteString(text[pos:])
		out[i] = b.String()
	}
	return out, newRestorer(list)
}

// assign gives every finding a placeholder, numbered per kind in the order of
// first appearance.
func (s *Screening) assign() ([]int, []placeholder) {
	groups := s.surnameGroups()
	taken := takenTags(s.texts)
	byKey := map[string]int{}
	var members [][]found
	assigned := make([]int, len(s.found))
	for i, f := range s.found {
		key := string(rune('A'+f.kind)) + s.key(f, groups)
		n, ok := byKey[key]
		if !ok {
			n = len(members)
			byKey[key] = n
			members = append(members, nil)
		}
		assigned[i] = n
		members[n] = append(members[n], f)
	}
	list := make([]placeholder, len(members))
	counts := map[kindID]int{}
	for n, all := range members {
		list[n] = s.describe(all)
		kind := all[0].kind
		label := strings.ToUpper(string(kindNames[kind]))
		for {
			counts[kind]++
			list[n].tag = label + "_" + strconv.Itoa(counts[kind])
			if !taken[list[n].tag] {
				break
			}
		}
		if kind == kBirth {
			list[n].tag += "_" + birthYear(birthOf(list[n].value))
		}
	}
	return assigned, list
}

func (s *Screening) describe(all []found) placeholder {
	if all[0].kind == kPerson {
		n := s.personName(all)
		return placeholder{value: n.full, last: n.last, titled: n.titled, person: true}
	}
	return placeholder{value: s.surface(all[0])}
}

// takenTags collects what looks like a tag in the original texts; such a number
// is not given out. Brackets, case and the separator do not matter.
func takenTags(texts []string) map[string]bool {
	taken := map[string]bool{}
	for _, text := range texts {
		for i := 1; i < len(text); i++ {
			if !isDigit(text[i]) || strings.IndexByte("_ -", text[i-1]) < 0 || i < 3 {
				continue
			}
			end := i
			for end < len(text) && end-i < 9 && isDigit(text[end]) {
				end++
			}
			start := i - 1
			for start > 0 && i-start < 32 && (classOf[text[start-1]]&(clLower|clUpper) != 0 || text[start-1] == '_' || text[start-1] == '\\') {
				start--
			}
			label := strings.ToUpper(strings.ReplaceAll(text[start:i-1], "\\", ""))
			if len(label) < 2 || !isLabel(label) {
				continue
			}
			taken[label+"_"+strings.TrimLeft(text[i:end], "0")] = true
		}
	}
	return taken
}

func isLabel(label string) bool {
	return slices.Contains(kindNames[1:], gateway.FindingKind(strings.ToLower(label)))
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

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"maps"
	"slices"
	"strings"
)

// people are the persons of a case: those of the list, and the applicant.
type people struct {
	persons []person
}

// person is somebody documents may be about.
type person struct {
	key   string // "" for the applicant of a service without a list
	name  string // first name first
	words []string
	birth string
}

func peopleOf(p Persons, tree map[string]any) people {
	var out people
	listed := false
	for _, item := range list(at(tree, p.List)) {
		o, _ := item.(map[string]any)
		key, _ := o[keyOf].(string)
		name, _ := o["name"].(string)
		birth, _ := o["geburtsdatum"].(string)
		out.persons = append(out.persons, person{key: key, name: spoken(name), words: nameWords(name), birth: birth})
		listed = true
	}
	text := func(path string) string {
		s, _ := at(tree, path).(string)
		return s
	}
	name := text(p.Full)
	if p.Full == "" {
		name = strings.TrimSuffix(text(p.Last)+", "+text(p.First), ", ")
	}
	// With a list the applicant is in it; a missing entry is a finding of a rule.
	if !listed && strings.Trim(name, ", ") != "" {
		out.persons = append(out.persons, person{name: spoken(name), words: nameWords(name), birth: text(p.Birth)})
	}
	return out
}

// spoken turns "Mustermann, Mia" into "Mia Mustermann".
func spoken(name string) string {
	last, first, ok := strings.Cut(name, ",")
	if !ok || strings.Contains(first, ",") {
		return strings.TrimSpace(name)
	}
	return strings.TrimSpace(strings.TrimSpace(first) + " " + strings.TrimSpace(last))
}

// display is the name of the person with the key.
func (p people) display(key string) string {
	if key == "" {
		return ""
	}
	for _, x := range p.persons {
		if x.key == key && x.name != "" {
			return x.name
		}
	}
	return key
}

// order returns the keys in the order of the list.
func (p people) order(keys map[string]bool) []string {
	var out []string
	for _, x := range p.persons {
		if keys[x.key] && !slices.Contains(out, x.key) {
			out = append(out, x.key)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// find returns the person a name printed on a document means. Every word of the
// shorter name has to be in the longer one, so that second given names and
// titles do not matter.
func (p people) find(printed, birth string) (person, bool) {
	words := nameWords(printed)
	for _, x := range p.persons {
		if birth != "" && x.birth != "" && birth != x.birth {
			continue
		}
		if within(words, x.words) || within(x.words, words) {
			return x, true
		}
	}
	return person{}, false
}

func within(a, b []string) bool {
	if len(a) == 0 || len(a) == 1 && len(b) > 1 {
		return false // a single word is not a name
	}
	for _, w := range a {
		if !slices.Contains(b, w) {
			return false
		}
	}
	return true
}

// nameWords are the words of a name without titles and salutations.
func nameWords(name string) []string {
	var out []string
	for w := range strings.FieldsSeq(fold(name)) {
		w = strings.Trim(w, ".,;:()„“\"")
		switch w {
		case "", "herr", "herrn", "frau", "dr", "prof", "dipl-ing", "dipl", "ing", "geb":
			continue
		}
		out = append(out, w)
	}
	return out
}

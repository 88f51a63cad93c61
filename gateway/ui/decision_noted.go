// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Values that name nobody because of how they are formed.
var (
	formEntry     = regexp.MustCompile(`^e-0[0-9A-HJKMNP-TV-Z]{0,25}$`)
	formRule      = regexp.MustCompile(`^[A-Z]{2,4}-[0-9]{1,4}$`)
	formRevision  = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}(\.[0-9]{1,4})?$`)
	formPseudonym = regexp.MustCompile(`^p1_[0-9A-Za-z_-]{43}$`)
)

// freeText stands for what a person typed.
const freeText = "(freie Eingabe, %d Zeichen)"

// noted is a filter as a note keeps it. A note lasts for ever, and people type
// names into fields: what is neither a known value nor formed like an id is kept
// as its length only.
func (u *UI) noted(f listFilter, p identity.Person) json.RawMessage {
	known := u.filterChoices(listFilter{}, p, "de")
	flat := map[string]string{}
	for _, field := range f.fields() {
		value := *field.value
		if value == "" {
			continue
		}
		if !u.namesNobody(field.name, value, known[field.name]) {
			value = fmt.Sprintf(freeText, utf8.RuneCountInString(value))
		}
		flat[field.name] = value
	}
	raw, err := json.Marshal(flat)
	if err != nil {
		return nil
	}
	return raw
}

// namesNobody says whether a value of a field is one that cannot be a person's name.
func (u *UI) namesNobody(field, value string, known []pick) bool {
	switch field {
	case "zeitraum", "von", "bis":
		return true // read as times before
	case "q":
		return formEntry.MatchString(value) || formRule.MatchString(value) ||
			len(u.rulesWith(value, func(r Rule) []string { return []string{r.ID, r.Title, r.Basis} })) > 1
	case "grundlage":
		return len(u.rulesWith(value, func(r Rule) []string { return []string{r.Basis} })) > 1
	case "regel":
		return formRule.MatchString(value)
	case "stand":
		return formRevision.MatchString(value)
	case "vorgang":
		return formPseudonym.MatchString(value)
	}
	return slices.ContainsFunc(known, func(k pick) bool { return k.Value == value })
}

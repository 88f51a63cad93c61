// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway/norms"
)

// leftovers: G9, placeholders and text of another procedural law.
func (e *examiner) leftovers(pl place, cites []norms.Citation) {
	for _, mark := range []string{placeholderStart, placeholderEnd, "{{", "}}", "<<", ">>", "TT.MM.", "Lorem ipsum", "___"} {
		if i := strings.Index(pl.text, mark); i >= 0 {
			reason := "Hier steht noch ein Platzhalter."
			if name, _, ok := strings.Cut(pl.text[i+len(mark):], placeholderEnd); ok && mark == placeholderStart {
				reason = "Hier fehlt eine Angabe: " + name + "."
			}
			e.add(checkLeftover, LevelRed, pl, i, i+len(mark), reason)
			break
		}
	}
	for _, word := range []string{"XXX", "TODO", "N.N."} {
		if containsWhole(pl.text, word) {
			e.add(checkLeftover, LevelRed, pl, 0, len(pl.text), "Hier steht noch ein Platzhalter: "+word+".")
		}
	}
	for _, c := range cites {
		if slices.Contains(foreignLaws(e.draft.Regime), c.Law) {
			e.add(checkLeftover, LevelRed, pl, c.Start, c.End, "Dieses Gesetz gilt in diesem Verfahren nicht: "+c.Law+".")
		}
	}
	for _, term := range foreignTerms(e.draft.Regime) {
		if i := strings.Index(pl.text, term); i >= 0 {
			e.add(checkLeftover, LevelRed, pl, i, i+len(term), "Dieser Begriff gehört in ein anderes Verfahrensrecht: „"+term+"“.")
		}
	}
}

// foreignLaws are procedural laws that do not apply in a regime.
func foreignLaws(r Regime) []string {
	switch r {
	case RegimeSGB:
		return []string{"VwVfG", "LVwVfG", "AO", "GewO"}
	case RegimeAO:
		return []string{"VwVfG", "LVwVfG", "SGB I", "SGB X"}
	default: // the general law of procedure
		return []string{"SGB I", "SGB X", "AO", "SGG"}
	}
}

// foreignTerms are terms of art that would be wrong law in a regime.
func foreignTerms(r Regime) []string {
	switch r {
	case RegimeSGB:
		return []string{"Steuergeheimnis", "Schätzung der Besteuerungsgrundlagen"}
	case RegimeAO:
		return []string{"Leistungsträger", "Sozialleistung", "versagen"}
	default: // the general law of procedure
		return []string{"Leistungsträger", "Sozialleistung", "Nachholung der Mitwirkung", "Mitwirkungspflicht", "versagen", "Steuergeheimnis"}
	}
}

// remedy: G8, a request for documents is no administrative act and carries no
// Rechtsbehelfsbelehrung.
func (e *examiner) remedy(pl place) {
	lower := strings.ToLower(pl.text)
	for _, word := range []string{"rechtsbehelf", "rechtsmittelbelehrung", "einspruch"} {
		if i := strings.Index(lower, word); i >= 0 {
			e.noRemedy(pl, lower, i, len(word))
			return
		}
	}
	for _, noun := range []string{"widerspruch", "klage"} {
		i := strings.Index(lower, noun)
		if i < 0 {
			continue
		}
		for _, verb := range []string{"erheben", "erhoben", "einlegen", "eingelegt", "einzulegen", "einzureichen"} {
			if strings.Contains(lower[i:], verb) {
				e.noRemedy(pl, lower, i, len(noun))
				return
			}
		}
	}
}

// noRemedy marks the word, or the whole text where lower case has other lengths.
func (e *examiner) noRemedy(pl place, lower string, i, n int) {
	if len(lower) != len(pl.text) {
		i, n = 0, len(pl.text)
	}
	e.add(checkMandatory, LevelRed, pl, i, i+n, "Dieses Schreiben ist kein Verwaltungsakt; es darf keine Rechtsbehelfsbelehrung enthalten.")
}

func letterBefore(text string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(text[:i])
	return i > 0 && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func letterAfter(text string, i int) bool {
	r, _ := utf8.DecodeRuneInString(text[i:])
	return i < len(text) && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

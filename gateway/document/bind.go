// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const bound = "\u00a0"

// bindSpaces replaces the blanks a German reader does not want to see at the end
// of a line by non-breaking ones: "§ 66", "Abs. 3", "21 Tage", "z. B.",
// "1. März", "SGB I", and the one before a dash.
func bindSpaces(s string) string {
	if !strings.Contains(s, " ") {
		return s
	}
	words := strings.Split(s, " ")
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i, w := range words {
		if i > 0 {
			b.WriteString(blankBetween(words[i-1], w))
		}
		b.WriteString(w)
	}
	return b.String()
}

func blankBetween(left, right string) string {
	left = strings.TrimLeft(left[strings.LastIndexByte(left, '\n')+1:], "([„‚»«-")
	right, _, _ = strings.Cut(right, "\n")
	abbreviated := initial(left) && strings.HasSuffix(strings.TrimRight(right, ",;:)"), ".")
	right = strings.TrimRight(right, ".,;:!?)]“‘»«")
	switch {
	case left == "" || right == "":
	case right == "–" || right == "—",
		left == "§" || left == "§§" || left == "Art." || left == "SGB",
		countable(left) && startsWithDigit(right),
		title(left),
		startsWithDigit(left) && (unit(right) || right == "Abs" || statute(right)),
		ordinal(left) && month(right),
		abbreviated && utf8.RuneCountInString(right) <= 2:
		return bound
	}
	return " "
}

func countable(w string) bool {
	switch w {
	case "Abs.", "Absatz", "Nr.", "Nrn.", "Nummer", "Satz", "S.", "Halbs.", "Buchst.", "Ziff.", "Anl.",
		"Anlage", "Artikel", "Az.", "Tel.", "Telefon", "Seite", "Zimmer", "Kap.", "Rn.", "Bd.", "Stand":
		return true
	}
	return false
}

func title(w string) bool {
	switch w {
	case "Dr.", "Prof.", "Herr", "Herrn", "Frau":
		return true
	}
	return false
}

func unit(w string) bool {
	switch w {
	case "Tag", "Tage", "Tagen", "Woche", "Wochen", "Monat", "Monate", "Monaten", "Jahr", "Jahre", "Jahren",
		"Stunde", "Stunden", "Minuten", "Uhr", "Euro", "EUR", "€", "Cent", "%", "Prozent", "m²", "qm", "km", "m",
		"cm", "mm", "kg", "g", "Personen", "Seiten", "Blatt", "MB", "GB":
		return true
	}
	return false
}

func month(w string) bool {
	switch w {
	case "Januar", "Jänner", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
		"Oktober", "November", "Dezember":
		return true
	}
	return false
}

func startsWithDigit(w string) bool { return w != "" && w[0] >= '0' && w[0] <= '9' }

func ordinal(w string) bool { return startsWithDigit(w) && len(w) <= 3 && strings.HasSuffix(w, ".") }

// initial is one letter with a full stop, as in "z. B.".
func initial(w string) bool {
	r, n := utf8.DecodeRuneInString(w)
	return unicode.IsLetter(r) && w[n:] == "."
}

// statute is an abbreviation such as WoGG or DSGVO: letters, two of them capitals.
func statute(w string) bool {
	capitals := 0
	for _, r := range w {
		if !unicode.IsLetter(r) {
			return false
		}
		if unicode.IsUpper(r) {
			capitals++
		}
	}
	first, _ := utf8.DecodeRuneInString(w)
	return capitals >= 2 && unicode.IsUpper(first)
}

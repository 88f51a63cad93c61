// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"regexp"
	"strconv"
	"strings"
)

// citationPattern finds "§ 17 Abs. 2 BMG", "Art. 6 DSGVO" and "BMG § 17".
var citationPattern = regexp.MustCompile(
	`(?:([A-ZÄÖÜ][A-Za-zÄÖÜäöüß]*[A-ZÄÖÜ]|SGB\s+[IVX\d]+|AO|GG)\s+)?` +
		`(?:§§?|Art\.?|Artikel)\s*(\d+[a-z]?)\b` +
		`(?:\s*(?:Abs\.?|Absatz)\s*(\d+[a-z]?))?` +
		`(?:\s*(?:S\.|Satz)\s*\d+)?(?:\s*(?:Nr\.?|Nummer)\s*\d+[a-z]?)?(?:\s*(?:lit\.|Buchst\.?|Buchstabe)\s*[a-z])?` +
		`(?:\s+(SGB\s+[IVX\d]+|[A-ZÄÖÜ][A-Za-zÄÖÜäöüß]*[A-ZÄÖÜ](?:\s+\d+)?|[A-ZÄÖÜ][A-Za-zÄÖÜäöüß-]*(?:gesetz|verordnung|ordnung)(?:es|s|buch)?))?`)

// named is a section that a question names.
type named struct {
	norm      string
	paragraph string
}

const maxNamed = 8

// namedSections finds the sections a question names together with the statute.
func namedSections(text string) []named {
	var out []named
	for _, m := range citationPattern.FindAllStringSubmatch(text, maxNamed) {
		law := m[4]
		if law == "" {
			law = m[1]
		}
		if law == "" {
			continue
		}
		out = append(out, named{normKey(law, m[2]), m[3]})
	}
	return out
}

// normKey is the key of a section: statute and number, without blanks.
func normKey(statute, number string) string {
	statute = statuteKey(statute)
	number = strings.ToLower(strings.Join(strings.Fields(number), ""))
	for _, prefix := range []string{"§§", "§", "art.", "artikel", "art"} {
		if rest, ok := strings.CutPrefix(number, prefix); ok {
			number = rest
			break
		}
	}
	if statute == "" || number == "" {
		return ""
	}
	return statute + "§" + number
}

// statuteKey makes one key of the ways an abbreviation is written: "SGB X",
// "SGB 10"; "AO 1977", "AO". The year of a new edition is not part of what
// people write.
func statuteKey(statute string) string {
	fields := strings.Fields(strings.ToLower(statute))
	if len(fields) == 0 {
		return ""
	}
	var key strings.Builder
	key.WriteString(fields[0])
	for _, f := range fields[1:] {
		if n := roman(f); n > 0 {
			f = strconv.Itoa(n)
		}
		if n, err := strconv.Atoi(f); err == nil && n >= 1900 {
			continue
		}
		key.WriteString(f)
	}
	return key.String()
}

// roman reads the numbers of the books of the Sozialgesetzbuch.
func roman(s string) int {
	numbers := []string{"i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv"}
	for i, n := range numbers {
		if s == n {
			return i + 1
		}
	}
	return 0
}

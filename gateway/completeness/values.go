// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// value is what was read, and where: the line that was printed.
type value struct {
	text  string
	quote string
	page  int
}

// fieldsOf reads the fields of a type from its pages.
func fieldsOf(specs []FieldSpec, pages []extract.Page) map[string]value {
	out := map[string]value{}
	for _, s := range specs {
		if v, ok := find(s, pages); ok {
			out[s.Name] = v
		}
	}
	return out
}

// find looks for the labels in order; the value stands behind the label, or on
// one of the next two lines.
func find(s FieldSpec, pages []extract.Page) (value, bool) {
	for _, label := range s.After {
		for _, p := range pages {
			lines := nonEmpty(p.Text)
			for i, line := range lines {
				at := labelEnd(line, label)
				if at < 0 {
					continue
				}
				for k, candidate := range []string{line[at:], next(lines, i+1), next(lines, i+2)} {
					if k > 0 && s.Type == "name" && letters.MatchString(line[at:]) {
						break // something else stands behind the label
					}
					if v := parseValue(s.Type, candidate); v != "" {
						return value{text: v, quote: strings.TrimSpace(lines[i+k]), page: p.Number}, true
					}
				}
			}
		}
	}
	return value{}, false
}

func nonEmpty(text string) []string {
	var out []string
	for l := range strings.SplitSeq(dashes.Replace(text), "\n") {
		if strings.TrimSpace(l) != "" {
			out = append(out, l)
		}
	}
	return out
}

func next(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// labelEnd is the byte behind the label when it stands in the line as whole
// words, else -1. Blanks inside a label may be missing or doubled.
func labelEnd(line, label string) int {
	lower := strings.ToLower(line)
	if len(lower) != len(line) {
		return -1 // a letter whose small form has another length: not in German
	}
	for from := range lower {
		end := matchLabel(lower[from:], label)
		if end < 0 {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(lower[:from])
		after, _ := utf8.DecodeRuneInString(lower[from+end:])
		if !unicode.IsLetter(before) && !unicode.IsLetter(after) {
			return from + end
		}
	}
	return -1
}

// matchLabel is the length of the label at the beginning of the text, or -1.
func matchLabel(text, label string) int {
	n := 0
	for i := 0; i < len(label); i++ {
		if label[i] == ' ' {
			for n < len(text) && text[n] == ' ' {
				n++
			}
			continue
		}
		if n >= len(text) || text[n] != label[i] {
			return -1
		}
		n++
	}
	return n
}

var letters = regexp.MustCompile(`\pL\pL`)

var (
	dateShape  = regexp.MustCompile(`(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})`)
	monthShape = regexp.MustCompile(`(?i)(januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember)\s+(\d{4})`)
	shortMonth = regexp.MustCompile(`(?:^|[^\d/])(\d{1,2})\s?/\s?(\d{4})`)
	moneyShape = regexp.MustCompile(`(\d{1,3}(?:[. ]\d{3})+|\d+),(\d{2})\b`)
	intShape   = regexp.MustCompile(`\d{1,6}`)
	plateShape = regexp.MustCompile(`\b([A-ZÄÖÜ]{1,3})[- ]([A-Z]{1,2}) ?([1-9]\d{0,3}[EH]?)\b`)
	parcel     = regexp.MustCompile(`\d{1,6}(?:/\d{1,4})?`)
	nameShape  = regexp.MustCompile(`^\pL[\pL'.-]*,?( \pL[\pL'.-]*){1,5}`)
	monthNames = []string{"januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember"}
)

// parseValue returns the first value of the type in its normal form, or "".
func parseValue(kind, s string) string {
	switch kind {
	case "date":
		return parseDate(s)
	case "month":
		return parseMonth(s)
	case "money":
		if m := moneyShape.FindStringSubmatch(s); m != nil {
			return strings.NewReplacer(".", "", " ", "").Replace(m[1]) + "." + m[2]
		}
	case "int":
		return intShape.FindString(s)
	case "plate":
		if m := plateShape.FindStringSubmatch(s); m != nil {
			return m[1] + "-" + m[2] + " " + m[3]
		}
	case "parcel":
		return parcel.FindString(s)
	case "name":
		return parseName(s)
	}
	return ""
}

func parseDate(s string) string {
	m := dateShape.FindStringSubmatch(s)
	if m == nil {
		return ""
	}
	d := fmt.Sprintf("%s-%02s-%02s", m[3], m[2], m[1])
	if validateDate(d) != nil {
		return ""
	}
	return d
}

func parseMonth(s string) string {
	if m := monthShape.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("%s-%02d", m[2], slices.Index(monthNames, strings.ToLower(m[1]))+1)
	}
	if d := parseDate(s); d != "" {
		return d[:7]
	}
	if m := shortMonth.FindStringSubmatch(s); m != nil {
		if d := fmt.Sprintf("%s-%02s", m[2], m[1]); validateDate(d+"-01") == nil {
			return d
		}
	}
	return ""
}

// parseName takes two to six words at the beginning, without salutation.
func parseName(s string) string {
	s = strings.TrimLeft(s, " :.;,|[]()\t„“\"")
	if i := strings.Index(s, "  "); i > 0 {
		s = s[:i]
	}
	for _, salutation := range []string{"Herrn ", "Herr ", "Frau "} {
		s = strings.TrimPrefix(s, salutation)
	}
	name := nameShape.FindString(strings.TrimSpace(s))
	if cut := strings.Index(name, ", "); cut > 0 {
		// "Müller, geboren am", "Müller, wohnhaft" and the like.
		if after := name[cut+2:]; after != "" && strings.ToLower(after[:1]) == after[:1] {
			name = name[:cut]
		}
	}
	words := strings.Fields(name)
	for i, w := range words {
		if len(w) > 5 && strings.HasSuffix(w, ".") {
			words = words[:i+1] // the end of a sentence, not an abbreviation
			break
		}
	}
	for i, w := range words {
		if slices.Contains([]string{"wird", "ist", "hat", "ab", "und", "als", "geboren", "geb.", "wohnhaft", "angemietete", "ein"}, w) {
			words = words[:i]
			break
		}
	}
	if len(words) < 2 || words[0] != strings.ToUpper(words[0][:1])+words[0][1:] && words[0][0] < 0x80 {
		return ""
	}
	return strings.TrimRight(strings.Join(words, " "), " .,")
}

var postcode = regexp.MustCompile(`^\d{5} \pL`)

// addressee is the name above street and town in the address of a letter.
func addressee(pages []extract.Page) string {
	if len(pages) == 0 {
		return ""
	}
	lines := nonEmpty(pages[0].Text)
	for i := 2; i < len(lines); i++ {
		street := column(lines[i-1])
		if !postcode.MatchString(column(lines[i])) || !strings.ContainsAny(street, "0123456789") || strings.Contains(street, ",") {
			continue
		}
		if name := parseName(column(lines[i-2])); name != "" && !strings.ContainsAny(name, "0123456789") {
			return name
		}
	}
	return ""
}

// column is the first column of a line.
func column(line string) string {
	line = strings.TrimSpace(line)
	if i := strings.Index(line, "  "); i > 0 {
		return line[:i]
	}
	return line
}

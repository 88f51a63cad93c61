// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway/drafting/deadline"
	"github.com/ki-schleuse/schleuse/gateway/norms"
)

// token is one checkable value in a text: a date, a number, a file number.
type token struct {
	kind       FactKind
	norm       string // canonical form: "2027-01-04", "1234.5", "wg-2026/004711"
	start, end int
}

// tokensOf finds every date, number, number word and reference in a text outside
// of citations.
func tokensOf(text string, cites []norms.Citation) []token {
	var list []token
	for i := 0; i < len(text); {
		if end, inside := insideCitation(cites, i); inside {
			i = end
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			i += size
			continue
		}
		t, ok := longDate(text, i)
		if !ok {
			t, ok = word(text, i)
		}
		if ok {
			list = append(list, t)
		}
		i = t.end
	}
	return list
}

func insideCitation(cites []norms.Citation, i int) (int, bool) {
	for _, c := range cites {
		if i >= c.Start && i < c.End {
			return c.End, true
		}
	}
	return 0, false
}

// longDate reads "4. Januar 2027" and "4. Januar".
func longDate(text string, i int) (token, bool) {
	day, j := digits(text, i, 2)
	if j == i || !strings.HasPrefix(text[j:], ". ") {
		return token{}, false
	}
	month, j := monthAt(text, j+2)
	if month == 0 {
		return token{}, false
	}
	year, end := 0, j
	if strings.HasPrefix(text[j:], " ") {
		if y, k := digits(text, j+1, 4); k == j+5 {
			year, end = y, k
		}
	}
	return token{kind: FactDate, norm: fmt.Sprintf("%04d-%02d-%02d", year, month, day), start: i, end: end}, true
}

func digits(text string, i, most int) (n, end int) {
	for end = i; end < len(text) && end-i < most && text[end] >= '0' && text[end] <= '9'; end++ {
		n = n*10 + int(text[end]-'0')
	}
	return n, end
}

func monthAt(text string, i int) (time.Month, int) {
	for m := time.January; m <= time.December; m++ {
		if name := deadline.Month(m); strings.HasPrefix(text[i:], name) {
			return m, i + len(name)
		}
	}
	return 0, i
}

// word reads one run of letters, digits and joiners. ok says whether it is a
// value to be checked; end is set in any case.
func word(text string, i int) (t token, ok bool) {
	end := i
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !joins(text, end, r, size) {
			break
		}
		end += size
	}
	s := text[i:end]
	t = token{start: i, end: end}
	switch {
	case strings.ContainsFunc(s, unicode.IsDigit):
		t.kind, t.norm = classify(s)
	case isCalendarWord(s):
		t.kind, t.norm = FactDate, strings.ToLower(s)
	case isNumberWord(s):
		t.kind, t.norm = FactNumber, strings.ToLower(s)
	default:
		return t, false
	}
	return t, true
}

// joins says whether a sign between two letters or digits holds them together.
func joins(text string, i int, r rune, size int) bool {
	if !strings.ContainsRune(".,/-:_@", r) || i == 0 || i+size >= len(text) {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(text[i+size:])
	if r == ',' || r == ':' {
		return unicode.IsDigit(before) && unicode.IsDigit(after)
	}
	return (unicode.IsLetter(before) || unicode.IsDigit(before)) && (unicode.IsLetter(after) || unicode.IsDigit(after))
}

// classify gives a word with digits its kind and canonical form.
func classify(s string) (FactKind, string) {
	for _, layout := range []string{"2.1.2006", "02.01.2006", time.DateOnly} {
		if d, err := time.Parse(layout, s); err == nil {
			return FactDate, d.Format(time.DateOnly)
		}
	}
	if n, ok := decimal(s); ok {
		return FactNumber, n
	}
	return FactReference, strings.ToLower(s)
}

// decimal turns "1.234,50" into "1234.5".
func decimal(s string) (string, bool) {
	whole, fraction, _ := strings.Cut(s, ",")
	groups := strings.Split(whole, ".")
	for i, g := range groups[1:] {
		if len(g) != 3 || len(groups[0]) > 3 || i > 5 {
			return "", false
		}
	}
	plain := strings.Join(groups, "")
	if plain == "" || strings.Trim(plain+fraction, "0123456789") != "" || len(plain) > 18 {
		return "", false
	}
	// A leading zero is part of a postcode or telephone number, not of an amount.
	if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
		return plain + "." + fraction, true
	}
	return plain, true
}

func isCalendarWord(s string) bool {
	for d := range 7 {
		if s == deadline.Weekday(time.Date(2023, 1, 1+d, 0, 0, 0, 0, time.UTC)) {
			return true
		}
	}
	_, end := monthAt(s, 0)
	return end == len(s)
}

func isNumberWord(s string) bool {
	return slices.Contains([]string{"zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf", "vierzehn", "zwanzig", "dreißig", "hundert", "tausend"}, strings.ToLower(s))
}

// wrongWeekday finds "Montag, 5. Januar 2027" when that day is no Monday.
func wrongWeekday(text string, list []token) (token, string, bool) {
	for i := 1; i < len(list); i++ {
		name, date := list[i-1], list[i]
		if name.kind != FactDate || date.kind != FactDate || strings.Trim(text[name.end:date.start], ", ") != "" || !isCalendarWord(text[name.start:name.end]) {
			continue
		}
		d, err := time.Parse(time.DateOnly, date.norm)
		if err != nil {
			if !strings.HasPrefix(date.norm, "0000") {
				return date, "Dieses Datum gibt es nicht.", true
			}
			continue
		}
		if want := deadline.Weekday(d); want != text[name.start:name.end] {
			return name, "Der Wochentag stimmt nicht: Der " + deadline.Date(d) + " ist ein " + want + ".", true
		}
	}
	return token{}, "", false
}

// words are the words of a text that could be names: at least four letters.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
}

// distance is the number of single-letter changes between two short words, at
// most limit+1.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if d := len(x) - len(y); d > limit || -d > limit || len(x) > 64 || len(y) > 64 {
		return limit + 1
	}
	row := make([]int, len(y)+1)
	for k := range row {
		row[k] = k
	}
	for i := 1; i <= len(x); i++ {
		diagonal := row[0]
		row[0] = i
		for k := 1; k <= len(y); k++ {
			cost := diagonal
			if x[i-1] != y[k-1] {
				cost++
			}
			diagonal = row[k]
			row[k] = min(cost, row[k]+1, row[k-1]+1)
		}
	}
	return row[len(y)]
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "strings"

type date struct{ year, month, day int }

// birthDate finds a date that is a date of birth: the case knows it, or a word
// such as "geboren" or an asterisk stands before it.
func (s *scan) birthDate(i int) {
	if i > 0 && s.toks[i-1].digits() && (s.gap(i-1) == "." || s.hyphen(i-1) || s.gap(i-1) == "/") {
		return
	}
	d, j, ok := s.dateAt(i)
	if !ok {
		return
	}
	start, end := s.toks[i].start, s.toks[j].end
	if s.str(j)[0] != 0 && s.toks[j].len() > 4 { // 14T00 of an ISO time stamp
		end = s.toks[j].start + 2
	}
	known := s.table.dates[d] || d.year < 100 && (s.table.dates[d.in(1900)] || s.table.dates[d.in(2000)])
	switch {
	case known:
		s.addSpan(start, end, kBirth, byKnown)
	case s.near(tBirth, start, 40) && sameEntry(s.text[s.triggerEnd[triggerIndex(tBirth)]:start]), s.starBefore(start):
		s.addSpan(start, end, kBirth, byTrigger)
		s.triggerEnd[triggerIndex(tBirth)] = never
	}
}

// sameEntry says that a label and its value are not parted by an empty line.
func sameEntry(between string) bool { return strings.Count(between, "\n") < 2 }

func (d date) in(century int) date { return date{century + d.year, d.month, d.day} }

func (s *scan) starBefore(pos int32) bool {
	before := strings.TrimRight(s.text[:pos], " ")
	return strings.HasSuffix(before, "*") && len(s.text[:pos])-len(before) <= 2
}

// dateAt reads 17.05.1990, 17. 5. 1990, 17. Mai 1990, 17/05/1990, 17.05.90 and
// 1990-05-17 at token i and returns the last token.
func (s *scan) dateAt(i int) (date, int, bool) {
	if i+2 >= len(s.toks) || !s.toks[i].digits() {
		return date{}, 0, false
	}
	a, b, c := s.toks[i], s.toks[i+1], s.toks[i+2]
	g1, g2 := s.gap(i), s.gap(i+1)
	if a.len() == 4 {
		last := s.str(i + 2)
		if g1 != "-" || g2 != "-" || b.len() != 2 || !b.digits() || len(last) < 2 || !allDigits(last[:2]) || len(last) > 2 && last[2] != 'T' {
			return date{}, 0, false
		}
		return validDate(date{num(s.str(i)), num(s.str(i + 1)), num(last[:2])}, i+2)
	}
	if a.len() > 2 || !c.digits() || c.len() != 4 && c.len() != 2 {
		return date{}, 0, false
	}
	day, year := num(s.str(i)), num(s.str(i+2))
	if b.digits() && b.len() <= 2 && sameDateGap(g1, g2) {
		return validDate(date{year, num(s.str(i + 1)), day}, i+2)
	}
	if b.letters() && (g1 == ". " || g1 == "." || isBlank(g1)) && (isBlank(g2) || g2 == ". ") && c.len() == 4 {
		return validDate(date{year, monthNumber(s.str(i + 1)), day}, i+2)
	}
	return date{}, 0, false
}

func sameDateGap(a, b string) bool {
	switch a {
	case ".", ". ", ".\u00A0":
		return strings.HasPrefix(b, ".") && len(b) <= 3
	case "/", "-":
		return a == b
	}
	return false
}

func validDate(d date, last int) (date, int, bool) {
	ok := d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31 && (d.year < 100 || d.year >= 1850 && d.year <= 2100)
	return d, last, ok
}

// monthNumber is the month a word names, 0 for none.
func monthNumber(w string) int {
	f := fold(w)
	for i, m := range []string{"januar", "februar", "marz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember"} {
		if f == m || len(f) >= 3 && strings.HasPrefix(m, f) || f == "maerz" && i == 2 || f == "janner" && i == 0 || f == "sept" && i == 8 {
			return i + 1
		}
	}
	return 0
}

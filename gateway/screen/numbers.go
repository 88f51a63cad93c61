// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "strings"

// nearLabel is how far a label may stand before its number, in bytes.
const nearLabel = 48

// number tries the recognisers that start at a token with digits.
func (s *scan) number(i int) {
	if s.toks[i].digits() {
		s.digitNumber(i)
	} else {
		s.mixedNumber(i)
	}
	s.address(i)
	s.plate(i)
}

// digitNumber handles a token of digits only.
func (s *scan) digitNumber(i int) {
	n := s.toks[i].len()
	if n <= 2 || n == 4 {
		s.birthDate(i)
	}
	if n <= 3 {
		s.ipAddress(i)
	}
	s.phone(i)
	if n == 5 {
		s.postcode(i)
	}
	switch n {
	case 10:
		s.oldIDCard(i)
	case 13:
		s.elster(i)
	}
	s.groups(i)
}

func (s *scan) elster(i int) {
	if validTaxNumber(s.str(i)) {
		s.add(i, i, kTaxNumber, byValidated)
	} else if s.near(tTaxNumber, s.toks[i].start, nearLabel) {
		s.add(i, i, kTaxNumber, byTrigger)
	}
}

// oldIDCard is a serial number given before 2010: nine digits and their check
// digit, often followed by D for the nationality.
func (s *scan) oldIDCard(i int) {
	v := s.str(i)
	if allDigits(v[:10]) && icaoCheck(v[:9]) == v[9] && (strings.HasSuffix(v, "D") || s.near(tIDCard, s.toks[i].start, nearLabel)) {
		s.add(i, i, kIDCard, byValidated)
	}
}

// groups reads a number printed in groups of digits and compares its layout.
func (s *scan) groups(i int) {
	var lens [6]int
	total, seps, blanks := 0, 0, 0
	if i > 0 && s.toks[i-1].digits() && s.blank(i-1) && s.toks[i-1].len() == s.toks[i].len() {
		return // in the middle of a longer number
	}
	for n := 0; n < len(lens) && i+n < len(s.toks); n++ {
		t := &s.toks[i+n]
		if !t.digits() {
			return
		}
		lens[n] = t.len()
		total += lens[n]
		if total > 19 {
			return
		}
		if total >= 9 {
			s.layout(i, i+n, lens[:n+1], total, seps > 0, blanks > 0)
		}
		switch t.after {
		case gapSlash, gapHyphen, gapPoint:
			seps++
		case gapBlank:
			blanks++
		default:
			return
		}
	}
}

// layout decides by the lengths of the groups what the number could be.
func (s *scan) layout(i, j int, lens []int, total int, seps, blanks bool) {
	start := s.toks[i].start
	switch {
	case total == 11 && (len(lens) == 1 || equal(lens, 2, 3, 3, 3)):
		v := s.join(i, j)
		switch {
		case validTaxID(v):
			s.add(i, j, kTaxID, byValidated)
		case s.near(tTaxID, start, nearLabel):
			s.add(i, j, kTaxID, byTrigger)
		}
		if len(lens) == 1 && s.near(tTaxNumber, start, nearLabel) {
			s.printedTaxNumber(i, j, v, "11")
		}
	case total == 10 && len(lens) == 1 && s.near(tTaxNumber, start, nearLabel):
		s.printedTaxNumber(i, j, s.str(i), "10")
	case equal(lens, 2, 3, 5) && !(seps && blanks):
		s.groupedTaxNumber(i, j, "2-3-5", blanks)
	case equal(lens, 3, 3, 5) && !(seps && blanks):
		s.groupedTaxNumber(i, j, "3-3-5", blanks)
	case equal(lens, 3, 4, 4) && !(seps && blanks):
		s.groupedTaxNumber(i, j, "3-4-4", blanks)
	case equal(lens, 5, 5) && seps:
		s.groupedTaxNumber(i, j, "5-5", false)
	case total >= 13 && (len(lens) == 1 || equal(lens, 4, 4, 4, 4) || equal(lens, 4, 6, 5)):
		s.card(i, j)
	case total == 9 && s.near(tVAT, start, 16):
		if validVATID(s.join(i, j)) {
			s.add(i, j, kVATID, byValidated)
		}
	}
}

// groupedTaxNumber accepts blanks as separators only after a label, because
// telephone numbers look the same.
func (s *scan) groupedTaxNumber(i, j int, groups string, blanks bool) {
	labelled := s.near(tTaxNumber, s.toks[i].start, nearLabel)
	if blanks && !labelled {
		return
	}
	s.printedTaxNumber(i, j, s.join(i, j), groups)
}

func (s *scan) printedTaxNumber(i, j int, digits, groups string) {
	if validPrintedTaxNumber(digits, groups) {
		s.add(i, j, kTaxNumber, byValidated)
	} else if s.near(tTaxNumber, s.toks[i].start, nearLabel) {
		s.add(i, j, kTaxNumber, byTrigger)
	}
}

func (s *scan) card(i, j int) {
	v := s.join(i, j)
	if cardIssuer(v) && luhn(v) {
		s.add(i, j, kCard, byValidated)
	} else if s.near(tCard, s.toks[i].start, nearLabel) {
		s.add(i, j, kCard, byTrigger)
	}
}

func equal(lens []int, want ...int) bool {
	if len(lens) != len(want) {
		return false
	}
	for i := range lens {
		if lens[i] != want[i] {
			return false
		}
	}
	return true
}

// join is the text of the tokens i to j in capitals, without what separates them.
func (s *scan) join(i, j int) string {
	if i == j {
		return strings.ToUpper(s.str(i))
	}
	var buf [40]byte
	b := buf[:0]
	for k := i; k <= j; k++ {
		b = append(b, s.str(k)...)
	}
	return strings.ToUpper(string(b))
}

// mixedNumber handles a token of letters and digits.
func (s *scan) mixedNumber(i int) {
	t := &s.toks[i]
	if t.class&clHigh != 0 || t.len() > 34 {
		return
	}
	v := s.str(i)
	c := v[0]
	switch {
	case isDigit(c) && t.len() == 12:
		s.pension(i, i)
	case !isDigit(c) && len(v) > 2 && !isDigit(v[1]) && isDigit(v[2]):
		s.international(i)
	}
	switch t.len() {
	case 8, 9, 10:
		s.serial(i)
	case 11:
		if v[10] == 'D' {
			s.oldIDCard(i)
		}
		s.licence(i)
		s.bic(i)
	}
}

// splitPrefix handles one to three capitals before a number: "DE 89 37…",
// "A 000 500 015", "15 070649 C 103".
func (s *scan) splitPrefix(i int) {
	if i+1 >= len(s.toks) || !s.blank(i) {
		return
	}
	next := &s.toks[i+1]
	if !isDigit(s.text[next.start]) {
		return
	}
	t := &s.toks[i]
	switch t.len() {
	case 2:
		s.international(i)
	case 1:
		if j, ok := s.follow(i, 1, 3, 3, 3); ok {
			s.health(i, j)
		}
		if i >= 2 && s.toks[i-1].len() == 6 && s.toks[i-2].len() == 2 && s.blank(i-1) && s.blank(i-2) && next.len() == 3 {
			s.pension(i-2, i+1)
		}
	}
}

// follow says whether groups of the given lengths start at token i, separated
// by blanks.
func (s *scan) follow(i int, lens ...int) (int, bool) {
	for n, want := range lens {
		if i+n >= len(s.toks) || s.toks[i+n].len() != want || n > 0 && !s.blank(i+n-1) {
			return 0, false
		}
	}
	return i + len(lens) - 1, true
}

// international tries what starts with a country code: IBAN, Gläubiger-ID,
// USt-IdNr, Wirtschafts-IdNr.
func (s *scan) international(i int) {
	country := strings.ToUpper(s.text[s.toks[i].start : s.toks[i].start+2])
	length := ibanLength(country)
	if length == 0 {
		return
	}
	var g gathered
	s.gather(i, length, &g)
	if v, j, ok := g.endAt(length); ok && allDigits(v[2:4]) {
		switch {
		case validIBAN(v):
			s.add(i, i+j, kIBAN, byValidated)
		case s.near(tBank, s.toks[i].start, nearLabel) && (country != "DE" || allDigits(v[2:])):
			s.add(i, i+j, kIBAN, byTrigger)
		}
	}
	if country != "DE" {
		return
	}
	if v, j, ok := g.endAt(18); ok && v[4:7] == "ZZZ" {
		s.creditor(i, i+j, v)
	}
	if v, j, ok := g.endAt(11); ok && allDigits(v[2:11]) {
		s.vat(i, i+j, v[2:11])
	}
}

func (s *scan) creditor(i, j int, v string) {
	if validCreditorID(v) {
		s.add(i, j, kCreditor, byValidated)
	} else if s.near(tCreditor, s.toks[i].start, nearLabel) {
		s.add(i, j, kCreditor, byTrigger)
	}
}

func (s *scan) vat(i, j int, digits string) {
	kind := kVATID
	if j+1 < len(s.toks) && s.hyphen(j) && s.toks[j+1].digits() && s.toks[j+1].len() == 5 {
		if s.str(j+1) == "00000" {
			return
		}
		kind, j = kBusinessID, j+1
	}
	start := s.toks[i].start
	if validVATID(digits) {
		s.add(i, j, kind, byValidated)
	} else if s.near(tVAT, start, nearLabel) || s.near(tBusiness, start, nearLabel) {
		s.add(i, j, kind, byTrigger)
	}
}

// gathered is a number in capitals and where each of its tokens ended.
type gathered struct {
	buf    [40]byte
	ends   [40]uint8
	tokens int
}

// gather joins tokens from i on up to limit bytes, over blanks, points, hyphens
// and one line break.
func (s *scan) gather(i, limit int, g *gathered) {
	n := 0
	for j := i; j < len(s.toks) && n < limit; j++ {
		if j > i && !groupGap(s.gap(j-1)) {
			break
		}
		part := s.str(j)
		if n+len(part) > limit || s.toks[j].class&clHigh != 0 {
			break
		}
		for k := range len(part) {
			c := part[k]
			if 'a' <= c && c <= 'z' {
				c -= 0x20
			}
			g.buf[n] = c
			n++
		}
		g.ends[g.tokens] = uint8(n)
		g.tokens++
	}
}

// endAt returns the number of exactly length bytes and its last token, counted
// from the first.
func (g *gathered) endAt(length int) (string, int, bool) {
	for j, e := range g.ends[:g.tokens] {
		if int(e) == length {
			return string(g.buf[:length]), j, true
		}
	}
	return "", 0, false
}

func groupGap(gap string) bool {
	return isBlank(gap) || gap == "." || gap == "-" || gap == "  " || isWrap(gap)
}

func (s *scan) pension(i, j int) {
	v := s.join(i, j)
	if len(v) != 12 || !isUpper(v[8]) || !allDigits(v[:8]) || !allDigits(v[9:]) {
		return
	}
	if validPensionNumber(v) {
		s.add(i, j, kPension, byValidated)
	} else if s.near(tPension, s.toks[i].start, nearLabel) {
		s.add(i, j, kPension, byTrigger)
	}
}

func (s *scan) health(i, j int) {
	v := s.join(i, j)
	if validHealthInsurance(v) {
		s.add(i, j, kHealth, byValidated)
	} else if s.near(tHealth, s.toks[i].start, nearLabel) && isUpper(v[0]) && allDigits(v[1:]) {
		s.add(i, j, kHealth, byTrigger)
	}
}

// serial tries numbers of insurance cards, identity cards and passports.
func (s *scan) serial(i int) {
	v := s.join(i, i)
	start := s.toks[i].start
	if len(v) == 10 && allDigits(v[1:]) && isUpper(v[0]) {
		s.health(i, i)
	}
	kind := documentKind(v[0])
	if kind == kNone || !inAlphabet(v, documentAlphabet) {
		return
	}
	// A card number and a passport number differ by the first letter only; the
	// label may be either one's.
	labelled := s.near(tIDCard, start, nearLabel) || s.near(tPassport, start, nearLabel)
	switch {
	case len(v) == 10 && icaoCheck(v[:9]) == v[9] && digitCount(v) >= 3:
		s.add(i, i, kind, byValidated)
	case len(v) >= 9 && labelled, len(v) == 8 && labelled && allDigits(v[1:]):
		s.add(i, i, kind, byTrigger)
	}
}

func digitCount(v string) int {
	n := 0
	for i := range len(v) {
		if isDigit(v[i]) {
			n++
		}
	}
	return n
}

func (s *scan) licence(i int) {
	v := s.join(i, i)
	if validLicence(v) && digitCount(v) >= 4 {
		s.add(i, i, kLicence, byValidated)
	} else if s.near(tLicence, s.toks[i].start, nearLabel) && licenceShape(v) {
		s.add(i, i, kLicence, byTrigger)
	}
}

// bic needs a word of banking before it: its shape alone is an ordinary word in
// capitals.
func (s *scan) bic(i int) {
	t := &s.toks[i]
	v := s.str(i)
	if t.class&(clLower|clHigh) != 0 || len(v) < 8 || !allUpper(v[:6]) || !s.near(tBank, t.start, 80) {
		return
	}
	if ibanLength(v[4:6]) > 0 || v[4:6] == "US" {
		s.add(i, i, kBIC, byTrigger)
	}
}

// ipAddress finds four octets; outline numbers and versions look the same.
func (s *scan) ipAddress(i int) {
	j := i + 3
	high := false
	for k := i; k <= j; k++ {
		if k >= len(s.toks) || !s.toks[k].digits() || s.toks[k].len() > 3 || num(s.str(k)) > 255 || k < j && s.gap(k) != "." {
			return
		}
		high = high || num(s.str(k)) > 31
	}
	if i > 0 && s.gap(i-1) == "." || s.gap(j) == "." || s.near(tVersion, s.toks[i].start, 24) {
		return
	}
	if v := num(s.str(i)); high || v == 10 || s.near(tIP, s.toks[i].start, nearLabel) {
		s.add(i, j, kIP, byTrigger)
	}
}

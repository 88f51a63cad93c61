// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "strings"

// address finds a street with its house number; i is the number.
func (s *scan) address(i int) {
	t := &s.toks[i]
	if t.len() > 5 || i == 0 || !houseNumber(s.str(i)) {
		return
	}
	gap := s.gap(i - 1)
	if !isBlank(gap) && gap != ". " && gap != "." && !isWrap(gap) {
		return
	}
	from, strong := s.streetBefore(i - 1)
	if from < 0 || gap == "." && !strong || isWrap(gap) && !strong {
		return
	}
	last := s.houseNumberEnd(i)
	if last+1 < len(s.toks) && s.blank(last) && s.toks[last+1].roles&(rUnit|rMonth) != 0 {
		return
	}
	if !strong && !s.postcodeFollows(last) && !s.near(tAddress, s.toks[from].start, nearLabel) {
		return
	}
	s.add(from, last, kAddress, byShape)
	s.streetEnd = s.toks[last].end
}

// houseNumber is up to four digits, not starting with 0, and at most one letter.
func houseNumber(v string) bool {
	if isDigit(v[len(v)-1]) {
		return len(v) <= 4 && allDigits(v) && v[0] != '0'
	}
	c := v[len(v)-1] | 0x20
	return len(v) >= 2 && allDigits(v[:len(v)-1]) && v[0] != '0' && c >= 'a' && c <= 'z'
}

// houseNumberEnd takes in "12 a", "12-14" and "12/3".
func (s *scan) houseNumberEnd(i int) int {
	if i+1 >= len(s.toks) {
		return i
	}
	next, gap := s.toks[i+1], s.gap(i)
	switch {
	case isBlank(gap) && next.len() == 1 && next.class == clLower:
		return i + 1
	case (gap == "-" || gap == "/" || gap == "–" || gap == " - ") && houseNumber(s.str(i+1)):
		return i + 1
	}
	return i
}

// streetBefore returns the first token of the street name that ends at token p,
// or -1, and whether the name alone makes it a street.
func (s *scan) streetBefore(p int) (from int, strong bool) {
	t := &s.toks[p]
	if !t.letters() {
		return -1, false
	}
	switch {
	case t.roles&rStreet != 0 && p > 0:
		from = s.streetWordBefore(p)
		return from, from >= 0 && streetAlone(s.str(p))
	case !t.capital:
		return -1, false
	}
	ending := endingNone
	if t.len() > 4 {
		ending = streetEnding(s.str(p))
	}
	if ending != endingNone {
		return s.streetStart(p), ending == endingStrong
	}
	return s.prepositionBefore(p), false
}

// streetAlone says that a word on its own is a street word beyond doubt.
func streetAlone(w string) bool {
	var buf [64]byte
	switch string(appendFold(buf[:0], w)) {
	case "strasse", "str", "allee", "gasse", "chaussee", "promenade":
		return true
	}
	return false
}

// streetWordBefore finds the beginning of "Stuttgarter Straße" and
// "Konrad-Adenauer-Straße"; p is the street word.
func (s *scan) streetWordBefore(p int) int {
	gap := s.gap(p - 1)
	prev := &s.toks[p-1]
	if gap == "-" && prev.letters() {
		return s.streetStart(p)
	}
	if isBlank(gap) && prev.capital && prev.letters() && prev.roles&(rFunction|rNoun) == 0 || isBlank(gap) && prev.roles&rStreetPrep != 0 && prev.capital {
		return s.streetStart(p - 1)
	}
	return -1
}

// streetStart extends a street name to the left over hyphens and adjectives.
func (s *scan) streetStart(p int) int {
	for p > 0 && s.hyphen(p-1) && s.toks[p-1].letters() && s.toks[p-1].len() > 1 {
		p--
	}
	if p > 0 && s.blank(p-1) && s.toks[p-1].capital && s.toks[p-1].roles&rStreetPrep != 0 && s.toks[p-1].roles&rFunction == 0 {
		p--
	}
	return p
}

// prepositionBefore finds "Am Markt", "An der Alten Post", "Auf dem Berg".
func (s *scan) prepositionBefore(p int) int {
	for q := p - 1; q >= 0 && q >= p-3 && s.blank(q); q-- {
		t := &s.toks[q]
		if t.capital && t.roles&rStreetPrep != 0 && t.roles&rFunction != 0 {
			return q
		}
		if !t.capital && t.roles&rArticle == 0 {
			return -1
		}
	}
	return -1
}

type ending uint8

const (
	endingNone ending = iota
	endingWeak
	endingStrong
)

// streetEnding judges a word by how it ends.
func streetEnding(w string) ending {
	var buf [64]byte
	f := appendFold(buf[:0], w)
	switch {
	case streetEndings.match(f, 2) != "":
		return endingStrong
	case pathEndings.match(f, 2) != "":
		if notPaths.match(f, 0) != "" { // an ordinary word
			return endingNone
		}
		return endingStrong
	case placeEndings.match(f, 2) != "":
		return endingWeak
	}
	return endingNone
}

func hasStreetEnding(folded string) bool { return streetEnding(folded) == endingStrong }

// postcodeFollows says that a postcode comes right after token i.
func (s *scan) postcodeFollows(i int) bool {
	if i+1 >= len(s.toks) {
		return false
	}
	t := &s.toks[i+1]
	return t.digits() && t.len() == 5 && addressGap(s.gap(i))
}

// addressGap is what may stand between the lines of an address.
func addressGap(gap string) bool {
	if len(gap) > 80 {
		return false
	}
	for i := range len(gap) {
		if strings.IndexByte(" \t\r\n,;/|-\"", gap[i]) < 0 {
			return gap == " · " || gap == " – " || gap == " • "
		}
	}
	return true
}

// postcode finds a postcode with its town; i is the number.
func (s *scan) postcode(i int) {
	t := &s.toks[i]
	v := num(s.str(i))
	if v < 1001 || v > 99998 || i+1 >= len(s.toks) {
		return
	}
	next := &s.toks[i+1]
	if !s.blank(i) && s.gap(i) != "  " || !next.capital || !next.letters() || next.len() < 2 || next.roles&rUnit != 0 {
		return
	}
	town := next.roles&rPlace != 0 || s.townPrefix(i+1)
	after := s.streetEnd >= 0 && s.streetEnd <= t.start && addressGap(s.text[s.streetEnd:t.start])
	from := i
	if i > 0 && s.hyphen(i-1) && s.str(i-1) == "D" {
		from, town = i-1, true
	}
	last := s.townEnd(i + 1)
	if !town && !after && !s.near(tAddress, t.start, nearLabel) && !(next.roles&rNoun == 0 && (townEnding(s.str(last)) || s.ownLine(i, last))) {
		return
	}
	s.add(from, last, kAddress, byShape)
}

func (s *scan) townPrefix(i int) bool {
	switch s.str(i) {
	case "Bad", "Sankt", "St":
		return i+1 < len(s.toks) && s.toks[i+1].capital
	}
	return false
}

// townEnd takes in "Bad Urach", "Rottenburg am Neckar", "Villingen-Schwenningen".
func (s *scan) townEnd(i int) int {
	if s.townPrefix(i) {
		i++
	}
	for i+1 < len(s.toks) {
		next := &s.toks[i+1]
		switch gap := s.gap(i); {
		case gap == "-" && next.capital && next.letters():
			i++
		case isBlank(gap) && i+2 < len(s.toks) && townLink(s.str(i+1)) && s.blank(i+1) && s.toks[i+2].capital && s.toks[i+2].letters():
			i += 2
		case isBlank(gap) && i+3 < len(s.toks) && townLink(s.str(i+1)) && s.toks[i+2].roles&rArticle != 0 && s.blank(i+2) && s.toks[i+3].capital:
			i += 3
		default:
			return i
		}
	}
	return i
}

func townLink(w string) bool {
	switch w {
	case "am", "an", "im", "in", "bei", "ob", "vor", "unter":
		return true
	}
	return false
}

func townEnding(w string) bool {
	var buf [64]byte
	return townEndings.match(appendFold(buf[:0], w), 2) != ""
}

// ownLine says that the tokens i to j are all there is on their line.
func (s *scan) ownLine(i, j int) bool {
	before := strings.TrimRight(s.text[:s.toks[i].start], " \t")
	after := strings.TrimLeft(s.text[s.toks[j].end:], " \t\r")
	return (before == "" || strings.HasSuffix(before, "\n")) && (after == "" || after[0] == '\n')
}

// plate finds a Kfz-Kennzeichen; i is the token with its digits. Court file
// numbers (V ZR 187/05) and standards (DIN EN 301) look alike: without a hyphen
// a word such as "Kennzeichen" has to stand before it.
func (s *scan) plate(i int) {
	v := s.str(i)
	from := i - 1
	if len(v) > 7 || isDigit(v[0]) && (i < 2 || !s.plateLetters(from)) {
		return
	}
	letters := 0
	for letters < len(v) && isUpper(v[letters]) {
		letters++
	}
	digits := strings.TrimRight(v[letters:], "EH")
	if !allDigits(digits) || len(digits) > 4 || digits[0] == '0' || len(v)-letters-len(digits) > 1 || letters > 2 {
		return
	}
	if letters == 0 {
		if i < 2 || !s.plateLetters(from) || !s.blank(from) && s.gap(from) != "-" {
			return
		}
		letters = s.toks[from].len()
		from--
	}
	if from < 0 || s.toks[from].class&(clLower|clDigit) != 0 || !s.codes[s.str(from)] || s.toks[from].roles&rRegister != 0 {
		return
	}
	gap := s.gap(from)
	labelled := s.near(tPlate, s.toks[from].start, 40)
	if gap != "-" && !(isBlank(gap) && labelled) || s.gap(i) == "/" || from > 0 && (s.hyphen(from-1) || s.gap(from-1) == "/") {
		return
	}
	if runes(s.str(from))+letters+len(digits) > 8 {
		return
	}
	s.add(from, i, kPlate, byTrigger)
}

func (s *scan) plateLetters(i int) bool {
	t := &s.toks[i]
	return t.class == clUpper && t.len() <= 2 && t.roles&rRegister == 0
}

func runes(v string) int {
	n := 0
	for range v {
		n++
	}
	return n
}

// fileNumber takes the value after a label such as "Az.:", "Kassenzeichen" or a
// configured one, up to the end of its chain of tokens.
func (s *scan) fileNumber(i int) {
	j := i + 1
	for j < len(s.toks) && j <= i+2 && isNumberWord(s.str(j)) && shortGap(s.gap(j-1)) {
		j++
	}
	if j >= len(s.toks) || !valueGap(s.gap(j-1)) {
		return
	}
	if !s.toks[j].hasDigit() && s.toks[j].class&clLower != 0 {
		return
	}
	from, digits := j, 0
	for {
		digits += digitCount(s.str(j))
		if j+1 >= len(s.toks) || s.toks[j+1].end-s.toks[from].start > 48 || !s.chained(j) {
			break
		}
		j++
	}
	for j > from && !s.toks[j].hasDigit() && s.toks[j].len() > 3 {
		j--
	}
	if _, _, isDate := s.dateAt(from); digits < 3 || isDate {
		return
	}
	s.add(from, j, kFile, byTrigger)
}

func isNumberWord(w string) bool {
	var buf [64]byte
	switch string(appendFold(buf[:0], w)) {
	case "nr", "nummer", "no", "z", "lautet":
		return true
	}
	return false
}

func shortGap(gap string) bool { return len(gap) <= 3 }

// valueGap is what may stand between a label and its value.
func valueGap(gap string) bool {
	if len(gap) > 40 || strings.Count(gap, "\n") > 1 {
		return false
	}
	for i := range len(gap) {
		if strings.IndexByte(" .:#-\t\n\r\"'=|", gap[i]) < 0 {
			return gap == "\u00A0" || gap == ":\u00A0"
		}
	}
	return !strings.Contains(gap, "\n") || strings.Contains(gap, ":")
}

// chained says that token j+1 continues the file number of token j.
func (s *scan) chained(j int) bool {
	next := &s.toks[j+1]
	switch gap := s.gap(j); gap {
	case "/", "-", "_", "//", " // ", " / ", "–", "#":
		return true
	case ".", ":":
		return next.hasDigit() || next.class == clUpper
	case " ", "\u00A0":
		return next.hasDigit() && (s.toks[j].len() <= 4 || s.toks[j].hasDigit()) ||
			next.class&clDigit == 0 && next.capital && next.len() <= 3 && j+2 < len(s.toks) && s.toks[j+2].hasDigit() && s.blank(j+1)
	}
	return false
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "strings"

// emails expands every '@' to an address. (A domain in capitals or with umlauts
// counts; a missing top-level domain does not.)
func (s *scan) emails() {
	for _, at := range s.ats {
		start, end := int(at), int(at)+1
		for start > 0 && at-int32(start) < 64 && localByte(s.text[start-1]) {
			start--
		}
		for start < int(at) && (s.text[start] == '.' || s.text[start]&0xC0 == 0x80) {
			start++
		}
		start = min(s.afterEscape(start), int(at))
		for end < len(s.text) && end-int(at) < 255 && domainByte(s.text[end]) {
			end++
		}
		for end > int(at)+1 && (s.text[end-1] == '.' || s.text[end-1] == '-') {
			end--
		}
		dot := strings.LastIndexByte(s.text[at:end], '.')
		if start == int(at) || dot < 2 || end-int(at)-dot < 3 || isDigit(s.text[end-1]) {
			continue
		}
		for end < len(s.text) && s.text[end]&0xC0 == 0x80 { // the length limit cut a rune
			end++
		}
		s.addSpan(int32(start), int32(end), kEmail, byShape)
	}
}

// afterEscape skips the letter of an escape such as \n.
func (s *scan) afterEscape(i int) int {
	if i == 0 || i >= len(s.text) || s.text[i-1] != '\\' || s.json && !escapes(s.text[:i]) {
		return i
	}
	return i - 1 + s.escape(i-1)
}

func localByte(c byte) bool {
	return classOf[c]&(clLower|clUpper|clDigit|clHigh) != 0 || strings.IndexByte("._%+-'", c) >= 0
}

func domainByte(c byte) bool {
	return classOf[c]&(clLower|clUpper|clDigit|clHigh) != 0 || c == '.' || c == '-'
}

// phone finds a telephone number at token i. With a label almost any number
// counts; without one it must be written like a number with its area code.
func (s *scan) phone(i int) {
	start := s.toks[i].start
	plus := s.byteAt(start-1) == '+'
	first := s.str(i)
	labelled := s.near(tPhone, start, 32) && sameEntry(s.text[s.triggerEnd[triggerIndex(tPhone)]:start])
	if first[0] != '0' && !plus && !labelled {
		return
	}
	if i > 0 && s.toks[i-1].digits() && !plus && phoneGap(s.gap(i-1), labelled) && s.gap(i-1) != " " {
		return // in the middle of a number
	}
	j, digits := i, s.toks[i].len()
	hard := false
	for j+1 < len(s.toks) && s.toks[j+1].digits() {
		gap := s.gap(j)
		if !phoneGap(gap, labelled || plus) || digits+s.toks[j+1].len() > 15 || j-i > 7 {
			break
		}
		hard = hard || strings.ContainsAny(gap, "/-()")
		digits += s.toks[j+1].len()
		j++
	}
	if labelled && digits >= 5 || plus && digits >= 9 || first[0] == '0' && s.areaCode(i, j, digits, hard) {
		if plus {
			start--
		}
		if s.byteAt(start-1) == '(' && strings.Contains(s.text[start:s.toks[j].end], ")") {
			start--
		}
		s.addSpan(start, s.toks[j].end, kPhone, byTrigger)
		if labelled {
			s.triggerEnd[triggerIndex(tPhone)] = s.toks[j].end
		}
	}
}

func phoneGap(gap string, loose bool) bool {
	switch gap {
	case " ", "\u00A0", "/", "-", " / ", " - ", ") ", ")", " (", "(", "/ ", " /", ")-", " – ", "–":
		return true
	case ".", " (0) ":
		return loose
	}
	return false
}

// areaCode judges a number without label by its first group.
func (s *scan) areaCode(i, j, digits int, hard bool) bool {
	first := s.str(i)
	n := len(first)
	if n < 2 || digits < 9 && !(hard && digits >= 8) || digits > 15 {
		return false
	}
	mobile := n >= 4 && first[1] == '1' && (first[2] == '5' || first[2] == '6' || first[2] == '7')
	if i == j {
		return mobile && (digits == 11 || digits == 12) || strings.HasPrefix(first, "0049") && digits >= 12
	}
	switch {
	case strings.HasPrefix(first, "0049"):
		return true
	case mobile && n <= 6:
		return true
	case n == 3:
		return first == "030" || first == "040" || first == "069" || first == "089"
	}
	return n >= 4 && n <= 6 && (first[1] >= '2' || first == "0800" || first == "0180" || first == "0137")
}

// machineReadable finds the lines of identity documents (ICAO Doc 9303): 30, 36
// or 44 characters, filled with '<'.
func (s *scan) machineReadable() {
	done := -1
	for _, f := range s.fillers {
		if int(f) < done {
			continue
		}
		start, end := int(f), int(f)
		for start > 0 && mrzByte(s.text[start-1]) && int(f)-start < 64 {
			start--
		}
		for end < len(s.text) && mrzByte(s.text[end]) && end-start < 128 {
			end++
		}
		done = end
		line := s.text[start:end]
		kind := kIDCard
		switch len(line) {
		case 44:
			kind = kPassport
		case 30, 36:
		default:
			continue
		}
		e := byShape
		if mrzChecks(line) {
			e = byValidated
		}
		s.addSpan(int32(start), int32(end), kind, e)
	}
}

func mrzByte(c byte) bool { return c == '<' || isUpper(c) || isDigit(c) }

// mrzChecks says that a check digit at one of the usual places is right.
func mrzChecks(line string) bool {
	check := func(from, to int) bool {
		return to < len(line) && isDigit(line[to]) && strings.Trim(line[from:to], "<") != "" && icaoCheck(line[from:to]) == line[to]
	}
	if len(line) == 30 {
		return check(5, 14) || check(0, 6) && check(8, 14)
	}
	return check(0, 9) && check(13, 19)
}

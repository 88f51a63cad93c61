// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxAliasWords bounds the longest name of a law that is recognised.
const maxAliasWords = 6

// lawAt reads the law that closes a citation: "SGB I", "WoGG", "des
// Wohngeldgesetzes", "der Verordnung (EU) 2016/679", "LBO BW".
func (p *parser) lawAt(i int) (law string, end int, ok bool) {
	j := p.skipSpace(i)
	if j == i || j >= len(p.text) {
		return "", 0, false
	}
	if law, end, ok = p.nameAt(j); ok {
		return law, end, true
	}
	for _, article := range []string{"des", "der", "dem", "zum", "zur"} {
		rest, found := strings.CutPrefix(p.text[j:], article)
		if !found || !startsSpace(rest) {
			continue
		}
		return p.aliasAt(p.skipSpace(j + len(article)))
	}
	return "", 0, false
}

// nameAt reads a book of the SGB, a known name or something that looks like an
// abbreviation of a law.
func (p *parser) nameAt(i int) (law string, end int, ok bool) {
	if law, end, ok = p.socialCodeAt(i); ok {
		return law, end, true
	}
	if law, end, ok = p.aliasAt(i); ok {
		return law, end, true
	}
	return p.abbreviationAt(i)
}

// socialCodeAt reads "SGB I", "SGB 10", "SGB-X".
func (p *parser) socialCodeAt(i int) (string, int, bool) {
	rest, ok := strings.CutPrefix(p.text[i:], "SGB")
	if !ok || rest == "" {
		return "", 0, false
	}
	j := i + len("SGB")
	if rest[0] == '-' {
		j++
	} else {
		j = p.skipSpace(j)
	}
	end := j
	for end < len(p.text) && end-j < 5 && (isDigit(p.text[end]) || strings.IndexByte("IVX", p.text[end]) >= 0) {
		end++
	}
	if end == j || p.inWord(end) {
		return "", 0, false
	}
	roman, ok := bookNumber(p.text[j:end])
	return "SGB " + roman, end, ok
}

// bookNumber turns "10" and "X" into "X".
func bookNumber(s string) (string, bool) {
	romans := []string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV"}
	if n, err := strconv.Atoi(s); err == nil && n >= 1 && n <= len(romans) {
		return romans[n-1], true
	}
	return s, slices.Contains(romans, s)
}

// aliasAt reads the longest known name of a law, also in the genitive.
func (p *parser) aliasAt(i int) (string, int, bool) {
	law, end, ok := "", 0, false
	j := i
	for words := 0; words < maxAliasWords && j < len(p.text); words++ {
		j = p.wordEnd(j)
		name := strings.TrimRight(p.text[i:j], ".,;:)")
		if strings.Count(name, "(") > strings.Count(name, ")") {
			name += ")"
		}
		if len(name) > 200 {
			break
		}
		if s, found := p.register.named(name); found {
			law, end, ok = s.Abbr, min(i+len(name), len(p.text)), true
		}
		next := p.skipSpace(j)
		if next == j {
			break
		}
		j = next
	}
	return law, end, ok
}

// named finds a statute by a name that may stand in the genitive.
func (r *Register) named(name string) (*Statute, bool) {
	if s, ok := r.Statute(name); ok {
		return s, true
	}
	for _, ending := range []string{"es", "s"} {
		if stem, cut := strings.CutSuffix(name, ending); cut && len(stem) > 6 {
			if s, ok := r.Statute(stem); ok {
				return s, true
			}
		}
	}
	return nil, false
}

// abbreviationAt reads a word with at least two capitals ("LBOVVO", "BauGB"),
// with the Land behind it if there is one.
func (p *parser) abbreviationAt(i int) (string, int, bool) {
	j, capitals := i, 0
	for j < len(p.text) && j-i < 24 {
		r, size := utf8.DecodeRuneInString(p.text[j:])
		if !unicode.IsLetter(r) && !(r == '-' && j > i) && !(unicode.IsDigit(r) && j > i) {
			break
		}
		if unicode.IsUpper(r) {
			capitals++
		}
		j += size
	}
	first, _ := utf8.DecodeRuneInString(p.text[i:])
	if capitals < 2 || !unicode.IsUpper(first) || p.inWord(j) || j > 0 && p.text[j-1] == '-' {
		return "", 0, false
	}
	name := p.text[i:j]
	next := p.skipSpace(j)
	if end := p.wordEnd(next); next > j && isLand(strings.TrimRight(p.text[next:end], ".,;)")) {
		land := strings.TrimRight(p.text[next:end], ".,;)")
		return name + " " + land, next + len(land), true
	}
	return name, j, true
}

// lawBefore reads a law directly in front of the §: "BMG § 21".
func (p *parser) lawBefore(start int) (law string, begin int, ok bool) {
	trimmed := strings.TrimRight(p.text[:start], " \u00a0")
	if len(trimmed) == start {
		return "", 0, false
	}
	begin = len(trimmed)
	for words := 0; words < 2 && begin > 0; words++ {
		cut := strings.LastIndexAny(trimmed[:begin], " \n\t(„\"")
		name := trimmed[cut+1:]
		if s, found := p.register.Statute(strings.TrimLeft(name, "(„\"")); found {
			return s.Abbr, cut + 1, true
		}
		if cut <= 0 {
			break
		}
		begin = cut
	}
	return "", 0, false
}

// wordEnd is the end of the word at i; no name of a law has longer words.
func (p *parser) wordEnd(i int) int {
	for limit := i + 200; i < len(p.text) && i < limit; {
		r, size := utf8.DecodeRuneInString(p.text[i:])
		if unicode.IsSpace(r) {
			break
		}
		i += size
	}
	return i
}

// isLand says whether s is the usual abbreviation of a Land behind a law.
func isLand(s string) bool {
	return slices.Contains([]string{"BW", "BY", "BE", "BB", "HB", "HH", "HE", "MV", "NI", "NW", "NRW", "RP", "SL", "SN", "ST", "SH", "TH"}, s)
}

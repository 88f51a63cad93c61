// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ParseCitations finds all citations in a German text, in order. Enumerations
// give one citation per member: "§§ 9, 23 Abs. 3 WoGG" are two, both of the
// WoGG; of a range ("§§ 187 bis 193 BGB") both ends. A § without a law is
// returned with an empty Law.
func ParseCitations(text string) []Citation { return Default().Parse(text) }

// Parse is ParseCitations with the laws of this register.
func (r *Register) Parse(text string) []Citation {
	p := parser{text: text, register: r}
	for p.pos < len(text) {
		if unit, plural, next, ok := p.unitAt(p.pos); ok {
			if p.group(unit, plural, next) {
				continue
			}
		}
		_, size := utf8.DecodeRuneInString(text[p.pos:])
		p.pos += size
	}
	p.inheritLaws()
	return p.found
}

// parser walks over a text once. It never goes back behind pos.
type parser struct {
	text     string
	pos      int
	register *Register
	found    []Citation
}

// Levels below the section, from coarse to fine.
const (
	levelSection = iota
	levelParagraph
	levelSubparagraph
	levelSentence
	levelNumber
	levelLetter
)

// keyword is a word that introduces a level.
type keyword struct {
	word  string
	level int
}

// keywords are tried in order: longer before shorter.
func keywords() []keyword {
	return []keyword{
		{"Absätzen", levelParagraph},
		{"Absatzes", levelParagraph},
		{"Absätze", levelParagraph},
		{"Absatz", levelParagraph},
		{"Abs.", levelParagraph},
		{"Abs", levelParagraph},
		{"Unterabsatz", levelSubparagraph},
		{"UAbs.", levelSubparagraph},
		{"Halbsatz", levelSentence},
		{"Sätze", levelSentence},
		{"Satz", levelSentence},
		{"S.", levelSentence},
		{"Nummern", levelNumber},
		{"Nummer", levelNumber},
		{"Nrn.", levelNumber},
		{"Nr.", levelNumber},
		{"Ziffer", levelNumber},
		{"Ziff.", levelNumber},
		{"Buchstaben", levelLetter},
		{"Buchstabe", levelLetter},
		{"Buchst.", levelLetter},
		{"lit.", levelLetter},
	}
}

// unitAt recognises "§", "§§", "Art.", "Artikel", "Anlage", "Anhang".
func (p *parser) unitAt(i int) (unit string, plural bool, next int, ok bool) {
	t := p.text[i:]
	if strings.HasPrefix(t, "§") {
		n := 0
		for strings.HasPrefix(t[n*len("§"):], "§") {
			n++
		}
		return UnitSection, n > 1, i + n*len("§"), true
	}
	if c := t[0]; c != 'A' {
		return "", false, 0, false
	}
	if i > 0 {
		if before, _ := utf8.DecodeLastRuneInString(p.text[:i]); unicode.IsLetter(before) || unicode.IsDigit(before) {
			return "", false, 0, false
		}
	}
	for _, w := range []struct {
		word, unit string
		plural     bool
	}{{"Artikeln", UnitArticle, true}, {"Artikels", UnitArticle, false}, {"Artikel", UnitArticle, false}, {"Art.", UnitArticle, false}, {"Art", UnitArticle, false}, {"Anlage", UnitAnnex, false}, {"Anhang", "Anhang", false}} {
		if rest, found := strings.CutPrefix(t, w.word); found && startsSpace(rest) {
			return w.unit, w.plural, i + len(w.word), true
		}
	}
	return "", false, 0, false
}

// group parses everything up to and with the law that closes an enumeration.
// It returns false, and moves nothing, if no number follows the unit.
func (p *parser) group(unit string, plural bool, next int) bool {
	start := p.pos
	number, i, ok := p.sectionNumber(unit, p.skipSpace(next))
	if !ok {
		return false
	}
	first := len(p.found)
	c := Citation{Start: start, Unit: unit, Section: number}
	level := levelSection
	for {
		if lvl, value, end, found := p.keywordAt(i); found {
			setLevel(&c, lvl, value)
			level, i = lvl, end
			continue
		}
		if value, end, found := p.parenthesised(i); found && level == levelSection && unit != UnitAnnex {
			c.Paragraph = value
			level, i = levelParagraph, end
			continue
		}
		i = p.skipFollowing(i)
		nextC, nextLevel, begin, end, found := p.continued(c, level, plural, i)
		if !found {
			break
		}
		c.End = i
		p.found = append(p.found, c)
		c, level, i = nextC, nextLevel, end
		c.Start = begin
	}
	law, end, found := p.lawAt(i)
	if found {
		i = end
	}
	c.End = i
	p.found = append(p.found, c)
	p.finish(first, law, unit)
	p.pos = i
	return true
}

// finish gives a group its law and its texts. An annex without a law is an
// enclosure of a letter, not a norm.
func (p *parser) finish(first int, law, unit string) {
	if law == "" {
		if before, begin, ok := p.lawBefore(p.found[first].Start); ok {
			law = before
			p.found[first].Start = begin
		}
	}
	if law == "" && (unit == UnitAnnex || unit == "Anhang") {
		p.found = p.found[:first]
		return
	}
	for i := first; i < len(p.found); i++ {
		p.found[i].Law = law
		p.found[i].Text = p.text[p.found[i].Start:p.found[i].End]
	}
}

// continued reads a further member of an enumeration: ", 23 Abs. 3", " und 3",
// " bis 193", "–5", " und Abs. 2", " und Nr. 2".
func (p *parser) continued(c Citation, level int, plural bool, i int) (next Citation, nextLevel, begin, end int, ok bool) {
	j, ok := p.separator(i)
	if !ok {
		return c, 0, 0, 0, false
	}
	if lvl, value, after, found := p.keywordAt(j); found {
		next = c
		setLevel(&next, lvl, value)
		return next, lvl, j, after, true
	}
	asSection := level == levelSection || plural
	if asSection {
		value, after, found := p.sectionNumber(c.Unit, j)
		if !found || (!plural && !p.mayFollow(after)) {
			return c, 0, 0, 0, false
		}
		return Citation{Unit: c.Unit, Section: value}, levelSection, j, after, true
	}
	value, after, found := p.value(level, j)
	if !found || !p.mayFollow(after) {
		return c, 0, 0, 0, false
	}
	next = c
	setLevel(&next, level, value)
	return next, level, j, after, true
}

// setLevel changes one level and clears the finer ones.
func setLevel(c *Citation, level int, value string) {
	fields := []*string{levelParagraph: &c.Paragraph, levelSubparagraph: &c.Subparagraph, levelSentence: &c.Sentence, levelNumber: &c.Number, levelLetter: &c.Letter}
	*fields[level] = value
	for _, f := range fields[level+1:] {
		*f = ""
	}
}

// keywordAt reads "Abs. 1", "Nr. 2a", "Buchst. b" after optional space.
func (p *parser) keywordAt(i int) (level int, value string, end int, ok bool) {
	j := p.skipSpace(i)
	if j >= len(p.text) {
		return 0, "", 0, false
	}
	for _, k := range keywords() {
		rest, found := strings.CutPrefix(p.text[j:], k.word)
		if !found {
			continue
		}
		if !strings.HasSuffix(k.word, ".") && !startsSpace(rest) {
			continue
		}
		value, end, ok = p.value(k.level, p.skipSpace(j+len(k.word)))
		if ok {
			return k.level, value, end, true
		}
	}
	return 0, "", 0, false
}

// parenthesised reads "(3)" as an Absatz.
func (p *parser) parenthesised(i int) (string, int, bool) {
	j := p.skipSpace(i)
	if j >= len(p.text) || p.text[j] != '(' {
		return "", 0, false
	}
	value, end, ok := p.value(levelParagraph, j+1)
	if !ok || end >= len(p.text) || p.text[end] != ')' {
		return "", 0, false
	}
	return value, end + 1, true
}

// value reads a number with letters, or letters on the level of Buchstaben.
func (p *parser) value(level, i int) (string, int, bool) {
	j := i
	if level != levelLetter {
		for j < len(p.text) && j-i < 4 && isDigit(p.text[j]) {
			j++
		}
		if j == i || j < len(p.text) && isDigit(p.text[j]) {
			return "", 0, false
		}
	}
	letters := j
	for j < len(p.text) && j-letters < 2 && p.text[j] >= 'a' && p.text[j] <= 'z' {
		j++
	}
	if p.inWord(j) {
		if level == levelLetter {
			return "", 0, false
		}
		j = letters
		if p.inWord(j) {
			return "", 0, false
		}
	}
	return p.text[i:j], j, j > i
}

// sectionNumber reads "60", "66a" or, for an Anhang, "III".
func (p *parser) sectionNumber(unit string, i int) (string, int, bool) {
	if unit == "Anhang" {
		j := i
		for j < len(p.text) && j-i < 6 && strings.IndexByte("IVXL", p.text[j]) >= 0 {
			j++
		}
		if j > i && !p.inWord(j) {
			return p.text[i:j], j, true
		}
	}
	return p.value(levelParagraph, i)
}

// mayFollow says whether an enumeration can go on or end here; it keeps
// "§ 66 Abs. 3, 12 Monate" from being read as an Absatz 12.
func (p *parser) mayFollow(i int) bool {
	j := p.skipSpace(i)
	if j >= len(p.text) || strings.IndexByte(".;:)],", p.text[j]) >= 0 {
		return true
	}
	if _, _, _, ok := p.keywordAt(i); ok {
		return true
	}
	if _, ok := p.separator(i); ok {
		return true
	}
	_, _, ok := p.lawAt(i)
	return ok
}

// skipFollowing skips "f." and "ff.".
func (p *parser) skipFollowing(i int) int {
	j := p.skipSpace(i)
	for _, word := range []string{"ff.", "ff", "f."} {
		if rest, ok := strings.CutPrefix(p.text[j:], word); ok && !startsLetter(rest) {
			return j + len(word)
		}
	}
	return i
}

// separator skips ", ", " und ", " bis ", "–" between members.
func (p *parser) separator(i int) (int, bool) {
	j := p.skipSpace(i)
	for _, word := range []string{",", "–", "-", "/", "und", "oder", "sowie", "bis"} {
		rest, ok := strings.CutPrefix(p.text[j:], word)
		if !ok || word[0] >= 'a' && word[0] <= 'z' && !startsSpace(rest) {
			continue
		}
		return p.skipSpace(j + len(word)), true
	}
	return i, false
}

// inheritLaws gives a citation without a law the one of its neighbour:
// "§ 23 Abs. 1 Satz 3, § 27 Abs. 3 WoGG".
func (p *parser) inheritLaws() {
	for i := len(p.found) - 2; i >= 0; i-- {
		c, next := &p.found[i], p.found[i+1]
		if c.Law != "" || next.Law == "" || next.Start < c.End {
			continue
		}
		switch strings.Trim(p.text[c.End:next.Start], " ,\n\u00a0") {
		case "", "und", "oder", "sowie", "bis", "/", "–", "i.V.m.", "i. V. m.", "in Verbindung mit":
			c.Law = next.Law
		}
	}
}

func (p *parser) skipSpace(i int) int {
	for n := 0; i < len(p.text) && n < 4; n++ {
		r, size := utf8.DecodeRuneInString(p.text[i:])
		if r == utf8.RuneError || !unicode.IsSpace(r) {
			break
		}
		i += size
	}
	return i
}

// inWord says whether a letter or digit stands at i.
func (p *parser) inWord(i int) bool {
	r, _ := utf8.DecodeRuneInString(p.text[min(i, len(p.text)):])
	return i < len(p.text) && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func startsSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && unicode.IsSpace(r)
}

func startsLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && unicode.IsLetter(r)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

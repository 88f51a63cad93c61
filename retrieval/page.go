// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"strings"
	"unicode"

	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// pagePieces cuts running text at headings and empty lines. Paragraphs and
// tables stay whole up to maxChunk.
func (d Document) pagePieces(p extract.Page, headings *outline) []piece {
	var out []piece
	for _, b := range blocks(p.Text, headings) {
		for _, s := range splitLong(p.Text, b.span, maxChunk) {
			if s = trim(p.Text, s); s.end <= s.start {
				continue
			}
			piece := d.piece(p.Text, s, p.Number, b.path, "")
			piece.header = cut(strings.TrimSpace(d.Title+" "+b.path), maxHeader)
			out = append(out, piece)
		}
	}
	return out
}

// block is text under one heading.
type block struct {
	span
	path string
}

// blocks collects paragraphs under the same heading up to the wanted size.
func blocks(text string, headings *outline) []block {
	var out []block
	for _, s := range splitAt(text, span{0, len(text)}, startsBlock(text)) {
		fresh := headings.read(text[s.start:s.end])
		path := headings.path()
		n := len(out)
		if n > 0 && !fresh && out[n-1].end-out[n-1].start < wantedChunk && s.end-out[n-1].start <= maxChunk {
			out[n-1].end = s.end
			continue
		}
		out = append(out, block{s, path})
	}
	return out
}

// startsBlock is true for a line after an empty one, and for a heading.
func startsBlock(string) func(string) bool {
	blank := false
	return func(line string) bool {
		empty := strings.TrimSpace(line) == ""
		starts := !empty && (blank || headingLevel(line) > 0)
		blank = empty
		return starts
	}
}

// outline is the path of headings a place stands under.
type outline struct{ titles []string }

// read takes the heading a block begins with, and says whether there is one.
func (o *outline) read(block string) bool {
	line, _, _ := strings.Cut(strings.TrimLeft(block, "\n"), "\n")
	level := headingLevel(line)
	if level == 0 {
		return false
	}
	level = min(level, maxHeadings)
	if len(o.titles) >= level {
		o.titles = o.titles[:level-1]
	}
	o.titles = append(o.titles, strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "#")))
	return true
}

func (o *outline) path() string { return strings.Join(o.titles, " › ") }

// headingLevel is 1 and up for a heading: "## Frist", "2.1 Frist", "FRIST".
func headingLevel(line string) int {
	line = strings.TrimSpace(line)
	if line == "" || len(line) > maxHeadLine {
		return 0
	}
	if hashes := len(line) - len(strings.TrimLeft(line, "#")); hashes > 0 {
		if strings.HasPrefix(line[hashes:], " ") {
			return hashes
		}
		return 0
	}
	if strings.ContainsAny(line[len(line)-1:], ".,;:!?") || strings.Contains(line, "   ") || strings.Contains(line, "\t") {
		return 0
	}
	number, title, ok := strings.Cut(line, " ")
	if ok && isOutlineNumber(number) && startsUpper(title) {
		return 1 + strings.Count(strings.TrimSuffix(number, "."), ".")
	}
	if isCapitals(line) {
		return 1
	}
	return 0
}

// isOutlineNumber is true for "2.", "2.1" and "2.1.", not for "17.05.2026".
func isOutlineNumber(s string) bool {
	if !strings.Contains(s, ".") {
		return false
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if len(part) == 0 || len(part) > 2 || part[0] == '0' || strings.Trim(part, "0123456789") != "" {
			return false
		}
	}
	return true
}

func startsUpper(s string) bool {
	for _, r := range s {
		return unicode.IsUpper(r)
	}
	return false
}

// isCapitals is true for a line of at least two words in capitals only.
func isCapitals(line string) bool {
	letters := 0
	for _, r := range line {
		if unicode.IsDigit(r) || unicode.IsLower(r) {
			return false
		}
		if unicode.IsLetter(r) {
			letters++
		}
	}
	return letters >= 8 && strings.Contains(line, " ")
}

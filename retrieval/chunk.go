// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Sizes of chunks in bytes.
const (
	maxSection   = 2000 // a section up to this size stays whole
	wantedChunk  = 800  // other text is collected up to this size …
	maxChunk     = 1600 // … and never beyond this one
	maxHeader    = 300
	maxHeadings  = 3
	maxHeadLine  = 90
	minParagraph = 200 // a shorter Absatz goes with the next one
)

// span is a piece of a text: bytes [start, end).
type span struct{ start, end int }

// Hash is the hash a citation carries of its passage.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// piece is a chunk before its terms are counted.
type piece struct {
	header   string
	text     string
	norm     string
	citation gateway.Citation
}

// pieces cuts a document. Every text is exactly the bytes [Start, End) of its
// section or page.
func (d Document) pieces() []piece {
	var out []piece
	for _, s := range d.Sections {
		out = append(out, d.sectionPieces(s)...)
	}
	headings := &outline{}
	for _, p := range d.Pages {
		out = append(out, d.pagePieces(p, headings)...)
	}
	return out
}

func (d Document) piece(text string, s span, page int, section, url string) piece {
	if url == "" {
		url = d.URL
	}
	text = text[s.start:s.end]
	return piece{text: text, citation: gateway.Citation{
		Source: d.Source, Document: d.ID, Title: d.Title, Version: d.Version, Page: page, Section: section,
		Start: s.start, End: s.end, SHA256: Hash(text), URL: url, Stand: d.Stand,
	}}
}

// sectionPieces keeps a section whole, or cuts it at its Absätze, then at their
// Nummern.
func (d Document) sectionPieces(s Section) []piece {
	header := cut(strings.TrimSpace(strings.Join([]string{d.Statute, s.Number, s.Heading}, " ")), maxHeader)
	parts := []span{trim(s.Text, span{0, len(s.Text)})}
	if len(s.Text) > maxSection {
		parts = splitParagraphs(s.Text)
	}
	var out []piece
	for _, part := range parts {
		if part.end <= part.start {
			continue
		}
		label := sectionLabel(s, d.Statute, paragraphOf(s.Text, part), len(parts) > 1)
		p := d.piece(s.Text, part, 0, label, s.URL)
		p.header, p.norm = header, normKey(d.Statute, s.Number)
		out = append(out, p)
	}
	return out
}

// sectionLabel is "§ 17 Abs. 2 BMG", or the heading where there is no number.
func sectionLabel(s Section, statute, paragraph string, split bool) string {
	if s.Number == "" {
		return s.Heading
	}
	label := s.Number
	if split && paragraph != "" {
		label += " Abs. " + paragraph
	}
	return strings.TrimSpace(label + " " + statute)
}

// splitParagraphs cuts at lines that begin with "(2)", and what is still too
// long at lines that begin with "3.", then anywhere sensible. Short neighbours
// stay together.
func splitParagraphs(text string) []span {
	var out []span
	for _, s := range splitAt(text, span{0, len(text)}, isParagraphStart) {
		if s.end-s.start <= maxSection {
			out = append(out, s)
			continue
		}
		for _, n := range packed(splitAt(text, s, isNumberStart), maxSection, maxSection) {
			out = append(out, splitLong(text, n, maxSection)...)
		}
	}
	return joinShort(text, out)
}

// joinShort puts an Absatz of a few words together with the next one.
func joinShort(text string, spans []span) []span {
	var out []span
	for _, s := range spans {
		s = trim(text, s)
		if s.start >= s.end {
			continue
		}
		if n := len(out); n > 0 && out[n-1].end-out[n-1].start < minParagraph && s.end-out[n-1].start <= maxSection {
			out[n-1].end = s.end
			continue
		}
		out = append(out, s)
	}
	return out
}

// splitAt cuts before every line for which starts is true.
func splitAt(text string, within span, starts func(line string) bool) []span {
	var out []span
	begin := within.start
	for at := within.start; at < within.end; {
		end := lineEnd(text, at, within.end)
		if at > begin && starts(text[at:end]) {
			out = append(out, span{begin, at})
			begin = at
		}
		at = end
	}
	return append(out, span{begin, within.end})
}

// lineEnd is the place after the line's "\n".
func lineEnd(text string, from, limit int) int {
	if i := strings.IndexByte(text[from:limit], '\n'); i >= 0 {
		return from + i + 1
	}
	return limit
}

func isParagraphStart(line string) bool { return paragraphNumber(line) != "" }

// paragraphNumber reads "2" of "(2) …" and "3a" of "(3a) …".
func paragraphNumber(line string) string {
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "(")
	if !ok {
		return ""
	}
	number, _, ok := strings.Cut(rest, ")")
	if !ok || !isNumber(number) {
		return ""
	}
	return number
}

// isNumberStart is true for "1. …" and "12a. …".
func isNumberStart(line string) bool {
	number, _, ok := strings.Cut(strings.TrimLeft(line, " "), ".")
	return ok && isNumber(number)
}

// isNumber is true for "2" and "12a".
func isNumber(s string) bool {
	digits := strings.TrimRightFunc(s, func(r rune) bool { return r >= 'a' && r <= 'z' })
	if len(digits) == 0 || len(digits) > 3 || len(s)-len(digits) > 1 {
		return false
	}
	return strings.Trim(digits, "0123456789") == ""
}

// paragraphOf is the number of the Absatz a span begins in.
func paragraphOf(text string, s span) string {
	number := ""
	for at := 0; at <= s.start && at < len(text); {
		end := lineEnd(text, at, len(text))
		if n := paragraphNumber(text[at:end]); n != "" {
			number = n
		}
		at = end
	}
	return number
}

// packed joins neighbours until they reach wanted, never beyond most.
func packed(spans []span, wanted, most int) []span {
	var out []span
	for _, s := range spans {
		n := len(out)
		if n > 0 && out[n-1].end-out[n-1].start < wanted && s.end-out[n-1].start <= most {
			out[n-1].end = s.end
			continue
		}
		out = append(out, s)
	}
	return out
}

// splitLong cuts what has no structure at line ends, sentence ends or blanks.
func splitLong(text string, s span, most int) []span {
	var out []span
	for s.end-s.start > most {
		at := s.start + breakPoint(text[s.start:s.start+most])
		out = append(out, span{s.start, at})
		s.start = at
	}
	return append(out, s)
}

// breakPoint is the best place to cut in the second half of a text.
func breakPoint(text string) int {
	half := len(text) / 2
	for _, mark := range []string{"\n\n", "\n", ". ", "; ", " "} {
		if i := strings.LastIndex(text[half:], mark); i >= 0 {
			return half + i + len(mark)
		}
	}
	for at := len(text); at > len(text)-utf8.UTFMax && at > 0; at-- {
		if at < len(text) && utf8.RuneStart(text[at]) {
			return at
		}
	}
	return len(text)
}

// trim takes white space off both ends of a span.
func trim(text string, s span) span {
	s.end = s.start + len(strings.TrimRightFunc(text[s.start:s.end], unicode.IsSpace))
	s.start = s.end - len(strings.TrimLeftFunc(text[s.start:s.end], unicode.IsSpace))
	return s
}

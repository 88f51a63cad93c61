// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// Weights of the evidence for a type. A title alone is enough, words alone only
// when there are several.
const (
	weightTitleTop  = 7 // a line among the first begins with the title
	weightTitleLine = 3 // some line begins with it, or an early short line contains it
	weightWord      = 1
	weightAgainst   = 4
	maxWords        = 6
	enough          = 4
	topLines        = 14
)

// guess is what a page was taken for.
type guess struct {
	docType    string // "": not recognised
	confidence float64
	titled     bool
}

// part is a run of pages that belong to one document.
type part struct {
	guess
	pages []extract.Page
}

// page is a page prepared for comparison.
type page struct {
	text  string
	lines []string
}

func preparePage(text string) page {
	p := page{text: fold(text)}
	for line := range strings.SplitSeq(text, "\n") {
		// Recognised text often has a frame or a speck in front of the words.
		line = strings.TrimLeftFunc(fold(line), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '§' })
		if line != "" {
			p.lines = append(p.lines, line)
		}
	}
	return p
}

// classify says what kind of document a page is.
func (t *documentTypes) classify(text string) guess {
	p := preparePage(text)
	var best, second guess
	top, next := 0, 0
	for _, d := range t.Types {
		n, titled := score(d, p)
		g := guess{docType: d.ID, titled: titled}
		if n > top {
			best, second, top, next = g, best, n, top
			continue
		}
		if n > next {
			second, next = g, n
		}
	}
	if top < enough || top == next && second.docType != best.docType {
		return guess{}
	}
	best.confidence = min(0.99, 0.5+float64(top-next)/float64(2*top))
	if best.docType == "kontoauszug" && rentBooking(p) {
		best.docType = "kontoauszug_miete"
	}
	return best
}

func score(d DocumentType, p page) (n int, titled bool) {
	n = titleScore(d.Titles, p.lines)
	titled = n >= weightTitleTop
	words := 0
	for _, w := range d.Words {
		if strings.Contains(p.text, w) {
			words += weightWord
		}
	}
	n += min(words, maxWords)
	for _, w := range d.Against {
		if strings.Contains(p.text, w) {
			n -= weightAgainst
		}
	}
	return n, titled
}

func titleScore(titles, lines []string) int {
	best := 0
	for i, line := range lines {
		for _, title := range titles {
			switch {
			case begins(line, title) && i < topLines:
				// The longer title is the more telling one.
				best = max(best, weightTitleTop+len(title)/20)
			case begins(line, title), i < topLines && len(line) < len(title)+30 && strings.Contains(line, title):
				best = max(best, weightTitleLine)
			}
		}
	}
	return best
}

// begins says whether the line begins with the title as whole words.
func begins(line, title string) bool {
	rest, ok := strings.CutPrefix(line, title)
	if !ok {
		return false
	}
	for _, r := range rest {
		return !unicode.IsLetter(r)
	}
	return true
}

var debit = regexp.MustCompile(`(^| )-\d{1,3}(\.\d{3})*,\d{2}|\d,\d{2} ?(-|s)( |$)`)

// rentBooking says whether a statement shows a payment of rent. A shop named
// after rent or a credit is none.
func rentBooking(p page) bool {
	return slices.ContainsFunc(p.lines, isRentLine)
}

func isRentLine(line string) bool {
	words := strings.FieldsFunc(line, func(r rune) bool { return !unicode.IsLetter(r) })
	rent := slices.ContainsFunc(words, func(w string) bool {
		return w == "miete" || w == "mietzahlung" || w == "kaltmiete" || w == "warmmiete" || w == "wohnungsmiete" || w == "mietzins"
	})
	return rent && debit.MatchString(line)
}

// split cuts a file into documents, page by page. A page that nothing is known
// about belongs to the document before it, and so does a further page of the
// same type without a title of its own.
func (t *documentTypes) split(pages []extract.Page) []part {
	var out []part
	for _, p := range pages {
		g := t.classify(p.Text)
		last := len(out) - 1
		if last >= 0 && (g.docType == "" || !g.titled && (g.docType == out[last].docType || out[last].docType != "")) {
			out[last].pages = append(out[last].pages, p)
			continue
		}
		if last >= 0 && out[last].docType == "" && !out[last].titled && len(out) == 1 && strings.TrimSpace(text(out[last].pages)) == "" {
			out[last] = part{guess: g, pages: append(out[last].pages, p)} // an empty first page
			continue
		}
		out = append(out, part{guess: g, pages: []extract.Page{p}})
	}
	return out
}

func text(pages []extract.Page) string {
	var b strings.Builder
	for _, p := range pages {
		b.WriteString(p.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

var ticked = regexp.MustCompile(`[☒☑✗✘✓✔x&®]`)

// failed says whether the document reports a failed test. Forms offer both
// answers with boxes; without a readable mark the answer is unknown.
func failed(phrases []string, folded string) (no, unknown bool) {
	for _, phrase := range phrases {
		before, after, found := strings.Cut(folded, phrase)
		if !found {
			continue
		}
		positive := phrase[strings.LastIndexByte(phrase, ' ')+1:]
		rest := before + after
		beforePositive, _, found := strings.Cut(rest, positive)
		if !found {
			return true, false // only the failure is mentioned
		}
		if ticked.MatchString(lastWord(before)) {
			return true, false
		}
		if !ticked.MatchString(lastWord(beforePositive)) {
			unknown = true
		}
	}
	return false, unknown
}

// lastWord is what stands directly before a place.
func lastWord(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return ""
	}
	if w := words[len(words)-1]; len([]rune(w)) <= 3 {
		return w
	}
	return ""
}

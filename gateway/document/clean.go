// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// cleanLine returns s as one line of clean text.
func cleanLine(s string) string {
	return strings.ReplaceAll(cleanText(s), "\n", " ")
}

// cleanText returns s in NFC, valid UTF-8, without control and invisible
// characters, with single blanks and without blanks at the ends of its lines.
func cleanText(s string) string {
	var c cleaner
	return strings.TrimRight(c.text(s), " \n")
}

// cleanRuns cleans the runs of a paragraph as one text, so that the blank between
// two runs survives once, binds its spaces and drops runs that are empty.
func cleanRuns(in []Run) []Run {
	var c cleaner
	out := make([]Run, 0, len(in))
	for _, r := range in {
		if r.Text = bindSpaces(c.text(r.Text)); r.Text != "" {
			out = append(out, r)
		}
	}
	for len(out) > 0 {
		last := &out[len(out)-1]
		if last.Text = strings.TrimRight(last.Text, " \n"); last.Text != "" {
			break
		}
		out = out[:len(out)-1]
	}
	return out
}

// cleaner remembers across runs whether a blank would be superfluous. A blank at
// the end of a line stays away because it is written only before the next letter;
// at the end of a run it is written, for the next run may go on.
type cleaner struct{ inText bool }

func (c *cleaner) text(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n")
	var b strings.Builder
	b.Grow(len(s))
	blank := false
	for _, r := range norm.NFC.String(s) {
		switch r = plain(r); {
		case r < 0:
		case r == ' ':
			blank = c.inText
		case r == '\n':
			b.WriteByte('\n')
			blank, c.inText = false, false
		default:
			if blank {
				b.WriteByte(' ')
			}
			b.WriteRune(r)
			blank, c.inText = false, true
		}
	}
	if blank {
		b.WriteByte(' ')
		c.inText = false
	}
	return b.String()
}

// plain maps blanks to a space, line ends to a line feed, and to -1 what nobody
// sees: controls, marks that turn the direction of foreign text around, tags.
func plain(r rune) rune {
	switch r {
	case '\n', '\r', '\v', '\f', '\u0085', '\u2028', '\u2029':
		return '\n'
	case '\t', '\u2002', '\u2003', '\u2009', '\u200a', '\u3000':
		return ' '
	case '\u200c', '\u200d': // joiners belong to the spelling of some languages
		return r
	case '\uFFFE', '\uFFFF':
		return -1
	}
	if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Cs, r) || r&0xFFFE == 0xFFFE {
		return -1
	}
	return r
}

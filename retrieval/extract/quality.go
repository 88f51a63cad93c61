// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The gate: thresholds a text must pass. German text has about 85 % letters and
// digits among its visible characters; fill-in forms with dotted lines fewer.
const (
	minLetters      = 8    // per file; fewer is as good as empty
	minLetterShare  = 0.30 // letters and digits among visible characters
	maxBrokenShare  = 0.02 // U+FFFD, private use and control characters
	minVowelShare   = 0.60 // words of three letters and more with a vowel
	maxMeanWord     = 25   // letters; more means that the blanks were lost
	minWordsToJudge = 20
)

// normalise brings text into NFC, with "\n" at line ends, without control
// characters and without runs of empty lines.
func normalise(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = norm.NFC.String(s)
	var b strings.Builder
	b.Grow(len(s))
	empty := 0
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n") {
		line = strings.TrimRightFunc(strings.Map(printable, line), unicode.IsSpace)
		if line == "" {
			empty++
			continue
		}
		if b.Len() > 0 {
			b.WriteString(strings.Repeat("\n", 1+min(empty, 1)))
		}
		empty = 0
		b.WriteString(line)
	}
	return b.String()
}

// printable drops control characters and characters that reorder or hide text.
func printable(r rune) rune {
	switch {
	case r == '\t':
		return r
	case r == '\u00AD', r == '\uFEFF', r >= '\u202A' && r <= '\u202E', r >= '\u2066' && r <= '\u2069':
		return -1
	case r >= 0xE0000 && r <= 0xE007F: // tag characters: invisible text
		return -1
	case unicode.Is(unicode.Cc, r):
		return -1
	}
	return r
}

// gate refuses text that is no text: nothing there, broken characters, fonts
// without a mapping, lost blanks.
func gate(pages []Page) error {
	var s stats
	for _, p := range pages {
		s.add(p.Text)
	}
	switch {
	case s.letters < minLetters:
		return fmt.Errorf("%d letters found: %w", s.letters, ErrUnreadable)
	case share(s.letters+s.digits, s.visible) < minLetterShare:
		return fmt.Errorf("too few letters: %w", ErrUnreadable)
	case share(s.broken, s.visible) > maxBrokenShare:
		return fmt.Errorf("broken characters: %w", ErrUnreadable)
	case s.words >= minWordsToJudge && share(s.vowelWords, s.words) < minVowelShare:
		return fmt.Errorf("no words: %w", ErrUnreadable)
	case s.words >= minWordsToJudge && s.wordLetters/s.words > maxMeanWord:
		return fmt.Errorf("blanks are lost: %w", ErrUnreadable)
	}
	return nil
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// stats counts what the gate looks at.
type stats struct {
	visible, letters, digits, broken int
	words, vowelWords, wordLetters   int
}

func (s *stats) add(text string) {
	length, vowel := 0, false
	end := func() {
		if length >= 3 {
			s.words++
			s.wordLetters += length
			if vowel {
				s.vowelWords++
			}
		}
		length, vowel = 0, false
	}
	for _, r := range text {
		if unicode.IsLetter(r) {
			s.visible++
			s.letters++
			length++
			vowel = vowel || !unicode.Is(unicode.Latin, r) || isVowel(r)
			continue
		}
		end()
		switch {
		case unicode.IsSpace(r):
			continue
		case unicode.IsDigit(r):
			s.digits++
		case r == unicode.ReplacementChar, unicode.Is(unicode.Co, r), unicode.IsControl(r):
			s.broken++
		}
		s.visible++
	}
	end()
}

func isVowel(r rune) bool {
	first := []rune(norm.NFD.String(string(unicode.ToLower(r))))[0]
	return strings.ContainsRune("aeiouyæøœ", first)
}

// letters of a text, to tell an empty page.
func letters(text string) int {
	var s stats
	s.add(text)
	return s.letters
}

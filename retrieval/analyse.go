// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/german"
	"golang.org/x/text/unicode/norm"
)

const (
	gramLength = 4
	maxWord    = 64 // longer runs of letters are no words
	// TermSpace is the number of places a term can be hashed to.
	TermSpace = 1_000_000_000
)

// Term is a stem or a 4-gram, as its place in the common term space.
type Term = uint32

// analyse returns how often each term stands in a text: German stems and the
// character 4-grams of the words, in one space.
func analyse(text string) map[Term]int {
	terms := map[Term]int{}
	env := snowballstem.NewEnv("")
	for _, word := range words(text) {
		terms[stem(env, word)]++
		grams(word, func(g string) { terms[place('g', g)]++ })
	}
	return terms
}

// words returns the words of a text in NFKC and lower case, without soft
// hyphens, and joined again where a line end broke them.
func words(text string) []string {
	text = strings.ToLower(norm.NFKC.String(joinLines(text)))
	var out []string
	start := -1
	for i, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if start < 0 {
				start = i
			}
			continue
		}
		if start >= 0 {
			out = appendWord(out, text[start:i])
			start = -1
		}
	}
	if start >= 0 {
		out = appendWord(out, text[start:])
	}
	return out
}

func appendWord(out []string, word string) []string {
	if len(word) > maxWord {
		word = cut(word, maxWord)
	}
	return append(out, word)
}

// joinLines removes soft hyphens, and hyphens at line ends before a lower-case
// letter; not in "Personalausweis-\nund Passamt".
func joinLines(text string) string {
	text = strings.ReplaceAll(text, "\u00AD", "")
	if !strings.Contains(text, "-\n") {
		return text
	}
	var b strings.Builder
	parts := strings.Split(text, "-\n")
	for i, part := range parts {
		part = strings.TrimLeft(part, " ")
		b.WriteString(part)
		if i+1 == len(parts) {
			break
		}
		next, _ := utf8.DecodeRuneInString(strings.TrimLeft(parts[i+1], " "))
		last, _ := utf8.DecodeLastRuneInString(part)
		if !unicode.IsLower(next) || !unicode.IsLetter(last) || isConjunction(parts[i+1]) {
			b.WriteString("-\n")
		}
	}
	return b.String()
}

func isConjunction(text string) bool {
	word, _, _ := strings.Cut(strings.TrimLeft(cut(text, maxWord), " "), " ")
	return word == "und" || word == "oder" || word == "bzw."
}

func stem(env *snowballstem.Env, word string) Term {
	env.SetCurrent(word)
	german.Stem(env)
	return place('s', env.Current())
}

// grams calls use with every 4-gram of "_word_".
func grams(word string, use func(string)) {
	padded := "_" + word + "_"
	starts := make([]int, 0, len(padded)+1)
	for i := range padded {
		starts = append(starts, i)
	}
	starts = append(starts, len(padded))
	for i := 0; i+gramLength < len(starts); i++ {
		use(padded[starts[i]:starts[i+gramLength]])
	}
}

// place hashes a term; kind keeps stems and grams apart.
func place(kind byte, s string) Term {
	h := fnv.New64a()
	_, _ = h.Write([]byte{kind})
	_, _ = h.Write([]byte(s))
	return Term(h.Sum64() % TermSpace)
}

// cut shortens a string to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

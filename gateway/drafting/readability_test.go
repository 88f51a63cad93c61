// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"strings"
	"testing"
	"unicode"
)

// The first Wiener Sachtextformel gives about the school grade a text needs:
// 0.1935 MS + 0.1672 SL + 0.1297 IW − 0.0327 ES − 0.875 with the shares (in
// percent) of words of three or more syllables, of more than six letters and of
// one syllable, and SL words per sentence.
func wstf1(sentences [][]string) float64 {
	var words, long, many, single float64
	for _, s := range sentences {
		for _, w := range s {
			words++
			n := syllables(w)
			if n >= 3 {
				many++
			}
			if n == 1 {
				single++
			}
			if len([]rune(w)) > 6 {
				long++
			}
		}
	}
	return 0.1935*100*many/words + 0.1672*words/float64(len(sentences)) + 0.1297*100*long/words - 0.0327*100*single/words - 0.875
}

// syllables counts groups of vowels; a diphthong is one.
func syllables(w string) int {
	n, before := 0, false
	for _, r := range strings.ToLower(w) {
		vowel := strings.ContainsRune("aeiouyäöü", r)
		if vowel && !before {
			n++
		}
		before = vowel
	}
	return max(n, 1)
}

// sentencesOf splits a text; abbreviations and dates do not end a sentence.
func sentencesOf(text string) [][]string {
	text = strings.NewReplacer("E-Mail", "Email", "z. B.", "zB").Replace(text)
	var list [][]string
	var sentence []string
	for w := range strings.FieldsSeq(text) {
		word := strings.TrimFunc(w, func(r rune) bool { return !unicode.IsLetter(r) })
		if word != "" && !strings.ContainsAny(w, "@/0123456789") {
			sentence = append(sentence, word)
		}
		if last := w[len(w)-1]; (last == '.' || last == '?' || last == '!') && !isDayNumber(w) && len(sentence) > 0 {
			list, sentence = append(list, sentence), nil
		}
	}
	if len(sentence) > 0 {
		list = append(list, sentence)
	}
	return list
}

func isDayNumber(w string) bool {
	w = strings.TrimSuffix(w, ".")
	return w != "" && strings.Trim(w, "0123456789") == ""
}

// TestReadability measures what is written for citizens: all but mandatory legal
// wording, legal bases and the head of the letter.
func TestReadability(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{KindRequest, KindReceipt} {
		in := housing()
		in.Kind, in.Duration = kind, "etwa acht Wochen"
		d := draft(t, setup(t, nil), in)
		var sentences [][]string
		for _, p := range d.Parts {
			if p.Legal || p.Block == blockHead || p.Block == "punkte" || p.Block == "selbst-punkte" || p.Block == "unterschrift" {
				continue
			}
			for _, c := range setup(t, nil).drafter.register.Parse(p.Text) {
				p.Text = strings.ReplaceAll(p.Text, "("+c.Text+")", "")
			}
			sentences = append(sentences, sentencesOf(p.Text)...)
		}
		words, longest := 0, 0
		for _, s := range sentences {
			words += len(s)
			if len(s) > longest {
				longest = len(s)
			}
		}
		mean, score := float64(words)/float64(len(sentences)), wstf1(sentences)
		t.Logf("%s: WSTF1 %.1f, %.1f words per sentence, longest %d, %d words", kind, score, mean, longest, words)
		if score > 11 || mean > 15 || longest > 25 {
			t.Errorf("%s: WSTF1 %.1f (goal 11), %.1f words per sentence (goal 15), longest %d (goal 25)", kind, score, mean, longest)
		}
	}
}

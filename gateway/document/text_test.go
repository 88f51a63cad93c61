// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"strings"
	"testing"
)

func TestBindSpaces(t *testing.T) {
	t.Parallel()
	// ~ is a non-breaking blank
	for _, want := range []string{
		"nach §~66 Abs.~3 Satz~1~SGB~I", "(§~60~Abs.~1 Nr.~3)", "binnen 21~Tagen oder drei Wochen", "§§~60 bis 67",
		"z.~B. am 14.~Dezember 2026", "i.~V.~m. Art.~6", "um 8~Uhr – das", "Frau~Dr.~Müller", "in Zimmer~214, Tel.~0799",
		"§~18~WoGG", "Anlage~2", "Satz ohne Bindung", "70999 Tannberg", "Nr. und Zahl", "§", " ", "",
	} {
		want = strings.ReplaceAll(want, " –", bound+"–")
		want = strings.ReplaceAll(want, "~", bound)
		want = strings.ReplaceAll(want, "§"+bound+"66 Abs", "§"+bound+"66"+bound+"Abs")
		if got := bindSpaces(strings.ReplaceAll(want, bound, " ")); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"blanks", "  a \t  b  ", "a b"},
		{"line ends", "a \r\n  b\u2028c\n\n", "a\nb\nc"},
		{"controls", "a\x00\x1b[31mb\u0085c", "a[31mb\nc"},
		{"direction", "a\u202eb\u2066c\u200fd", "abcd"},
		{"tags", "a\U000E0041b", "ab"},
		{"composed", "u\u0308 A\u030b", "ü A\u030b"},
		{"broken", "a\xffb", "a\uFFFDb"},
		{"joiners", "a\u200cb\u200bc\u00add", "a\u200cbcd"},
		{"nothing", " \n\t ", ""},
	} {
		if got := cleanText(c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCleanRunsKeepsBlankBetweenRuns(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, r := range cleanRuns([]Run{{Text: " bis "}, {Text: ""}, {Text: " zum 1.", Strong: true}, {Text: " ein. "}, {Text: "  "}}) {
		b.WriteString(r.Text + "|")
	}
	if got := b.String(); got != "bis |zum 1.| ein.|" {
		t.Errorf("got %q", got)
	}
}

func TestOutlineHasNoHoles(t *testing.T) {
	t.Parallel()
	l, err := prepare(Letter{Subject: "s", Body: []Block{Heading{Level: 3, Text: "a"}, Heading{Level: 3, Text: "b"}, Heading{Level: 3, Text: "c"}, Heading{Level: -1, Text: "d"}, Heading{Level: 99, Text: "e"}}})
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, b := range l.Body {
		got = append(got, b.(Heading).Level)
	}
	for i, want := range []int{2, 3, 4, 2, 3} {
		if got[i] != want {
			t.Fatalf("levels %v, want 2 3 4 2 3", got)
		}
	}
}

// Lines never end inside what is bound, and are never wider than the column unless
// a single character is.
func TestBreakLines(t *testing.T) {
	t.Parallel()
	cs := func(s string) []cluster {
		var out []cluster
		for _, r := range s {
			out = append(out, cluster{char: r, width: 10, feed: r == '\n'})
		}
		return out
	}
	for _, c := range []struct {
		name, in, want string
		width          float64
	}{
		{"words", "aa bb cc", "aa bb |cc", 50},
		{"blank hangs", "aaaaa bbbbb", "aaaaa |bbbbb", 50},
		{"bound", "a §" + bound + "66 b", "a |§" + bound + "66 |b", 50},
		{"hyphen", "ab-cd ef", "ab-|cd |ef", 40},
		{"no break at number", "x -5 y-6", "x -5 |y-6", 50},
		{"long word", "abcdefghijk", "abcde|fghij|k", 50},
		{"feed", "a\nb\n\nc", "a\n|b\n|\n|c", 50},
		{"feed at the end", "a\n", "a\n", 50},
		{"narrow", "ab", "a|b", 1},
		{"nothing", "", "", 50},
	} {
		var got []string
		for _, l := range breakLines(cs(c.in), c.width) {
			var b strings.Builder
			for _, k := range l.clusters {
				b.WriteRune(k.char)
			}
			got = append(got, b.String())
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%s: got %q, want %q", c.name, s, c.want)
		}
	}
}

func TestVisualOrder(t *testing.T) {
	t.Parallel()
	var in []cluster
	for _, r := range "ab אב 12 ג! cd" {
		in = append(in, cluster{char: r})
	}
	var b strings.Builder
	for _, c := range visual(in) {
		b.WriteRune(c.char)
	}
	if got, want := b.String(), "ab ג 12 בא! cd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

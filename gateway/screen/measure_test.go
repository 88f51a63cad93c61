// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen_test

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/screen"
)

// dataFile opens a file of the shared test data or skips the test.
func dataFile(t *testing.T, name string) *os.File {
	t.Helper()
	root := os.Getenv("SCHLEUSE_DATA")
	if root == "" {
		_, file, _, _ := runtime.Caller(0)
		root = filepath.Join(filepath.Dir(file), "..", "..", "..", "shared", "data")
	}
	f, err := os.Open(filepath.Join(root, name))
	if err != nil {
		t.Skipf("test data not present: %v", err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// sentence is one line of the corpora: text and spans as [from, to, label],
// counted in code points.
type sentence struct {
	Text  string  `json:"text"`
	Spans [][]any `json:"spans"`
}

func readSentences(t *testing.T, name string) []sentence {
	t.Helper()
	var out []sentence
	lines := bufio.NewScanner(dataFile(t, name))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s sentence
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// spansOf returns the byte ranges of the spans with a label.
func (s sentence) spansOf(label string) [][2]int {
	var out [][2]int
	for _, sp := range s.Spans {
		if sp[2] == label {
			runes := []rune(s.Text)
			from, to := int(sp[0].(float64)), int(sp[1].(float64))
			start := len(string(runes[:from]))
			out = append(out, [2]int{start, start + len(string(runes[from:to]))})
		}
	}
	return out
}

func overlaps(f gateway.Finding, sp [2]int) bool { return f.Start < sp[1] && sp[0] < f.End }

// Court sentences and news hold next to no numbers of persons, so every finding
// of such a kind is a false alarm. The limits are regression limits just above
// what is measured today.
func TestFalseAlarms(t *testing.T) {
	t.Parallel()
	limits := map[gateway.FindingKind]int{
		screen.KindPhone: 4, screen.KindAddress: 8, screen.KindFileNumber: 4, screen.KindEmail: 1, screen.KindDateOfBirth: 5,
	}
	sc := newScreener(t)
	counts := map[gateway.FindingKind]int{}
	samples := map[gateway.FindingKind][]string{}
	bytes, categories, lines := 0, 0, 0
	for _, name := range []string{"pii/ler_dev.jsonl", "pii/germeval2014_dev.jsonl"} {
		for _, line := range readSentences(t, name) {
			s, err := sc.Screen(context.Background(), []string{line.Text}, nil)
			if err != nil {
				t.Fatal(err)
			}
			bytes += len(line.Text)
			lines++
			if len(s.Summary().Categories) > 0 {
				categories++
			}
			for _, f := range s.Findings() {
				counts[f.Kind]++
				samples[f.Kind] = append(samples[f.Kind], line.Text[f.Start:f.End])
			}
		}
	}
	t.Logf("%d sentences, %.2f MB, categories in %d sentences (%.2f %%)", lines, float64(bytes)/1e6, categories, 100*float64(categories)/float64(lines))
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%-24s %5d  %.100q", kind, counts[kind], samples[kind][:min(6, len(samples[kind]))])
		if kind != screen.KindPerson && counts[kind] > limits[kind] {
			t.Errorf("%d findings of kind %s, limit %d", counts[kind], kind, limits[kind])
		}
	}
}

// Without a case: how many persons of news text are found, and how much of what
// is called a person is none.
func TestPersonsWithoutCase(t *testing.T) {
	t.Parallel()
	sc := newScreener(t)
	for _, corpus := range []struct{ name, file, label string }{
		{"GermEval 2014 dev", "pii/germeval2014_dev.jsonl", "PER"}, {"LER dev", "pii/ler_dev.jsonl", "PER"},
	} {
		gold, full, touched, wrong, predicted := 0, 0, 0, 0, 0
		var misses []string
		for _, line := range readSentences(t, corpus.file) {
			s, err := sc.Screen(context.Background(), []string{line.Text}, nil)
			if err != nil {
				t.Fatal(err)
			}
			spans := line.spansOf(corpus.label)
			gold += len(spans)
			for _, sp := range spans {
				hit, whole := false, false
				for _, f := range s.Findings() {
					hit = hit || overlaps(f, sp)
					whole = whole || f.Start <= sp[0] && f.End >= sp[1]
				}
				if hit {
					touched++
				}
				if whole {
					full++
				}
			}
			for _, f := range s.Findings() {
				if f.Kind != screen.KindPerson {
					continue
				}
				predicted++
				if !slices.ContainsFunc(spans, func(sp [2]int) bool { return overlaps(f, sp) }) {
					wrong++
					misses = append(misses, line.Text[f.Start:f.End])
				}
			}
		}
		t.Logf("%s: %d persons, fully masked %.1f %%, touched %.1f %%; %d found, %d of them no person (%.1f %%)",
			corpus.name, gold, pct(full, gold), pct(touched, gold), predicted, wrong, pct(wrong, predicted))
		t.Logf("no persons, for example: %q", misses[:min(60, len(misses))])
	}
}

func pct(a, b int) float64 { return 100 * float64(a) / float64(max(b, 1)) }

// With the case known: every sentence is screened knowing its persons, in the
// spelling of the annotation. All must be masked, in other spellings as well.
func TestKnownPersonRecall(t *testing.T) {
	t.Parallel()
	sc := newScreener(t)
	variants := []struct {
		name   string
		change func(string) string
	}{
		{"as written", func(v string) string { return v }},
		{"capitals", strings.ToUpper},
		{"ae oe ue ss", strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "Ä", "Ae", "Ö", "Oe", "Ü", "Ue").Replace},
		{"last name first", lastFirst},
	}
	for _, v := range variants {
		gold, full := 0, 0
		var missed []string
		for _, line := range readSentences(t, "pii/germeval2014_dev.jsonl") {
			for _, sp := range line.spansOf("PER") {
				value := line.Text[sp[0]:sp[1]]
				if len(strings.Fields(value)) < 2 || !nameLike(value) {
					continue
				}
				written := v.change(value)
				text := line.Text[:sp[0]] + written + line.Text[sp[1]:]
				s, err := sc.Screen(context.Background(), []string{text}, []gateway.Entity{{Type: "person", Value: value}})
				if err != nil {
					t.Fatal(err)
				}
				gold++
				if coveredBy(s.Findings(), text, sp[0], sp[0]+len(written)) {
					full++
				} else {
					missed = append(missed, written)
				}
			}
		}
		t.Logf("%-16s %d known persons, fully masked %.1f %%, missed: %.300q", v.name, gold, pct(full, gold), missed)
		if pct(full, gold) < 97 {
			t.Errorf("%s: recall on known persons fell to %.1f %%", v.name, pct(full, gold))
		}
	}
}

func lastFirst(v string) string {
	words := strings.Fields(v)
	return words[len(words)-1] + ", " + strings.Join(words[:len(words)-1], " ")
}

// nameLike leaves out annotations that are no names of two or more words
// ("Ludwig XIV.", "O. J.").
func nameLike(v string) bool {
	for w := range strings.FieldsSeq(v) {
		if utf8.RuneCountInString(w) < 3 || strings.ContainsAny(w, ".'\"()0123456789") || strings.ToUpper(w) == w {
			return false
		}
	}
	return true
}

// coveredBy says that all letters from start to end are inside findings.
func coveredBy(findings []gateway.Finding, text string, start, end int) bool {
	for i := start; i < end; i++ {
		letter := text[i]|0x20 >= 'a' && text[i]|0x20 <= 'z' || text[i] >= 0x80
		inside := slices.ContainsFunc(findings, func(f gateway.Finding) bool { return f.Start <= i && i < f.End })
		if letter && !inside && text[i:end] != "s" {
			return false
		}
	}
	return true
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval_test

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
	"github.com/ki-schleuse/schleuse/retrieval/sqlite"
)

const tenant gateway.TenantID = "musterstadt"

func dataFolder(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("SCHLEUSE_DATA")
	if folder == "" {
		_, file, _, _ := runtime.Caller(0)
		folder = filepath.Join(filepath.Dir(file), "..", "..", "shared", "data")
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skip("test data not found; set SCHLEUSE_DATA")
	}
	return folder
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// question with the sections that answer it, as "document section".
type question struct {
	text     string
	relevant []string
}

func jsonLines[T any](t testing.TB, path string) []T {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	var out []T
	for lines.Scan() {
		var v T
		must(t, json.Unmarshal(lines.Bytes(), &v))
		out = append(out, v)
	}
	must(t, lines.Err())
	return out
}

// statutes2022 parses the Markdown of a statute into its sections.
func statutes2022(t testing.TB) []retrieval.Document {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dataFolder(t), "laws-md-2022", "*.md"))
	must(t, err)
	var out []retrieval.Document
	for _, path := range files {
		data, err := os.ReadFile(path)
		must(t, err)
		slug := strings.TrimSuffix(filepath.Base(path), ".md")
		if slug == "README" {
			continue
		}
		out = append(out, markdownStatute(slug, string(data)))
	}
	return out
}

func markdownStatute(slug, text string) retrieval.Document {
	d := statute(slug)
	var current *retrieval.Section
	for line := range strings.SplitSeq(text, "\n") {
		if name, ok := strings.CutPrefix(line, "jurabk: "); ok {
			d.Statute = name
		}
		heading, isHeading := strings.CutPrefix(line, "#")
		if !isHeading {
			if current != nil {
				current.Text += line + "\n"
			}
			continue
		}
		heading = strings.TrimSpace(strings.TrimLeft(heading, "#"))
		current = nil
		if strings.HasPrefix(heading, "§") || strings.HasPrefix(heading, "Art ") {
			fields := strings.SplitN(heading, " ", 3)
			d.Sections = append(d.Sections, retrieval.Section{Number: strings.Join(fields[:min(2, len(fields))], " ")})
			current = &d.Sections[len(d.Sections)-1]
			if len(fields) == 3 {
				current.Heading = fields[2]
			}
		}
	}
	return d
}

func statute(id string) retrieval.Document {
	return retrieval.Document{Tenant: tenant, Source: "recht", ID: id, Title: id, Version: "1", Principals: []gateway.Principal{"public"}}
}

// statutes2026 reads the statutes with one section per line.
func statutes2026(t testing.TB) []retrieval.Document {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dataFolder(t), "law", "*.jsonl"))
	must(t, err)
	var out []retrieval.Document
	for _, path := range files {
		if strings.Contains(path, "questions") {
			continue
		}
		d := statute("")
		for _, s := range jsonLines[struct{ Jurabk, Abbr, Number, Heading, Text, URL string }](t, path) {
			d.ID, d.Title, d.Statute = s.Jurabk, s.Jurabk, s.Abbr
			d.Sections = append(d.Sections, retrieval.Section{Number: s.Number, Heading: s.Heading, Text: s.Text, URL: s.URL})
		}
		out = append(out, d)
	}
	return out
}

func index(t testing.TB, config retrieval.Config, documents []retrieval.Document) *retrieval.Index {
	t.Helper()
	if config.Store == nil {
		store, err := sqlite.Open(t.Context(), "")
		must(t, err)
		t.Cleanup(func() { store.Close() })
		config.Store = store
	}
	x, err := retrieval.New(config)
	must(t, err)
	for _, d := range documents {
		must(t, x.Put(t.Context(), d))
	}
	return x
}

// score runs the questions and returns nDCG@10 and recall@10 over sections.
func score(t testing.TB, x *retrieval.Index, questions []question) (ndcg, recall float64) {
	t.Helper()
	for _, q := range questions {
		passages, err := x.Retrieve(t.Context(), gateway.Query{Tenant: tenant, Sources: []string{"recht"}, Text: q.text, Limit: 50})
		must(t, err)
		found := sections(passages)
		gain, ideal, hits := 0.0, 0.0, 0
		for i, s := range found[:min(10, len(found))] {
			if slices.Contains(q.relevant, s) {
				gain += 1 / math.Log2(float64(i)+2)
				hits++
			}
		}
		for i := range min(10, len(q.relevant)) {
			ideal += 1 / math.Log2(float64(i)+2)
		}
		ndcg += gain / ideal
		recall += float64(hits) / float64(len(q.relevant))
	}
	n := float64(len(questions))
	return ndcg / n, recall / n
}

// sections of passages, best first, each once.
func sections(passages []gateway.Passage) []string {
	var out []string
	for _, p := range passages {
		number := strings.Fields(strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(p.Citation.Section, "§"), "Art"), ". "))
		if len(number) == 0 {
			continue
		}
		s := p.Citation.Document + ":" + number[0]
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func layQuestions(t testing.TB) []question {
	t.Helper()
	folder := filepath.Join(dataFolder(t), "retrieval-dev")
	relevant := map[string][]string{}
	data, err := os.ReadFile(filepath.Join(folder, "qrels-law-lay-dev.tsv"))
	must(t, err)
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) == 3 && cells[2] == "1" {
			relevant[cells[0]] = append(relevant[cells[0]], cells[1])
		}
	}
	var out []question
	for _, q := range jsonLines[struct {
		ID   string `json:"_id"`
		Text string `json:"text"`
	}](t, filepath.Join(folder, "queries-law-lay-dev.jsonl")) {
		out = append(out, question{q.Text, relevant[q.ID]})
	}
	return out
}

func lawQuestions(t testing.TB) []question {
	t.Helper()
	var out []question
	for _, q := range jsonLines[struct {
		Query    string   `json:"query"`
		Relevant []string `json:"relevant"`
	}](t, filepath.Join(dataFolder(t), "law", "retrieval-questions.jsonl")) {
		out = append(out, question{q.Query, q.Relevant})
	}
	return out
}

func TestRankingQuality(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("indexes about 10,000 sections")
	}
	tests := []struct {
		name      string
		documents func(testing.TB) []retrieval.Document
		questions func(testing.TB) []question
		floor     float64
	}{
		{"citizens' questions over 75 statutes", statutes2022, layQuestions, 0.28},
		{"questions over 23 statutes", statutes2026, lawQuestions, 0.60},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			questions := test.questions(t)
			ndcg, recall := score(t, index(t, retrieval.Config{}, test.documents(t)), questions)
			t.Logf("%d questions: nDCG@10 %.3f, recall@10 %.3f", len(questions), ndcg, recall)
			if ndcg < test.floor {
				t.Errorf("nDCG@10 %.3f is below %.2f", ndcg, test.floor)
			}
		})
	}
}

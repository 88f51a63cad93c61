// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval_test

import (
	"context"
	"database/sql"
	"errors"
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/retrieval"
	"github.com/ki-schleuse/schleuse/retrieval/pgvector"
)

// BenchmarkSearch asks citizens' questions over about 10,000 sections. The
// baseline is the full-text search that comes with SQLite, any word, bm25().
func BenchmarkSearch(b *testing.B) {
	documents, questions := statutes2022(b), layQuestions(b)
	b.Run("sqlite", func(b *testing.B) {
		benchmarkIndex(b, index(b, retrieval.Config{}, documents), questions)
	})
	b.Run("sqlite with vectors", func(b *testing.B) {
		benchmarkIndex(b, index(b, retrieval.Config{Embedder: hashed{}}, documents), questions)
	})
	b.Run("baseline FTS5", func(b *testing.B) { benchmarkFTS5(b, documents, questions) })
	b.Run("pgvector", func(b *testing.B) {
		if os.Getenv(postgrestest.Env) == "" {
			b.Skip(postgrestest.Env + " is not set")
		}
		store, err := pgvector.Open(b.Context(), pgvector.Config{DSN: postgrestest.DSN(b), Dim: hashed{}.Dim()})
		must(b, err)
		b.Cleanup(store.Close)
		x := index(b, retrieval.Config{Store: store, Embedder: hashed{}}, documents)
		lexical := index(b, retrieval.Config{Store: store}, nil)
		b.Run("lexical", func(b *testing.B) { benchmarkIndex(b, lexical, questions) })
		b.Run("with vectors", func(b *testing.B) { benchmarkIndex(b, x, questions) })
	})
}

// BenchmarkIndex counts sections put into the index.
func BenchmarkIndex(b *testing.B) {
	documents := statutes2022(b)[:20]
	n := 0
	for _, d := range documents {
		n += len(d.Sections)
	}
	for b.Loop() {
		index(b, retrieval.Config{}, documents)
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "sections/s")
}

func benchmarkIndex(b *testing.B, x *retrieval.Index, questions []question) {
	b.Helper()
	for i := 0; b.Loop(); i++ {
		q := gateway.Query{Tenant: tenant, Sources: []string{"recht"}, Text: questions[i%len(questions)].text, Limit: 10}
		found, err := x.Retrieve(b.Context(), q)
		if err != nil || len(found) == 0 {
			b.Fatalf("%d passages, error %v", len(found), err)
		}
	}
}

// hashed stands for an embedder of 384 dimensions.
type hashed struct{}

func (hashed) ID() string { return "hashed" }
func (hashed) Dim() int   { return 384 }

func (hashed) Embed(_ context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, len(texts))
	for i, text := range texts {
		out[i] = make([]float32, 384)
		for word := range strings.FieldsSeq(text) {
			h := fnv.New32a()
			h.Write([]byte(word))
			out[i][h.Sum32()%384]++
		}
	}
	return out, nil
}

func benchmarkFTS5(b *testing.B, documents []retrieval.Document, questions []question) {
	b.Helper()
	db, err := sql.Open("sqlite", "file::memory:")
	must(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec(`CREATE VIRTUAL TABLE section USING fts5(title, text)`)
	must(b, err)
	for _, d := range documents {
		for _, s := range d.Sections {
			_, err := db.Exec(`INSERT INTO section VALUES (?, ?)`, d.Statute+" "+s.Number+" "+s.Heading, s.Text)
			must(b, err)
		}
	}
	for i := 0; b.Loop(); i++ {
		words := strings.Fields(strings.Map(func(r rune) rune {
			if strings.ContainsRune(`"?,.()-§/`, r) {
				return ' '
			}
			return r
		}, questions[i%len(questions)].text))
		rows, err := db.Query(`SELECT title, text FROM section WHERE section MATCH ? ORDER BY bm25(section, 3, 1) LIMIT 10`, `"`+strings.Join(words, `" OR "`)+`"`)
		must(b, err)
		n := 0
		for rows.Next() {
			var title, text string
			must(b, rows.Scan(&title, &text))
			n++
		}
		must(b, errors.Join(rows.Err(), rows.Close())) //nolint:sqlclosecheck // in a loop
		if n == 0 {
			b.Fatal("baseline found nothing")
		}
	}
}

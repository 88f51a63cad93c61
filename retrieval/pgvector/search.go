// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pgvector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	pgv "github.com/pgvector/pgvector-go"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// readable is the filter of every search: tenant, rights and sources of the
// document. It takes the parameters $1 tenant, $2 principals, $3 sources or null.
const readable = ` d.tenant = $1 AND d.allow && $2::text[] AND NOT d.deny && $2::text[]
	AND ($3::text[] IS NULL OR d.source = ANY ($3::text[])) `

// Search implements retrieval.Store. It runs in one transaction that sees one
// state of the data.
func (s *Store) Search(ctx context.Context, q retrieval.Search) ([]retrieval.Hit, error) {
	var hits []retrieval.Hit
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err := pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error {
		named, err := namedChunks(ctx, tx, q)
		if err != nil {
			return fmt.Errorf("named sections: %w", err)
		}
		lexical, err := lexical(ctx, tx, q)
		if err != nil {
			return fmt.Errorf("lexical search: %w", err)
		}
		similar, err := s.similar(ctx, tx, q)
		if err != nil {
			return fmt.Errorf("vector search: %w", err)
		}
		ranked := retrieval.Fuse(lexical, similar, q.Dense, q.Limit)
		hits, err = read(ctx, tx, q, named, retrieval.Join(named, ranked, q.Limit))
		return err
	})
	return hits, err
}

func filter(q retrieval.Search, more ...any) []any {
	var sources []string
	if q.Sources != nil {
		sources = q.Sources
	}
	return append([]any{q.Tenant, texts(q.Principals), sources}, more...)
}

func namedChunks(ctx context.Context, tx pgx.Tx, q retrieval.Search) ([]retrieval.Scored, error) {
	if len(q.Norms) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `SELECT c.id, 0::float8 FROM retrieval_chunk c JOIN retrieval_document d ON d.id = c.document WHERE`+readable+
		`AND c.norm <> '' AND c.norm = ANY ($4::text[]) ORDER BY array_position($4::text[], c.norm), c.id LIMIT $5`, filter(q, q.Norms, q.Candidates())...)
	return scored(rows, err)
}

func scored(rows pgx.Rows, err error) ([]retrieval.Scored, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (retrieval.Scored, error) {
		var s retrieval.Scored
		return s, row.Scan(&s.Chunk, &s.Score)
	})
}

// lexical ranks by BM25 as an inner product: the chunk's side is stored, the
// question's side holds how rare its terms are.
func lexical(ctx context.Context, tx pgx.Tx, q retrieval.Search) ([]retrieval.Scored, error) {
	terms, err := scoredTerms(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	scores := make(map[int32]float32, len(terms))
	names, salt := make([]int32, len(terms)), salt(q.Tenant)
	for i, t := range terms {
		scores[int32(t.Term)], names[i] = float32(t.Score), salt.of(t.Term)
	}
	question := pgv.NewSparseVectorFromMap(scores, retrieval.TermSpace)
	var best []retrieval.Scored
	for _, stage := range retrieval.Stages(terms) {
		var selected int
		best, selected, err = selectBest(ctx, tx, q, question, names[:stage])
		if err != nil || selected >= retrieval.Enough {
			return best, err
		}
	}
	return best, nil
}

// selectBest ranks the readable chunks that hold one of the terms, and says how
// many these are.
func selectBest(ctx context.Context, tx pgx.Tx, q retrieval.Search, question pgv.SparseVector, terms []int32) (best []retrieval.Scored, selected int, err error) {
	// The shorter vector stands first: pgvector then goes through the longer one
	// without branching. OFFSET 0: score before counting, so that the vectors are
	// not carried along.
	rows, err := tx.Query(ctx, `SELECT id, score, count(*) OVER () FROM (
		SELECT l.chunk AS id, -($4 <#> l.lex) AS score FROM retrieval_lexical l JOIN retrieval_document d ON d.id = l.document WHERE`+readable+
		`AND l.terms && $5::int[] OFFSET 0) x ORDER BY score DESC, id LIMIT $6`,
		filter(q, question, terms, q.Candidates())...)
	if err != nil {
		return nil, 0, err
	}
	best, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (retrieval.Scored, error) {
		var s retrieval.Scored
		return s, row.Scan(&s.Chunk, &s.Score, &selected)
	})
	return best, selected, err
}

// scoredTerms asks how rare the terms are among the chunks of the tenant.
func scoredTerms(ctx context.Context, tx pgx.Tx, q retrieval.Search) ([]retrieval.ScoredTerm, error) {
	if len(q.Terms) == 0 {
		return nil, nil
	}
	ids := make([]int32, len(q.Terms))
	for i, t := range q.Terms {
		ids[i] = int32(t.Term)
	}
	rows, err := tx.Query(ctx, `SELECT t.term, t.df, n.chunks FROM retrieval_term t JOIN retrieval_tenant n ON n.tenant = t.tenant
		WHERE t.tenant = $1 AND t.term = ANY ($2::int[])`, q.Tenant, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	df, chunks := map[retrieval.Term]int{}, 0
	for rows.Next() {
		var term int32
		var n int
		if err := rows.Scan(&term, &n, &chunks); err != nil {
			return nil, err
		}
		df[retrieval.Term(term)] = n
	}
	return retrieval.Score(q.Terms, chunks, func(t retrieval.Term) int { return df[t] }), rows.Err()
}

// similar compares vectors. Few readable rows: one by one, since the index
// would find too few of them. Many: the index, which goes on until there are
// enough.
func (s *Store) similar(ctx context.Context, tx pgx.Tx, q retrieval.Search) ([]retrieval.Scored, error) {
	if q.Vector == nil || q.Dense <= 0 || s.config.Dim == 0 {
		return nil, nil
	}
	have, err := sizeOf(ctx, tx, q.Tenant)
	if err != nil || have.vectors == 0 {
		return nil, err
	}
	if have.embedder != q.Embedder || len(q.Vector) != s.config.Dim {
		return nil, retrieval.ErrEmbedder
	}
	many, err := s.many(ctx, tx, q, have.vectors)
	if err != nil {
		return nil, err
	}
	// Ordered by score and not by distance, so that the index is not used.
	const vectorsOf = `SELECT v.chunk, -(v.emb <#> $4) AS score FROM retrieval_vector v JOIN retrieval_document d ON d.id = v.document WHERE` + readable
	query := vectorsOf + `ORDER BY score DESC, v.chunk LIMIT $5`
	if many {
		_, err := tx.Exec(ctx, `SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL hnsw.ef_search = 200; SET LOCAL enable_seqscan = off`)
		if err != nil {
			return nil, err
		}
		query = vectorsOf + `ORDER BY v.emb <#> $4 LIMIT $5`
	}
	found, err := scored(tx.Query(ctx, query, filter(q, pgv.NewHalfVector(q.Vector), q.Candidates())...))
	slices.SortFunc(found, byChunk) // the index delivers in a relaxed order
	return found, err
}

// many says that the caller may read too many chunks to compare one by one. In
// a tenant that has not as many nothing is counted.
func (s *Store) many(ctx context.Context, tx pgx.Tx, q retrieval.Search, vectors int64) (bool, error) {
	if vectors <= int64(s.config.Exact) {
		return false, nil
	}
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT 1 FROM retrieval_vector v JOIN retrieval_document d ON d.id = v.document WHERE`+readable+`LIMIT $4) x`, filter(q, s.config.Exact+1)...).Scan(&n)
	return n > s.config.Exact, err
}

// read returns the passages in the given order. The filter is asked again.
func read(ctx context.Context, tx pgx.Tx, q retrieval.Search, named, order []retrieval.Scored) ([]retrieval.Hit, error) {
	ids := make([]int64, len(order))
	for i, o := range order {
		ids[i] = o.Chunk
	}
	rows, err := tx.Query(ctx, `SELECT c.id, c.text, c.citation, c.norm, d.source, d.doc, d.class FROM retrieval_chunk c
		JOIN retrieval_document d ON d.id = c.document WHERE`+readable+`AND c.id = ANY ($4::bigint[])`, filter(q, ids)...)
	if err != nil {
		return nil, fmt.Errorf("read passages: %w", err)
	}
	defer rows.Close()
	found := map[int64]retrieval.Hit{}
	for rows.Next() {
		var id int64
		var citation []byte
		var class []string
		h := retrieval.Hit{Key: retrieval.Key{Tenant: q.Tenant}}
		err := rows.Scan(&id, &h.Text, &citation, &h.Norm, &h.Key.Source, &h.Key.ID, &class)
		if err := errors.Join(err, json.Unmarshal(citation, &h.Citation)); err != nil {
			return nil, fmt.Errorf("read passages: %w", err)
		}
		for _, c := range class {
			h.Class = append(h.Class, gateway.DataClass(c))
		}
		found[id] = h
	}
	return inOrder(found, named, order), rows.Err()
}

func inOrder(found map[int64]retrieval.Hit, named, order []retrieval.Scored) []retrieval.Hit {
	isNamed := map[int64]bool{}
	for _, n := range named {
		isNamed[n.Chunk] = true
	}
	out := make([]retrieval.Hit, 0, len(order))
	for _, o := range order {
		if h, ok := found[o.Chunk]; ok {
			h.Score, h.Named = o.Score, isNamed[o.Chunk]
			out = append(out, h)
		}
	}
	return out
}

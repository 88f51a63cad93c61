// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package pgvector is the retrieval store over PostgreSQL with pgvector, for
// several replicas. The ranking is the one of all stores: BM25 as an inner
// product of sparse vectors, not PostgreSQL's own full-text ranking. Start with
// Open.
package pgvector

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	pgv "github.com/pgvector/pgvector-go"
	pgvpgx "github.com/pgvector/pgvector-go/pgx"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// Config of a Store.
type Config struct {
	// DSN of the database; the extension vector must be there or creatable.
	DSN string
	// Dim is the number of dimensions of the embedder; 0: no vectors. At most 4,000.
	Dim int
	// Exact is the number of readable chunks up to which vectors are compared one
	// by one, without the approximate index; default 20,000.
	Exact int
}

// Store is a retrieval.Store over PostgreSQL.
type Store struct {
	config   Config
	pool     *pgxpool.Pool
	parallel bool // parallel index builds are safe
}

var _ retrieval.Store = (*Store)(nil)

// Open connects and prepares the tables.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Dim < 0 || c.Dim > 4000 {
		return nil, fmt.Errorf("open retrieval store: %d dimensions, want 0 to 4000", c.Dim)
	}
	if c.Exact <= 0 {
		c.Exact = 20_000
	}
	if err := createExtension(ctx, c.DSN); err != nil {
		return nil, fmt.Errorf("open retrieval store: %w", err)
	}
	pool, err := connect(ctx, c.DSN)
	if err != nil {
		return nil, fmt.Errorf("open retrieval store: %w", err)
	}
	s := &Store{config: c, pool: pool}
	if err := s.prepare(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("prepare retrieval store: %w", err)
	}
	return s, nil
}

func (s *Store) prepare(ctx context.Context) error {
	if err := s.extension(ctx); err != nil {
		return err
	}
	return s.migrate(ctx)
}

// createExtension comes before the pool, which wants to know the types.
func createExtension(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'vector')`).Scan(&there); err != nil || there {
		return err
	}
	_, err = conn.Exec(ctx, `CREATE EXTENSION IF NOT EXISTS vector`)
	return err
}

func connect(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("address of the database is not valid") // the cause holds the password
	}
	// A cached generic plan would ignore how few rows a caller may read.
	config.ConnConfig.RuntimeParams["plan_cache_mode"] = "force_custom_plan"
	config.ConnConfig.RuntimeParams["jit"] = "off" // compiling takes longer than these queries
	config.AfterConnect = pgvpgx.RegisterTypes
	return pgxpool.NewWithConfig(ctx, config)
}

// Close closes the connections.
func (s *Store) Close() { s.pool.Close() }

// write runs a change of a tenant; changes of the same tenant wait for each other.
func (s *Store) write(ctx context.Context, tenant gateway.TenantID, change func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// The index of terms takes in its pending entries in this memory.
		const begin = `SELECT set_config('work_mem', '32MB', true), pg_advisory_xact_lock(hashtext('schleuse retrieval'), hashtext($1))`
		if _, err := tx.Exec(ctx, begin, tenant); err != nil {
			return err
		}
		return change(tx)
	})
}

// Put implements retrieval.Store.
func (s *Store) Put(ctx context.Context, e retrieval.Entry) error {
	var before, after size
	err := s.write(ctx, e.Tenant, func(tx pgx.Tx) (err error) {
		if before, err = sizeOf(ctx, tx, e.Tenant); err != nil {
			return err
		}
		if err := s.accepts(before, e); err != nil {
			return err
		}
		if err := remove(ctx, tx, e.Key, e.Parent == ""); err != nil {
			return err
		}
		if err := s.insert(ctx, tx, e); err != nil {
			return err
		}
		after, err = sizeOf(ctx, tx, e.Tenant)
		return err
	})
	if err != nil {
		return wrap("put document", err)
	}
	return wrap("put document", s.maintain(ctx, before, after))
}

// accepts refuses vectors of another embedder.
func (s *Store) accepts(have size, e retrieval.Entry) error {
	for _, c := range e.Chunks {
		if c.Vector == nil {
			continue
		}
		if len(c.Vector) != s.config.Dim || have.vectors > 0 && have.embedder != c.Embedder {
			return retrieval.ErrEmbedder
		}
	}
	return nil
}

// size of a tenant, and the embedder of its vectors.
type size struct {
	chunks, vectors int64
	embedder        string
}

func sizeOf(ctx context.Context, tx pgx.Tx, tenant gateway.TenantID) (n size, err error) {
	err = tx.QueryRow(ctx, `SELECT chunks, vectors, embedder FROM retrieval_tenant WHERE tenant = $1`, tenant).Scan(&n.chunks, &n.vectors, &n.embedder)
	if errors.Is(err, pgx.ErrNoRows) {
		return size{}, nil
	}
	return n, err
}

func (s *Store) insert(ctx context.Context, tx pgx.Tx, e retrieval.Entry) error {
	var document int64
	err := tx.QueryRow(ctx, `INSERT INTO retrieval_document (tenant, source, doc, parent, version, allow, deny, class)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8) RETURNING id`, e.Tenant, e.Source, e.ID, e.Parent, e.Version,
		texts(e.Access.Allow), texts(e.Access.Deny), texts(e.Class)).Scan(&document)
	if err != nil {
		return err
	}
	ids, err := chunkIDs(ctx, tx, len(e.Chunks))
	if err != nil {
		return err
	}
	if err := copyChunks(ctx, tx, document, ids, e); err != nil {
		return err
	}
	df := map[retrieval.Term]int64{}
	vectors, by := int64(0), ""
	for _, c := range e.Chunks {
		for _, w := range c.Weights {
			df[w.Term]++
		}
		if c.Vector != nil {
			vectors, by = vectors+1, c.Embedder
		}
	}
	return count(ctx, tx, e.Tenant, df, int64(len(e.Chunks)), vectors, by)
}

func chunkIDs(ctx context.Context, tx pgx.Tx, n int) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT nextval('retrieval_chunk_id') FROM generate_series(1, $1)`, n)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	slices.Sort(ids)
	return ids, err
}

// copyChunks writes the chunks of a document into the tables of texts, of terms
// and of vectors.
func copyChunks(ctx context.Context, tx pgx.Tx, document int64, ids []int64, e retrieval.Entry) error {
	var chunks, lexical, vectors [][]any
	salt := salt(e.Tenant)
	for i, c := range e.Chunks {
		citation, err := json.Marshal(c.Citation)
		if err != nil {
			return err
		}
		terms, steps := make([]int32, len(c.Weights)), make(map[int32]float32, len(c.Weights))
		for j, w := range c.Weights {
			terms[j], steps[int32(w.Term)] = salt.of(w.Term), float32(w.Step)
		}
		chunks = append(chunks, []any{ids[i], document, c.Text, citation, c.Norm})
		lexical = append(lexical, []any{ids[i], document, terms, pgv.NewSparseVectorFromMap(steps, retrieval.TermSpace)})
		if c.Vector != nil {
			vectors = append(vectors, []any{ids[i], document, pgv.NewHalfVector(c.Vector)})
		}
	}
	for _, t := range []struct {
		name    string
		columns []string
		rows    [][]any
	}{
		{"retrieval_chunk", []string{"id", "document", "text", "citation", "norm"}, chunks},
		{"retrieval_lexical", []string{"chunk", "document", "terms", "lex"}, lexical},
		{"retrieval_vector", []string{"chunk", "document", "emb"}, vectors},
	} {
		if len(t.rows) == 0 {
			continue
		}
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return fmt.Errorf("copy to %s: %w", t.name, err)
		}
	}
	return nil
}

// salted are terms as one tenant's, so that the index of terms does not lead to
// chunks of other tenants. Two terms that fall together select a few chunks more.
type salted uint32

func salt(tenant gateway.TenantID) salted {
	h := fnv.New32a()
	_, _ = h.Write([]byte(tenant))
	return salted(h.Sum32())
}

func (s salted) of(t retrieval.Term) int32 {
	h := (t ^ uint32(s)) * 0x9E3779B1 // a bijection for each tenant
	return int32(h ^ h>>15)
}

// count adds to the frequencies of terms and the numbers of a tenant.
func count(ctx context.Context, tx pgx.Tx, tenant gateway.TenantID, df map[retrieval.Term]int64, chunks, vectors int64, by string) error {
	terms := slices.Sorted(maps.Keys(df))
	ids, numbers := make([]int32, len(terms)), make([]int64, len(terms))
	for i, t := range terms {
		ids[i], numbers[i] = int32(t), df[t]
	}
	_, err := tx.Exec(ctx, `INSERT INTO retrieval_term SELECT $1, * FROM unnest($2::int[], $3::bigint[])
		ON CONFLICT (tenant, term) DO UPDATE SET df = retrieval_term.df + excluded.df`, tenant, ids, numbers)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO retrieval_tenant VALUES ($1,$2,$3,$4) ON CONFLICT (tenant) DO UPDATE SET
		chunks = retrieval_tenant.chunks + excluded.chunks, vectors = retrieval_tenant.vectors + excluded.vectors,
		embedder = CASE WHEN excluded.vectors > 0 THEN excluded.embedder ELSE retrieval_tenant.embedder END`,
		tenant, chunks, vectors, by)
	return err
}

// remove deletes a document, and with attached those attached to it.
func remove(ctx context.Context, tx pgx.Tx, k retrieval.Key, attached bool) error {
	df, chunks, vectors, err := counted(ctx, tx, k, attached)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM retrieval_document WHERE tenant = $1 AND source = $2 AND (doc = $3 OR ($4 AND parent = $3))`,
		k.Tenant, k.Source, k.ID, attached)
	if err != nil || chunks == 0 {
		return err
	}
	if err := count(ctx, tx, k.Tenant, df, -chunks, -vectors, ""); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM retrieval_term WHERE tenant = $1 AND df <= 0`, k.Tenant)
	return err
}

// counted returns what a document contributes to the numbers, negative for df.
func counted(ctx context.Context, tx pgx.Tx, k retrieval.Key, attached bool) (df map[retrieval.Term]int64, chunks, vectors int64, err error) {
	const of = ` JOIN retrieval_document d ON d.id = x.document WHERE d.tenant = $1 AND d.source = $2 AND (d.doc = $3 OR ($4 AND d.parent = $3))`
	rows, err := tx.Query(ctx, `SELECT x.lex FROM retrieval_lexical x`+of, k.Tenant, k.Source, k.ID, attached)
	if err != nil {
		return nil, 0, 0, err
	}
	defer rows.Close()
	df = map[retrieval.Term]int64{}
	for rows.Next() {
		var lex pgv.SparseVector
		if err := rows.Scan(&lex); err != nil {
			return nil, 0, 0, err
		}
		chunks++
		for _, t := range lex.Indices() {
			df[retrieval.Term(t)]--
		}
	}
	if err := rows.Err(); err != nil || chunks == 0 {
		return df, chunks, 0, err
	}
	if there, err := hasVectors(ctx, tx); err != nil || !there {
		return df, chunks, 0, err
	}
	err = tx.QueryRow(ctx, `SELECT count(*) FROM retrieval_vector x`+of, k.Tenant, k.Source, k.ID, attached).Scan(&vectors)
	return df, chunks, vectors, err
}

// hasVectors also holds where a store without vectors uses tables with some.
func hasVectors(ctx context.Context, tx pgx.Tx) (there bool, err error) {
	err = tx.QueryRow(ctx, `SELECT to_regclass('retrieval_vector') IS NOT NULL`).Scan(&there)
	return there, err
}

// Delete implements retrieval.Store.
func (s *Store) Delete(ctx context.Context, k retrieval.Key) error {
	return wrap("delete document", s.write(ctx, k.Tenant, func(tx pgx.Tx) error { return remove(ctx, tx, k, true) }))
}

// SetAccess implements retrieval.Store.
func (s *Store) SetAccess(ctx context.Context, k retrieval.Key, a retrieval.Access) error {
	err := s.write(ctx, k.Tenant, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE retrieval_document SET allow = $4, deny = $5
			WHERE tenant = $1 AND source = $2 AND (doc = $3 OR parent = $3)`,
			k.Tenant, k.Source, k.ID, texts(a.Allow), texts(a.Deny))
		return err
	})
	return wrap("set access", err)
}

// Clear implements retrieval.Store.
func (s *Store) Clear(ctx context.Context, tenant gateway.TenantID) error {
	err := s.write(ctx, tenant, func(tx pgx.Tx) error {
		for _, table := range []string{"retrieval_document", "retrieval_term", "retrieval_tenant", "retrieval_state"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE tenant = $1`, tenant); err != nil {
				return err
			}
		}
		return nil
	})
	return wrap("clear tenant", err)
}

// Documents implements retrieval.Store.
func (s *Store) Documents(ctx context.Context, tenant gateway.TenantID, source string, emit func(retrieval.Stored) error) error {
	rows, err := s.pool.Query(ctx, `SELECT doc, version, allow, deny FROM retrieval_document
		WHERE tenant = $1 AND source = $2 AND parent = '' ORDER BY doc COLLATE "C"`, tenant, source)
	if err != nil {
		return wrap("list documents", err)
	}
	documents, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (retrieval.Stored, error) {
		var d retrieval.Stored
		err := row.Scan(&d.ID, &d.Version, &d.Access.Allow, &d.Access.Deny)
		return d, err
	})
	if err != nil {
		return wrap("list documents", err)
	}
	for _, d := range documents {
		if err := emit(d); err != nil {
			return err
		}
	}
	return nil
}

// State implements retrieval.Store.
func (s *Store) State(ctx context.Context, tenant gateway.TenantID, source string) ([]byte, error) {
	var state []byte
	err := s.pool.QueryRow(ctx, `SELECT state FROM retrieval_state WHERE tenant = $1 AND source = $2`, tenant, source).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return state, wrap("read state", err)
}

// SetState implements retrieval.Store.
func (s *Store) SetState(ctx context.Context, tenant gateway.TenantID, source string, state []byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO retrieval_state VALUES ($1,$2,$3) ON CONFLICT (tenant, source) DO UPDATE SET state = excluded.state`, tenant, source, state)
	return wrap("write state", err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// texts converts a list for PostgreSQL; nil becomes the empty list.
func texts[T ~string](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

func byChunk(a, b retrieval.Scored) int {
	if c := cmp.Compare(b.Score, a.Score); c != 0 {
		return c
	}
	return cmp.Compare(a.Chunk, b.Chunk)
}

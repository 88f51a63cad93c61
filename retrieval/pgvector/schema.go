// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pgvector

import (
	"context"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// migrations are applied in order, each once. What ranking reads stands apart
// from the texts and is neither packed nor moved out of its row
// (toast_tuple_target), since it is read for every selected chunk. Every
// search reads the pending entries of the index of terms: at most 4 MB; shorter
// lists made indexing more than twice as slow.
var migrations = []string{`
CREATE TABLE retrieval_document (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL, source text NOT NULL, doc text NOT NULL,
  parent text NOT NULL, version text NOT NULL,
  allow text[] NOT NULL, deny text[] NOT NULL, class text[] NOT NULL,
  UNIQUE (tenant, source, doc));
CREATE INDEX retrieval_document_parent ON retrieval_document (tenant, source, parent) WHERE parent <> '';
CREATE INDEX retrieval_document_allow ON retrieval_document USING gin (allow);
CREATE SEQUENCE retrieval_chunk_id;
CREATE TABLE retrieval_chunk (
  id bigint PRIMARY KEY,
  document bigint NOT NULL REFERENCES retrieval_document (id) ON DELETE CASCADE,
  text text NOT NULL, citation jsonb NOT NULL, norm text NOT NULL);
CREATE INDEX retrieval_chunk_document ON retrieval_chunk (document);
CREATE INDEX retrieval_chunk_norm ON retrieval_chunk (norm) WHERE norm <> '';
CREATE TABLE retrieval_lexical (
  chunk bigint PRIMARY KEY,
  document bigint NOT NULL REFERENCES retrieval_document (id) ON DELETE CASCADE,
  terms int[] NOT NULL, lex sparsevec(1000000000) NOT NULL) WITH (toast_tuple_target = 8160);
ALTER TABLE retrieval_lexical ALTER COLUMN terms SET STORAGE EXTERNAL, ALTER COLUMN lex SET STORAGE EXTERNAL;
CREATE INDEX retrieval_lexical_document ON retrieval_lexical (document);
CREATE INDEX retrieval_lexical_terms ON retrieval_lexical USING gin (terms) WITH (gin_pending_list_limit = 4096);
CREATE TABLE retrieval_tenant (
  tenant text PRIMARY KEY, chunks bigint NOT NULL,
  vectors bigint NOT NULL, embedder text NOT NULL);
CREATE TABLE retrieval_term (
  tenant text, term integer, df bigint NOT NULL, PRIMARY KEY (tenant, term)) WITH (fillfactor = 70);
CREATE TABLE retrieval_state (
  tenant text, source text, state bytea NOT NULL, PRIMARY KEY (tenant, source));
`}

// migrate brings the tables up to date and returns the version of pgvector.
func (s *Store) migrate(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('schleuse retrieval migration'))`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS retrieval_version (version int NOT NULL)`); err != nil {
			return err
		}
		var done int
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(version), 0) FROM retrieval_version`).Scan(&done); err != nil {
			return err
		}
		for i := done; i < len(migrations); i++ {
			if _, err := tx.Exec(ctx, migrations[i]); err != nil {
				return fmt.Errorf("migration %d: %w", i+1, err)
			}
			if _, err := tx.Exec(ctx, `INSERT INTO retrieval_version VALUES ($1)`, i+1); err != nil {
				return err
			}
		}
		return s.vectorTable(ctx, tx)
	})
}

// vectorTable creates the table of vectors, with its index, where vectors are
// configured.
func (s *Store) vectorTable(ctx context.Context, tx pgx.Tx) error {
	if s.config.Dim == 0 {
		return nil
	}
	var have string
	err := tx.QueryRow(ctx, `SELECT coalesce((SELECT format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = to_regclass('retrieval_vector') AND attname = 'emb' AND NOT attisdropped), '')`).Scan(&have)
	if err != nil {
		return err
	}
	want := fmt.Sprintf("halfvec(%d)", s.config.Dim)
	if have == want {
		return nil
	}
	if have != "" {
		return fmt.Errorf("vectors are stored as %s, the configuration says %s", have, want)
	}
	_, err = tx.Exec(ctx, `CREATE TABLE retrieval_vector (
		chunk bigint PRIMARY KEY,
		document bigint NOT NULL REFERENCES retrieval_document (id) ON DELETE CASCADE,
		emb `+want+` NOT NULL) WITH (toast_tuple_target = 8160);
		CREATE INDEX retrieval_vector_document ON retrieval_vector (document)`)
	return err
}

// maintain follows the growth of a tenant. Searches are planned badly without
// statistics of a table that has just been filled. The index of vectors is built
// when there are more than are compared one by one: until then it would cost
// much and serve nothing.
func (s *Store) maintain(ctx context.Context, before, after size) error {
	if after.chunks >= 256 && bits.Len64(uint64(after.chunks)) > bits.Len64(uint64(before.chunks)) {
		tables := `ANALYZE retrieval_document, retrieval_chunk, retrieval_lexical`
		if s.config.Dim > 0 {
			tables += `, retrieval_vector`
		}
		if _, err := s.pool.Exec(ctx, tables); err != nil {
			return fmt.Errorf("read statistics: %w", err)
		}
	}
	if s.config.Dim == 0 || after.vectors <= int64(s.config.Exact) || after.vectors <= before.vectors {
		return nil
	}
	return s.vectorIndex(ctx)
}

// safeParallel is the first version of pgvector whose parallel index build does
// not write beyond its buffer (CVE-2026-3172).
var safeParallel = [3]int{0, 8, 2}

func (s *Store) vectorIndex(ctx context.Context) error {
	var there bool
	err := s.pool.QueryRow(ctx, `SELECT to_regclass('retrieval_vector_emb') IS NOT NULL`).Scan(&there)
	if err != nil || there {
		return err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		setting := `SELECT pg_advisory_xact_lock(hashtext('schleuse retrieval migration'))`
		if !s.parallel {
			setting += `; SET LOCAL max_parallel_maintenance_workers = 0`
		}
		if _, err := tx.Exec(ctx, setting); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `CREATE INDEX IF NOT EXISTS retrieval_vector_emb ON retrieval_vector USING hnsw (emb halfvec_ip_ops)`)
		return err
	})
	return wrap("build the index of vectors", err)
}

// extension reads the version of pgvector.
func (s *Store) extension(ctx context.Context) error {
	var version string
	err := s.pool.QueryRow(ctx, `SELECT extversion FROM pg_extension WHERE extname = 'vector'`).Scan(&version)
	if err != nil {
		return fmt.Errorf("look for the extension vector: %w", err)
	}
	s.parallel = !older(version, safeParallel)
	if older(version, [3]int{0, 8, 0}) {
		return fmt.Errorf("pgvector %s is too old, want 0.8.0 or newer", version)
	}
	return nil
}

func older(version string, than [3]int) bool {
	for i, part := range strings.SplitN(version, ".", 3) {
		n, err := strconv.Atoi(part)
		if err != nil || n < than[i] {
			return true
		}
		if n > than[i] {
			return false
		}
	}
	return false
}

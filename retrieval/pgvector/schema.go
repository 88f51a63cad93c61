// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pgvector

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// migrations are applied in order, each once. The table of chunks carries
// tenant and rights itself, so that one query filters and ranks.
var migrations = []string{`
CREATE TABLE retrieval_document (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant text NOT NULL, source text NOT NULL, doc text NOT NULL,
  parent text NOT NULL, version text NOT NULL,
  allow text[] NOT NULL, deny text[] NOT NULL, class text[] NOT NULL,
  UNIQUE (tenant, source, doc));
CREATE INDEX retrieval_document_parent ON retrieval_document (tenant, source, parent) WHERE parent <> '';
CREATE TABLE retrieval_chunk (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  document bigint NOT NULL REFERENCES retrieval_document (id) ON DELETE CASCADE,
  tenant text NOT NULL, source text NOT NULL,
  allow text[] NOT NULL, deny text[] NOT NULL,
  text text NOT NULL, citation jsonb NOT NULL, norm text NOT NULL,
  terms tsvector NOT NULL, lex sparsevec(1000000000) NOT NULL,
  embedder text NOT NULL);
ALTER TABLE retrieval_chunk ALTER COLUMN lex SET STORAGE EXTERNAL; -- read for every candidate: unpacking would cost more
CREATE INDEX retrieval_chunk_document ON retrieval_chunk (document);
CREATE INDEX retrieval_chunk_norm ON retrieval_chunk (tenant, norm) WHERE norm <> '';
CREATE INDEX retrieval_chunk_terms ON retrieval_chunk USING gin (terms);
CREATE INDEX retrieval_chunk_allow ON retrieval_chunk USING gin (allow);
CREATE INDEX retrieval_chunk_tenant ON retrieval_chunk (tenant, source);
CREATE TABLE retrieval_tenant (
  tenant text PRIMARY KEY, chunks bigint NOT NULL,
  vectors bigint NOT NULL, embedder text NOT NULL);
CREATE TABLE retrieval_term (
  tenant text, term integer, df bigint NOT NULL, PRIMARY KEY (tenant, term));
CREATE TABLE retrieval_state (
  tenant text, source text, state bytea NOT NULL, PRIMARY KEY (tenant, source));
`}

// safeParallel is the first version of pgvector whose parallel index build does
// not write beyond its buffer (CVE-2026-3172).
var safeParallel = [3]int{0, 8, 2}

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
		return s.vectorColumn(ctx, tx)
	})
}

// vectorColumn adds the column for vectors, with its index, where vectors are
// configured.
func (s *Store) vectorColumn(ctx context.Context, tx pgx.Tx) error {
	var have string
	err := tx.QueryRow(ctx, `SELECT coalesce((SELECT format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = 'retrieval_chunk'::regclass AND attname = 'emb' AND NOT attisdropped), '')`).Scan(&have)
	if err != nil {
		return err
	}
	if s.config.Dim == 0 {
		return nil
	}
	want := fmt.Sprintf("halfvec(%d)", s.config.Dim)
	if have == want {
		return nil
	}
	if have != "" {
		return fmt.Errorf("vectors are stored as %s, the configuration says %s", have, want)
	}
	if !s.parallel {
		if _, err := tx.Exec(ctx, `SET LOCAL max_parallel_maintenance_workers = 0`); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `ALTER TABLE retrieval_chunk ADD COLUMN emb `+want+`;
		CREATE INDEX retrieval_chunk_emb ON retrieval_chunk USING hnsw (emb halfvec_ip_ops)`)
	return err
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

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite is the retrieval store without a server: a SQLite file keeps
// documents, chunks and rights, an inverted index in memory searches. One
// process may use a file at a time; for several replicas there is pgvector.
// Start with Open.
package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"

	_ "modernc.org/sqlite" // driver "sqlite"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
)

const schema = `
CREATE TABLE IF NOT EXISTS retrieval_document (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant TEXT NOT NULL, source TEXT NOT NULL, doc TEXT NOT NULL,
  parent TEXT NOT NULL, version TEXT NOT NULL,
  allow TEXT NOT NULL, deny TEXT NOT NULL, class TEXT NOT NULL,
  UNIQUE (tenant, source, doc));
CREATE INDEX IF NOT EXISTS retrieval_document_parent ON retrieval_document (tenant, source, parent) WHERE parent <> '';
CREATE TABLE IF NOT EXISTS retrieval_chunk (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document INTEGER NOT NULL REFERENCES retrieval_document (id) ON DELETE CASCADE,
  text TEXT NOT NULL, citation TEXT NOT NULL, norm TEXT NOT NULL,
  weights BLOB NOT NULL, vector BLOB, embedder TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS retrieval_chunk_document ON retrieval_chunk (document);
CREATE TABLE IF NOT EXISTS retrieval_state (
  tenant TEXT NOT NULL, source TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (tenant, source));
`

// Store is a retrieval.Store over one SQLite file.
type Store struct {
	db      *sql.DB
	mu      sync.Mutex // guards tenants
	tenants map[gateway.TenantID]*tenant
	// compact is the number of slots from which dead ones are cleared away.
	compact int
}

// compactSlots: below it, loading again saves nothing worth the trouble.
const compactSlots = 2000

var _ retrieval.Store = (*Store)(nil)

// tenant is the index of one tenant. write is held for a whole change, memory
// is nil until it is needed.
type tenant struct {
	write  sync.Mutex
	read   sync.RWMutex
	memory *memory
}

// Open opens or creates the file; an empty path keeps everything in memory.
func Open(ctx context.Context, path string) (*Store, error) {
	dsn := "file::memory:?_pragma=foreign_keys(1)"
	if path != "" {
		file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
		dsn = file.String() + "?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(10000)&_txlock=immediate"
	}
	if err := private(path); err != nil {
		return nil, fmt.Errorf("open retrieval store: %w", err)
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open retrieval store: %w", err)
	}
	if path == "" {
		db.SetMaxOpenConns(1) // each connection would have a memory of its own
	}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		db.Close()
		return nil, fmt.Errorf("prepare retrieval store: %w", err)
	}
	return &Store{db: db, tenants: map[gateway.TenantID]*tenant{}, compact: compactSlots}, nil
}

// private creates the file so that only its owner reads it: it holds the text
// of all documents. SQLite gives the files beside it the same rights.
func private(path string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

func (s *Store) tenant(id gateway.TenantID) *tenant {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tenants[id]
	if !ok {
		t = &tenant{}
		s.tenants[id] = t
	}
	return t
}

// loaded returns the tenant's index, read from the file if need be. The caller
// holds t.write.
func (s *Store) loaded(ctx context.Context, id gateway.TenantID, t *tenant) (*memory, error) {
	t.read.RLock()
	m := t.memory
	t.read.RUnlock()
	if m != nil && !m.wasteful(s.compact) {
		return m, nil
	}
	m, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	t.read.Lock()
	t.memory = m
	t.read.Unlock()
	return m, nil
}

// change runs a transaction and then, under the lock, the same change in memory.
func (s *Store) change(ctx context.Context, id gateway.TenantID, inFile func(*sql.Tx, *memory) (inMemory func(*memory), err error)) error {
	t := s.tenant(id)
	t.write.Lock()
	defer t.write.Unlock()
	m, err := s.loaded(ctx, id, t)
	if err != nil {
		return err
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	apply, err := inFile(tx, m)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		t.read.Lock()
		t.memory = nil // it is unknown what the file holds now: read it again
		t.read.Unlock()
		return fmt.Errorf("commit: %w", err)
	}
	t.read.Lock()
	apply(m)
	t.read.Unlock()
	return nil
}

// Put implements retrieval.Store.
func (s *Store) Put(ctx context.Context, e retrieval.Entry) error {
	err := s.change(ctx, e.Tenant, func(tx *sql.Tx, m *memory) (func(*memory), error) {
		if err := m.accepts(e); err != nil {
			return nil, err
		}
		gone, err := removeDocument(ctx, tx, e.Key, e.Parent == "")
		if err != nil {
			return nil, err
		}
		ids, err := insert(ctx, tx, e)
		if err != nil {
			return nil, err
		}
		return func(m *memory) {
			m.remove(gone)
			m.add(key{e.Source, e.ID}, e.Parent, e.Access, ids, e.Chunks)
		}, nil
	})
	return wrap("put document", err)
}

func insert(ctx context.Context, tx *sql.Tx, e retrieval.Entry) ([]int64, error) {
	result, err := tx.ExecContext(ctx, `INSERT INTO retrieval_document (tenant, source, doc, parent, version, allow, deny, class) VALUES (?,?,?,?,?,?,?,?)`,
		e.Tenant, e.Source, e.ID, e.Parent, e.Version, list(e.Access.Allow), list(e.Access.Deny), list(e.Class))
	if err != nil {
		return nil, err
	}
	document, err := result.LastInsertId()
	if err != nil {
		return nil, err
	}
	stmt, err := tx.PrepareContext(ctx, `INSERT INTO retrieval_chunk (document, text, citation, norm, weights, vector, embedder) VALUES (?,?,?,?,?,?,?)`)
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	ids := make([]int64, len(e.Chunks))
	for i, c := range e.Chunks {
		citation, err := json.Marshal(c.Citation)
		if err != nil {
			return nil, err
		}
		result, err := stmt.ExecContext(ctx, document, c.Text, string(citation), c.Norm, encodeWeights(c.Weights), encodeVector(c.Vector), c.Embedder)
		if err != nil {
			return nil, err
		}
		if ids[i], err = result.LastInsertId(); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// removed is a chunk that was taken out, with the terms it held.
type removed struct {
	document key
	weights  []retrieval.Weight
}

// familySQL selects a document and, if ?4, those attached to it. Both halves
// find their rows in an index; a condition with OR reads the whole source.
const familySQL = `SELECT id FROM retrieval_document WHERE tenant = ?1 AND source = ?2 AND doc = ?3
	UNION ALL SELECT id FROM retrieval_document WHERE ?4 AND tenant = ?1 AND source = ?2 AND parent = ?3 AND parent <> ''`

// removeDocument deletes a document, and with attached those attached to it.
func removeDocument(ctx context.Context, tx *sql.Tx, k retrieval.Key, attached bool) ([]removed, error) {
	const where = ` d.id IN (` + familySQL + `)`
	rows, err := tx.QueryContext(ctx, `SELECT d.doc, c.weights FROM retrieval_document d CROSS JOIN retrieval_chunk c ON c.document = d.id WHERE`+where,
		k.Tenant, k.Source, k.ID, attached)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []removed
	for rows.Next() {
		var doc string
		var weights []byte
		if err := rows.Scan(&doc, &weights); err != nil {
			return nil, err
		}
		out = append(out, removed{key{k.Source, doc}, decodeWeights(weights)})
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	_, err = tx.ExecContext(ctx, `DELETE FROM retrieval_document AS d WHERE`+where, k.Tenant, k.Source, k.ID, attached)
	return out, err
}

// Delete implements retrieval.Store.
func (s *Store) Delete(ctx context.Context, k retrieval.Key) error {
	err := s.change(ctx, k.Tenant, func(tx *sql.Tx, _ *memory) (func(*memory), error) {
		gone, err := removeDocument(ctx, tx, k, true)
		return func(m *memory) { m.remove(gone) }, err
	})
	return wrap("delete document", err)
}

// SetAccess implements retrieval.Store.
func (s *Store) SetAccess(ctx context.Context, k retrieval.Key, a retrieval.Access) error {
	err := s.change(ctx, k.Tenant, func(tx *sql.Tx, _ *memory) (func(*memory), error) {
		_, err := tx.ExecContext(ctx, `UPDATE retrieval_document SET allow = ?5, deny = ?6 WHERE id IN (`+familySQL+`)`,
			k.Tenant, k.Source, k.ID, true, list(a.Allow), list(a.Deny))
		return func(m *memory) { m.setAccess(k.Source, k.ID, a) }, err
	})
	return wrap("set access", err)
}

// Clear implements retrieval.Store.
func (s *Store) Clear(ctx context.Context, id gateway.TenantID) error {
	err := s.change(ctx, id, func(tx *sql.Tx, _ *memory) (func(*memory), error) {
		for _, table := range []string{"retrieval_document", "retrieval_state"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE tenant = ?`, id); err != nil { //nolint:gosec // one of the two names above
				return nil, err
			}
		}
		return func(m *memory) { *m = *newMemory() }, nil
	})
	return wrap("clear tenant", err)
}

// Documents implements retrieval.Store.
func (s *Store) Documents(ctx context.Context, id gateway.TenantID, source string, emit func(retrieval.Stored) error) error {
	documents, err := s.documents(ctx, id, source)
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

func (s *Store) documents(ctx context.Context, id gateway.TenantID, source string) ([]retrieval.Stored, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT doc, version, allow, deny FROM retrieval_document WHERE tenant = ? AND source = ? AND parent = '' ORDER BY doc`, id, source)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []retrieval.Stored
	for rows.Next() {
		var d retrieval.Stored
		var allow, deny string
		if err := rows.Scan(&d.ID, &d.Version, &allow, &deny); err != nil {
			return nil, err
		}
		if err := errors.Join(json.Unmarshal([]byte(allow), &d.Access.Allow), json.Unmarshal([]byte(deny), &d.Access.Deny)); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// State implements retrieval.Store.
func (s *Store) State(ctx context.Context, id gateway.TenantID, source string) ([]byte, error) {
	var state []byte
	err := s.db.QueryRowContext(ctx, `SELECT state FROM retrieval_state WHERE tenant = ? AND source = ?`, id, source).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return state, wrap("read state", err)
}

// SetState implements retrieval.Store.
func (s *Store) SetState(ctx context.Context, id gateway.TenantID, source string, state []byte) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO retrieval_state VALUES (?,?,?) ON CONFLICT (tenant, source) DO UPDATE SET state = excluded.state`, id, source, state)
	return wrap("write state", err)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// list writes a list as JSON; nil as [].
func list[T ~string](values []T) string {
	if len(values) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(values) //nolint:errchkjson // strings can always be encoded
	return string(b)
}

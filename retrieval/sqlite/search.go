// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// Search implements retrieval.Store.
func (s *Store) Search(ctx context.Context, q retrieval.Search) ([]retrieval.Hit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ranked, named, err := s.rank(ctx, q)
	if err != nil {
		return nil, err
	}
	isNamed := map[int64]bool{}
	for _, n := range named {
		isNamed[n.Chunk] = true
	}
	joined := retrieval.Join(named, ranked, q.Limit)
	hits, err := s.hits(ctx, q.Tenant, joined)
	if err != nil {
		return nil, fmt.Errorf("read passages: %w", err)
	}
	out := make([]retrieval.Hit, 0, len(joined))
	for _, j := range joined {
		if h, ok := hits[j.Chunk]; ok {
			h.Score, h.Named = j.Score, isNamed[j.Chunk]
			out = append(out, h)
		}
	}
	return out, nil
}

func (s *Store) rank(ctx context.Context, q retrieval.Search) (ranked, named []retrieval.Scored, err error) {
	t := s.tenant(q.Tenant)
	t.read.RLock()
	if t.memory == nil {
		t.read.RUnlock()
		t.write.Lock()
		_, err := s.loaded(ctx, q.Tenant, t)
		t.write.Unlock()
		if err != nil {
			return nil, nil, err
		}
		t.read.RLock()
	}
	defer t.read.RUnlock()
	if t.memory == nil {
		return nil, nil, errors.New("index is being read again")
	}
	return t.memory.search(q)
}

// hits reads passages. The tenant is asked for again: a second fence. CROSS JOIN
// makes SQLite begin with the few chunks, not with all documents of the tenant.
func (s *Store) hits(ctx context.Context, id gateway.TenantID, scored []retrieval.Scored) (map[int64]retrieval.Hit, error) {
	if len(scored) == 0 {
		return map[int64]retrieval.Hit{}, nil
	}
	args := []any{id}
	for _, c := range scored {
		args = append(args, c.Chunk)
	}
	marks := strings.TrimSuffix(strings.Repeat("?,", len(scored)), ",")
	//nolint:gosec // marks are question marks only
	rows, err := s.db.QueryContext(ctx, `SELECT c.id, c.text, c.citation, c.norm, d.source, d.doc, d.class
		FROM retrieval_chunk c CROSS JOIN retrieval_document d ON d.id = c.document WHERE d.tenant = ? AND c.id IN (`+marks+`)`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make(map[int64]retrieval.Hit, len(scored))
	for rows.Next() {
		var chunk int64
		var citation, class string
		h := retrieval.Hit{Key: retrieval.Key{Tenant: id}}
		if err := rows.Scan(&chunk, &h.Text, &citation, &h.Norm, &h.Key.Source, &h.Key.ID, &class); err != nil {
			return nil, err
		}
		if err := errors.Join(json.Unmarshal([]byte(citation), &h.Citation), json.Unmarshal([]byte(class), &h.Class)); err != nil {
			return nil, err
		}
		out[chunk] = h
	}
	return out, rows.Err()
}

// load reads the index of a tenant from the file.
func (s *Store) load(ctx context.Context, id gateway.TenantID) (*memory, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT d.source, d.doc, d.parent, d.allow, d.deny, c.id, c.norm, c.weights, c.vector, c.embedder
		FROM retrieval_document d JOIN retrieval_chunk c ON c.document = d.id WHERE d.tenant = ? ORDER BY d.id, c.id`, id)
	if err != nil {
		return nil, fmt.Errorf("load index: %w", err)
	}
	defer rows.Close()
	m := newMemory()
	var current loading
	for rows.Next() {
		var r loading
		var chunk int64
		var c retrieval.Chunk
		var weights, vector []byte
		if err := rows.Scan(&r.source, &r.id, &r.parent, &r.allow, &r.deny, &chunk, &c.Norm, &weights, &vector, &c.Embedder); err != nil {
			return nil, fmt.Errorf("load index: %w", err)
		}
		c.Weights, c.Vector = decodeWeights(weights), decodeVector(vector)
		if r.key != current.key {
			if err := current.into(m); err != nil {
				return nil, err
			}
			current = r
		}
		current.ids, current.chunks = append(current.ids, chunk), append(current.chunks, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("load index: %w", err)
	}
	return m, current.into(m)
}

// loading is a document while its chunks are read.
type loading struct {
	key
	parent      string
	allow, deny string
	ids         []int64
	chunks      []retrieval.Chunk
}

func (l loading) into(m *memory) error {
	if l.id == "" {
		return nil
	}
	var a retrieval.Access
	if err := errors.Join(json.Unmarshal([]byte(l.allow), &a.Allow), json.Unmarshal([]byte(l.deny), &a.Deny)); err != nil {
		return fmt.Errorf("load index: rights of a document: %w", err)
	}
	m.add(l.key, l.parent, a, l.ids, l.chunks)
	return nil
}

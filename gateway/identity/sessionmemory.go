// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/state"
)

// memoryState keeps the sessions of one process that has no shared store.
type memoryState struct {
	now func() time.Time

	mu        sync.Mutex
	documents map[string]state.Document
}

func newMemoryState(now func() time.Time) *memoryState {
	return &memoryState{now: now, documents: map[string]state.Document{}}
}

var _ state.Store = (*memoryState)(nil)

func (m *memoryState) Get(_ context.Context, kind, id string) (state.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.documents[kind+"/"+id]
	if !ok {
		return state.Document{}, state.NotFound(kind, id)
	}
	return d, nil
}

func (m *memoryState) List(_ context.Context, f state.Filter) ([]state.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []state.Document
	for _, key := range slices.Sorted(maps.Keys(m.documents)) {
		d := m.documents[key]
		if d.Kind == f.Kind && d.ID > f.After && (f.Tenant == nil || *f.Tenant == d.Tenant) && (f.Limit == 0 || len(out) < f.Limit) {
			out = append(out, d)
		}
	}
	return out, nil
}

func (m *memoryState) Put(_ context.Context, d state.Document) (state.Document, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := d.Kind + "/" + d.ID
	if m.documents[key].Version != d.Version {
		return d, state.Conflict(d.Kind, d.ID)
	}
	d.Version++
	d.Time = m.now()
	m.documents[key] = d
	return d, nil
}

func (m *memoryState) Delete(_ context.Context, kind, id string, version int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.documents[kind+"/"+id]
	switch {
	case !ok:
		return state.NotFound(kind, id)
	case d.Version != version:
		return state.Conflict(kind, id)
	}
	delete(m.documents, kind+"/"+id)
	return nil
}

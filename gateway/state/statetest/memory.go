// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package statetest says what a store of shared documents must do, and has one in
// memory for tests of others. Start at [Run].
package statetest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/state"
)

type memory struct {
	mu   sync.Mutex
	docs map[string]state.Document
}

// Memory is a store that ends with the process.
func Memory() state.Store { return &memory{docs: map[string]state.Document{}} }

func (m *memory) Get(_ context.Context, kind, id string) (state.Document, error) {
	if err := state.CheckName(kind, id); err != nil {
		return state.Document{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	d, ok := m.docs[kind+"/"+id]
	if !ok {
		return state.Document{}, state.NotFound(kind, id)
	}
	return copied(d), nil
}

func (m *memory) List(_ context.Context, f state.Filter) ([]state.Document, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []state.Document
	for _, d := range m.docs {
		if d.Kind == f.Kind && d.ID > f.After && (f.Tenant == nil || *f.Tenant == d.Tenant) {
			out = append(out, copied(d))
		}
	}
	slices.SortFunc(out, func(a, b state.Document) int { return strings.Compare(a.ID, b.ID) })
	return out[:min(len(out), f.Most())], nil
}

func (m *memory) Put(_ context.Context, d state.Document) (state.Document, error) {
	if err := d.Check(); err != nil {
		return state.Document{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	stored, ok := m.docs[d.Kind+"/"+d.ID]
	if stored.Version != d.Version || ok && stored.Tenant != d.Tenant {
		return state.Document{}, state.Conflict(d.Kind, d.ID)
	}
	d.Version, d.Time = d.Version+1, time.Now().UTC()
	m.docs[d.Kind+"/"+d.ID] = copied(d)
	return d, nil
}

func (m *memory) Delete(_ context.Context, kind, id string, version int64) error {
	if err := state.CheckName(kind, id); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	stored, ok := m.docs[kind+"/"+id]
	switch {
	case !ok:
		return state.NotFound(kind, id)
	case stored.Version != version:
		return state.Conflict(kind, id)
	}
	delete(m.docs, kind+"/"+id)
	return nil
}

func copied(d state.Document) state.Document {
	d.Body = slices.Clone(d.Body)
	return d
}

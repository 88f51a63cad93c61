// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package shelf

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// memory keeps a bounded number of items, the oldest at the front of order. When
// there are too many, the tenant that keeps most loses its oldest: a busy one does
// not crowd out what others keep.
type memory struct {
	mu    sync.Mutex
	most  int
	bytes int
	now   func() time.Time
	items map[Place]Item
	order []Place
	held  map[gateway.TenantID]int // bytes
	all   int                      // bytes
}

// maxMemory bounds the bytes of a shelf in memory.
const maxMemory = 256 << 20

// Memory keeps up to most items, and no more than 256 MiB, in this process.
func Memory(most int, now func() time.Time) Store {
	return &memory{most: max(most, 1), bytes: maxMemory, now: now, items: map[Place]Item{}, held: map[gateway.TenantID]int{}}
}

// overhead is what an item costs beside its value.
const overhead = 256

func (m *memory) Put(_ context.Context, i Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(i.Place)
	i.Value = bytes.Clone(i.Value)
	m.items[i.Place] = i
	m.order = append(m.order, i.Place)
	m.held[i.Tenant] += len(i.Value) + overhead
	m.all += len(i.Value) + overhead
	now := m.now()
	for len(m.order) > 1 && !now.Before(m.items[m.order[0]].Until) {
		m.forget(m.order[0])
	}
	for len(m.order) > 1 && (len(m.order) > m.most || m.all > m.bytes) {
		m.forget(m.surplus())
	}
	return nil
}

func (m *memory) forget(p Place) {
	at := slices.Index(m.order, p)
	if at < 0 {
		return
	}
	size := len(m.items[p].Value) + overhead
	m.order = slices.Delete(m.order, at, at+1)
	delete(m.items, p)
	m.all -= size
	if m.held[p.Tenant] -= size; m.held[p.Tenant] == 0 {
		delete(m.held, p.Tenant)
	}
}

// surplus is the oldest item of the tenant that keeps most.
func (m *memory) surplus() Place {
	most := 0
	for _, n := range m.held {
		most = max(most, n)
	}
	return m.order[slices.IndexFunc(m.order, func(p Place) bool { return m.held[p.Tenant] == most })]
}

func (m *memory) Get(_ context.Context, p Place) (Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, ok := m.items[p]
	if !ok || !m.now().Before(i.Until) {
		return Item{}, NotFound(p)
	}
	i.Value = bytes.Clone(i.Value)
	return i, nil
}

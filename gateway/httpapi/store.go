// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
)

// DraftStore keeps drafts until they are released and fetched. What belongs to
// one tenant is never found by another.
type DraftStore interface {
	PutDraft(ctx context.Context, tenant gateway.TenantID, d Draft) error
	// Draft returns CodeNotFound when there is none.
	Draft(ctx context.Context, tenant gateway.TenantID, id string) (Draft, error)
}

// ReportStore keeps reports, so that a letter can be asked for by check_id.
type ReportStore interface {
	PutReport(ctx context.Context, tenant gateway.TenantID, r completeness.Report) error
	// Report returns CodeNotFound when there is none.
	Report(ctx context.Context, tenant gateway.TenantID, id string) (completeness.Report, error)
}

// memory keeps a bounded number of values for a bounded time, the oldest at the
// front of order. When there are too many, the tenant that keeps most loses its
// oldest: a busy one does not crowd out what others keep.
type memory[T any] struct {
	mu     sync.Mutex
	most   int
	life   time.Duration
	now    func() time.Time
	values map[place]kept[T]
	order  []place
	held   map[gateway.TenantID]int
}

type place struct {
	tenant gateway.TenantID
	id     string
}

type kept[T any] struct {
	value T
	until time.Time
}

func newMemory[T any](most int, life time.Duration, now func() time.Time) *memory[T] {
	return &memory[T]{most: max(most, 1), life: life, now: now, values: map[place]kept[T]{}, held: map[gateway.TenantID]int{}}
}

func (m *memory[T]) put(p place, v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	m.forget(p)
	m.values[p] = kept[T]{value: v, until: now.Add(m.life)}
	m.order = append(m.order, p)
	m.held[p.tenant]++
	for !now.Before(m.values[m.order[0]].until) && len(m.order) > 1 {
		m.forget(m.order[0])
	}
	if len(m.order) > m.most {
		m.forget(m.surplus())
	}
}

func (m *memory[T]) forget(p place) {
	i := slices.Index(m.order, p)
	if i < 0 {
		return
	}
	m.order = slices.Delete(m.order, i, i+1)
	delete(m.values, p)
	if m.held[p.tenant]--; m.held[p.tenant] == 0 {
		delete(m.held, p.tenant)
	}
}

// surplus is the oldest value of the tenant that keeps most.
func (m *memory[T]) surplus() place {
	most := 0
	for _, n := range m.held {
		most = max(most, n)
	}
	return m.order[slices.IndexFunc(m.order, func(p place) bool { return m.held[p.tenant] == most })]
}

func (m *memory[T]) get(p place, what string) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[p]
	if !ok || !m.now().Before(v.until) {
		var none T
		return none, &gateway.Error{Op: "find " + what, Code: gateway.CodeNotFound, Message: msgNotFound}
	}
	return v.value, nil
}

type draftMemory struct{ *memory[Draft] }

// NewDraftStore keeps up to most drafts in memory, each for the given time.
func NewDraftStore(most int, life time.Duration, now func() time.Time) DraftStore {
	return draftMemory{newMemory[Draft](most, life, now)}
}

func (m draftMemory) PutDraft(_ context.Context, tenant gateway.TenantID, d Draft) error {
	m.put(place{tenant, d.ID}, d)
	return nil
}

func (m draftMemory) Draft(_ context.Context, tenant gateway.TenantID, id string) (Draft, error) {
	return m.get(place{tenant, id}, "draft")
}

type reportMemory struct{ *memory[completeness.Report] }

// NewReportStore keeps up to most reports in memory, each for the given time.
func NewReportStore(most int, life time.Duration, now func() time.Time) ReportStore {
	return reportMemory{newMemory[completeness.Report](most, life, now)}
}

func (m reportMemory) PutReport(_ context.Context, tenant gateway.TenantID, r completeness.Report) error {
	m.put(place{tenant, r.ID}, r)
	return nil
}

func (m reportMemory) Report(_ context.Context, tenant gateway.TenantID, id string) (completeness.Report, error) {
	return m.get(place{tenant, id}, "report")
}

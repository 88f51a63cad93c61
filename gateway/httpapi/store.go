// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
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

// memory keeps a bounded number of values for a bounded time; the oldest go first.
type memory[T any] struct {
	mu     sync.Mutex
	most   int
	life   time.Duration
	now    func() time.Time
	values map[place]kept[T]
	order  []place
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
	return &memory[T]{most: max(most, 1), life: life, now: now, values: map[place]kept[T]{}}
}

func (m *memory[T]) put(p place, v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.values[p]; !known {
		m.order = append(m.order, p)
	}
	m.values[p] = kept[T]{value: v, until: m.now().Add(m.life)}
	m.evict()
}

// evict drops the oldest while there are too many or they have expired.
func (m *memory[T]) evict() {
	for len(m.order) > 0 {
		oldest := m.order[0]
		if len(m.order) <= m.most && m.now().Before(m.values[oldest].until) {
			return
		}
		delete(m.values, oldest)
		m.order = m.order[1:]
	}
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

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Left is one limit of a caller and what is left of it.
type Left struct {
	Scope Scope `json:"scope"`
	Kind  Kind  `json:"limit"`
	// Title says in German what is bounded for whom.
	Title string `json:"title"`
	// Unit is request, token, place or micro_euro.
	Unit string `json:"unit"`
	// Hidden: several tenants share the limit, therefore it has no numbers here.
	Hidden bool  `json:"hidden,omitempty"`
	Most   int64 `json:"most,omitempty"`
	// Left now: for rates and places at this replica.
	Left int64 `json:"left"`
	// Used of a budget, as reported by all replicas; Held by requests under way
	// and in advance; Lost with replicas that died.
	Used int64 `json:"used,omitempty"`
	Held int64 `json:"held,omitempty"`
	Lost int64 `json:"lost,omitempty"`
	// Frees is when a budget is whole again.
	Frees *time.Time `json:"frees,omitempty"`
}

// Left lists the limits that apply to a caller, for one purpose or none.
func (k *Keeper) Left(ctx context.Context, caller gateway.Caller, purpose gateway.Purpose) ([]Left, error) {
	path := k.path(gateway.Request{Caller: caller, Purpose: purpose})
	now := k.config.Now()
	var out []Left
	var accounts []Account
	var places []int
	for _, s := range path {
		s.mu.Lock()
		for _, l := range s.left(k.calendar, now) {
			if l.Kind.Budget() && !l.Hidden {
				accounts = append(accounts, s.account(l.Kind))
				places = append(places, len(out))
			}
			out = append(out, l)
		}
		s.mu.Unlock()
	}
	if len(accounts) == 0 {
		return out, nil
	}
	books, err := k.config.Store.Books(ctx, accounts)
	if err != nil {
		return nil, fmt.Errorf("read budgets: %w", err)
	}
	for i, b := range books {
		l := &out[places[i]]
		l.Used, l.Held, l.Lost = b.Used, b.Leased, b.Lost
		l.Left = max(l.Most-b.Used-b.Leased-b.Lost, 0)
	}
	return out, nil
}

func (s *scope) account(k Kind) Account { return s.budgetOf(k).account }

// left lists the limits of a scope. The mutex must be held.
func (s *scope) left(cal calendar, now time.Time) []Left {
	s.current(&s.day, cal, now)
	s.current(&s.month, cal, now)
	var out []Left
	add := func(l Left) {
		l.Scope, l.Title = s.name, title(l.Kind, s.name)
		if s.name.shared() {
			l = Left{Scope: l.Scope, Kind: l.Kind, Title: l.Title, Unit: l.Unit, Hidden: true}
		}
		out = append(out, l)
	}
	for _, b := range [...]*bucket{s.requests, s.input, s.output} {
		if b == nil || b.limit == 0 {
			continue
		}
		b.refill(now)
		l := Left{Kind: b.account.Kind, Unit: "token", Most: b.limit, Left: int64(max(b.level, 0))}
		if b.account.Kind == KindRequests {
			l.Unit = "request"
		}
		if b.share == 0 { // nothing drawn yet: nobody here has used any
			l.Left = int64(max(1, float64(b.limit)*b.burst().Minutes()))
		}
		add(l)
	}
	if p := s.places; p != nil && p.limit > 0 {
		add(Left{Kind: KindConcurrent, Unit: "place", Most: p.limit, Left: max(p.limit-p.busy, 0)})
	}
	for _, b := range [...]*budget{s.day, s.month} {
		if b != nil && b.limit > 0 {
			ends := b.account.Ends
			add(Left{Kind: b.account.Kind, Unit: "micro_euro", Most: b.limit, Frees: &ends})
		}
	}
	return out
}

func title(k Kind, s Scope) string {
	switch k {
	case KindDay:
		return "Tagesbudget " + whose(s)
	case KindMonth:
		return "Monatsbudget " + whose(s)
	case KindConcurrent:
		return "Gleichzeitige Anfragen " + whose(s)
	case KindRequests, KindInput, KindOutput:
	}
	return unit(k) + " " + whose(s)
}

// Status is what metrics show.
type Status struct {
	// Budgets of tenants and of all, by the last exchange of this replica; at
	// most 2,000, those that are used most.
	Budgets []BudgetStatus
	// Refused requests by what was reached.
	Refused map[Kind]int64
	// RefusedWithoutStore are refusals because the store did not answer.
	RefusedWithoutStore int64
	// StoreDown says that the store failed lately.
	StoreDown bool
	// Scopes in memory; UsageRows and UsageBatches that are not written yet.
	Scopes, UsageRows, UsageBatches int
}

// BudgetStatus is how much of a budget is used, from 0 to 1 and above.
type BudgetStatus struct {
	Scope    Scope
	Kind     Kind
	Fraction float64
}

const maxStatus = 2000

// Status looks at everything in memory; it asks no store.
func (k *Keeper) Status() Status {
	st := Status{Refused: map[Kind]int64{}, RefusedWithoutStore: k.refused.store.Load(), StoreDown: k.exchange.failing.Load() != 0}
	for i, kind := range kinds {
		st.Refused[kind] = k.refused.byKind[i].Load()
	}
	for _, s := range k.all() {
		st.Scopes++
		if s.name.Class != "tenant" && s.name.Class != "all" {
			continue
		}
		s.mu.Lock()
		for _, b := range [...]*budget{s.day, s.month} {
			if b != nil && b.limit > 0 {
				used := float64(b.book.Used + b.book.Lost + b.spent)
				st.Budgets = append(st.Budgets, BudgetStatus{s.name, b.account.Kind, used / float64(b.limit)})
			}
		}
		s.mu.Unlock()
	}
	slices.SortFunc(st.Budgets, func(a, b BudgetStatus) int {
		return cmp.Or(cmp.Compare(b.Fraction, a.Fraction), cmp.Compare(a.Scope.String(), b.Scope.String()))
	})
	st.Budgets = st.Budgets[:min(len(st.Budgets), maxStatus)]
	k.usage.mu.Lock()
	st.UsageRows = len(k.usage.rows)
	k.usage.mu.Unlock()
	if k.usage.writing.TryLock() {
		st.UsageBatches = len(k.usage.pending)
		k.usage.writing.Unlock()
	}
	return st
}

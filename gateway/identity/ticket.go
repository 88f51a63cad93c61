// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// TicketStore keeps launch tickets for one or many processes: each is taken once,
// by whichever process is asked first. Every implementation passes
// identitytest.RunTickets.
type TicketStore interface {
	// PutTicket keeps a ticket. CodeRateLimited when its scope has TicketLimit
	// tickets that are still valid.
	PutTicket(ctx context.Context, t Ticket, now time.Time) error
	// TakeTicket removes a ticket and returns its body. CodeNotFound when there is
	// none that is still valid.
	TakeTicket(ctx context.Context, digest string, now time.Time) ([]byte, error)
}

// Ticket is a launch ticket as it is kept: its text is nowhere, its body is sealed.
type Ticket struct {
	Digest string
	// Scope is the tenant and system that may have TicketLimit of them.
	Scope string
	Until time.Time
	Body  []byte
}

// TicketLimit bounds the valid tickets of one scope.
const TicketLimit = 1000

// TooManyTickets and NoTicket are the errors of every TicketStore.
func TooManyTickets() error {
	return &gateway.Error{Op: "keep ticket", Code: gateway.CodeRateLimited, RetryAfter: ticketLife, Message: "Das Fachverfahren hat zu viele offene Startkarten."}
}

// NoTicket says that a ticket is not there, or not any more.
func NoTicket() error {
	return &gateway.Error{Op: "take ticket", Code: gateway.CodeNotFound, Message: "Diese Startkarte gibt es nicht mehr."}
}

// MemoryTickets keeps tickets of one process.
type MemoryTickets struct {
	mu      sync.Mutex
	tickets map[string]Ticket
}

var _ TicketStore = (*MemoryTickets)(nil)

// NewMemoryTickets returns an empty store.
func NewMemoryTickets() *MemoryTickets { return &MemoryTickets{tickets: map[string]Ticket{}} }

// maxMemoryTickets bounds them over all scopes.
const maxMemoryTickets = 20_000

// PutTicket implements TicketStore.
func (m *MemoryTickets) PutTicket(_ context.Context, t Ticket, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.tickets, func(_ string, old Ticket) bool { return !now.Before(old.Until) })
	n := 0
	for _, other := range m.tickets {
		if other.Scope == t.Scope {
			n++
		}
	}
	if n >= TicketLimit || len(m.tickets) >= maxMemoryTickets {
		return TooManyTickets()
	}
	m.tickets[t.Digest] = t
	return nil
}

// TakeTicket implements TicketStore.
func (m *MemoryTickets) TakeTicket(_ context.Context, digest string, now time.Time) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tickets[digest]
	delete(m.tickets, digest)
	if !ok || !now.Before(t.Until) {
		return nil, NoTicket()
	}
	return t.Body, nil
}

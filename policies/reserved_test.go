// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"errors"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// A caller whose tenant is no identifier is nobody's: no tenant is called as it is.
func TestReservedTenants(t *testing.T) {
	t.Parallel()
	for _, id := range append(ReservedTenants(), gateway.TenantID(ident("Müller & Söhne"))) {
		_, err := New(t.Context(), Config{Tenants: map[gateway.TenantID]Tenant{id: {Active: true}}})
		said, ok := errors.AsType[*gateway.Error](err)
		if !ok || said.Code != gateway.CodeInvalid || !strings.Contains(said.Message, "„"+string(id)+"“") {
			t.Errorf("a tenant called %s: %v", id, err)
		}
	}
}

// A bound of a tenant is at least one, and whole; anything else refuses.
func TestBoundsOfTenants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		obligation string
		fine       bool
	}{
		{`{"id": "review_output", "params": {"max_bytes": 0}}`, false},
		{`{"id": "review_output", "params": {"max_bytes": -1}}`, false},
		{`{"id": "review_output", "params": {"max_bytes": 0.5}}`, false},
		{`{"id": "review_output", "params": {"max_bytes": 2048}}`, true},
		{`{"id": "cap_tokens", "params": {"max": 0}}`, false},
		{`{"id": "cap_tokens", "params": {"max": 1}}`, true},
	} {
		e, err := New(t.Context(), Config{Timeout: canaryTimeout, Tenants: map[gateway.TenantID]Tenant{"amt": {Active: true, Rules: []string{
			ownRule("amt", "MND-001", "oblige contains "+c.obligation+" if true"),
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		q := canaryQuestion()
		q.Request.Caller.Tenant = "amt"
		d, err := e.Decide(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if d.Allowed() != c.fine || !c.fine && d.Reasons[0].Rule != "MND-001" {
			t.Errorf("%s: %s %v", c.obligation, d.Effect, d.Reasons)
		}
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// jot writes into the record what a person did on a page. When it fails, nothing
// may be shown, changed or handed out.
func (u *UI) jot(ctx context.Context, p identity.Person, n audit.Note) error {
	if n.Tenant == "" {
		n.Tenant = p.Tenant
	}
	n.Time, n.Actor = u.Now(), u.actor(p)
	if n.Role == "" {
		n.Role = strings.Join(p.Roles, ",")
	}
	return u.Records.Note(context.WithoutCancel(ctx), n)
}

// actor is the person's pseudonym, the same as in the records of the own requests.
func (u *UI) actor(p identity.Person) gateway.Pseudonym {
	return u.pseudonym(p.Home(), "user", p.User())
}

func (u *UI) pseudonym(tenant gateway.TenantID, kind, value string) gateway.Pseudonym {
	if u.Pseudonymise == nil || value == "" {
		return ""
	}
	return u.Pseudonymise(tenant, kind, value)
}

// noteOnce writes a note unless the session has one of the same thing already.
func (u *UI) noteOnce(r *http.Request, what string, life time.Duration, n audit.Note) error {
	known, err := u.Sessions.Marked(r, what)
	if err != nil || known {
		return err
	}
	if err := u.jot(r.Context(), personOf(r), n); err != nil {
		return err
	}
	_, err = u.Sessions.Mark(r, what, life)
	return err
}

// scope is whose entries a person may see, as far as the roles go.
func scope(p identity.Person) audit.Scope { return audit.Scope{Tenant: p.Tenant, All: p.Operator} }

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Actor is who looks at tenants or changes them. The zero Actor may nothing.
type Actor struct {
	// Name stands in the list of changes, for example "schluessel abcdefgh".
	Name string
	// Home and User are who that is in the record (see Person.User); empty: the
	// operator, and Name.
	Home gateway.TenantID
	User string
	// Operator may do everything, anybody else only what is Tenant's own.
	Operator bool
	Tenant   gateway.TenantID
}

// ActorOf is the caller as an actor: with the role betrieb for all tenants, with
// the role mandant for its own. CodeDenied for everybody else.
func ActorOf(c gateway.Caller) (Actor, error) {
	a := Actor{Name: "schluessel " + c.KeyID, Home: c.Tenant, User: UserOfCaller(c)}
	switch {
	case slices.Contains(c.Roles, RoleOperator):
		a.Operator = true
	case slices.Contains(c.Roles, RoleTenant) && c.Tenant != "":
		a.Tenant = c.Tenant
	default:
		return Actor{}, denied("Mandanten verwalten nur Schlüssel mit der Rolle betrieb oder, für den eigenen Mandanten, mandant.")
	}
	return a, nil
}

// may does not tell whether the tenant exists.
func (a Actor) may(id gateway.TenantID) error {
	if a.Operator || a.Tenant != "" && a.Tenant == id {
		return nil
	}
	return denied("Der Schlüssel darf nur den eigenen Mandanten verwalten.")
}

// mayGrant: roles that reach beyond a tenant come from the operator only.
func (a Actor) mayGrant(path string, roles []string) error {
	if a.Operator || !slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(operatorRoles[:], r) }) {
		return nil
	}
	e := denied("Die Rollen betrieb und richtlinien vergibt nur der Betrieb.")
	e.Path = join(path, "roles")
	return e
}

func denied(message string) *gateway.Error {
	return &gateway.Error{Op: "manage tenants", Code: gateway.CodeDenied, Message: message}
}

// Action is what a change does.
type Action string

// Actions.
const (
	TenantCreated     Action = "tenant.create"
	TenantUpdated     Action = "tenant.update"
	TenantActivated   Action = "tenant.activate"
	TenantDeactivated Action = "tenant.deactivate"
	TenantDeleted     Action = "tenant.delete"
	SystemCreated     Action = "system.create"
	SystemUpdated     Action = "system.update"
	SystemRemoved     Action = "system.remove"
	KeyCreated        Action = "key.create"
	KeyUpdated        Action = "key.update"
	KeyRotated        Action = "key.rotate" // of the old key, which ends sooner
	KeyLocked         Action = "key.revoke"
)

// Change is one change of a tenant. It holds no secret and no hash.
type Change struct {
	Time   time.Time        `json:"time"`
	Actor  string           `json:"actor"`
	Action Action           `json:"action"`
	Tenant gateway.TenantID `json:"tenant"`
	System gateway.SystemID `json:"system,omitempty"`
	Key    string           `json:"key,omitempty"`
	// Home and User are the actor as the record knows it; they are not kept here.
	Home gateway.TenantID `json:"-"`
	User string           `json:"-"`
	// Old and New are objects of the fields that differ.
	Old json.RawMessage `json:"old,omitempty"`
	New json.RawMessage `json:"new,omitempty"`
}

func logChange(logger *slog.Logger) func(context.Context, Change) {
	return func(ctx context.Context, c Change) {
		logger.LogAttrs(ctx, slog.LevelInfo, "tenant changed",
			slog.String("actor", c.Actor), slog.String("action", string(c.Action)), slog.String("tenant", string(c.Tenant)),
			slog.String("system", string(c.System)), slog.String("key_id", c.Key),
			slog.String("old", string(c.Old)), slog.String("new", string(c.New)))
	}
}

// Outcome is what a change did.
type Outcome struct {
	// Tenants that were asked about, as they are now.
	Tenants []Tenant `json:"tenants"`
	Changes []Change `json:"changes"`
	// Keys that were made, with their texts.
	Keys []IssuedKey `json:"keys"`
	// Replayed: the same request was answered before; this is that answer.
	Replayed bool `json:"-"`
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package identity says who calls: tenants (Mandanten), their systems
// (Fachverfahren) with API keys, and persons with one-time logins and sessions
// for the pages. What a caller may do comes from here and never from the
// request; deciding about a request is the policies' work.
//
// A [Directory] is an immutable snapshot that recognises callers without a
// database. A [Registry] keeps the current one: of tenants that stand in the
// configuration and of those in a [Store], which people and programs change
// while it runs. Start at [Registry].
package identity

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Tenant is a Mandant, usually one municipality.
type Tenant struct {
	ID   gateway.TenantID `yaml:"id" json:"id"`
	Name string           `yaml:"name" json:"name"`
	Land string           `yaml:"land" json:"land,omitempty"` // BW, BY, NW …
	// ARS is the Amtlicher Regionalschlüssel, twelve digits.
	ARS    string `yaml:"ars" json:"ars,omitempty"`
	Active bool   `yaml:"active" json:"active"`
	// CostCentre (Kostenstelle) pays for systems that have none of their own.
	CostCentre string   `yaml:"cost_centre" json:"cost_centre,omitempty"`
	Systems    []System `yaml:"systems" json:"systems"`
	// Settings belong to other parts of the product, which check them.
	Settings Settings `yaml:"settings" json:"settings,omitempty"`

	// Managed says where the tenant is changed.
	Managed Managed `yaml:"-" json:"managed,omitempty"`
	// Version counts the changes of a stored tenant.
	Version   int64     `yaml:"-" json:"version,omitempty"`
	ChangedAt time.Time `yaml:"-" json:"changed_at,omitzero"`
	ChangedBy string    `yaml:"-" json:"changed_by,omitempty"`
}

// Managed says where a tenant is changed.
type Managed string

// The two places.
const (
	ManagedConfig Managed = "config" // in the configuration file only
	ManagedStore  Managed = "store"  // by API and command line
)

// System of a tenant, by id.
func (t *Tenant) System(id gateway.SystemID) (*System, bool) {
	for i := range t.Systems {
		if t.Systems[i].ID == id {
			return &t.Systems[i], true
		}
	}
	return nil, false
}

// System is a calling system of a tenant.
type System struct {
	ID         gateway.SystemID `yaml:"id" json:"id"`
	Name       string           `yaml:"name" json:"name"`
	Channel    gateway.Channel  `yaml:"channel" json:"channel"` // caseworker, citizen or system
	CostCentre string           `yaml:"cost_centre" json:"cost_centre,omitempty"`
	Keys       []Key            `yaml:"keys" json:"keys"`
	// Certificates let the system in without a key.
	Certificates []Certificate `yaml:"certificates" json:"certificates,omitempty"`
}

// Key of a system, by id.
func (s *System) Key(id string) (*Key, bool) {
	for i := range s.Keys {
		if s.Keys[i].ID == id {
			return &s.Keys[i], true
		}
	}
	return nil, false
}

// Key is an API key as it is kept: without its secret.
type Key struct {
	ID string `yaml:"id" json:"id"`
	// Hash is the hex HMAC-SHA-256 of the secret under the pepper. It is never shown.
	Hash string `yaml:"hash" json:"-"`
	// Label tells the keys of a system apart; those that follow one another by
	// rotation share it.
	Label   string    `yaml:"label" json:"label,omitempty"`
	Expires time.Time `yaml:"expires" json:"expires"` // zero: refused, every key has an end
	// Purposes the key may be used for, DefaultPurpose when a request names none.
	Purposes       []gateway.Purpose `yaml:"purposes" json:"purposes,omitempty"`
	DefaultPurpose gateway.Purpose   `yaml:"default_purpose" json:"default_purpose,omitempty"`
	// Services, Models and Sources the key is confined to; empty: no limit here.
	Services []gateway.ServiceID `yaml:"services" json:"services,omitempty"`
	Models   []gateway.ModelID   `yaml:"models" json:"models,omitempty"`
	Sources  []string            `yaml:"sources" json:"sources,omitempty"`
	Roles    []string            `yaml:"roles" json:"roles,omitempty"`
	// Principals the key reads documents as, for example "group:wohngeld".
	Principals []gateway.Principal `yaml:"principals" json:"principals,omitempty"`
	// Certificate is the SHA-256 of the client certificate without which the key
	// does not work; empty: it works by itself.
	Certificate string `yaml:"certificate" json:"certificate,omitempty"`

	CreatedAt time.Time `yaml:"-" json:"created_at,omitzero"`
	CreatedBy string    `yaml:"-" json:"created_by,omitempty"`
	// RevokedAt is when the key was locked, for good.
	RevokedAt time.Time `yaml:"-" json:"revoked_at,omitzero"`
	// LastUsed is the day of the last use, filled in for reading.
	LastUsed string `yaml:"-" json:"last_used,omitempty"`
	// State at the time of reading.
	State KeyState `yaml:"-" json:"state,omitempty"`
}

// KeyState says whether a key works.
type KeyState string

// States of a key.
const (
	KeyValid   KeyState = "valid"
	KeyExpired KeyState = "expired"
	KeyRevoked KeyState = "revoked"
)

// At is the state of the key at a time.
func (k *Key) At(now time.Time) KeyState {
	switch {
	case !k.RevokedAt.IsZero():
		return KeyRevoked
	case !now.Before(k.Expires):
		return KeyExpired
	}
	return KeyValid
}

// Roles of persons and of keys.
const (
	RoleRevision = "revision"        // reads every record, changes nothing
	RolePolicy   = "richtlinien"     // rules
	RoleOperator = "betrieb"         // operation
	RoleTenant   = "mandant"         // administration of the own tenant
	RoleCase     = "sachbearbeitung" // panels only
)

// knownRoles are all; operatorRoles reach beyond one tenant and are given by the
// operator only.
var (
	knownRoles    = [...]string{RoleRevision, RolePolicy, RoleOperator, RoleTenant, RoleCase}
	operatorRoles = [...]string{RolePolicy, RoleOperator}
)

// auditsItself reports whether roles let somebody audit what the same person
// administrates.
func auditsItself(roles []string) bool {
	return slices.Contains(roles, RoleRevision) && (slices.Contains(roles, RoleOperator) || slices.Contains(roles, RoleTenant))
}

// Settings are named JSON values of other parts of the product: letterhead,
// limits, releases.
type Settings map[string]json.RawMessage

// UnmarshalYAML reads every setting as the JSON it stands for.
func (s *Settings) UnmarshalYAML(decode func(any) error) error {
	var fields map[string]any
	if err := decode(&fields); err != nil {
		return err
	}
	*s = nil
	for name, value := range fields {
		raw, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("settings.%s: %w", name, err)
		}
		if *s == nil {
			*s = Settings{}
		}
		(*s)[name] = raw
	}
	return nil
}

// MarshalYAML writes every setting as YAML.
func (s Settings) MarshalYAML() (any, error) {
	fields := make(map[string]any, len(s))
	for name, raw := range s {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return nil, fmt.Errorf("settings.%s: %w", name, err)
		}
		fields[name] = value
	}
	return fields, nil
}

// clone copies a tenant down to its keys, whose lists are never changed in place.
func (t *Tenant) clone() Tenant {
	c := *t
	c.Systems = slices.Clone(c.Systems)
	for i := range c.Systems {
		c.Systems[i].Keys = slices.Clone(c.Systems[i].Keys)
	}
	return c
}

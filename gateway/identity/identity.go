// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package identity says who calls: tenants (Mandanten), their systems
// (Fachverfahren) with API keys, and persons with one-time logins and sessions
// for the pages. What a caller may do comes from here and never from the
// request; deciding about a request is the policies' work. Start at [Directory].
package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Tenant is a Mandant, usually one municipality.
type Tenant struct {
	ID      gateway.TenantID `yaml:"id"`
	Name    string           `yaml:"name"`
	Land    string           `yaml:"land"` // BW, BY, NW …
	Active  bool             `yaml:"active"`
	Systems []System         `yaml:"systems"`
}

// System is a calling system of a tenant.
type System struct {
	ID      gateway.SystemID `yaml:"id"`
	Name    string           `yaml:"name"`
	Channel gateway.Channel  `yaml:"channel"` // caseworker, citizen or system
	Keys    []Key            `yaml:"keys"`
}

// Key is an API key as it is kept: without its secret.
type Key struct {
	ID string `yaml:"id"`
	// Hash is the hex HMAC-SHA-256 of the secret under the pepper.
	Hash    string    `yaml:"hash"`
	Expires time.Time `yaml:"expires"` // zero: refused, every key has an end
	// Purposes the key may be used for, DefaultPurpose when a request names none.
	Purposes       []gateway.Purpose `yaml:"purposes"`
	DefaultPurpose gateway.Purpose   `yaml:"default_purpose"`
	Roles          []string          `yaml:"roles"`
	// Principals the key reads documents as, for example "group:wohngeld".
	Principals []gateway.Principal `yaml:"principals"`
}

// Roles of persons.
const (
	RoleRevision = "revision"        // reads every record, changes nothing
	RolePolicy   = "richtlinien"     // rules
	RoleOperator = "betrieb"         // operation
	RoleTenant   = "mandant"         // administration of the own tenant
	RoleCase     = "sachbearbeitung" // panels only
)

// Directory holds tenants, systems and keys. It is immutable and safe for
// concurrent use.
type Directory struct {
	tenants []Tenant
	keys    map[string]entry
	pepper  []byte
	now     func() time.Time
}

type entry struct {
	tenant Tenant
	system System
	key    Key
}

// Config of a Directory.
type Config struct {
	Tenants []Tenant
	// Pepper is the secret under which key secrets are hashed, at least 32 bytes.
	Pepper []byte
	Now    func() time.Time
}

// New checks the whole configuration and names every mistake.
func New(c Config) (*Directory, error) {
	d := &Directory{tenants: c.Tenants, keys: map[string]entry{}, pepper: c.Pepper, now: c.Now}
	if d.now == nil {
		d.now = time.Now
	}
	var problems []error
	if len(c.Pepper) < 32 {
		problems = append(problems, errors.New("identity.pepper: at least 32 bytes are needed"))
	}
	seen := map[gateway.TenantID]bool{}
	for i, t := range c.Tenants {
		at := fmt.Sprintf("tenants[%d] %q", i, t.ID)
		if t.ID == "" || seen[t.ID] {
			problems = append(problems, fmt.Errorf("%s: the id is empty or used twice", at))
		}
		seen[t.ID] = true
		for _, s := range t.Systems {
			problems = append(problems, d.addSystem(at, t, s)...)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Directory) addSystem(at string, t Tenant, s System) []error {
	var problems []error
	if s.ID == "" {
		problems = append(problems, fmt.Errorf("%s: a system has no id", at))
	}
	switch s.Channel {
	case gateway.ChannelCaseworker, gateway.ChannelCitizen, gateway.ChannelSystem:
	default:
		problems = append(problems, fmt.Errorf("%s, system %q: channel %q is not caseworker, citizen or system", at, s.ID, s.Channel))
	}
	for _, k := range s.Keys {
		switch {
		case !validKeyID(k.ID):
			problems = append(problems, fmt.Errorf("%s, system %q: key id %q is not 8 to 16 lower-case letters and digits", at, s.ID, k.ID))
		case k.Expires.IsZero():
			problems = append(problems, fmt.Errorf("%s, system %q, key %s: expires is missing", at, s.ID, k.ID))
		case d.keys[k.ID].key.ID != "":
			problems = append(problems, fmt.Errorf("%s, system %q: key id %s is used twice", at, s.ID, k.ID))
		default:
			d.keys[k.ID] = entry{tenant: t, system: s, key: k}
		}
	}
	return problems
}

// Tenants in the order of the configuration.
func (d *Directory) Tenants() []Tenant { return d.tenants }

// Tenant by id.
func (d *Directory) Tenant(id gateway.TenantID) (Tenant, bool) {
	for _, t := range d.tenants {
		if t.ID == id {
			return t, true
		}
	}
	return Tenant{}, false
}

// Headers in which a system says more about its request. They can narrow what
// the key allows, never widen it.
const (
	HeaderUser       = "Schleuse-User"       // the person, as the system knows them
	HeaderPrincipals = "Schleuse-Principals" // comma-separated subset of the key's principals
)

// Authenticate returns the caller of an API request from its bearer key. The
// error is CodeUnauthenticated and does not say what was wrong with the key.
func (d *Directory) Authenticate(_ context.Context, r *http.Request) (gateway.Caller, error) {
	scheme, key, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return gateway.Caller{}, unauthenticated("Es fehlt der Schlüssel: Authorization: Bearer slz_…")
	}
	e, ok := d.lookup(strings.TrimSpace(key))
	if !ok {
		return gateway.Caller{}, unauthenticated("Der Schlüssel ist ungültig, abgelaufen oder gesperrt.")
	}
	return gateway.Caller{
		Tenant: e.tenant.ID, System: e.system.ID, KeyID: e.key.ID,
		User: limited(r.Header.Get(HeaderUser)), Roles: e.key.Roles,
		Principals: narrowed(e.key.Principals, r.Header.Values(HeaderPrincipals)),
		Channel:    e.system.Channel, Purposes: e.key.Purposes, DefaultPurpose: e.key.DefaultPurpose,
	}, nil
}

// lookup checks form and checksum first, so that junk never costs more than that.
func (d *Directory) lookup(key string) (entry, bool) {
	id, secret, ok := parseKey(key)
	if !ok {
		return entry{}, false
	}
	e, found := d.keys[id]
	// The hash is computed and compared even for an unknown id.
	match := sameHash(e.key.Hash, hashSecret(d.pepper, id, secret))
	return e, found && match && e.tenant.Active && d.now().Before(e.key.Expires)
}

func unauthenticated(message string) *gateway.Error {
	return &gateway.Error{Op: "authenticate", Code: gateway.CodeUnauthenticated, Message: message}
}

func limited(s string) string {
	if len(s) > 200 {
		return s[:200]
	}
	return s
}

// narrowed keeps the principals that are also wanted. A header that is there and
// empty wants none: it comes from a system whose user is in no group.
func narrowed(have []gateway.Principal, wanted []string) []gateway.Principal {
	if wanted == nil {
		return have
	}
	var out []gateway.Principal
	for w := range strings.SplitSeq(strings.Join(wanted, ","), ",") {
		if p := gateway.Principal(strings.TrimSpace(w)); slices.Contains(have, p) && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

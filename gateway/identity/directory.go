// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Directory holds tenants, systems and keys as they are at one moment. It is
// immutable and safe for concurrent use; a key is looked up in constant time
// however many there are, and without a database.
type Directory struct {
	tenants []Tenant
	byID    map[gateway.TenantID]*Tenant
	keys    map[string]*entry
	shown   map[string]*entry // by the names of certificates
	pepper  []byte
	now     func() time.Time
	methods []Method

	certificates *Certificates
}

// entry is a key with all that a request needs of it.
type entry struct {
	caller  gateway.Caller
	hash    [hashBytes]byte
	expires time.Time
	locked  bool // revoked, or its tenant is not active
	used    *usage
	// certificate without which the key does not work; empty: it works by itself.
	certificate string
}

// Method is one way to prove who calls. It says whether the request tries this
// way at all; if it does, its answer is final.
type Method func(ctx context.Context, d *Directory, r *http.Request) (caller gateway.Caller, tried bool, err error)

// New checks the whole configuration and names every mistake.
func New(c Config) (*Directory, error) {
	c = c.withDefaults()
	if err := c.check().err(); err != nil {
		return nil, err
	}
	return newDirectory(c, c.Tenants, nil), nil
}

// newDirectory builds a snapshot of checked tenants. Of two keys with one id,
// which chance does not make, the first counts.
func newDirectory(c Config, tenants []Tenant, uses *uses) *Directory {
	d := &Directory{
		tenants: tenants, pepper: c.Pepper, now: c.Now, methods: append(slices.Clone(c.Methods), byKey, byCertificate), certificates: c.Certificates,
		byID: make(map[gateway.TenantID]*Tenant, len(tenants)), keys: make(map[string]*entry, 4*len(tenants)), shown: map[string]*entry{},
	}
	for i := range tenants {
		t := &tenants[i]
		d.byID[t.ID] = t
		for j := range t.Systems {
			s := &t.Systems[j]
			for k := range s.Keys {
				d.add(t, s, &s.Keys[k], uses)
			}
			for k := range s.Certificates {
				d.addCertificate(t, s, &s.Certificates[k])
			}
		}
	}
	return d
}

func (d *Directory) add(t *Tenant, s *System, k *Key, uses *uses) {
	e := &entry{caller: callerOf(t, s, k), expires: k.Expires, locked: !t.Active || !k.RevokedAt.IsZero(), used: uses.of(k.ID), certificate: k.Certificate}
	n, err := hex.Decode(e.hash[:], []byte(k.Hash[:min(len(k.Hash), 2*hashBytes)]))
	if _, known := d.keys[k.ID]; known || err != nil || n != hashBytes {
		return
	}
	d.keys[k.ID] = e
}

func callerOf(t *Tenant, s *System, k *Key) gateway.Caller {
	c := gateway.Caller{
		Tenant: t.ID, System: s.ID, KeyID: k.ID, Roles: k.Roles, Principals: k.Principals, Channel: s.Channel,
		Purposes: k.Purposes, DefaultPurpose: k.DefaultPurpose, Services: k.Services, Models: k.Models, Sources: k.Sources,
		CostCentre: s.CostCentre, Auth: "key",
	}
	if c.CostCentre == "" {
		c.CostCentre = t.CostCentre
	}
	return c
}

// Tenants are those of the configuration in its order, then the stored ones by
// id. They are shared and must not be changed.
func (d *Directory) Tenants() []Tenant { return d.tenants }

// Tenant by id.
func (d *Directory) Tenant(id gateway.TenantID) (Tenant, bool) {
	t, ok := d.byID[id]
	if !ok {
		return Tenant{}, false
	}
	return *t, true
}

// Active reports whether there is such a tenant and it is active.
func (d *Directory) Active(id gateway.TenantID) bool {
	t, ok := d.byID[id]
	return ok && t.Active
}

// Headers in which a system says more about its request. They can narrow what
// the key allows, never widen it.
const (
	HeaderUser       = "Schleuse-User"       // the person, as the system knows them
	HeaderPrincipals = "Schleuse-Principals" // comma-separated subset of the key's principals
)

// Authenticate returns the caller of an API request. The methods are asked in
// their order, then API keys, then certificates. The error is CodeUnauthenticated and does not say
// what was wrong.
func (d *Directory) Authenticate(ctx context.Context, r *http.Request) (gateway.Caller, error) {
	if len(r.Header.Values("Authorization")) > 1 { // nobody should choose which of two callers asks
		return gateway.Caller{}, &gateway.Error{Op: "authenticate", Code: gateway.CodeInvalid, Message: "Die Kopfzeile Authorization steht mehrfach in der Anfrage; erwartet wird genau eine."}
	}
	for _, method := range d.methods {
		if caller, tried, err := method(ctx, d, r); tried {
			return caller, err
		}
	}
	return gateway.Caller{}, unauthenticated("Es fehlt der Schlüssel: Authorization: Bearer slz_…")
}

// byKey recognises a caller by an API key.
func byKey(_ context.Context, d *Directory, r *http.Request) (gateway.Caller, bool, error) {
	key, ok := bearer(r)
	if !ok {
		return gateway.Caller{}, false, nil
	}
	now := d.now()
	e, ok := d.lookup(key, now)
	if !ok || !d.confirmed(e, r, now) {
		return gateway.Caller{}, true, unauthenticated("Der Schlüssel ist ungültig, abgelaufen oder gesperrt.")
	}
	e.used.note(now)
	caller := e.caller
	caller.User = limited(r.Header.Get(HeaderUser))
	caller.Principals = narrowed(caller.Principals, r.Header.Values(HeaderPrincipals))
	return caller, true, nil
}

// confirmed: a key that is bound to a certificate comes with it only.
func (d *Directory) confirmed(e *entry, r *http.Request, now time.Time) bool {
	if e.certificate == "" {
		return true
	}
	shown, err := d.certificates.of(r, now)
	return err == nil && shown != nil && shown.is(e.certificate)
}

// nobody stands in for the entry of an unknown key.
var nobody = &entry{locked: true}

// lookup checks form and checksum first, so that junk never costs more than
// that. An unknown id costs as much as a wrong secret.
func (d *Directory) lookup(key string, now time.Time) (*entry, bool) {
	id, secret, ok := parseKey(key)
	if !ok {
		return nil, false
	}
	e, found := d.keys[id]
	if !found {
		e = nobody
	}
	match := sameHash(&e.hash, hashSecret(d.pepper, id, secret))
	return e, found && match && !e.locked && now.Before(e.expires)
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

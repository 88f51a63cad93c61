// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Person is who is signed in to the pages.
type Person struct {
	Tenant gateway.TenantID
	Name   string
	Roles  []string
	// Principals the person reads documents as.
	Principals []gateway.Principal
	// Launch is the session of a launch ticket, which confines the person to the
	// panel and to one case; nil: the person signed in.
	Launch *Launch
}

// Has reports whether the person has one of the roles.
func (p Person) Has(roles ...string) bool {
	return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(p.Roles, r) })
}

// Caller is the person as a caller of the gateway. After a launch ticket it is
// the system that asked for it, with no more purposes than that has.
func (p Person) Caller(system gateway.SystemID, purposes ...gateway.Purpose) gateway.Caller {
	if p.Launch != nil {
		c := p.Launch.Caller
		c.Purposes = common(purposes, c.Purposes)
		return c
	}
	return gateway.Caller{
		Tenant: p.Tenant, System: system, KeyID: "sitzung", User: p.Name, Roles: p.Roles,
		Principals: p.Principals, Channel: gateway.ChannelCaseworker, Purposes: purposes, Auth: "session",
	}
}

const (
	cookieName  = "schleuse_sitzung"
	loginLife   = 30 * time.Minute
	sessionLife = 8 * time.Hour
	maxSessions = 10_000
)

// Sessions keeps one-time logins and sessions of persons, in memory and bounded.
// Only digests of the tickets are kept.
type Sessions struct {
	mu       sync.Mutex
	logins   map[[32]byte]pending
	sessions map[[32]byte]pending
	now      func() time.Time
	secure   bool
	active   func(gateway.TenantID) bool // nil: every tenant is
}

type pending struct {
	person Person
	until  time.Time
}

// NewSessions returns no sessions yet. secure demands https for the cookie; only a demo on the loopback
// address goes without.
func NewSessions(now func() time.Time, secure bool) *Sessions {
	if now == nil {
		now = time.Now
	}
	return &Sessions{logins: map[[32]byte]pending{}, sessions: map[[32]byte]pending{}, now: now, secure: secure}
}

// NewLogin returns a ticket for one sign-in within 30 minutes.
func (s *Sessions) NewLogin(p Person) string {
	return s.add(s.logins, p, loginLife)
}

// SignIn swaps a ticket for a session and sets its cookie. A ticket works once.
func (s *Sessions) SignIn(w http.ResponseWriter, ticket string) (Person, bool) {
	s.mu.Lock()
	digest := sha256.Sum256([]byte(ticket))
	login, ok := s.logins[digest]
	delete(s.logins, digest)
	ok = ok && s.serves(login.person)
	s.mu.Unlock()
	if !ok || s.now().After(login.until) {
		return Person{}, false
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure except for a demo on the loopback address
		Name: s.cookie(), Value: s.add(s.sessions, login.person, sessionLife), Path: "/",
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteStrictMode, MaxAge: int(sessionLife.Seconds()),
	})
	return login.person, true
}

// Person returns who is signed in.
func (s *Sessions) Person(r *http.Request) (Person, bool) {
	c, err := r.Cookie(s.cookie())
	if err != nil {
		return Person{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.sessions[sha256.Sum256([]byte(c.Value))]
	return session.person, ok && s.now().Before(session.until) && s.serves(session.person)
}

// Retain ends the sessions and takes back the tickets of tenants that are not
// active, and refuses them from now on. It fits [Registry.OnChange]:
//
//	registry.OnChange(func(d *identity.Directory) { sessions.Retain(d.Active) })
func (s *Sessions) Retain(active func(gateway.TenantID) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = active
	for _, list := range []map[[32]byte]pending{s.logins, s.sessions} {
		maps.DeleteFunc(list, func(_ [32]byte, p pending) bool { return !s.serves(p.person) })
	}
}

// serves: persons without a tenant are the operator's own.
func (s *Sessions) serves(p Person) bool {
	return s.active == nil || p.Tenant == "" || s.active(p.Tenant)
}

// SignOut ends the session.
func (s *Sessions) SignOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(s.cookie()); err == nil {
		s.mu.Lock()
		delete(s.sessions, sha256.Sum256([]byte(c.Value)))
		s.mu.Unlock()
	}
	//nolint:gosec // Secure except for a demo on the loopback address
	http.SetCookie(w, &http.Cookie{Name: s.cookie(), Path: "/", MaxAge: -1, HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteStrictMode})
}

// cookie: the __Host- prefix binds the cookie to this host, and needs https.
func (s *Sessions) cookie() string {
	if s.secure {
		return "__Host-" + cookieName
	}
	return cookieName
}

func (s *Sessions) add(to map[[32]byte]pending, p Person, life time.Duration) string {
	ticket := base64.RawURLEncoding.EncodeToString(random(24))
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for k, v := range to {
		if now.After(v.until) {
			delete(to, k)
		}
	}
	for k := range to {
		if len(to) < maxSessions {
			break
		}
		delete(to, k)
	}
	to[sha256.Sum256([]byte(ticket))] = pending{person: p, until: now.Add(life)}
	return ticket
}

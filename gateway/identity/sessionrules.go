// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// Defaults of sessions.
const (
	sessionLife = 8 * time.Hour
	sessionIdle = 30 * time.Minute
)

// SessionRules are what the configuration in force says of sessions. They count
// for those that run already.
type SessionRules struct {
	// Life is the most a session lasts, Idle how long one in which nothing is done;
	// 0: 8 h and 30 min.
	Life, Idle time.Duration
	// Person is who that is of whom a provider stated something, with the rights
	// that person has now; an error: nobody who may enter. nil: nobody of a
	// provider may.
	Person func(Stated) (Person, error)
}

func (r SessionRules) withDefaults() SessionRules {
	r.Life, r.Idle = cmp.Or(r.Life, sessionLife), cmp.Or(r.Idle, sessionIdle)
	return r
}

// apply gives a session the rights of now; false: it has ended.
func (r SessionRules) apply(one *session) bool {
	if one.Stated == nil {
		return true
	}
	if r.Person == nil {
		return false
	}
	p, err := r.Person(one.Stated)
	if err != nil {
		return false
	}
	one.Person = p
	return true
}

// Govern puts rules in force, for sessions under way too.
func (s *Sessions) Govern(r SessionRules) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = r.withDefaults()
}

func (s *Sessions) governed() SessionRules {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rules
}

// Stated are the claims of an ID token that rights are made of.
type Stated map[string]json.RawMessage

// stated keeps those claims and no others.
func (s SignIn) stated(c claims) Stated {
	out := Stated{}
	for _, path := range []string{"iss", "sub", "name", "preferred_username", s.NameClaim, s.Roles.Claim, s.Tenant.Claim, s.Operators.Claim, s.Principals.Claim} {
		head, _, _ := strings.Cut(path, ".")
		for _, name := range []string{path, head} {
			if raw, ok := c[name]; ok && name != "" {
				out[name] = raw
			}
		}
	}
	return out
}

// Person is who that is of whom the provider stated something, under the
// configuration of now.
func (o *OpenID) Person(stated Stated) (Person, error) {
	c := claims(stated)
	if c.text("iss") != o.config.SignIn.Issuer {
		return Person{}, errors.New("the session began at another provider")
	}
	return o.config.SignIn.person(c, o.config.Active)
}

// OpenSession is a session that somebody has.
type OpenSession struct {
	ID          string
	Began, Seen time.Time
	// Own is the one that asks.
	Own bool
}

// owner finds the sessions of a person, whatever it is called now.
func (s *Sessions) owner(p Person) string {
	return hex.EncodeToString(digest(s.key, "session owner", string(p.Home())+userMark+p.User())[:16])
}

// List are the sessions of the person of a request, the newest first.
func (s *Sessions) List(r *http.Request) ([]OpenSession, error) {
	one, own, _, err := s.of(r)
	if err != nil {
		return nil, err
	}
	var out []OpenSession
	ctx := r.Context()
	err = s.eachOf(ctx, s.owner(one.Person), func(d state.Document, began time.Time) error {
		out = append(out, OpenSession{ID: d.ID, Began: began, Seen: d.Time, Own: d.ID == own.ID})
		return nil
	})
	slices.SortFunc(out, func(a, b OpenSession) int { return b.Began.Compare(a.Began) })
	return out, err
}

// eachOf visits the sessions of an owner that have not ended.
func (s *Sessions) eachOf(ctx context.Context, owner string, visit func(d state.Document, began time.Time) error) error {
	rules, now := s.governed(), s.now()
	return s.each(ctx, kindSession, func(d state.Document) error {
		var body sealedSession
		if err := json.Unmarshal(d.Body, &body); err != nil {
			return fmt.Errorf("decode session: %w", err)
		}
		if body.Owner != owner || now.Sub(body.Began) >= rules.Life || now.Sub(d.Time) >= rules.Idle {
			return nil
		}
		return visit(d, body.Began)
	})
}

// EndOthers ends a session of the person of a request, or all but the one that
// asks when id is empty. CodeNotFound: the person has no such session.
func (s *Sessions) EndOthers(r *http.Request, id string) (ended int, err error) {
	one, own, _, err := s.of(r)
	if err != nil {
		return 0, err
	}
	ctx := r.Context()
	err = s.eachOf(ctx, s.owner(one.Person), func(d state.Document, _ time.Time) error {
		if id != "" && d.ID != id || d.ID == own.ID {
			return nil
		}
		ended++
		return s.remove(ctx, d)
	})
	if err == nil && id != "" && ended == 0 {
		err = &gateway.Error{Op: "end session", Code: gateway.CodeNotFound, Message: "Diese Sitzung gibt es nicht mehr."}
	}
	return ended, err
}

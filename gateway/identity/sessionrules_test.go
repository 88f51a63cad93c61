// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
)

// seat is a browser that is signed in.
type seat struct {
	t        *testing.T
	sessions *identity.Sessions
	cookies  []*http.Cookie
}

func sit(t *testing.T, s *identity.Sessions, in identity.SignedIn) *seat {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.BeginSignedIn(w, httptest.NewRequest(http.MethodGet, "/", nil), in); err != nil {
		t.Fatal(err)
	}
	return &seat{t, s, w.Result().Cookies()}
}

func (s *seat) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range s.cookies {
		r.AddCookie(c)
	}
	return r
}

func (s *seat) signedIn() bool {
	s.t.Helper()
	_, err := s.sessions.Person(s.request())
	if err != nil && gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		s.t.Fatal(err)
	}
	return err == nil
}

// The durations of a new configuration count for sessions that run already.
func TestSessionsFollowTheirRules(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	s := identity.OpenSessions(identity.SessionConfig{Store: statetest.Memory(), Now: func() time.Time { return clock }})
	kim := sit(t, s, identity.SignedIn{Person: identity.Person{Name: "Kim", Operator: true}})
	clock = clock.Add(20 * time.Minute)
	if !kim.signedIn() {
		t.Fatal("the session ended after 20 minutes")
	}
	clock = clock.Add(10 * time.Minute)
	s.Govern(identity.SessionRules{Idle: 5 * time.Minute})
	if kim.signedIn() {
		t.Error("a session in which nothing was done for 10 minutes goes on")
	}
	s.Govern(identity.SessionRules{})
	if !kim.signedIn() {
		t.Error("with the rules of before the session does not go on")
	}
	s.Govern(identity.SessionRules{Life: 25 * time.Minute})
	if kim.signedIn() {
		t.Error("a session of 30 minutes goes on where 25 are the most")
	}
}

// Who loses a role in the configuration loses it at once; who has none left, or
// came from a provider that is not asked any more, is signed out.
func TestRightsOfASessionFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	d := openSignIn(t, nil)
	d.issuer.Visitor(auditor())
	in, err := d.signIn()
	if err != nil {
		t.Fatal(err)
	}
	s := identity.OpenSessions(identity.SessionConfig{Store: statetest.Memory(), Now: d.now})
	s.Govern(identity.SessionRules{Person: d.openID.Person})
	kim := sit(t, s, in)
	if p, err := s.Person(kim.request()); err != nil || !p.Has(identity.RoleRevision) || p.User() != in.Person.User() || p.Name != in.Person.Name || p.Tenant != in.Person.Tenant {
		t.Fatalf("signed in as %+v, %v", p, err)
	}
	for name, c := range map[string]struct {
		change func(*identity.SignIn)
		want   string // the role that is left; empty: signed out
	}{
		"another role":         {func(c *identity.SignIn) { c.Roles.Map = map[string]string{"ki-revision": identity.RolePolicy} }, identity.RolePolicy},
		"no role":              {func(c *identity.SignIn) { c.Roles.Map = map[string]string{"ki-amt": identity.RoleCase} }, ""},
		"roles of other claim": {func(c *identity.SignIn) { c.Roles.Claim = "gruppen" }, ""},
		"no tenant": {func(c *identity.SignIn) {
			c.Tenant.Map = map[string]gateway.TenantID{"Gemeinde Neudorf": "lohe"}
		}, ""},
	} {
		other := openSignInAt(t, d, c.change)
		s.Govern(identity.SessionRules{Person: other.Person})
		p, err := s.Person(kim.request())
		if c.want == "" && gateway.CodeOf(err) != gateway.CodeUnauthenticated || c.want != "" && (err != nil || len(p.Roles) != 1 || !p.Has(c.want)) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	elsewhere := openSignIn(t, nil) // another provider
	s.Govern(identity.SessionRules{Person: elsewhere.openID.Person})
	if kim.signedIn() {
		t.Error("a session of another provider goes on")
	}
	s.Govern(identity.SessionRules{})
	if kim.signedIn() {
		t.Error("a session goes on although there is no provider any more")
	}
	s.Govern(identity.SessionRules{Person: func(identity.Stated) (identity.Person, error) { return identity.Person{}, errors.New("nobody") }})
	if kim.signedIn() {
		t.Error("a session of nobody goes on")
	}
	s.Govern(identity.SessionRules{Person: d.openID.Person})
	if !kim.signedIn() {
		t.Error("the session does not go on under the configuration it began with")
	}
}

// openSignInAt is the sign-in at the same provider with another configuration.
func openSignInAt(t *testing.T, d *signInDesk, change func(*identity.SignIn)) *identity.OpenID {
	t.Helper()
	config := d.config
	change(&config)
	o, err := identity.NewOpenID(identity.OpenIDConfig{
		SignIn: config, Public: d.url, Callback: "/login/callback", Key: make([]byte, 32), Secure: true, Now: d.now,
		Active: func(id gateway.TenantID) bool { return id == "lohe" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// A person sees the own sessions on every replica, nobody else's, and ends them.
func TestOwnSessions(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	store := statetest.Memory()
	open := func() *identity.Sessions {
		return identity.OpenSessions(identity.SessionConfig{Store: store, Key: make([]byte, 32), Now: func() time.Time { return clock }})
	}
	one, two := open(), open()
	kim := identity.Person{Tenant: "lohe", Issuer: "https://a.example", Subject: "u-1", Name: "Kim"}
	first := sit(t, one, identity.SignedIn{Person: kim})
	clock = clock.Add(time.Minute)
	renamed := kim
	renamed.Name = "Kim Yılmaz"
	second := sit(t, two, identity.SignedIn{Person: renamed})
	third := sit(t, two, identity.SignedIn{Person: kim})
	others := []*seat{
		sit(t, one, identity.SignedIn{Person: identity.Person{Tenant: "lohe", Issuer: "https://b.example", Subject: "u-1", Name: "Kim"}}),
		sit(t, one, identity.SignedIn{Person: identity.Person{Tenant: "neudorf", Issuer: "https://a.example", Subject: "u-1", Name: "Kim"}}),
	}
	list, err := one.List(first.request())
	if err != nil || len(list) != 3 || !list[2].Own || list[0].Own || list[1].Own {
		t.Fatalf("the person has %+v, %v; want three, the own one last", list, err)
	}
	if mine, err := one.List(others[0].request()); err != nil || len(mine) != 1 || !mine[0].Own {
		t.Errorf("another person sees %+v, %v", mine, err)
	}
	if _, err := one.EndOthers(others[0].request(), list[0].ID); gateway.CodeOf(err) != gateway.CodeNotFound {
		t.Errorf("another person ends it: %v", err)
	}
	if n, err := one.EndOthers(first.request(), list[0].ID); err != nil || n != 1 {
		t.Errorf("ended %d, %v", n, err)
	}
	if second.signedIn() == third.signedIn() {
		t.Error("not exactly one of the other two sessions has ended")
	}
	if n, err := one.EndOthers(first.request(), ""); err != nil || n != 1 {
		t.Errorf("ended %d of the rest, %v", n, err)
	}
	if second.signedIn() || third.signedIn() || !first.signedIn() {
		t.Error("not all others have ended, or the own one has")
	}
	for _, o := range others {
		if !o.signedIn() {
			t.Error("a session of somebody else has ended")
		}
	}
}

func TestSessionDurations(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		session identity.SignInSession
		ok      bool
	}{
		"the standard":         {identity.SignInSession{}, true},
		"a working day":        {identity.SignInSession{Life: 10 * time.Hour, Idle: time.Hour}, true},
		"longer than a day":    {identity.SignInSession{Life: 25 * time.Hour}, false},
		"too short":            {identity.SignInSession{Life: time.Minute, Idle: time.Minute}, false},
		"idle longer than all": {identity.SignInSession{Life: time.Hour, Idle: 2 * time.Hour}, false},
	} {
		if err := (identity.SignIn{Session: c.session}).Validate(); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

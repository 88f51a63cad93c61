// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

var (
	pepper = []byte(strings.Repeat("p", 32))
	now    = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)
)

func setup(t *testing.T, change func(*identity.Tenant, *identity.Key)) (*identity.Directory, string) {
	t.Helper()
	text, id, hash := identity.NewKey("test", pepper)
	key := identity.Key{
		ID: id, Hash: hash, Expires: now.AddDate(0, 6, 0), Purposes: []gateway.Purpose{gateway.PurposeChat},
		Principals: []gateway.Principal{"group:wohngeld", "group:alle"},
	}
	tenant := identity.Tenant{ID: "tannberg", Active: true}
	if change != nil {
		change(&tenant, &key)
	}
	tenant.Systems = []identity.System{{ID: "woga", Channel: gateway.ChannelCaseworker, Keys: []identity.Key{key}}}
	d, err := identity.New(identity.Config{Tenants: []identity.Tenant{tenant}, Pepper: pepper, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return d, text
}

func request(key string, headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", nil)
	r.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func TestAuthenticate(t *testing.T) {
	t.Parallel()
	d, key := setup(t, nil)
	c, err := d.Authenticate(t.Context(), request(key, identity.HeaderUser, "kim", identity.HeaderPrincipals, "group:alle, group:personal"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Tenant != "tannberg" || c.System != "woga" || c.User != "kim" || !slices.Equal(c.Principals, []gateway.Principal{"group:alle"}) {
		t.Errorf("caller %+v: the header must narrow the principals and add none", c)
	}
}

// A system says whom it asks for; saying nobody must not mean everybody.
func TestPrincipalsAreNarrowed(t *testing.T) {
	t.Parallel()
	d, key := setup(t, nil)
	for name, c := range map[string]struct {
		headers []string
		want    []gateway.Principal
	}{
		"no header":       {nil, []gateway.Principal{"group:wohngeld", "group:alle"}},
		"an empty header": {[]string{""}, nil},
		"a blank":         {[]string{" "}, nil},
		"only foreign":    {[]string{"group:x,role:y"}, nil},
		"two headers":     {[]string{"group:alle", "group:wohngeld, group:alle"}, []gateway.Principal{"group:alle", "group:wohngeld"}},
	} {
		r := request(key)
		for _, h := range c.headers {
			r.Header.Add(identity.HeaderPrincipals, h)
		}
		caller, err := d.Authenticate(t.Context(), r)
		if err != nil || !slices.Equal(caller.Principals, c.want) {
			t.Errorf("%s: %q, %v, want %q", name, caller.Principals, err, c.want)
		}
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	good, key := setup(t, nil)
	expired, expiredKey := setup(t, func(_ *identity.Tenant, k *identity.Key) { k.Expires = now.Add(-time.Second) })
	inactive, inactiveKey := setup(t, func(tn *identity.Tenant, _ *identity.Key) { tn.Active = false })
	_, foreign := setup(t, nil)
	parts := strings.Split(key, "_")
	for name, c := range map[string]struct {
		d   *identity.Directory
		key string
	}{
		"expired key":      {expired, expiredKey},
		"inactive tenant":  {inactive, inactiveKey},
		"unknown key":      {good, foreign},
		"no key":           {good, ""},
		"wrong checksum":   {good, key[:len(key)-1] + "x"},
		"other secret":     {good, strings.Join([]string{parts[0], parts[1], parts[2], strings.Repeat("a", 32), parts[4]}, "_")},
		"sql in the key":   {good, "slz_test_' OR 1=1 --_x_00000000"},
		"very long key":    {good, strings.Repeat("a", 100_000)},
		"key as is, twice": {good, key + key},
	} {
		if _, err := c.d.Authenticate(t.Context(), request(c.key)); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
			t.Errorf("%s: %v, want unauthenticated", name, err)
		}
	}
	r := request(key)
	r.Header.Set("Authorization", key)
	if _, err := good.Authenticate(t.Context(), r); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("a key without Bearer: %v, want unauthenticated", err)
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := identity.New(identity.Config{
		Pepper: []byte("short"),
		Tenants: []identity.Tenant{
			{ID: "a", Systems: []identity.System{{ID: "s", Channel: "tv", Keys: []identity.Key{{ID: "BAD"}, {ID: "abcdefgh"}}}}},
			{ID: "a"},
		},
	})
	for _, want := range []string{"pepper", `channel "tv"`, `"BAD"`, "expires", "used twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %q:\n%v", want, err)
		}
	}
}

func TestLoginWorksOnce(t *testing.T) {
	t.Parallel()
	clock := now
	s := identity.NewSessions(func() time.Time { return clock }, false)
	ticket := s.NewLogin(identity.Person{Name: "Kim", Roles: []string{identity.RoleRevision}})
	w := httptest.NewRecorder()
	if _, ok := s.SignIn(w, ticket); !ok {
		t.Fatal("the ticket was refused")
	}
	if _, ok := s.SignIn(httptest.NewRecorder(), ticket); ok {
		t.Error("the ticket worked twice")
	}
	r := httptest.NewRequest(http.MethodGet, "/admin", nil)
	r.AddCookie(w.Result().Cookies()[0])
	if p, ok := s.Person(r); !ok || !p.Has(identity.RoleRevision) || p.Has(identity.RolePolicy) {
		t.Errorf("person %+v, %v", p, ok)
	}
	clock = clock.Add(9 * time.Hour)
	if _, ok := s.Person(r); ok {
		t.Error("the session outlived its time")
	}
	late := s.NewLogin(identity.Person{})
	clock = clock.Add(31 * time.Minute)
	if _, ok := s.SignIn(httptest.NewRecorder(), late); ok {
		t.Error("a ticket worked after 31 minutes")
	}
}

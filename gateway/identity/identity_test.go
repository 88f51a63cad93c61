// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"fmt"
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
	_, id, hash := identity.NewKey("test", pepper)
	_, err := identity.New(identity.Config{
		Pepper: []byte("short"),
		Env:    "prod_1",
		Now:    func() time.Time { return now },
		Tenants: []identity.Tenant{
			{ID: "a", Land: "XX", ARS: "123", Systems: []identity.System{{ID: "s", Channel: "tv", Keys: []identity.Key{
				{ID: "BAD"}, {ID: id, Hash: hash, Expires: now.AddDate(2, 0, 0), Roles: []string{"chef"}, DefaultPurpose: "chat"}, {ID: id, Hash: hash, Expires: now},
			}}}},
			{ID: "a", Land: "BW", ARS: "091620000000"},
			{ID: "../etc", Name: "two\nlines", Settings: identity.Settings{"x": nil}, Systems: []identity.System{{ID: "s", Channel: "system"}, {ID: "s", Channel: "system"}}},
		},
	})
	for _, want := range []string{
		"identity.pepper: ", "identity.env: ", "tenants[0].land: ", "tenants[0].ars: ", `tenants[0].systems[0].channel: Der Kanal "tv"`,
		`tenants[0].systems[0].keys[0].id: Die Kennung "BAD"`, "keys[0].hash: ", "keys[0].expires: ", "keys[1].expires: ", `keys[1].roles[0]: Die Rolle "chef"`,
		"keys[1].default_purpose: ", "keys[2].id: ", "tenants[1].id: ", "tenants[1].ars: ", "tenants[2].id: ", "tenants[2].name: ", "tenants[2].settings.x: ", "tenants[2].systems[1].id: ",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %q:\n%v", want, err)
		}
	}
}

func TestLoginWorksOnce(t *testing.T) {
	t.Parallel()
	clock := now
	s := identity.NewSessions(func() time.Time { return clock }, false)
	ticket := login(t, s, identity.Person{Name: "Kim", Roles: []string{identity.RoleRevision}})
	w := httptest.NewRecorder()
	if _, err := s.SignIn(w, httptest.NewRequest(http.MethodGet, "/login", nil), ticket); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SignIn(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/login", nil), ticket); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("the ticket worked twice: %v", err)
	}
	r := httptest.NewRequest(http.MethodGet, "/admin", nil)
	r.AddCookie(w.Result().Cookies()[0])
	if p, err := s.Person(r); err != nil || !p.Has(identity.RoleRevision) || p.Has(identity.RolePolicy) {
		t.Errorf("person %+v, %v", p, err)
	}
	clock = clock.Add(9 * time.Hour)
	if _, err := s.Person(r); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("the session outlived its time: %v", err)
	}
	late := login(t, s, identity.Person{})
	clock = clock.Add(31 * time.Minute)
	if _, err := s.SignIn(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/login", nil), late); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("a ticket worked after 31 minutes: %v", err)
	}
}

func login(t *testing.T, s *identity.Sessions, p identity.Person) string {
	t.Helper()
	ticket, err := s.NewLogin(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

type httpRequest = http.Request

// signedIn signs a person of a tenant in; the function tries a ticket.
func signedIn(t *testing.T, s *identity.Sessions, tenant gateway.TenantID) (try func(ticket string) bool, r *http.Request) {
	t.Helper()
	w := httptest.NewRecorder()
	if _, err := s.SignIn(w, httptest.NewRequest(http.MethodGet, "/login", nil), login(t, s, identity.Person{Tenant: tenant})); err != nil {
		t.Fatal(err)
	}
	r = httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(w.Result().Cookies()[0])
	return func(ticket string) bool {
		_, err := s.SignIn(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/login", nil), ticket)
		return err == nil
	}, r
}

// FuzzAuthenticate: no header makes a caller but the key itself, and none panics.
func FuzzAuthenticate(f *testing.F) {
	text, id, hash := identity.NewKey("test", pepper)
	d, err := identity.New(identity.Config{Pepper: pepper, Now: func() time.Time { return now }, Tenants: []identity.Tenant{{
		ID: "a", Active: true, Systems: []identity.System{{ID: "s", Channel: gateway.ChannelSystem, Keys: []identity.Key{{ID: id, Hash: hash, Expires: now.AddDate(0, 1, 0)}}}},
	}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"Bearer " + text, "bearer  " + text, "Bearer slz_a_b_c_d", "Bearer ", "", "Bearer slz_test_" + id + "__00000000", text} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		caller, err := d.Authenticate(t.Context(), r)
		if err == nil && !strings.Contains(header, text) {
			t.Errorf("%q was taken for the key, caller %v", header, caller)
		}
		if err != nil && gateway.CodeOf(err) != gateway.CodeUnauthenticated {
			t.Errorf("%q: %v", header, err)
		}
	})
}

// BenchmarkAuthenticate shows that the number of tenants does not matter.
func BenchmarkAuthenticate(b *testing.B) {
	for _, n := range []int{1, 1100} {
		tenants, last := make([]identity.Tenant, 0, n), ""
		for i := range n {
			t := identity.Tenant{ID: gateway.TenantID(fmt.Sprintf("t%d", i)), Active: true}
			for s := range 3 {
				text, id, hash := identity.NewKey("test", pepper)
				last = text
				t.Systems = append(t.Systems, identity.System{ID: gateway.SystemID(fmt.Sprint(s)), Channel: gateway.ChannelSystem, Keys: []identity.Key{{ID: id, Hash: hash, Expires: now.AddDate(0, 1, 0)}}})
			}
			tenants = append(tenants, t)
		}
		d, err := identity.New(identity.Config{Tenants: tenants, Pepper: pepper, Now: func() time.Time { return now }})
		if err != nil {
			b.Fatal(err)
		}
		unknown, _, _ := identity.NewKey("test", pepper)
		for name, key := range map[string]string{"known": last, "unknown": unknown, "junk": last[:len(last)-1] + "!"} {
			b.Run(fmt.Sprintf("%d tenants, %s key", n, name), func(b *testing.B) {
				r := request(key)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := d.Authenticate(b.Context(), r); (err == nil) != (name == "known") {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// slowProvider answers what it is, hangs, or fails, as a test says.
type slowProvider struct {
	url   string
	asked atomic.Int64
	now   atomic.Int64
	mode  atomic.Value // "", "hang" or "fail"
	open  chan struct{}
}

func startSlowProvider(t *testing.T) (*slowProvider, *identity.OpenID) {
	t.Helper()
	p := &slowProvider{open: make(chan struct{})}
	p.now.Store(time.Now().UnixNano())
	p.mode.Store("")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		switch p.mode.Load() {
		case "hang":
			select {
			case <-p.open:
			case <-r.Context().Done():
				return
			}
		case "fail":
			http.Error(w, "kaputt", http.StatusInternalServerError)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/auth", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/keys",
		})
	}))
	t.Cleanup(server.Close)
	t.Cleanup(p.release)
	p.url = server.URL
	o, err := identity.NewOpenID(identity.OpenIDConfig{
		SignIn: identity.SignIn{
			Issuer: p.url, ClientID: clientID, Roles: identity.SignInRoles{Claim: "roles", Map: map[string]string{"r": identity.RoleRevision}},
			Tenant: identity.SignInTenant{ID: "lohe"},
		},
		Public: "http://127.0.0.1:1", Callback: "/login/callback", Key: []byte(strings.Repeat("k", 32)),
		Active: func(gateway.TenantID) bool { return true },
		Now:    func() time.Time { return time.Unix(0, p.now.Load()) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p, o
}

// release ends the hanging.
func (p *slowProvider) release() {
	select {
	case <-p.open:
	default:
		close(p.open)
	}
}

func begin(ctx context.Context, o *identity.OpenID) (string, error) {
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/login/start", nil)
	return o.Begin(httptest.NewRecorder(), r, "/admin")
}

// While the provider hangs, what is known of it goes on to work at once, and it is
// asked once.
func TestSignInGoesOnWhileTheProviderHangs(t *testing.T) {
	t.Parallel()
	p, o := startSlowProvider(t)
	if address, err := begin(t.Context(), o); err != nil || !strings.HasPrefix(address, p.url+"/auth?") {
		t.Fatalf("led to %q, %v", address, err)
	}
	p.mode.Store("hang")
	p.now.Add(int64(11 * time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // less than the provider would be waited for
	defer cancel()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := begin(ctx, o); err != nil {
				t.Errorf("with old metadata: %v", err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		t.Error("the sign-ins waited for the provider")
	}
	if n := p.asked.Load(); n > 2 {
		t.Errorf("the provider was asked %d times, want at most 2", n)
	}
}

// Nobody waits longer than the own request, and who comes after a failure asks anew.
func TestFirstSignInWaitsForTheProvider(t *testing.T) {
	t.Parallel()
	p, o := startSlowProvider(t)
	p.mode.Store("hang")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := begin(ctx, o); gateway.CodeOf(err) != gateway.CodeUnavailable {
		t.Errorf("while the provider hangs: %v", err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := begin(t.Context(), o); err != nil {
				t.Errorf("after it has answered: %v", err)
			}
		})
	}
	p.release()
	all.Wait()
	if n := p.asked.Load(); n != 1 {
		t.Errorf("the provider was asked %d times, want once for all", n)
	}

	failing, other := startSlowProvider(t)
	failing.mode.Store("fail")
	if _, err := begin(t.Context(), other); gateway.CodeOf(err) != gateway.CodeUnavailable {
		t.Errorf("of a broken provider: %v", err)
	}
	failing.mode.Store("")
	if _, err := begin(t.Context(), other); err != nil {
		t.Errorf("after it is well again: %v", err)
	}
}

// The role betrieb sees all tenants: only persons of the operator can have it.
func TestRoleOfTheOperator(t *testing.T) {
	t.Parallel()
	roles := map[string]string{"chef": identity.RoleOperator, "ki-revision": identity.RoleRevision}
	d := openSignIn(t, func(s *identity.SignIn) { s.Roles.Map = roles })
	for name, c := range map[string]struct {
		roles, groups []string
		code          gateway.Code
		want          []string
	}{
		"of a tenant":             {[]string{"chef", "ki-revision"}, nil, "", []string{identity.RoleRevision}},
		"of a tenant, only this":  {[]string{"chef"}, nil, gateway.CodeDenied, nil},
		"of the operator's group": {[]string{"chef"}, []string{"rechenzentrum"}, "", []string{identity.RoleOperator}},
	} {
		claims := auditor()
		claims["realm_access"], claims["groups"] = map[string]any{"roles": c.roles}, c.groups
		d.issuer.Visitor(claims)
		in, err := d.signIn()
		if gateway.CodeOf(err) != c.code || strings.Join(in.Person.Roles, ",") != strings.Join(c.want, ",") {
			t.Errorf("%s: %+v, %v", name, in.Person, err)
		}
	}
	nobody := identity.SignIn{
		Issuer: "https://a.example", ClientID: "c", Roles: identity.SignInRoles{Claim: "roles", Map: roles}, Tenant: identity.SignInTenant{ID: "lohe"},
	}
	if err := nobody.Validate(); err == nil || !strings.Contains(err.Error(), "sign_in.operators") {
		t.Errorf("the role without anybody who may have it: %v", err)
	}
}

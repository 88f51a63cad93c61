// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

// openProvided is the demonstration with an OpenID provider beside it.
func openProvided(t *testing.T) (*stage, *identitytest.Issuer, *visitor) {
	t.Helper()
	issuer := identitytest.StartIssuer(t)
	c, key, _, err := demoConfig(t.Context(), t.TempDir(), demoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	url := "http://" + server.Listener.Addr().String()
	secret := filepath.Join(t.TempDir(), "client-secret")
	if err := os.WriteFile(secret, []byte("ganz geheim"), 0o600); err != nil {
		t.Fatal(err)
	}
	issuer.Register(t, identitytest.SignInClient{ID: "schleuse", Secret: "ganz geheim", RedirectURI: url + "/login/callback", LogoutURI: url + "/"}, issuer.Add(t, "k", "RS256"), time.Now)
	c.PublicURL = url
	c.SignIn = identity.SignIn{
		Issuer: issuer.URL, CA: []string{issuer.CA}, ClientID: "schleuse", ClientSecretFile: secret, Label: "Landeskonto",
		Roles:  identity.SignInRoles{Claim: "roles", Map: map[string]string{"revision": identity.RoleRevision}},
		Tenant: identity.SignInTenant{Claim: "ou", Map: map[string]gateway.TenantID{"Tannberg": demoTenant}},
	}
	p, err := build(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	server.Config.Handler = p.handler()
	server.Start()
	t.Cleanup(server.Close)
	raw, err := os.ReadFile(issuer.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(raw)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	return &stage{parts: p, url: url, key: key}, issuer, &visitor{t: t, base: url, client: client}
}

// From the page that was wanted over the provider back to it, and out again at both.
func TestSignInAtTheProvider(t *testing.T) {
	t.Parallel()
	s, issuer, v := openProvided(t)
	issuer.Visitor(map[string]any{"sub": "u-1", "name": "Kim Yılmaz", "ou": "Tannberg", "roles": []string{"revision"}})

	page := v.get("/admin/decisions?zeitraum=7d", http.StatusUnauthorized)
	start := "/login/start?zurueck=" + url.QueryEscape("/admin/decisions?zeitraum=7d")
	if !strings.Contains(page.body, strings.ReplaceAll(start, "&", "&amp;")) || !strings.Contains(page.body, "Weiter mit Landeskonto") {
		t.Fatalf("the page does not lead to the provider: %s", page.body)
	}
	if page := v.get(start, http.StatusOK); page.path != "/admin/decisions?zeitraum=7d" || !strings.Contains(page.body, "Kim Yılmaz") {
		t.Fatalf("the sign-in led to %s", page.path)
	}
	n := s.notes(t, audit.TopicSignedIn)
	if len(n) != 1 || n[0].Tenant != demoTenant || n[0].Role != identity.RoleRevision || n[0].Actor != s.parts.keys.Pseudonymise(demoTenant, "user", identity.UserOf(issuer.URL, "u-1")) {
		t.Errorf("noted as %+v", n)
	}
	left := v.post("/logout", nil, http.StatusOK)
	if !strings.Contains(left.body, issuer.URL+"/logout?") {
		t.Fatalf("the page does not lead to the end of the provider's session: %s", left.body)
	}
	v.get("/admin/decisions", http.StatusUnauthorized)

	for name, claims := range map[string]map[string]any{
		"without a role":   {"sub": "u-2", "name": "Alex", "ou": "Tannberg", "roles": []string{"anderes"}},
		"without a tenant": {"sub": "u-3", "name": "Alex", "ou": "Anderswo", "roles": []string{"revision"}},
	} {
		issuer.Visitor(claims)
		if page := v.get("/login/start", http.StatusForbidden); !strings.Contains(page.body, "Konto") {
			t.Errorf("%s: the page does not say why", name)
		}
		v.get("/admin/decisions", http.StatusUnauthorized)
	}
	issuer.Visitor(map[string]any{"sub": "u-1", "name": "Kim", "ou": "Tannberg", "roles": []string{"revision"}})
	if page := v.get("/login/start?zurueck="+url.QueryEscape("https://boese.example/"), http.StatusOK); !strings.HasPrefix(page.path, "/admin") {
		t.Errorf("the sign-in led to %s", page.path)
	}
	v.get("/login/callback?code=x&state=y", http.StatusUnauthorized)
	v.get("/admin/decisions", http.StatusOK) // a failed attempt does not end the session
	if n := s.notes(t, audit.TopicSignedIn); len(n) != 2 {
		t.Errorf("%d sign-ins are noted, want 2", len(n))
	}
}

// Another site, a program that looks at links, or a browser that loads ahead signs
// nobody in and uses no ticket up; the person is asked.
func TestLoginLinkIsOpenedByThePerson(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	for name, headers := range map[string]map[string]string{
		"another site":          {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
		"a frame":               {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
		"a picture":             {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
		"a browser that is old": nil,
	} {
		v, link := s.visitor(t, demoTenant), s.login(demoTenant, identity.RoleRevision)
		page := v.send(link, headers, http.StatusOK)
		if !strings.Contains(page.body, "Jetzt anmelden") {
			t.Errorf("%s: the person is not asked", name)
		}
		v.get("/admin/decisions", http.StatusUnauthorized)
		v.post("/login", url.Values{"t": {strings.TrimPrefix(link, "/login?t=")}}, http.StatusOK)
		v.get("/admin/decisions", http.StatusOK)
	}
	v, link := s.visitor(t, demoTenant), s.login(demoTenant, identity.RoleRevision)
	v.send(link, map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Purpose": "prefetch;prerender"}, http.StatusForbidden)
	v.get(link, http.StatusOK)
	v.get("/admin/decisions", http.StatusOK)
}

// A file that leaves a note is not taken because another site wants it, and no
// page is looked at ahead.
func TestFilesWithNotesAreForOwnClicks(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	v := s.visitor(t, demoTenant, allRoles...)
	before := len(s.notes(t))
	for _, path := range []string{"/admin/usage.csv", "/admin/register.json", "/admin/journal.csv"} {
		for _, site := range []string{"cross-site", "same-site"} {
			v.send(path, map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-User": "?1"}, http.StatusForbidden)
		}
	}
	v.send("/admin/decisions", map[string]string{"Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch"}, http.StatusForbidden)
	if n := s.notes(t); len(n) != before {
		t.Errorf("what was refused is noted: %+v", n[0])
	}
	v.send("/admin/usage.csv", map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusOK)
	v.send("/admin/decisions", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusOK) // a link in a report
	if n := s.notes(t, audit.TopicExported); len(n) != 1 {
		t.Errorf("%d exports are noted, want 1", len(n))
	}
}

// send asks for a page with just these headers.
func (v *visitor) send(path string, headers map[string]string, want int) answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return v.do(r, want)
}

// A configuration that takes a role away takes it from those who are signed in, and
// shorter durations count for them.
func TestRolesFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	s, issuer, v := openProvided(t)
	issuer.Visitor(map[string]any{"sub": "u-1", "name": "Kim Yılmaz", "ou": "Tannberg", "roles": []string{"revision", "amt"}})
	v.get("/login/start", http.StatusOK)
	v.get("/admin/decisions", http.StatusOK)
	reload := func(change func(*identity.SignIn)) {
		t.Helper()
		c := s.parts.config
		change(&c.SignIn)
		next, err := assemble(t.Context(), s.parts.ground, c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = next.own.close() })
		next.lead(t.Context())
	}
	reload(func(c *identity.SignIn) { c.Roles.Map = map[string]string{"amt": identity.RoleCase} })
	v.get("/admin/decisions", http.StatusForbidden)
	v.get("/panel/check", http.StatusOK)
	if page := v.get("/sitzungen", http.StatusOK); !strings.Contains(page.body, "Sachbearbeitung") || strings.Contains(page.body, "Revision") {
		t.Error("the page of sessions does not say what the person may now")
	}
	reload(func(c *identity.SignIn) { c.Roles.Map = map[string]string{"anderes": identity.RoleRevision} })
	v.get("/panel/check", http.StatusUnauthorized)
	reload(func(*identity.SignIn) {})
	v.get("/admin/decisions", http.StatusOK)
}

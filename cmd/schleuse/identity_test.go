// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

// A token of the administration's own sign-in is as good as a key, for its
// tenant and purposes; the person stands in the record under a pseudonym only.
func TestTokenOfAnIssuer(t *testing.T) {
	t.Parallel()
	issuer := identitytest.StartIssuer(t)
	signer := issuer.Add(t, "k1", "ES256")
	w := setupWith(t, func(c *Config) {
		c.Identity.OIDC = []identity.Issuer{{
			Issuer: issuer.URL, Audience: "ki-schleuse", CA: []string{issuer.CA}, Tenant: demoTenant, System: demoWohngeld,
			UserClaim: "preferred_username", Purposes: []gateway.Purpose{gateway.PurposeSummarise}, DefaultPurpose: gateway.PurposeSummarise,
		}}
	})
	now := time.Now()
	claims := map[string]any{
		"iss": issuer.URL, "aud": "ki-schleuse", "sub": "4711", "client_id": "woga", "jti": "j1", "preferred_username": "kim.yilmaz",
		"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	w.key = signer.Sign(t, nil, claims)
	const chat = `{"model":"modell","messages":[{"role":"user","content":"Guten Tag"}]}`
	status, body, header := w.post(t, "/v1/chat/completions", chat)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	e, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: demoTenant}, header.Get("Schleuse-Decision"))
	if err != nil || e.Record.System != demoWohngeld || e.Record.User == "" || strings.Contains(string(e.Record.User), "kim") || strings.Contains(e.Record.KeyID, "4711") {
		t.Errorf("record %+v, %v", e.Record, err)
	}
	if status, _, _ := w.post(t, "/v1/chat/completions", chat, "Schleuse-Purpose", "chat"); status != http.StatusForbidden {
		t.Errorf("a purpose the issuer is not trusted for: status %d", status)
	}
	claims["aud"] = "anderswo"
	w.key = signer.Sign(t, nil, claims)
	if status, _, _ := w.post(t, "/v1/chat/completions", chat); status != http.StatusUnauthorized {
		t.Errorf("a token for somebody else: status %d", status)
	}
}

// A Fachverfahren opens the panel for one person and one case; the link works
// once, and nothing else of the product opens with it.
func TestLaunchTicketOpensThePanel(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *Config) { c.Tenants[0].Systems[0].Keys[0].Roles = []string{identity.RoleCase} })
	status, body, _ := w.post(t, "/api/v1/tickets", `{"page":"check","service":"wohngeld-mietzuschuss","case":"50.21/2026-004711","person":{"name":"Kim Yılmaz"}}`)
	if status != http.StatusOK && status != http.StatusCreated {
		t.Fatalf("status %d: %s", status, body)
	}
	var ticket struct {
		URL string `json:"url"`
	}
	if err := json.Unmarshal([]byte(body), &ticket); err != nil || ticket.URL == "" {
		t.Fatalf("%s, %v", body, err)
	}
	link := ticket.URL
	if strings.HasPrefix(link, "/") {
		link = w.server.URL + link
	}
	visit := func(browser *http.Client, address string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"} {
			r.Header.Set(name, value)
		}
		answer, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	browser := func() *http.Client {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Client{Jar: jar}
	}
	first := browser()
	if got := visit(first, link); got != http.StatusOK {
		t.Fatalf("first visit: status %d", got)
	}
	if got := visit(first, w.server.URL+"/admin/decisions"); got == http.StatusOK {
		t.Error("the panel's session opened the administration")
	}
	if got := visit(browser(), link); got == http.StatusOK {
		t.Error("the link worked a second time")
	}
}

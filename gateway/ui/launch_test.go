// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui_test

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/policies/services"
)

// noRecords: the pages of the panel do not read the record.
type noRecords struct{ ui.Records }

func (noRecords) Verify(context.Context, ...[]byte) (audit.VerifyReport, error) {
	return audit.VerifyReport{}, nil
}

// checker notes as whom and for what it is asked.
type checker struct {
	caller gateway.Caller
	input  completeness.Input
}

func (c *checker) Check(_ context.Context, caller gateway.Caller, in completeness.Input) (completeness.Report, error) {
	c.caller, c.input = caller, in
	return completeness.Report{Service: in.Service, Status: completeness.StatusComplete}, nil
}

const origin = "https://woga.example"

// desk is the panel over TLS, with a browser that has no JavaScript.
type desk struct {
	t        *testing.T
	url      string
	client   *http.Client
	launches *identity.Launches
	caller   gateway.Caller
	checker  *checker
	handler  http.Handler
	last     string // path of the page after all redirects
}

func openDesk(t *testing.T, origins ...string) *desk {
	t.Helper()
	origins = append(origins, origin, "https://andere.example")
	pepper := []byte(strings.Repeat("p", 32))
	_, id, hash := identity.NewKey("test", pepper)
	d, err := identity.New(identity.Config{Pepper: pepper, Tenants: []identity.Tenant{{ID: "lohe", Active: true, Systems: []identity.System{{
		ID: "woga", Channel: gateway.ChannelCaseworker, Keys: []identity.Key{{
			ID: id, Hash: hash, Expires: time.Now().Add(time.Hour), Roles: []string{identity.RoleCase, identity.RoleRevision},
			Purposes: []gateway.Purpose{gateway.PurposeCompletenessCheck},
		}},
	}}}}})
	if err != nil {
		t.Fatal(err)
	}
	k := &desk{t: t, checker: &checker{}}
	k.caller = gateway.Caller{Tenant: "lohe", System: "woga", KeyID: id, Channel: gateway.ChannelCaseworker, Roles: []string{identity.RoleCase, identity.RoleRevision}, Auth: "key"}
	k.launches, err = identity.NewLaunches(identity.LaunchConfig{
		Store: identity.NewMemoryTickets(), Directory: func() *identity.Directory { return d }, Key: pepper, Origins: origins, Secure: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := completeness.LoadCatalog(t.Context(), services.FS)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := ui.New(ui.Config{
		Sessions: identity.NewSessions(nil, true), Launches: k.launches, Directory: d, Records: noRecords{}, Rules: func() []ui.Rule { return nil },
		Panel:          &ui.Panel{Checker: k.checker, Catalog: catalog, System: "oberflaeche", Cases: []ui.Case{{ID: "fremd", Title: "Fremder Fall", Input: completeness.Input{Service: "wohngeld", Case: "WG-9"}}}},
		FrameAncestors: origins,
	})
	if err != nil {
		t.Fatal(err)
	}
	k.handler = pages.Handler()
	server := httptest.NewTLSServer(k.handler)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	k.url, k.client = server.URL, server.Client()
	k.client.Jar = jar
	return k
}

func (k *desk) ask(method, path, contentType string, body io.Reader, headers ...string) (int, http.Header, string) {
	k.t.Helper()
	r, err := http.NewRequestWithContext(k.t.Context(), method, k.url+path, body)
	if err != nil {
		k.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "iframe")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := k.client.Do(r)
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	k.last = answer.Request.URL.Path
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(raw)
}

// launch opens the panel for a case and returns its page and the token of its forms.
func (k *desk) launch(number string) (page, token string) {
	k.t.Helper()
	ticket, _, err := k.launches.Issue(k.t.Context(), k.caller, identity.LaunchWish{
		Page: identity.PageCheck, Case: number, Name: "Kim Yılmaz", Origin: origin, Roles: []string{identity.RoleCase, identity.RoleRevision},
	})
	if err != nil {
		k.t.Fatal(err)
	}
	status, header, page := k.ask(http.MethodGet, "/panel/launch?t="+ticket, "", nil, "Sec-Fetch-Site", "cross-site")
	if policy := header.Get("Content-Security-Policy"); status != http.StatusOK || !strings.HasSuffix(policy, "frame-ancestors "+origin) {
		k.t.Fatalf("launch: %d, %s", status, policy)
	}
	found := regexp.MustCompile(`name="formular" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		k.t.Fatal("the form has no token")
	}
	return page, found[1]
}

func upload(t *testing.T, fields map[string]string) (contentType string, body io.Reader) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for name, value := range fields {
		if err := w.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), &out
}

func TestLaunchedPanel(t *testing.T) {
	t.Parallel()
	k := openDesk(t)
	page, token := k.launch("WG-1")
	if !strings.Contains(page, `value="WG-1" readonly`) || strings.Contains(page, "Fremder Fall") || strings.Contains(page, "/admin/") {
		t.Error("the page shows more than its own case")
	}
	application := `{"antragsteller":{"name":"x"}}`
	for name, c := range map[string]struct {
		fields  map[string]string
		headers []string
		status  int
	}{
		"without the token":   {map[string]string{"leistung": "wohngeld", "antrag": application}, nil, http.StatusForbidden},
		"with a wrong token":  {map[string]string{"formular": "x", "leistung": "wohngeld", "antrag": application}, nil, http.StatusForbidden},
		"from another site":   {map[string]string{"formular": token, "leistung": "wohngeld", "antrag": application}, []string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"from nowhere":        {map[string]string{"formular": token, "leistung": "wohngeld", "antrag": application}, []string{"Sec-Fetch-Site", ""}, http.StatusForbidden},
		"for another case":    {map[string]string{"formular": token, "leistung": "wohngeld", "antrag": application, "aktenzeichen": "WG-2"}, nil, http.StatusForbidden},
		"a file of another's": {map[string]string{"formular": token, "fall": "fremd"}, nil, http.StatusForbidden},
		"as it should be":     {map[string]string{"formular": token, "leistung": "wohngeld", "antrag": application}, nil, http.StatusOK},
	} {
		contentType, body := upload(t, c.fields)
		if status, _, page := k.ask(http.MethodPost, "/panel/check?einbettung=1", contentType, body, c.headers...); status != c.status {
			t.Errorf("%s: %d, want %d\n%s", name, status, c.status, page)
		}
	}
	got := k.checker.caller
	if k.checker.input.Case != "WG-1" || got.System != "woga" || got.KeyID != k.caller.KeyID || got.Auth != "ticket" || got.User != "Kim Yılmaz" {
		t.Errorf("checked %q as %+v", k.checker.input.Case, got)
	}
}

// The session opens pages of the panel and nothing else, whatever roles it has.
func TestLaunchedPersonIsNoAdministrator(t *testing.T) {
	t.Parallel()
	k := openDesk(t)
	k.launch("WG-1")
	for _, path := range []string{"/admin", "/admin/decisions", "/admin/decisions/x"} {
		if status, _, _ := k.ask(http.MethodGet, path, "", nil); status != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", path, status)
		}
	}
	if status, header, _ := k.ask(http.MethodGet, "/panel/draft", "", nil); status != http.StatusOK || !strings.HasSuffix(header.Get("Content-Security-Policy"), "frame-ancestors "+origin) {
		t.Errorf("/panel/draft: %d %s", status, header.Get("Content-Security-Policy"))
	}
	form := strings.NewReader(url.Values{"pruefung": {"x"}}.Encode())
	if status, _, _ := k.ask(http.MethodPost, "/panel/draft", "application/x-www-form-urlencoded", form); status != http.StatusForbidden {
		t.Errorf("a letter without the token: %d, want 403", status)
	}
}

// Of two windows the older one cannot write into the case of the newer.
func TestTwoWindows(t *testing.T) {
	t.Parallel()
	k := openDesk(t)
	_, first := k.launch("WG-1")
	contentType, body := upload(t, map[string]string{"formular": first, "leistung": "wohngeld", "antrag": `{"a":1}`})
	if status, _, _ := k.ask(http.MethodPost, "/panel/check", contentType, body); status != http.StatusOK {
		t.Fatalf("check: %d", status)
	}
	result := k.last
	if status, _, _ := k.ask(http.MethodGet, result, "", nil); status != http.StatusOK || result == "/panel/check" {
		t.Errorf("the result at %s: %d", result, status)
	}
	k.launch("WG-2")
	if status, _, _ := k.ask(http.MethodGet, result, "", nil); status != http.StatusNotFound {
		t.Errorf("the result of the first case under the session of the second: %d, want 404", status)
	}
	contentType, body = upload(t, map[string]string{"formular": first, "leistung": "wohngeld", "antrag": `{"a":1}`})
	if status, _, _ := k.ask(http.MethodPost, "/panel/check", contentType, body); status != http.StatusForbidden {
		t.Errorf("the form of the first window under the second session: %d, want 403", status)
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

var allRoles = []string{identity.RoleRevision, identity.RolePolicy, identity.RoleOperator, identity.RoleTenant, identity.RoleCase}

// right is what a route answers to those who have one of its roles: to a person of
// the tenant, to one of another tenant with every role, and to one of the operator.
// Everybody else is refused.
type right struct {
	roles                  string // letters of roleLetters; "" for everybody
	status, foreign, above int
}

// roleLetters stand for the roles in the table below.
var roleLetters = map[byte]string{'R': identity.RoleRevision, 'P': identity.RolePolicy, 'B': identity.RoleOperator, 'M': identity.RoleTenant, 'S': identity.RoleCase}

func (r right) allows(roles []string) bool {
	return r.roles == "" || slices.ContainsFunc([]byte(r.roles), func(letter byte) bool { return slices.Contains(roles, roleLetters[letter]) })
}

// rights is who may what. A new page fails the test until it stands here.
var rights = map[string]right{
	"GET /admin":                                {"RPBM", 200, 200, 200},
	"GET /admin/approvals":                      {"RPM", 200, 200, 200},
	"GET /admin/classify":                       {"RPBM", 200, 200, 200},
	"GET /admin/decisions":                      {"R", 200, 200, 200},
	"GET /admin/decisions/{id}":                 {"R", 200, 404, 200},
	"POST /admin/decisions/case":                {"R", 400, 400, 400},
	"POST /admin/decisions/export":              {"R", 400, 400, 400},
	"POST /admin/decisions/views":               {"R", 400, 400, 400},
	"POST /admin/decisions/views/{view}/delete": {"R", 404, 404, 404},
	"POST /admin/decisions/{id}/open":           {"R", 422, 404, 422},
	"POST /admin/decisions/{id}/content":        {"R", 403, 404, 403},
	"POST /admin/decisions/{id}/evidence":       {"R", 403, 404, 403}, // nobody has said why
	"POST /admin/decisions/{id}/replay":         {"R", 403, 404, 403},
	"POST /admin/decisions/{id}/verify":         {"R", 403, 404, 403},

	"GET /admin/integrity":                           {"RB", 200, 200, 200},
	"GET /admin/integrity/checkpoint":                {"RB", 200, 200, 200},
	"GET /admin/integrity/key":                       {"RB", 200, 200, 200},
	"POST /admin/integrity/export":                   {"R", 400, 400, 400},
	"POST /admin/integrity/verify":                   {"RB", 303, 303, 303},
	"GET /admin/journal":                             {"R", 200, 200, 200},
	"GET /admin/journal.csv":                         {"R", 200, 200, 200},
	"GET /admin/policies":                            {"RP", 200, 200, 200},
	"GET /admin/policies/diff":                       {"RP", 404, 404, 404},
	"GET /admin/policies/impact":                     {"RP", 200, 200, 200},
	"GET /admin/policies/proposals":                  {"RP", 200, 200, 200},
	"GET /admin/policies/proposals/new":              {"P", 200, 200, 200},
	"GET /admin/policies/proposals/{id}":             {"RP", 404, 404, 404},
	"GET /admin/policies/proposals/{id}/bundle":      {"RP", 404, 404, 404},
	"GET /admin/policies/proposals/{id}/text":        {"RP", 404, 404, 404},
	"GET /admin/policies/revisions":                  {"RP", 200, 200, 200},
	"GET /admin/policies/rules/{id}":                 {"RP", 200, 200, 200},
	"POST /admin/policies/proposals":                 {"P", 400, 400, 400},
	"POST /admin/policies/proposals/{id}/activate":   {"P", 400, 400, 400},
	"POST /admin/policies/proposals/{id}/impact":     {"P", 400, 400, 400},
	"POST /admin/policies/proposals/{id}/shadow":     {"P", 400, 400, 400},
	"POST /admin/policies/proposals/{id}/shadow/end": {"P", 400, 400, 400},
	"POST /admin/policies/proposals/{id}/sign":       {"P", 400, 400, 400},
	"POST /admin/policies/proposals/{id}/withdraw":   {"P", 400, 400, 400},
	"POST /admin/policies/rollback":                  {"P", 400, 400, 400},
	"POST /admin/policies/test":                      {"RP", 303, 303, 303},

	"GET /admin/models":                              {"RPBM", 200, 200, 200},
	"GET /admin/models/{id...}":                      {"RPBM", 404, 404, 404},
	"GET /admin/persons":                             {"M", 200, 200, 200},
	"POST /admin/persons/access":                     {"M", 400, 400, 400},
	"POST /admin/persons/erase":                      {"M", 400, 400, 400},
	"POST /admin/persons/holds":                      {"M", 400, 400, 400},
	"GET /admin/register":                            {"RPBM", 200, 200, 200},
	"GET /admin/register.json":                       {"RPBM", 200, 200, 200},
	"POST /admin/register":                           {"BM", 404, 404, 404},
	"GET /admin/system":                              {"B", 200, 200, 200},
	"GET /admin/system/sbom.json":                    {"B", 200, 200, 200},
	"GET /admin/tenants":                             {"BM", 200, 200, 200},
	"GET /admin/tenants/{id}":                        {"BM", 200, 200, 200}, // Betrieb sees all tenants
	"POST /admin/tenants":                            {"B", 400, 400, 400},
	"POST /admin/tenants/{id}":                       {"BM", 400, 400, 400},
	"POST /admin/tenants/{id}/systems/{system}/keys": {"BM", 400, 400, 400},
	"GET /admin/usage":                               {"RBM", 200, 200, 200},
	"GET /admin/usage.csv":                           {"RBM", 200, 200, 200},

	"GET /sitzungen":  {"RPBMS", 200, 200, 200},
	"POST /sitzungen": {"RPBMS", 400, 400, 400},

	"GET /{$}":                  {"", 303, 303, 303},
	"GET /login":                {"", 200, 200, 200},
	"POST /login":               {"", 200, 200, 200},
	"GET /login/callback":       {"", 404, 404, 404}, // no provider is configured
	"GET /login/start":          {"", 404, 404, 404},
	"GET /verzeichnis/{tenant}": {"", 404, 404, 404}, // nothing is published
	"GET /verzeichnis/{tenant}/verzeichnis.json": {"", 404, 404, 404},
	"POST /darstellung":                          {"", 303, 303, 303},
	"POST /logout":                               {"", 303, 303, 303},

	"GET /panel/approvals":         {"S", 200, 200, 200},
	"GET /panel/check":             {"S", 200, 200, 200},
	"GET /panel/check/{id}":        {"S", 200, 404, 404},
	"GET /panel/draft":             {"S", 200, 200, 200},
	"GET /panel/draft/{id}":        {"S", 200, 404, 404},
	"GET /panel/draft/{id}/{file}": {"S", 200, 404, 404},
	"GET /panel/launch":            {"", 401, 401, 401}, // without a ticket
	"POST /panel/approvals/{id}":   {"S", 400, 400, 400},
	"POST /panel/check":            {"S", 400, 400, 400},
	"POST /panel/draft":            {"S", 404, 404, 404},
	"POST /panel/draft/{id}":       {"S", 400, 404, 404},
}

// try sends an empty form, or opens a page.
func (v *visitor) try(pattern, path string) (status int, body string) {
	v.t.Helper()
	method, _, _ := strings.Cut(pattern, " ")
	var content io.Reader
	if method == http.MethodPost {
		content = strings.NewReader(url.Values{}.Encode())
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, content)
	if err != nil {
		v.t.Fatal(err)
	}
	if content != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if method != http.MethodPost {
		byHand(r)
	}
	client := *v.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer.StatusCode, string(raw)
}

// person signs somebody in.
func (s *stage) person(t *testing.T, p identity.Person) *visitor {
	t.Helper()
	v := s.visitor(t, demoTenant)
	if status, _ := v.try("GET ", s.loginOf(p)); status != http.StatusSeeOther {
		t.Fatalf("signing in: %d", status)
	}
	return v
}

// places fills the wildcards of patterns with things that there are.
func (s *stage) places(t *testing.T) func(pattern string) string {
	t.Helper()
	worker := s.visitor(t, demoTenant, identity.RoleCase, identity.RoleRevision)
	check := worker.check().path
	draft, _ := worker.draft()
	list := worker.get("/admin/decisions", http.StatusOK).body
	decision := find(t, decisionIDs, list)
	opened := map[string]string{
		"/admin/decisions/{id}": decision, "/admin/tenants/{id}": string(demoTenant), "/admin/policies/rules/{id}": "AIA-002",
		"/panel/check/{id}": strings.TrimPrefix(check, "/panel/check/"), "/panel/draft/{id}": draft, "/panel/approvals/{id}": decision,
	}
	fills := strings.NewReplacer("{$}", "", "{file}", "schreiben.pdf", "{tenant}", string(demoTenant), "{id...}", "unbekannt", "{id}", "unbekannt", "{view}", "unbekannt",
		"{system}", string(demoWohngeld), "{key}", "unbekannt", "{revision}", "unbekannt")
	return func(pattern string) string {
		_, path, _ := strings.Cut(pattern, " ")
		for prefix, id := range opened {
			if strings.HasPrefix(path, prefix) {
				path = strings.Replace(path, "{id}", id, 1)
			}
		}
		return fills.Replace(path)
	}
}

// Role by page: who may open what, and with which answer. The routes are those of
// the program.
func TestRightsOfEveryPage(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	path := s.places(t)
	routes := s.parts.pages.Routes()
	for pattern := range rights {
		if _, ok := routes[pattern]; !ok {
			t.Errorf("%s stands in the table and does not exist", pattern)
		}
	}
	all := slices.Clone(allRoles)
	visitors := map[string]struct {
		who   *visitor
		roles []string
		want  func(right) int
	}{
		"nobody":         {s.visitor(t, demoTenant), nil, nil},
		"other tenant":   {s.person(t, identity.Person{Tenant: otherTenant, Name: "Fremd", Roles: all}), all, func(r right) int { return r.foreign }},
		"operator":       {s.person(t, identity.Person{Name: "Betrieb", Operator: true, Roles: all}), all, func(r right) int { return r.above }},
		"without a role": {s.person(t, identity.Person{Tenant: demoTenant, Name: "Leer", Roles: []string{"unbekannt"}}), []string{"unbekannt"}, nil},
	}
	for _, role := range allRoles {
		v := visitors["nobody"]
		v.who, v.roles, v.want = s.visitor(t, demoTenant, role), []string{role}, func(r right) int { return r.status }
		visitors[role] = v
	}
	for _, pattern := range slices.Sorted(maps.Keys(routes)) {
		right, ok := rights[pattern]
		if !ok {
			t.Errorf("%s has no line in the table of rights", pattern)
			continue
		}
		if pattern == "POST /logout" {
			continue // ends the session; see TestPagesAreForTheRightPersons
		}
		for name, v := range visitors {
			want := http.StatusForbidden
			switch {
			case v.want != nil && right.allows(v.roles):
				want = v.want(right)
			case right.roles == "":
				want = right.status
			case name == "nobody":
				want = http.StatusUnauthorized
			}
			got, _ := v.who.try(pattern, path(pattern))
			if slices.Contains(once, pattern) && got == http.StatusBadRequest && want == http.StatusSeeOther {
				continue // it is still running for somebody else
			}
			if pattern == "GET /{$}" && name == "nobody" {
				want = http.StatusOK // how to sign in
			}
			if got != want {
				t.Errorf("%s as %s: %d, want %d", pattern, name, got, want)
			}
		}
	}
}

// once: what runs in the background runs once at a time.
var once = []string{"POST /admin/policies/test", "POST /admin/integrity/verify"}

// A launched panel opens its pages and its case, whatever roles the system has; its
// forms need their token.
func TestRightsOfALaunchedPanel(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	path := s.places(t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, base: s.url, client: &http.Client{Jar: jar}}
	caller := gateway.Caller{Tenant: demoTenant, System: demoWohngeld, KeyID: s.keyID(), Channel: gateway.ChannelCaseworker, Roles: allRoles, Auth: "key"}
	ticket, _, err := s.parts.launches.Issue(t.Context(), caller, identity.LaunchWish{Page: identity.PageCheck, Case: "WG-1", Name: "Kim Yılmaz", Roles: []string{identity.RoleCase}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/panel/launch?t="+ticket, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	v.do(r, http.StatusOK)
	for pattern, right := range rights {
		if right.roles == "" {
			continue
		}
		want := http.StatusUnauthorized
		switch {
		case strings.HasPrefix(pattern, "POST /panel/"):
			want = http.StatusForbidden
		case strings.Contains(pattern, " /panel/") && strings.Contains(pattern, "{id}"):
			want = http.StatusNotFound // of another case
		case strings.Contains(pattern, " /panel/"):
			want = http.StatusOK
		}
		if got, _ := v.try(pattern, path(pattern)); got != want {
			t.Errorf("%s: %d, want %d", pattern, got, want)
		}
	}
}

// keyID is that of the demonstration's key.
func (s *stage) keyID() string {
	return s.parts.config.Tenants[0].Systems[0].Keys[0].ID
}

var (
	formActions = regexp.MustCompile(`(?s)<form[^>]*>`)
	attributes  = regexp.MustCompile(`(method|action)="([^"]*)"`)
	links       = regexp.MustCompile(`href="(/[^"#]*)`)
)

// Role by page by field: a page offers no form and no link that its reader may not
// use; the role of the policies sees no single record, and nobody sees a secret.
func TestFieldsOfEveryPage(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	path := s.places(t)
	routes := s.parts.pages.Routes()
	mux := http.NewServeMux()
	for pattern := range routes {
		mux.Handle(pattern, http.NotFoundHandler())
	}
	secrets := []string{s.key, "PRIVATE+KEY", hex.EncodeToString(s.parts.config.secret), base64.StdEncoding.EncodeToString(s.parts.config.secret)}
	for _, tenant := range s.parts.config.Tenants {
		for _, system := range tenant.Systems {
			for _, key := range system.Keys {
				secrets = append(secrets, key.Hash)
			}
		}
	}
	for _, role := range allRoles {
		for name, p := range map[string]identity.Person{
			role:                  {Tenant: demoTenant, Name: "Kim", Roles: []string{role}},
			role + " of operator": {Name: "Kim", Operator: true, Roles: []string{role}},
		} {
			v := s.person(t, p)
			for pattern, roles := range routes {
				if !strings.HasPrefix(pattern, "GET ") || !p.Has(roles...) || len(roles) == 0 {
					continue
				}
				place := path(pattern)
				status, body := v.try(pattern, place)
				if status != http.StatusOK || !strings.Contains(body, "<html") {
					continue
				}
				if role == identity.RolePolicy && decisionIDs.MatchString(body) {
					t.Errorf("%s as %s shows a single record", place, name)
				}
				for _, secret := range append(secrets, secretWords...) {
					if strings.Contains(body, secret) {
						t.Errorf("%s as %s shows %.6s…", place, name, secret)
					}
				}
				for _, target := range targets(body) {
					r, err := http.NewRequestWithContext(t.Context(), target[0], target[1], nil)
					if err != nil {
						t.Fatal(err)
					}
					_, wanted := mux.Handler(r)
					if allowed := routes[wanted]; wanted == "" || len(allowed) > 0 && !p.Has(allowed...) {
						t.Errorf("%s as %s leads to %s %s, which it may not use", place, name, target[0], target[1])
					}
				}
			}
		}
	}
}

// targets are the methods and addresses of all forms and links of a page.
func targets(body string) [][2]string {
	var out [][2]string
	for _, form := range formActions.FindAllString(body, -1) {
		method, action := http.MethodGet, ""
		for _, m := range attributes.FindAllStringSubmatch(form, -1) {
			if m[1] == "method" {
				method = strings.ToUpper(m[2])
			} else {
				action = m[2]
			}
		}
		if action != "" {
			out = append(out, [2]string{method, html.UnescapeString(action)})
		}
	}
	for _, m := range links.FindAllStringSubmatch(body, -1) {
		if !strings.HasPrefix(m[1], "/static/") {
			out = append(out, [2]string{http.MethodGet, html.UnescapeString(m[1])})
		}
	}
	return out
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

// stage is the demonstration in this process with a scripted model, so that a
// test can sign in whom it likes.
type stage struct {
	parts *parts
	url   string
	key   string
}

const otherTenant gateway.TenantID = "lohe"

// secretWords stand in the requests and must not be seen on any page of the log.
var secretWords = []string{"Wiebke", "Hollerbusch", "Fliederstraße", "DE02120300000000202051"}

func openStage(t *testing.T) *stage {
	t.Helper()
	model := upstreamtest.Start(t)
	c, key, _, err := demoConfig(t.Context(), t.TempDir(), demoOptions{modelURL: model.URL, modelName: "mistral-small-3.2"})
	if err != nil {
		t.Fatal(err)
	}
	c.Tenants = append(c.Tenants, identity.Tenant{ID: otherTenant, Name: "Gemeinde Lohe", Land: "BW", Active: true})
	p, err := build(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	if _, err := p.loadDemo(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.handler())
	t.Cleanup(server.Close)
	return &stage{parts: p, url: server.URL, key: key}
}

// fill makes requests, so that the log has something to show.
func (s *stage) fill(t *testing.T) {
	t.Helper()
	text := "Frau Wiebke Hollerbusch, Fliederstraße 12, IBAN DE02120300000000202051, fragt nach ihrem Wohngeld."
	body := fmt.Sprintf(`{"model":"mistral-small-3.2","messages":[{"role":"user","content":%q}],"schleuse":{"case_entities":[{"type":"person","value":{"first":"Wiebke","last":"Hollerbusch"},"role":"applicant"}]}}`, text)
	for _, purpose := range []string{"summarise", "social_scoring", "chat", "translate", "emotion_recognition", "research", "simplify_language", "profiling"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Schleuse-Purpose", purpose)
		r.Header.Set("Schleuse-Case", demoCase)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
}

// visitor is a browser without JavaScript.
type visitor struct {
	t      *testing.T
	base   string
	client *http.Client
}

// visitor signs in a person of the tenant with the roles through the login page.
func (s *stage) visitor(t *testing.T, tenant gateway.TenantID, roles ...string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{t: t, base: s.url, client: &http.Client{Jar: jar}}
	if len(roles) > 0 {
		v.get(s.login(tenant, roles...), http.StatusOK)
	}
	return v
}

func (s *stage) login(tenant gateway.TenantID, roles ...string) string {
	return s.loginOf(identity.Person{Tenant: tenant, Name: "Kim Yılmaz", Roles: roles})
}

// loginOf is a link with which a person signs in.
func (s *stage) loginOf(p identity.Person) string {
	ticket, err := s.parts.sessions.NewLogin(context.Background(), p)
	if err != nil {
		panic(err)
	}
	return "/login?t=" + ticket
}

// opened is the page of an entry, after saying why.
func (v *visitor) opened(id string) answer {
	v.t.Helper()
	return v.post("/admin/decisions/"+id+"/open", url.Values{"begruendung": {"Stichprobe der Revision im November"}, "aktenzeichen": {"R-2026/11"}}, http.StatusOK)
}

// byHand says what a browser says of an address that a person typed.
func byHand(r *http.Request) {
	r.Header.Set("Sec-Fetch-Site", "none")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
}

// answer is a page after all redirects.
type answer struct {
	path, body string
	header     http.Header
}

func (v *visitor) get(path string, want int) answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	byHand(r)
	return v.do(r, want)
}

func (v *visitor) post(path string, form url.Values, want int) answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(r, want)
}

// upload sends a form with files, name to content.
func (v *visitor) upload(path string, fields map[string]string, files map[string]string, want int) answer {
	v.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, value := range fields {
		_ = w.WriteField(name, value)
	}
	for name, content := range files {
		part, err := w.CreateFormFile("unterlagen", name)
		if err != nil {
			v.t.Fatal(err)
		}
		_, _ = io.WriteString(part, content)
	}
	_ = w.Close()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+path, &body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return v.do(r, want)
}

func (v *visitor) do(r *http.Request, want int) answer {
	v.t.Helper()
	resp, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if resp.StatusCode != want {
		v.t.Fatalf("%s %s: status %d, want %d\n%s", r.Method, r.URL.Path, resp.StatusCode, want, body[max(0, bytes.Index(body, []byte("<main"))):])
	}
	return answer{path: resp.Request.URL.RequestURI(), body: string(body), header: resp.Header}
}

var (
	draftIDs    = regexp.MustCompile(`/panel/draft/([a-z0-9]{10,})`)
	decisionIDs = regexp.MustCompile(`/admin/decisions/(e-[A-Za-z0-9]+)`)
	paragraphs  = regexp.MustCompile(`name="absatz" value="(\d+)"`)
)

// check runs the demonstration's file through the form.
func (v *visitor) check() answer {
	v.t.Helper()
	page := v.upload("/panel/check", map[string]string{"fall": demoFolder}, nil, http.StatusOK)
	if !strings.HasPrefix(page.path, "/panel/check/") {
		v.t.Fatalf("the check led to %s", page.path)
	}
	return page
}

// draft makes a letter of a new check.
func (v *visitor) draft() (id string, page answer) {
	v.t.Helper()
	check := v.check()
	page = v.post("/panel/draft", url.Values{"pruefung": {strings.TrimPrefix(check.path, "/panel/check/")}}, http.StatusOK)
	return find(v.t, draftIDs, page.path), page
}

func find(t *testing.T, pattern *regexp.Regexp, in string) string {
	t.Helper()
	m := pattern.FindStringSubmatch(in)
	if m == nil {
		t.Fatalf("%s does not match in %.400s", pattern, in)
	}
	return m[1]
}

// From the login to a released letter in four formats, without JavaScript.
func TestPagesWithoutJavaScript(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision, identity.RoleCase)
	form := v.get("/panel/check", http.StatusOK)
	if !strings.Contains(form.body, demoCase) {
		t.Error("the file of the demonstration is not offered")
	}
	id, page := v.draft()
	address := "/panel/draft/" + id
	for _, m := range paragraphs.FindAllStringSubmatch(page.body, -1)[:1] {
		edit := v.get(address+"?bearbeiten="+m[1], http.StatusOK)
		if !strings.Contains(edit.body, "<textarea") {
			t.Error("the paragraph cannot be edited")
		}
		page = v.post(address, url.Values{"aktion": {"bearbeiten"}, "absatz": {m[1]}, "text": {"Guten Tag, schöne Grüße aus dem Bürgerbüro."}}, http.StatusOK)
		if !strings.Contains(page.body, "schöne Grüße") || !strings.Contains(page.body, "Übernommen, bearbeitet") {
			t.Error("the edited paragraph is not shown")
		}
	}
	v.post(address, url.Values{"aktion": {"freigeben"}}, http.StatusBadRequest)
	page = v.post(address, url.Values{"aktion": {"alle"}}, http.StatusOK)
	if !strings.Contains(page.body, "Vor der Freigabe zu klären") {
		t.Error("a letter that lost its salutation can be released")
	}
	v.post(address, url.Values{"aktion": {"freigeben"}}, http.StatusBadRequest)
	v.post(address, url.Values{"aktion": {"zuruecknehmen"}, "absatz": {"0"}}, http.StatusOK)
	v.post(address, url.Values{"aktion": {"alle"}}, http.StatusOK)
	page = v.post(address, url.Values{"aktion": {"freigeben"}}, http.StatusOK)
	if !strings.Contains(page.body, "Freigegeben von Kim Yılmaz") {
		t.Error("the page does not say who released the letter")
	}
	v.post(address, url.Values{"aktion": {"alle"}}, http.StatusBadRequest)
	for ending, want := range map[string]struct{ mediaType, magic string }{
		"odt":  {"application/vnd.oasis.opendocument.text", "PK"},
		"docx": {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "PK"},
		"pdf":  {"application/pdf", "%PDF-"},
		"html": {"text/html; charset=utf-8", "<!"},
	} {
		file := v.get(address+"/schreiben."+ending, http.StatusOK)
		if got := file.header.Get("Content-Type"); got != want.mediaType || !strings.HasPrefix(file.body, want.magic) || len(file.body) < 2000 {
			t.Errorf("%s: %s, %d bytes, begins with %.6q", ending, got, len(file.body), file.body)
		}
		if !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s is shown inside the page instead of saved", ending)
		}
	}
	v.get(address+"/schreiben.exe", http.StatusNotFound)
}

// The log shows that and why, never what.
func TestPagesOfTheLogShowNoContent(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision, identity.RoleCase)
	v.draft()
	list := v.get("/admin/decisions", http.StatusOK)
	ids := decisionIDs.FindAllStringSubmatch(list.body, -1)
	if len(ids) < 10 {
		t.Fatalf("%d decisions on the list, want at least 10", len(ids))
	}
	pages := map[string]answer{"/admin/decisions": list}
	for _, m := range ids {
		pages[m[0]] = v.opened(m[1])
	}
	for path, page := range pages {
		for _, word := range append(secretWords, "Achterberg", "Zöllner") {
			if strings.Contains(page.body, word) {
				t.Errorf("%s shows %q", path, word)
			}
		}
	}
	proof := v.post(ids[0][0]+"/verify", nil, http.StatusOK)
	if !strings.Contains(proof.body, "Prüfung bestanden") {
		t.Error("the record was not verified")
	}
}

func TestPagesAreForTheRightPersons(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	caseworker := s.visitor(t, demoTenant, identity.RoleCase)
	auditor := s.visitor(t, demoTenant, identity.RoleRevision)
	nobody := s.visitor(t, demoTenant)
	stranger := s.visitor(t, otherTenant, identity.RoleRevision, identity.RoleCase)

	draft, _ := caseworker.draft()
	check := caseworker.check()
	decision := find(t, decisionIDs, auditor.get("/admin/decisions", http.StatusOK).body)
	admin := []string{"/admin", "/admin/decisions", "/admin/decisions/" + decision}
	panel := []string{"/panel/check", check.path, "/panel/draft", "/panel/draft/" + draft, "/panel/draft/" + draft + "/schreiben.pdf"}
	for _, path := range append(admin, panel...) {
		if page := nobody.get(path, http.StatusUnauthorized); !strings.Contains(page.body, "Anmeldelink") {
			t.Errorf("%s: the page does not say how to sign in", path)
		}
	}
	for _, path := range admin {
		caseworker.get(path, http.StatusForbidden)
	}
	for _, path := range panel {
		auditor.get(path, http.StatusForbidden)
	}
	for _, path := range []string{"/admin/decisions/" + decision, check.path, "/panel/draft/" + draft, "/panel/draft/" + draft + "/schreiben.pdf"} {
		stranger.get(path, http.StatusNotFound)
	}
	stranger.post("/panel/draft/"+draft, url.Values{"aktion": {"alle"}}, http.StatusNotFound)
	stranger.post("/admin/decisions/"+decision+"/verify", nil, http.StatusNotFound)
	if page := stranger.get("/admin/decisions", http.StatusOK); strings.Contains(page.body, decision) {
		t.Error("another tenant's decision is on the list")
	}

	link := s.login(demoTenant, identity.RoleRevision)
	s.visitor(t, demoTenant).get(link, http.StatusOK)
	s.visitor(t, demoTenant).get(link, http.StatusUnauthorized)
	auditor.post("/logout", nil, http.StatusOK)
	auditor.get("/admin/decisions", http.StatusUnauthorized)
}

// Whatever is sent, the answer is a page that says what is wrong.
func TestPagesRefuseWhatTheyCannotUse(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision, identity.RoleCase)
	draft, _ := v.draft()
	for path, want := range map[string]int{
		"/admin/decisions?zeitraum=immer":                               http.StatusBadRequest,
		"/admin/decisions?ergebnis=vielleicht":                          http.StatusBadRequest,
		"/admin/decisions?ab=%00%ff":                                    http.StatusBadRequest,
		"/admin/decisions?q=" + strings.Repeat("ä", 5000):               http.StatusBadRequest,
		"/admin/decisions?q=%3Cscript%3Ealert(1)%3C/script%3E":          http.StatusOK,
		"/admin/decisions/e-gibtesnicht":                                http.StatusNotFound,
		"/admin/decisions/" + url.PathEscape("../../etc/passwd"):        http.StatusNotFound,
		"/panel/check/unbekannt":                                        http.StatusNotFound,
		"/panel/draft/unbekannt":                                        http.StatusNotFound,
		"/panel/draft/" + draft + "/schreiben.pdf%2f..%2f..%2fsecret":   http.StatusNotFound,
		"/panel/draft/" + draft + "?bearbeiten=99999999999999999999999": http.StatusOK,

		"/gibt-es-nicht":        http.StatusNotFound,
		"/static/0/kern.css":    http.StatusNotFound,
		"/login?t=" + draft:     http.StatusOK, // signed in already
		"/panel/check?fall=%FF": http.StatusOK,
	} {
		page := v.get(path, want)
		if strings.Contains(page.body, "<script>alert") {
			t.Errorf("%s: a script comes back", path)
		}
	}
	for name, fields := range map[string]map[string]string{
		"nothing":      {},
		"no json":      {"leistung": "wohngeld-mietzuschuss", "antrag": "{"},
		"wrong type":   {"leistung": "wohngeld-mietzuschuss", "antrag": "[1]"},
		"deep":         {"leistung": "wohngeld-mietzuschuss", "antrag": strings.Repeat("[", 100000)},
		"unknown case": {"fall": "../akte"},
	} {
		page := v.upload("/panel/check", fields, nil, http.StatusBadRequest)
		if !strings.Contains(page.body, "<h1>") {
			t.Errorf("%s: no page", name)
		}
	}
	v.upload("/panel/check", map[string]string{"leistung": "fliegen", "antrag": "{}"}, nil, http.StatusNotFound)
	for _, form := range []url.Values{
		{"aktion": {"uebernehmen"}, "absatz": {"-1"}},
		{"aktion": {"uebernehmen"}, "absatz": {"999"}},
		{"aktion": {"uebernehmen"}, "absatz": {"x"}},
		{"aktion": {"zaubern"}, "absatz": {"0"}},
		{"aktion": {"bearbeiten"}, "absatz": {"0"}, "text": {" "}},
		{"aktion": {"bearbeiten"}, "absatz": {"0"}, "text": {strings.Repeat("x", 4001)}},
		{},
	} {
		v.post("/panel/draft/"+draft, form, http.StatusBadRequest)
	}
	v.post("/panel/draft", url.Values{"pruefung": {"unbekannt"}}, http.StatusNotFound)
	v.post("/panel/draft/"+draft, url.Values{"aktion": {strings.Repeat("x", 3<<20)}}, http.StatusRequestEntityTooLarge)
	v.post("/darstellung", url.Values{"darstellung": {"dark"}, "zurueck": {"https://boese.example/"}}, http.StatusOK)

	many := map[string]string{}
	for i := range 101 {
		many[fmt.Sprintf("%d.txt", i)] = "Mietvertrag"
	}
	v.upload("/panel/check", map[string]string{"leistung": "wohngeld-mietzuschuss", "antrag": "{}"}, many, http.StatusBadRequest)
}

// A page of another origin cannot act in the name of the person signed in.
func TestPagesRefuseOtherOrigins(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision, identity.RoleCase)
	draft, _ := v.draft()
	for _, path := range []string{"/panel/check", "/panel/draft", "/panel/draft/" + draft, "/logout", "/darstellung", "/admin/decisions/e-1/verify"} {
		for name, value := range map[string]string{"Origin": "https://boese.example", "Sec-Fetch-Site": "cross-site"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader("aktion=alle"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(name, value)
			v.do(r, http.StatusForbidden)
		}
	}
	v.get("/panel/check", http.StatusOK)
}

// The headers of a page, and the panel's own ones inside a Fachverfahren.
func TestPagesAreProtected(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision, identity.RoleCase)
	for _, path := range []string{"/", "/admin/decisions", "/panel/check", "/panel/check?einbettung=1"} {
		h := v.get(path, http.StatusOK).header
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: %q is missing in %s", path, want, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
}

// Inside a Fachverfahren the panel stays in its own frame from page to page.
func TestPanelStaysEmbedded(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	v := s.visitor(t, demoTenant, identity.RoleCase)
	form := v.get("/panel/check?einbettung=1", http.StatusOK)
	check := v.upload("/panel/check?einbettung=1", map[string]string{"fall": demoFolder}, nil, http.StatusOK)
	id := strings.TrimSuffix(strings.TrimPrefix(check.path, "/panel/check/"), "?einbettung=1")
	draft := v.post("/panel/draft", url.Values{"pruefung": {id}, "einbettung": {"1"}}, http.StatusOK)
	address, _, _ := strings.Cut(draft.path, "?")
	accepted := v.post(address, url.Values{"aktion": {"uebernehmen"}, "absatz": {"0"}, "einbettung": {"1"}}, http.StatusOK)
	start := v.get("/panel/draft?einbettung=1", http.StatusOK)
	failed := v.upload("/panel/check?einbettung=1", map[string]string{"fall": "x"}, nil, http.StatusBadRequest)
	link := regexp.MustCompile(`href="(/panel/[^"#]*)`)
	action := regexp.MustCompile(`(?s)<form[^>]*action="/(?:panel|darstellung)[^"]*".*?</form>`)
	for name, page := range map[string]answer{"form": form, "check": check, "draft": draft, "accepted": accepted, "start": start, "error": failed} {
		if strings.Contains(page.body, `class="side"`) || !strings.Contains(page.body, `class="panel-head"`) {
			t.Errorf("%s at %s has the frame of the administration", name, page.path)
		}
		for _, m := range link.FindAllStringSubmatch(page.body, -1) {
			if !strings.Contains(m[1], "einbettung=1") && !strings.Contains(m[1], "/schreiben.") {
				t.Errorf("%s: the link %s leaves the panel", name, m[1])
			}
		}
		for _, f := range action.FindAllString(page.body, -1) {
			if !strings.Contains(f, `name="einbettung"`) && !strings.Contains(f, "einbettung=1") {
				t.Errorf("%s: a form leaves the panel: %.120s", name, f)
			}
		}
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

// A signed-in person has one pseudonym: in every kind of note, whichever tenant
// the note belongs to, and in the records of the own requests.
func TestOnePersonOnePseudonym(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	s.fill(t)
	for name, p := range map[string]identity.Person{
		"of a tenant":     {Tenant: demoTenant, Issuer: "https://anmeldung.example", Subject: "u-1", Name: "Kim Yılmaz", Roles: allRoles},
		"of the operator": {Issuer: "https://anmeldung.example", Subject: "u-1", Name: "Kim Yılmaz", Roles: allRoles, Operator: true},
		"with a link":     {Tenant: demoTenant, Name: "Alex Beispiel", Roles: allRoles},
	} {
		want := s.parts.keys.Pseudonymise(p.Home(), "user", p.User())
		steps := s.noteworthy(t, p)
		before := len(s.notes(t))
		for _, step := range steps {
			step.do(s.person(t, p))
			var own []audit.Note
			all := s.notes(t)
			for _, n := range all[:len(all)-before] {
				if n.Actor != want {
					t.Errorf("%s, %s: %s of %s names %q, want %q", name, step.topic, n.Topic, n.Tenant, n.Actor, want)
				}
				own = append(own, n)
			}
			before = len(all)
			if !slices.ContainsFunc(own, func(n audit.Note) bool { return n.Topic == step.topic }) {
				t.Errorf("%s: there is no note %s", name, step.topic)
			}
		}
		if got := s.parts.releasePerson(p).Pseudonym; got != want {
			t.Errorf("%s: policies are signed by %q, want %q", name, got, want)
		}
		if p.Tenant == "" {
			continue
		}
		s.person(t, p).check()
		if err := s.parts.record.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		page, err := s.parts.record.List(t.Context(), audit.Filter{Scope: audit.Scope{Tenant: demoTenant}, Purpose: gateway.PurposeCompletenessCheck, Limit: 1})
		if err != nil || len(page.Items) != 1 || page.Items[0].Record.User != want {
			t.Errorf("%s: the own check is recorded for %+v, want %q (%v)", name, page.Items, want, err)
		}
	}
}

// A person who signs in at the pages and one whose access token a program shows
// are the same person in the record.
func TestTokenAndSignInAreOnePerson(t *testing.T) {
	t.Parallel()
	issuer := identitytest.StartIssuer(t)
	signer := issuer.Add(t, "k1", "ES256")
	w := setupWith(t, func(c *Config) {
		c.Identity.OIDC = []identity.Issuer{{
			Issuer: issuer.URL, Audience: "ki-schleuse", CA: []string{issuer.CA}, Tenant: demoTenant, System: demoWohngeld,
			Purposes: []gateway.Purpose{gateway.PurposeSummarise}, DefaultPurpose: gateway.PurposeSummarise,
		}}
	})
	now := time.Now()
	w.key = signer.Sign(t, nil, map[string]any{
		"iss": issuer.URL, "aud": "ki-schleuse", "sub": "u-1", "client_id": "woga", "jti": "j1", "iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	})
	status, body, header := w.post(t, "/v1/chat/completions", `{"model":"modell","messages":[{"role":"user","content":"Guten Tag"}]}`)
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	e, err := w.records(t).Show(t.Context(), audit.Scope{Tenant: demoTenant}, header.Get("Schleuse-Decision"))
	person := identity.Person{Tenant: demoTenant, Issuer: issuer.URL, Subject: "u-1", Name: "Kim Yılmaz"}
	if want := w.keys.Pseudonymise(person.Home(), "user", person.User()); err != nil || e.Record.User != want {
		t.Errorf("the request is recorded for %q, want %q (%v)", e.Record.User, want, err)
	}
}

// noted is something that a person does and the topic of the note about it.
type noted struct {
	topic string
	do    func(v *visitor)
}

// noteworthy is everything on the pages that is noted, as a person may do it.
func (s *stage) noteworthy(t *testing.T, p identity.Person) []noted {
	t.Helper()
	place := url.Values{"aktenzeichen": {demoCase}, "mandant": {string(demoTenant)}}
	with := func(more url.Values) url.Values {
		out := url.Values{}
		for _, form := range []url.Values{place, more} {
			maps.Copy(out, form)
		}
		return out
	}
	ids, _, _ := s.visitor(t, demoTenant, identity.RoleRevision).list("zweck=social_scoring")
	version := func() string {
		tenant, _ := s.parts.tenants.Tenant(storedTenant)
		return strconv.FormatInt(tenant.Version, 10)
	}
	steps := []noted{
		{audit.TopicSignedIn, func(*visitor) {}},
		{audit.TopicListViewed, func(v *visitor) { v.get("/admin/decisions", http.StatusOK) }},
		{audit.TopicListViewed, func(v *visitor) { v.get("/admin/approvals", http.StatusOK) }},
		{audit.TopicRecordOpened, func(v *visitor) { v.opened(ids[0]) }},
		{audit.TopicVerified, func(v *visitor) {
			v.opened(ids[0])
			v.post("/admin/decisions/"+ids[0]+"/verify", nil, http.StatusOK)
		}},
		{audit.TopicExported, func(v *visitor) {
			v.opened(ids[0])
			v.post("/admin/decisions/"+ids[0]+"/evidence", url.Values{"format": {"json"}}, http.StatusOK)
		}},
		{audit.TopicExported, func(v *visitor) {
			v.post("/admin/decisions/export", url.Values{"format": {"csv"}, "begruendung": {"Stichprobe der Revision"}, "aktenzeichen": {"R-1"}}, http.StatusOK)
		}},
		{audit.TopicExported, func(v *visitor) { v.get("/admin/usage.csv", http.StatusOK) }},
		{audit.TopicExported, func(v *visitor) { v.get("/admin/register.json?mandant="+string(demoTenant), http.StatusOK) }},
		{audit.TopicExported, func(v *visitor) { v.get("/admin/journal.csv", http.StatusOK) }},
		{audit.TopicTenantChanged, func(v *visitor) {
			v.post("/admin/tenants/"+string(storedTenant), url.Values{"aktion": {"herkunft"}, "version": {version()}, "herkunft": {"https://woga.example"}}, http.StatusOK)
			v.post("/admin/tenants/"+string(storedTenant), url.Values{"aktion": {"herkunft"}, "version": {version()}, "herkunft": {""}}, http.StatusOK)
		}},
		{audit.TopicAccessGiven, func(v *visitor) { v.post("/admin/persons/access", place, http.StatusOK) }},
		{audit.TopicHoldPlaced, func(v *visitor) {
			v.post("/admin/persons/holds", with(url.Values{"aktion": {"setzen"}, "begruendung": {"Klage vor dem Verwaltungsgericht"}}), http.StatusOK)
		}},
		{audit.TopicHoldLifted, func(v *visitor) {
			hold := find(t, regexp.MustCompile(`name="sperre" value="([^"]+)"`), v.get("/admin/persons?mandant="+string(demoTenant), http.StatusOK).body)
			v.post("/admin/persons/holds", with(url.Values{"aktion": {"aufheben"}, "sperre": {hold}, "begruendung": {"Das Verfahren ist beendet."}}), http.StatusOK)
		}},
		{audit.TopicErased, func(v *visitor) {
			v.post("/admin/persons/erase", with(url.Values{"bestaetigt": {"ja"}, "begruendung": {"Antrag der Person"}}), http.StatusOK)
		}},
	}
	if p.Tenant == "" {
		return steps // the panel is for persons of a tenant
	}
	return append(steps, noted{audit.TopicReleased, func(v *visitor) {
		id, _ := v.draft()
		for _, action := range []string{"alle", "freigeben"} {
			v.post("/panel/draft/"+id, url.Values{"aktion": {action}}, http.StatusOK)
		}
	}}, noted{audit.TopicRejected, func(v *visitor) {
		v.draft()
		if err := s.parts.record.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		waiting := find(t, regexp.MustCompile(`action="/panel/approvals/(e-[A-Za-z0-9]+)`), strings.ReplaceAll(v.get("/panel/approvals", http.StatusOK).body, "&#43;", "+"))
		v.post("/panel/approvals/"+waiting, url.Values{"ergebnis": {"rejected"}, "bemerkung": {"Falsche Frist"}}, http.StatusOK)
	}})
}

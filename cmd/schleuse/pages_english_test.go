// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies"
)

// marked is what a page itself says is German.
var marked = regexp.MustCompile(`(?s)<(\w+)[^>]* lang="de"[^>]*>.*?</(\w+)>`)

// english is a page as an English reader sees it, without what is marked as German.
func (v *visitor) english(path string) string {
	v.t.Helper()
	v.post("/darstellung", url.Values{"sprache": {"en"}, "zurueck": {"/login"}}, http.StatusOK)
	body := v.get(path, http.StatusOK).body
	_, body, _ = strings.Cut(body, "<main")
	return strings.ReplaceAll(html.UnescapeString(marked.ReplaceAllString(body, "")), "\u00a0", " ")
}

// The English view says rules, classes, duties and examples in English, with norms
// cited as is usual there.
func TestEnglishView(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	s.fill(t)
	v := s.visitor(t, demoTenant, allRoles...)
	rules := s.parts.engine.Rules()
	german, err := s.parts.engine.Guide(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	english, err := s.parts.engine.GuideEnglish(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	list := v.english("/admin/policies")
	for _, r := range rules {
		if r.EnglishTitle == "" || !strings.Contains(list, ">"+r.EnglishTitle+"<") || strings.Contains(list, ">"+r.Title+"<") {
			t.Errorf("the list of rules calls %s not %q", r.ID, r.EnglishTitle)
		}
	}
	rule := rules[slices.IndexFunc(rules, func(r policies.RuleInfo) bool { return r.ID == "AIA-002" })]
	if page := v.english("/admin/policies/rules/" + rule.ID); !strings.Contains(page, "<h1>"+rule.EnglishTitle) || !strings.Contains(page, rule.English) || !strings.Contains(page, policies.NormEnglish(rule.Basis)) {
		t.Errorf("the page of %s is not in English", rule.ID)
	}

	v.post("/darstellung", url.Values{"sprache": {"de"}, "zurueck": {"/login"}}, http.StatusOK)
	ids, _, _ := v.list("zweck=social_scoring")
	v.opened(ids[0])
	page := v.english("/admin/decisions/" + ids[0])
	entry, err := s.parts.record.Show(t.Context(), audit.Scope{Tenant: demoTenant}, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, reason := range entry.Record.Decisions[len(entry.Record.Decisions)-1].Reasons {
		i := slices.IndexFunc(rules, func(r policies.RuleInfo) bool { return r.ID == reason.Rule })
		if r := rules[i]; !strings.Contains(page, r.EnglishTitle) || !strings.Contains(page, r.English) || strings.Contains(page, r.Text) {
			t.Errorf("the decision explains %s not in English", r.ID)
		}
	}

	if strings.Contains(page, "Verordnungstext") {
		t.Error("the decision names the source of the class in German")
	}

	classes := v.english("/admin/classify")
	for i, c := range english.Classes {
		if !strings.Contains(classes, c.Title) || c.Text != german.Classes[i].Text && strings.Contains(classes, german.Classes[i].Text) {
			t.Errorf("the class %s is not in English", c.ID)
		}
	}
	result := v.english("/admin/classify?zweck=eligibility_evaluation&leistung=wohngeld-mietzuschuss")
	for _, word := range []string{"AI Act", "Checklist"} {
		if !strings.Contains(result, word) {
			t.Errorf("the classification does not say %q", word)
		}
	}
	for _, word := range []string{"KI-VO", "DSGVO", "Abs. ", "Pflicht"} {
		if strings.Contains(result, word) {
			t.Errorf("the classification says %q", word)
		}
	}

	register := v.english("/admin/register")
	for _, p := range english.Purposes {
		i := slices.IndexFunc(german.Purposes, func(g policies.GuidePurpose) bool { return g.ID == p.ID })
		if g := german.Purposes[i]; g.Title != p.Title && strings.Contains(register, "<strong>"+g.Title+"<") {
			t.Errorf("the register calls %s %q, want %q", p.ID, g.Title, p.Title)
		}
	}
	if !strings.Contains(register, "AI Act") {
		t.Error("the register cites the norms in German")
	}
}

// What is shown in English is not written down as the tenant's own words.
func TestRegisterIsDocumentedInTheEnglishView(t *testing.T) {
	t.Parallel()
	s := openRegisterStage(t)
	v := s.visitor(t, storedTenant, identity.RoleTenant, identity.RoleCase)
	v.english("/admin/register")
	page := v.get("/admin/register", http.StatusOK)
	form := url.Values{"mandant": {string(storedTenant)}, "version": {"1"}, "zweck": {"summarise"}, "leistung": {""}, "legal_basis": {"§ 3 LDSG BW"}, "role": {"betreiber"}}
	for _, shown := range []string{"text", "retention"} {
		form.Set(shown, html.UnescapeString(find(t, regexp.MustCompile(` id="summarise--`+shown+`"[^>]*(?:value="|>)([^"<]*)`), page.body)))
	}
	v.post("/admin/register", form, http.StatusOK)
	tenant, _ := s.parts.tenants.Tenant(storedTenant)
	var setting registerSetting
	if err := strict(tenant.Settings["register"], "", &setting); err != nil {
		t.Fatal(err)
	}
	if want := (registerText{Purpose: "summarise", LegalBasis: "§ 3 LDSG BW"}); len(setting.Entries) != 1 || setting.Entries[0] != want {
		t.Errorf("written %+v, want %+v", setting.Entries, want)
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// policyRoles may see all pages of policies and of the record's proof.
var policyRoles = []string{identity.RolePolicy, identity.RoleRevision, identity.RoleOperator}

// officer signs in a person of the operator who looks after policies.
func (s *stage) officer(t *testing.T, name string, roles ...string) *visitor {
	t.Helper()
	v := s.visitor(t, demoTenant)
	v.get(s.loginOf(identity.Person{Tenant: demoTenant, Name: name, Operator: true, Roles: roles}), http.StatusOK)
	return v
}

const newRule = `# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

# METADATA
# scope: package
# title: Einfache Sprache ruht
# custom:
#   rule_id: TEN-090
#   legal_basis: "Art. 5 Abs. 2 DSGVO"
#   severity: block
#   text: Texte in Einfacher Sprache sind ausgesetzt, bis die Dienstanweisung vorliegt.
#   text_en: Texts in plain language are suspended until the instruction is there.
package rules.tenant.suspended

import rego.v2

deny if input.purpose == "simplify_language"
`

const newRuleTest = `# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2

package rules.tenant.suspended_test

import rego.v2

import data.rules.tenant.suspended

test_fires if suspended.deny with input as {"purpose": "simplify_language"}

test_does_not_fire if not suspended.deny with input as {"purpose": "summarise"}
`

var proposalIDs = regexp.MustCompile(`/admin/policies/proposals/(e-[A-Za-z0-9]+)`)

// changedBundle is the bundle in force with a rule more.
func (s *stage) changedBundle(t *testing.T) []byte {
	t.Helper()
	files, err := release.FromFS(s.parts.engine.Files())
	if err != nil {
		t.Fatal(err)
	}
	files["rego/tenant/suspended/suspended.rego"] = []byte(newRule)
	files["rego/tenant/suspended/suspended_test.rego"] = []byte(newRuleTest)
	packed, err := files.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// proposeBundle hands a bundle in and waits for the checks.
func (v *visitor) proposeBundle(comment string, zip []byte) string {
	v.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("begruendung", comment)
	part, err := w.CreateFormFile("paket", "regeln.zip")
	if err != nil {
		v.t.Fatal(err)
	}
	_, _ = part.Write(zip)
	_ = w.Close()
	r, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+"/admin/policies/proposals", &body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return v.proposed(comment, v.do(r, http.StatusOK))
}

// proposeFile hands in one file with other words.
func (v *visitor) proposeFile(s *stage, comment, file, old, changed string) string {
	v.t.Helper()
	raw, err := fs.ReadFile(s.parts.engine.Files(), file)
	if err != nil {
		v.t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		v.t.Fatalf("%s does not contain %q", file, old)
	}
	text := strings.ReplaceAll(strings.Replace(string(raw), old, changed, 1), "\n", "\r\n") // as browsers send it
	form := url.Values{"datei": {file}, "text": {text}, "begruendung": {comment}}
	return v.proposed(comment, v.post("/admin/policies/proposals", form, http.StatusOK))
}

// proposed waits until the list shows the proposal.
func (v *visitor) proposed(comment string, page answer) string {
	v.t.Helper()
	if m := proposalIDs.FindStringSubmatch(page.path); m != nil {
		return m[1]
	}
	link := regexp.MustCompile(`/admin/policies/proposals/(e-[A-Za-z0-9]+)">` + regexp.QuoteMeta(comment))
	for range 600 {
		page = v.get("/admin/policies/proposals", http.StatusOK)
		if m := link.FindStringSubmatch(page.body); m != nil {
			return m[1]
		}
		if strings.Contains(page.body, "nicht angenommen") {
			v.t.Fatalf("the proposal was not accepted: %.3000s", page.body[strings.Index(page.body, "<main"):])
		}
		time.Sleep(200 * time.Millisecond)
	}
	v.t.Fatal("the proposal does not come")
	return ""
}

// impact computes what a proposal would have said, and waits for it.
func (v *visitor) impact(id string) answer {
	v.t.Helper()
	page := v.post("/admin/policies/proposals/"+id+"/impact", url.Values{"tage": {"30"}}, http.StatusOK)
	for range 100 {
		if strings.Contains(page.body, `role="alert"`) {
			break
		}
		if !strings.Contains(page.body, "wird seit") && strings.Contains(page.body, "Anfragen vom") {
			return page
		}
		time.Sleep(200 * time.Millisecond)
		page = v.get("/admin/policies/proposals/"+id, http.StatusOK)
	}
	v.t.Fatalf("the impact is not computed: %s", page.body[strings.Index(page.body, "<main"):])
	return page
}

// sign hands in a signature over the text of a proposal.
func (v *visitor) sign(id, private string, want int) answer {
	v.t.Helper()
	text := v.get("/admin/policies/proposals/"+id+"/text", http.StatusOK)
	signed, err := release.Sign([]byte(text.body), private)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.post("/admin/policies/proposals/"+id+"/sign", url.Values{"unterschrift": {string(signed)}}, want)
}

// signerKey is the private key of a signer of the demonstration.
func (s *stage) signerKey(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.parts.config.Data, "signers", name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// policySights are the pages of policies and of the record's proof, with something
// to see on them.
func (s *stage) policySights(t *testing.T) []sight {
	t.Helper()
	kim, lea, jo := s.officer(t, "Kim Yılmaz", policyRoles...), s.officer(t, "Lea Brandt", policyRoles...), s.officer(t, "Jo Peters", policyRoles...)
	dsb, isb := s.signerKey(t, "datenschutz"), s.signerKey(t, "informationssicherheit")
	first := s.parts.engine.Revision()
	active := kim.proposeBundle("Einfache Sprache ruht bis zur Dienstanweisung", s.changedBundle(t))
	kim.impact(active)
	lea.sign(active, dsb, http.StatusOK)
	jo.sign(active, isb, http.StatusOK)
	lea.post("/admin/policies/proposals/"+active+"/shadow", url.Values{"stunden": {"4"}}, http.StatusOK)
	lea.post("/admin/policies/proposals/"+active+"/shadow/end", nil, http.StatusOK)
	lea.post("/admin/policies/proposals/"+active+"/activate", url.Values{"begruendung": {"Beschluss der Lenkungsgruppe vom 20.11.2026"}}, http.StatusOK)
	open := lea.proposeFile(s, "Satz der Regel klarer gefasst", "rego/dataprotection/training/training.rego", "darf mit Eingaben trainieren", "darf mit Eingaben ein Modell trainieren")
	lea.impact(open)
	kim.sign(open, dsb, http.StatusOK)
	kim.post("/admin/policies/proposals/"+open+"/shadow", url.Values{"stunden": {"24"}}, http.StatusOK)
	broken := jo.proposeFile(s, "Verbotene Praktiken erst ab 2027", "rego/aiact/prohibited/prohibited.rego", `valid_from: "2025-02-02"`, `valid_from: "2027-02-02"`)
	kim.post("/admin/policies/test", nil, http.StatusOK)
	kim.post("/admin/integrity/verify", nil, http.StatusOK)
	return []sight{
		{"policies", "/admin/policies", 1440},
		{"policies-filtered", "/admin/policies?q=Sozialdaten&wirkung=narrow", 1440},
		{"policies-none", "/admin/policies?q=GIBTESNICHT", 1440},
		{"rule", "/admin/policies/rules/TEN-090", 1440},
		{"revisions", "/admin/policies/revisions", 1440},
		{"revisions-diff", "/admin/policies/diff?a=" + url.QueryEscape(first) + "&b=" + url.QueryEscape(s.parts.engine.Revision()), 1440},
		{"proposals", "/admin/policies/proposals", 1440},
		{"proposal-new", "/admin/policies/proposals/new?datei=rego/dataprotection/training/training.rego", 1440},
		{"proposal-open", "/admin/policies/proposals/" + open, 1440},
		{"proposal-active", "/admin/policies/proposals/" + active, 1440},
		{"proposal-broken", "/admin/policies/proposals/" + broken, 1440},
		{"impact", "/admin/policies/impact?entwurf=" + active, 1440},
		{"integrity", "/admin/integrity", 1440},
		{"journal", "/admin/journal", 1440},
		{"journal-none", "/admin/journal?gegenstand=nichts", 1440},
	}
}

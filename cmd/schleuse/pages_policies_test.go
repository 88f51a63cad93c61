// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"encoding/csv"
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

	"github.com/ki-schleuse/schleuse/gateway/audit"
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
			v.t.Fatalf("the proposal was not accepted: %.3000s", mainOf(page))
		}
		time.Sleep(200 * time.Millisecond)
	}
	v.t.Fatal("the proposal does not come")
	return ""
}

// mainOf is the content of a page, for messages.
func mainOf(page answer) string {
	_, content, _ := strings.Cut(page.body, "<main")
	return content
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
	v.t.Fatalf("the impact is not computed: %s", mainOf(page))
	return page
}

// sign hands in a signature over the text of a proposal.
func (v *visitor) sign(id, private string, want int) {
	v.t.Helper()
	text := v.get("/admin/policies/proposals/"+id+"/text", http.StatusOK)
	signed, err := release.Sign([]byte(text.body), private)
	if err != nil {
		v.t.Fatal(err)
	}
	v.post("/admin/policies/proposals/"+id+"/sign", url.Values{"unterschrift": {string(signed)}}, want)
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

// policyDesk is a stage with three officers, and drafts that got differently far.
type policyDesk struct {
	*stage
	// kim proposes; lea and jo are the signers of the demonstration.
	kim, lea, jo *visitor
	dsb, isb     string
	// active was activated, open waits for a signature, broken fails its checks.
	active, open, broken string
	// before is the revision in force at first.
	before string
}

func openPolicyDesk(t *testing.T) *policyDesk {
	t.Helper()
	s := openStage(t)
	s.fill(t)
	d := &policyDesk{
		stage: s, kim: s.officer(t, "Kim Yılmaz", policyRoles...), lea: s.officer(t, "Robin Seidel", policyRoles...), jo: s.officer(t, "Sascha Lenz", policyRoles...),
		dsb: s.signerKey(t, "datenschutz"), isb: s.signerKey(t, "informationssicherheit"), before: s.parts.engine.Revision(),
	}
	for range 3 {
		d.active = d.kim.proposeBundle("Einfache Sprache ruht bis zur Dienstanweisung", s.changedBundle(t))
		if page := d.kim.get("/admin/policies/proposals/"+d.active, http.StatusOK); !strings.Contains(page.body, "kam in zwei Minuten zu keinem Ende") {
			return d
		}
	}
	t.Fatal("three times a draft could not be checked in two minutes")
	return nil
}

func (d *policyDesk) step(v *visitor, id, step string, form url.Values, want int) answer {
	return v.post("/admin/policies/proposals/"+id+"/"+step, form, want)
}

func because(reason string) url.Values { return url.Values{"begruendung": {reason}} }

// release brings the first draft into force.
func (d *policyDesk) release() {
	d.kim.impact(d.active)
	d.lea.sign(d.active, d.dsb, http.StatusOK)
	d.jo.sign(d.active, d.isb, http.StatusOK)
	d.step(d.lea, d.active, "activate", because("Beschluss der Lenkungsgruppe vom 20.11.2026"), http.StatusOK)
}

// policySights are the pages of policies and of the record's proof, with something
// to see on them.
func policySights(t *testing.T) (*stage, []sight) {
	t.Helper()
	d := openPolicyDesk(t)
	d.release()
	d.open = d.kim.proposeFile(d.stage, "Satz der Regel klarer gefasst", "rego/dataprotection/training/training.rego", "darf mit Eingaben trainieren", "darf mit Eingaben ein Modell trainieren")
	d.kim.impact(d.open)
	d.lea.sign(d.open, d.dsb, http.StatusOK)
	d.step(d.kim, d.open, "shadow", url.Values{"stunden": {"24"}}, http.StatusOK)
	d.broken = d.jo.proposeFile(d.stage, "Verbotene Praktiken erst ab 2027", "rego/aiact/prohibited/prohibited.rego", `valid_from: "2025-02-02"`, `valid_from: "2027-02-02"`)
	d.kim.post("/admin/policies/test", nil, http.StatusOK)
	d.kim.post("/admin/integrity/verify", nil, http.StatusOK)
	today := time.Now().Format(time.DateOnly)
	return d.stage, []sight{
		{"policies", "/admin/policies", 1280},
		{"policies-filtered", "/admin/policies?q=Sozialdaten&wirkung=narrow", 1440},
		{"policies-none", "/admin/policies?q=GIBTESNICHT", 1440},
		{"rule", "/admin/policies/rules/DSG-002", 1440},
		{"rule-new", "/admin/policies/rules/TEN-090", 1440},
		{"revisions", "/admin/policies/revisions", 1440},
		{"revisions-diff", "/admin/policies/diff?a=" + d.before + "&b=" + d.parts.engine.Revision(), 1440},
		{"proposals", "/admin/policies/proposals", 1440},
		{"proposal-new", "/admin/policies/proposals/new?datei=rego/dataprotection/training/training.rego", 1440},
		{"proposal-open", "/admin/policies/proposals/" + d.open, 1440},
		{"proposal-active", "/admin/policies/proposals/" + d.active, 1440},
		{"proposal-broken", "/admin/policies/proposals/" + d.broken, 1440},
		{"impact", "/admin/policies/impact?entwurf=" + d.active, 1440},
		{"integrity", "/admin/integrity?von=" + today + "&bis=" + today, 1440},
		{"journal", "/admin/journal", 1440},
		{"journal-none", "/admin/journal?gegenstand=nichts", 1440},
	}
}

// From a draft to policies in force and back, by three persons, without JavaScript;
// every step stands in the journal.
func TestPolicyRelease(t *testing.T) { // alone: the checks of a draft have two minutes
	d := openPolicyDesk(t)
	page := d.kim.get("/admin/policies/proposals/"+d.active, http.StatusOK)
	for _, want := range []string{"TEN-090", "deny if input.purpose", "Unterschreiben müssen zwei andere Personen", "Die Auswirkung auf die Anfragen der Vergangenheit ist noch nicht ermittelt"} {
		if !strings.Contains(page.body, want) {
			t.Errorf("the page of the draft does not show %q", want)
		}
	}
	d.lea.sign(d.active, d.dsb, http.StatusForbidden) // the impact is part of what is signed
	page = d.kim.impact(d.active)
	if !strings.Contains(page.body, "Stadt Tannberg") || !strings.Contains(page.body, "<code>TEN-090</code>") {
		t.Error("the impact names neither the tenant nor the rule")
	}
	d.kim.sign(d.active, d.dsb, http.StatusForbidden) // the author
	d.jo.sign(d.active, d.dsb, http.StatusForbidden)  // the key of somebody else
	d.lea.sign(d.active, d.dsb, http.StatusOK)
	d.lea.sign(d.active, d.isb, http.StatusForbidden) // twice the same person
	d.step(d.lea, d.active, "activate", because("zu früh"), http.StatusForbidden)
	d.step(d.jo, d.active, "sign", url.Values{"unterschrift": {"— niemand AAAA"}}, http.StatusBadRequest)
	d.jo.sign(d.active, d.isb, http.StatusOK)
	d.step(d.lea, d.active, "shadow", url.Values{"stunden": {"4"}}, http.StatusOK)
	d.step(d.lea, d.active, "shadow/end", nil, http.StatusOK)
	d.step(d.lea, d.active, "activate", nil, http.StatusBadRequest) // no reason
	page = d.step(d.lea, d.active, "activate", because("Beschluss der Lenkungsgruppe"), http.StatusOK)
	if !strings.Contains(page.body, "In Kraft gesetzt von Robin Seidel") || d.parts.engine.Revision() == d.before {
		t.Errorf("the policies are not in force: %s", d.parts.engine.Revision())
	}
	if page := d.kim.get("/admin/policies/rules/TEN-090", http.StatusOK); !strings.Contains(page.body, "Neu aufgenommen") {
		t.Error("the new rule has no history")
	}
	second := d.kim.proposeFile(d.stage, "Satz der Regel klarer gefasst", "rego/dataprotection/training/training.rego", "darf mit Eingaben trainieren", "darf mit Eingaben ein Modell trainieren")
	d.kim.impact(second)
	d.lea.sign(second, d.dsb, http.StatusOK)
	d.jo.sign(second, d.isb, http.StatusOK)
	first := d.parts.engine.Revision()
	d.step(d.jo, second, "activate", because("Sprachpflege"), http.StatusOK)
	newer := d.parts.engine.Revision()
	if page := d.kim.get("/admin/policies/diff?a="+first+"&b="+newer, http.StatusOK); !strings.Contains(page.body, "ein Modell trainieren") {
		t.Error("the difference does not show the changed sentence")
	}
	page = d.kim.post("/admin/policies/rollback", url.Values{"regelstand": {first}, "begruendung": {"Rückfrage des Personalrats"}}, http.StatusOK)
	if now := d.parts.engine.Revision(); !strings.Contains(page.body, "wie Regelstand "+first) || now == first || now == newer {
		t.Errorf("the return to %s is not shown, in force is %s", first, now)
	}
	d.journalHas(t, "Richtlinie vorgeschlagen", "Richtlinie unterschrieben", "Schattenlauf begonnen", "Schattenlauf beendet", "Richtlinie in Kraft gesetzt", "Beschluss der Lenkungsgruppe", "Rückfrage des Personalrats")
}

func (d *policyDesk) journalHas(t *testing.T, words ...string) {
	t.Helper()
	page := d.jo.get("/admin/journal?zeitraum=alle", http.StatusOK)
	_, table, _ := strings.Cut(page.body, "<tbody")
	for _, want := range words {
		if !strings.Contains(table, want) {
			t.Errorf("the journal does not show %q", want)
		}
	}
}

// A draft that fails its checks can be neither signed nor activated, only withdrawn.
func TestBrokenPolicyDraft(t *testing.T) { // alone: the checks of a draft have two minutes
	d := openPolicyDesk(t)
	d.broken = d.jo.proposeFile(d.stage, "Verbotene Praktiken erst ab 2027", "rego/aiact/prohibited/prohibited.rego", `valid_from: "2025-02-02"`, `valid_from: "2027-02-02"`)
	page := d.lea.get("/admin/policies/proposals/"+d.broken, http.StatusOK)
	if !strings.Contains(page.body, "Prüfung nicht bestanden") || strings.Contains(page.body, "/impact\"") || strings.Contains(page.body, "/sign\"") {
		t.Error("a broken draft offers more than its withdrawal")
	}
	d.lea.sign(d.broken, d.dsb, http.StatusForbidden)
	d.step(d.lea, d.broken, "activate", because("trotzdem"), http.StatusForbidden)
	d.step(d.lea, d.broken, "shadow", url.Values{"stunden": {"4"}}, http.StatusForbidden)
	page = d.step(d.lea, d.broken, "withdraw", because("Musterfälle verletzt"), http.StatusOK)
	if !strings.Contains(page.body, "Zurückgezogen von Robin Seidel") {
		t.Error("the page does not say who withdrew the draft")
	}
	page = d.lea.post("/admin/policies/proposals", url.Values{"datei": {"rego/dataprotection/training/training.rego"}, "text": {"kein Rego"}, "begruendung": {"Versuch"}}, http.StatusOK)
	if !strings.Contains(page.body, "Prüfung nicht bestanden") && !strings.Contains(page.body, "wurde nicht angenommen") && !strings.Contains(page.body, "wird seit") {
		t.Errorf("a draft that is no Rego led to %s", page.path)
	}
}

// Whatever is sent, the answer is a page that says what is wrong.
func TestPolicyPagesRefuseWhatTheyCannotUse(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	v := s.officer(t, "Kim Yılmaz", policyRoles...)
	for path, want := range map[string]int{
		"/admin/policies?wirkung=egal":                                http.StatusBadRequest,
		"/admin/policies?geltung=egal":                                http.StatusBadRequest,
		"/admin/policies?q=%3Cscript%3Ealert(1)%3C/script%3E":         http.StatusOK,
		"/admin/policies/rules/GIBT-999":                              http.StatusNotFound,
		"/admin/policies/rules/" + url.PathEscape("../../etc/passwd"): http.StatusNotFound,
		"/admin/policies/diff?a=x&b=y":                                http.StatusNotFound,
		"/admin/policies/impact?entwurf=x":                            http.StatusNotFound,
		"/admin/policies/proposals/x":                                 http.StatusNotFound,
		"/admin/policies/proposals/x/text":                            http.StatusNotFound,
		"/admin/policies/proposals/x/bundle":                          http.StatusNotFound,
		"/admin/policies/proposals/new?datei=manifest.yaml":           http.StatusNotFound,
		"/admin/policies/proposals/new?datei=../../../../etc/passwd":  http.StatusNotFound,
		"/admin/integrity?von=gestern&bis=heute":                      http.StatusBadRequest,
		"/admin/integrity?von=2026-11-22&bis=2026-11-21":              http.StatusBadRequest,
		"/admin/integrity?von=1999-01-01&bis=1999-01-02":              http.StatusNotFound,
		"/admin/journal?thema=klatsch":                                http.StatusBadRequest,
		"/admin/journal?zeitraum=immer":                               http.StatusBadRequest,
		"/admin/journal?ab=%00%ff":                                    http.StatusBadRequest,
		"/admin/journal?wer=%3Cscript%3Ealert(1)%3C/script%3E":        http.StatusOK,
	} {
		if page := v.get(path, want); strings.Contains(page.body, "<script>alert") {
			t.Errorf("%s: a script comes back", path)
		}
	}
	for path, form := range map[string]url.Values{
		"/admin/policies/rollback":  {"regelstand": {"2020-01-01.1"}},
		"/admin/policies/proposals": {"datei": {"manifest.yaml"}, "text": {"x"}, "begruendung": {"y"}},
		"/admin/integrity/export":   {"von": {"gestern"}, "bis": {"heute"}, "begruendung": {"Prüfung"}},
	} {
		v.post(path, form, http.StatusBadRequest)
	}
	v.post("/admin/policies/rollback", url.Values{"regelstand": {"2020-01-01.1"}, "begruendung": {"zurück"}}, http.StatusNotFound)
	v.post("/admin/policies/proposals", url.Values{"begruendung": {strings.Repeat("ä", 501)}}, http.StatusBadRequest)
	v.post("/admin/policies/proposals", url.Values{"begruendung": {"ohne Datei"}}, http.StatusBadRequest)
	for _, step := range []string{"impact", "sign", "shadow", "activate", "withdraw"} {
		v.post("/admin/policies/proposals/x/"+step, url.Values{"tage": {"7"}, "stunden": {"4"}, "unterschrift": {"x"}, "begruendung": {"x"}}, http.StatusNotFound)
	}
}

// The proof of the record, an export that another program verifies, the journal as
// a table; and what each role may see of it.
func TestRecordProofPages(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	auditor, operator, policy := s.officer(t, "Rita Rev", identity.RoleRevision), s.officer(t, "Toni Färber", identity.RoleOperator), s.officer(t, "Alex Brandt", identity.RolePolicy)
	page := operator.post("/admin/integrity/verify", nil, http.StatusOK)
	for range 100 {
		if strings.Contains(page.body, "vollständig und unverändert") {
			break
		}
		time.Sleep(100 * time.Millisecond)
		page = operator.get("/admin/integrity", http.StatusOK)
	}
	if !strings.Contains(page.body, "vollständig und unverändert") || strings.Contains(page.body, "/admin/integrity/export") {
		t.Error("the operator sees no result, or an export")
	}
	today := time.Now().Format(time.DateOnly)
	if page := operator.get("/admin/integrity?von="+today+"&bis="+today, http.StatusOK); !strings.Contains(page.body, "unverändert enthalten") {
		t.Error("today is no beginning of today")
	}
	operator.post("/admin/integrity/export", url.Values{"von": {today}, "bis": {today}, "begruendung": {"Neugier"}}, http.StatusForbidden)
	for _, path := range []string{"/admin/journal", "/admin/journal.csv"} {
		operator.get(path, http.StatusForbidden)
		policy.get(path, http.StatusForbidden)
	}
	policy.get("/admin/integrity", http.StatusForbidden)
	auditor.post("/admin/integrity/export", url.Values{"von": {today}, "bis": {today}}, http.StatusBadRequest)
	file := auditor.post("/admin/integrity/export", url.Values{"von": {today}, "bis": {today}, "begruendung": {"Prüfung 2026/11"}}, http.StatusOK)
	report, err := audit.VerifyExport(strings.NewReader(file.body), int64(len(file.body)), auditor.get("/admin/integrity/key", http.StatusOK).body)
	if err != nil || !report.OK() || report.Leaves < 8 {
		t.Errorf("the export: %d leaves, %v, %v", report.Leaves, report.Problems, err)
	}
	if note := auditor.get("/admin/integrity/checkpoint", http.StatusOK); !strings.HasPrefix(note.body, "ki-schleuse") {
		t.Errorf("the checkpoint begins with %.40q", note.body)
	}
	page = auditor.get("/admin/journal", http.StatusOK)
	if !strings.Contains(page.body, "Prüfung 2026/11") {
		t.Error("the export is not in the journal")
	}
	table, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(auditor.get("/admin/journal.csv?thema=exported", http.StatusOK).body, ";", ","))).ReadAll()
	if err != nil || len(table) < 2 || len(table[0]) != 13 {
		t.Errorf("the table of the journal: %v, %v", table, err)
	}
	whole := auditor.get("/admin/journal?zeitraum=alle", http.StatusOK)
	who := find(t, regexp.MustCompile(`wer=([^"]+)"`), whole.body)
	one := auditor.get("/admin/journal?zeitraum=alle&wer="+who, http.StatusOK)
	if got := strings.Count(one.body, "wer="+who); got < 1 || strings.Count(one.body, "<time") > strings.Count(whole.body, "<time") {
		t.Errorf("the filter by person shows %d of this person", got)
	}
}

// Who looks after policies sees counts, who audits sees the decisions behind them.
func TestPolicyPagesShowCountsOnly(t *testing.T) { // alone: the checks of a draft have two minutes
	d := openPolicyDesk(t)
	d.kim.impact(d.active)
	policy, auditor := d.officer(t, "Alex Brandt", identity.RolePolicy), d.officer(t, "Rita Rev", identity.RoleRevision)
	for _, path := range []string{"/admin/policies/proposals/" + d.active, "/admin/policies/impact?entwurf=" + d.active, "/admin/policies", "/admin/policies/rules/AIA-002"} {
		if page := policy.get(path, http.StatusOK); strings.Contains(page.body, "/admin/decisions/") || strings.Contains(page.body, "/admin/decisions?q") {
			t.Errorf("%s leads who has no right to single decisions", path)
		}
	}
	page := auditor.get("/admin/policies/proposals/"+d.active, http.StatusOK)
	if !decisionIDs.MatchString(page.body) || strings.Contains(page.body, "/withdraw") {
		t.Error("the auditor finds no samples, or may change something")
	}
	for _, step := range []string{"impact", "sign", "shadow", "shadow/end", "activate", "withdraw"} {
		d.step(auditor, d.active, step, because("nein"), http.StatusForbidden)
	}
	auditor.get("/admin/policies/proposals/new", http.StatusForbidden)
	auditor.post("/admin/policies/rollback", because("nein"), http.StatusForbidden)
	auditor.post("/admin/policies/proposals", because("nein"), http.StatusForbidden)
	caseworker := d.officer(t, "Sam Sachs", identity.RoleCase)
	for _, path := range []string{"/admin/policies", "/admin/policies/revisions", "/admin/policies/proposals", "/admin/policies/proposals/" + d.active, "/admin/integrity", "/admin/journal"} {
		caseworker.get(path, http.StatusForbidden)
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// figures are the five totals above the list.
var figures = regexp.MustCompile(`<dd>([0-9\x{202f}]+)</dd>`)

func (v *visitor) list(query string) (ids []string, all int, page answer) {
	v.t.Helper()
	page = v.get("/admin/decisions?"+query, http.StatusOK)
	for _, m := range decisionIDs.FindAllStringSubmatch(page.body, -1) {
		if !slices.Contains(ids, m[1]) {
			ids = append(ids, m[1])
		}
	}
	m := figures.FindStringSubmatch(page.body)
	if m == nil {
		v.t.Fatal("the page has no totals")
	}
	all, err := strconv.Atoi(strings.ReplaceAll(m[1], "\u202f", ""))
	if err != nil {
		v.t.Fatal(err)
	}
	return ids, all, page
}

// Every filter shows exactly what the record says, and its totals count all pages.
func TestDecisionFilters(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	for range 4 { // more than one page
		s.fill(t)
	}
	v := s.visitor(t, demoTenant, identity.RoleRevision)
	var items []audit.Item
	if err := s.parts.record.Each(t.Context(), audit.Filter{Scope: audit.Scope{Tenant: demoTenant}}, func(i audit.Item) error { items = append(items, i); return nil }); err != nil {
		t.Fatal(err)
	}
	some := items[0].Record
	speaks := func(i audit.Item, rules ...string) bool {
		return slices.ContainsFunc(i.Record.Decisions, func(d gateway.Decision) bool {
			rejected := slices.Concat(slices.Collect(mapValues(d.Rejected))...)
			return slices.ContainsFunc(d.Reasons, func(r gateway.Reason) bool { return slices.Contains(rules, r.Rule) }) ||
				slices.ContainsFunc(rejected, func(r string) bool { return slices.Contains(rules, r) })
		})
	}
	var ofArticle5 []string
	for _, r := range s.parts.engine.Rules() {
		if strings.Contains(r.Basis, "Art. 5 Abs. 1 KI-VO") {
			ofArticle5 = append(ofArticle5, r.ID)
		}
	}
	model, residency := gateway.ModelID(""), gateway.Residency("")
	for _, i := range items {
		if i.Record.Route != nil {
			model, residency = i.Record.Route.Model, i.Record.Route.Residency
		}
	}
	pseudonym := s.parts.keys.Pseudonymise(demoTenant, "case", demoCase)
	for query, matches := range map[string]func(audit.Item) bool{
		"":                                          func(audit.Item) bool { return true },
		"zeitraum=alle":                             func(audit.Item) bool { return true },
		"zweck=social_scoring":                      func(i audit.Item) bool { return i.Record.Purpose == "social_scoring" },
		"verfahren=woga":                            func(i audit.Item) bool { return i.Record.System == "woga" },
		"verfahren=gewan":                           func(audit.Item) bool { return false },
		"ergebnis=abgelehnt":                        func(i audit.Item) bool { return i.Result() == audit.ResultDenied },
		"ergebnis=auflagen":                         func(i audit.Item) bool { return i.Result() == audit.ResultDuties },
		"ergebnis=zugelassen":                       func(i audit.Item) bool { return i.Result() == audit.ResultAllowed },
		"q=AIA-002":                                 func(i audit.Item) bool { return speaks(i, "AIA-002") },
		"regel=AIA-002&zweck=chat":                  func(i audit.Item) bool { return speaks(i, "AIA-002") && i.Record.Purpose == "chat" },
		"q=art.+5+abs+1+ki-vo":                      func(i audit.Item) bool { return speaks(i, ofArticle5...) },
		"grundlage=Art.+5+Abs.+1+KI-VO":             func(i audit.Item) bool { return speaks(i, ofArticle5...) },
		"grundlage=%C2%A7+999+XYZ":                  func(audit.Item) bool { return false },
		"q=" + some.ID:                              func(i audit.Item) bool { return i.Record.ID == some.ID },
		"modell=" + string(model):                   func(i audit.Item) bool { return i.Record.Route != nil && i.Record.Route.Model == model },
		"ort=" + string(residency):                  func(i audit.Item) bool { return i.Record.Route != nil && i.Record.Route.Residency == residency },
		"stand=" + s.parts.engine.Revision():        func(i audit.Item) bool { return true },
		"stand=2020-01-01.1":                        func(audit.Item) bool { return false },
		"vorgang=" + string(pseudonym):              func(i audit.Item) bool { return i.Record.Case == pseudonym },
		"von=2020-01-01T00:00&bis=2021-01-01T00:00": func(audit.Item) bool { return false },
		"von=2020-01-01T00:00":                      func(audit.Item) bool { return true },
		"bis=" + url.QueryEscape(time.Now().Add(time.Hour).Format(time.RFC3339)): func(audit.Item) bool { return true },
	} {
		want := 0
		for _, i := range items {
			if matches(i) {
				want++
			}
		}
		ids, all, page := v.list(query)
		if all != want || len(ids) != min(want, 25) {
			t.Errorf("%q: %d in total and %d on the page, want %d", query, all, len(ids), want)
		}
		if want > 25 && !strings.Contains(page.body, ">Ältere<") {
			t.Errorf("%q: no way to the older ones", query)
		}
	}
	stranger := s.visitor(t, otherTenant, identity.RoleRevision)
	stranger.get("/admin/decisions?mandant="+string(demoTenant), http.StatusForbidden)
	if _, all, _ := stranger.list(""); all != 0 {
		t.Errorf("another tenant counts %d", all)
	}
	operator := s.person(t, identity.Person{Name: "Rechenzentrum", Operator: true, Roles: []string{identity.RoleRevision}})
	if _, all, page := operator.list("mandant=" + string(demoTenant)); all != len(items) || !strings.Contains(page.body, `name="mandant"`) {
		t.Errorf("the operator counts %d, want %d", all, len(items))
	}
	if found := v.post("/admin/decisions/case", url.Values{"aktenzeichen": {demoCase}}, http.StatusOK); !strings.Contains(found.path, url.QueryEscape(string(pseudonym))) || strings.Contains(found.path, "004711") {
		t.Errorf("the search for a file leads to %s", found.path)
	}
}

func mapValues[K comparable, V any](m map[K]V) func(func(V) bool) {
	return func(yield func(V) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// notes are those of a tenant, the newest first.
func (s *stage) notes(t *testing.T, topics ...string) []audit.Note {
	t.Helper()
	page, err := s.parts.record.Notes(t.Context(), audit.NoteFilter{Scope: audit.Scope{All: true}, Topics: topics, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	var out []audit.Note
	for _, n := range page.Notes {
		out = append(out, n.Note)
	}
	return out
}

// Nobody sees an entry before having said why, in this session; the record says
// who did and why, and not the number of the file.
func TestOpeningAnEntry(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision)
	ids, _, _ := v.list("zweck=social_scoring")
	v.list("zweck=social_scoring")
	if looks := s.notes(t, audit.TopicListViewed); len(looks) != 1 || !strings.Contains(string(looks[0].New), "social_scoring") || looks[0].Actor == "" {
		t.Errorf("two looks at one list are noted as %+v", looks)
	}
	id := ids[0]
	if page := v.get("/admin/decisions/"+id, http.StatusOK); strings.Contains(page.body, "Warum so entschieden wurde") || !strings.Contains(page.body, "Begründung") {
		t.Error("the entry is shown to somebody who has not said why")
	}
	for _, form := range []url.Values{{}, {"begruendung": {"kurz"}, "aktenzeichen": {"R-1"}}, {"begruendung": {"Prüfung der Rechtsgrundlage"}}, {"begruendung": {strings.Repeat("lang ", 200)}, "aktenzeichen": {"R-1"}}} {
		v.post("/admin/decisions/"+id+"/open", form, http.StatusUnprocessableEntity)
	}
	if n := s.notes(t, audit.TopicRecordOpened); len(n) != 0 {
		t.Errorf("noted without a justification: %+v", n)
	}
	page := v.opened(id)
	if !strings.Contains(page.body, "Warum so entschieden wurde") || !strings.Contains(page.body, "Stichprobe der Revision im November") {
		t.Error("the entry is not shown with the note of its opening")
	}
	opened := s.notes(t, audit.TopicRecordOpened)
	if len(opened) != 1 || opened[0].Object != id || opened[0].Reason != "Stichprobe der Revision im November" || opened[0].Role != identity.RoleRevision ||
		opened[0].Case != s.parts.keys.Pseudonymise(demoTenant, "case", "R-2026/11") || opened[0].Tenant != demoTenant {
		t.Errorf("noted as %+v", opened)
	}
	v.get("/admin/decisions/"+id, http.StatusOK)
	if n := s.notes(t, audit.TopicRecordOpened); len(n) != 1 {
		t.Errorf("a second look in the same session is noted again: %d", len(n))
	}
	other := s.visitor(t, demoTenant, identity.RoleRevision)
	if page := other.get("/admin/decisions/"+id, http.StatusOK); strings.Contains(page.body, "Warum so entschieden wurde") {
		t.Error("the justification counts in another session")
	}
	for _, form := range []string{"verify", "replay", "evidence"} {
		other.post("/admin/decisions/"+id+"/"+form, url.Values{"format": {"json"}, "stand": {"x"}}, http.StatusForbidden)
	}
}

// The evidence of an entry is proved with what it holds and the public key alone.
func TestEvidenceIsProvedElsewhere(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision)
	ids, _, _ := v.list("zweck=summarise")
	v.opened(ids[0])
	raw := v.post("/admin/decisions/"+ids[0]+"/evidence", url.Values{"format": {"json"}}, http.StatusOK).body
	key := s.parts.record.PublicKeys()[0]
	if err := proveEvidence([]byte(raw), key); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(string) string{
		"a changed byte": func(s string) string {
			at := strings.Index(s, `"bytes": "`) + 40
			return s[:at] + string('A'+(s[at]-'A'+1)%26) + s[at+1:]
		},
		"a changed path": func(s string) string {
			return strings.Replace(s, `"proof": [`, `"proof": ["`+strings.Repeat("A", 43)+`=",`, 1)
		},
		"a changed checkpoint": func(s string) string { return strings.Replace(s, `\n\n— `, `1\n\n— `, 1) },
	} {
		changed := change(raw)
		if err := proveEvidence([]byte(changed), key); changed == raw || err == nil {
			t.Errorf("%s goes unnoticed", name)
		}
	}
	for _, word := range secretWords {
		if strings.Contains(raw, word) {
			t.Errorf("the evidence holds %q", word)
		}
	}
	pdf := v.post("/admin/decisions/"+ids[0]+"/evidence", url.Values{"format": {"pdf"}}, http.StatusOK)
	if !strings.HasPrefix(pdf.body, "%PDF-") || !strings.Contains(pdf.body, "/EmbeddedFile") || pdf.header.Get("Content-Type") != "application/pdf" {
		t.Errorf("the PDF has %d bytes and begins with %.8q", len(pdf.body), pdf.body)
	}
	archive := []byte(v.post("/admin/decisions/"+ids[0]+"/evidence", url.Values{"format": {"zip"}}, http.StatusOK).body)
	report, err := audit.VerifyExport(bytes.NewReader(archive), int64(len(archive)), key)
	if err != nil || !report.OK() || report.Leaves != 2 {
		t.Errorf("the archive: %+v, %v", report, err)
	}
	v.post("/admin/decisions/"+ids[0]+"/evidence", url.Values{"format": {"docx"}}, http.StatusBadRequest)
	if n := s.notes(t, audit.TopicExported); len(n) != 3 || n[0].Object != ids[0] {
		t.Errorf("three times handed out, noted as %+v", n)
	}
}

// proveEvidence knows nothing of this program: tree and note are public formats.
func proveEvidence(raw []byte, key string) error {
	var e struct {
		ID         string
		Checkpoint string
		Leaves     []struct {
			Seq   int64
			Bytes []byte
			Entry struct{ ID string }
			Proof []string
		}
		Rules []struct{ ID, Text, Basis string }
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	signed, err := note.Open([]byte(e.Checkpoint), note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(signed.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	if len(e.Leaves) != 2 || len(e.Rules) == 0 {
		return fmt.Errorf("%d leaves and %d rules", len(e.Leaves), len(e.Rules))
	}
	for _, leaf := range e.Leaves {
		var proof tlog.RecordProof
		for _, text := range leaf.Proof {
			h, err := tlog.ParseHash(text)
			if err != nil {
				return err
			}
			proof = append(proof, h)
		}
		if err := tlog.CheckRecord(proof, size, root, leaf.Seq, tlog.RecordHash(leaf.Bytes)); err != nil {
			return err
		}
		var said struct{ ID string }
		if err := json.Unmarshal(leaf.Bytes, &said); err != nil || said.ID != e.ID || leaf.Entry.ID != e.ID {
			return fmt.Errorf("the leaf is of %q and reads as %q, the evidence is of %q", said.ID, leaf.Entry.ID, e.ID)
		}
	}
	return nil
}

// What is exported is what is filtered, all pages of it, and no spreadsheet takes
// a cell for a formula.
func TestExportOfDecisions(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	for range 4 {
		s.fill(t)
	}
	v := s.visitor(t, demoTenant, identity.RoleRevision)
	_, all, _ := v.list("ergebnis=auflagen")
	form := url.Values{"ergebnis": {"auflagen"}, "zeitraum": {"24h"}, "format": {"csv"}}
	file := v.post("/admin/decisions/export", form, http.StatusOK)
	table := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.body, "\ufeff")))
	table.Comma = ';'
	rows, err := table.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != all+1 || all == 0 || !strings.HasPrefix(file.body, "\ufeffZeit;Kennung;") {
		t.Errorf("%d rows, want %d and a head", len(rows), all)
	}
	for _, row := range rows[1:] {
		if row[2] != "Mit Auflagen" || !strings.HasPrefix(row[1], "e-") {
			t.Errorf("row %v does not match the filter", row)
		}
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t", rune(cell[0])) {
				t.Errorf("a spreadsheet takes %q for a formula", cell)
			}
		}
	}
	form.Set("format", "ndjson")
	lines := strings.Split(strings.TrimSpace(v.post("/admin/decisions/export", form, http.StatusOK).body), "\n")
	if len(lines) != all {
		t.Errorf("%d lines, want %d", len(lines), all)
	}
	for _, line := range lines {
		var one struct {
			ID     string `json:"id"`
			Result string `json:"result"`
		}
		if err := json.Unmarshal([]byte(line), &one); err != nil || one.Result != "duties" || one.ID == "" {
			t.Errorf("line %s: %v", line, err)
		}
	}
	noted := s.notes(t, audit.TopicExported)
	if len(noted) != 2 || !strings.Contains(string(noted[0].New), "auflagen") {
		t.Errorf("noted as %+v", noted)
	}
	for _, word := range secretWords {
		if strings.Contains(file.body, word) {
			t.Errorf("the export holds %q", word)
		}
	}
}

// Saved filters are of one person, or shared in the tenant.
func TestSavedFilters(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	kim := s.person(t, identity.Person{Tenant: demoTenant, Name: "Kim", Subject: "k", Roles: []string{identity.RoleRevision}})
	alex := s.person(t, identity.Person{Tenant: demoTenant, Name: "Alex", Subject: "a", Roles: []string{identity.RoleRevision}})
	stranger := s.visitor(t, otherTenant, identity.RoleRevision)
	kim.post("/admin/decisions/views", url.Values{"name": {"Nur für mich"}, "zweck": {"chat"}}, http.StatusOK)
	kim.post("/admin/decisions/views", url.Values{"name": {"Für alle <b>"}, "ergebnis": {"abgelehnt"}, "geteilt": {"1"}}, http.StatusOK)
	kim.post("/admin/decisions/views", url.Values{"name": {" "}, "zweck": {"chat"}}, http.StatusBadRequest)
	kim.post("/admin/decisions/views", url.Values{"name": {"x"}, "ergebnis": {"vielleicht"}}, http.StatusBadRequest)
	own, theirs, foreign := kim.get("/admin/decisions", http.StatusOK).body, alex.get("/admin/decisions", http.StatusOK).body, stranger.get("/admin/decisions", http.StatusOK).body
	for name, c := range map[string]struct {
		body         string
		mine, shared bool
	}{"owner": {own, true, true}, "colleague": {theirs, false, true}, "other tenant": {foreign, false, false}} {
		if strings.Contains(c.body, "Nur für mich") != c.mine || strings.Contains(c.body, "Für alle &lt;b&gt;") != c.shared {
			t.Errorf("the %s sees the wrong filters", name)
		}
	}
	deletion := regexp.MustCompile(`/admin/decisions/views/[A-Z0-9]+/delete`)
	if deletion.MatchString(theirs) {
		t.Error("a colleague is offered to delete what is not theirs")
	}
	one := deletion.FindString(own)
	alex.post(one, nil, http.StatusNotFound)
	stranger.post(one, nil, http.StatusNotFound)
	kim.post(one, nil, http.StatusOK)
	kim.post(one, nil, http.StatusNotFound)
	if left := len(deletion.FindAllString(kim.get("/admin/decisions", http.StatusOK).body, -1)); left != 1 {
		t.Errorf("%d filters are left, want 1", left)
	}
}

// The policies in force say the same again; a made-up revision says nothing.
func TestReplayOfAnEntry(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision)
	for _, purpose := range []string{"summarise", "social_scoring"} {
		ids, _, _ := v.list("zweck=" + purpose)
		v.opened(ids[0])
		page := v.post("/admin/decisions/"+ids[0]+"/replay", url.Values{"stand": {"revision:" + s.parts.engine.Revision()}}, http.StatusOK)
		if !strings.Contains(page.body, "Gleiche Entscheidung") || strings.Contains(page.body, "<mark>") {
			t.Errorf("%s: the same policies decide differently", purpose)
		}
		v.post("/admin/decisions/"+ids[0]+"/replay", url.Values{"stand": {"revision:2020-01-01.1"}}, http.StatusBadRequest)
	}
}

// What is kept of a request is read by the revision of its tenant, with a
// justification of its own, and noted before; nobody else reads it.
func TestKeptContentIsReadWithAJustification(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	v := s.visitor(t, demoTenant, identity.RoleRevision)
	ids, _, _ := v.list("zweck=summarise")
	why := url.Values{"begruendung": {"Beschwerde über die Zusammenfassung"}, "aktenzeichen": {"R-2026/12"}}
	place := "/admin/decisions/" + ids[0] + "/content"
	v.post(place, why, http.StatusForbidden) // the entry was not opened
	if page := v.opened(ids[0]); !strings.Contains(page.body, "Wortlaut lesen") || strings.Contains(page.body, "fragt nach ihrem Wohngeld") {
		t.Fatal("the entry does not offer its content, or shows it")
	}
	for _, form := range []url.Values{{}, {"begruendung": {"kurz"}, "aktenzeichen": {"R-1"}}, {"begruendung": why["begruendung"]}} {
		v.post(place, form, http.StatusBadRequest)
	}
	if n := s.notes(t, audit.TopicRecordOpened); len(n) != 1 {
		t.Fatalf("refused and noted all the same: %+v", n)
	}
	page := v.post(place, why, http.StatusOK)
	if !strings.Contains(page.body, "fragt nach ihrem Wohngeld") || !strings.Contains(page.body, "Beschwerde über die Zusammenfassung") {
		t.Error("the content is not shown with its justification")
	}
	for _, word := range secretWords {
		if strings.Contains(page.body, word) {
			t.Errorf("personal data is not replaced: %.4s…", word)
		}
	}
	n := s.notes(t, audit.TopicRecordOpened)
	if len(n) != 2 || n[0].Object != ids[0] || n[0].Reason != "Beschwerde über die Zusammenfassung" || n[0].Case != s.parts.keys.Pseudonymise(demoTenant, "case", "R-2026/12") || n[0].Actor != n[1].Actor {
		t.Errorf("noted as %+v", n)
	}

	above := s.person(t, identity.Person{Name: "Betrieb", Operator: true, Roles: allRoles})
	if page := above.opened(ids[0]); strings.Contains(page.body, "Wortlaut lesen") {
		t.Error("the operator is offered the content of a tenant")
	}
	above.post(place, why, http.StatusForbidden)
	s.person(t, identity.Person{Tenant: otherTenant, Name: "Fremd", Roles: allRoles}).post(place, why, http.StatusNotFound)
}

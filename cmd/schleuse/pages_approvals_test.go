// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// report is what a Fachverfahren sends after its caseworker has decided.
func (s *stage) report(t *testing.T, entry, user, body string, want int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/api/v1/decisions/"+entry+"/release", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("Content-Type", "application/json")
	if user != "" {
		r.Header.Set("Schleuse-User", user)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != want {
		t.Errorf("%s by %q: status %d, want %d\n%s", body, user, answer.StatusCode, want, raw)
	}
}

// A result that needs a person waits until one has spoken: in the Fachverfahren,
// in the panel, or by releasing the letter. The first word counts.
func TestReleaseOfResults(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	s.fill(t)
	worker := s.visitor(t, demoTenant, identity.RoleCase)
	auditor := s.visitor(t, demoTenant, identity.RoleRevision)
	policy := s.visitor(t, demoTenant, identity.RolePolicy)
	letter, _ := worker.draft()
	for range 3 {
		worker.draft()
	}
	waiting := func() []string {
		if err := s.parts.record.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, m := range decisionIDs.FindAllStringSubmatch(auditor.get("/admin/approvals", http.StatusOK).body, -1) {
			ids = append(ids, m[1])
		}
		return ids
	}
	ids := waiting()
	if len(ids) != 4 {
		t.Fatalf("%d results wait, want 4", len(ids))
	}
	if page := policy.get("/admin/approvals", http.StatusOK).body; decisionIDs.MatchString(page) || !strings.Contains(page, ">4<") {
		t.Error("the role of the policies sees single results, or not how many there are")
	}

	s.report(t, ids[1], "", `{"outcome":"released"}`, http.StatusBadRequest)
	s.report(t, ids[1], "Kim", `{"outcome":"vielleicht"}`, http.StatusBadRequest)
	s.report(t, ids[1], "Kim", `{"outcome":"rejected"}`, http.StatusBadRequest)
	s.report(t, ids[1], "Kim", `{"outcome":"released","comment":"`+strings.Repeat("x", 401)+`"}`, http.StatusBadRequest)
	s.report(t, "e-unbekannt", "Kim", `{"outcome":"released"}`, http.StatusNotFound)
	if n := s.notes(t, audit.TopicReleased, audit.TopicRejected); len(n) != 0 {
		t.Fatalf("refused and noted all the same: %+v", n)
	}
	s.report(t, ids[1], "Kim", `{"outcome":"changed","comment":"Frist verlängert"}`, http.StatusNoContent)
	s.report(t, ids[1], "Alex", `{"outcome":"rejected","comment":"zu spät"}`, http.StatusConflict)
	n := s.notes(t, audit.TopicReleased, audit.TopicRejected)
	if len(n) != 1 || n[0].Object != ids[1] || n[0].Actor != s.parts.keys.Pseudonymise(demoTenant, "user", "Kim") || n[0].Role != identity.RoleCase || n[0].Reason != "Frist verlängert" {
		t.Errorf("noted as %+v", n)
	}

	worker.post("/panel/approvals/"+ids[2], url.Values{"ergebnis": {"rejected"}}, http.StatusBadRequest)
	worker.post("/panel/approvals/"+ids[2], url.Values{"ergebnis": {"rejected"}, "bemerkung": {"Falsche Frist"}}, http.StatusOK)
	stranger := s.visitor(t, otherTenant, identity.RoleCase)
	stranger.post("/panel/approvals/"+ids[3], url.Values{"ergebnis": {"rejected"}, "bemerkung": {"Falsche Frist"}}, http.StatusNotFound)
	if page := stranger.get("/panel/approvals", http.StatusOK).body; strings.Contains(page, ids[3]) {
		t.Error("another tenant sees what waits")
	}
	// Whoever made a letter is led to it; nobody releases what is not to be seen.
	for _, outcome := range []string{"released", "changed", ""} {
		worker.post("/panel/approvals/"+ids[3], url.Values{"ergebnis": {outcome}, "bemerkung": {"in Ordnung"}}, http.StatusBadRequest)
	}
	colleague := s.visitor(t, demoTenant)
	colleague.get(s.loginOf(identity.Person{Tenant: demoTenant, Name: "Alex Brandt", Roles: []string{identity.RoleCase}}), http.StatusOK)
	for who, own := range map[*visitor]bool{worker: true, colleague: false} {
		page := who.get("/panel/approvals", http.StatusOK).body
		if led := strings.Contains(page, `href="/panel/draft/`+letter+`"`); led != own {
			t.Errorf("led to the letter: %v, want %v", led, own)
		}
		if said := strings.Contains(page, "weil es hier nicht zu sehen ist"); said == own {
			t.Errorf("told that it is not to be seen: %v", said)
		}
		if strings.Contains(page, `value="released"`) || strings.Contains(page, `value="changed"`) {
			t.Error("the list offers to release what it does not show")
		}
	}
	for _, action := range []string{"alle", "freigeben"} {
		worker.post("/panel/draft/"+letter, url.Values{"aktion": {action}}, http.StatusOK)
	}
	if left := waiting(); len(left) != 1 || left[0] != ids[3] {
		t.Errorf("of %v wait %v", ids, left)
	}
	released := s.notes(t, audit.TopicReleased)
	if released[0].Text != "Ergebnis unverändert freigegeben." || released[0].Reason != "Schreiben freigegeben." {
		t.Errorf("the release of the letter is noted as %+v", released[0])
	}
	list := auditor.get("/admin/decisions?ergebnis=freigabe", http.StatusOK).body
	for _, word := range []string{">freigegeben<", ">verworfen<", ">wartet<"} {
		if !strings.Contains(list, word) {
			t.Errorf("the list does not say %s", word)
		}
	}
	ids2, _, _ := auditor.list("ergebnis=auflagen")
	s.report(t, ids2[0], "Kim", `{"outcome":"released"}`, http.StatusBadRequest) // needs no release
}

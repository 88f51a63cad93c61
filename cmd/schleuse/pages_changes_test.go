// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// A request with a field that the rules remove says so on its page, in the list, in
// the file and in the evidence; one without it says that there was nothing to change
// and is no request „mit Auflagen“.
func TestPagesSayWhatWasChanged(t *testing.T) {
	t.Parallel()
	s := openStage(t)
	for _, extra := range []string{"", `,"prompt_cache_key":"Hollerbusch","Wiebke":1`} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/chat/completions",
			strings.NewReader(`{"model":"mistral-small-3.2","messages":[{"role":"user","content":"Was kostet ein Reisepass?"}]`+extra+`}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Schleuse-Purpose", "research")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", answer.Status, raw)
		}
	}
	v := s.visitor(t, demoTenant, identity.RoleRevision)
	ids, _, list := v.list("zweck=research")
	if len(ids) != 2 || !strings.Contains(list.body, "<small>Felder entfernt: prompt_cache_key</small>") {
		t.Fatalf("the list of %d does not say what was removed", len(ids))
	}
	changed, plain := ids[0], ids[1]
	var entries []audit.Entry
	for _, id := range ids {
		e, err := s.parts.record.Show(t.Context(), audit.Scope{Tenant: demoTenant}, id)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(e.Record.Applied, gateway.ObligationStripFields) {
			t.Errorf("%s applied %v", id, e.Record.Applied)
		}
		entries = append(entries, e)
	}
	if got := []audit.Result{entries[0].Result(), entries[1].Result()}; !slices.Equal(got, []audit.Result{audit.ResultDuties, audit.ResultAllowed}) {
		t.Errorf("results %v", got)
	}
	for _, c := range []struct{ id, want, never string }{
		{changed, "Felder entfernen<small>Felder entfernt: prompt_cache_key</small>", "nichts zu ändern"},
		{plain, "Felder entfernen<small>nichts zu ändern</small>", "Felder entfernt"},
	} {
		v.opened(c.id)
		page := html.UnescapeString(v.get("/admin/decisions/"+c.id, http.StatusOK).body)
		if !strings.Contains(page, c.want) || strings.Contains(page, c.never) {
			t.Errorf("the page of %s does not say %q", c.id, c.want)
		}
		for _, word := range secretWords {
			if strings.Contains(page, word) {
				t.Errorf("the page holds %q", word)
			}
		}
	}
	file := v.post("/admin/decisions/export", url.Values{"format": {"ndjson"}, "zweck": {"research"}, "zeitraum": {"24h"}}, http.StatusOK).body
	var changes [][]gateway.Change
	for line := range strings.Lines(file) {
		var row struct{ Changes []gateway.Change }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		changes = append(changes, row.Changes)
	}
	if len(changes) != 2 || len(changes[0]) != 1 || changes[0][0].Fields[0] != "prompt_cache_key" || changes[1] == nil || len(changes[1]) != 0 {
		t.Errorf("the file says %+v", changes)
	}
	table := v.post("/admin/decisions/export", url.Values{"format": {"csv"}, "zweck": {"research"}, "zeitraum": {"24h"}}, http.StatusOK).body
	if !strings.Contains(table, "Felder entfernt: prompt_cache_key") || !strings.Contains(table, "nichts") {
		t.Error("the table does not say what was changed")
	}
	if raw := v.post("/admin/decisions/"+changed+"/evidence", url.Values{"format": {"json"}}, http.StatusOK).body; !strings.Contains(raw, `"prompt_cache_key"`) {
		t.Error("the evidence does not say what was changed")
	}
	if page := v.english("/admin/decisions/" + changed); !strings.Contains(page, "Fields removed: prompt_cache_key") {
		t.Error("the English page does not say what was changed")
	}
}

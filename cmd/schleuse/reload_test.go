// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Tenants of a new configuration may do at once what they may do, and one that
// was suspended in between stays so: policies and limits follow the directory
// whatever comes first.
func TestReloadTakesTheTenantsAlong(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	text, id, hash := identity.NewKey("test", derive(r.config.secret, "api keys"))
	next := r.config
	next.Tenants = append(slices.Clone(r.config.Tenants), identity.Tenant{
		ID: "altstadt", Name: "Stadt Altstadt", Active: true,
		Systems: []identity.System{{ID: "woga", Name: "WOGA", Channel: gateway.ChannelCaseworker, Keys: []identity.Key{{
			ID: id, Hash: hash, Expires: time.Now().Add(time.Hour), Purposes: demoPurposes(),
		}}}},
	})
	r.next.Store(&next)
	if err := r.service.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.key = text
	answer, err := r.chat(t.Context(), "modell", false)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the new tenant's request: %s", answer.Status)
	}
}

// What changes is in the record before it is in force, by names and digests; without
// the record nothing changes.
func TestReloadIsNoted(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	notes := func() []audit.Note {
		t.Helper()
		page, err := r.service.record.Notes(t.Context(), audit.NoteFilter{Scope: audit.Scope{All: true}, Topics: []string{audit.TopicConfigurationChanged}})
		if err != nil {
			t.Fatal(err)
		}
		var out []audit.Note
		for _, n := range page.Notes {
			out = append(out, n.Note)
		}
		return out
	}
	type value struct {
		Digest   string
		Sections []string
	}
	read := func(raw json.RawMessage) (v value) {
		t.Helper()
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return v
	}
	next := r.withModel("haus-geheim")
	next.Operator = "Rechenzentrum hunter2"
	r.next.Store(next)
	for range 2 {
		if err := r.service.reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := notes()
	if len(got) != 2 {
		t.Fatalf("%d notes after two reloads", len(got))
	}
	again, first := read(got[0].New), read(got[1].New)
	if !slices.Equal(first.Sections, []string{"models", "operator"}) || first.Digest == read(got[1].Old).Digest || first.Digest == "" {
		t.Errorf("the first note says %+v, before %+v", first, read(got[1].Old))
	}
	if len(again.Sections) != 0 || again.Digest != first.Digest || read(got[0].Old).Digest != first.Digest {
		t.Errorf("the second note says %+v, want no change", again)
	}
	whole, err := json.Marshal(got)
	if err != nil || strings.Contains(string(whole), "hunter2") || strings.Contains(string(whole), "geheim") {
		t.Errorf("a note has content of the configuration: %s, %v", whole, err)
	}

	if err := r.service.record.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.next.Store(r.withModel("haus-neu"))
	if err := r.service.reload(t.Context()); err == nil || r.service.current.Load().parts.config.Models[0].ID != "haus-geheim" {
		t.Errorf("without a record %v, in force is %s", err, r.service.current.Load().parts.config.Models[0].ID)
	}
}

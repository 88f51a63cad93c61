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

// What changes is in the record before it is in force, with old and new value; without
// the record nothing changes.
func TestReloadIsNoted(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	begun := len(configurationNotes(t, r.parts, audit.Scope{Tenant: audit.Operator}))
	next := r.withModel("haus-neu")
	next.Operator = "Rechenzentrum Nord"
	r.next.Store(next)
	for range 2 {
		if err := r.service.reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	got := configurationNotes(t, r.parts, audit.Scope{Tenant: audit.Operator})[begun:]
	if len(got) != 2 {
		t.Fatalf("%d notes after two reloads", len(got))
	}
	digest := func(raw json.RawMessage) string {
		t.Helper()
		var v struct{ Digest string }
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return v.Digest
	}
	first, again := got[0], got[1]
	if !strings.Contains(first.Text, "models, operator") || !strings.Contains(string(first.New), `"operator":"Rechenzentrum Nord"`) || !strings.Contains(string(first.New), "haus-neu") || digest(first.New) == digest(first.Old) {
		t.Errorf("the first note says %+v", first)
	}
	if !strings.Contains(again.Text, "unverändert") || digest(again.Old) != digest(first.New) || digest(again.New) != digest(first.New) {
		t.Errorf("the second note says %+v, want no change", again)
	}

	if err := r.service.record.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.next.Store(r.withModel("haus-anders"))
	if err := r.service.reload(t.Context()); err == nil || r.service.current.Load().parts.config.Models[0].ID != "haus-neu" {
		t.Errorf("without a record %v, in force is %s", err, r.service.current.Load().parts.config.Models[0].ID)
	}
}

// A configuration that was noted and then did not come into force is taken back, with
// the values that hold.
func TestAFailedReloadIsTakenBack(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	begun := len(configurationNotes(t, r.parts, audit.Scope{Tenant: audit.Operator}))
	next := r.withModel("haus-neu")
	next.TLS.Cert, next.TLS.Key = "gibt-es-nicht.pem", "gibt-es-nicht.key"
	if err := r.service.noteReload(t.Context(), *next); err != nil {
		t.Fatal(err)
	}
	r.service.noteNotReloaded(t.Context(), r.config)
	got := configurationNotes(t, r.parts, audit.Scope{Tenant: audit.Operator})[begun:]
	if len(got) != 2 || !strings.Contains(got[1].Text, "konnte nicht in Kraft treten") || !strings.Contains(string(got[1].Old), "gibt-es-nicht.pem") || strings.Contains(string(got[1].New), "gibt-es-nicht") {
		t.Errorf("notes = %+v", got)
	}
}

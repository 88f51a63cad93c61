// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	auditsqlite "github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// journal reads the notes of a place.
func (p place) journal(t *testing.T) []audit.NotedAt {
	t.Helper()
	c, err := loadConfig(p.config)
	if err != nil {
		t.Fatal(err)
	}
	viewer, done, err := openViewer(context.Background(), recordOptions{config: p.config})
	if err != nil {
		t.Fatalf("open record of %s: %v", c.Data, err)
	}
	defer done()
	page, err := viewer.Notes(context.Background(), audit.NoteFilter{Scope: audit.Scope{All: true}, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	if report, err := viewer.Verify(context.Background()); err != nil || !report.OK() {
		t.Errorf("verify: %v, %v", report.Problems, err)
	}
	return page.Notes
}

// TestTheCommandLineLeavesNotes: what it changes stands in the record with old and
// new value, also while a service writes, and is not changed where that fails.
func TestTheCommandLineLeavesNotes(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	file := p.write(t, "tenants.yaml", `tenants:
  - id: lohe
    name: Gemeinde Lohe
    active: true
    systems:
      - {id: woga, name: Wohngeld, channel: caseworker, keys: [{label: haupt, purposes: [summarise], default_purpose: summarise}]}
`)
	if code, out := p.run(t, tenantApplyCommand(), "-f", file, "--dry-run"); code != exitFinding {
		t.Fatalf("trial: %d, %s", code, out)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "data", recordFile)); err == nil {
		t.Error("a trial opens the record")
	}
	if code, out := p.run(t, tenantApplyCommand(), "-f", file); code != exitFine {
		t.Fatalf("apply: %d, %s", code, out)
	}
	notes := p.journal(t)
	if len(notes) < 3 {
		t.Fatalf("there are %d notes, want one for tenant, system and key", len(notes))
	}
	for _, n := range notes {
		if n.Note.Topic != audit.TopicTenantChanged || n.Note.Tenant != "lohe" || !strings.HasPrefix(n.Note.Object, "tenant/lohe") || len(n.Note.New) == 0 || n.Note.Actor == "" {
			t.Errorf("note = %+v", n.Note)
		}
		if strings.Contains(string(n.Note.New), "hash") {
			t.Errorf("a note holds a hash: %s", n.Note.New)
		}
		if strings.Contains(string(n.Note.New), "created_by") {
			t.Errorf("a note holds a name beside the pseudonym: %s", n.Note.New)
		}
	}

	// A service holds the record.
	c, err := loadConfig(p.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.validateSecret(); err != nil {
		t.Fatal(err)
	}
	store, err := auditsqlite.Open(t.Context(), filepath.Join(c.Data, recordFile))
	if err != nil {
		t.Fatal(err)
	}
	key, err := recordKey(c.Origin, c.secret)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(t.Context(), audit.Config{Store: store, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	before := len(notes)
	if code, out := p.run(t, tenantSwitchCommand("deactivate", "", false), "lohe"); code != exitFine {
		t.Errorf("beside a service: %d, %s", code, out)
	}
	if err := log.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := store.Close(); err != nil {
		t.Error(err)
	}
	notes = p.journal(t)
	if len(notes) != before+1 || string(notes[0].Note.Old) != `{"active":true}` || string(notes[0].Note.New) != `{"active":false}` {
		t.Errorf("the last note is %+v", notes[0].Note)
	}

	// The record is damaged: nothing changes any more.
	if err := os.WriteFile(filepath.Join(c.Data, recordFile), []byte("kein Protokoll"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(filepath.Join(c.Data, recordFile+suffix))
	}
	if code, out := p.run(t, tenantSwitchCommand("activate", "", true), "lohe"); code != exitFailed || !strings.Contains(out, "nicht protokolliert") {
		t.Errorf("without a record: %d, %s", code, out)
	}
	if tenant, _ := p.serving(t).Tenant("lohe"); tenant.Active {
		t.Error("the tenant was changed without a note")
	}
}

// A note names nobody but by a pseudonym, also where a whole tenant was removed.
func TestNotesOfChangesNameNobody(t *testing.T) {
	t.Parallel()
	in := `{"changed_by":"Kim","expires":12345678901234567890,"systems":[{"id":"woga","keys":[{"created_by":"Kim","id":"a"}]}]}`
	if got, want := string(unnamed([]byte(in))), `{"expires":12345678901234567890,"systems":[{"id":"woga","keys":[{"id":"a"}]}]}`; got != want {
		t.Errorf("value = %s, want %s", got, want)
	}
	if got := unnamed(nil); got != nil {
		t.Errorf("no value becomes %s", got)
	}
}

func TestNotesOfChangesAreBounded(t *testing.T) {
	t.Parallel()
	large := `{"name":"` + strings.Repeat("x", 70<<10) + `"}`
	if got := string(bounded([]byte(large))); len(got) > 200 || !strings.Contains(got, `"sha256"`) {
		t.Errorf("a large value becomes %.200s", got)
	}
	c := identity.Change{Tenant: "lohe", Action: identity.KeyLocked, System: "woga", Key: "abc", New: []byte(`{"` + strings.Repeat("ä", 600) + `":1}`)}
	if text := changeText(c); len([]rune(text)) > audit.MaxNoteText || !strings.HasPrefix(text, "Mandant lohe: Schlüssel gesperrt") || !strings.HasSuffix(text, ".") {
		t.Errorf("text = %q", text)
	}
	if got := changedObject(c); got != "tenant/lohe/woga/abc" {
		t.Errorf("object = %q", got)
	}
}

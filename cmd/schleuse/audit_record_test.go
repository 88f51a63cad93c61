// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/audittest"
	auditsqlite "github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
)

// aged writes a record of two entries that are older than a year, and one of today.
func (p place) aged(t *testing.T, now *time.Time) (Config, *audit.Log) {
	t.Helper()
	c, err := loadConfig(p.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.validateSecret(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := auditsqlite.Open(t.Context(), filepath.Join(c.Data, recordFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	key, err := recordKey(c.Origin, c.secret)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(t.Context(), audit.Config{Store: store, Key: key, Clock: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Shutdown(context.Background()) })
	today := *now
	for n, days := range []int{-500, -400, -2} {
		*now = today.AddDate(0, 0, days)
		r := audittest.Record(n, "lohe")
		r.Time = *now
		if err := log.Open(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if err := log.Close(t.Context(), audittest.Closing(r)); err != nil {
			t.Fatal(err)
		}
	}
	*now = today
	return c, log
}

// TestRecordOnTheCommandLine: retention, witnesses and consistency of one record.
func TestRecordOnTheCommandLine(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := newPlace(t, "record: {floor: 183d, ceiling: 450d, witnesses: [{folder: "+folder+"}]}\n")
	now := time.Now()
	_, log := p.aged(t, &now)
	f, err := witness.NewFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	newest, err := log.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(t.Context(), witness.Checkpoint{Size: newest.Size, Text: newest.Note}); err != nil {
		t.Fatal(err)
	}

	for _, step := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"retain", "--dry-run"}, exitFine, "1 Eintrag und 0 Vermerke zu entfernen"},
		{[]string{"retain"}, exitFine, "lohe: 1"},
		{[]string{"retain"}, exitFine, "0 Einträge und 0 Vermerke entfernt"},
		{[]string{"witness", "list"}, exitFine, folder},
		{[]string{"witness", "check"}, exitFine, "1 aufbewahrter Prüfpunkt ist ein Anfang"},
		{[]string{"verify"}, exitFine, "1 andernorts aufbewahrter Prüfpunkt stimmt überein"},
		{[]string{"verify"}, exitFine, "Von 2 Blättern wurde der Inhalt"},
		{[]string{"consistency", "--from", now.AddDate(0, 0, -450).Format(time.DateOnly)}, exitFine, "ist der Anfang des späteren, 5 Blätter kamen hinzu"},
		{[]string{"consistency", "--from", "1999-01-01"}, exitFailed, "gab es das Protokoll nicht"},
		{[]string{"consistency"}, exitUsage, "--from"},
		{[]string{"consistency", "--from", "gestern"}, exitUsage, "gestern"},
	} {
		if code, out := p.run(t, auditCommand(), step.args...); code != step.code || !strings.Contains(out, step.says) {
			t.Errorf("audit %s: %d, want %d and %q in\n%s", strings.Join(step.args, " "), code, step.code, step.says, out)
		}
	}

	// A witness keeps what this record never signed.
	other := newPlace(t, "")
	otherNow := now
	_, foreign := other.aged(t, &otherNow)
	forged, err := foreign.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Keep(t.Context(), witness.Checkpoint{Size: 99, Text: forged.Note}); err != nil {
		t.Fatal(err)
	}
	for _, verb := range [][]string{{"witness", "check"}, {"verify"}} {
		if code, out := p.run(t, auditCommand(), verb...); code != exitFinding {
			t.Errorf("audit %v with a contradicting witness: %d\n%s", verb, code, out)
		}
	}
}

// TestVerifyAsksServers: a verification reads back what a server keeps, and says so when
// it cannot.
func TestVerifyAsksServers(t *testing.T) {
	t.Parallel()
	var files sync.Map
	var silent atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		switch {
		case silent.Load():
			w.WriteHeader(http.StatusBadGateway)
		case r.Method == http.MethodPut:
			text, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			files.Store(name, text)
		case strings.HasSuffix(r.URL.Path, "/"):
			files.Range(func(name, _ any) bool {
				_, _ = fmt.Fprintln(w, name)
				return true
			})
		default:
			if text, ok := files.Load(name); ok {
				_, _ = w.Write(text.([]byte))
			}
		}
	}))
	defer server.Close()
	p := newPlace(t, "record: {witnesses: [{url: \""+server.URL+"/zeuge/\"}]}\n")
	now := time.Now()
	_, log := p.aged(t, &now)
	h, err := witness.NewHTTP(witness.HTTPConfig{URL: server.URL + "/zeuge/"})
	if err != nil {
		t.Fatal(err)
	}
	newest, err := log.Newest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Keep(t.Context(), witness.Checkpoint{Size: newest.Size, Text: newest.Note}); err != nil {
		t.Fatal(err)
	}
	try := func(code int, says string, verbs ...[]string) {
		t.Helper()
		for _, verb := range verbs {
			if got, out := p.run(t, auditCommand(), verb...); got != code || !strings.Contains(out, says) {
				t.Errorf("audit %v: %d, want %d and %q in\n%s", verb, got, code, says, out)
			}
		}
	}
	try(exitFine, "1 andernorts aufbewahrter Prüfpunkt stimmt überein", []string{"verify"})
	try(exitFine, "1 aufbewahrter Prüfpunkt ist ein Anfang", []string{"witness", "check"})
	silent.Store(true)
	try(exitFailed, "Nicht alle Zeugen konnten gefragt werden", []string{"verify"})
	try(exitFailed, "502", []string{"verify"}, []string{"witness", "check"})
	silent.Store(false)
	files.Range(func(name, text any) bool {
		changed := bytes.Replace(text.([]byte), []byte("\n"), []byte("x\n"), 1)
		files.Store(name, changed)
		return true
	})
	try(exitFailed, "another text is kept", []string{"verify"})
}

func TestRecordConfig(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{}":                                    "",
		"{floor: 183d, ceiling: 730d}":          "",
		"{floor: 200d, ceiling: 100d}":          "ceiling",
		"{notes: 10d}":                          "notes",
		"{before: model}":                       "",
		"{before: later}":                       "record.before",
		"{witnesses: [{}]}":                     "entweder folder oder url",
		"{witnesses: [{folder: a, url: b}]}":    "entweder folder oder url",
		"{witnesses: [{url: zeuge}]}":           "url",
		`{retention_database: "${NICHT_DA_1}"}`: "retention_database",
	} {
		var c RecordConfig
		if err := yaml.Unmarshal([]byte(text), &c); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		err := c.validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if r := (RecordConfig{}).retention(); r.Floor != audit.HighRiskFloor || r.Ceiling != 0 || r.Notes != 0 {
		t.Errorf("without a word the bounds are %+v", r)
	}
}

func TestLegalHoldsKeepEntries(t *testing.T) {
	t.Parallel()
	store := statetest.Memory()
	for id, body := range map[string]string{
		"h1": `{"case":"p1_a","reason":"Klage"}`, "h2": `{"user":"p1_u"}`, "h3": `{"entry":"e-1","tenant":"anderswo"}`,
	} {
		if _, err := store.Put(t.Context(), state.Document{Kind: holdKind, ID: id, Tenant: "lohe", Body: json.RawMessage(body)}); err != nil {
			t.Fatal(err)
		}
	}
	holds, err := recordHolds(store)(t.Context())
	want := []audit.Hold{{Tenant: "lohe", Case: "p1_a"}, {Tenant: "lohe"}, {Tenant: "lohe", Entry: "e-1"}}
	if err != nil || len(holds) != 3 || holds[0] != want[0] || holds[1] != want[1] || holds[2] != want[2] {
		t.Errorf("holds = %+v, %v; want %+v", holds, err, want)
	}
	if _, err := store.Put(t.Context(), state.Document{Kind: holdKind, ID: "h4", Tenant: "lohe", Body: json.RawMessage(`[]`)}); err != nil {
		t.Fatal(err)
	}
	if _, err := recordHolds(store)(t.Context()); err == nil {
		t.Error("a hold that cannot be read holds nothing")
	}
}

// TestProofsOfTheRecord: what the interface returns proves itself, to its tenant alone.
func TestProofsOfTheRecord(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "")
	now := time.Now()
	c, log := p.aged(t, &now)
	keys, err := audit.NewKeys(derive(c.secret, "pseudonyms"))
	if err != nil {
		t.Fatal(err)
	}
	proofs := proofs{log, keys}
	id := audittest.Record(1, "lohe").ID
	found, err := proofs.Proof(t.Context(), "lohe", id)
	if answer, ok := found.(proofAnswer); err != nil || !ok || !answer.Open.Valid || answer.ID != id {
		t.Errorf("proof = %+v, %v", found, err)
	}
	if _, err := proofs.Proof(t.Context(), "anderswo", id); err == nil {
		t.Error("another tenant gets the proof")
	}
	var out bytes.Buffer
	if err := proofs.Export(t.Context(), httpapi.Look{Caller: gateway.Caller{Tenant: "lohe", KeyID: "k1"}, Reason: "Prüfung der Rechtsgrundlage", Case: "14.2/17"}, httpapi.DecisionFilter{Tenant: "lohe"}, &out); err != nil {
		t.Fatal(err)
	}
	report, err := audit.VerifyExport(bytes.NewReader(out.Bytes()), int64(out.Len()), log.PublicKeys()[0])
	if err != nil || !report.OK() || report.Leaves != 6 {
		t.Errorf("export: %+v, %v", report, err)
	}
	page, err := log.Notes(t.Context(), audit.NoteFilter{Scope: audit.Scope{Tenant: "lohe"}, Topics: []string{audit.TopicExported}})
	if err != nil || len(page.Notes) != 1 || page.Notes[0].Note.Actor == "" || page.Notes[0].Note.Reason == "" || page.Notes[0].Note.Case == "" {
		t.Errorf("notes of the export = %+v, %v", page, err)
	}
	if checkpoint, err := proofs.Checkpoint(t.Context()); err != nil || checkpoint.(checkpointAnswer).Size != 7 {
		t.Errorf("checkpoint = %+v, %v", checkpoint, err)
	}
}

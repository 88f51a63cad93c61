// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/connectors"
	"github.com/ki-schleuse/schleuse/connectors/filesystem"
	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// shelf is a source in memory whose failures are made on purpose.
type shelf struct {
	documents map[string]*paper
	hasDelta  bool
	walkStops int   // Walk fails after so many documents; 0: never
	stops     int   // Changes fails after so many events; 0: never
	expired   error // answer to a cursor
	cursors   []connectors.Cursor
}

type paper struct {
	text    string
	allow   []string
	exact   bool
	openErr error
	listErr error
}

func (s *shelf) Info(context.Context) (connectors.Capabilities, error) {
	return connectors.Capabilities{Name: "shelf", HasACL: true, HasDelta: s.hasDelta}, nil
}

func (s *shelf) sorted() []string {
	var out []string
	for id := range s.documents {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func (s *shelf) ref(id string) connectors.Ref {
	return connectors.Ref{ID: id, Path: id, Title: id, ETag: retrieval.Hash(s.documents[id].text), Size: int64(len(s.documents[id].text))}
}

func (s *shelf) access(id string) connectors.Access {
	return connectors.Access{Allow: s.documents[id].allow, Exact: s.documents[id].exact}
}

var errShelf = errors.New("shelf fell over")

func (s *shelf) Changes(_ context.Context, from connectors.Cursor, emit func(connectors.Change) error) (connectors.Cursor, error) {
	s.cursors = append(s.cursors, from)
	if from != nil && s.expired != nil {
		return nil, s.expired
	}
	for i, id := range s.sorted() {
		if s.stops > 0 && i >= s.stops {
			return nil, errShelf
		}
		a := s.access(id)
		if err := emit(connectors.Change{Kind: connectors.Upsert, Ref: s.ref(id), Access: &a, Err: s.documents[id].listErr}); err != nil {
			return nil, err
		}
	}
	return connectors.Cursor("next"), nil
}

func (s *shelf) Walk(_ context.Context, emit func(connectors.Ref, connectors.Access) error) error {
	for i, id := range s.sorted() {
		if s.walkStops > 0 && i >= s.walkStops {
			return errShelf
		}
		if err := emit(s.ref(id), s.access(id)); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Open(_ context.Context, ref connectors.Ref) (io.ReadCloser, error) {
	p, ok := s.documents[ref.ID]
	if !ok {
		return nil, connectors.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(p.text)), p.openErr
}

func (s *shelf) put(id, text string) *paper {
	if s.documents == nil {
		s.documents = map[string]*paper{}
	}
	s.documents[id] = &paper{text: text, allow: []string{"group:bau"}, exact: true}
	return s.documents[id]
}

func sync(t *testing.T, x *retrieval.Index, s connectors.Source, o retrieval.SyncOptions) (retrieval.SyncReport, error) {
	t.Helper()
	o.Tenant, o.Source = tenant, "akten"
	return x.Sync(t.Context(), s, o)
}

func mustSync(t *testing.T, x *retrieval.Index, s connectors.Source) retrieval.SyncReport {
	t.Helper()
	r, err := sync(t, x, s, retrieval.SyncOptions{})
	must(t, err)
	return r
}

// visible are the documents that group:bau finds.
func visible(t *testing.T, x *retrieval.Index) string {
	t.Helper()
	found, err := x.Retrieve(t.Context(), gateway.Query{Tenant: tenant, Principals: []gateway.Principal{"group:bau"}, Sources: []string{"akten"}, Text: "Vermerk zur Bauakte", Limit: 50})
	must(t, err)
	var out []string
	for _, p := range found {
		out = append(out, p.Citation.Document)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func wantVisible(t *testing.T, x *retrieval.Index, expected string) {
	t.Helper()
	if got := visible(t, x); got != expected {
		t.Errorf("found %q, want %q", got, expected)
	}
}

const note = "Vermerk zur Bauakte mit einigem Text darin"

func TestSyncFollowsTheSource(t *testing.T) {
	t.Parallel()
	x, s := index(t, retrieval.Config{}, nil), &shelf{}
	s.put("a", note)
	s.put("b", note)
	if r := mustSync(t, x, s); r.Added != 2 {
		t.Errorf("report %+v, want 2 added", r)
	}
	s.put("b", note+" in zweiter Fassung")
	delete(s.documents, "a")
	s.put("c", note)
	if r := mustSync(t, x, s); r.Added != 1 || r.Changed != 1 || r.Deleted != 1 {
		t.Errorf("report %+v, want one added, changed and deleted", r)
	}
	wantVisible(t, x, "b c")
	s.documents["b"].allow = []string{"group:amt"}
	s.documents["c"].exact = false
	if r := mustSync(t, x, s); r.AccessChanged != 2 || r.Unchanged != 2 {
		t.Errorf("report %+v, want two documents with changed rights", r)
	}
	wantVisible(t, x, "")
	s.documents["b"].allow = []string{"public"}
	mustSync(t, x, s)
	wantVisible(t, x, "b")
}

func TestSyncResumes(t *testing.T) {
	t.Parallel()
	x, s := index(t, retrieval.Config{}, nil), &shelf{stops: 1}
	s.put("a", note)
	s.put("b", note)
	if _, err := sync(t, x, s, retrieval.SyncOptions{}); !errors.Is(err, errShelf) {
		t.Errorf("error %v, want %v", err, errShelf)
	}
	wantVisible(t, x, "a")
	s.stops = 0
	mustSync(t, x, s)
	wantVisible(t, x, "a b")
	if s.cursors[1] != nil {
		t.Errorf("a broken pass left the cursor %q", s.cursors[1])
	}
	mustSync(t, x, s)
	if string(s.cursors[2]) != "next" {
		t.Errorf("the third pass began at %q, want the cursor of the second", s.cursors[2])
	}
	s.expired = connectors.ErrCursorExpired
	delete(s.documents, "a")
	mustSync(t, x, s)
	wantVisible(t, x, "b")
}

func TestSyncGoesOnAfterFailures(t *testing.T) {
	t.Parallel()
	x, s := index(t, retrieval.Config{}, nil), &shelf{}
	s.put("a", note)
	s.put("b", note).openErr = errShelf
	s.put("c", "\x7fELF kein Text\x00\x01")
	s.put("d", note).listErr = errShelf
	s.put("e", note)
	for try := 1; try <= 2; try++ {
		r := mustSync(t, x, s)
		if len(r.Failures) != 3 || r.Failures[0].Ref.ID != "b" || r.Failures[0].Tries != try ||
			r.Failures[1].Reason != "Das Dateiformat wird nicht gelesen." {
			t.Errorf("failures %+v, want b, c and d after %d tries", r.Failures, try)
		}
		wantVisible(t, x, "a e")
	}
	s.documents["b"].openErr, s.documents["d"].listErr = nil, nil
	s.put("a", "\x7fELF kein Text\x00\x01") // an old version must not answer
	if r := mustSync(t, x, s); len(r.Failures) != 2 {
		t.Errorf("failures %+v, want a and c", r.Failures)
	}
	wantVisible(t, x, "b d e")
}

func TestBrokenWalkDeletesNothing(t *testing.T) {
	t.Parallel()
	x, s := index(t, retrieval.Config{}, nil), &shelf{}
	for i := range 30 {
		s.put(fmt.Sprintf("%02d", i), note)
	}
	mustSync(t, x, s)
	before := visible(t, x)
	s.walkStops = 1
	if _, err := sync(t, x, s, retrieval.SyncOptions{Reconcile: true}); !errors.Is(err, errShelf) {
		t.Errorf("error %v, want %v", err, errShelf)
	}
	wantVisible(t, x, before)
	s.walkStops, s.documents = 0, nil
	s.put("00", note)
	if _, err := sync(t, x, s, retrieval.SyncOptions{}); !errors.Is(err, retrieval.ErrVanished) {
		t.Errorf("error %v, want %v", err, retrieval.ErrVanished)
	}
	wantVisible(t, x, before)
	_, err := sync(t, x, s, retrieval.SyncOptions{AllowVanish: true})
	must(t, err)
	wantVisible(t, x, "00")
}

func TestSyncFolder(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o700))
		must(t, os.WriteFile(filepath.Join(root, path), []byte(text), 0o600))
	}
	write("a.txt", note)
	write("bau/.schleuse-access.yaml", "allow: ['group:bau']")
	write("bau/b.md", "# Dienstanweisung\n\n"+note)
	write("bau/c.eml", "From: a@b.example\nSubject: Bauakte\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\nanbei der Vermerk zur Bauakte\n--x\nContent-Disposition: attachment; filename=d.txt\n\n"+note+"\n--x--\n")
	src, err := filesystem.New(filesystem.Config{Name: "Akten", Root: root, URL: "https://dms.example/akten"})
	must(t, err)
	defer src.Close()
	x := index(t, retrieval.Config{}, nil)
	if r := mustSync(t, x, src); r.Added != 3 || len(r.Failures) != 0 {
		t.Errorf("report %+v, want 3 added", r)
	}
	wantVisible(t, x, "bau/b.md bau/c.eml bau/c.eml#1")
	found, err := x.Retrieve(t.Context(), gateway.Query{Tenant: tenant, Principals: []gateway.Principal{"group:bau"}, Sources: []string{"akten"}, Text: "Dienstanweisung"})
	must(t, err)
	if c := found[0].Citation; c.Section != "Dienstanweisung" || c.URL != "https://dms.example/akten/bau/b.md" || c.Page != 1 {
		t.Errorf("citation %+v does not say where the passage stands", c)
	}
	must(t, os.Rename(filepath.Join(root, "bau/b.md"), filepath.Join(root, "bau/e.md")))
	write("bau/.schleuse-access.yaml", "allow: ['group:bau']\nfiles: {c.eml: {allow: ['user:anna']}}")
	mustSync(t, x, src)
	wantVisible(t, x, "bau/e.md")
	must(t, os.RemoveAll(root))
	if _, err := sync(t, x, src, retrieval.SyncOptions{Reconcile: true}); err == nil {
		t.Error("a folder that vanished gave no error")
	}
	wantVisible(t, x, "bau/e.md")
}

func TestSyncEvidence(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("recognises scans")
	}
	root := t.TempDir()
	for _, name := range []string{"a-001.pdf", "a-002.docx", "a-012.odt", "a-090.eml", "a-014.pdf"} {
		data, err := os.ReadFile(filepath.Join(dataFolder(t), "evidence", "docs", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(root, name), data, 0o600))
	}
	src, err := filesystem.New(filesystem.Config{Name: "Akte", Root: root, Allow: []string{"group:bau"}})
	must(t, err)
	defer src.Close()
	x := index(t, retrieval.Config{}, nil)
	if r := mustSync(t, x, src); r.Added != 5 || len(r.Failures) != 0 {
		t.Fatalf("report %+v, want 5 added", r)
	}
	for text, expected := range map[string]string{
		"Wie hoch ist die Kaltmiete von Tomasz Wrona?":    "a-002.docx",
		"Mitteilung der Rentenversicherung zur Anpassung": "a-014.pdf",
		"Verdienstbescheinigung des Arbeitgebers":         "a-012.odt",
		"Kontoauszug mit IBAN und neuem Kontostand":       "a-090.eml#2",
	} {
		found, err := x.Retrieve(t.Context(), gateway.Query{Tenant: tenant, Principals: []gateway.Principal{"group:bau"}, Sources: []string{"akten"}, Text: text})
		must(t, err)
		if len(found) == 0 || found[0].Citation.Document != expected {
			t.Errorf("%s: found %+v, want %s first", text, found, expected)
		}
	}
}

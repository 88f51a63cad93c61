// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package connectortest is the suite every connectors.Source passes. A
// connector's test builds a Place (a folder, a fake server) and calls Run.
package connectortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ki-schleuse/schleuse/connectors"
)

// Place is where the documents live, with the means to change it.
type Place struct {
	Source connectors.Source
	// Put creates or changes a document that "group:leser" may read.
	Put func(path, content string)
	// Rename moves a document.
	Rename func(from, to string)
	// Delete removes a document.
	Delete func(path string)
	// Grant sets who may read the document; none: no one.
	Grant func(path string, allow ...string)
	// Break makes a document fail for ever. Nil: skipped.
	Break func(path string)
	// BreakWalk makes listing fail half-way. Nil: skipped.
	BreakWalk func()
}

// Run checks a connector. open returns a fresh, empty place.
func Run(t *testing.T, open func(t *testing.T) Place) {
	for name, check := range map[string]func(*testing.T, *mirror){
		"create, change, rename, delete": lifecycle,
		"access changes":                 accessChanges,
		"resume after an error":          resume,
		"a document that always fails":   failing,
		"walk admits what changes admit": sameAdmission,
		"walk that breaks is an error":   brokenWalk,
		"a cursor nobody understands":    badCursor,
		"documents that are gone":        gone,
		"cancelled":                      cancelled,
		"concurrent use":                 concurrent,
		"many documents":                 many,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, &mirror{t: t, Place: open(t), docs: map[string]document{}})
		})
	}
}

type document struct{ content, access string }

// mirror replays changes as an index does.
type mirror struct {
	Place
	t      *testing.T
	cursor connectors.Cursor
	docs   map[string]document // by path
	paths  map[string]string   // id to path
	events int
	failed []string
}

func (m *mirror) apply(c connectors.Change) error {
	m.events++
	if m.paths == nil {
		m.paths = map[string]string{}
	}
	if c.Err != nil {
		m.failed = append(m.failed, c.Ref.Path)
		return nil //nolint:nilerr // a document that cannot be read does not end the walk
	}
	old := m.paths[c.Ref.ID]
	switch c.Kind {
	case connectors.Delete:
		delete(m.docs, old)
		delete(m.paths, c.Ref.ID)
	case connectors.AccessOnly:
		d := m.docs[old]
		d.access = readers(c.Access)
		m.docs[old] = d
	case connectors.Upsert:
		delete(m.docs, old)
		m.paths[c.Ref.ID] = c.Ref.Path
		m.docs[c.Ref.Path] = document{m.read(c.Ref), readers(c.Access)}
	}
	return nil
}

func (m *mirror) read(ref connectors.Ref) string {
	m.t.Helper()
	r, err := m.Source.Open(m.t.Context(), ref)
	if err != nil {
		m.t.Fatalf("open %s: %v", ref.Path, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		m.t.Fatalf("read %s: %v", ref.Path, err)
	}
	return string(data)
}

// readers is who may read, in one string; unknown rights are nobody's.
func readers(a *connectors.Access) string {
	if a == nil || !a.Exact {
		return ""
	}
	return strings.Join(slices.Sorted(slices.Values(a.Allow)), " ")
}

// pass runs one delta.
func (m *mirror) pass() {
	m.t.Helper()
	m.events, m.failed = 0, nil
	next, err := m.Source.Changes(m.t.Context(), m.cursor, m.apply)
	if err != nil {
		m.t.Fatalf("changes: %v", err)
	}
	m.cursor = next
}

func (m *mirror) want(docs map[string]document) {
	m.t.Helper()
	if !maps.Equal(m.docs, docs) {
		m.t.Fatalf("documents %v, want %v", m.docs, docs)
	}
}

const reader = "group:leser"

func lifecycle(t *testing.T, m *mirror) {
	m.pass()
	m.want(map[string]document{})
	m.Put("a.txt", "eins")
	m.Put("ordner/b.txt", "zwei")
	m.pass()
	m.want(map[string]document{"a.txt": {"eins", reader}, "ordner/b.txt": {"zwei", reader}})
	m.pass()
	if m.events != 0 {
		t.Errorf("%d events although nothing changed", m.events)
	}
	m.Put("a.txt", "fünf") // same size as before
	m.pass()
	m.want(map[string]document{"a.txt": {"fünf", reader}, "ordner/b.txt": {"zwei", reader}})
	m.Rename("ordner/b.txt", "ordner/c.txt")
	m.pass()
	m.reconcile()
	m.want(map[string]document{"a.txt": {"fünf", reader}, "ordner/c.txt": {"zwei", reader}})
	m.Delete("a.txt")
	m.pass()
	m.reconcile()
	m.want(map[string]document{"ordner/c.txt": {"zwei", reader}})
}

// reconcile removes what Walk does not list, for sources whose delta does not
// see deletions.
func (m *mirror) reconcile() {
	m.t.Helper()
	there := map[string]bool{}
	err := m.Source.Walk(m.t.Context(), func(r connectors.Ref, _ connectors.Access) error {
		there[r.ID] = true
		return nil
	})
	if err != nil {
		m.t.Fatalf("walk: %v", err)
	}
	for id, path := range m.paths {
		if !there[id] {
			delete(m.docs, path)
			delete(m.paths, id)
		}
	}
}

func accessChanges(t *testing.T, m *mirror) {
	info, err := m.Source.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !info.HasACL {
		t.Skip("the source has no rights of its own")
	}
	m.Put("a.txt", "eins")
	m.Put("b.txt", "zwei")
	m.pass()
	m.Grant("a.txt", "user:anna", reader)
	m.pass()
	m.want(map[string]document{"a.txt": {"eins", reader + " user:anna"}, "b.txt": {"zwei", reader}})
	m.Grant("a.txt")
	m.pass()
	m.want(map[string]document{"a.txt": {"eins", ""}, "b.txt": {"zwei", reader}})
}

func resume(t *testing.T, m *mirror) {
	m.Put("a.txt", "eins")
	m.Put("b.txt", "zwei")
	m.Put("c.txt", "drei")
	stop := errors.New("stop")
	n := 0
	_, err := m.Source.Changes(t.Context(), nil, func(c connectors.Change) error {
		if n++; n == 2 {
			return stop
		}
		return m.apply(c)
	})
	if !errors.Is(err, stop) {
		t.Fatalf("error %v, want that of emit", err)
	}
	m.pass() // again from the old cursor: duplicates are allowed, gaps are not
	m.want(map[string]document{"a.txt": {"eins", reader}, "b.txt": {"zwei", reader}, "c.txt": {"drei", reader}})
}

func failing(t *testing.T, m *mirror) {
	if m.Break == nil {
		t.Skip("this place cannot make a document fail")
	}
	m.Put("a.txt", "eins")
	m.Put("b.txt", "zwei")
	m.Put("c.txt", "drei")
	m.Break("b.txt")
	for range 2 {
		m.pass()
		m.want(map[string]document{"a.txt": {"eins", reader}, "c.txt": {"drei", reader}})
		if !slices.Contains(m.failed, "b.txt") {
			t.Fatalf("failed %v, want b.txt reported in every pass", m.failed)
		}
	}
}

func sameAdmission(t *testing.T, m *mirror) {
	m.Put("a.txt", "eins")
	m.Put("x/b.txt", "zwei")
	m.Grant("x/b.txt")
	m.pass()
	walked := map[string]document{}
	err := m.Source.Walk(t.Context(), func(r connectors.Ref, a connectors.Access) error {
		walked[r.Path] = document{m.read(r), readers(&a)}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	m.want(walked)
}

func brokenWalk(t *testing.T, m *mirror) {
	if m.BreakWalk == nil {
		t.Skip("this place cannot make listing fail")
	}
	m.Put("a.txt", "eins")
	m.Put("x/b.txt", "zwei")
	m.pass()
	m.BreakWalk()
	err := m.Source.Walk(t.Context(), func(connectors.Ref, connectors.Access) error { return nil })
	if err == nil {
		t.Error("a listing that broke was passed off as complete")
	}
	if _, err := m.Source.Changes(t.Context(), m.cursor, m.apply); err == nil {
		m.want(map[string]document{"a.txt": {"eins", reader}, "x/b.txt": {"zwei", reader}})
	}
}

func badCursor(t *testing.T, m *mirror) {
	_, err := m.Source.Changes(t.Context(), connectors.Cursor("no cursor of ours"), m.apply)
	if !errors.Is(err, connectors.ErrCursorExpired) {
		t.Errorf("error %v, want %v", err, connectors.ErrCursorExpired)
	}
}

func gone(t *testing.T, m *mirror) {
	for _, id := range []string{"", "nie-da.txt", "../a.txt", "/etc/passwd", "a.txt\x00"} {
		if _, err := m.Source.Open(t.Context(), connectors.Ref{ID: id}); !errors.Is(err, connectors.ErrNotFound) {
			t.Errorf("open %q: error %v, want %v", id, err, connectors.ErrNotFound)
		}
	}
}

func cancelled(t *testing.T, m *mirror) {
	m.Put("a.txt", "eins")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.Source.Changes(ctx, nil, m.apply); !errors.Is(err, context.Canceled) {
		t.Errorf("changes: error %v, want %v", err, context.Canceled)
	}
	err := m.Source.Walk(ctx, func(connectors.Ref, connectors.Access) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("walk: error %v, want %v", err, context.Canceled)
	}
}

func concurrent(t *testing.T, m *mirror) {
	m.Put("a.txt", "eins")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			seen := 0
			_, err := m.Source.Changes(t.Context(), nil, func(connectors.Change) error { seen++; return nil })
			if err != nil || seen != 1 {
				t.Errorf("%d changes, error %v, want 1 and none", seen, err)
			}
		})
	}
	group.Wait()
}

func many(t *testing.T, m *mirror) {
	if testing.Short() {
		t.Skip("a thousand documents")
	}
	want := map[string]document{}
	for i := range 1000 {
		name := "viele/" + string(bytes.Repeat([]byte{'a' + byte(i%26)}, i/26+1)) + ".txt"
		m.Put(name, name)
		want[name] = document{name, reader}
	}
	m.pass()
	m.want(want)
}

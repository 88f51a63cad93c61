// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
	"github.com/ki-schleuse/schleuse/retrieval/sqlite"
	"github.com/ki-schleuse/schleuse/retrieval/storetest"
)

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestConformance(t *testing.T) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) retrieval.Store {
			t.Helper()
			return open(t, filepath.Join(t.TempDir(), "index.db"))
		})
	})
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		storetest.Run(t, func(t *testing.T) retrieval.Store {
			t.Helper()
			return open(t, "")
		})
	})
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mit leerzeichen ü.db")
	first := open(t, path)
	put(t, first, "1", "group:bau")
	put(t, first, "2", "group:amt")
	put(t, first, "2", "group:bau")
	put(t, first, "3", "group:amt")
	before := search(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	after := search(t, open(t, path))
	if len(before) != 2 || len(after) != 2 || before[0].ID != after[0].ID || before[0].Score != after[0].Score {
		t.Errorf("found %v before and %v after opening again, want the same two", before, after)
	}
}

func put(t *testing.T, s *sqlite.Store, id string, reader gateway.Principal) {
	t.Helper()
	x, err := retrieval.New(retrieval.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	err = x.Put(t.Context(), retrieval.Document{
		Tenant: "a", Source: "akten", ID: id, Principals: []gateway.Principal{reader},
		Pages: []extract.Page{{Number: 1, Text: "Vermerk zur Bauakte " + id}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func search(t *testing.T, s *sqlite.Store) []gateway.Passage {
	t.Helper()
	x, err := retrieval.New(retrieval.Config{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	found, err := x.Retrieve(t.Context(), gateway.Query{Tenant: "a", Principals: []gateway.Principal{"group:bau"}, Sources: []string{"akten"}, Text: "Bauakte 1"})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestCompaction(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	s.CompactFrom(20)
	most := 0
	for range 50 { // every change leaves a dead chunk behind
		put(t, s, "1", "group:bau")
		most = max(most, s.Slots("a"))
	}
	if found := search(t, s); len(found) != 1 {
		t.Errorf("%d passages, want 1", len(found))
	}
	if last := s.Slots("a"); most != 21 || last >= most {
		t.Errorf("%d slots at most and %d at the end, want 21 and fewer", most, last)
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package statetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// Run tests a store. open returns one more handle on the same documents.
func Run(t *testing.T, open func(t *testing.T) state.Store) {
	t.Helper()
	s, other := open(t), open(t)
	t.Run("a document changes from version to version", func(t *testing.T) { versions(t, s, other) })
	t.Run("pages", func(t *testing.T) { pages(t, s) })
	t.Run("bounds", func(t *testing.T) { bounds(t, s) })
	t.Run("of many at once one wins", func(t *testing.T) { race(t, s, other) })
}

func versions(t *testing.T, s, other state.Store) {
	t.Helper()
	_, err := s.Get(t.Context(), "hold", "h1")
	wants(t, err, gateway.CodeNotFound)
	d, err := s.Put(t.Context(), state.Document{Kind: "hold", ID: "h1", Tenant: "a", Body: json.RawMessage(`{"n":"Straße"}`)})
	if err != nil || d.Version != 1 || d.Time.IsZero() {
		t.Fatalf("first version: %+v, %v", d, err)
	}
	_, err = other.Put(t.Context(), state.Document{Kind: "hold", ID: "h1", Tenant: "a", Body: json.RawMessage(`{}`)})
	wants(t, err, gateway.CodeConflict)
	seen, err := other.Get(t.Context(), "hold", "h1")
	if err != nil || string(seen.Body) != `{"n":"Straße"}` || seen.Tenant != "a" || !seen.Time.Equal(d.Time.Truncate(1)) {
		t.Fatalf("another handle sees %+v, %v", seen, err)
	}
	seen.Body = json.RawMessage(`{"n":2}`)
	if seen, err = other.Put(t.Context(), seen); err != nil || seen.Version != 2 {
		t.Fatalf("second version: %+v, %v", seen, err)
	}
	_, err = s.Put(t.Context(), d)
	wants(t, err, gateway.CodeConflict)
	foreign := seen
	foreign.Tenant = "b"
	_, err = s.Put(t.Context(), foreign)
	wants(t, err, gateway.CodeConflict)
	wants(t, s.Delete(t.Context(), "hold", "h1", 1), gateway.CodeConflict)
	if err := s.Delete(t.Context(), "hold", "h1", 2); err != nil {
		t.Fatal(err)
	}
	wants(t, other.Delete(t.Context(), "hold", "h1", 2), gateway.CodeNotFound)
}

func pages(t *testing.T, s state.Store) {
	t.Helper()
	for i := range 7 {
		d := state.Document{Kind: "view", ID: fmt.Sprintf("v%d", i), Tenant: gateway.TenantID([]string{"", "a"}[i%2]), Body: json.RawMessage("[]")}
		if _, err := s.Put(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Put(t.Context(), state.Document{Kind: "viewer", ID: "v1", Body: json.RawMessage("1")}); err != nil {
		t.Fatal(err)
	}
	a, operator := gateway.TenantID("a"), gateway.TenantID("")
	for _, c := range []struct {
		f    state.Filter
		want string
	}{
		{state.Filter{Kind: "view"}, "v0 v1 v2 v3 v4 v5 v6"},
		{state.Filter{Kind: "view", Limit: 2}, "v0 v1"},
		{state.Filter{Kind: "view", After: "v1", Limit: 2}, "v2 v3"},
		{state.Filter{Kind: "view", Tenant: &a}, "v1 v3 v5"},
		{state.Filter{Kind: "view", Tenant: &operator, After: "v0"}, "v2 v4 v6"},
		{state.Filter{Kind: "nothing"}, ""},
	} {
		docs, err := s.List(t.Context(), c.f)
		var ids []string
		for _, d := range docs {
			ids = append(ids, d.ID)
		}
		if got := strings.Join(ids, " "); err != nil || got != c.want {
			t.Errorf("%+v: %q, %v, want %q", c.f, got, err, c.want)
		}
	}
}

func bounds(t *testing.T, s state.Store) {
	t.Helper()
	for _, c := range []struct {
		name string
		d    state.Document
		code gateway.Code
	}{
		{"no id", state.Document{Kind: "a", Body: json.RawMessage("1")}, gateway.CodeInvalid},
		{"a path as id", state.Document{Kind: "a", ID: "../x", Body: json.RawMessage("1")}, gateway.CodeInvalid},
		{"a long id", state.Document{Kind: "a", ID: strings.Repeat("x", 129), Body: json.RawMessage("1")}, gateway.CodeInvalid},
		{"a large body", state.Document{Kind: "a", ID: "x", Body: json.RawMessage(`"` + strings.Repeat("x", state.MaxBody) + `"`)}, gateway.CodeTooLarge},
		{"no JSON", state.Document{Kind: "a", ID: "x", Body: json.RawMessage("{")}, gateway.CodeInternal},
	} {
		_, err := s.Put(t.Context(), c.d)
		if codeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
	if _, err := s.List(t.Context(), state.Filter{Kind: "a", Limit: state.MaxLimit + 1}); codeOf(err) != gateway.CodeInvalid {
		t.Errorf("a page without bound: %v", err)
	}
}

func race(t *testing.T, stores ...state.Store) {
	t.Helper()
	var clients sync.WaitGroup
	var won atomic.Int64
	for i := range 8 {
		clients.Go(func() {
			s := stores[i%len(stores)]
			for range 10 {
				d, err := s.Get(t.Context(), "count", "c")
				if codeOf(err) == gateway.CodeNotFound {
					d, err = state.Document{Kind: "count", ID: "c"}, nil
				}
				if err != nil {
					t.Error(err)
					return
				}
				d.Body = json.RawMessage(fmt.Sprint(d.Version + 1))
				switch _, err := s.Put(t.Context(), d); {
				case err == nil:
					won.Add(1)
				case codeOf(err) != gateway.CodeConflict:
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
	d, err := stores[0].Get(t.Context(), "count", "c")
	if err != nil || d.Version != won.Load() || string(d.Body) != fmt.Sprint(won.Load()) {
		t.Errorf("%d wins, but %+v, %v", won.Load(), d, err)
	}
}

func codeOf(err error) gateway.Code {
	if known, ok := errors.AsType[*gateway.Error](err); ok {
		return known.Code
	}
	return ""
}

func wants(t *testing.T, err error, code gateway.Code) {
	t.Helper()
	if codeOf(err) != code {
		t.Fatalf("%v, want %s", err, code)
	}
}

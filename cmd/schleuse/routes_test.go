// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Every route that the interface description names is reached at the port of the
// service, and answers there as an interface and not as a page.
func TestEveryDescribedRouteIsServed(t *testing.T) {
	t.Parallel()
	handler := setup(t, "").handler()
	ask := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader("{}")))
		return w
	}

	var described struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(ask(http.MethodGet, "/api/openapi.json").Body.Bytes(), &described); err != nil {
		t.Fatal(err)
	}
	if len(described.Paths) < 20 {
		t.Fatalf("only %d routes are described", len(described.Paths))
	}
	for path, methods := range described.Paths {
		for method := range methods {
			if method == "parameters" {
				continue
			}
			w := ask(strings.ToUpper(method), strings.NewReplacer("{", "", "}", "").Replace(path))
			if kind := w.Header().Get("Content-Type"); !strings.Contains(kind, "json") {
				t.Errorf("%s %s: %d %s, expected JSON", method, path, w.Code, kind)
			}
		}
	}
}

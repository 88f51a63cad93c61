// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

func entry(id gateway.ModelID, residency gateway.Residency, weight int, ops ...gateway.Operation) router.Entry {
	return router.Entry{Card: gateway.ModelCard{ID: id, Residency: residency, Operations: ops}, Endpoint: "e", Weight: weight}
}

func setup(t *testing.T) *router.Router {
	t.Helper()
	r, err := router.New([]router.Entry{
		entry("eu-klein", gateway.ResidencyPrivateEU, 1, gateway.OperationChat),
		entry("eu-gross", gateway.ResidencyPrivateEU, 5, gateway.OperationChat),
		entry("haus", gateway.ResidencyOwn, 0, gateway.OperationChat),
		entry("vektor", gateway.ResidencyOwn, 0, gateway.OperationEmbeddings),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRoute(t *testing.T) {
	t.Parallel()
	r := setup(t)
	chat := gateway.Request{Operation: gateway.OperationChat}
	for name, c := range map[string]struct {
		permitted []gateway.ModelID
		want      gateway.ModelID
	}{
		"most sovereign":  {[]gateway.ModelID{"eu-klein", "eu-gross", "haus"}, "haus"},
		"heavier":         {[]gateway.ModelID{"eu-klein", "eu-gross"}, "eu-gross"},
		"wrong operation": {[]gateway.ModelID{"vektor"}, ""},
		"nothing":         {nil, ""},
	} {
		routes, err := r.Plan(t.Context(), chat, c.permitted)
		var got gateway.Route
		if len(routes) > 0 {
			got = routes[0]
		}
		if got.Model != c.want || (c.want == "") != (gateway.CodeOf(err) == gateway.CodeNoModel) {
			t.Errorf("%s: %q, %v, want %q", name, got.Model, err, c.want)
		}
	}
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	r := setup(t)
	for name, c := range map[string]struct {
		model gateway.ModelID
		n     int
		code  gateway.Code
	}{
		"any":       {"", 3, ""},
		"named":     {"haus", 1, ""},
		"unknown":   {"gpt", 0, gateway.CodeNotFound},
		"not able":  {"vektor", 0, gateway.CodeInvalid},
		"by prefix": {"eu", 0, gateway.CodeNotFound},
	} {
		got, err := r.Candidates(t.Context(), gateway.Request{Operation: gateway.OperationChat, Model: c.model})
		if len(got) != c.n || gateway.CodeOf(err) != c.code {
			t.Errorf("%s: %d candidates, %v", name, len(got), err)
		}
	}
}

// Policies, records and the route speak of the model by its id, whatever the caller called it.
func TestAliases(t *testing.T) {
	t.Parallel()
	given := []router.Entry{entry("haus", gateway.ResidencyOwn, 0, gateway.OperationChat), entry("eu", gateway.ResidencyPrivateEU, 9, gateway.OperationChat)}
	given[1].Aliases = []gateway.ModelID{"gpt-4o", "standard"}
	r, err := router.New(given)
	if err != nil {
		t.Fatal(err)
	}
	if given[0].Upstream != "" {
		t.Error("New changed what it was given")
	}
	q := gateway.Request{Operation: gateway.OperationChat, Model: "gpt-4o"}
	cards, err := r.Candidates(t.Context(), q)
	if err != nil || len(cards) != 1 || cards[0].ID != "eu" {
		t.Fatalf("candidates %+v, %v", cards, err)
	}
	if routes, err := r.Plan(t.Context(), q, []gateway.ModelID{"eu"}); err != nil || len(routes) != 1 || routes[0].Model != "eu" || routes[0].Upstream != "eu" {
		t.Errorf("routes %+v, %v", routes, err)
	}
	if _, err := r.Plan(t.Context(), q, []gateway.ModelID{"gpt-4o"}); gateway.CodeOf(err) != gateway.CodeNoModel {
		t.Errorf("a permission for an alias led to a model: %v", err)
	}
	given[0].Aliases = []gateway.ModelID{"eu"}
	if _, err := router.New(given); err == nil {
		t.Error("an alias that is the id of another model was accepted")
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := router.New([]router.Entry{
		{Card: gateway.ModelCard{ID: "a", Residency: "moon"}},
		{Card: gateway.ModelCard{ID: "b", Residency: gateway.ResidencyOwn, Operations: []gateway.Operation{gateway.OperationChat}}, Endpoint: "e"},
		{Card: gateway.ModelCard{ID: "b", Residency: gateway.ResidencyOwn, Operations: []gateway.Operation{gateway.OperationChat}}, Endpoint: "e"},
	})
	for _, want := range []string{"endpoint", "operations", `"moon"`, "doppelt"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %q: %v", want, err)
		}
	}
}

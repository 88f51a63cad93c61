// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package router holds the catalogue of models and chooses among those a
// decision permits. It does not decide what is permitted and does not speak to
// models. Start at [Router].
package router

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Entry is one model of the catalogue.
type Entry struct {
	Card gateway.ModelCard
	// Endpoint is the key of the endpoint in the upstream's configuration,
	// Upstream the model's name there (default: the card's id).
	Endpoint, Upstream string
	// Weight orders models that are equally sovereign: higher first.
	Weight int
	// Aliases under which callers may ask for the model.
	Aliases []gateway.ModelID
}

// Router implements gateway.Router over a fixed catalogue.
type Router struct{ entries []Entry }

var _ gateway.Router = (*Router)(nil)

// New checks the catalogue and names every mistake.
func New(entries []Entry) (*Router, error) {
	entries = slices.Clone(entries)
	var problems []error
	seen := map[gateway.ModelID]bool{}
	for i := range entries {
		e := &entries[i]
		if e.Upstream == "" {
			e.Upstream = string(e.Card.ID)
		}
		for _, id := range append([]gateway.ModelID{e.Card.ID}, e.Aliases...) {
			if id == "" || seen[id] {
				problems = append(problems, fmt.Errorf("models[%d]: id %q is empty or used twice", i, id))
			}
			seen[id] = true
		}
		if e.Endpoint == "" {
			problems = append(problems, fmt.Errorf("models[%d] %s: endpoint is missing", i, e.Card.ID))
		}
		if len(e.Card.Operations) == 0 {
			problems = append(problems, fmt.Errorf("models[%d] %s: operations is empty", i, e.Card.ID))
		}
		if rank(e.Card.Residency) == unknownRank {
			problems = append(problems, fmt.Errorf("models[%d] %s: residency %q is unknown", i, e.Card.ID, e.Card.Residency))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return &Router{entries: entries}, nil
}

// Cards are all models of the catalogue.
func (r *Router) Cards() []gateway.ModelCard {
	out := make([]gateway.ModelCard, 0, len(r.entries))
	for _, e := range r.entries {
		out = append(out, e.Card)
	}
	return out
}

// Candidates implements gateway.Router. A model the catalogue does not know is
// CodeNotFound, one that cannot do the operation CodeInvalid.
func (r *Router) Candidates(_ context.Context, q gateway.Request) ([]gateway.ModelCard, error) {
	var out []gateway.ModelCard
	known := q.Model == ""
	for _, e := range r.entries {
		if q.Model != "" && !e.named(q.Model) {
			continue
		}
		known = true
		if slices.Contains(e.Card.Operations, q.Operation) {
			out = append(out, e.Card)
		}
	}
	switch {
	case !known:
		return nil, &gateway.Error{Op: "candidates", Code: gateway.CodeNotFound, Path: "model", Message: "Das Modell gibt es im Katalog nicht. GET /v1/models nennt die verfügbaren."}
	case len(out) == 0 && q.Model != "":
		return nil, &gateway.Error{Op: "candidates", Code: gateway.CodeInvalid, Path: "model", Message: "Das Modell kann diese Art von Anfrage nicht bearbeiten."}
	}
	return out, nil
}

// Plan implements gateway.Router: the most sovereign permitted model first, then
// the heavier, then the one that stands first in the catalogue.
func (r *Router) Plan(_ context.Context, q gateway.Request, permitted []gateway.ModelID) ([]gateway.Route, error) {
	var able []Entry
	for _, e := range r.entries {
		if slices.Contains(permitted, e.Card.ID) && slices.Contains(e.Card.Operations, q.Operation) {
			able = append(able, e)
		}
	}
	if len(able) == 0 {
		return nil, &gateway.Error{Op: "route", Code: gateway.CodeNoModel, Message: "Für diese Anfrage ist kein Modell eingerichtet, das die Regeln zulassen."}
	}
	slices.SortStableFunc(able, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(rank(a.Card.Residency), rank(b.Card.Residency)), cmp.Compare(b.Weight, a.Weight))
	})
	var routes []gateway.Route
	for _, e := range able[:min(len(able), gateway.MaxRoutes)] {
		routes = append(routes, gateway.Route{
			Model: e.Card.ID, Residency: e.Card.Residency, Operator: e.Card.Operator, Country: e.Card.Country,
			Upstream: e.Upstream, Endpoint: e.Endpoint, Price: e.Card.Price, Why: why(q, len(permitted)),
		})
	}
	return routes, nil
}

// Enter implements gateway.Router.
func (r *Router) Enter(context.Context, gateway.Request, gateway.Route) (gateway.Place, error) {
	return place{}, nil
}

type place struct{}

func (place) Leave(gateway.Attempt) {}

// Next implements gateway.Router.
func (r *Router) Next(_ context.Context, _ gateway.Request, _ []gateway.Route, _ []gateway.Attempt, _ error) (int, time.Duration, bool) {
	return 0, 0, false
}

func why(q gateway.Request, permitted int) string {
	if q.Model != "" {
		return "vom Aufrufer genannt"
	}
	return fmt.Sprintf("souveränstes von %d erlaubten", permitted)
}

func (e Entry) named(id gateway.ModelID) bool {
	return e.Card.ID == id || slices.Contains(e.Aliases, id)
}

const unknownRank = 99

// rank orders residencies from most to least sovereign.
func rank(r gateway.Residency) int {
	switch r {
	case gateway.ResidencyOwn:
		return 0
	case gateway.ResidencyPublicEU:
		return 1
	case gateway.ResidencyPrivateEU:
		return 2
	case gateway.ResidencyEUofNonEU:
		return 3
	case gateway.ResidencyNonEU:
		return 4
	case gateway.ResidencyUnknown:
		return unknownRank
	default:
		return unknownRank
	}
}

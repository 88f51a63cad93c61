// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// twelve models, four of them with two replicas each.
func twelve() []router.Entry {
	var out []router.Entry
	for i := range 12 {
		e := entry(gateway.ModelID(fmt.Sprintf("modell-%d", i)), []gateway.Residency{gateway.ResidencyOwn, gateway.ResidencyPublicEU, gateway.ResidencyPrivateEU}[i%3], i, gateway.OperationChat)
		e.Endpoint = fmt.Sprint("e", i)
		e.Card.Context = 32_000
		e.Limits.Concurrent = 1 << 20
		out = append(out, e)
		if i < 4 {
			e.Endpoint += "-2"
			out = append(out, e)
		}
	}
	return out
}

func small(t testing.TB) gateway.Request {
	t.Helper()
	return chat(t, `{"model":"x","messages":[{"role":"system","content":"Du hilfst."},{"role":"user","content":"Wann ist das Bürgeramt offen?"}],"max_tokens":200}`)
}

func large(t testing.TB) gateway.Request {
	t.Helper()
	return chat(t, `{"model":"x","messages":[{"role":"user","content":"`+strings.Repeat("Sehr geehrte Damen und Herren, ", 1000)+`"}]}`)
}

// BenchmarkPassage: a plan, a place, the end of the attempt. The baseline is the
// least such a passage can be: the list of models is walked and copied, a counter
// goes up and down, the clock is read three times.
func BenchmarkPassage(b *testing.B) {
	cards := []gateway.ModelID{}
	for _, e := range twelve() {
		cards = append(cards, e.Card.ID)
	}
	pass := func(b *testing.B, r *router.Router, q gateway.Request, permitted []gateway.ModelID) {
		b.Helper()
		routes, err := r.Plan(context.Background(), q, permitted)
		if err != nil {
			b.Fatal(err)
		}
		place, err := r.Enter(context.Background(), q, routes[0])
		if err != nil {
			b.Fatal(err)
		}
		place.Leave(gateway.Attempt{Output: 20})
	}
	for _, c := range []struct {
		name      string
		q         gateway.Request
		permitted []gateway.ModelID
		strategy  router.Strategy
	}{
		{"one_model", small(b), cards[5:6], ""},
		{"four_models", small(b), cards[4:10], ""},
		{"all_models", small(b), cards, ""},
		{"all_models_30KB", large(b), cards, ""},
		{"all_models_cost", small(b), cards, router.StrategyCost},
		{"all_models_latency", small(b), cards, router.StrategyLatency},
		{"all_models_weight", small(b), cards, router.StrategyWeight},
	} {
		r, err := router.Open(router.Config{Catalogue: router.Catalogue{Models: twelve(), Strategy: c.strategy}})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				pass(b, r, c.q, c.permitted)
			}
		})
		b.Run(c.name+"_parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					pass(b, r, c.q, c.permitted)
				}
			})
		})
	}
	b.Run("baseline", func(b *testing.B) {
		b.ReportAllocs()
		models := twelve()
		var inside atomic.Int64
		for b.Loop() {
			routes := make([]gateway.Route, 0, gateway.MaxRoutes)
			for _, m := range models {
				if len(routes) < gateway.MaxRoutes {
					routes = append(routes, gateway.Route{Model: m.Card.ID, Endpoint: m.Endpoint})
				}
			}
			began := time.Now()
			inside.Add(1)
			_ = time.Now()
			inside.Add(-1)
			_ = time.Since(began)
		}
	})
}

func BenchmarkCandidates(b *testing.B) {
	r, err := router.New(twelve())
	if err != nil {
		b.Fatal(err)
	}
	for name, q := range map[string]gateway.Request{"1KB": small(b), "30KB": large(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if cards, err := r.Candidates(context.Background(), q); err != nil || len(cards) != 12 {
					b.Fatal(len(cards), err)
				}
			}
		})
	}
}

// BenchmarkQueue: a place that somebody else has to give back first.
func BenchmarkQueue(b *testing.B) {
	r, route := bounded(b, router.Limits{Concurrent: 1, Queue: 10_000, Wait: time.Hour})
	b.ReportAllocs()
	b.SetParallelism(50)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			place, err := r.Enter(context.Background(), tenant("a"), route)
			if err != nil {
				b.Error(err)
				return
			}
			place.Leave(gateway.Attempt{Output: 20})
		}
	})
}

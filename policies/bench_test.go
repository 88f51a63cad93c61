// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"testing"

	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/ki-schleuse/schleuse/gateway"
)

// benchQuestion is a realistic question: social data, a case, five candidates.
func benchQuestion(g golden) gateway.Question {
	q := canaryQuestion()
	q.Request.Caller.Tenant, q.Request.Purpose = "musterstadt", gateway.PurposeSummarise
	q.Request.Caller.Purposes = []gateway.Purpose{gateway.PurposeSummarise, gateway.PurposeFactualQA}
	q.Request.Service, q.Request.Case = "wohngeld-mietzuschuss", "WG-1"
	q.Request.Entities = []gateway.Entity{{Type: "person"}}
	q.Screened = gateway.Screened{Counts: map[gateway.FindingKind]int{"iban": 1, "person": 3, "address": 1}}
	q.Models = nil
	for _, name := range []string{"own", "public", "private", "notified", "us"} {
		q.Models = append(q.Models, g.setup.Models[name])
	}
	return q
}

// BenchmarkDecideCached is one decision that was made before.
func BenchmarkDecideCached(b *testing.B) {
	e, g := corpus(b)
	benchDecide(b, e, benchQuestion(g))
}

// BenchmarkDecideUncached is one decision with the whole library. The facts about
// the candidates are known (rego/candidates): they change with the catalogue of
// models, not with the question.
func BenchmarkDecideUncached(b *testing.B) {
	_, g := corpus(b)
	benchDecide(b, uncached(b), benchQuestion(g))
}

// BenchmarkDecideCold is the same with candidates nobody asked about before.
func BenchmarkDecideCold(b *testing.B) {
	e, g := uncachedCorpus(b)
	q := benchQuestion(g)
	candidates := e.active.Load().candidates
	b.ReportAllocs()
	reportCPU(b, func() {
		for b.Loop() {
			clear(candidates.known)
			decideAllowed(b, e, q)
		}
	})
}

// BenchmarkDecideParallel is decisions on all processors: the same questions again
// (cached) and the rules asked each time (uncached).
func BenchmarkDecideParallel(b *testing.B) {
	cached, g := corpus(b)
	for name, e := range map[string]*Engine{"cached": cached, "uncached": uncached(b)} {
		b.Run(name, func(b *testing.B) {
			q := benchQuestion(g)
			reportCPU(b, func() {
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						decideAllowed(b, e, q)
					}
				})
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
		})
	}
}

func uncachedCorpus(b *testing.B) (*Engine, golden) {
	b.Helper()
	_, g := corpus(b)
	return uncached(b), g
}

func benchDecide(b *testing.B, e *Engine, q gateway.Question) {
	b.Helper()
	b.ReportAllocs()
	reportCPU(b, func() {
		for b.Loop() {
			decideAllowed(b, e, q)
		}
	})
}

func decideAllowed(b *testing.B, e *Engine, q gateway.Question) {
	b.Helper()
	if d, err := e.Decide(b.Context(), q); err != nil || !d.Allowed() {
		b.Error(d.Effect, err)
	}
}

// BenchmarkRules is the rules alone, without the view and the decoding: as their
// plan, and as OPA evaluates the same prepared query.
func BenchmarkRules(b *testing.B) {
	e, g := corpus(b)
	s := e.active.Load()
	f, err := questionFacts(benchQuestion(g))
	if err != nil {
		b.Fatal(err)
	}
	view, err := s.questionView(b.Context(), &f, canaryTimeout)
	if err != nil {
		b.Fatal(err)
	}
	for name, ask := range map[string]func() error{
		"plan":    func() error { _, err := s.main.evaluate(b.Context(), view, canaryTimeout); return err },
		"topdown": func() error { _, err := evaluate(b.Context(), s.query, view, canaryTimeout); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			reportCPU(b, func() {
				for b.Loop() {
					if err := ask(); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkPlainRego is the baseline: the same rules and the same question with
// rego.New().Eval() for every request.
func BenchmarkPlainRego(b *testing.B) {
	e, g := corpus(b)
	s := e.active.Load()
	f, err := questionFacts(benchQuestion(g))
	if err != nil {
		b.Fatal(err)
	}
	view, err := s.questionView(b.Context(), &f, canaryTimeout)
	if err != nil {
		b.Fatal(err)
	}
	options := []func(*rego.Rego){rego.Query("data.main.result"), rego.Store(s.store), rego.ParsedInput(view)}
	for _, name := range sortedKeys(e.bundle.modules) {
		source := e.bundle.sources[name]
		if name == collected {
			source = []byte(e.bundle.collectedSource())
		}
		options = append(options, rego.Module(name, string(source)))
	}
	b.ReportAllocs()
	reportCPU(b, func() {
		for b.Loop() {
			results, err := rego.New(options...).Eval(b.Context())
			if err != nil || len(results) != 1 {
				b.Fatal(results, err)
			}
		}
	})
}

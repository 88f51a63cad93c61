// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"encoding/json"
	"io/fs"
	"strings"
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

// BenchmarkDecide is one decision with the whole library.
func BenchmarkDecide(b *testing.B) {
	e, g := corpus(b)
	q := benchQuestion(g)
	b.ReportAllocs()
	reportCPU(b, func() {
		for b.Loop() {
			if d, err := e.Decide(b.Context(), q); err != nil || !d.Allowed() {
				b.Fatal(d.Effect, err)
			}
		}
	})
}

// BenchmarkPlainRego is the baseline: the same rules and the same question with
// rego.New().Eval() for every request.
func BenchmarkPlainRego(b *testing.B) {
	e, g := corpus(b)
	d, err := e.Decide(b.Context(), benchQuestion(g))
	if err != nil {
		b.Fatal(err)
	}
	var input any
	if err := json.Unmarshal(d.Input, &input); err != nil {
		b.Fatal(err)
	}
	options := []func(*rego.Rego){rego.Query("data.main.result"), rego.Store(e.active.Load().store), rego.Input(input)}
	err = fs.WalkDir(Library(), "rego", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".rego") || strings.HasSuffix(name, "_test.rego") {
			return err
		}
		source, err := fs.ReadFile(Library(), name)
		options = append(options, rego.Module(name, string(source)))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		results, err := rego.New(options...).Eval(b.Context())
		if err != nil || len(results) != 1 {
			b.Fatal(results, err)
		}
	}
}

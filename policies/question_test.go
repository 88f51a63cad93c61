// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

const exampleQuestion = `
tenant: musterstadt
purpose: summarise
service: wohngeld-mietzuschuss
case_date: 2026-03-01
screened: {counts: {iban: 2}}
models:
  - {id: m1, residency: own_datacentre, country: DE, data_classes: [sozialdaten], operations: [chat]}
`

func TestParseQuestion(t *testing.T) {
	t.Parallel()
	q, err := ParseQuestion([]byte(exampleQuestion))
	if err != nil {
		t.Fatal(err)
	}
	if q.Stage != gateway.StageRequest || q.Request.Caller.Channel != gateway.ChannelCaseworker || q.Screened.Counts["iban"] != 2 ||
		len(q.Models) != 1 || q.Models[0].Residency != gateway.ResidencyOwn || q.Request.CaseDate.Year() != 2026 || !q.Request.Time.IsZero() {
		t.Errorf("read as %+v", q)
	}
	raw, err := json.Marshal(map[string]any{"tenant": "t", "purpose": "chat", "entities": []any{map[string]any{"type": "person", "value": map[string]any{"first": "E"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if q, err = ParseQuestion(raw); err != nil || len(q.Request.Entities) != 1 || q.Request.Entities[0].First != "E" {
		t.Errorf("JSON read as %+v, %v", q, err)
	}
}

func TestParseQuestionRefuses(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"unknown field":     "tennant: x",
		"unknown model":     "models: [gpt]",
		"bad date":          "case_date: gestern",
		"bad time":          "time: mittags",
		"anchors":           "roles: &a [x]\nsources: *a",
		"not an object":     "- 1",
		"not YAML":          "a: [",
		"too large":         "user: " + strings.Repeat("x", maxQuestion),
		"unknown card word": "models: [{id: m, colour: red}]",
	} {
		if _, err := ParseQuestion([]byte(raw)); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseQuestion(f *testing.F) {
	f.Add([]byte(exampleQuestion))
	f.Add([]byte(`{"tenant":"x","models":["a"]}`))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		q, err := ParseQuestion(raw)
		if err != nil {
			return
		}
		q.Request.Time = canaryTime
		facts, err := questionFacts(q)
		if err != nil {
			return
		}
		canonical := facts.canonical()
		written := astWriter{purpose: func(p string) string { return p }}
		facts.write(&written, exact)
		if want := canonicalJSON(written.value); !json.Valid(canonical) || !bytes.Equal(canonical, want) {
			t.Errorf("canonical input is\n%s, from the AST it is\n%s", canonical, want)
		}
	})
}

// FuzzReplay: no recorded input, however damaged, is allowed without a known
// tenant, and none makes the engine fail differently than by a denial.
func FuzzReplay(f *testing.F) {
	e, g := corpus(f)
	for _, c := range g.cases[:5] {
		d, err := e.Decide(f.Context(), c.question)
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(d.Input))
	}
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := e.Replay(t.Context(), raw)
		if err != nil {
			t.Fatal(err)
		}
		if d.Allowed() && !strings.Contains(string(d.Input), `"tenant":"m`) {
			t.Errorf("allowed without a tenant: %s", raw)
		}
	})
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway/quota"
)

func TestParseEuro(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]quota.Euro{
		"0": 0, "12": 12_000_000, "12.5": 12_500_000, "0.000001": 1, "1000000000": 1_000_000_000_000_000,
	} {
		got, err := quota.ParseEuro(text)
		if err != nil || got != want {
			t.Errorf("%q = %d, %v; want %d", text, got, err, want)
		}
		if again, err := quota.ParseEuro(got.String()); err != nil || again != got {
			t.Errorf("%q is written as %q", text, got)
		}
	}
	for _, text := range []string{"", ".5", "1.", "1,5", "-1", "1e3", "0.0000001", "1000000001", "99999999999", "1 000", "NaN", "١"} {
		if got, err := quota.ParseEuro(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}

func FuzzParseEuro(f *testing.F) {
	for _, s := range []string{"12.50", "0", "9.999999", "-1", "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := quota.ParseEuro(s)
		if err != nil {
			return
		}
		if again, err := quota.ParseEuro(e.String()); err != nil || again != e || e < 0 {
			t.Errorf("%q = %d, written as %q, read as %d, %v", s, e, e, again, err)
		}
	})
}

const configuration = `
all: {requests_per_minute: 6000, budget_per_month: 20000}
tenants:
  "*": {budget_per_month: 500, concurrent: 20}
  musterhausen: {budget_per_month: 2000.50}
systems:
  musterhausen/wohngeld: {input_tokens_per_minute: 100000, output_tokens_per_minute: 20000}
keys:
  k_7f31: {budget_per_day: "2.5"}
purposes:
  "*/transcribe": {concurrent: 2}
`

func TestLimitsInYAMLAndJSON(t *testing.T) {
	t.Parallel()
	var l quota.Limits
	if err := yaml.UnmarshalWithOptions([]byte(configuration), &l, yaml.Strict()); err != nil {
		t.Fatalf("read YAML: %v", err)
	}
	if err := l.Validate(); err != nil {
		t.Fatalf("validate: %v", err)
	}
	if got := l.Tenants["musterhausen"].BudgetPerMonth; got != 2_000_500_000 {
		t.Errorf("budget of musterhausen = %d", got)
	}
	if got := l.Keys["k_7f31"].BudgetPerDay; got != 2_500_000 {
		t.Errorf("budget of the key = %d", got)
	}
	raw, err := json.Marshal(l)
	if err != nil {
		t.Fatalf("write JSON: %v", err)
	}
	var again quota.Limits
	if err := json.Unmarshal(raw, &again); err != nil || again.All != l.All || again.Keys["k_7f31"] != l.Keys["k_7f31"] || again.Tenants["*"] != l.Tenants["*"] {
		t.Errorf("JSON %s was read as %+v, %v", raw, again, err)
	}
	if out, err := yaml.Marshal(l); err != nil || !strings.Contains(string(out), "budget_per_month: 2000.5") {
		t.Errorf("YAML = %s, %v", out, err)
	}
}

func TestMistakesInLimitsAreAllNamed(t *testing.T) {
	t.Parallel()
	l := quota.Limits{
		All:      quota.Limit{Concurrent: -1},
		Tenants:  map[string]quota.Limit{"a/b": {}, "": {}},
		Systems:  map[string]quota.Limit{"wohngeld": {}, "*/wohngeld": {}, "*": {}},
		Keys:     map[string]quota.Limit{"k": {RequestsPerMinute: 1 << 60}},
		Purposes: map[string]quota.Limit{"*": {}, "a/*": {}, "*/chat": {}, "chat": {}, "a/chat": {}},
	}
	err := l.Validate()
	if err == nil {
		t.Fatal("no mistake was found")
	}
	for _, at := range []string{"all.concurrent", "tenants.a/b", "tenants.:", "systems.wohngeld", "systems.*/wohngeld", "keys.k.requests_per_minute", "purposes.*:", "purposes.a/*"} {
		if !strings.Contains(err.Error(), at) {
			t.Errorf("%s is not named in:\n%v", at, err)
		}
	}
	for _, at := range []string{"systems.*:", "purposes.*/chat", "purposes.chat", "purposes.a/chat"} {
		if strings.Contains(err.Error(), at) {
			t.Errorf("%s is right, but named in:\n%v", at, err)
		}
	}
}

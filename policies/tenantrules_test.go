// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// ownRule is a rule of a tenant with METADATA.
func ownRule(tenant gateway.TenantID, id, body string) string {
	return fmt.Sprintf(`# METADATA
# scope: package
# title: Eigene Regel
# custom:
#   rule_id: %s
#   legal_basis: "Dienstanweisung 3"
#   severity: block
#   text: Ein Satz.
#   text_en: A sentence.
package tenantrules[%q]

import rego.v2

%s
`, id, string(tenant), body)
}

// withOwn are the golden tenants, each with rules of its own.
func withOwn(g golden, rules func(gateway.TenantID) []string) map[gateway.TenantID]Tenant {
	out := maps.Clone(g.setup.Tenants)
	for id, t := range out {
		t.Rules = rules(id)
		out[id] = t
	}
	return out
}

// within says what a decision gives that the one of the library does not.
func within(base, own gateway.Decision) string {
	if !own.Allowed() {
		if len(own.Models)+len(own.Obligations) > 0 {
			return "a denial with models or obligations"
		}
		if len(own.Reasons) == 0 {
			return "a denial without a reason"
		}
		return ""
	}
	switch {
	case !base.Allowed():
		return "allowed what the library denies"
	case !reflect.DeepEqual(base.Risk, own.Risk), !slices.Equal(base.DataClasses, own.DataClasses):
		return "another class"
	}
	for _, m := range own.Models {
		if !slices.Contains(base.Models, m) {
			return "a model more: " + string(m)
		}
	}
	for m, rules := range base.Rejected {
		for _, r := range rules {
			if !slices.Contains(own.Rejected[m], r) {
				return "a rejection less: " + string(m)
			}
		}
	}
	for _, o := range base.Obligations {
		if !slices.ContainsFunc(own.Obligations, func(x gateway.Obligation) bool { return x.ID == o.ID && x.Rule == o.Rule && asStrict(o, x) }) {
			return "an obligation less or looser: " + o.ID
		}
	}
	for _, r := range base.Reasons {
		if !slices.Contains(own.Reasons, r) {
			return "a reason less: " + r.Rule
		}
	}
	return ""
}

// asStrict compares the parameters of an obligation.
func asStrict(base, own gateway.Obligation) bool {
	before, bounded := bound(base)
	after, still := bound(own)
	if bounded {
		return still && after <= before
	}
	return reflect.DeepEqual(base.Params, own.Params)
}

// TestTenantRulesOnlyNarrow generates rules of tenants, harmless and hostile ones,
// and decides every golden case with them: whatever they say, nothing is allowed,
// no model permitted and no obligation lifted that the library would not.
func TestTenantRulesOnlyNarrow(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	base := make([]gateway.Decision, len(g.cases))
	for i, c := range g.cases {
		base[i] = mustDecide(t, e, c.question)
	}
	sets, narrowed, failed := 24, 0, 0
	if testing.Short() || raceEnabled {
		sets = 6
	}
	for seed := range sets {
		random := rand.New(rand.NewPCG(uint64(seed), 4711))
		own, err := New(t.Context(), g.config(nil))
		if err != nil {
			t.Fatal(err)
		}
		tenants := withOwn(g, func(id gateway.TenantID) []string { return randomRules(random, id) })
		if err := own.SetTenants(t.Context(), tenants); err != nil {
			t.Fatal(err)
		}
		for i, c := range g.cases {
			d := mustDecide(t, own, c.question)
			if what := within(base[i], d); what != "" {
				t.Fatalf("seed %d, %s: %s\n%s", seed, c.name(), what, strings.Join(tenants[c.question.Request.Caller.Tenant].Rules, "\n---\n"))
			}
			if !reflect.DeepEqual(ruleIDs(d), ruleIDs(base[i])) {
				narrowed++
			}
			if !d.Allowed() && base[i].Allowed() && strings.HasPrefix(d.Reasons[0].Rule, "MND") {
				failed++
			}
		}
	}
	if narrowed == 0 || failed == 0 {
		t.Errorf("%d decisions were narrowed, %d denied: the generated rules show nothing", narrowed, failed)
	}
	t.Logf("%d sets of rules over %d cases: %d decisions narrowed, %d of them denied", sets, len(g.cases), narrowed, failed)
}

// Conditions and consequences of generated rules.
var (
	randomConditions = []string{
		`input.purpose == "chat"`, `input.caller.channel == "citizen"`, `input.caller.has_user`, `not input.caller.has_user`,
		`count(input.declared) > 0`, `input.stage == "request"`, `input.stage == "response"`, `true`, `input.screened.total > 0`,
		`some id in input.candidates.ids; startswith(id, "u")`, `input.known.purpose`, `"personal" in input.declared`,
		`data.catalog.purposes.purposes[input.purpose]`, `substring(input.purpose, -1, 1) == "x"`, `count([1 | input.models[_]]) > 1`,
	}
	randomConsequences = []string{
		"deny if { %s }", "note if { %s }", "reject contains id if { some id in input.candidates.ids; %s }", `reject contains "us" if { %s }`,
		`oblige contains {"id": "human_release", "params": {}} if { %s }`, `oblige contains {"id": "cap_tokens", "params": {"max": 100}} if { %s }`,
		`oblige contains {"id": "cap_tokens", "params": {"max": 10000000}} if { %s }`, `oblige contains {"id": "review_output", "params": {"max_bytes": 99999999}} if { %s }`,
		`oblige contains {"id": "strip_fields", "params": {"fields": ["user"]}} if { %s }`, `oblige contains {"id": "log_content", "params": {"days": 9999}} if { %s }`,
		`oblige contains {"id": "retain", "params": {"ceiling_days": 1}} if { %s }`, `reject contains 7 if { %s }`, `oblige contains "nothing" if { %s }`,
	}
	randomAttacks = []string{
		`allow := true`, `effect := "allow"`, `models := input.candidates.ids`, `deny := false`, "deny := true\n\ndeny := false",
		`_x := http.send({"method": "GET", "url": "http://localhost"})`, `_x := data.catalog.tenants`, `_x := data.main.result`, `_x := data`,
		`_x := [a | some k; a := data.catalog[k]]`, "_f(x) := y if { y := x with input as {} }", `default deny := "no"`,
		`_n := [1 | some a, b, c, d, e, f in [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 1, 1, 1, 1, 1]]`,
	}
)

func randomRules(r *rand.Rand, tenant gateway.TenantID) []string {
	var out []string
	for i := range 1 + r.IntN(3) {
		var body []string
		for range 1 + r.IntN(2) {
			body = append(body, fmt.Sprintf(randomConsequences[r.IntN(len(randomConsequences))], randomConditions[r.IntN(len(randomConditions))]))
		}
		if r.IntN(5) == 0 {
			body = append(body, randomAttacks[r.IntN(len(randomAttacks))])
		}
		out = append(out, ownRule(tenant, fmt.Sprintf("MND-%03d", i+1), strings.Join(body, "\n\n")))
	}
	return out
}

// slowRule takes longer than any rule may.
const slowRule = `deny if count([1 | some a in _d; some b in _d; some c in _d; some d in _d; some e in _d; some f in _d; a+b+c+d+e+f < 0]) > 0

_d := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]`

func TestTenantRulesThatFail(t *testing.T) {
	t.Parallel()
	const tenant = "canary-1"
	named := func(body string) []string { return []string{ownRule(tenant, "MND-007", body)} }
	many := make([]string, maxTenantRules+1)
	for i := range many {
		many[i] = ownRule(tenant, fmt.Sprintf("MND-%03d", i+1), "note if true")
	}
	cases := []struct {
		name  string
		rules []string
		rule  string // that refuses
	}{
		{"not Rego", []string{"deny everything"}, "MND-000"},
		{"empty", []string{""}, "MND-000"},
		{"another package", []string{strings.Replace(ownRule(tenant, "MND-007", "deny if true"), tenant, "other", 1)}, "MND-000"},
		{"a package of the library", []string{strings.Replace(ownRule(tenant, "MND-007", "deny if true"), `tenantrules["canary-1"]`, "rules.tenant.known", 1)}, "MND-000"},
		{"an id of the library", []string{ownRule(tenant, "TEN-001", "deny if true")}, "MND-000"},
		{"a date that is no text", []string{strings.Replace(ownRule(tenant, "MND-007", "deny if true"), "#   text:", "#   valid_from: 2030-01-01\n#   text:", 1)}, "MND-000"},
		{"no METADATA", []string{"package tenantrules[\"canary-1\"]\n\nimport rego.v2\n\ndeny if true\n"}, "MND-000"},
		{"too many", many, "MND-000"},
		{"too long", []string{ownRule(tenant, "MND-007", strings.Repeat("# x\n", maxTenantSource))}, "MND-000"},
		{"too deep", []string{ownRule(tenant, "MND-007", "_x := "+strings.Repeat("[", 2000)+strings.Repeat("]", 2000))}, "MND-000"},
		{"an id twice", append(named("note if true"), named("note if true")...), "MND-007"},
		{"nothing said", named("_x := 1"), "MND-007"},
		{"allow", named("allow := true\n\nnote if true"), "MND-007"},
		{"an effect by another branch", named("note if false\n\nresult := 1 if false else := 2"), "MND-007"},
		{"network", named(`deny if http.send({"method": "GET", "url": "http://localhost"}).status_code == 200`), "MND-007"},
		{"the clock", named(`deny if time.now_ns() > 0`), "MND-007"},
		{"other tenants", named(`deny if data.catalog.tenants.other.active`), "MND-007"},
		{"other tenants by a variable", named("deny if {\n\tsome t\n\tdata.catalog[t].other.active\n}"), "MND-007"},
		{"other tenants by a function", named(`deny if object.get(data.catalog, "tenants", {}).other.active`), "MND-007"},
		{"the whole of data", named(`deny if data.x`), "MND-007"},
		{"rules of the library", named(`deny if data.rules.tenant.known.deny`), "MND-007"},
		{"another input", named(`deny if count(input) == 0 with input as {}`), "MND-007"},
		{"a conflict", named("note := true\n\nnote := false"), "MND-007"},
		{"a conflict of helpers", named("note if _x\n\n_x := true\n\n_x := false"), "MND-007"},
		{"an error of a function", named(`deny if substring(input.purpose, -1, 1) == "x"`), "MND-007"},
		{"too slow", named(slowRule), "MND-007"},
		{"deny is a text", named(`default deny := "no"`), "MND-007"},
		{"reject is no set of texts", named("reject contains 7 if true"), "MND-007"},
		{"an obligation that widens", named(`oblige contains {"id": "log_content", "params": {"days": 9}} if true`), "MND-007"},
		{"an unknown obligation", named(`oblige contains {"id": "sing", "params": {}} if true`), "MND-007"},
		{"large parameters", named(`oblige contains {"id": "notice", "params": {"text": x}} if {
	x := concat("", [y | some _ in [1, 2, 3, 4, 5, 6, 7, 8, 9]; y := sprintf("%1000d", [1])])
}`), "MND-007"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e, err := New(t.Context(), Config{Tenants: map[gateway.TenantID]Tenant{tenant: {Active: true, Rules: c.rules}, "town": {Active: true}}})
			if err != nil {
				t.Fatalf("rules of one tenant must not stop all: %v", err)
			}
			q := townQuestion()
			if d := mustDecide(t, e, q); !d.Allowed() {
				t.Errorf("another tenant is refused: %v", d.Reasons)
			}
			q.Request.Caller.Tenant = tenant
			d := mustDecide(t, e, q)
			if d.Allowed() || len(d.Reasons) != 1 || d.Reasons[0].Rule != c.rule {
				t.Errorf("got %s %v, want a denial by %s", d.Effect, d.Reasons, c.rule)
			}
		})
	}
}

func TestTenantRulesNarrow(t *testing.T) {
	t.Parallel()
	const tenant = "town"
	rules := []string{
		ownRule(tenant, "MND-001", `reject contains id if {
	some id in input.candidates.ids
	id != "canary"
}`),
		ownRule(tenant, "MND-002", `oblige contains {"id": "cap_tokens", "params": {"max": 200}} if true

oblige contains {"id": "cap_tokens", "params": {"max": 90}} if input.operation == "chat"`),
		ownRule(tenant, "MND-003", `deny if not _permitted

_permitted if input.caller.channel == "caseworker"`),
		strings.Replace(ownRule(tenant, "MND-004", "deny if true"), "#   text:", "#   valid_from: \"2030-01-01\"\n#   text:", 1),
	}
	if err := CheckTenantRules(t.Context(), tenant, rules); err != nil {
		t.Fatal(err)
	}
	e, err := New(t.Context(), Config{Tenants: map[gateway.TenantID]Tenant{tenant: {Active: true, Rules: rules}}})
	if err != nil {
		t.Fatal(err)
	}
	q := townQuestion()
	other := q.Models[0]
	other.ID = "second"
	q.Models = append(q.Models, other)
	for range 2 { // the second time it is remembered
		d := mustDecide(t, e, q)
		if !d.Allowed() || !slices.Equal(d.Models, []gateway.ModelID{"canary"}) || !slices.Equal(d.Rejected["second"], []string{"MND-001"}) {
			t.Errorf("got %s %v %v %v", d.Effect, d.Models, d.Rejected, d.Reasons)
		}
		for _, o := range d.Obligations {
			if o.ID == gateway.ObligationCapTokens && fmt.Sprint(o.Params["max"]) != "90" {
				t.Errorf("the looser bound was left: %v", o.Params)
			}
		}
		again, err := e.Replay(t.Context(), d.Input)
		if err != nil || !reflect.DeepEqual(again.Models, d.Models) || len(again.Obligations) != len(d.Obligations) {
			t.Errorf("the replay says %v %v", again.Models, err)
		}
	}
	q.Models = q.Models[1:]
	if d := mustDecide(t, e, q); d.Allowed() || d.Reasons[0].Rule != "MND-001" || d.Reasons[0].Severity != "block" {
		t.Errorf("no model left: %s %v", d.Effect, d.Reasons)
	}
	q = townQuestion()
	q.Request.Caller.Channel = gateway.ChannelCitizen
	if d := mustDecide(t, e, q); d.Allowed() {
		t.Error("the tenant's denial did not count")
	}
	digest := e.Digest()
	if err := e.SetTenants(t.Context(), map[gateway.TenantID]Tenant{tenant: {Active: true, Rules: rules[:2]}}); err != nil {
		t.Fatal(err)
	}
	if e.Digest() == digest {
		t.Error("other rules of a tenant have the same digest")
	}
	if raw, err := json.Marshal(e.active.Load().tables["tenants"].String()); err != nil || strings.Contains(string(raw), "MND") {
		t.Error("the text of rules stands in the tables")
	}
	if err := CheckTenantRules(context.Background(), tenant, []string{"nonsense"}); gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("nonsense was accepted: %v", err)
	}
}

// TestEndedCallerIsNoFailure: a caller who left is not a rule that failed.
func TestEndedCallerIsNoFailure(t *testing.T) {
	t.Parallel()
	e, err := New(t.Context(), Config{Tenants: map[gateway.TenantID]Tenant{"town": {Active: true, Rules: []string{ownRule("town", "MND-001", "note if true")}}}})
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := e.Decide(ended, townQuestion())
	if err == nil || d.Allowed() || d.Reasons[0].Rule != "KERN-000" {
		t.Errorf("got %s %v, %v", d.Effect, d.Reasons, err)
	}
}

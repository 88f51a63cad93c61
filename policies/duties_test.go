// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/ki-schleuse/schleuse/gateway"
)

// TestEveryRuleSpeaks: a rule that no golden case makes speak may be dead.
func TestEveryRuleSpeaks(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	spoke := map[string]bool{}
	for _, c := range g.cases {
		d, err := e.Decide(t.Context(), c.question)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ruleIDs(d) {
			spoke[id] = true
		}
	}
	for _, r := range e.Rules() {
		if !spoke[r.ID] {
			t.Errorf("%s (%s) speaks in no golden case", r.ID, r.Title)
		}
	}
}

// TestEveryObligationHasAHandler reads the rules: an id that the gateway cannot
// carry out would deny every request it is meant for.
func TestEveryObligationHasAHandler(t *testing.T) {
	t.Parallel()
	b, err := readBundle(Library())
	if err != nil {
		t.Fatal(err)
	}
	emitted := map[string]bool{}
	for name, m := range b.modules {
		for _, id := range obligationIDs(t, m) {
			emitted[id] = true
			if !gateway.KnownObligation(id) {
				t.Errorf("%s obliges to %q, which nobody carries out", name, id)
			}
		}
	}
	for _, id := range []string{
		gateway.ObligationPseudonymise, gateway.ObligationStripFields, gateway.ObligationNotice, gateway.ObligationHumanRelease,
		gateway.ObligationWatermark, gateway.ObligationReview, gateway.ObligationNoContentLog, gateway.ObligationLogContent,
		gateway.ObligationCapTokens, gateway.ObligationCiteSources, gateway.ObligationBlockTools, gateway.ObligationRestrictModels,
		gateway.ObligationRetain,
	} {
		if !emitted[id] {
			t.Errorf("no rule obliges to %s", id)
		}
	}
}

// obligationIDs are the ids in the heads of "oblige contains {…}". An id has to be
// written down there, so that it can be found.
func obligationIDs(t *testing.T, m *ast.Module) []string {
	t.Helper()
	var ids []string
	for _, r := range m.Rules {
		if r.Head.Ref().GroundPrefix().String() != "oblige" {
			continue
		}
		o, ok := r.Head.Key.Value.(ast.Object)
		if !ok {
			t.Errorf("%s: the obligation is not written as an object", r.Location)
			continue
		}
		id, ok := stringField(o, "id")
		if !ok {
			t.Errorf("%s: the obligation has no id in words", r.Location)
		}
		ids = append(ids, id)
	}
	return ids
}

// TestObligationParameters: the parameters the library hands over are such that the
// gateway can use them.
func TestObligationParameters(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	needs := map[string][]string{
		gateway.ObligationCapTokens: {"max"}, gateway.ObligationRetain: {"floor_days", "ceiling_days"}, gateway.ObligationLogContent: {"days"},
		gateway.ObligationStripFields: {"fields"}, gateway.ObligationRestrictModels: {"residencies"},
	}
	for _, c := range g.cases {
		d, err := e.Decide(t.Context(), c.question)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range d.Obligations {
			for _, name := range needs[o.ID] {
				if o.Params[name] == nil {
					t.Errorf("%s: %s comes without %s", c.name(), o.ID, name)
				}
			}
		}
		_, kept := d.Obligation(gateway.ObligationLogContent)
		if _, never := d.Obligation(gateway.ObligationNoContentLog); kept && never {
			t.Errorf("%s: content is to be kept and not to be kept", c.name())
		}
	}
}

const dutiesFile = "../docs/duties.md"

var (
	dutyLine    = regexp.MustCompile(`^\| ([0-9]+) \|`)
	rulesInText = regexp.MustCompile(`\b[A-Z]{3,4}-[0-9]{3}\b`)
	checksIn    = regexp.MustCompile("`check:([a-z_]+)`")
)

// TestDutiesTable reads docs/duties.md: every duty stands there once, with rules that
// exist, checks that exist, or a reason.
func TestDutiesTable(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(dutiesFile)
	if err != nil {
		t.Fatal(err)
	}
	e, _ := corpus(t)
	known := map[string]bool{"KERN-000": true, "KERN-001": true, "KERN-002": true, "KERN-003": true}
	for _, r := range e.Rules() {
		known[r.ID] = true
	}
	seen := map[int]bool{}
	named := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		for _, id := range rulesInText.FindAllString(line, -1) {
			named[id] = true
			if !known[id] {
				t.Errorf("docs/duties.md names the rule %s, which does not exist", id)
			}
		}
		for _, check := range checksIn.FindAllStringSubmatch(line, -1) {
			if !slices.Contains(CheckNames(), check[1]) {
				t.Errorf("docs/duties.md names the check %s, which does not exist", check[1])
			}
		}
		m := dutyLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[1])
		if seen[n] {
			t.Errorf("duty %d stands twice", n)
		}
		seen[n] = true
		if rulesInText.FindString(line) == "" && !strings.Contains(line, "`check:") && !strings.Contains(line, "not checkable") && !strings.Contains(line, "elsewhere") {
			t.Errorf("duty %d has neither rule nor check nor reason: %s", n, line)
		}
	}
	for n := 1; n <= 31; n++ {
		if !seen[n] {
			t.Errorf("duty %d is missing", n)
		}
	}
	for _, r := range e.Rules() {
		if !named[r.ID] {
			t.Errorf("rule %s stands in no line of docs/duties.md", r.ID)
		}
	}
}

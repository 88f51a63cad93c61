// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// goldenHistory are records of the golden cases, each so many times.
func goldenHistory(t testing.TB, e *Engine, g golden, times int) Records {
	t.Helper()
	var records []gateway.Record
	for i, c := range g.cases {
		d := mustDecide(t, e, c.question)
		for n := range times {
			records = append(records, gateway.Record{
				ID: fmt.Sprintf("r%d-%d", i, n), Time: time.Unix(int64(i), 0), Tenant: c.question.Request.Caller.Tenant,
				Service: c.question.Request.Service, Decisions: []gateway.Decision{d},
			})
		}
	}
	return func(yield func(gateway.Record) error) error {
		for _, r := range records {
			if err := yield(r); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestSamePoliciesSayTheSame: the same bundle, compiled again, gives no difference
// over the whole golden corpus, and recorded decisions are made again as they were.
func TestSamePoliciesSayTheSame(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	again, _ := corpus(t)
	history := goldenHistory(t, e, g, 3)
	impact, err := Compare(t.Context(), e, again, history, CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if impact.Records != 3*len(g.cases) || impact.Differences() != 0 || impact.Errors.Count != 0 || impact.Compared+impact.NotComparable.Count != impact.Records {
		t.Errorf("%+v", impact)
	}
	if impact.Distinct == 0 || impact.Distinct > len(g.cases) || impact.Compared < len(g.cases) {
		t.Errorf("%d different questions of %d cases, %d compared", impact.Distinct, len(g.cases), impact.Compared)
	}
	self, err := e.SelfTest(t.Context(), history, CompareOptions{})
	if err != nil || self.Differences() != 0 || self.Compared == 0 {
		t.Errorf("self test: %+v, %v", self, err)
	}
	second, err := Compare(t.Context(), e, again, history, CompareOptions{})
	if err != nil || second.Digest() != impact.Digest() || impact.Digest() == "" {
		t.Errorf("the digest of the report is not stable: %v", err)
	}
	few, err := Compare(t.Context(), e, again, history, CompareOptions{Limit: 5})
	if err != nil || few.Records != 5 || few.Digest() == impact.Digest() {
		t.Errorf("with a limit: %d records, %v", few.Records, err)
	}
}

func TestImpactIsCountedOpenly(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	draft, err := e.Beside(t.Context(), bundleWith(t, map[string]string{
		"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny if input.purpose == "chat"`), "manifest.yaml": "revision: draft\nquantities: presence\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	history := goldenHistory(t, e, g, 2)
	impact, err := Compare(t.Context(), e, draft, func(yield func(gateway.Record) error) error {
		if err := yield(gateway.Record{ID: "old", Decisions: []gateway.Decision{{Input: json.RawMessage(`{"stage":"request"}`)}, {Input: nil}}}); err != nil {
			return err
		}
		return history(yield)
	}, CompareOptions{})
	if err != nil {
		t.Fatal(err)
	}
	denied := 0
	for _, c := range g.cases {
		d := mustDecide(t, e, c.question)
		if n := mustDecide(t, draft, c.question); d.Allowed() && !n.Allowed() {
			denied += 2
		}
	}
	if impact.NewlyDenied.Count != denied || denied == 0 || impact.NewlyAllowed.Count != 0 {
		t.Errorf("newly denied %d, want %d; newly allowed %d", impact.NewlyDenied.Count, denied, impact.NewlyAllowed.Count)
	}
	if impact.NotComparable.Count < 1 || impact.NotComparable.Samples[0] != "old" {
		t.Errorf("records of another form: %+v", impact.NotComparable)
	}
	if len(impact.NewlyDenied.Samples) > maxSamples {
		t.Errorf("%d samples", len(impact.NewlyDenied.Samples))
	}
	if impact.ByRule["TEN-900"].Added < denied {
		t.Errorf("by rule: %+v", impact.ByRule)
	}
	sum := 0
	for _, tally := range impact.ByTenant {
		sum += tally.NewlyDenied
	}
	if sum != denied {
		t.Errorf("by tenant: %d of %d", sum, denied)
	}
	back, err := Compare(t.Context(), draft, e, history, CompareOptions{})
	if err != nil || back.NewlyAllowed.Count != denied {
		t.Errorf("the other way round %d become allowed, want %d (%v)", back.NewlyAllowed.Count, denied, err)
	}
}

// TestShadowWaitsForNobody: a shadow that does not keep up leaves out and counts.
func TestShadowWaitsForNobody(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	var mu sync.Mutex
	outcomes := map[string]int{}
	s, err := e.Shadow(t.Context(), bundleWith(t, map[string]string{"rego/tenant/probe/probe.rego": ruleSource("TEN-900", `deny if input.purpose == "chat"`)}), ShadowOptions{
		Queue: 1, Observed: func(o string) { mu.Lock(); outcomes[o]++; mu.Unlock() },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range g.cases {
		want := mustDecide(t, e, c.question)
		d, err := e.Pin().Decide(t.Context(), c.question)
		if err != nil || d.Effect != want.Effect || strings.Join(ruleIDs(d), " ") != strings.Join(ruleIDs(want), " ") {
			t.Fatalf("%s: the shadow changed the decision", c.name())
		}
	}
	counts := s.Stop()
	if counts.Asked != int64(len(g.cases)) || counts.Dropped == 0 && counts.Compared == 0 || counts.Compared+counts.Errors+counts.Dropped > counts.Asked {
		t.Errorf("%+v of %d", counts, len(g.cases))
	}
	if s.Running() || e.shadow.Load() != nil {
		t.Error("the shadow still runs")
	}
	if again := s.Stop(); again.Asked != counts.Asked {
		t.Error("stopped twice")
	}
	if sum := counts.Add(counts); sum.Asked != 2*counts.Asked {
		t.Error("sum of two replicas")
	}
}

// TestRequestsAreCountedOnce: a request of several decisions is one request, whatever
// its stages say.
func TestRequestsAreCountedOnce(t *testing.T) {
	t.Parallel()
	denied, allowed := verdict{kind: verdictDenied, wasAllowed: true}, verdict{wasAllowed: true, isAllowed: true}
	lifted := verdict{kind: verdictAllowed, isAllowed: true, said: true, removed: []string{"X"}}
	duties := verdict{kind: verdictChanged, wasAllowed: true, isAllowed: true, obligations: true}
	refused := verdict{}
	for name, c := range map[string]struct {
		of   []verdict
		want verdictKind
	}{
		"nothing decided":               {nil, verdictOther},
		"denied at every stage":         {[]verdict{denied, denied, denied}, verdictDenied},
		"denied at the answer":          {[]verdict{allowed, allowed, denied}, verdictDenied},
		"allowed at one, denied before": {[]verdict{lifted, allowed}, verdictAllowed},
		"still refused, elsewhere":      {[]verdict{lifted, refused}, verdictChanged},
		"other obligations":             {[]verdict{allowed, duties}, verdictChanged},
		"the same":                      {[]verdict{allowed, allowed}, verdictSame},
		"partly of another form":        {[]verdict{allowed, {kind: verdictOther}}, verdictOther},
		"partly an error":               {[]verdict{{kind: verdictError}, allowed, {kind: verdictOther}}, verdictError},
		"denied, partly an error":       {[]verdict{denied, {kind: verdictError}}, verdictDenied},
	} {
		if got := together(c.of); got.kind != c.want {
			t.Errorf("%s: %s, want %s", name, got.kind, c.want)
		}
	}
	if v := together([]verdict{denied, duties}); v.obligations {
		t.Error("a request that is newly denied counts among the other obligations too")
	}
}

// TestSelfTestReadsTheRecord: what the record holds is compared, and what other
// policies decided is named and never the same.
func TestSelfTestReadsTheRecord(t *testing.T) {
	t.Parallel()
	e, g := corpus(t)
	c := g.cases[slices.IndexFunc(g.cases, func(c goldenCase) bool { return mustDecide(t, e, c.question).Allowed() })]
	d := mustDecide(t, e, c.question)
	if d.Bundle == "" || d.Bundle != e.Bundle() || d.Bundle == d.Digest {
		t.Errorf("the decision names bundle %q and digest %q", d.Bundle, d.Digest)
	}
	changed := func(change func(*gateway.Decision)) gateway.Record {
		d := d
		d.Reasons, d.Obligations = slices.Clone(d.Reasons), slices.Clone(d.Obligations)
		change(&d)
		return gateway.Record{ID: "r", Tenant: c.question.Request.Caller.Tenant, Decisions: []gateway.Decision{d}}
	}
	elsewhere := func(d *gateway.Decision) { d.Digest = "of other tenants" }
	for name, row := range map[string]struct {
		record          gateway.Record
		sameRules       bool
		same, different int
		others          int
	}{
		"as it was":                      {changed(func(*gateway.Decision) {}), false, 1, 0, 0},
		"another effect":                 {changed(func(d *gateway.Decision) { d.Effect = gateway.EffectDeny }), false, 0, 1, 0},
		"a reason more":                  {changed(func(d *gateway.Decision) { d.Reasons = append(d.Reasons, gateway.Reason{Rule: "TEN-090"}) }), false, 0, 1, 0},
		"an obligation more":             {changed(func(d *gateway.Decision) { d.Obligations = append(d.Obligations, gateway.Obligation{ID: "notice"}) }), false, 0, 1, 0},
		"other tenants":                  {changed(elsewhere), false, 0, 0, 1},
		"other tenants, the same rules":  {changed(elsewhere), true, 1, 0, 0},
		"other tenants, before bundles":  {changed(func(d *gateway.Decision) { elsewhere(d); d.Bundle = "" }), true, 1, 0, 0},
		"another bundle of that name":    {changed(func(d *gateway.Decision) { elsewhere(d); d.Bundle = "ab" }), true, 0, 0, 1},
		"another revision":               {changed(func(d *gateway.Decision) { elsewhere(d); d.Revision = "2099-01-01.1" }), true, 0, 0, 1},
		"another effect, the same rules": {changed(func(d *gateway.Decision) { elsewhere(d); d.Effect = gateway.EffectDeny }), true, 0, 1, 0},
	} {
		impact, err := e.SelfTest(t.Context(), func(yield func(gateway.Record) error) error { return yield(row.record) }, CompareOptions{SameRules: row.sameRules})
		if err != nil {
			t.Fatal(err)
		}
		others := 0
		for _, o := range impact.OtherPolicies {
			others += o.Requests
		}
		if impact.Same != row.same || impact.Differences() != row.different || others != row.others || others != impact.NotComparable.Count {
			t.Errorf("%s: %d the same, %d different, of others %+v, not comparable %d", name, impact.Same, impact.Differences(), impact.OtherPolicies, impact.NotComparable.Count)
		}
	}
}

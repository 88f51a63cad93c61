// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

func guideEngine(t *testing.T, day time.Time) *Engine {
	t.Helper()
	var services []gateway.ServiceCard
	for _, annex := range []string{"", "5(a)", "5(d)", "7(b)", "7(c)", "8(a)"} {
		services = append(services, gateway.ServiceCard{
			ID: gateway.ServiceID("fach-" + cmp.Or(strings.NewReplacer("(", "", ")", "").Replace(annex), "ohne")), AnnexIII: annex, AutomationNorm: "§ 46 Abs. 5 StVO",
		})
	}
	e, err := New(t.Context(), Config{
		Tenants: map[gateway.TenantID]Tenant{"t": {Active: true}}, Services: services, Timeout: canaryTimeout,
		Now: func() time.Time { return day },
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestExamples classifies every example of the guide with the engine.
func TestExamples(t *testing.T) {
	t.Parallel()
	e := guideEngine(t, canaryTime)
	g, err := e.Guide(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Examples) < 40 {
		t.Errorf("only %d examples", len(g.Examples))
	}
	_, corpus := corpus(t)
	seen, areas, classes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, x := range g.Examples {
		if seen[x.ID] || x.Title == "" || x.Why == "" || x.Norm == "" || x.From == "" {
			t.Errorf("%s is there twice or not complete: %+v", x.ID, x)
		}
		seen[x.ID], areas[x.Area], classes[x.Class] = true, true, true
		plan := Plan{Tenant: "t", Purpose: x.Purpose, Channel: x.Channel, Models: []gateway.ModelCard{corpus.setup.Models["own"]}}
		plan.Service = gateway.ServiceID("fach-" + cmp.Or(strings.NewReplacer("(", "", ")", "").Replace(x.Annex), "ohne"))
		c, err := e.Classify(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		if c.Risk.Class != x.Class {
			t.Errorf("%s %q is %s, the example says %s", x.ID, x.Title, c.Risk.Class, x.Class)
		}
		if refused := slices.Contains([]string{"high_risk", "prohibited", "unclassified"}, x.Class); c.Allowed == refused {
			t.Errorf("%s %q: allowed %v: %v", x.ID, x.Title, c.Allowed, c.Reasons)
		}
		if strings.HasPrefix(x.Paragraph, "Rn.") && !strings.Contains(c.Risk.Basis, "Rn.") && x.Class != "out_of_scope" && x.Annex != "" && x.Class != "high_risk" {
			t.Errorf("%s names %s, the table %s", x.ID, x.Paragraph, c.Risk.Basis)
		}
	}
	if len(areas) < 12 || len(classes) < 8 {
		t.Errorf("%d areas, %d classes", len(areas), len(classes))
	}
}

func TestGuide(t *testing.T) {
	t.Parallel()
	g, err := guideEngine(t, canaryTime).Guide(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if g.Date != "2026-11-21" || g.Revision == "" {
		t.Errorf("for %s, revision %s", g.Date, g.Revision)
	}
	classes := map[string]GuideClass{}
	for _, c := range g.Classes {
		classes[c.ID] = c
		if c.Title == "" || c.Text == "" || c.Basis == "" || len(c.Checklist) == 0 {
			t.Errorf("class %s is not complete", c.ID)
		}
		if c.Permitted != slices.Contains(riskClasses, c.ID) {
			t.Errorf("class %s is permitted %v", c.ID, c.Permitted)
		}
		for _, d := range c.Checklist {
			if _, err := time.Parse(time.DateOnly, d.Since); err != nil || d.Duty == "" || d.Norm == "" || d.Who == "" || !strings.Contains(d.Day, " 20") {
				t.Errorf("class %s: duty %+v is not complete", c.ID, d)
			}
		}
	}
	for _, p := range g.Purposes {
		if p.Title == "" || p.Text == "" || len(p.Rows) == 0 {
			t.Errorf("purpose %s is not complete", p.ID)
		}
		for _, r := range p.Rows {
			if classes[r.Class].ID == "" || r.Basis == "" || r.Source == "" {
				t.Errorf("purpose %s: row %+v", p.ID, r)
			}
		}
	}
	if !slices.IsSortedFunc(g.Purposes, func(a, b GuidePurpose) int { return strings.Compare(fold(a.Title), fold(b.Title)) }) || len(g.Purposes) < 40 {
		t.Errorf("%d purposes, or not in order", len(g.Purposes))
	}
}

// TestGuideSaysWhatAppliesLater: a duty of tomorrow is there today, with its day.
func TestGuideSaysWhatAppliesLater(t *testing.T) {
	t.Parallel()
	for day, inForce := range map[string]bool{"2027-12-01": false, "2027-12-02": true} {
		now, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		g, err := guideEngine(t, now).Guide(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		high := g.Classes[slices.IndexFunc(g.Classes, func(c GuideClass) bool { return c.ID == "high_risk" })]
		i := slices.IndexFunc(high.Checklist, func(d GuideDuty) bool { return strings.HasPrefix(d.Norm, "Art. 27") })
		if i < 0 || high.Checklist[i].InForce != inForce || high.Checklist[i].Day != "2. Dezember 2027" {
			t.Errorf("on %s: %+v", day, high.Checklist)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	good := gateway.ModelCard{
		ID: "gut", Residency: gateway.ResidencyPrivateEU, ProcessorKind: "private", Contract: "AVV-1", Para80Notice: "A-1", Para80Ground: "cost",
		Para30AO: true, Art9: true, DataClasses: []gateway.DataClass{gateway.DataSozialdaten, gateway.DataSteuer, gateway.DataArt9},
	}
	model := func(change func(*gateway.ModelCard)) Setup {
		m := good
		change(&m)
		return Setup{Models: []gateway.ModelCard{m}, Now: canaryTime}
	}
	tenant := func(t Tenant) Setup {
		t.Active = true
		return Setup{Tenants: map[gateway.TenantID]Tenant{"t": t}, Now: canaryTime}
	}
	release := Release{Service: "s", Registration: "1", FRIA: "2", DPIA: "3", Oversight: "4", ValidFrom: "2026-01-01"}
	trained := TenantDuties{Trained: "2026-01-01", StaffInformed: "2026-01-01"}
	ending, incomplete := release, release
	ending.ValidTo, incomplete.FRIA = "2026-12-01", ""
	for name, c := range map[string]struct {
		setup Setup
		want  []string
	}{
		"nothing to find":         {model(func(*gateway.ModelCard) {}), nil},
		"no contract":             {model(func(m *gateway.ModelCard) { m.Contract = "" }), []string{"model_contract"}},
		"no notice":               {model(func(m *gateway.ModelCard) { m.Para80Notice = "" }), []string{"model_sozialdaten"}},
		"no ground":               {model(func(m *gateway.ModelCard) { m.Para80Ground = "" }), []string{"model_sozialdaten"}},
		"staff not bound":         {model(func(m *gateway.ModelCard) { m.Para30AO = false }), []string{"model_steuer"}},
		"art9 by class alone":     {model(func(m *gateway.ModelCard) { m.Art9 = false }), []string{"model_art9"}},
		"trains":                  {model(func(m *gateway.ModelCard) { m.TrainsOnInput = true }), []string{"model_training"}},
		"in the house":            {model(func(m *gateway.ModelCard) { m.Residency, m.Contract, m.Para80Notice = gateway.ResidencyOwn, "", "" }), nil},
		"service without a norm":  {Setup{Services: []gateway.ServiceCard{{ID: "s"}}, Now: canaryTime}, []string{"service_legal_basis"}},
		"untrained":               {tenant(Tenant{}), []string{"tenant_training"}},
		"trained tomorrow":        {tenant(Tenant{TenantDuties: TenantDuties{Trained: "2026-11-22"}}), []string{"tenant_training"}},
		"staff not informed":      {tenant(Tenant{Releases: []Release{release}, TenantDuties: TenantDuties{Trained: "2026-01-01"}}), []string{"tenant_staff_informed"}},
		"release incomplete":      {tenant(Tenant{Releases: []Release{incomplete}, TenantDuties: trained}), []string{"tenant_release"}},
		"release about to end":    {tenant(Tenant{Releases: []Release{ending}, TenantDuties: trained}), []string{"tenant_release_ends"}},
		"content for zero days":   {tenant(Tenant{TenantDuties: TenantDuties{Trained: "2026-01-01", KeepContent: map[gateway.Purpose]int{"chat": 0}}}), []string{"tenant_keep_content"}},
		"everything documented":   {tenant(Tenant{Releases: []Release{release}, TenantDuties: trained}), nil},
		"suspended tenants aside": {Setup{Tenants: map[gateway.TenantID]Tenant{"t": {}}, Now: canaryTime}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range Check(c.setup) {
				got = append(got, f.Check)
				if f.Object == "" || f.Basis == "" || f.Text == "" {
					t.Errorf("finding %+v is not complete", f)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}

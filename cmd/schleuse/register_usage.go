// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/ui"
)

// PriceListConfig names the prices of the catalogue, for pages and tables.
type PriceListConfig struct {
	// Name, for example "Rahmenvertrag 2026-07", and Date, for example 2026-07-01.
	Name string `yaml:"name"`
	Date string `yaml:"date"`
}

func (c PriceListConfig) validate() error {
	if _, err := time.Parse(time.DateOnly, c.Date); c.Date != "" && err != nil {
		return say("price_list.date: %q ist kein Tag wie 2026-07-01.", c.Date)
	}
	return nil
}

// usageBook is the usage that quota has counted, with times from the record.
type usageBook struct{ p *parts }

// germanDay is the day of a time that is in the German zone.
func germanDay(at time.Time) string { return at.Format(time.DateOnly) }

var usageDimensions = map[ui.UsageGroup]quota.Dimension{
	ui.UsageTenant: quota.ByTenant, ui.UsageSystem: quota.BySystem, ui.UsageCostCentre: quota.ByCostCentre,
	ui.UsagePurpose: quota.ByPurpose, ui.UsageService: quota.ByService, ui.UsageModel: quota.ByModel,
}

func (b usageBook) Usage(ctx context.Context, q ui.UsageQuery) ([]ui.UsageRow, error) {
	f := quota.Filter{From: germanDay(q.From), To: germanDay(q.To), Tenant: q.Tenant}
	for _, g := range q.By {
		f.By = append(f.By, usageDimensions[g])
	}
	rows, err := b.p.quota.Usage(ctx, f)
	if err != nil {
		return nil, err
	}
	places := map[gateway.ModelID]gateway.Residency{}
	for _, c := range b.p.router.Cards() {
		places[c.ID] = c.Residency
	}
	out := make([]ui.UsageRow, 0, len(rows))
	for _, r := range rows {
		out = append(out, ui.UsageRow{
			Tenant: r.Tenant, System: r.System, CostCentre: r.CostCentre, Purpose: r.Purpose, Service: r.Service, Model: r.Model, Place: places[r.Model],
			Requests: r.Requests, Input: r.InputReported + r.InputEstimated, Output: r.OutputReported + r.OutputEstimated,
			Estimated: r.InputEstimated + r.OutputEstimated, Cost: r.Cost, WattHours: float64(r.Energy) / 1e6,
		})
	}
	return out, nil
}

// maxDays are measured one by one; longer periods are measured in equal parts.
const maxDays = 31

func (b usageBook) Times(ctx context.Context, q ui.UsageQuery) (ui.TimesReport, error) {
	out := ui.TimesReport{Each: timedPerDay}
	hurried, cancel := context.WithTimeout(ctx, measureTime)
	defer cancel()
	all := &sampler{}
	end := q.To.AddDate(0, 0, 1)
	days := int(end.Sub(q.From)/(24*time.Hour)) + 1
	step := (days + maxDays - 1) / maxDays
	for from := q.From; from.Before(end); from = from.AddDate(0, 0, step) {
		to := from.AddDate(0, 0, step)
		if to.After(end) {
			to = end
		}
		one := &sampler{record: b.p.record, most: timedPerDay}
		err := one.take(hurried, audit.Filter{Scope: readScope(q.Tenant), From: from, To: to, Outcome: gateway.OutcomeAnswered})
		if hurried.Err() != nil && ctx.Err() == nil {
			break // what was measured until now
		}
		if err != nil {
			return out, err
		}
		all.total, all.first = append(all.total, one.total...), append(all.first, one.first...)
		out.Days = append(out.Days, ui.DayTimes{Day: from, Times: one.times()})
	}
	out.All = all.times()
	return out, nil
}

// mostBudgets are shown to the operator: those that are used most.
const mostBudgets = 12

func (b usageBook) Budgets(ctx context.Context, tenant gateway.TenantID) ([]ui.Budget, error) {
	if tenant == "" {
		return b.allBudgets(), nil
	}
	limits, err := b.p.tenantLeft(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var out []ui.Budget
	for _, l := range limits {
		if !l.Kind.Budget() {
			continue
		}
		line := ui.Budget{Title: l.Title, Hidden: l.Hidden, Most: gateway.MicroEuro(l.Most), Used: gateway.MicroEuro(l.Used + l.Held + l.Lost)}
		if l.Most > 0 {
			line.Percent = int(int64(line.Used) * 100 / l.Most)
		}
		if l.Frees != nil {
			line.Frees = *l.Frees
		}
		out = append(out, line)
	}
	return out, nil
}

// allBudgets are known to this replica by its last exchange, as fractions.
func (b usageBook) allBudgets() []ui.Budget {
	budgets := slices.Clone(b.p.quota.Status().Budgets)
	slices.SortFunc(budgets, func(x, y quota.BudgetStatus) int { return cmp.Compare(y.Fraction, x.Fraction) })
	var out []ui.Budget
	for _, s := range budgets[:min(len(budgets), mostBudgets)] {
		period := "im Monat"
		if s.Kind == quota.KindDay {
			period = "am Tag"
		}
		title := "Alle zusammen, " + period
		if s.Scope.Tenant != "" {
			title = cmp.Or(b.p.tenantTitle(s.Scope.Tenant), string(s.Scope.Tenant)) + ", " + period
		}
		out = append(out, ui.Budget{Title: title, Percent: int(s.Fraction * 100), Hidden: true})
	}
	return out
}

func (p *parts) tenantTitle(id gateway.TenantID) string {
	t, _ := p.tenants.Tenant(id)
	return t.Name
}

// tenantLeft are the limits of a tenant and of its systems, each once.
func (p *parts) tenantLeft(ctx context.Context, id gateway.TenantID) ([]quota.Left, error) {
	t, ok := p.tenants.Tenant(id)
	if !ok {
		return nil, nil
	}
	systems := t.Systems
	if len(systems) == 0 {
		systems = []identity.System{{}}
	}
	seen := map[string]bool{}
	var out []quota.Left
	for _, s := range systems {
		left, err := p.quota.Left(ctx, gateway.Caller{Tenant: id, System: s.ID}, "")
		if err != nil {
			return nil, err
		}
		for _, l := range left {
			name := l.Scope.String() + " " + string(l.Kind)
			if !seen[name] {
				seen[name] = true
				out = append(out, l)
			}
		}
	}
	return out, nil
}

// PriceList names the prices, or says that nobody named them.
func (b usageBook) PriceList() string {
	l := b.p.config.PriceList
	var parts []string
	if l.Name != "" {
		parts = append(parts, l.Name)
	}
	if at, err := time.Parse(time.DateOnly, l.Date); err == nil {
		parts = append(parts, "Stand "+at.Format("02.01.2006"))
	}
	if len(parts) == 0 {
		return "laut Konfiguration, ohne Datum (price_list)"
	}
	return strings.Join(parts, ", ")
}

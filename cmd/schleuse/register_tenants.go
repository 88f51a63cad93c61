// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/policies"
)

// tenantDesk is the registry of tenants with what other parts know of them.
type tenantDesk struct {
	*identity.Registry

	p *parts
}

var _ ui.TenantDesk = tenantDesk{}

// Limits in force, those of the operator and of the tenant itself.
func (d tenantDesk) Limits(ctx context.Context, id gateway.TenantID) ([]ui.LimitLine, error) {
	left, err := d.p.tenantLeft(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]ui.LimitLine, 0, len(left))
	for _, l := range left {
		out = append(out, ui.LimitLine{
			Title: l.Title, Unit: l.Unit, Most: l.Most, Left: l.Left, Used: l.Used, Budget: l.Kind.Budget(), Hidden: l.Hidden,
		})
	}
	return out, nil
}

// Releases in force: those of the configuration, there are no others.
func (d tenantDesk) Releases(id gateway.TenantID) []ui.ReleaseLine {
	var out []ui.ReleaseLine
	for _, r := range d.p.config.Releases[id] {
		out = append(out, ui.ReleaseLine{
			Service: r.Service, Purposes: r.Purposes, Registration: r.Registration, FRIA: r.FRIA, DPIA: r.DPIA, Oversight: r.Oversight,
			ValidFrom: r.ValidFrom, ValidTo: r.ValidTo,
		})
	}
	return out
}

// Duties that were written down.
func (d tenantDesk) Duties(ctx context.Context, id gateway.TenantID) policies.TenantDuties {
	t, _ := d.p.tenants.Tenant(id)
	return d.p.writtenDuties(ctx, t)
}

// Origins that the tenant has chosen.
func (d tenantDesk) Origins(id gateway.TenantID) []string { return d.p.frames(id) }

// Purposes a key can be made for: those that somebody may be permitted.
func (d tenantDesk) Purposes(ctx context.Context, language string) ([]ui.GuidePurpose, error) {
	guide, err := classes{d.p}.Guide(ctx, language)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(guide.Purposes, func(p ui.GuidePurpose) bool { return len(p.Channels) == 0 }), nil
}

// checkOrigins: a tenant chooses among the pages that the operator lets show the
// panel, it adds none.
func checkOrigins(allowed []string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var own []string
		if err := strict(raw, "", &own); err != nil {
			return err
		}
		for _, o := range own {
			if !slices.Contains(allowed, o) {
				return &gateway.Error{Op: "set origins", Code: gateway.CodeInvalid, Message: fmt.Sprintf("%q ist nicht unter den Adressen, die der Betrieb zugelassen hat (frame_ancestors).", o)}
			}
		}
		return nil
	}
}

// narrowed are the operator's limits, where the tenant's own are not lower.
func narrowed(operator, own quota.Limit) quota.Limit {
	return quota.Limit{
		RequestsPerMinute: lower(operator.RequestsPerMinute, own.RequestsPerMinute), InputTokensPerMinute: lower(operator.InputTokensPerMinute, own.InputTokensPerMinute),
		OutputTokensPerMinute: lower(operator.OutputTokensPerMinute, own.OutputTokensPerMinute), Concurrent: lower(operator.Concurrent, own.Concurrent),
		BudgetPerDay: lower(operator.BudgetPerDay, own.BudgetPerDay), BudgetPerMonth: lower(operator.BudgetPerMonth, own.BudgetPerMonth),
	}
}

// lower of two limits; zero bounds nothing.
func lower[T ~int64](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// narrow adds the limits that tenants have set for themselves. A tenant for which
// only "*" says something gets an entry of its own that keeps it.
func narrow(all *quota.Limits, tenants []identity.Tenant) error {
	for _, t := range tenants {
		raw, ok := t.Settings["own_limits"]
		if !ok {
			continue
		}
		own, err := parseTenantLimits(raw)
		if err != nil {
			return fmt.Errorf("own limits of %s: %w", t.ID, err)
		}
		narrowEntry(all.Tenants, "*", string(t.ID), own.Limit)
		for id, l := range own.Systems {
			narrowEntry(all.Systems, "*", string(t.ID)+"/"+string(id), l)
		}
		for purpose, l := range own.Purposes {
			narrowEntry(all.Purposes, "*/"+string(purpose), string(t.ID)+"/"+string(purpose), l)
		}
	}
	return nil
}

func narrowEntry(limits map[string]quota.Limit, everybody, name string, own quota.Limit) {
	operator, ok := limits[name]
	if !ok {
		operator = limits[everybody]
	}
	if n := narrowed(operator, own); n != (quota.Limit{}) {
		limits[name] = n
	}
}

// frames are the origins that a tenant has chosen among those of the operator;
// nil: all of them.
func (g *ground) frames(id gateway.TenantID) []string {
	t, _ := g.tenants.Tenant(id)
	var own []string
	_ = json.Unmarshal(t.Settings["origins"], &own) // checked when it was stored
	return own
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies"
)

// dutiesOf is what the policies know of a tenant's duties: as it was set for the
// tenant, else as the configuration says. Its sources that are no registers are known
// from the configuration.
func (p *parts) dutiesOf(ctx context.Context, t identity.Tenant) policies.TenantDuties {
	duties := p.writtenDuties(ctx, t)
	others := append([]string{lawSource}, duties.OtherSources...)
	for _, s := range p.config.Sources {
		if s.Tenant == t.ID && !slices.Contains(duties.Registers, s.Name) {
			others = append(others, s.Name)
		}
	}
	duties.OtherSources = others
	return duties
}

// writtenDuties are the duties as they were set for the tenant, else as the
// configuration says.
func (p *parts) writtenDuties(ctx context.Context, t identity.Tenant) policies.TenantDuties {
	raw, ok := t.Settings["duties"]
	if !ok {
		return p.config.Duties[t.ID]
	}
	var set policies.TenantDuties
	if err := strict(raw, "duties", &set); err != nil {
		p.logger.LogAttrs(ctx, slog.LevelError, "duties of a tenant not readable", slog.String("tenant", string(t.ID)))
	}
	return set
}

// knownField says that a service has a field of this name.
func (p *parts) knownField(id gateway.ServiceID, name string) bool {
	s, ok := p.catalog.Service(id)
	if !ok {
		return false
	}
	return slices.Contains(s.Card().Fields["*"], name)
}

// knownSource says that a source of this name was set up for the tenant, or for all.
func (p *parts) knownSource(tenant gateway.TenantID, name string) bool {
	return name == lawSource || slices.ContainsFunc(p.config.Sources, func(s SourceConfig) bool { return s.Tenant == tenant && s.Name == name })
}

// checkDuties are the findings about tenants, services and models.
func (p *parts) checkDuties(tenants map[gateway.TenantID]policies.Tenant) []policies.Finding {
	own := maps.Clone(tenants)
	delete(own, lawTenant)
	return policies.Check(policies.Setup{Tenants: own, Services: p.catalog.Cards(), Models: p.config.plannedModels(), Now: time.Now()})
}

// dutiesWithoutEvidence are the findings as things are now, for the pages.
func (p *parts) dutiesWithoutEvidence(ctx context.Context) []policies.Finding {
	out := p.checkDuties(p.policyTenants(ctx, p.tenants.Directory()))
	if s := p.config.SignIn; s.Enabled() && s.Roles.AuditorsAdministrate {
		out = append(out, policies.Finding{
			Check: "separate_duties", Object: "sign_in.roles.auditors_administrate", Basis: "Art. 32 Abs. 1 DSGVO",
			Text: "Dieselbe Person darf prüfen (revision) und verwalten (betrieb oder mandant). Das Journal zeigt es, verhindert wird es nicht.",
		})
	}
	return out
}

// noteDuties tells, in one line, which duties the configuration leaves without
// evidence: no request shows them. schleuse policy classify --config names each.
func (p *parts) noteDuties(ctx context.Context, tenants map[gateway.TenantID]policies.Tenant) {
	counts := map[string]int{}
	for _, f := range p.checkDuties(tenants) {
		counts[f.Check]++
	}
	if len(counts) == 0 {
		return
	}
	var checks []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		checks = append(checks, fmt.Sprintf("%s (%d)", name, counts[name]))
	}
	p.logger.LogAttrs(ctx, slog.LevelInfo, "duties without evidence in the configuration", slog.String("checks", strings.Join(checks, ", ")))
}

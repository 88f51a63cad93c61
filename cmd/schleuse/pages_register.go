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
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/policies"
)

// registerPages are the pages of what is documented and set up.
func (p *parts) registerPages() *ui.RegisterPages {
	return &ui.RegisterPages{
		Classes: classes{p}, Register: &registerBook{p: p}, Models: modelBook{p}, Usage: usageBook{p}, Tenants: tenantDesk{p.tenants, p},
		System: systemBook{p}, Persons: personDesk{p}, Findings: p.dutiesWithoutEvidence, Note: p.pageNote,
	}
}

// pageNote writes what somebody did on a page into the record.
func (p *parts) pageNote(ctx context.Context, n ui.PageNote) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	now := time.Now()
	tenant := cmp.Or(n.Tenant, n.Person.Home())
	return p.record.Note(ctx, audit.Note{
		ID: gateway.NewID(now), Time: now, Tenant: tenant, Topic: n.Topic, Object: n.Object, Text: n.Text, Reason: n.Reason,
		Old: n.Old, New: n.New, Actor: p.keys.Pseudonymise(n.Person.Home(), "user", n.Person.User()), Role: strings.Join(n.Person.Roles, ","),
	})
}

// readScope is whose entries are looked at: those of a tenant, or all.
func readScope(tenant gateway.TenantID) audit.Scope {
	return audit.Scope{Tenant: tenant, All: tenant == ""}
}

// modelBook is the catalogue with what quota, router and record know.
type modelBook struct{ p *parts }

func (b modelBook) Models(ctx context.Context, tenant gateway.TenantID, since time.Time) ([]ui.ModelSheet, error) {
	rows, err := b.p.quota.Usage(ctx, quota.Filter{From: germanDay(since), Tenant: tenant, By: []quota.Dimension{quota.ByModel, quota.ByPurpose}})
	if err != nil {
		return nil, err
	}
	uses := map[gateway.ModelID][]ui.ModelUse{}
	for _, r := range rows {
		uses[r.Model] = append(uses[r.Model], ui.ModelUse{
			Purpose: r.Purpose, Requests: r.Requests, Input: r.InputReported + r.InputEstimated, Output: r.OutputReported + r.OutputEstimated, Cost: r.Cost,
		})
	}
	servers := b.servers()
	aliases := map[gateway.ModelID][]gateway.ModelID{}
	for _, m := range b.p.config.Models {
		aliases[m.ID] = append(aliases[m.ID], m.Aliases...)
	}
	var out []ui.ModelSheet
	for _, card := range b.p.router.Cards() {
		sheet := ui.ModelSheet{Card: card, Aliases: aliases[card.ID], Servers: servers[card.ID], Uses: uses[card.ID]}
		slices.SortFunc(sheet.Uses, func(a, b ui.ModelUse) int { return cmp.Compare(b.Requests, a.Requests) })
		out = append(out, sheet)
	}
	return out, b.measure(ctx, tenant, since, out)
}

// measure adds the times of the models that were used, as far as the record can be
// read in the time a person waits.
func (b modelBook) measure(ctx context.Context, tenant gateway.TenantID, since time.Time, sheets []ui.ModelSheet) error {
	hurried, cancel := context.WithTimeout(ctx, measureTime)
	defer cancel()
	for i := range sheets {
		if len(sheets[i].Uses) == 0 {
			continue
		}
		sample := &sampler{record: b.p.record, most: timedPerModel}
		err := sample.take(hurried, audit.Filter{Scope: readScope(tenant), Model: sheets[i].Card.ID, From: since})
		if hurried.Err() != nil && ctx.Err() == nil {
			return nil
		}
		if err != nil {
			return err
		}
		sheets[i].Times = sample.times()
	}
	return nil
}

// measureTime bounds how long a page reads the record to measure.
const measureTime = 4 * time.Second

// timedPerModel and timedPerDay bound how many entries are read to measure.
const (
	timedPerModel = 400
	timedPerDay   = 200
)

func (b modelBook) servers() map[gateway.ModelID][]ui.ModelServer {
	out := map[gateway.ModelID][]ui.ModelServer{}
	for _, s := range b.p.router.Status() {
		out[s.Model] = append(out[s.Model], ui.ModelServer{
			Endpoint: s.Endpoint, State: string(s.State), Until: s.Until, InFlight: s.InFlight, Waiting: s.Waiting, Limit: s.Limit,
			ErrorRate: s.ErrorRate, LastFailure: s.LastFailure,
		})
	}
	return out
}

// classesAsked are the classes of data in the order of the table.
var classesAsked = [...]gateway.DataClass{
	gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataArt9, gateway.DataSozialdaten,
	gateway.DataSteuer, gateway.DataTrade, gateway.DataConfidential,
}

// Rejections asks the rules about a harmless purpose for every class of data.
func (b modelBook) Rejections(ctx context.Context, tenant gateway.TenantID, card gateway.ModelCard) ([]ui.ClassVerdict, error) {
	card.Operations = []gateway.Operation{gateway.OperationChat} // what is asked here is the data, not the ability
	var out []ui.ClassVerdict
	for _, class := range classesAsked {
		c, err := b.p.engine.Classify(ctx, policies.Plan{
			Tenant: tenant, Purpose: gateway.PurposeSummarise, DataClass: []gateway.DataClass{class}, Models: []gateway.ModelCard{card},
		})
		if err != nil {
			return nil, err
		}
		verdict := ui.ClassVerdict{Class: class, Reasons: c.Rejected[card.ID]}
		if len(verdict.Reasons) == 0 && !c.Allowed {
			for _, r := range c.Reasons {
				if r.Severity == "block" {
					verdict.Reasons = append(verdict.Reasons, r)
				}
			}
		}
		out = append(out, verdict)
	}
	return out, nil
}

// sampler measures the newest answers of models.
type sampler struct {
	record *audit.Log
	most   int

	total, first []time.Duration
}

// take reads up to most entries that match, and keeps those that a model answered.
func (s *sampler) take(ctx context.Context, f audit.Filter) error {
	f.Limit = min(s.most, 500)
	page, err := s.record.List(ctx, f)
	if err != nil {
		return err
	}
	for _, i := range page.Items {
		if i.Record.Route == nil || i.Closing == nil || i.Closing.Outcome != gateway.OutcomeAnswered {
			continue
		}
		s.total = append(s.total, i.Closing.Total)
		if i.Closing.FirstByte > 0 {
			s.first = append(s.first, i.Closing.FirstByte)
		}
	}
	return nil
}

func (s *sampler) times() ui.Times {
	return ui.Times{Count: len(s.total), First: quantile(s.first, 50), Half: quantile(s.total, 50), Ninetieth: quantile(s.total, 95)}
}

// quantile is the smallest value that per cent of the others do not exceed.
func quantile(values []time.Duration, percent int) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)*percent+99)/100-1]
}

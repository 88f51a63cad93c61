// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/policies"
)

// classes asks the policies for the page of classes.
type classes struct{ p *parts }

func (c classes) Guide(ctx context.Context, language string) (ui.ClassGuide, error) {
	read := c.p.engine.Guide
	if language == "en" {
		read = c.p.engine.GuideEnglish
	}
	g, err := read(ctx)
	if err != nil {
		return ui.ClassGuide{}, err
	}
	out := ui.ClassGuide{Revision: g.Revision, Date: g.Date, Services: c.p.catalog.Cards()}
	for _, class := range g.Classes {
		one := ui.GuideClass{ID: class.ID, Title: class.Title, Text: class.Text, Basis: class.Basis, Permitted: class.Permitted}
		for _, d := range class.Checklist {
			one.Duties = append(one.Duties, ui.GuideDuty(d))
		}
		out.Classes = append(out.Classes, one)
	}
	for _, p := range g.Purposes {
		one := ui.GuidePurpose{ID: p.ID, Title: p.Title, Text: p.Text, Channels: p.Channels, NeedsService: p.NeedsService}
		for _, r := range p.Rows {
			one.Rows = append(one.Rows, ui.GuideRow(r))
		}
		out.Purposes = append(out.Purposes, one)
	}
	for _, e := range g.Examples {
		out.Examples = append(out.Examples, ui.GuideExample(e))
	}
	if language == "en" {
		for i, card := range out.Services {
			if s, ok := c.p.catalog.Service(card.ID); ok {
				out.Services[i].Title = cmp.Or(s.Title.EN, card.Title)
			}
		}
	}
	slices.SortFunc(out.Services, func(a, b gateway.ServiceCard) int { return strings.Compare(a.Title, b.Title) })
	return out, nil
}

func (c classes) Classify(ctx context.Context, plan ui.ClassPlan) (ui.ClassResult, error) {
	cards := textModels(c.p.router.Cards())
	r, err := c.p.engine.Classify(ctx, policies.Plan{
		Tenant: plan.Tenant, Purpose: plan.Purpose, Service: plan.Service, Channel: plan.Channel, DataClass: plan.DataClass, Date: plan.Date, Models: cards,
	})
	if err != nil {
		return ui.ClassResult{}, err
	}
	out := ui.ClassResult{Allowed: r.Allowed, Risk: r.Risk, DataClasses: r.DataClasses, Models: bookModels(cards, r.Models), Revision: r.Revision}
	for _, reason := range r.Reasons {
		switch reason.Severity {
		case "block":
			out.Reasons = append(out.Reasons, reason)
		case "info":
			out.Remarks = append(out.Remarks, reason)
		}
	}
	for _, d := range r.Duties {
		if d.ID != "" && !slices.Contains(out.Duties, d.ID) {
			out.Duties = append(out.Duties, d.ID)
		}
	}
	for _, card := range cards {
		if reasons := r.Rejected[card.ID]; len(reasons) > 0 {
			out.Rejected = append(out.Rejected, ui.RejectedModel{Model: bookModels(cards, []gateway.ModelID{card.ID})[0], Reasons: reasons})
		} else if !r.Allowed {
			out.Waiting = append(out.Waiting, bookModels(cards, []gateway.ModelID{card.ID})...)
		}
	}
	return out, nil
}

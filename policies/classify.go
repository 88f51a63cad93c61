// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Plan is a use of AI that somebody considers. Purpose is required.
type Plan struct {
	Tenant  gateway.TenantID
	Purpose gateway.Purpose
	Service gateway.ServiceID
	// Channel is empty for caseworker, Operation for chat.
	Channel   gateway.Channel
	Operation gateway.Operation
	DataClass []gateway.DataClass
	// Chain are the purposes of earlier steps on the same case.
	Chain []gateway.Purpose
	// Date the law is applied for; zero means today.
	Date time.Time
	// Models among which is asked, for example the catalogue.
	Models []gateway.ModelCard
}

// Classification says what a plan is under the AI Act and what it would bring along.
type Classification struct {
	Allowed     bool                `json:"allowed"`
	Risk        gateway.Risk        `json:"risk"`
	DataClasses []gateway.DataClass `json:"data_classes"`
	// Duties are the obligations and remarks: notice, human release, registration …
	Duties []Duty `json:"duties"`
	// Reasons are all rules that speak, blocking ones first.
	Reasons []gateway.Reason  `json:"reasons"`
	Models  []gateway.ModelID `json:"models"`
	// Rejected are the models that may not be used, with the rules.
	Rejected map[gateway.ModelID][]gateway.Reason `json:"rejected"`
	Revision string                               `json:"revision"`
}

// Duty is something that has to be done when the plan is carried out.
type Duty struct {
	// ID of the obligation the gateway carries out; empty: people have to see to it.
	ID    string `json:"id,omitempty"`
	Rule  string `json:"rule"`
	Basis string `json:"basis"`
	Text  string `json:"text"`
}

// Classify decides about a plan as if it were a request, for nobody in particular
// and without a record: the access is taken to be granted the purpose, the calling
// system to be known, and what a caller has to say of a single case to be said (a
// decision letter rests on a decision, an automatic case is within the rules, the
// role fits, the fields are those of the purpose). Nothing is sent anywhere and
// nobody is admitted by it.
func (e *Engine) Classify(ctx context.Context, p Plan) (Classification, error) {
	now := e.cfg.Now()
	ruling, automation := assumed(p.Purpose)
	d, err := e.Decide(ctx, gateway.Question{
		Stage: gateway.StageRequest,
		Request: gateway.Request{
			Time: now, CaseDate: p.Date, Purpose: p.Purpose, Service: p.Service, DataClass: p.DataClass,
			Operation: cmp.Or(p.Operation, gateway.OperationChat), Chain: p.Chain, Ruling: ruling, Automation: automation,
			Fields: e.fieldsOf(p), Caller: gateway.Caller{
				Tenant: p.Tenant, System: "einordnung", Channel: cmp.Or(p.Channel, gateway.ChannelCaseworker),
				Purposes: []gateway.Purpose{p.Purpose}, Roles: e.rolesFor(p),
			},
		},
		Models: p.Models,
	})
	if err != nil {
		return Classification{}, err
	}
	c := Classification{
		Allowed: d.Allowed(), Risk: d.Risk, DataClasses: d.DataClasses, Duties: []Duty{}, Reasons: d.Reasons, Models: d.Models,
		Rejected: map[gateway.ModelID][]gateway.Reason{}, Revision: d.Revision,
	}
	for _, r := range d.Reasons {
		if duty, ok := dutyOf(r, d.Obligations); ok {
			c.Duties = append(c.Duties, duty)
		}
	}
	for id, rules := range d.Rejected {
		for _, r := range d.Reasons {
			if slices.Contains(rules, r.Rule) {
				c.Rejected[id] = append(c.Rejected[id], r)
			}
		}
	}
	return c, nil
}

// dutyOf is the duty a rule speaks of: an obligation, or a remark for people.
func dutyOf(r gateway.Reason, obligations []gateway.Obligation) (Duty, bool) {
	duty := Duty{Rule: r.Rule, Basis: r.Basis, Text: r.Text}
	for _, o := range obligations {
		if o.Rule == r.Rule {
			duty.ID = o.ID
			return duty, true
		}
	}
	return duty, r.Severity == "info"
}

// assumed is what a caller will have to say of a case.
func assumed(p gateway.Purpose) (*gateway.Ruling, *gateway.Automation) {
	if p == gateway.PurposeLetterFromDecision {
		return &gateway.Ruling{Tenor: "entschieden", Burdening: true, Hearing: gateway.HearingHeld}, nil
	}
	if p == purposeAutomated {
		return nil, &gateway.Automation{Complete: true}
	}
	return nil, nil
}

const purposeAutomated gateway.Purpose = "automated_decision"

// rolesFor are the roles that may work on the service.
func (e *Engine) rolesFor(p Plan) []string {
	e.reload.Lock()
	defer e.reload.Unlock()
	return slices.Clone(e.tenants[p.Tenant].Roles[p.Service])
}

// fieldsOf are the fields that a service names for a purpose.
func (e *Engine) fieldsOf(p Plan) []string {
	for _, card := range e.cfg.Services {
		if card.ID == p.Service {
			return slices.Clone(card.Fields[p.Purpose])
		}
	}
	return nil
}

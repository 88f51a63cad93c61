// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/approval"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Overview is what the first page shows beside the record. A nil function leaves
// its card out.
type Overview struct {
	// Witness is the newest checkpoint that was confirmed outside; ok is false as
	// long as there is none.
	Witness func(ctx context.Context) (name string, at time.Time, size int64, ok bool, err error)
	// Budgets are those of which most is used, of one tenant or of all.
	Budgets func(ctx context.Context, tenant gateway.TenantID) ([]BudgetWarning, error)
	// Models are those that do not answer as they should.
	Models func(ctx context.Context) ([]ModelWarning, error)
}

// BudgetWarning is a budget that comes to its end.
type BudgetWarning struct {
	Title   string
	Percent int
}

// ModelWarning is a model that does not answer.
type ModelWarning struct {
	Model gateway.ModelID
	State string
}

// startView is the first page. A card that is nil is not for the person.
type startView struct {
	view
	Today     *todayCard
	Approvals *approvalCard
	Chain     *chainCard
	Budgets   *budgetCard
	Models    *modelCard
	Policies  *policyCard
	Changes   []noteLine
	// Missing names parts that could not be read.
	Missing []string
}

type todayCard struct {
	totals
	// List leads to the list, Kinds to those of a result.
	List  string
	Kinds map[string]string
	// Single: the person may see the list.
	Single bool
}

type budgetCard struct{ Warnings []BudgetWarning }

type modelCard struct{ Warnings []ModelWarning }

type approvalCard struct {
	Count int
	Age   phrase
	More  bool
}

type chainCard struct {
	sealState
	Witness   string
	WitnessAt time.Time
	Entries   int64
	HasPort   bool
}

type policyCard struct {
	Revision  string
	Rules     int
	Proposals []ProposalLine
	Link      bool
}

// adminStart shows what needs somebody today, as far as the roles go. A part that
// cannot be read is named, and the rest is shown.
func (u *UI) adminStart(w http.ResponseWriter, r *http.Request) error {
	person := personOf(r)
	v := startView{view: u.view(r, "Übersicht")}
	for _, part := range []struct {
		name string
		show bool
		fill func(context.Context, identity.Person, *startView) error
	}{
		{"Anfragen", true, u.startToday},
		{"Freigaben", u.opens(person, "GET "+approvalsPath), u.startApprovals},
		{"Protokoll", true, u.startChain},
		{"Verbrauch", u.Overview.Budgets != nil && person.Has(anyOf(forTenant, forOperator)...), u.startBudgets},
		{"Modelle", u.Overview.Models != nil && person.Has(anyOf(forOperator, forRevision)...), u.startModels},
		{"Richtlinien", true, u.startPolicies},
		{"Vermerke", person.Has(anyOf(forRevision, forTenant)...), u.startChanges},
	} {
		if !part.show {
			continue
		}
		if err := part.fill(r.Context(), person, &v); err != nil {
			u.Logger.LogAttrs(r.Context(), slog.LevelError, "part of the overview not read", slog.String("part", part.name), slog.Any("error", err))
			v.Missing = append(v.Missing, part.name)
		}
	}
	return u.render(w, r, http.StatusOK, "admin_start.html", v)
}

func (u *UI) startToday(ctx context.Context, p identity.Person, v *startView) error {
	local := u.Now().In(u.zone)
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, u.zone)
	page, err := u.Records.List(ctx, audit.Filter{Scope: scope(p), From: midnight, Limit: 1, Totals: true, Zone: u.zone})
	if err != nil || page.Totals == nil {
		return err
	}
	f := listFilter{From: midnight.Format("2006-01-02T15:04")}
	kinds := map[string]string{}
	for _, kind := range []string{"zugelassen", "auflagen", "freigabe", "abgelehnt"} {
		of := f
		of.Result = kind
		kinds[kind] = of.address("")
	}
	v.Today = &todayCard{totals: sum(*page.Totals), List: f.address(""), Kinds: kinds, Single: p.Has(forRevision...)}
	return nil
}

func (u *UI) startApprovals(ctx context.Context, p identity.Person, v *startView) error {
	queue, err := u.Approvals.Queue(ctx, scope(p), approval.Of{})
	if err != nil {
		return err
	}
	v.Approvals = &approvalCard{Count: len(queue.Waiting), More: queue.More}
	if len(queue.Waiting) > 0 {
		v.Approvals.Age = ageText(queue.Waiting[0].Age)
	}
	return nil
}

func (u *UI) startChain(ctx context.Context, _ identity.Person, v *startView) error {
	c := &chainCard{sealState: u.verified.state(), HasPort: u.Overview.Witness != nil}
	if c.HasPort {
		name, at, size, ok, err := u.Overview.Witness(ctx)
		if err != nil {
			return err
		}
		if ok {
			c.Witness, c.WitnessAt, c.Entries = name, at, size
		}
	}
	v.Chain = c
	return nil
}

// warnAt is the percentage from which a budget is shown.
const warnAt = 80

func (u *UI) startBudgets(ctx context.Context, p identity.Person, v *startView) error {
	tenant := p.Tenant
	if p.Operator || p.Has(forOperator...) {
		tenant = ""
	}
	all, err := u.Overview.Budgets(ctx, tenant)
	if err != nil {
		return err
	}
	var warnings []BudgetWarning
	for _, b := range all {
		if b.Percent >= warnAt && len(warnings) < 5 {
			warnings = append(warnings, b)
		}
	}
	v.Budgets = &budgetCard{warnings}
	return nil
}

func (u *UI) startModels(ctx context.Context, _ identity.Person, v *startView) error {
	warnings, err := u.Overview.Models(ctx)
	if err != nil {
		return err
	}
	v.Models = &modelCard{warnings}
	return nil
}

func (u *UI) startPolicies(ctx context.Context, p identity.Person, v *startView) error {
	c := &policyCard{Rules: len(u.Rules()), Link: u.opens(p, "GET "+policiesPath)}
	if u.Revision != nil {
		c.Revision = u.Revision()
	}
	if u.opens(p, "GET "+proposalsPath) {
		var err error
		if c.Proposals, err = u.Policies.OpenProposals(ctx); err != nil {
			return err
		}
	}
	v.Policies = c
	return nil
}

// changeTopics are notes of changes; looks are not among them.
var changeTopics = []string{
	audit.TopicPolicyProposed, audit.TopicPolicySigned, audit.TopicPolicyActivated, audit.TopicPolicyWithdrawn, audit.TopicTenantChanged,
	audit.TopicConfigurationChanged, audit.TopicHoldPlaced, audit.TopicHoldLifted, audit.TopicErased, audit.TopicKeyDestroyed, audit.TopicRetained,
	audit.TopicReleased, audit.TopicRejected, audit.TopicExported,
	"tenant_create", "tenant_update", "tenant_delete", "tenant_activate", "tenant_deactivate", "tenant_key_create", "tenant_key_rotate", "tenant_key_revoke",
}

func (u *UI) startChanges(ctx context.Context, p identity.Person, v *startView) error {
	page, err := u.Records.Notes(ctx, audit.NoteFilter{Scope: scope(p), Topics: changeTopics, Limit: 8})
	if err != nil {
		return err
	}
	for _, n := range page.Notes {
		line := noteLineOf(n)
		line.Actor, line.Case, line.Reason = "", "", ""
		v.Changes = append(v.Changes, line)
	}
	return nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/approval"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

// decisionPages adds what signing in and tracing decisions need.
func (p *parts) decisionPages(ctx context.Context, c *ui.Config) (err error) {
	c.Pseudonymise, c.State, c.Revision, c.Replays = p.keys.Pseudonymise, p.state, p.engine.Revision, &replays{p: p}
	c.Approvals, c.Contents = p.approvals, p.keptContent
	c.Overview = ui.Overview{Budgets: p.budgetWarnings, Models: p.modelWarnings}
	if len(p.witnesses.States()) > 0 {
		c.Overview.Witness = p.newestWitness
	}
	if !p.config.SignIn.Enabled() {
		return nil
	}
	for _, warning := range p.config.SignIn.Warnings() {
		p.logger.LogAttrs(ctx, slog.LevelWarn, "sign-in permits a lot", slog.String("warning", warning))
	}
	p.openID, err = identity.NewOpenID(identity.OpenIDConfig{
		SignIn: p.config.SignIn, Public: p.config.PublicURL, Callback: "/login/callback", Key: derive(p.config.secret, "sign-in"),
		Active: func(id gateway.TenantID) bool { return p.tenants.Directory().Active(id) },
		Secure: p.config.TLS.Cert != "" || p.config.BehindProxy, Logger: p.logger,
	})
	c.SignIn = p.openID
	return err
}

// keptContent opens what the vault keeps of an entry. The vault notes it before, and
// refuses whom it has to.
func (p *parts) keptContent(ctx context.Context, by identity.Person, tenant gateway.TenantID, entry, reason, file string) (ui.KeptContent, error) {
	found, err := p.vault.Show(ctx, vaultActor(by), tenant, entry, vault.Justification{Reason: reason, Case: file})
	if err != nil {
		return ui.KeptContent{}, err
	}
	out := ui.KeptContent{Expires: found.Expires}
	if found.Request != nil {
		out.Request, out.Original = found.Request.Body, found.Request.Original
	}
	if found.Answer != nil {
		out.Answer, out.Original = found.Answer.Body, out.Original || found.Answer.Original
	}
	return out, nil
}

// sessionRules are what this configuration says of sessions, those under way too.
func (p *parts) sessionRules() identity.SessionRules {
	rules := identity.SessionRules{Life: p.config.SignIn.Session.Life, Idle: p.config.SignIn.Session.Idle}
	if p.openID != nil {
		rules.Person = p.openID.Person
	}
	return rules
}

// releases are what Fachverfahren report of their caseworkers.
type releases struct{ p *parts }

func (r releases) Release(ctx context.Context, caller gateway.Caller, entry, outcome, comment string) error {
	return r.p.approvals.Say(ctx, approval.Word{
		Tenant: caller.Tenant, User: caller.User, Role: identity.RoleCase, System: caller.System, Entry: entry,
		Outcome: approval.Outcome(outcome), Comment: comment,
	})
}

// sayOfLetter notes the release of a letter as that of the entry that made it, if
// that one needs it and nobody has spoken yet.
func (p *parts) sayOfLetter(ctx context.Context, caller gateway.Caller, entry string) error {
	err := releases{p}.Release(ctx, caller, entry, string(approval.Released), "Schreiben freigegeben.")
	if code := gateway.CodeOf(err); code == gateway.CodeInvalid || code == gateway.CodeConflict {
		return nil
	}
	return err
}

// newestWitness is the witness that kept a checkpoint last.
func (p *parts) newestWitness(context.Context) (name string, at time.Time, size int64, ok bool, err error) {
	for _, s := range p.witnesses.States() {
		if s.Time.After(at) {
			name, at, size, ok = s.Name, s.Time, s.Size, true
		}
	}
	return name, at, size, ok, nil
}

func (p *parts) budgetWarnings(ctx context.Context, tenant gateway.TenantID) ([]ui.BudgetWarning, error) {
	budgets, err := usageBook{p}.Budgets(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var out []ui.BudgetWarning
	for _, b := range budgets {
		out = append(out, ui.BudgetWarning{Title: b.Title, Percent: b.Percent})
	}
	return out, nil
}

// modelWarnings are the models of which an endpoint does not answer.
func (p *parts) modelWarnings(context.Context) ([]ui.ModelWarning, error) {
	var out []ui.ModelWarning
	for id, servers := range (modelBook{p}).servers() {
		for _, s := range servers {
			if !s.Available() {
				out = append(out, ui.ModelWarning{Model: id, State: fmt.Sprintf("%s: %s", s.Endpoint, s.State)})
			}
		}
	}
	return out, nil
}

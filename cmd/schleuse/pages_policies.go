// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// leastSignatures is what four eyes means.
const leastSignatures = 2

// policyPages is what the pages of policies and of the record's proof show.
func (p *parts) policyPages() *ui.PolicyPages {
	counter := newRuleCounter(p.record.Each, p.logger)
	pages := &ui.PolicyPages{
		Book: &ruleBook{p: p}, Fired: counter.count, Who: p.releasePerson, Chain: p.record, Witnesses: p.witnesses.States, Retention: p.retentionState,
		Desk: p.desk, Signatures: max(p.config.Policies.Require, leastSignatures),
	}
	p.own.add(pages.Close)
	p.own.add(counter.close)
	return pages
}

// releasePerson is a person as the record names it.
func (p *parts) releasePerson(who identity.Person) release.Person {
	role := ""
	for _, r := range []string{identity.RolePolicy, identity.RoleRevision, identity.RoleOperator} {
		if role == "" && who.Has(r) {
			role = r
		}
	}
	return release.Person{Tenant: who.Home(), Name: who.Name, User: who.User(), Role: role, Pseudonym: p.keys.Pseudonymise(who.Home(), "user", who.User())}
}

// retentionState is how long contents are kept, and what was removed last.
func (p *parts) retentionState(ctx context.Context) (ui.RetentionState, error) {
	bounds := p.config.Record.retention()
	out := ui.RetentionState{Floor: bounds.Floor, Ceiling: bounds.Ceiling, Notes: bounds.Notes}
	holds, err := recordHolds(p.state)(ctx)
	if err != nil {
		return out, err
	}
	out.Holds = len(holds)
	page, err := p.record.Notes(ctx, audit.NoteFilter{Scope: audit.Scope{All: true}, Topics: []string{audit.TopicRetained}, Limit: 1})
	if err != nil {
		return out, err
	}
	for _, n := range page.Notes {
		out.Last, out.Text = n.Note.Time, n.Note.Text
	}
	return out, nil
}

// ruleBook is the policies in force, for the pages.
type ruleBook struct {
	p *parts

	mu sync.Mutex
	// diffs between revisions that follow one another, by their bundles.
	diffs map[[2]string]policies.Difference
}

func (b *ruleBook) Status() release.Status { return b.p.desk.Status() }

func (b *ruleBook) Rules() []policies.RuleInfo { return b.p.engine.Rules() }

func (b *ruleBook) Test(ctx context.Context) (policies.TestReport, error) {
	return policies.Test(ctx, b.p.engine.Files())
}

// Files are the rules, their tests, the tables and the golden cases.
func (b *ruleBook) Files() ([]string, error) {
	var out []string
	err := fs.WalkDir(b.p.engine.Files(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && editable(name) {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	return out, nil
}

func editable(name string) bool {
	top, _, _ := strings.Cut(name, "/")
	return slices.Contains([]string{"rego", "catalog", "testdata"}, top) && (strings.HasSuffix(name, ".rego") || strings.HasSuffix(name, ".yaml"))
}

func (b *ruleBook) File(name string) (string, error) {
	raw, err := fs.ReadFile(b.p.engine.Files(), name)
	if err != nil {
		return "", fmt.Errorf("read policies: %w", err)
	}
	return string(raw), nil
}

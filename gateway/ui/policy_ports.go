// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"io/fs"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// PolicyPages is what the pages of policies, their release and the proof of the
// record are made of. A nil port leaves out the pages that need it.
type PolicyPages struct {
	Book RuleBook
	// Desk is how policies are changed; nil: they change with the product only.
	Desk Desk
	// Who is a person as the desk and the record know them. Required with Desk.
	Who func(identity.Person) release.Person
	// Signatures is how many a proposal needs.
	Signatures int
	// Fired counts how often each rule spoke since a moment; nil: not shown.
	Fired func(ctx context.Context, scope audit.Scope, since time.Time) (map[string]int, error)

	// Chain is the record as a whole; nil: there are no pages of its proof.
	Chain Chain
	// Witnesses keep checkpoints elsewhere; nil: there cannot be any.
	Witnesses func() []witness.State
	Retention func(ctx context.Context) (RetentionState, error)

	work   background
	tests  policyTests
	runs   runs
	proofs proofs
}

// Close ends what runs in the background and waits for it.
func (p *PolicyPages) Close() error { return p.work.close() }

// RuleBook is the policies in force.
type RuleBook interface {
	// Status says what is in force, and since when.
	Status() release.Status
	// Rules are all of it, ordered by id.
	Rules() []policies.RuleInfo
	// Rule is what stands behind a rule; CodeNotFound if there is none.
	Rule(ctx context.Context, id string) (RuleDetail, error)
	// Files are the names of all files that may be changed, File is one of them.
	Files() ([]string, error)
	File(name string) (string, error)
	// Test lints the policies and runs their tests and golden cases.
	Test(ctx context.Context) (policies.TestReport, error)
}

// RuleDetail is what stands behind a rule.
type RuleDetail struct {
	policies.RuleInfo
	// Source is the Rego file as written.
	Source string
	// TestFile holds the Rego tests, Tests are their names.
	TestFile string
	Tests    []string
	// Golden are the cases in whose decision the rule speaks.
	Golden []GoldenCase
	// Tables of the catalogue that the rule uses, itself or through facts.
	Tables []string
	// History of the rule over the revisions, the newest first.
	History []RuleChange
}

// GoldenCase is a question whose decision is written down.
type GoldenCase struct{ File, Name, Effect string }

// RuleChange is what a revision did to a rule: added, changed or removed.
type RuleChange struct {
	Revision string
	Time     time.Time
	Change   string
}

// Desk is how policies are changed: proposed by one person, signed by two others,
// tried, activated. [release.Desk] says what each step promises.
type Desk interface {
	Propose(ctx context.Context, by release.Person, draft release.Draft) (release.Proposal, error)
	Proposals(ctx context.Context) ([]release.Proposal, error)
	Proposal(ctx context.Context, id string) (release.Proposal, error)
	Bundle(ctx context.Context, id string) (fs.FS, error)
	Diff(ctx context.Context, id string) (policies.Difference, error)
	Impact(ctx context.Context, by release.Person, id string, from time.Time) (release.Proposal, error)
	Sign(ctx context.Context, by release.Person, id, signature string) (release.Proposal, error)
	Shadow(ctx context.Context, by release.Person, id string, how time.Duration) (release.ShadowRun, error)
	EndShadow(ctx context.Context, by release.Person) (release.ShadowRun, error)
	Shadowing(ctx context.Context) (release.ShadowRun, error)
	Activate(ctx context.Context, by release.Person, id, reason string) (release.Revision, error)
	Withdraw(ctx context.Context, by release.Person, id, reason string) (release.Proposal, error)
	Rollback(ctx context.Context, by release.Person, revision, reason string) (release.Revision, error)
	Revisions(ctx context.Context) ([]release.Revision, error)
	Between(ctx context.Context, before, after string) (policies.Difference, error)
	SourcesBetween(ctx context.Context, before, after string) ([]policies.RuleSource, error)
}

var _ Desk = (*release.Desk)(nil)

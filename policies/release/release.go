// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package release is how policies change: bundles with two signatures, proposals
// that are checked, compared with the history, signed by two persons, tried in the
// shadow and activated, on all replicas and with a note in the record for every
// step. It decides nothing about requests (policies does) and holds no private
// key: people sign at their own machine.
//
// Start at [Desk]. A bundle comes from a [Source] or a [Draft], is a set of
// [Files] with one digest, and becomes active only after [Trust] has verified what
// was signed about it.
package release

import (
	"cmp"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// Person is who takes a step.
type Person struct {
	Tenant gateway.TenantID `json:"tenant"`
	// Name is for people, User what the sign-in gives to nobody else; empty: Name.
	Name string `json:"name"`
	User string `json:"user,omitempty"`
	Role string `json:"role"`
	// Pseudonym is who it was in the record.
	Pseudonym gateway.Pseudonym `json:"pseudonym"`
}

// user is what tells persons apart, and what Signer.Person names.
func (p Person) user() string { return cmp.Or(p.User, p.Name) }

// same says that two steps were taken by one person. In doubt they were: who has
// the same name in the same place, or the same sign-in in another role.
func (p Person) same(o Person) bool {
	return p.user() == o.user() || p.Pseudonym != "" && p.Pseudonym == o.Pseudonym || p.Tenant == o.Tenant && p.Name == o.Name
}

// Phase is how far a proposal has got.
type Phase string

// Phases.
const (
	PhaseOpen      Phase = "open"      // may be signed once its checks have passed
	PhaseActive    Phase = "active"    // was activated; a later one may have followed
	PhaseWithdrawn Phase = "withdrawn" // will not become active
)

// Draft is what somebody proposes: a whole bundle as ZIP, or files that are put on
// top of the policies in force.
type Draft struct {
	Zip []byte
	// Files by name within the bundle, for example rego/tenant/known/known.rego.
	Files map[string][]byte
	// Remove names files that are no longer there.
	Remove  []string
	Comment string
}

// Proposal is a bundle on its way.
type Proposal struct {
	ID string `json:"id"`
	// Revision it will be known by, Digest of its files.
	Revision string    `json:"revision"`
	Digest   string    `json:"digest"`
	Comment  string    `json:"comment"`
	Author   Person    `json:"author"`
	Time     time.Time `json:"time"`
	// Base are the policies that were in force then; Digest is that of their files.
	Base  policies.State `json:"base"`
	Phase Phase          `json:"phase"`
	// Checks is what the automatic checks say.
	Checks Report `json:"checks"`
	// Impact over the history, ImpactDigest what is signed of it.
	Impact       *policies.Impact `json:"impact,omitempty"`
	ImpactDigest string           `json:"impact_digest,omitempty"`
	// Text is what a signer signs: schleuse policy sign --text FILE --key FILE.
	Text       string      `json:"text"`
	Signatures []Signature `json:"signatures,omitempty"`
	// End is who activated or withdrew it.
	End *Step `json:"end,omitempty"`
	// Missing says in German what must be there before it can be activated; empty:
	// it can be.
	Missing []string `json:"-"`
}

// Signature is one of the signatures of a proposal.
type Signature struct {
	// Signer is the name in the configuration, Person who handed it in.
	Signer string    `json:"signer"`
	Person Person    `json:"person"`
	Time   time.Time `json:"time"`
	// Line is the signature in the form of a note.
	Line string `json:"line"`
}

// Step is who did something, when and why.
type Step struct {
	Person Person    `json:"person"`
	Time   time.Time `json:"time"`
	Reason string    `json:"reason"`
}

// Report is the outcome of the automatic checks, in German.
type Report struct {
	// Checks in the order in which they were made. The first that fails because the
	// bundle cannot be used ends the list.
	Checks   []Check       `json:"checks"`
	Duration time.Duration `json:"duration_ns"`
}

// OK says that every check was made and passed.
func (r Report) OK() bool {
	for _, c := range r.Checks {
		if !c.OK {
			return false
		}
	}
	return len(r.Checks) == len(policies.Steps())
}

// Check is one of the automatic checks.
type Check struct {
	// ID is one of policies.Steps.
	ID    string `json:"id"`
	Title string `json:"title"`
	OK    bool   `json:"ok"`
	// Text says in one sentence what came out, Findings what is wrong.
	Text     string   `json:"text"`
	Findings []string `json:"findings,omitempty"`
}

// Revision is a state of the policies that is or was in force.
type Revision struct {
	// Sequence counts activations, from 1.
	Sequence int64  `json:"sequence"`
	Revision string `json:"revision"`
	// Bundle is the digest of its files.
	Bundle string `json:"bundle"`
	// Restores is the revision that was brought back, after a rollback.
	Restores string `json:"restores,omitempty"`
	// Proposal it was, empty for one that came from a Source, which From names.
	Proposal string `json:"proposal,omitempty"`
	From     string `json:"from"`
	// Signers are the names of those who signed.
	Signers []string `json:"signers"`
	// Note is the signed text with its signatures.
	Note string `json:"note"`
	Step Step   `json:"step"`
	// Signed is when it became active first, for one that was brought back; zero:
	// with this Step.
	Signed time.Time `json:"signed,omitzero"`
	// Shipped says that its files are those of Before, which nobody here signed.
	Shipped bool `json:"shipped,omitempty"`
	// Before is what the program brought along before anything was activated; nil: that
	// was not the program's, or not kept.
	Before *Shipment `json:"before,omitempty"`
	// Seal is a keyed digest of all this: nobody who can write to the database
	// alone makes a revision active.
	Seal string `json:"seal"`
	// Current is the one in force, Returns says that Rollback can bring it back.
	Current bool `json:"-"`
	Returns bool `json:"-"`
}

// Shipment is a bundle that came with the program: its revision and the digest of its files.
type Shipment struct {
	Revision string `json:"revision"`
	Bundle   string `json:"bundle"`
}

// signedBy is when its signatures were there.
func (r Revision) signedBy() time.Time {
	if r.Signed.IsZero() {
		return r.Step.Time
	}
	return r.Signed
}

// ShadowRun is a proposal that is asked beside the policies in force, for a time.
type ShadowRun struct {
	ID       string    `json:"id"`
	Proposal string    `json:"proposal"`
	Revision string    `json:"revision"`
	Bundle   string    `json:"bundle"`
	Start    Step      `json:"start"`
	Until    time.Time `json:"until"`
	// Ended is when it ended, zero while it runs.
	Ended time.Time `json:"ended,omitzero"`
	// Counts of all replicas together.
	Counts policies.ShadowCounts `json:"-"`
}

// Status is what a replica says of its policies.
type Status struct {
	Revision string `json:"revision"`
	// Digest is that of all that decides, tenants and services too; Bundle that of the
	// rules' files as they were signed. Sequence is the activation; 0: none, the
	// policies are those of the Source.
	Digest   string    `json:"digest"`
	Bundle   string    `json:"bundle"`
	Sequence int64     `json:"sequence"`
	Since    time.Time `json:"since"`
	// Source is embedded, folder, file or url.
	Source  string   `json:"source"`
	Signers []string `json:"signers,omitempty"`
	// Development says that unsigned bundles are accepted here.
	Development bool `json:"development"`
	// Problem is why the replica does not follow, in German; empty: it does.
	Problem string `json:"problem,omitempty"`
	// Refused is why the Source's bundle was not taken, in German; empty: it was.
	Refused string `json:"refused,omitempty"`
}

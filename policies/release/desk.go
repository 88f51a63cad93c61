// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/policies"
)

// Event is a step as it is written into the record, before it takes effect.
type Event struct {
	// Topic is one of the Topic constants.
	Topic  string
	Person Person
	// Object is "policies", Text one German sentence, Reason what the person said.
	Object, Text, Reason string
	// Old and New are what changes, as JSON; nil: nothing to say.
	Old, New json.RawMessage
}

// Topics of events.
const (
	TopicProposed  = "policy_proposed"
	TopicSigned    = "policy_signed"
	TopicActivated = "policy_activated"
	TopicWithdrawn = "policy_withdrawn"
	TopicShadow    = "shadow_started"
	TopicShadowEnd = "shadow_ended"
)

// Config of a Desk. Store, Engine, Key and Note are required.
type Config struct {
	Store  state.Store
	Engine *policies.Engine
	// Source is where policies come from when none were activated here; nil: Embedded().
	Source Source
	// Trust says whose signatures count and how many are needed.
	Trust Trust
	// Key seals activations; all replicas have the same.
	Key []byte
	// Note writes a step into the record. An error means: the step is not taken.
	Note func(ctx context.Context, e Event) error
	// History hands over recorded requests since a moment, the newest first; nil:
	// there is none.
	History func(ctx context.Context, from time.Time, yield func(gateway.Record) error) error
	// Poll is how often the state is looked at; default 2 s. SourcePoll is how often
	// the Source is; default 1 minute.
	Poll, SourcePoll time.Duration
	// Replica names this process among others; default: random.
	Replica string
	Now     func() time.Time
	NewID   func(time.Time) string
	Logger  *slog.Logger
}

// Desk is where policies are changed. It is safe for concurrent use, and several
// replicas work over one Store.
type Desk struct {
	config Config
}

var errSkeleton = errors.New("release: not available")

// New checks the configuration. Start loads what is in force.
func New(c Config) (*Desk, error) { return &Desk{config: c}, nil }

// Start loads the policies in force into the engine, before the first request.
func (d *Desk) Start(ctx context.Context) error { return errSkeleton }

// Follow loads what becomes active anywhere, until the context ends.
func (d *Desk) Follow(ctx context.Context) error { return errSkeleton }

// Ready is an error while this replica cannot follow the policies in force.
func (d *Desk) Ready(ctx context.Context) error { return errSkeleton }

// Status is what this replica says of its policies.
func (d *Desk) Status() Status { return Status{} }

// Propose checks a draft and keeps it with the report.
func (d *Desk) Propose(ctx context.Context, by Person, draft Draft) (Proposal, error) {
	return Proposal{}, errSkeleton
}

// Proposals lists all, the newest first.
func (d *Desk) Proposals(ctx context.Context) ([]Proposal, error) { return nil, errSkeleton }

// Proposal returns one; CodeNotFound if there is none.
func (d *Desk) Proposal(ctx context.Context, id string) (Proposal, error) {
	return Proposal{}, errSkeleton
}

// Bundle are the files of a proposal.
func (d *Desk) Bundle(ctx context.Context, id string) (fs.FS, error) { return nil, errSkeleton }

// Diff compares a proposal with the policies in force.
func (d *Desk) Diff(ctx context.Context, id string) (policies.Difference, error) {
	return policies.Difference{}, errSkeleton
}

// Between compares two revisions that are or were in force.
func (d *Desk) Between(ctx context.Context, old, new string) (policies.Difference, error) {
	return policies.Difference{}, errSkeleton
}

// Impact compares a proposal with the policies in force, over the history since a
// moment. It is kept with the proposal and its digest is signed with it.
func (d *Desk) Impact(ctx context.Context, by Person, id string, from time.Time) (Proposal, error) {
	return Proposal{}, errSkeleton
}

// Sign adds a signature that was made elsewhere over the Text of the proposal.
func (d *Desk) Sign(ctx context.Context, by Person, id, signature string) (Proposal, error) {
	return Proposal{}, errSkeleton
}

// Shadow asks a proposal beside the policies in force, on all replicas, for a time.
func (d *Desk) Shadow(ctx context.Context, by Person, id string, how time.Duration) (ShadowRun, error) {
	return ShadowRun{}, errSkeleton
}

// EndShadow ends it before its time.
func (d *Desk) EndShadow(ctx context.Context, by Person) (ShadowRun, error) {
	return ShadowRun{}, errSkeleton
}

// Shadowing is the last or running shadow; CodeNotFound if there was none.
func (d *Desk) Shadowing(ctx context.Context) (ShadowRun, error) { return ShadowRun{}, errSkeleton }

// Activate puts a proposal in force, when nothing is Missing.
func (d *Desk) Activate(ctx context.Context, by Person, id, reason string) (Revision, error) {
	return Revision{}, errSkeleton
}

// Withdraw ends a proposal that will not become active.
func (d *Desk) Withdraw(ctx context.Context, by Person, id, reason string) (Proposal, error) {
	return Proposal{}, errSkeleton
}

// Rollback puts an earlier revision in force again, as a new and higher one.
func (d *Desk) Rollback(ctx context.Context, by Person, revision, reason string) (Revision, error) {
	return Revision{}, errSkeleton
}

// Revisions lists what is and was in force, the newest first.
func (d *Desk) Revisions(ctx context.Context) ([]Revision, error) { return nil, errSkeleton }

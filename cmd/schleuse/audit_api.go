// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"io"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// proofs show systems of auditors the record of their own tenant.
type proofs struct {
	record *audit.Log
	keys   *audit.Keys
}

var _ httpapi.Proofs = proofs{}

// checkpointAnswer is the newest checkpoint with its public keys.
type checkpointAnswer struct {
	Size       int64     `json:"size"`
	Time       time.Time `json:"time,omitzero"`
	Checkpoint string    `json:"checkpoint"`
	Keys       []string  `json:"public_keys"`
}

func (p proofs) Checkpoint(ctx context.Context) (any, error) {
	c, err := p.record.Newest(ctx)
	return checkpointAnswer{Size: c.Size, Time: c.Time, Checkpoint: string(c.Note), Keys: p.record.PublicKeys()}, err
}

// proofAnswer proves an entry without showing it.
type proofAnswer struct {
	ID         string       `json:"id"`
	Open       audit.Proof  `json:"open"`
	Closed     *audit.Proof `json:"closed,omitempty"`
	Checkpoint string       `json:"checkpoint"`
}

func (p proofs) Proof(ctx context.Context, tenant gateway.TenantID, id string) (any, error) {
	e, err := p.record.Show(ctx, audit.Scope{Tenant: tenant}, id)
	if err != nil {
		return nil, err
	}
	return proofAnswer{ID: e.Record.ID, Open: e.Open, Closed: e.Closed, Checkpoint: e.Checkpoint}, nil
}

func (p proofs) Between(ctx context.Context, from, to httpapi.ProofPoint) (any, error) {
	return p.record.Between(ctx, audit.Point(from), audit.Point(to))
}

// note writes down who looks at the record through the interface, and why.
func (p proofs) note(ctx context.Context, l httpapi.Look, n audit.Note) error {
	n.Tenant, n.Role, n.Reason = l.Caller.Tenant, "revision", l.Reason
	n.Case = p.keys.Pseudonymise(l.Caller.Tenant, "case", l.Case)
	n.Actor = p.keys.Pseudonymise(l.Caller.Tenant, "user", identity.UserOfCaller(l.Caller))
	return p.record.Note(ctx, n)
}

func (p proofs) Export(ctx context.Context, l httpapi.Look, f httpapi.DecisionFilter, w io.Writer) error {
	err := p.note(ctx, l, audit.Note{
		Topic: audit.TopicExported, Object: "key/" + l.Caller.KeyID, Text: "Ein Auszug aus dem Protokoll wurde über die Schnittstelle abgerufen.",
	})
	if err != nil {
		return err
	}
	return p.record.Export(ctx, w, audit.Filter{
		Scope: audit.Scope{Tenant: f.Tenant}, System: f.System, From: f.From, To: f.To, Effect: f.Effect, Outcome: f.Outcome,
		Purpose: f.Purpose, Service: f.Service, Rule: f.Rule,
	})
}

func (p proofs) Notes(ctx context.Context, f httpapi.NoteFilter) (any, error) {
	return p.record.Notes(ctx, audit.NoteFilter{
		Scope: audit.Scope{Tenant: f.Tenant}, From: f.From, To: f.To, Topics: f.Topics, Object: f.Object, Cursor: f.Cursor, Limit: f.Limit,
	})
}

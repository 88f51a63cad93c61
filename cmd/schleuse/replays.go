// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// replays decide recorded questions again: with the policies in force, with those
// that were, and with drafts.
type replays struct {
	p *parts

	mu sync.Mutex
	// engines of the revisions that were asked last, the newest at the end.
	engines []replayEngine
}

type replayEngine struct {
	id     string
	engine *policies.Engine
}

const (
	maxReplayEngines = 3
	maxReplayChoices = 50
	revisionPrefix   = "revision:"
	draftPrefix      = "entwurf:"
)

// Revisions are those that can be asked, the one in force first.
func (r *replays) Revisions(ctx context.Context) ([]ui.PolicyRevision, error) {
	now := r.p.engine.Revision()
	out := []ui.PolicyRevision{{ID: revisionPrefix + now, Title: now, InForce: true}}
	past, err := r.p.desk.Revisions(ctx)
	if err != nil {
		return nil, fmt.Errorf("list revisions: %w", err)
	}
	for _, one := range past {
		if one.Revision != now && len(out) < maxReplayChoices {
			out = append(out, ui.PolicyRevision{ID: revisionPrefix + one.Revision, Title: one.Revision})
		}
	}
	drafts, err := r.p.desk.Proposals(ctx)
	if err != nil {
		return nil, fmt.Errorf("list proposals: %w", err)
	}
	for _, d := range drafts {
		if d.Phase == release.PhaseOpen && len(out) < maxReplayChoices {
			out = append(out, ui.PolicyRevision{ID: draftPrefix + d.ID, Title: d.Revision, Draft: true})
		}
	}
	return out, nil
}

// Replay decides a recorded input again. Tenants and services are those of today.
func (r *replays) Replay(ctx context.Context, id string, input json.RawMessage) (gateway.Decision, error) {
	if id == revisionPrefix+r.p.engine.Revision() {
		return r.p.engine.Replay(ctx, input)
	}
	engine, err := r.engine(ctx, id)
	if err != nil {
		return gateway.Decision{}, err
	}
	return engine.Replay(ctx, input)
}

// engine compiles the policies of a revision, one at a time, and keeps the last ones.
func (r *replays) engine(ctx context.Context, id string) (*policies.Engine, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.engines {
		if e.id == id {
			return e.engine, nil
		}
	}
	files, err := r.files(ctx, id)
	if err != nil {
		return nil, err
	}
	engine, err := policies.New(ctx, policies.Config{
		FS: files, Tenants: r.p.policyTenants(ctx, r.p.tenants.Directory()), Services: r.p.catalog.Cards(), Timeout: policyTimeout, Logger: r.p.logger,
	})
	if err != nil {
		return nil, fmt.Errorf("load policies for a replay: %w", err)
	}
	r.engines = append(r.engines, replayEngine{id, engine})
	if len(r.engines) > maxReplayEngines {
		r.engines = r.engines[1:]
	}
	return engine, nil
}

func (r *replays) files(ctx context.Context, id string) (fs.FS, error) {
	if draft, ok := strings.CutPrefix(id, draftPrefix); ok {
		return r.p.desk.Bundle(ctx, draft)
	}
	return r.p.desk.RevisionBundle(ctx, strings.TrimPrefix(id, revisionPrefix))
}

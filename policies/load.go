// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Load puts another bundle in force. It is prepared beside the policies in force:
// compiled, linted, asked the canary questions and its own golden cases; then it
// takes their place at once. Decisions under way end with the policies they began
// with. On an error nothing has changed. Decisions name signed, the BundleDigest under
// which the files were signed; empty: that of the files as they are.
func (e *Engine) Load(ctx context.Context, root fs.FS, signed string) error {
	b, err := readBundle(root)
	if err != nil {
		return fmt.Errorf("read policies: %w", err)
	}
	if signed != "" {
		b.signed = signed
	}
	if problems := b.lint(); len(problems) > 0 {
		return fmt.Errorf("policies %s: %s (%d findings)", b.revision, problems[0], len(problems))
	}
	if err := b.goldenCases(ctx, root); err != nil {
		return fmt.Errorf("policies %s: %w", b.revision, err)
	}
	e.reload.Lock()
	defer e.reload.Unlock()
	if err := e.activate(ctx, b, e.tenants); err != nil {
		return err
	}
	e.cfg.FS = root
	return nil
}

// goldenCases decides the golden cases of a bundle, with what their setup describes.
func (b *bundle) goldenCases(ctx context.Context, root fs.FS) error {
	cases, err := readGolden(root)
	if err != nil {
		return fmt.Errorf("read golden cases: %w", err)
	}
	e, err := b.engine(ctx, cases.config(root))
	if err != nil {
		return err
	}
	for _, c := range cases.cases {
		if err := e.checkGolden(ctx, c); err != nil {
			return fmt.Errorf("golden case %s: %w", c.name(), err)
		}
	}
	return nil
}

// engine decides with a bundle that was read, without the canary questions.
func (b *bundle) engine(ctx context.Context, c Config) (*Engine, error) {
	e := newEngine(c)
	s, err := b.snapshot(ctx, e.cfg)
	if err != nil {
		return nil, fmt.Errorf("compile policies %s: %w", b.revision, err)
	}
	e.bundle = b
	e.active.Store(s)
	return e, nil
}

// Beside returns an engine with another bundle and what else decides here: the same
// tenants, services and overrides. Nothing changes in e.
func (e *Engine) Beside(ctx context.Context, root fs.FS) (*Engine, error) {
	e.reload.Lock()
	c := e.cfg
	c.Tenants = e.tenants
	e.reload.Unlock()
	c.FS = root
	return New(ctx, c)
}

// Files are the files of the bundle in force.
func (e *Engine) Files() fs.FS {
	e.reload.Lock()
	defer e.reload.Unlock()
	return e.cfg.FS
}

// State names what decides now.
func (e *Engine) State() State { return e.active.Load().state() }

// Pin returns a Decider with the policies in force now. Whatever becomes active
// meanwhile, one request is decided by one state of the policies.
func (e *Engine) Pin() gateway.Decider { return pinned{engine: e, snapshot: e.active.Load()} }

var _ gateway.Pinner = (*Engine)(nil)

type pinned struct {
	engine   *Engine
	snapshot *snapshot
}

// Decide answers as Engine.Decide does. What runs in the shadow learns of it.
func (p pinned) Decide(ctx context.Context, q gateway.Question) (gateway.Decision, error) {
	d, err := p.engine.decide(ctx, p.snapshot, q)
	if s := p.engine.shadow.Load(); s != nil && err == nil {
		s.see(d)
	}
	return d, err
}

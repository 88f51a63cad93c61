// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// engineBeside decides as the service of a configuration does, with its tenants, and
// with the rules in force or others. It only reads: the service may be running.
func engineBeside(ctx context.Context, config, bundle string) (engine *policies.Engine, err error) {
	c, err := validConfig(config)
	if err != nil {
		return nil, usageError{err}
	}
	g := &ground{logger: slog.New(slog.DiscardHandler)}
	defer func() { err = errors.Join(err, g.closers.close()) }()
	if err := errors.Join(g.openDatabase(ctx, c), g.openState(ctx, c)); err != nil {
		return nil, sayOf(err, "Der Bestand unter data oder database lässt sich nicht öffnen.")
	}
	p := &parts{ground: g, config: c}
	err = withTenants(ctx, config, func(r *identity.Registry) error {
		g.tenants = r
		catalog, err := loadServices(ctx)
		if err != nil {
			return err
		}
		engine, err = policies.New(ctx, policies.Config{Tenants: p.policyTenants(ctx, r.Directory()), Services: catalog.Cards(), Timeout: policyTimeout})
		return err
	})
	if err != nil {
		return nil, err
	}
	return engine, p.loadInto(ctx, engine, bundle)
}

// loadInto puts a bundle in force, or what is in force in the shared state.
func (p *parts) loadInto(ctx context.Context, engine *policies.Engine, bundle string) error {
	if bundle != "" {
		root, err := bundleAt(ctx, bundle)
		if err != nil {
			return err
		}
		return engine.Load(ctx, root, "")
	}
	source, err := p.config.Policies.source()
	if err != nil {
		return err
	}
	files, signed, err := release.InForce(ctx, release.Config{Store: p.state, Source: source, Trust: p.config.Policies.trust(), Key: p.deskKey()})
	if err != nil {
		return err
	}
	return engine.Load(ctx, files.FS(), signed)
}

// deskKey seals what is in force.
func (p *parts) deskKey() []byte { return derive(p.config.secret, "policies in force") }

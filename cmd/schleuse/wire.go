// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/approval"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/mcp"
	"github.com/ki-schleuse/schleuse/gateway/norms"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
	"github.com/ki-schleuse/schleuse/policies/services"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// parts is everything a request meets, made for one configuration, in the order
// in which it is met.
type parts struct {
	*ground

	config   Config
	engine   *policies.Engine
	desk     *release.Desk
	catalog  *completeness.Catalog
	register *norms.Register
	index    *retrieval.Index
	router   *router.Router
	upstream *upstream.Client
	tools    *mcp.Client
	gateway  *gateway.Gateway
	checker  *completeness.Checker
	drafter  *drafting.Drafter
	api      *httpapi.Server
	pages    *ui.UI
	// approvals is where people release results.
	approvals *approval.Desk
	// openID signs persons in; nil: only links do.
	openID *identity.OpenID
	mcp    *mcp.Server

	own closers
}

// build opens the ground and makes every part once.
func build(ctx context.Context, c Config, logger *slog.Logger) (*parts, error) {
	g, err := prepare(ctx, c, logger)
	if err != nil {
		return nil, err
	}
	p, err := assemble(ctx, g, c)
	if err != nil {
		return nil, errors.Join(err, g.closers.close())
	}
	p.lead(ctx)
	return p, nil
}

// lead makes these parts the ones that are told of changes of tenants.
func (p *parts) lead(ctx context.Context) {
	p.routes = p.router
	energy := map[gateway.ModelID]float64{}
	for _, card := range p.router.Cards() {
		energy[card.ID] = card.Energy
	}
	p.energy.Store(&energy)
	p.leader.Store(p)
	p.sessions.Govern(p.sessionRules())
	p.tenantsChanged(ctx) // there may be other tenants than when the rules were loaded
	if err := p.telemetry.Register(metrics{p}); err != nil {
		p.logger.LogAttrs(ctx, slog.LevelError, "metrics of endpoints and limits not shown", slog.Any("error", err))
	}
}

// setLimits puts the limits of configuration and tenants in force.
func (p *parts) setLimits(ctx context.Context, d *identity.Directory) {
	limits, err := p.config.limits(d)
	if err == nil {
		err = p.quota.SetLimits(limits)
	}
	if err != nil {
		p.logger.LogAttrs(ctx, slog.LevelError, "limits stay as they were", slog.Any("error", err))
	}
}

// tenantsChanged lets policies and limits know who there is now, if these parts
// are still the ones that lead. Whoever comes last knows the latest.
func (p *parts) tenantsChanged(ctx context.Context) {
	p.telling.Lock()
	defer p.telling.Unlock()
	if p.leader.Load() != p {
		return
	}
	d := p.tenants.Directory()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := p.engine.SetTenants(ctx, p.policyTenants(ctx, d)); err != nil {
		p.logger.LogAttrs(ctx, slog.LevelError, "policies keep the tenants they had", slog.Any("error", err))
	}
	p.setLimits(ctx, d)
}

// policyTenants is what the policies know of tenants.
func (p *parts) policyTenants(ctx context.Context, d *identity.Directory) map[gateway.TenantID]policies.Tenant {
	tenants := map[gateway.TenantID]policies.Tenant{}
	// The search asks for vectors under a tenant of its own.
	tenants[lawTenant] = policies.Tenant{Active: true}
	for _, t := range d.Tenants() {
		tenants[t.ID] = policies.Tenant{Active: t.Active, Releases: p.config.Releases[t.ID], TenantDuties: p.dutiesOf(ctx, t)}
	}
	addOwnRules(tenants, d)
	return tenants
}

// assemble makes the parts for a configuration on a ground that stays open when
// it fails.
func assemble(ctx context.Context, g *ground, c Config) (p *parts, err error) {
	p = &parts{ground: g, config: c.withDefaults()}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.own.close())
		}
	}()
	for _, step := range []func(context.Context) error{
		p.loadRules, p.buildModels, p.buildSearch, p.buildGateway, p.buildAssist, p.buildAPI,
	} {
		if err := step(ctx); err != nil {
			return p, err
		}
	}
	return p, nil
}

// close releases the parts, then the ground.
func (p *parts) close() error { return errors.Join(p.own.close(), p.closers.close()) }

// loadRules loads what decides and checks: services, policies, norms.
func (p *parts) loadRules(ctx context.Context) (err error) {
	if p.catalog, err = loadServices(ctx); err != nil {
		return err
	}
	if p.register, err = loadRegister(p.config.Data); err != nil {
		return err
	}
	tenants := p.policyTenants(ctx, p.tenants.Directory())
	p.engine, err = policies.New(ctx, policies.Config{Tenants: tenants, Services: p.catalog.Cards(), Timeout: policyTimeout, Logger: p.logger})
	if err != nil {
		return err
	}
	p.noteDuties(ctx, tenants)
	if err := p.openDesk(ctx); err != nil {
		return err
	}
	p.noteUnknownNames(ctx)
	return nil
}

// policyTimeout ends a decision that hangs, as a denial. The shipped rules need
// about a millisecond; a busy machine must not turn that into refusals.
const policyTimeout = 2 * time.Second

func loadServices(ctx context.Context) (*completeness.Catalog, error) {
	return completeness.LoadCatalog(ctx, services.FS)
}

// loadRegister is the embedded register with what was imported.
func loadRegister(data string) (*norms.Register, error) {
	f, err := os.Open(filepath.Join(data, normsFile))
	if errors.Is(err, os.ErrNotExist) {
		return norms.Default(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("open imported norms: %w", err)
	}
	defer f.Close()
	imported, err := norms.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read imported norms: %w", err)
	}
	return norms.Default().Merge(imported), nil
}

func (p *parts) buildModels(context.Context) (err error) {
	endpoints, err := p.config.upstreams()
	if err != nil {
		return err
	}
	if p.upstream, err = upstream.New(upstream.Config{Endpoints: endpoints, UserAgent: "ki-schleuse/" + version, Trace: p.trace}); err != nil {
		return err
	}
	p.own.add(func() error { p.upstream.Close(); return nil })
	if p.tools, err = p.config.toolClient(mcp.ClientConfig{Version: version, Logger: p.logger}); err != nil {
		return err
	}
	routing := p.config.routing()
	routing.Health.Ping, routing.Logger = p.ping, p.logger
	p.router, err = router.Renew(routing, p.routes)
	return err
}

// lawTenant owns the statutes that all tenants may search.
const lawTenant gateway.TenantID = "gesetze"

func (p *parts) buildSearch(context.Context) (err error) {
	config := retrieval.Config{Store: p.search, Shared: lawTenant, Reader: p.reader}
	if p.config.Embeddings.Model != "" {
		config.Embedder = &embedder{p: p}
	}
	p.index, err = retrieval.New(config)
	return err
}

func (p *parts) buildGateway(context.Context) (err error) {
	p.gateway, err = gateway.New(p.gatewayConfig())
	return err
}

func (p *parts) gatewayConfig() gateway.Config {
	return gateway.Config{
		Screener: p.screener, Decider: p.engine, Retriever: p.retriever(), Router: p.router, Model: outward{p.upstream, p.tools}, Recorder: p.record, Observer: p.telemetry, Quota: p.quota, Vault: p.keeper(),
		Pseudonymise: p.keys.Pseudonymise, Logger: p.logger, KnownPurpose: p.engine.KnowsPurpose,
		KnownService: func(id gateway.ServiceID) bool { _, ok := p.catalog.Service(id); return ok },
		KnownField:   p.knownField, KnownSource: p.knownSource, RecordFirst: p.config.Record.Before == beforeModel,
	}
}

// buildAssist makes what stands above the gateway: checks and letters.
func (p *parts) buildAssist(context.Context) (err error) {
	p.checker, err = completeness.New(completeness.Config{
		Catalog: p.catalog, Reader: p.reader,
		Permit: func(ctx context.Context, r gateway.Request) (completeness.Permit, error) {
			return p.gateway.Permit(ctx, r)
		},
	})
	if err != nil {
		return err
	}
	p.drafter, err = drafting.New(drafting.Config{
		Permit:  func(ctx context.Context, r gateway.Request) (drafting.Permit, error) { return p.gateway.Permit(ctx, r) },
		Profile: p.profile, Register: p.register, Key: derive(p.config.secret, "drafts"),
	})
	return err
}

func (p *parts) profile(_ context.Context, tenant gateway.TenantID) (drafting.Profile, error) {
	if t, ok := p.tenants.Tenant(tenant); ok && len(t.Settings["authority"]) > 0 {
		var own drafting.Profile
		return own, strict(t.Settings["authority"], "authority", &own)
	}
	profile, ok := p.config.Authorities[tenant]
	if !ok {
		return drafting.Profile{}, &gateway.Error{Op: "find authority", Code: gateway.CodeInvalid, Message: "Für den Mandanten sind keine Angaben zur Behörde eingerichtet (authorities in der Konfiguration)."}
	}
	return profile.Profile, nil
}

func (p *parts) buildAPI(ctx context.Context) (err error) {
	p.approvals, err = approval.New(approval.Config{Record: p.record, Pseudonymise: p.keys.Pseudonymise})
	if err != nil {
		return err
	}
	//nolint:contextcheck // a request has its own context
	p.api, err = httpapi.New(httpapi.Config{
		Gateway: httpapi.Through(p.gateway), Auth: p.tenants, Tenants: p.tenants, Usage: p.quota, Norms: statutes{p}, Classifier: classifier{p},
		Launches: p.launches, PublicURL: p.config.PublicURL, Models: models{p}, Checker: p.checker, Drafter: letters{p},
		Retriever: p.retriever(), Decisions: decisions{proofs{p.record, p.keys}}, Proofs: proofs{p.record, p.keys}, Services: p.catalog, Releases: releases{p}, Ready: p.readiness(),
		Logger: p.logger, HSTS: p.config.TLS.Cert != "", Shelf: p.shelf,
	})
	if err != nil {
		return err
	}
	p.mcp, err = mcp.NewServer(mcp.Config{API: p.api, Auth: p.tenants, Released: p.tools, Gateway: p.gateway, Version: version, Logger: p.logger})
	if err != nil {
		return err
	}
	pages := ui.Config{
		Sessions: p.sessions, Directory: p.tenants, Records: p.record, Rules: p.rules, Register: p.registerPages(), Policies: p.policyPages(),
		Models: p.router.Cards(), Logger: p.logger, Operator: p.config.Operator, Demo: p.config.demo, FrameAncestors: p.config.FrameAncestors, Launches: p.launches,
		Panel: &ui.Panel{Shelf: p.shelf, Checker: p.checker, Drafter: p.drafter, Catalog: p.catalog, Letter: p.letterInput, System: p.config.panelSystem(), Cases: p.config.cases},
	}
	if err := p.decisionPages(ctx, &pages); err != nil {
		return err
	}
	p.pages, err = ui.New(pages)
	return err
}

func (p *parts) rules() []ui.Rule {
	var out []ui.Rule
	for _, r := range p.engine.Rules() {
		out = append(out, ui.Rule{ID: r.ID, Title: r.Title, EnglishTitle: r.EnglishTitle, Basis: r.Basis, Text: r.Text, English: r.English})
	}
	return out
}

func (p *parts) readiness() []httpapi.ReadyCheck {
	return []httpapi.ReadyCheck{
		{Name: "policies", Check: p.desk.Ready},
		{Name: "tenants", Check: p.tenants.Ready},
		{Name: "record", Check: func(ctx context.Context) error {
			_, err := p.record.Checkpoint(ctx)
			return err
		}},
		{Name: "witnesses", Warning: true, Check: func(context.Context) error { return p.witnessed() }},
	}
}

// maxTool bounds a call of a tool with its documents.
const maxTool = 32 << 20

// handler is the whole surface: interfaces for systems, pages for people.
func (p *parts) handler() http.Handler {
	mux := http.NewServeMux()
	for _, prefix := range []string{"/v1/", "/v2/", "/anthropic/", "/api/", "/healthz", "/readyz"} {
		mux.Handle(prefix, p.api)
	}
	mux.Handle("/mcp", p.api.Hold(p.mcp, maxTool))
	mux.Handle("/", p.pages.Handler())
	return mux
}

// adminHandler is what operators reach on the second port.
func (p *parts) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.telemetry.Handler())
	mux.Handle("GET /healthz", p.api)
	mux.Handle("GET /readyz", p.api.Readiness())
	return mux
}

// derive makes a key for one use from the master secret.
func derive(master []byte, use string) []byte {
	key, err := hkdf.Key(sha256.New, master, nil, "ki-schleuse v1 "+use, 32)
	if err != nil {
		panic("derive key: " + err.Error()) // only for lengths that sha256 cannot give
	}
	return key
}

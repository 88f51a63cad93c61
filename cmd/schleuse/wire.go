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
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	auditpostgres "github.com/ki-schleuse/schleuse/gateway/audit/postgres"
	auditsqlite "github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/norms"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/gateway/screen"
	"github.com/ki-schleuse/schleuse/gateway/ui"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/services"
	"github.com/ki-schleuse/schleuse/retrieval"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
	"github.com/ki-schleuse/schleuse/retrieval/pgvector"
	"github.com/ki-schleuse/schleuse/retrieval/sqlite"
)

// parts is everything a process is made of, in the order a request meets it.
type parts struct {
	config    Config
	logger    *slog.Logger
	directory *identity.Directory
	sessions  *identity.Sessions
	screener  *screen.Screener
	engine    *policies.Engine
	catalog   *completeness.Catalog
	register  *norms.Register
	reader    *extract.Reader
	index     *retrieval.Index
	router    *router.Router
	upstream  *upstream.Client
	record    *audit.Log
	keys      *audit.Keys
	gateway   *gateway.Gateway
	checker   *completeness.Checker
	drafter   *drafting.Drafter
	api       *httpapi.Server
	pages     *ui.UI

	pool    *pgxpool.Pool // nil: SQLite
	closers []func() error
}

// build makes every part once. What it opened before an error is closed again.
func build(ctx context.Context, c Config, logger *slog.Logger) (p *parts, err error) {
	p = &parts{config: c, logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	for _, step := range []func(context.Context) error{
		p.identify, p.openDatabase, p.openRecord, p.loadRules, p.buildModels, p.buildSearch, p.buildGateway, p.buildAssist, p.buildAPI,
	} {
		if err := step(ctx); err != nil {
			return p, err
		}
	}
	return p, nil
}

// close releases everything in reverse order.
func (p *parts) close() error {
	var problems []error
	for _, closer := range slices.Backward(p.closers) {
		problems = append(problems, closer())
	}
	p.closers = nil
	return errors.Join(problems...)
}

func (p *parts) onClose(f func() error) { p.closers = append(p.closers, f) }

func (p *parts) identify(context.Context) (err error) {
	p.directory, err = identity.New(identity.Config{Tenants: p.config.Tenants, Pepper: derive(p.config.secret, "api keys")})
	p.sessions = identity.NewSessions(nil, p.config.TLS.Cert != "" || p.config.BehindProxy)
	return err
}

// openDatabase connects to PostgreSQL, if one is configured.
func (p *parts) openDatabase(ctx context.Context) error {
	if err := os.MkdirAll(p.config.Data, 0o700); err != nil {
		return fmt.Errorf("create data folder: %w", err)
	}
	dsn, err := fromEnvironment(p.config.Database)
	if err != nil || dsn == "" {
		return err
	}
	p.pool, err = postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	p.onClose(func() error { p.pool.Close(); return nil })
	return nil
}

func (p *parts) openRecord(ctx context.Context) error {
	store, err := p.recordStore(ctx)
	if err != nil {
		return err
	}
	key, err := recordKey(p.config.Origin, p.config.secret)
	if err != nil {
		return err
	}
	if p.keys, err = audit.NewKeys(derive(p.config.secret, "pseudonyms")); err != nil {
		return err
	}
	if p.record, err = audit.New(ctx, audit.Config{Store: store, Key: key, Logger: p.logger}); err != nil {
		return fmt.Errorf("open record: %w", err)
	}
	p.onClose(func() error { return p.record.Shutdown(context.WithoutCancel(ctx)) })
	return nil
}

func (p *parts) recordStore(ctx context.Context) (audit.Store, error) {
	if p.pool != nil {
		return auditpostgres.Open(ctx, p.pool)
	}
	store, err := auditsqlite.Open(ctx, filepath.Join(p.config.Data, recordFile))
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	p.onClose(store.Close)
	return store, nil
}

const (
	recordFile = "record.db"
	searchFile = "search.db"
	normsFile  = "norms.txt"
)

// loadRules loads what decides and checks: services, policies, norms.
func (p *parts) loadRules(ctx context.Context) (err error) {
	if p.catalog, err = loadServices(ctx); err != nil {
		return err
	}
	if p.register, err = loadRegister(p.config.Data); err != nil {
		return err
	}
	tenants := map[gateway.TenantID]policies.Tenant{}
	// The search asks for vectors under a tenant of its own.
	tenants[lawTenant] = policies.Tenant{Active: true}
	for _, t := range p.config.Tenants {
		tenants[t.ID] = policies.Tenant{Active: t.Active, Releases: p.config.Releases[t.ID]}
	}
	p.engine, err = policies.New(ctx, policies.Config{Tenants: tenants, Services: p.catalog.Cards(), Timeout: policyTimeout, Logger: p.logger})
	return err
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
	if p.screener, err = screen.New(screen.Config{}); err != nil {
		return err
	}
	if p.router, err = router.New(p.config.entries()); err != nil {
		return err
	}
	endpoints, err := p.config.upstreams()
	if err != nil {
		return err
	}
	if p.upstream, err = upstream.New(upstream.Config{Endpoints: endpoints, UserAgent: "ki-schleuse/" + version, Trace: httpapi.Traceparent}); err != nil {
		return err
	}
	p.onClose(func() error { p.upstream.Close(); return nil })
	return nil
}

// lawTenant owns the statutes that all tenants may search.
const lawTenant gateway.TenantID = "gesetze"

func (p *parts) buildSearch(ctx context.Context) error {
	store, err := p.searchStore(ctx)
	if err != nil {
		return err
	}
	p.reader = extract.NewReader(extract.Config{})
	config := retrieval.Config{Store: store, Shared: lawTenant, Reader: p.reader}
	if p.config.Embeddings.Model != "" {
		config.Embedder = &embedder{p: p}
	}
	p.index, err = retrieval.New(config)
	return err
}

func (p *parts) searchStore(ctx context.Context) (retrieval.Store, error) {
	if p.pool != nil {
		dsn, err := fromEnvironment(p.config.Database)
		if err != nil {
			return nil, err
		}
		store, err := pgvector.Open(ctx, pgvector.Config{DSN: dsn, Dim: p.config.Embeddings.Dim})
		if err != nil {
			return nil, fmt.Errorf("open search index: %w", err)
		}
		p.onClose(func() error { store.Close(); return nil })
		return store, nil
	}
	store, err := sqlite.Open(ctx, filepath.Join(p.config.Data, searchFile))
	if err != nil {
		return nil, fmt.Errorf("open search index: %w", err)
	}
	p.onClose(store.Close)
	return store, nil
}

func (p *parts) buildGateway(context.Context) (err error) {
	p.gateway, err = gateway.New(gateway.Config{
		Screener: p.screener, Decider: p.engine, Retriever: p.index, Router: p.router, Model: p.upstream, Recorder: p.record,
		Pseudonymise: p.keys.Pseudonymise, Logger: p.logger,
	})
	return err
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
	profile, ok := p.config.Authorities[tenant]
	if !ok {
		return drafting.Profile{}, &gateway.Error{Op: "find authority", Code: gateway.CodeInvalid, Message: "Für den Mandanten sind keine Angaben zur Behörde eingerichtet (authorities in der Konfiguration)."}
	}
	return profile.Profile, nil
}

func (p *parts) buildAPI(context.Context) (err error) {
	p.api, err = httpapi.New(httpapi.Config{
		Gateway: httpapi.Through(p.gateway), Auth: p.directory, Models: models{p}, Checker: p.checker, Drafter: letters{p},
		Retriever: p.index, Decisions: decisions{p.record.Viewer}, Services: p.catalog, Ready: p.readiness(),
		Logger: p.logger, HSTS: p.config.TLS.Cert != "",
	})
	if err != nil {
		return err
	}
	p.pages, err = ui.New(ui.Config{
		Sessions: p.sessions, Directory: p.directory, Records: p.record, Rules: p.rules,
		Models: p.router.Cards(), Logger: p.logger, Operator: p.config.Operator, Demo: p.config.demo, FrameAncestors: p.config.FrameAncestors,
		Panel: &ui.Panel{Checker: p.checker, Drafter: p.drafter, Catalog: p.catalog, Letter: p.letterInput, System: p.config.panelSystem(), Cases: p.config.cases},
	})
	return err
}

func (p *parts) rules() []ui.Rule {
	var out []ui.Rule
	for _, r := range p.engine.Rules() {
		out = append(out, ui.Rule{ID: r.ID, Title: r.Title, Basis: r.Basis, Text: r.Text})
	}
	return out
}

func (p *parts) readiness() []httpapi.ReadyCheck {
	return []httpapi.ReadyCheck{
		{Name: "policies", Check: func(context.Context) error {
			if p.engine.Revision() == "" {
				return errors.New("no policies are active")
			}
			return nil
		}},
		{Name: "record", Check: func(ctx context.Context) error {
			_, err := p.record.Checkpoint(ctx)
			return err
		}},
	}
}

// handler is the whole surface: interfaces for systems, pages for people.
func (p *parts) handler() http.Handler {
	mux := http.NewServeMux()
	for _, prefix := range []string{"/v1/", "/api/", "/healthz", "/readyz"} {
		mux.Handle(prefix, p.api)
	}
	mux.Handle("/", p.pages.Handler())
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

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	auditpostgres "github.com/ki-schleuse/schleuse/gateway/audit/postgres"
	auditsqlite "github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/gateway/screen"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
	shelfpostgres "github.com/ki-schleuse/schleuse/gateway/shelf/postgres"
	"github.com/ki-schleuse/schleuse/gateway/state"
	statepostgres "github.com/ki-schleuse/schleuse/gateway/state/postgres"
	statesqlite "github.com/ki-schleuse/schleuse/gateway/state/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/telemetry"
	"github.com/ki-schleuse/schleuse/gateway/vault"
	"github.com/ki-schleuse/schleuse/retrieval"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
	"github.com/ki-schleuse/schleuse/retrieval/pgvector"
	"github.com/ki-schleuse/schleuse/retrieval/sqlite"
)

// ground is what lives as long as the process, whatever configuration is in
// force: databases, the record, sessions, and what is remembered between
// requests.
type ground struct {
	logger   *slog.Logger
	started  time.Time
	settled  settled
	sessions *identity.Sessions
	tenants  *identity.Registry
	launches *identity.Launches
	// leader is told whenever tenants change, one change after the other.
	leader    atomic.Pointer[parts]
	telling   sync.Mutex
	quota     *quota.Keeper
	energy    atomic.Pointer[map[gateway.ModelID]float64] // of the catalogue in force
	telemetry *telemetry.Telemetry
	shadowed  *prometheus.CounterVec // comparisons of drafts with the policies in force
	screener  *screen.Screener
	reader    *extract.Reader
	record    *audit.Log
	alone     func(ctx context.Context, name string, do func(context.Context) error) (bool, error)
	recordKey string
	witnesses *witness.Exporter
	state     state.Store // what replicas share and change: proposals, holds, views
	keys      *audit.Keys
	vault     *vault.Vault
	access    *accesslog.Log
	search    retrieval.Store
	routes    *router.Router // of the last configuration: its successor keeps what it knows
	shelf     shelf.Store    // checks and drafts people come back to
	// verified is what the last proof of the record said, retained how the last removal
	// of contents went; nil: none yet.
	verified atomic.Pointer[verdict]
	retained atomic.Pointer[retained]

	pool    *pgxpool.Pool // nil: SQLite
	closers closers
}

// settled is the part of the configuration that cannot change while the process
// runs.
type settled struct {
	Listen, AdminListen, Data, Database, Origin string
	Identity, FrameAncestors                    string
	TLS, BehindProxy                            bool
	Dim                                         int
	Secret                                      [32]byte // derived, to notice a change
	Record                                      string
	Vault, AccessLog                            string
}

func (c *Config) settled() settled {
	return settled{
		Listen: c.Listen, AdminListen: c.AdminListen, Data: c.Data, Database: c.Database, Origin: c.Origin,
		Identity: fmt.Sprintf("%+v", c.Identity), FrameAncestors: strings.Join(c.FrameAncestors, " "),
		TLS: c.TLS.Cert != "", BehindProxy: c.BehindProxy, Dim: c.Embeddings.Dim,
		Secret: [32]byte(derive(c.secret, "configuration")), Record: fmt.Sprintf("%+v", c.Record),
		Vault: fmt.Sprint(c.Vault), AccessLog: fmt.Sprint(c.AccessLog),
	}
}

// changed names the settings that need a new start.
func (s settled) changed(to settled) []string {
	var out []string
	from, other := reflect.ValueOf(s), reflect.ValueOf(to)
	for i, name := range [...]string{"listen", "admin_listen", "data", "database", "origin", "identity", "frame_ancestors", "tls", "behind_proxy", "embeddings.dim", "secret_file", "vault", "access_log"} {
		if !from.Field(i).Equal(other.Field(i)) {
			out = append(out, name)
		}
	}
	return out
}

// closers are run in reverse order.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

func (c *closers) close() error {
	var problems []error
	for _, closer := range slices.Backward(*c) {
		problems = append(problems, closer())
	}
	*c = nil
	return errors.Join(problems...)
}

// prepare opens the ground. What it opened before an error is closed again.
func prepare(ctx context.Context, c Config, logger *slog.Logger) (g *ground, err error) {
	c = c.withDefaults()
	g = &ground{logger: logger, started: time.Now(), settled: c.settled()}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.closers.close())
		}
	}()
	g.reader = extract.NewReader(extract.Config{})
	if g.screener, err = screen.New(screen.Config{}); err != nil {
		return g, err
	}
	for _, step := range []func(context.Context, Config) error{g.openTelemetry, g.openDatabase, g.openState, g.openShelf, g.openRecord, g.openVault, g.openTenants, g.openQuota, g.openSearch} {
		if err := step(ctx, c); err != nil {
			return g, err
		}
	}
	return g, nil
}

func (g *ground) openTelemetry(ctx context.Context, c Config) (err error) {
	headers := map[string]string{}
	for name, value := range c.Telemetry.Headers {
		if headers[name], err = fromEnvironment(value); err != nil {
			return fmt.Errorf("telemetry.headers.%s: %w", name, err)
		}
	}
	host, _ := os.Hostname() // without a name traces are still traces
	g.telemetry, err = telemetry.New(ctx, telemetry.Config{
		Version: version, Instance: host, OTLP: c.Telemetry.OTLP, Headers: headers, Sample: c.Telemetry.Sample, Parent: httpapi.Traceparent,
	})
	if err != nil {
		return err
	}
	g.closers.add(func() error {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return g.telemetry.Shutdown(ending)
	})
	g.shadowed, err = newShadowMetric(g.telemetry)
	return err
}

// trace is the trace context to send to a model's server.
func (g *ground) trace(ctx context.Context) string {
	return cmp.Or(g.telemetry.Traceparent(ctx), httpapi.Traceparent(ctx))
}

// openDatabase connects to PostgreSQL, if one is configured.
func (g *ground) openDatabase(ctx context.Context, c Config) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("create data folder: %w", err)
	}
	dsn, err := fromEnvironment(c.Database)
	if err != nil || dsn == "" {
		return err
	}
	g.pool, err = postgres.Open(ctx, dsn)
	if err != nil {
		return err
	}
	g.closers.add(func() error { g.pool.Close(); return nil })
	return nil
}

// sweepEvery is how often the record is searched for requests of dead processes.
// At the second look without a sign of life they are ended.
const sweepEvery = 12 * time.Second

// openShelf: replicas share what people come back to, sealed; a single process
// keeps it in memory, so that it ends with it.
func (g *ground) openShelf(ctx context.Context, c Config) error {
	if g.pool == nil {
		g.shelf = shelf.Memory(4000, time.Now)
		return nil
	}
	store, err := shelfpostgres.Open(ctx, g.pool, 0)
	if err != nil {
		return err
	}
	g.shelf, err = shelf.Seal(store, derive(c.secret, "shelf"))
	return err
}

func (g *ground) openState(ctx context.Context, c Config) error {
	if g.pool != nil {
		store, err := statepostgres.Open(ctx, g.pool)
		if err != nil {
			return err
		}
		g.state = store
		g.closers.add(store.Close)
		return nil
	}
	store, err := statesqlite.Open(ctx, filepath.Join(c.Data, "state.db"))
	if err != nil {
		return err
	}
	g.state = store
	g.closers.add(store.Close)
	return nil
}

func (g *ground) openRecord(ctx context.Context, c Config) error {
	store, err := g.recordStore(ctx, c)
	if err != nil {
		return err
	}
	g.alone = store.Alone
	if g.recordKey, err = recordKey(c.Origin, c.secret); err != nil {
		return err
	}
	if err := g.openWitnesses(c, store); err != nil {
		return err
	}
	if g.keys, err = audit.NewKeys(derive(c.secret, "pseudonyms")); err != nil {
		return err
	}
	if g.record, err = audit.New(ctx, audit.Config{Store: store, Key: g.recordKey, Kept: g.witnesses.Kept, Logger: g.logger, Sweep: sweepEvery}); err != nil {
		return fmt.Errorf("open record: %w", err)
	}
	g.closers.add(func() error { return g.record.Shutdown(context.WithoutCancel(ctx)) })
	return nil
}

func (g *ground) recordStore(ctx context.Context, c Config) (audit.Store, error) {
	if g.pool != nil {
		return auditpostgres.Open(ctx, g.pool)
	}
	store, err := auditsqlite.Open(ctx, filepath.Join(c.Data, recordFile))
	if err != nil {
		return nil, fmt.Errorf("open record: %w", err)
	}
	g.closers.add(store.Close)
	return store, nil
}

// openTenants reads the tenants of configuration and database. Their changes
// stand in the record.
func (g *ground) openTenants(ctx context.Context, c Config) error {
	store, done, err := tenantStore(ctx, c, g.pool)
	if err != nil {
		return err
	}
	g.closers.add(done)
	config := tenantConfig(c, store, g.logger)
	config.Record = func(ctx context.Context, c identity.Change) error { return noteChange(ctx, g.record, g.keys, c) }
	config.Changed = func(context.Context, identity.Change) {} // the record has it
	if config, err = c.Identity.Extend(config); err != nil {
		return err
	}
	if g.tenants, err = identity.Open(ctx, config); err != nil {
		return err
	}
	g.sessions = identity.OpenSessions(identity.SessionConfig{Store: g.state, Secure: c.TLS.Cert != "" || c.BehindProxy, Key: derive(c.secret, "sessions")})
	tickets, ok := store.(identity.TicketStore)
	if !ok {
		tickets = identity.NewMemoryTickets()
	}
	g.launches, err = identity.NewLaunches(identity.LaunchConfig{
		Store: tickets, Directory: g.tenants.Directory, Key: derive(c.secret, "launches"),
		Origins: c.FrameAncestors, Narrow: g.frames, Secure: c.TLS.Cert != "" || c.BehindProxy,
	})
	if err != nil {
		return err
	}
	//nolint:contextcheck // tenants change as long as the process lives
	g.tenants.OnChange(func(d *identity.Directory) {
		if err := g.sessions.Retain(context.Background(), d.Active); err != nil {
			g.logger.LogAttrs(context.Background(), slog.LevelWarn, "sessions of tenants that are not active could not be removed and are refused", slog.Any("error", err))
		}
		if p := g.leader.Load(); p != nil {
			p.tenantsChanged(context.Background())
		}
	})
	return nil
}

const (
	recordFile = "record.db"
	searchFile = "search.db"
	normsFile  = "norms.txt"
)

func (g *ground) openSearch(ctx context.Context, c Config) error {
	if g.pool != nil {
		dsn, err := fromEnvironment(c.Database)
		if err != nil {
			return err
		}
		store, err := pgvector.Open(ctx, pgvector.Config{DSN: dsn, Dim: c.Embeddings.Dim})
		if err != nil {
			return fmt.Errorf("open search index: %w", err)
		}
		g.closers.add(func() error { store.Close(); return nil })
		g.search = store
		return nil
	}
	store, err := sqlite.Open(ctx, filepath.Join(c.Data, searchFile))
	if err != nil {
		return fmt.Errorf("open search index: %w", err)
	}
	g.closers.add(store.Close)
	g.search = store
	return nil
}

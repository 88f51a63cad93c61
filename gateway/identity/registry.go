// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Config of a Directory or a Registry. Pepper is required; a Directory uses the
// first five fields only.
type Config struct {
	// Tenants that stand in the configuration. Nothing else changes them.
	Tenants []Tenant
	// Pepper is the secret under which key secrets are hashed, at least 32 bytes.
	Pepper []byte
	Now    func() time.Time
	// Methods to recognise callers by, asked before API keys.
	Methods []Method
	// Certificates finds client certificates; nil: none count. Access.Extend sets both.
	Certificates *Certificates

	// Store of further tenants; nil: there are none.
	Store Store
	// Env stands in new keys, for example prod or test; default prod.
	Env string
	// Settings that a tenant may have, each with its check.
	Settings map[string]func(json.RawMessage) error
	// OwnSettings may be changed by the tenant itself, the others by the operator only.
	OwnSettings []string
	// Reserved ids no stored tenant may have.
	Reserved []gateway.TenantID
	// InUse reports whether records of a tenant exist; nil: of every one. Such a
	// tenant is deactivated, never deleted.
	InUse func(context.Context, gateway.TenantID) (bool, error)
	// Record writes a change down before it is made; an error prevents it. It may
	// be called for one that is not made after all, when the store fails. It must be
	// safe for concurrent use; nil: nothing is written down.
	Record func(context.Context, Change) error
	// Changed is told every change after it was made; default: a line in the log.
	Changed func(context.Context, Change)
	Logger  *slog.Logger // default: discard

	KeyLife  time.Duration // of new keys, default 180 days
	Overlap  time.Duration // of two keys after a rotation, default 7 days
	Poll     time.Duration // how often other processes' changes are looked for, default 1 s
	Flush    time.Duration // how often days of use are stored, default 1 min
	MaxStale time.Duration // without the store until changes are refused, default 15 min
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Env == "" {
		c.Env = "prod"
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Changed == nil {
		c.Changed = logChange(c.Logger)
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&c.KeyLife, 180 * 24 * time.Hour},
		{&c.Overlap, 7 * 24 * time.Hour},
		{&c.Poll, time.Second},
		{&c.Flush, time.Minute},
		{&c.MaxStale, 15 * time.Minute},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	c.KeyLife = min(c.KeyLife, MaxKeyLife)
	return c
}

// ErrUnavailable is inside the error of a change that cannot be made because the
// store does not answer.
var ErrUnavailable = errors.New("the store of tenants does not answer")

// Registry holds the current Directory and changes what it is built from. What
// one process changes, the others know within Config.Poll. While the store is
// away, the last snapshot goes on recognising callers. It is safe for concurrent use.
type Registry struct {
	config  Config
	current atomic.Pointer[Directory]
	synced  atomic.Int64 // when the snapshot was last known to be right
	uses    *uses

	mu       sync.Mutex
	declared []Tenant
	stored   map[gateway.TenantID]Tenant
	revision int64
	hooks    []func(*Directory)
}

// Open checks the configuration, naming every mistake, and reads the stored
// tenants. [Registry.Run] keeps it up to date.
func Open(ctx context.Context, c Config) (*Registry, error) {
	c = c.withDefaults()
	if err := c.check().err(); err != nil {
		return nil, err
	}
	r := &Registry{config: c, uses: newUses(), declared: declared(c.Tenants), stored: map[gateway.TenantID]Tenant{}}
	r.mu.Lock()
	r.rebuild(ctx)
	r.mu.Unlock()
	if err := r.Sync(ctx); err != nil {
		return nil, fmt.Errorf("read tenants: %w", err)
	}
	return r, nil
}

func declared(tenants []Tenant) []Tenant {
	out := make([]Tenant, 0, len(tenants))
	for _, t := range tenants {
		t = t.clone()
		t.Managed = ManagedConfig
		out = append(out, t)
	}
	return out
}

// Directory is the current snapshot.
func (r *Registry) Directory() *Directory { return r.current.Load() }

// Authenticate is that of the current snapshot.
func (r *Registry) Authenticate(ctx context.Context, q *http.Request) (gateway.Caller, error) {
	return r.Directory().Authenticate(ctx, q)
}

// Tenants of the current snapshot.
func (r *Registry) Tenants() []Tenant { return r.Directory().Tenants() }

// Tenant of the current snapshot.
func (r *Registry) Tenant(id gateway.TenantID) (Tenant, bool) { return r.Directory().Tenant(id) }

// Active reports whether there is such a tenant and it is active.
func (r *Registry) Active(id gateway.TenantID) bool { return r.Directory().Active(id) }

// OnChange calls f with the current snapshot and again with every new one, one
// after the other. f must not change tenants.
func (r *Registry) OnChange(f func(*Directory)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hooks = append(r.hooks, f)
	f(r.Directory())
}

// Configure replaces the tenants that stand in the configuration.
func (r *Registry) Configure(ctx context.Context, tenants []Tenant) error {
	c := r.config
	c.Tenants = tenants
	if err := c.check().err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.declared = declared(tenants)
	r.rebuild(ctx)
	return nil
}

// Sync takes over what was changed in the store.
func (r *Registry) Sync(ctx context.Context) error {
	if r.config.Store == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := r.config.Now()
	revision, err := r.config.Store.Revision(ctx)
	if err != nil {
		return err
	}
	if revision != r.revision {
		if err := r.takeOver(ctx, revision); err != nil {
			return err
		}
	}
	r.synced.Store(asked.UnixNano())
	return nil
}

func (r *Registry) takeOver(ctx context.Context, revision int64) error {
	after := r.revision
	if revision < after { // the database came back from a backup
		after = 0
	}
	rows, revision, err := r.config.Store.Changed(ctx, after)
	if err != nil {
		return err
	}
	if after == 0 {
		clear(r.stored)
	}
	for _, row := range rows {
		r.take(ctx, row)
	}
	r.revision = revision
	r.rebuild(ctx)
	return nil
}

// take keeps a row. One that cannot be read is no tenant: an old form of it
// might hold keys that were locked since.
func (r *Registry) take(ctx context.Context, row Row) {
	delete(r.stored, row.ID)
	if row.Body == nil {
		return
	}
	t, err := decodeTenant(row)
	if err != nil {
		r.config.Logger.LogAttrs(ctx, slog.LevelError, "tenant not readable", slog.String("tenant", string(row.ID)), slog.Any("error", err))
		return
	}
	r.stored[row.ID] = t
}

// rebuild makes the snapshot of what is known and hands it out.
func (r *Registry) rebuild(ctx context.Context) {
	tenants := slices.Clone(r.declared)
	known := map[gateway.TenantID]bool{}
	for _, t := range tenants {
		known[t.ID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(r.stored)) {
		if known[id] || slices.Contains(r.config.Reserved, id) {
			r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "stored tenant hidden by the configuration", slog.String("tenant", string(id)))
			continue
		}
		tenants = append(tenants, r.stored[id])
	}
	d := newDirectory(r.config, tenants, r.uses)
	r.uses.retain(d.keys)
	r.current.Store(d)
	for _, hook := range r.hooks {
		hook(d)
	}
}

// Ready is an error when the snapshot may be out of date for longer than allowed.
func (r *Registry) Ready(context.Context) error { return r.stale() }

func (r *Registry) stale() error {
	if age := r.Age(); age > r.config.MaxStale {
		return fmt.Errorf("the tenants were last read %s ago", age.Round(time.Second))
	}
	return nil
}

// Age is the time for which the snapshot has not been compared with the store.
func (r *Registry) Age() time.Duration {
	if r.config.Store == nil {
		return 0
	}
	return r.config.Now().Sub(time.Unix(0, r.synced.Load()))
}

// Run looks for changes of other processes and stores the days of use, until the
// context ends.
func (r *Registry) Run(ctx context.Context) error {
	if r.config.Store == nil {
		<-ctx.Done()
		return nil
	}
	poll, flush := time.NewTicker(r.config.Poll), time.NewTicker(r.config.Flush)
	defer poll.Stop()
	defer flush.Stop()
	away := false
	for {
		select {
		case <-ctx.Done():
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
			defer cancel()
			return r.FlushUses(ending)
		case <-poll.C:
			away = r.poll(ctx, away)
		case <-flush.C:
			if err := r.bounded(ctx, r.FlushUses); err != nil && ctx.Err() == nil {
				r.config.Logger.LogAttrs(ctx, slog.LevelWarn, "days of use not stored", slog.Any("error", err))
			}
		}
	}
}

// storeTimeout bounds one call of the store.
const storeTimeout = 10 * time.Second

func (r *Registry) bounded(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return f(ctx)
}

// poll reports whether the store is away, and says it once.
func (r *Registry) poll(ctx context.Context, away bool) bool {
	err := r.bounded(ctx, r.Sync)
	switch {
	case ctx.Err() != nil:
		return away
	case err != nil && !away:
		r.config.Logger.LogAttrs(ctx, slog.LevelError, "store of tenants away, the last snapshot stays in force", slog.Any("error", err))
	case err == nil && away:
		r.config.Logger.LogAttrs(ctx, slog.LevelInfo, "store of tenants is back")
	}
	return err != nil
}

// FlushUses stores the days of use that are not stored yet.
func (r *Registry) FlushUses(ctx context.Context) error {
	if r.config.Store == nil {
		return nil
	}
	days := r.uses.take()
	if len(days) == 0 {
		return nil
	}
	if err := r.config.Store.Used(ctx, days); err != nil {
		r.uses.giveBack(days)
		return fmt.Errorf("store days of use: %w", err)
	}
	return nil
}

// Show returns a tenant with the states of its keys and when they were used.
func (r *Registry) Show(ctx context.Context, by Actor, id gateway.TenantID) (Tenant, error) {
	if err := by.may(id); err != nil {
		return Tenant{}, err
	}
	t, ok := r.Tenant(id)
	if !ok {
		return Tenant{}, noTenant(id)
	}
	t = t.clone()
	var ids []string
	for _, s := range t.Systems {
		for _, k := range s.Keys {
			ids = append(ids, k.ID)
		}
	}
	days := map[string]int64{}
	if r.config.Store != nil && len(ids) > 0 {
		var err error
		if days, err = r.config.Store.LastUsed(ctx, ids); err != nil {
			return Tenant{}, unavailable("read days of use", err)
		}
	}
	now := r.config.Now()
	for i := range t.Systems {
		for j := range t.Systems[i].Keys {
			k := &t.Systems[i].Keys[j]
			k.State, k.LastUsed = k.At(now), dateOf(max(days[k.ID], r.uses.last(k.ID)))
		}
	}
	return t, nil
}

// Page of tenants.
type Page struct {
	Items []Tenant
	// Next is the cursor of the next page; empty on the last one.
	Next string
}

// List returns the tenants an actor may see by id, after a cursor, whose id,
// name or Regionalschlüssel contains a text.
func (r *Registry) List(by Actor, cursor, text string, limit int) Page {
	var seen []Tenant
	text = strings.ToLower(text)
	for _, t := range r.Tenants() {
		if by.may(t.ID) == nil && string(t.ID) > cursor &&
			(strings.Contains(string(t.ID), text) || strings.Contains(strings.ToLower(t.Name), text) || strings.HasPrefix(t.ARS, text)) {
			seen = append(seen, t)
		}
	}
	slices.SortFunc(seen, func(a, b Tenant) int { return strings.Compare(string(a.ID), string(b.ID)) })
	if len(seen) > limit {
		return Page{Items: seen[:limit], Next: string(seen[limit-1].ID)}
	}
	return Page{Items: seen}
}

func noTenant(id gateway.TenantID) error {
	return &gateway.Error{Op: "find tenant", Code: gateway.CodeNotFound, Message: fmt.Sprintf("Den Mandanten %q gibt es nicht.", cut(string(id)))}
}

func unavailable(op string, err error) error {
	return &gateway.Error{
		Op: op, Code: gateway.CodeUnavailable, RetryAfter: 10 * time.Second, Err: errors.Join(ErrUnavailable, err),
		Message: "Die Verwaltung der Mandanten ist gerade nicht möglich: Die Datenbank antwortet nicht. Schlüssel gelten weiter.",
	}
}

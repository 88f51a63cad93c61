// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package accesslog is the retrieval log (Abrufprotokoll, § 79 Abs. 4 SGB X, § 14
// GewO): who looked something up in which documents, when and what for. It is not
// the record: that has a floor of six months, this has a ceiling, after which an
// entry is neither shown nor stored, also under a legal hold. It holds
// pseudonyms, no questions and no text.
//
// Start at [Log.Around], which puts the log before a retriever. The stores are
// accesslog/sqlite and accesslog/postgres; accesslogtest.Run says what one must do.
package accesslog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Ceilings: the shortest six months have 181 days.
const (
	DefaultCeiling = 180 * 24 * time.Hour
	MaxCeiling     = 181 * 24 * time.Hour
)

// SweepEvery is how often entries are deleted. One is deleted by the run after
// which it would become too old.
const SweepEvery = time.Hour

// Config says what a Log keeps and how long.
type Config struct {
	Store Store
	// Pseudonymise is a keyed digest under a key of the tenant.
	Pseudonymise func(tenant gateway.TenantID, kind, value string) gateway.Pseudonym
	// Ceiling is the most time an entry is kept, default 180 days, at most 181.
	Ceiling time.Duration
	// Exempt are sources in which nothing is about a person, for example statutes:
	// looking into them is not logged.
	Exempt []string
	// Now and Logger default to the clock and to silence.
	Now    func() time.Time
	Logger *slog.Logger
}

// Log is the retrieval log. It is safe for concurrent use.
type Log struct{ config Config }

// Store keeps retrievals. Add and the removals are durable when they return.
type Store interface {
	Add(ctx context.Context, r Retrieval) error
	// List returns what matches, newest first, at most f.Limit after f.After.
	List(ctx context.Context, f Filter) ([]Retrieval, error)
	// Remove deletes what belongs to a case of a tenant.
	Remove(ctx context.Context, tenant gateway.TenantID, file gateway.Pseudonym) (int, error)
	// Expire deletes everything before a time, for all tenants.
	Expire(ctx context.Context, before time.Time) (int, error)
}

// Retrieval is one look into documents.
type Retrieval struct {
	ID     string           `json:"id"`
	Time   time.Time        `json:"time"`
	Tenant gateway.TenantID `json:"tenant"`
	System gateway.SystemID `json:"system"`
	// Request is the id of the entry in the record.
	Request   string            `json:"request"`
	Operation gateway.Operation `json:"operation"`
	User      gateway.Pseudonym `json:"user,omitempty"`
	Purpose   gateway.Purpose   `json:"purpose"`
	Service   gateway.ServiceID `json:"service,omitempty"`
	Case      gateway.Pseudonym `json:"case,omitempty"`
	// Asked are the sources that were to be looked into.
	Asked []string `json:"asked"`
	// Count is the number of passages that were given out, Documents where they stand.
	Count     int        `json:"count"`
	Documents []Document `json:"documents,omitempty"`
}

// Document is a document of which passages were given out. Its id is a pseudonym,
// because paths of files carry names of people.
type Document struct {
	Source   string            `json:"source"`
	Document gateway.Pseudonym `json:"document"`
	Passages int               `json:"passages"`
}

// Filter chooses retrievals of one tenant. Empty fields do not restrict.
type Filter struct {
	Tenant   gateway.TenantID
	From, To time.Time // From included, To excluded
	System   gateway.SystemID
	User     gateway.Pseudonym
	Case     gateway.Pseudonym
	// After is the last of the page before.
	After *Retrieval
	// Limit is 1 to 500; 0 means 50.
	Limit int
}

// Bounds of a page.
const (
	defaultLimit = 50
	maxLimit     = 500
)

// New checks the configuration.
func New(c Config) (*Log, error) {
	if c.Store == nil || c.Pseudonymise == nil {
		return nil, errors.New("accesslog: Store and Pseudonymise are required")
	}
	if c.Ceiling == 0 {
		c.Ceiling = DefaultCeiling
	}
	if c.Ceiling < 24*time.Hour || c.Ceiling > MaxCeiling {
		return nil, fmt.Errorf("access_log.ceiling: %s is not between 1 and 181 days", c.Ceiling)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Log{c}, nil
}

// Ceiling is the most time an entry is kept.
func (l *Log) Ceiling() time.Duration { return l.config.Ceiling }

// List returns one page, newest first. What is older than the ceiling is not shown.
func (l *Log) List(ctx context.Context, f Filter) ([]Retrieval, error) {
	if f.Tenant == "" {
		return nil, &gateway.Error{Op: "list retrievals", Code: gateway.CodeInvalid, Path: "tenant", Message: "Dem Abrufprotokoll fehlt der Mandant."}
	}
	if f.Limit == 0 {
		f.Limit = defaultLimit
	}
	if f.Limit < 1 || f.Limit > maxLimit {
		return nil, &gateway.Error{Op: "list retrievals", Code: gateway.CodeInvalid, Path: "limit", Message: "Es können 1 bis 500 Einträge auf einmal gelesen werden."}
	}
	if oldest := l.config.Now().Add(-l.config.Ceiling); f.From.Before(oldest) {
		f.From = oldest
	}
	found, err := l.config.Store.List(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list retrievals: %w", err)
	}
	return found, nil
}

// Remove deletes what belongs to a case, when its content is erased.
func (l *Log) Remove(ctx context.Context, tenant gateway.TenantID, file gateway.Pseudonym) (int, error) {
	if tenant == "" || file == "" {
		return 0, errors.New("remove retrievals: tenant and case are required")
	}
	n, err := l.config.Store.Remove(ctx, tenant, file)
	if err != nil {
		return 0, fmt.Errorf("remove retrievals: %w", err)
	}
	return n, nil
}

// Sweep deletes everything that would be too old before the next run.
func (l *Log) Sweep(ctx context.Context) (int, error) {
	n, err := l.config.Store.Expire(ctx, l.config.Now().Add(SweepEvery-l.config.Ceiling))
	if err != nil {
		return 0, fmt.Errorf("delete old retrievals: %w", err)
	}
	return n, nil
}

// Run sweeps at once and then regularly, until the context ends.
func (l *Log) Run(ctx context.Context) {
	for {
		if n, err := l.Sweep(ctx); err != nil && ctx.Err() == nil {
			l.config.Logger.LogAttrs(ctx, slog.LevelError, "old retrievals not deleted", slog.Any("error", err))
		} else if n > 0 {
			l.config.Logger.LogAttrs(ctx, slog.LevelInfo, "old retrievals deleted", slog.Int("count", n))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(SweepEvery):
		}
	}
}

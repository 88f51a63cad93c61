// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	quotapostgres "github.com/ki-schleuse/schleuse/gateway/quota/postgres"
	quotasqlite "github.com/ki-schleuse/schleuse/gateway/quota/sqlite"
)

// QuotaConfig says how limits are kept.
type QuotaConfig struct {
	// Budgets and Rates: refuse or allow while the database does not answer and
	// what was lent to this process is used up. Default: refuse, allow.
	Budgets quota.Fallback `yaml:"budgets_without_store"`
	Rates   quota.Fallback `yaml:"rates_without_store"`
	// Unpriced is put on models without a price, in euros per million tokens.
	Unpriced PriceConfig `yaml:"unpriced"`
	// Retention of usage, default 400 days.
	Retention time.Duration `yaml:"usage_retention"`
	// PerPerson names tenants whose agreement with the staff council allows usage
	// by person, under pseudonyms.
	PerPerson []gateway.TenantID `yaml:"per_person"`
}

// PriceConfig is euros per million tokens and per minute of a recording.
type PriceConfig struct {
	Input  quota.Euro `yaml:"input"`
	Output quota.Euro `yaml:"output"`
	Minute quota.Euro `yaml:"minute"`
}

func (p PriceConfig) price() gateway.Price {
	return gateway.Price{Input: gateway.MicroEuro(p.Input), Output: gateway.MicroEuro(p.Output), Minute: gateway.MicroEuro(p.Minute)}
}

const (
	quotaFile   = "usage.db"
	journalFile = "usage-journal.json"
)

// openQuota starts to keep limits and to count usage.
func (g *ground) openQuota(ctx context.Context, c Config) error {
	store, err := g.quotaStore(ctx, c)
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // the random part is what tells processes apart
	perPerson := slices.Clone(c.Quota.PerPerson)
	g.quota, err = quota.New(quota.Config{
		Store: store, Replica: cmp.Or(host, "schleuse") + "-" + rand.Text(), Limits: c.Limits,
		Budgets: c.Quota.Budgets, Rates: c.Quota.Rates, Unpriced: c.Quota.Unpriced.price(), Retention: c.Quota.Retention,
		Energy:    g.energyOf,
		PerPerson: func(id gateway.TenantID) bool { return slices.Contains(perPerson, id) },
		Notice:    g.noteBudget, Journal: filepath.Join(c.Data, journalFile), Logger: g.logger,
	})
	if err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	g.closers.add(func() error {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return g.quota.Shutdown(ending)
	})
	return nil
}

func (g *ground) quotaStore(ctx context.Context, c Config) (quota.Store, error) {
	if g.pool != nil {
		store, err := quotapostgres.Open(ctx, g.pool)
		if err != nil {
			return nil, fmt.Errorf("open usage: %w", err)
		}
		g.closers.add(store.Close)
		return store, nil
	}
	store, err := quotasqlite.Open(ctx, filepath.Join(c.Data, quotaFile))
	if err != nil {
		return nil, fmt.Errorf("open usage: %w", err)
	}
	g.closers.add(store.Close)
	return store, nil
}

// energyOf asks the catalogue that is in force.
func (g *ground) energyOf(id gateway.ModelID) float64 {
	if energy := g.energy.Load(); energy != nil {
		return (*energy)[id]
	}
	return 0
}

// noteBudget writes into the record that a budget is nearly used up.
func (g *ground) noteBudget(n quota.Notice) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	now := time.Now()
	tenant := cmp.Or(n.Scope.Tenant, lawTenant)
	err := g.record.Note(ctx, audit.Note{
		ID: gateway.NewID(now), Time: now, Tenant: tenant, Topic: "budget_notice", Text: n.Text,
	})
	if err != nil {
		g.logger.LogAttrs(ctx, slog.LevelError, "notice of a budget not recorded", slog.Any("error", err))
	}
	g.logger.LogAttrs(ctx, slog.LevelWarn, "budget used", slog.String("scope", n.Scope.String()), slog.Int("percent", n.Percent))
}

// tenantLimits are the limits in the settings of a tenant. They stand beside
// those of the configuration and take the place of entries for the same scope.
type tenantLimits struct {
	quota.Limit

	Systems  map[gateway.SystemID]quota.Limit `json:"systems"`
	Purposes map[gateway.Purpose]quota.Limit  `json:"purposes"`
}

// limits are those of the configuration with those of the tenants.
func (c *Config) limits(d *identity.Directory) (quota.Limits, error) {
	all := quota.Limits{
		All: c.Limits.All, Tenants: map[string]quota.Limit{}, Systems: map[string]quota.Limit{},
		Keys: c.Limits.Keys, Purposes: map[string]quota.Limit{},
	}
	maps.Copy(all.Tenants, c.Limits.Tenants)
	maps.Copy(all.Systems, c.Limits.Systems)
	maps.Copy(all.Purposes, c.Limits.Purposes)
	for _, t := range d.Tenants() {
		raw, ok := t.Settings["limits"]
		if !ok {
			continue
		}
		own, err := parseTenantLimits(raw)
		if err != nil {
			return quota.Limits{}, fmt.Errorf("limits of %s: %w", t.ID, err)
		}
		if own.Limit != (quota.Limit{}) {
			all.Tenants[string(t.ID)] = own.Limit
		}
		for id, l := range own.Systems {
			all.Systems[string(t.ID)+"/"+string(id)] = l
		}
		for purpose, l := range own.Purposes {
			all.Purposes[string(t.ID)+"/"+string(purpose)] = l
		}
	}
	if err := narrow(&all, d.Tenants()); err != nil {
		return quota.Limits{}, err
	}
	return all, all.Validate()
}

func parseTenantLimits(raw json.RawMessage) (tenantLimits, error) {
	var own tenantLimits
	if err := strict(raw, "", &own); err != nil {
		return tenantLimits{}, err
	}
	check := quota.Limits{Tenants: map[string]quota.Limit{"x": own.Limit}, Systems: map[string]quota.Limit{}, Purposes: map[string]quota.Limit{}}
	for id, l := range own.Systems {
		check.Systems["x/"+string(id)] = l
	}
	for purpose, l := range own.Purposes {
		check.Purposes["x/"+string(purpose)] = l
	}
	return own, check.Validate()
}

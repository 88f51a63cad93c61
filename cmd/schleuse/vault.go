// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	accesspostgres "github.com/ki-schleuse/schleuse/gateway/accesslog/postgres"
	accesssqlite "github.com/ki-schleuse/schleuse/gateway/accesslog/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/vault"
	vaultpostgres "github.com/ki-schleuse/schleuse/gateway/vault/postgres"
	vaultsqlite "github.com/ki-schleuse/schleuse/gateway/vault/sqlite"
)

// VaultConfig says whether content may be kept where an obligation demands it.
type VaultConfig struct {
	// Enabled: without it such requests are denied. Access, erasure and the end of
	// what was kept earlier go on.
	Enabled bool `yaml:"enabled"`
	// KeysDatabase is the PostgreSQL address of the keys; empty: a file keys.db in
	// the data folder, or a schema of its own beside Database. ${NAME} is taken from
	// the environment.
	KeysDatabase string `yaml:"keys_database"`
}

// AccessLogConfig says how long the retrieval log is kept.
type AccessLogConfig struct {
	// Ceiling is the most time, default 180d, at most 181d (six months).
	Ceiling Days `yaml:"ceiling"`
}

// Days is a duration that is written in days, "180d", or as Go does.
type Days time.Duration

// UnmarshalYAML reads both forms.
func (d *Days) UnmarshalYAML(decode func(any) error) error {
	var text string
	if err := decode(&text); err != nil {
		return err
	}
	if number, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > 36_500 {
			return say("%q ist keine Zahl von Tagen wie 180d.", text)
		}
		*d = Days(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil {
		return say("%q ist keine Dauer wie 180d.", text)
	}
	*d = Days(parsed)
	return nil
}

// MarshalYAML writes whole days as they are read.
func (d Days) MarshalYAML() (any, error) { //nolint:unparam // the form that the writer of YAML asks for
	const day = Days(24 * time.Hour)
	if d%day == 0 {
		return fmt.Sprintf("%dd", d/day), nil
	}
	return time.Duration(d).String(), nil
}

const (
	vaultFile  = "vault.db"
	keysFile   = "keys.db"
	accessFile = "access.db"
)

// validateVault: what cannot be tried out without a database.
func (c *Config) validateVault() error {
	_, err := fromEnvironment(c.Vault.KeysDatabase)
	if err != nil {
		err = sayAt("vault.keys_database", err)
	}
	if ceiling := time.Duration(c.AccessLog.Ceiling); ceiling != 0 && (ceiling < 24*time.Hour || ceiling > accesslog.MaxCeiling) {
		err = errors.Join(err, say("access_log.ceiling: Möglich sind 1d bis 181d (sechs Monate)."))
	}
	return err
}

// openVault opens the retrieval log and the vault.
func (g *ground) openVault(ctx context.Context, c Config) error { return g.vaultWith(ctx, c, g.record) }

// vaultWith opens both beside a record.
func (g *ground) vaultWith(ctx context.Context, c Config, record vault.Record) error {
	retrievals, err := g.accessStore(ctx, c)
	if err != nil {
		return fmt.Errorf("open retrieval log: %w", err)
	}
	g.access, err = accesslog.New(accesslog.Config{
		Store: retrievals, Pseudonymise: g.keys.Pseudonymise, Ceiling: time.Duration(c.AccessLog.Ceiling), Exempt: []string{lawSource}, Logger: g.logger,
	})
	if err != nil {
		return err
	}
	contents, err := g.contentStore(ctx, c)
	if err != nil {
		return fmt.Errorf("open vault: %w", err)
	}
	keys, err := g.keyStore(ctx, c)
	if err != nil {
		return fmt.Errorf("open keys of the vault: %w", err)
	}
	g.vault, err = vault.New(ctx, vault.Config{
		Contents: contents, Keys: keys, Master: derive(c.secret, "vault"), Pseudonymise: g.keys.Pseudonymise,
		Record: record, Retrievals: g.access, State: g.state, Logger: g.logger, SpoolFolder: c.Data,
	})
	return err
}

func (g *ground) accessStore(ctx context.Context, c Config) (accesslog.Store, error) {
	if g.pool != nil {
		store, err := accesspostgres.Open(ctx, g.pool)
		if err != nil {
			return nil, err
		}
		g.closers.add(store.Close)
		return store, nil
	}
	store, err := accesssqlite.Open(ctx, filepath.Join(c.Data, accessFile))
	if err != nil {
		return nil, err
	}
	g.closers.add(store.Close)
	return store, nil
}

func (g *ground) contentStore(ctx context.Context, c Config) (vault.Contents, error) {
	if g.pool != nil {
		store, err := vaultpostgres.Open(ctx, g.pool)
		if err != nil {
			return nil, err
		}
		g.closers.add(store.Close)
		return store, nil
	}
	store, err := vaultsqlite.Open(ctx, filepath.Join(c.Data, vaultFile))
	if err != nil {
		return nil, err
	}
	g.closers.add(store.Close)
	return store, nil
}

// keyStore: replicas share the keys as they share the contents. Without a vault
// there are no keys to share, and erasures under way are this process's.
func (g *ground) keyStore(ctx context.Context, c Config) (vault.Keyring, error) {
	dsn, err := fromEnvironment(c.Vault.KeysDatabase)
	if err != nil {
		return nil, err
	}
	shared := false
	if dsn == "" && g.pool != nil && c.Vault.Enabled {
		if dsn, err = fromEnvironment(c.Database); err != nil {
			return nil, err
		}
		shared = true
	}
	if dsn != "" {
		keys, err := vaultpostgres.OpenKeys(ctx, dsn, shared)
		if err != nil {
			return nil, err
		}
		g.closers.add(keys.Close)
		return keys, nil
	}
	keys, err := vaultsqlite.OpenKeys(ctx, filepath.Join(c.Data, keysFile))
	if err != nil {
		return nil, err
	}
	g.closers.add(keys.Close)
	return keys, nil
}

// keeper is what the gateway keeps contents in; nil: requests that demand it are denied.
func (p *parts) keeper() gateway.Keeper {
	if !p.config.Vault.Enabled {
		return nil
	}
	return p.vault
}

// retriever is the search behind the retrieval log. Nobody gets at it past that.
func (p *parts) retriever() gateway.Retriever { return p.access.Around(p.index) }

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite keeps shared documents in a SQLite file, for the processes of
// one machine. Several machines use state/postgres. Start at [Open].
package sqlite

import (
	"context"
	"embed"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/gateway/state/internal/sqlstore"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps documents in one file.
type Store struct {
	sqlstore.Store

	files sqlite.Files
}

var _ state.Store = (*Store)(nil)

// Open opens the file, creates it if it is missing and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	files, err := sqlite.Open(ctx, path, "state", migrations)
	if err != nil {
		return nil, err
	}
	return &Store{sqlstore.Store{Read: files.Read, Write: files.Write, Now: time.Now}, files}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.files.Close() }

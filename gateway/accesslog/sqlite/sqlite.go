// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite keeps the retrieval log in a SQLite file, for the processes of one
// machine. Several machines use accesslog/postgres. Start at [Open].
package sqlite

import (
	"context"
	"embed"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/accesslog/internal/sqlstore"
	"github.com/ki-schleuse/schleuse/gateway/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store keeps the log in one file.
type Store struct {
	sqlstore.Store

	files sqlite.Files
}

var _ accesslog.Store = (*Store)(nil)

// Open opens the file, creates it if it is missing and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	files, err := sqlite.Open(ctx, path, "access", migrations)
	if err != nil {
		return nil, err
	}
	return &Store{sqlstore.Store{Read: files.Read, Write: files.Write}, files}, nil
}

// Remove implements accesslog.Store. What is deleted leaves the journal as well.
func (s *Store) Remove(ctx context.Context, tenant gateway.TenantID, file gateway.Pseudonym) (int, error) {
	n, err := s.Store.Remove(ctx, tenant, file)
	if err != nil || n == 0 {
		return n, err
	}
	return n, sqlite.Checkpoint(ctx, s.files.Write)
}

// Expire implements accesslog.Store. What is deleted leaves the journal as well.
func (s *Store) Expire(ctx context.Context, before time.Time) (int, error) {
	n, err := s.Store.Expire(ctx, before)
	if err != nil || n == 0 {
		return n, err
	}
	return n, sqlite.Checkpoint(ctx, s.files.Write)
}

// Close closes the file.
func (s *Store) Close() error { return s.files.Close() }

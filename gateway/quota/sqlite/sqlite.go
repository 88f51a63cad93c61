// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlite keeps ledger, usage and notices of the quota in a SQLite file,
// for the processes of one machine. Several machines use quota/postgres. Start
// at [Open].
package sqlite

import (
	"context"
	"embed"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/quota/internal/sqlstore"
	"github.com/ki-schleuse/schleuse/gateway/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a quota in one file.
type Store struct {
	sqlstore.Store

	files sqlite.Files
}

var _ quota.Store = (*Store)(nil)

// Open opens the file, creates it if it is missing and brings its schema up to date.
func Open(ctx context.Context, path string) (*Store, error) {
	files, err := sqlite.Open(ctx, path, "quota", migrations)
	if err != nil {
		return nil, err
	}
	return &Store{sqlstore.Store{Read: files.Read, Write: files.Write, Now: time.Now, Dialect: sqlstore.Dialect{Rows: table}}, files}, nil
}

// table makes a table x of the JSON array in $1.
func table(columns ...sqlstore.Column) string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = "value ->> '" + c.Name + "' AS " + c.Name
	}
	return "(SELECT " + strings.Join(fields, ", ") + " FROM json_each($1)) AS x"
}

// Close closes the file.
func (s *Store) Close() error { return s.files.Close() }

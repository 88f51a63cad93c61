// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
)

// filled is the mark in record_fill that the columns of 003_notes.sql are.
const filled = "003_notes"

// migrate brings the schema up to date. A role that may only write entries finds
// it up to date: it could not change it.
func migrate(ctx context.Context, pool *pgxpool.Pool, folder fs.FS) error {
	ready, err := upToDate(ctx, pool, folder)
	if err != nil || ready {
		return err
	}
	if err := postgres.Migrate(ctx, pool, "record", folder); err != nil {
		return err
	}
	if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return fill(ctx, tx) }); err != nil {
		return fmt.Errorf("fill the columns of old entries: %w", err)
	}
	return nil
}

// upToDate says that every script was applied and every column filled.
func upToDate(ctx context.Context, pool *pgxpool.Pool, folder fs.FS) (ready bool, err error) {
	names, err := fs.Glob(folder, "*.sql")
	if err != nil {
		return false, fmt.Errorf("list migrations: %w", err)
	}
	err = pool.QueryRow(ctx, "SELECT to_regclass('schema_migration') IS NOT NULL AND to_regclass('record_fill') IS NOT NULL").Scan(&ready)
	if err != nil || !ready {
		return false, err
	}
	err = pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM schema_migration WHERE component = 'record' AND name = ANY ($1)) = $2
		AND EXISTS (SELECT 1 FROM record_fill WHERE name = $3)`, names, len(names), filled).Scan(&ready)
	return ready, err
}

// fill takes the columns of old rows from their bodies, once. Whoever writes
// meanwhile waits. A body that cannot be read has none; to say so is the task of
// the verification.
func fill(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE entry IN ACCESS EXCLUSIVE MODE"); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, "INSERT INTO record_fill (name) VALUES ($1) ON CONFLICT DO NOTHING", filled)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	if _, err := tx.Exec(ctx, "ALTER TABLE entry DISABLE TRIGGER entry_update"); err != nil {
		return err
	}
	b := &pgx.Batch{}
	flush := func() error {
		defer func() { b = &pgx.Batch{} }()
		return tx.SendBatch(ctx, b).Close()
	}
	err = reader(tx.Query).Fill(ctx, func(seq int64, c audit.Columns) error {
		b.Queue("UPDATE entry SET result = $1, revision = $2, topic = $3, object = $4, floor = $5, ceiling = $6 WHERE seq = $7",
			string(c.Result), c.Revision, c.Topic, c.Object, c.Floor, c.Ceiling, seq)
		if b.Len() < 500 {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	if err := flush(); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `ALTER TABLE entry ENABLE TRIGGER entry_update;
		ALTER TABLE entry ALTER COLUMN result DROP DEFAULT, ALTER COLUMN revision DROP DEFAULT, ALTER COLUMN topic DROP DEFAULT,
			ALTER COLUMN object DROP DEFAULT, ALTER COLUMN floor DROP DEFAULT, ALTER COLUMN ceiling DROP DEFAULT`)
	return err
}

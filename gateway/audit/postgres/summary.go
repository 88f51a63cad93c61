// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/internal/query"
)

// lockSummaries is the lock that a removal of contents takes, see 005_summary.sql.
const lockSummaries = "SELECT pg_advisory_xact_lock(1548483589, 'record_summary'::regclass::oid::bigint::bit(32)::int)"

// KeepSummary implements audit.Store. Writers do not wait for it, only removals.
func (s *Store) KeepSummary(ctx context.Context, one audit.Summary, size int64) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockSummaries); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, query.KeepSummarySQL, one.Block, one.Body, size)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the summary of block %d: %w", one.Block, err)
	}
	return nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"context"
	"fmt"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/internal/query"
)

// KeepSummary implements audit.Store.
func (s *Store) KeepSummary(ctx context.Context, one audit.Summary, size int64) error {
	err := s.transact(ctx, func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, query.KeepSummarySQL, one.Block, one.Body, size)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep the summary of block %d: %w", one.Block, err)
	}
	return nil
}

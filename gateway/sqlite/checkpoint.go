// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Checkpoint moves what the journal (WAL) holds into the file and empties it:
// what was deleted is then in neither, and in no older state of a page. It waits
// for readers and fails when they do not end.
func Checkpoint(ctx context.Context, db *sql.DB) error {
	const tries = 20
	for range tries {
		var busy, pages, moved int
		if err := db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved); err != nil {
			return fmt.Errorf("empty the journal: %w", err)
		}
		if busy == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("empty the journal: %w", ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.New("empty the journal: readers do not end")
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"context"
	"fmt"
)

// Pragma runs a PRAGMA on the connection that writes.
func (s *Store) Pragma(ctx context.Context, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.conn.ExecContext(ctx, "PRAGMA "+text); err != nil {
		return fmt.Errorf("pragma %s: %w", text, err)
	}
	return nil
}

// Pages is the size of the database.
func (s *Store) Pages(ctx context.Context) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return n, s.conn.QueryRowContext(ctx, "PRAGMA page_count").Scan(&n)
}

// Fill writes rows that nobody reads until the file is full.
func (s *Store) Fill(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS ballast (b BLOB)")
	if err == nil {
		_, err = s.conn.ExecContext(ctx, "INSERT INTO ballast VALUES (zeroblob(16))")
	}
	return err
}

// Path is that of the file.
func (s *Store) Path() string { return s.path }

// Move says after how many bytes the write-ahead log is emptied, and how long it is.
func (s *Store) Move(after, reserve, stretch int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mover.limits = limits{move: after, reserve: reserve, stretch: stretch}
}

// Settle waits for what is done beside the commits.
func (s *Store) Settle() { s.mover.done.Wait() }

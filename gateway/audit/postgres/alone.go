// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/jackc/pgx/v5"
)

// Alone implements audit.Store with a lock of a session, which ends with it.
func (s *Store) Alone(ctx context.Context, name string, do func(context.Context) error) (alone bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig) // not of the pool, which do may need as a whole
	if err != nil {
		return false, fmt.Errorf("take the lock of %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%d %s", s.lock, name)
	if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", jobLock<<32|int64(h.Sum32())).Scan(&alone); err != nil || !alone {
		return false, err
	}
	return true, do(ctx)
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

var _ identity.TicketStore = (*Store)(nil)

// PutTicket implements identity.TicketStore. It also removes what has ended.
func (s *Store) PutTicket(ctx context.Context, t identity.Ticket, now time.Time) error {
	var made int64
	err := inTransaction(ctx, s.files.Write, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM launch_ticket WHERE until <= ?`, now.UnixMilli()); err != nil {
			return err
		}
		done, err := tx.ExecContext(ctx, `INSERT INTO launch_ticket (digest, scope, until, body) SELECT ?, ?, ?, ?
			WHERE (SELECT count(*) FROM launch_ticket WHERE scope = ?) < ?`,
			t.Digest, t.Scope, t.Until.UnixMilli(), t.Body, t.Scope, identity.TicketLimit)
		if err != nil {
			return err
		}
		made, err = done.RowsAffected()
		return err
	})
	if err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	if made == 0 {
		return identity.TooManyTickets()
	}
	return nil
}

// TakeTicket implements identity.TicketStore.
func (s *Store) TakeTicket(ctx context.Context, digest string, now time.Time) (body []byte, err error) {
	err = s.files.Write.QueryRowContext(ctx, `DELETE FROM launch_ticket WHERE digest = ? AND until > ? RETURNING body`, digest, now.UnixMilli()).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, identity.NoTicket()
	}
	if err != nil {
		return nil, fmt.Errorf("take ticket: %w", err)
	}
	return body, nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ki-schleuse/schleuse/gateway/identity"
)

var _ identity.TicketStore = (*Store)(nil)

// PutTicket implements identity.TicketStore. It also removes what has ended.
func (s *Store) PutTicket(ctx context.Context, t identity.Ticket, now time.Time) error {
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM launch_ticket WHERE digest IN (SELECT digest FROM launch_ticket WHERE until <= $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)`, now.UnixMilli())
	b.Queue(`INSERT INTO launch_ticket (digest, scope, until, body) SELECT $1::text, $2::text, $3::bigint, $4::bytea
		WHERE (SELECT count(*) FROM launch_ticket WHERE scope = $2 AND until > $5) < $6`,
		t.Digest, t.Scope, t.Until.UnixMilli(), t.Body, now.UnixMilli(), identity.TicketLimit)
	results := s.pool.SendBatch(ctx, b)
	_, err := results.Exec()
	made, err2 := results.Exec()
	if err := errors.Join(err, err2, results.Close()); err != nil {
		return fmt.Errorf("write ticket: %w", err)
	}
	if made.RowsAffected() == 0 {
		return identity.TooManyTickets()
	}
	return nil
}

// TakeTicket implements identity.TicketStore: of those who ask at once, the one
// whose DELETE finds the row gets it.
func (s *Store) TakeTicket(ctx context.Context, digest string, now time.Time) (body []byte, err error) {
	err = s.pool.QueryRow(ctx, `DELETE FROM launch_ticket WHERE digest = $1 AND until > $2 RETURNING body`, digest, now.UnixMilli()).Scan(&body)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, identity.NoTicket()
	}
	if err != nil {
		return nil, fmt.Errorf("take ticket: %w", err)
	}
	return body, nil
}

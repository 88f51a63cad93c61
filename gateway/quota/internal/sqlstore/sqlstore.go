// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package sqlstore is what the two stores of the quota have in common: the same
// statements over database/sql. What differs stands in [Dialect]. It opens no
// database and brings no schema up to date. Start at [Store.Exchange].
package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/quota"
)

// Dialect is what the databases do differently.
type Dialect struct {
	// Rows makes a table x of a JSON array of objects in the parameter $1.
	Rows func(columns ...Column) string
	// Lock ends a SELECT whose rows are to be changed.
	Lock string
	// Clock is a SELECT of nanoseconds; empty: the clock of this process.
	Clock string
}

// Column is a column of such a table.
type Column struct {
	Name string
	Text bool // otherwise a whole number
}

// Store implements quota.Store.
type Store struct {
	Read, Write *sql.DB
	Dialect     Dialect
	Now         func() time.Time
}

var _ quota.Store = (*Store)(nil)

type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// transact runs f in one transaction.
func (s *Store) transact(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.Write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// rows reads all rows of a query.
func rows[T any](ctx context.Context, db executor, scan func(*sql.Rows) (T, error), text string, args ...any) (out []T, err error) {
	r, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for r.Next() {
		v, err := scan(r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, r.Err()
}

// asJSON makes the parameter of Rows; its values cannot fail.
func asJSON(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return "[]"
	}
	return string(raw)
}

// ledger is the part of the ledger one exchange works on.
type ledger struct {
	ids    []string // sorted, as they are locked
	books  map[string]*quota.Book
	leases map[string]map[string]*quota.Lease // by account and replica
}

// Exchange implements quota.Store. The rows of the accounts are locked in the
// order of their ids, so that two replicas never wait for each other.
func (s *Store) Exchange(ctx context.Context, replica string, ttl time.Duration, claims []quota.Claim) ([]quota.Grant, error) {
	var grants []quota.Grant
	err := s.transact(ctx, func(tx *sql.Tx) error {
		at, err := s.moment(ctx, tx, replica, ttl)
		if err != nil || len(claims) == 0 {
			return err
		}
		l, err := s.lock(ctx, tx, at, claims)
		if err != nil {
			return err
		}
		grants = l.apply(claims, at)
		return s.save(ctx, tx, l)
	})
	if err != nil {
		return nil, err
	}
	return grants, nil
}

// Hungry implements quota.Store.
func (s *Store) Hungry(ctx context.Context, replica string) ([]string, error) {
	now, err := s.clock(ctx, s.Read)
	if err != nil {
		return nil, err
	}
	ids, err := rows(ctx, s.Read, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) },
		`SELECT id FROM quota_account WHERE hungry > $1 AND asker <> $2 LIMIT 1000`, now.UnixNano(), replica)
	if err != nil {
		return nil, fmt.Errorf("look for hungry replicas: %w", err)
	}
	return ids, nil
}

func (s *Store) clock(ctx context.Context, db executor) (time.Time, error) {
	if s.Dialect.Clock == "" {
		return s.Now(), nil
	}
	read, err := rows(ctx, db, scanInt, s.Dialect.Clock)
	if err != nil || len(read) != 1 {
		return time.Time{}, errors.Join(errors.New("read the clock of the database"), err)
	}
	return time.Unix(0, read[0]), nil
}

// moment takes the time and marks the replica as alive.
func (s *Store) moment(ctx context.Context, tx executor, replica string, ttl time.Duration) (quota.Moment, error) {
	now, err := s.clock(ctx, tx)
	if err != nil {
		return quota.Moment{}, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO quota_replica (id, expires) VALUES ($1, $2)
		ON CONFLICT (id) DO UPDATE SET expires = excluded.expires`, replica, now.Add(ttl).UnixNano())
	if err != nil {
		return quota.Moment{}, fmt.Errorf("mark the replica as alive: %w", err)
	}
	alive, err := rows(ctx, tx, scanInt, `SELECT count(*) FROM quota_replica WHERE expires >= $1`, now.UnixNano())
	if err != nil || len(alive) != 1 {
		return quota.Moment{}, errors.Join(errors.New("count replicas"), err)
	}
	return quota.Moment{Replica: replica, Now: now, TTL: ttl, Replicas: int(alive[0])}, nil
}

func scanInt(r *sql.Rows) (n int64, err error) { return n, r.Scan(&n) }

// account is a row with its columns' names.
type account struct {
	ID     string `json:"id"`
	Ends   int64  `json:"ends"`
	Used   int64  `json:"used"`
	Leased int64  `json:"leased"`
	Lost   int64  `json:"lost"`
	Hungry int64  `json:"hungry"`
	Asker  string `json:"asker"`
	Ready  int64  `json:"ready"`
}

func (s *Store) lock(ctx context.Context, tx executor, at quota.Moment, claims []quota.Claim) (*ledger, error) {
	list := make([]account, 0, len(claims))
	for _, c := range claims {
		a := account{ID: c.Account.ID()}
		if !c.Account.Ends.IsZero() {
			a.Ends = c.Account.Ends.UnixNano()
		}
		list = append(list, a)
	}
	ids := asJSON(list)
	id := Column{Name: "id", Text: true}
	_, err := tx.ExecContext(ctx, `INSERT INTO quota_account (id, ends) SELECT x.id, x.ends FROM `+
		s.Dialect.Rows(id, Column{Name: "ends"})+` WHERE true ORDER BY x.id ON CONFLICT (id) DO NOTHING`, ids)
	if err != nil {
		return nil, fmt.Errorf("open accounts: %w", err)
	}
	mine := ` IN (SELECT x.id FROM ` + s.Dialect.Rows(id) + `)`
	l := &ledger{books: map[string]*quota.Book{}, leases: map[string]map[string]*quota.Lease{}}
	books, err := rows(ctx, tx, scanBook, `SELECT id, used, leased, lost, hungry, asker, ready FROM quota_account WHERE id`+mine+` ORDER BY id`+s.Dialect.Lock, ids)
	if err != nil {
		return nil, fmt.Errorf("lock accounts: %w", err)
	}
	for _, b := range books {
		l.ids = append(l.ids, b.id)
		l.books[b.id], l.leases[b.id] = &b.Book, map[string]*quota.Lease{}
	}
	leases, err := rows(ctx, tx, scanLease, `SELECT account, replica, amount, lost, seq, granted, expires FROM quota_lease
		WHERE account`+mine+` AND (replica = $2 OR amount > 0 AND expires < $3)`, ids, at.Replica, at.Now.UnixNano())
	if err != nil {
		return nil, fmt.Errorf("read leases: %w", err)
	}
	for _, held := range leases {
		l.leases[held.account][held.replica] = &held.Lease
	}
	return l, nil
}

type namedBook struct {
	id string
	quota.Book
}

func scanBook(r *sql.Rows) (b namedBook, err error) {
	return b, r.Scan(&b.id, &b.Used, &b.Leased, &b.Lost, &b.Hungry, &b.By, &b.Ready)
}

type namedLease struct {
	account, replica string
	quota.Lease
}

func scanLease(r *sql.Rows) (l namedLease, err error) {
	return l, r.Scan(&l.account, &l.replica, &l.Amount, &l.Lost, &l.Seq, &l.Granted, &l.Expires)
}

// apply lets what is expired expire and then books the claims.
func (l *ledger) apply(claims []quota.Claim, at quota.Moment) []quota.Grant {
	grants := make([]quota.Grant, len(claims))
	for i, c := range claims {
		id := c.Account.ID()
		book, leases := l.books[id], l.leases[id]
		for replica, lease := range leases {
			if replica != at.Replica {
				quota.Expire(c.Account, book, lease, c.Fill, at)
			}
		}
		if leases[at.Replica] == nil {
			leases[at.Replica] = &quota.Lease{}
		}
		grants[i] = quota.Apply(c, book, leases[at.Replica], at)
	}
	return grants
}

// held is a lease with its columns' names.
type held struct {
	Account string `json:"account"`
	Replica string `json:"replica"`
	Amount  int64  `json:"amount"`
	Lost    int64  `json:"lost"`
	Seq     int64  `json:"seq"`
	Granted int64  `json:"granted"`
	Expires int64  `json:"expires"`
}

func (s *Store) save(ctx context.Context, tx executor, l *ledger) error {
	var accounts []account
	var leases []held
	for _, id := range l.ids {
		b := l.books[id]
		accounts = append(accounts, account{ID: id, Used: b.Used, Leased: b.Leased, Lost: b.Lost, Hungry: b.Hungry, Asker: b.By, Ready: b.Ready})
		for replica, h := range l.leases[id] {
			leases = append(leases, held{id, replica, h.Amount, h.Lost, h.Seq, h.Granted, h.Expires})
		}
	}
	numbers := func(names ...string) []Column {
		out := make([]Column, len(names))
		for i, n := range names {
			out[i].Name = n
		}
		return out
	}
	columns := append(numbers("used", "leased", "lost", "hungry", "ready"), Column{Name: "id", Text: true}, Column{Name: "asker", Text: true})
	if _, err := tx.ExecContext(ctx, `UPDATE quota_account SET used = x.used, leased = x.leased, lost = x.lost, hungry = x.hungry, asker = x.asker, ready = x.ready
		FROM `+s.Dialect.Rows(columns...)+` WHERE quota_account.id = x.id`, asJSON(accounts)); err != nil {
		return fmt.Errorf("save accounts: %w", err)
	}
	columns = append(numbers("amount", "lost", "seq", "granted", "expires"), Column{Name: "account", Text: true}, Column{Name: "replica", Text: true})
	if _, err := tx.ExecContext(ctx, `INSERT INTO quota_lease (account, replica, amount, lost, seq, granted, expires)
		SELECT x.account, x.replica, x.amount, x.lost, x.seq, x.granted, x.expires FROM `+s.Dialect.Rows(columns...)+` WHERE true
		ON CONFLICT (account, replica) DO UPDATE SET amount = excluded.amount, lost = excluded.lost, seq = excluded.seq, granted = excluded.granted, expires = excluded.expires`,
		asJSON(leases)); err != nil {
		return fmt.Errorf("save leases: %w", err)
	}
	return nil
}

// Leave implements quota.Store.
func (s *Store) Leave(ctx context.Context, replica string) error {
	if _, err := s.Write.ExecContext(ctx, `DELETE FROM quota_replica WHERE id = $1`, replica); err != nil {
		return fmt.Errorf("mark the replica as gone: %w", err)
	}
	return nil
}

// Books implements quota.Store.
func (s *Store) Books(ctx context.Context, accounts []quota.Account) ([]quota.Book, error) {
	list := make([]account, len(accounts))
	for i, a := range accounts {
		list[i].ID = a.ID()
	}
	found, err := rows(ctx, s.Read, scanBook, `SELECT id, used, leased, lost, hungry, asker, ready FROM quota_account
		WHERE id IN (SELECT x.id FROM `+s.Dialect.Rows(Column{Name: "id", Text: true})+`)`, asJSON(list))
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	out := make([]quota.Book, len(accounts))
	for _, b := range found {
		if i := slices.IndexFunc(list, func(a account) bool { return a.ID == b.id }); i >= 0 {
			out[i] = b.Book
		}
	}
	return out, nil
}

// Tidy implements quota.Store.
func (s *Store) Tidy(ctx context.Context, before time.Time) error {
	return s.transact(ctx, func(tx *sql.Tx) error {
		limit, now := before.UnixNano(), s.Now().UnixNano()
		for _, d := range []struct {
			text string
			arg  any
		}{
			{`DELETE FROM quota_usage WHERE day < $1`, before.UTC().Format("2006-01-02")},
			{`DELETE FROM quota_lease WHERE account IN (SELECT id FROM quota_account WHERE ends > 0 AND ends < $1)`, limit},
			{`DELETE FROM quota_lease WHERE amount = 0 AND lost = 0 AND expires < $1`, now - int64(24*time.Hour)},
			{`DELETE FROM quota_account WHERE ends > 0 AND ends < $1`, limit},
			{`DELETE FROM quota_batch WHERE at < $1`, limit},
			{`DELETE FROM quota_notice WHERE ends < $1`, limit},
			{`DELETE FROM quota_replica WHERE expires < $1`, now - int64(24*time.Hour)},
		} {
			if _, err := tx.ExecContext(ctx, d.text, d.arg); err != nil {
				return fmt.Errorf("%s: %w", strings.Fields(d.text)[2], err)
			}
		}
		return nil
	})
}

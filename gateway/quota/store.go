// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"context"
	"time"
)

// Store keeps the ledger, the usage and the notices. What a store must do is
// tested by quotatest.Run.
type Store interface {
	// Exchange marks the replica as alive for the time ttl and applies its
	// claims, at most one for each account, in one transaction: [Expire] for the
	// leases of silent replicas, then [Apply]. The grants come in the claims' order.
	Exchange(ctx context.Context, replica string, ttl time.Duration, claims []Claim) ([]Grant, error)
	// Hungry lists the ids of accounts of which another replica needs more than
	// there is: whoever can spare some should exchange.
	Hungry(ctx context.Context, replica string) ([]string, error)
	// Leave marks the replica as gone. Its leases stay until they expire.
	Leave(ctx context.Context, replica string) error
	// Books reads accounts; an unknown one is zero.
	Books(ctx context.Context, accounts []Account) ([]Book, error)
	// AddUsage adds a batch. One that was added before changes nothing.
	AddUsage(ctx context.Context, b Batch) error
	// SumUsage sums the rows that match, in the order of their groups.
	SumUsage(ctx context.Context, f Filter) ([]Row, error)
	// AddNotices keeps notices and returns those that are new: one for each
	// account and percentage.
	AddNotices(ctx context.Context, notices []Notice) ([]Notice, error)
	// Notices lists up to limit notices, newest first, of one tenant or, when it
	// is empty, of all.
	Notices(ctx context.Context, tenant string, limit int) ([]Notice, error)
	// Tidy removes usage of days before the given one, and accounts, batches and
	// notices that ended before.
	Tidy(ctx context.Context, before time.Time) error
}

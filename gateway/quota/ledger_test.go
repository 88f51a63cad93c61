// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/quota"
)

// replica is the other side of the ledger, as simple as it can be.
type replica struct {
	lease       quota.Lease
	seq         int64
	free, spent int64
	lost        *quota.Claim // its answer was lost
}

// TestLedgerNeverOverspends lets replicas claim, spend, fall silent, come back
// and lose answers at random, and checks the books after each step.
func TestLedgerNeverOverspends(t *testing.T) {
	t.Parallel()
	const limit = 10_000
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 7))
		account := quota.Account{Kind: quota.KindDay, Period: "2026-11-22"}
		var book quota.Book
		replicas := [3]replica{}
		now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
		var total int64
		for range 400 {
			now = now.Add(time.Duration(random.IntN(4)) * time.Second)
			i := random.IntN(len(replicas))
			r := &replicas[i]
			if n := min(r.free, random.Int64N(200)); n > 0 {
				r.free -= n
				r.spent += n
				total += n
			}
			for j := range replicas {
				if l := &replicas[j].lease; j != i && l.Amount > 0 && l.Expires < now.UnixNano() {
					quota.Expire(account, &book, l, 0, quota.Moment{Now: now})
				}
			}
			c := quota.Claim{Account: account, Limit: limit, Spent: r.spent, Keep: r.free}
			if r.lost != nil {
				c = *r.lost
			} else {
				r.seq++
				c.Seq = r.seq
				r.spent = 0
				if random.IntN(3) > 0 {
					c.Least = 1 + random.Int64N(100)
					c.Need = c.Least + random.Int64N(100)
					c.Want = c.Need + random.Int64N(1000)
				} else if random.IntN(4) == 0 {
					r.free, c.Keep = 0, 0
				}
			}
			g := quota.Apply(c, &book, &r.lease, quota.Moment{Replica: string(rune('a' + i)), Now: now, TTL: 10 * time.Second, Replicas: 3})
			if random.IntN(5) == 0 {
				r.lost = &c
			} else {
				r.lost = nil
				r.free += g.Amount
			}
			var leased, lost, unreported int64
			for j := range replicas {
				leased += replicas[j].lease.Amount
				lost += replicas[j].lease.Lost
				unreported += replicas[j].spent
			}
			if book.Leased != leased || book.Lost != lost {
				t.Fatalf("seed %d: the book says %+v, the leases %d and %d", seed, book, leased, lost)
			}
			if book.Used+book.Leased+book.Lost > limit || total > limit {
				t.Fatalf("seed %d: %+v and %d spent are above %d", seed, book, total, limit)
			}
			if book.Used > total || book.Used+unreported < total-lostClaims(replicas[:]) {
				t.Fatalf("seed %d: %d used and %d not reported, but %d were spent", seed, book.Used, unreported, total)
			}
		}
		if total < limit/2 {
			t.Errorf("seed %d: only %d of %d were spent", seed, total, limit)
		}
	}
}

// lostClaims is what stands in claims whose answers were lost: it may or may
// not be in the book.
func lostClaims(replicas []replica) (n int64) {
	for _, r := range replicas {
		if r.lost != nil {
			n += r.lost.Spent
		}
	}
	return n
}

func TestFair(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit    int64
		replicas int
		want     int64
	}{{10, 1, 10}, {10, 3, 3}, {1, 2, 0}, {10, 0, 10}} {
		if got := quota.Fair(c.limit, c.replicas); got != c.want {
			t.Errorf("fair part of %d among %d = %d, want %d", c.limit, c.replicas, got, c.want)
		}
	}
}

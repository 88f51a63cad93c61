// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import "time"

// Account is one limit of one scope: a row of the ledger.
type Account struct {
	Scope Scope
	Kind  Kind
	// Period is the day or month of a budget, for example "2026-11-22"; "" for the others.
	Period string
	// Ends is when the period is over; zero for the others.
	Ends time.Time
}

// ID is the key of the row.
func (a Account) ID() string { return string(a.Kind) + " " + a.Period + " " + a.Scope.String() }

// Book is what the ledger knows about an account, over all replicas. For
// budgets Used + Lost + Leased is never above the limit, but for requests that
// turned out larger than their estimate; for the others Leased is never above it.
type Book struct {
	// Used is money that replicas have reported as spent.
	Used int64 `json:"used"`
	// Leased is what replicas hold now: money to spend, a share of a rate, places.
	Leased int64 `json:"leased"`
	// Lost is money held by replicas that died: it may have been spent, therefore
	// it counts. A replica that was only away tells how it really was.
	Lost int64 `json:"lost"`
	// Hungry is until when (nanoseconds) the replica By needs what others hold.
	Hungry int64  `json:"hungry"`
	By     string `json:"by"`
	// Ready is when (nanoseconds) a share that nobody holds is full again.
	Ready int64 `json:"ready"`
}

// Lease is what one replica holds of an account.
type Lease struct {
	Amount, Lost int64
	// Seq is the number of the last claim, Granted what it got: a claim that is
	// sent again changes nothing.
	Seq, Granted int64
	// Expires in nanoseconds.
	Expires int64
}

// Claim is what a replica says and asks about one account.
type Claim struct {
	Account Account
	Seq     int64
	Limit   int64
	// Spent is money used since the last claim.
	Spent int64
	// Keep is all that the replica goes on holding: what is reserved for
	// requests under way and what is free. The rest of its lease is given back.
	Keep int64
	// Want is how much more would be good, Need how much the waiting requests
	// need together, Least the smallest amount that is of use.
	Want, Need, Least int64
	// Busy are places of requests under way: they cannot be taken away.
	Busy int64
	// Ready is when what is given back is full again, Fill how long an empty share needs.
	Ready, Fill time.Duration
}

// Grant is the answer to a claim.
type Grant struct {
	// Amount is what the replica got in addition to what it keeps.
	Amount int64
	// Kept is what it may go on holding: less than asked when its lease had expired.
	Kept int64
	// Wait is the time until the granted share is full.
	Wait time.Duration
	// Hungry says that another replica needs what this one can spare.
	Hungry bool
	// Book is the account afterwards.
	Book Book
	// Replicas that are alive.
	Replicas int
}

// Moment is the time of a transaction by the store's clock, and what it knows
// of the replicas.
type Moment struct {
	Replica  string // that claims
	Now      time.Time
	TTL      time.Duration
	Replicas int
}

// hunger is how long others remember that a replica went away empty.
const hunger = 3 * time.Second

// Expire takes a lease from a replica that has been silent for too long.
func Expire(a Account, b *Book, l *Lease, fill time.Duration, at Moment) {
	b.Leased -= l.Amount
	if a.Kind.Budget() {
		b.Lost += l.Amount
		l.Lost += l.Amount
	} else {
		b.Ready = max(b.Ready, at.Now.Add(fill).UnixNano())
	}
	l.Amount = 0
}

// Apply books a claim. Stores call it inside a transaction that holds the row
// of the account; a lease that is unknown is zero. It is the whole arithmetic
// of the ledger.
func Apply(c Claim, b *Book, l *Lease, at Moment) Grant {
	if c.Seq <= l.Seq {
		return repeated(c, *b, *l)
	}
	budget := c.Account.Kind.Budget()
	now := at.Now.UnixNano()
	keep := max(c.Keep, c.Busy, 0)
	if expired := l.Seq > 0 && l.Amount == 0 && l.Expires < now; expired && !budget && keep > c.Busy {
		// The share is others' now; only requests under way keep their places.
		c.Want, c.Need, keep = c.Want+keep-c.Busy, max(c.Need, 1), c.Busy
	}
	if l.Amount > keep && c.Ready > 0 {
		b.Ready = max(b.Ready, at.Now.Add(c.Ready).UnixNano())
	}
	if budget {
		b.Used += c.Spent
	}
	b.Leased += keep - l.Amount
	b.Lost -= l.Lost
	g := Grant{Kept: keep, Hungry: b.Hungry > now && b.By != at.Replica}
	if rich := !budget && keep >= Fair(c.Limit, at.Replicas) && at.Replicas > 1; !rich || !g.Hungry {
		g.Amount = c.share(*b, keep, at.Replicas)
	}
	if b.Ready > now {
		g.Wait = time.Duration(b.Ready - now)
	}
	poor := budget || keep+g.Amount < Fair(c.Limit, at.Replicas)
	if c.Need > g.Amount && b.Leased > keep && poor && !g.Hungry {
		b.Hungry, b.By = at.Now.Add(hunger).UnixNano(), at.Replica
	}
	b.Leased += g.Amount
	*l = Lease{Amount: keep + g.Amount, Seq: c.Seq, Granted: g.Amount, Expires: at.Now.Add(at.TTL).UnixNano()}
	g.Book = *b
	g.Replicas = at.Replicas
	return g
}

// repeated answers a claim whose first answer was lost.
func repeated(c Claim, b Book, l Lease) Grant {
	g := Grant{Amount: l.Granted, Kept: l.Amount - l.Granted, Wait: c.Fill, Book: b, Replicas: 1}
	if l.Amount > 0 {
		return g
	}
	if g.Kept = c.Keep; !c.Account.Kind.Budget() { // expired since
		g.Amount, g.Kept = 0, c.Busy
	}
	return g
}

// Fair is the part of a limit that a replica keeps when others ask for theirs.
func Fair(limit int64, replicas int) int64 { return limit / int64(max(replicas, 1)) }

// portion is how much of the room one claim takes beyond what it needs.
const portion = 16

// share is how much of the room the claim gets. Of a rate or of places nobody
// gets more than a fair part in one step, so that others find theirs.
func (c Claim) share(b Book, keep int64, replicas int) int64 {
	room := c.Limit - b.Used - b.Leased - b.Lost
	if c.Want <= 0 && c.Need <= 0 || room < max(c.Least, 1) {
		return 0
	}
	if !c.Account.Kind.Budget() {
		want := max(c.Want, c.Need)
		if fair := Fair(c.Limit, replicas); keep < fair {
			want = min(want, max(fair-keep, c.Need))
		}
		return min(want, room)
	}
	return min(max(c.Need, min(c.Want, room/portion)), room)
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"math"
	"sync"
	"time"
)

// lease is what this replica holds of an account. It is guarded by the mutex
// of its scope.
type lease struct {
	account Account
	limit   int64 // 0: nothing is bounded
	seq     int64
	// pending is a claim whose answer is not known: it is sent again.
	pending *Claim
	// valid is until when a share may be used without asking again.
	valid time.Time
	sent  time.Time
	// used is when a request last needed it.
	used time.Time
	// dry is until when asking for more is of no use.
	dry time.Time
	// least and need are what waiting requests need: the smallest and the sum.
	least, need int64
	replicas    int
	hungry      bool
	book        Book // as last seen
}

// ask notes that a request waits for n more.
func (l *lease) ask(n int64, now time.Time) {
	l.used = now
	if l.need == 0 || n < l.least {
		l.least = n
	}
	l.need += n
}

// start makes a claim with what all kinds have in common.
func (l *lease) start() Claim {
	l.seq++
	c := Claim{Account: l.account, Seq: l.seq, Limit: l.limit, Least: l.least, Need: l.need}
	l.least, l.need = 0, 0
	return c
}

// learn notes what an answer says about the account. A claim in need that got
// nothing is not repeated for a while.
func (l *lease) learn(c Claim, g Grant, now time.Time) {
	l.pending = nil
	l.book, l.hungry, l.replicas = g.Book, g.Hungry, max(g.Replicas, 1)
	l.dry = time.Time{}
	if c.Need > 0 && g.Amount < max(c.Least, 1) {
		l.dry = now.Add(dryFor)
	}
}

// Times by which a replica deals with its leases.
const (
	// dryFor is how long a refusal by the store is believed.
	dryFor = 250 * time.Millisecond
	// idleFor is after which time without a request the free part is given back.
	idleFor = 5 * time.Second
)

// meter counts one kind in one scope.
type meter interface {
	base() *lease
	// due says that the store should hear of it now.
	due(now time.Time, renew time.Duration) bool
	// claim is what to tell the store; final: everything free is given back.
	claim(now time.Time, final bool) Claim
	granted(c Claim, g Grant, now time.Time)
}

func (l *lease) base() *lease { return l }

// bucket bounds a rate: this replica's share of it runs in steadily, up to a
// bound, and requests take out. A request that is larger than the bound waits
// for a full bucket and empties it; what it used beyond that is a debt.
type bucket struct {
	lease
	share int64   // of the limit, per minute
	level float64 // what is in it
	at    time.Time
}

// rounding is what floating point may lose.
const rounding = 1e-6

// burst is how long an empty bucket needs to be full.
func (b *bucket) burst() time.Duration {
	if b.account.Kind == KindRequests {
		return 10 * time.Second
	}
	return time.Minute
}

func (b *bucket) capacity() float64 {
	return max(1, float64(b.share)*b.burst().Minutes())
}

func (b *bucket) perSecond() float64 { return float64(b.share) / 60 }

func (b *bucket) refill(now time.Time) {
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.level = min(b.capacity(), b.level+d*b.perSecond())
		b.at = now
	}
}

// take takes n out if there is enough.
func (b *bucket) take(n int64, now time.Time) bool {
	b.used = now
	b.refill(now)
	if b.share == 0 || b.level+rounding < min(float64(n), b.capacity()) {
		return false
	}
	b.level -= float64(n)
	return true
}

// bound is the most a request sets aside here: what a full bucket of the whole
// limit holds. Otherwise a wild estimate would keep everybody else out for as
// long as its request runs.
func (b *bucket) bound(n int64) int64 {
	return min(n, max(1, int64(float64(b.limit)*b.burst().Minutes())))
}

// put puts back what was taken too much; a negative n takes more.
func (b *bucket) put(n int64) { b.level = min(b.capacity(), b.level+float64(n)) }

// wait is the time until n can be taken.
func (b *bucket) wait(n int64) time.Duration {
	if b.share == 0 {
		return time.Second
	}
	missing := min(float64(n), b.capacity()) - b.level
	return time.Duration(math.Ceil(max(missing, 0)/b.perSecond()*1000)) * time.Millisecond
}

// full is the time until the bucket is full.
func (b *bucket) full() time.Duration {
	if b.share == 0 || b.level >= b.capacity()-rounding {
		return 0
	}
	return time.Duration((b.capacity() - b.level) / b.perSecond() * float64(time.Second))
}

func (b *bucket) due(now time.Time, renew time.Duration) bool {
	if b.pending != nil || b.need > 0 {
		return true
	}
	if b.share == 0 {
		return false
	}
	return now.Sub(b.sent) >= renew || b.hungry || b.limit == 0 || b.idle(now)
}

// idle: nobody asks and nothing is owed.
func (b *bucket) idle(now time.Time) bool {
	b.refill(now)
	return now.Sub(b.used) > idleFor && b.level >= b.capacity()-rounding
}

func (b *bucket) claim(now time.Time, final bool) Claim {
	b.refill(now)
	c := b.start()
	c.Keep, c.Fill, c.Ready = b.share, b.burst(), b.full()
	fair := Fair(b.limit, b.replicas)
	switch {
	case final || b.limit == 0 || c.Need == 0 && b.idle(now):
		c.Keep = 0
	case b.hungry:
		c.Keep = min(c.Keep, fair)
	}
	c.Keep = min(c.Keep, b.limit)
	if c.Need > 0 { // in shares, not in requests
		c.Need, c.Least = 1, 1
		if c.Want = b.limit - c.Keep; c.Keep < fair {
			c.Want = fair - c.Keep
		}
	}
	b.resize(c.Keep, 0)
	return c
}

// resize changes the share; the new part is empty for a while, a debt stays.
func (b *bucket) resize(share int64, wait time.Duration) {
	old := b.share
	b.share = share
	switch {
	case share == 0:
		b.level = 0
	case share < old && b.level > 0:
		b.level *= float64(share) / float64(old)
	case share > old:
		filled := 1 - min(1, wait.Seconds()/b.burst().Seconds())
		b.level += float64(share-old) * b.burst().Minutes() * filled
		if old == 0 && wait == 0 {
			b.level = max(b.level, 1) // the first of a small share need not wait
		}
	}
	b.level = min(b.level, b.capacity())
}

func (b *bucket) granted(c Claim, g Grant, now time.Time) {
	b.learn(c, g, now)
	b.refill(now)
	if g.Kept < b.share {
		b.resize(g.Kept, 0)
	}
	b.resize(g.Kept+g.Amount, g.Wait)
}

// places bounds requests at once.
type places struct {
	lease
	held, busy int64
	// most is how many may be busy while another replica waits for some; 0: all that are held.
	most int64
}

// usable is how many places new requests may take.
func (p *places) usable() int64 {
	n := min(p.held, p.limit)
	if p.most > 0 {
		n = min(n, p.most)
	}
	return n
}

func (p *places) take(now time.Time) bool {
	p.used = now
	if p.busy >= p.usable() {
		return false
	}
	p.busy++
	return true
}

func (p *places) due(now time.Time, renew time.Duration) bool {
	if p.pending != nil || p.need > 0 {
		return true
	}
	if p.held == 0 {
		return false
	}
	if p.hungry {
		p.most = max(Fair(p.limit, p.replicas), 1)
	}
	spare := p.held > p.busy
	return now.Sub(p.sent) >= renew || spare && (p.hungry || p.limit == 0 || now.Sub(p.used) > idleFor)
}

func (p *places) claim(now time.Time, final bool) Claim {
	c := p.start()
	c.Keep, c.Busy = p.held, p.busy
	fair := Fair(p.limit, p.replicas)
	switch {
	case final || p.limit == 0 || c.Need == 0 && now.Sub(p.used) > idleFor:
		c.Keep = p.busy
	case p.hungry:
		c.Keep = max(p.busy, min(p.held, fair))
		if c.Need == 0 && p.limit < 4*int64(p.replicas) {
			c.Keep = p.busy // with few places none lies idle while another replica asks
		}
	}
	if c.Need > 0 {
		c.Least, c.Want = 1, max(c.Need, fair-c.Keep)
	}
	if p.most = 0; p.hungry {
		p.most = max(fair, 1)
	}
	p.held = c.Keep
	return c
}

func (p *places) granted(c Claim, g Grant, now time.Time) {
	p.learn(c, g, now)
	p.held = g.Kept + g.Amount
	if !p.hungry {
		p.most = 0
	}
}

// budget is money: free to be reserved, reserved for requests under way, spent
// and not yet reported. The three together are what the store has leased us;
// free is below zero when requests cost more than their estimate.
type budget struct {
	lease
	free, reserved, spent int64
	// size is how much to draw at once; it follows the speed of spending.
	size int64
	// low says that the next draw should come before a request waits for it.
	low   bool
	drawn time.Time
	// noted is the highest percentage that a notice was made for.
	noted int
	// used100: a request was refused because too little is left.
	used100 bool
}

func (b *budget) take(n int64, now time.Time) bool {
	b.used = now
	if n > b.free {
		return false
	}
	b.free -= n
	b.reserved += n
	b.low = b.free < b.size/4
	return true
}

// settle books what a request cost for which n had been reserved.
func (b *budget) settle(n, cost int64) {
	b.reserved -= n
	b.spent += cost
	b.free += n - cost
}

func (b *budget) due(now time.Time, renew time.Duration) bool {
	if b.pending != nil || b.need > 0 || b.spent > 0 || b.low && now.After(b.dry) || b.used100 && b.noted < 100 {
		return true
	}
	if b.free+b.reserved == 0 {
		return false
	}
	return now.Sub(b.sent) >= renew || b.free > 0 && (b.hungry || b.over(now) || now.Sub(b.used) > idleFor)
}

// over: the period has ended or the limit was lifted.
func (b *budget) over(now time.Time) bool { return b.limit == 0 || !now.Before(b.account.Ends) }

func (b *budget) claim(now time.Time, final bool) Claim {
	c := b.start()
	c.Spent, b.spent = b.spent, 0
	b.free = max(b.free, 0)
	if c.Need == 0 && (final || b.hungry || b.over(now) || now.Sub(b.used) > idleFor) {
		b.free = 0
	}
	c.Keep = b.free + b.reserved
	if c.Need > 0 {
		b.pace(c.Need, now)
		c.Need = max(c.Need-b.free, 1)
		c.Least = max(c.Least-b.free, 1)
		c.Want = max(b.size-b.free, c.Need)
	} else if b.low && !b.hungry && !final && !b.over(now) {
		b.pace(0, now)
		c.Least, c.Want = 1, b.size-b.free
	}
	b.low = false
	return c
}

// Draws follow one another by about this time when requests come steadily.
const (
	fastDraw = 2 * time.Second
	slowDraw = 10 * time.Second
	// draws is how many requests of the size that waits are drawn for at first.
	draws = 8
)

// pace doubles the next draw when the last one was used up quickly.
func (b *budget) pace(need int64, now time.Time) {
	switch since := now.Sub(b.drawn); {
	case since < fastDraw:
		b.size *= 2
	case since > slowDraw:
		b.size /= 2
	}
	b.size = min(max(b.size, draws*need), b.limit)
	b.drawn = now
}

func (b *budget) granted(c Claim, g Grant, now time.Time) {
	b.learn(c, g, now)
	b.free += g.Amount
}

// scope is everything that is counted for one scope.
type scope struct {
	name Scope

	mu       sync.Mutex
	requests *bucket
	places   *places
	input    *bucket
	output   *bucket
	day      *budget
	month    *budget
	// past are budgets of periods that have ended, until their last request is booked.
	past []*budget
}

// meters lists what is counted. The mutex must be held.
func (s *scope) meters() []meter {
	var out []meter
	for _, b := range []*bucket{s.requests, s.input, s.output} {
		if b != nil {
			out = append(out, b)
		}
	}
	if s.places != nil {
		out = append(out, s.places)
	}
	for _, b := range append([]*budget{s.day, s.month}, s.past...) {
		if b != nil {
			out = append(out, b)
		}
	}
	return out
}

// set brings the meters in line with a limit. The mutex must be held. A meter
// whose limit is gone stays until what it holds has been given back.
func (s *scope) set(l Limit, cal calendar, now time.Time) {
	for _, m := range []struct {
		at   **bucket
		kind Kind
	}{{&s.requests, KindRequests}, {&s.input, KindInput}, {&s.output, KindOutput}} {
		limit := l.of(m.kind)
		if *m.at == nil && limit > 0 {
			*m.at = &bucket{lease: lease{account: Account{Scope: s.name, Kind: m.kind}, replicas: 1}, at: now}
		}
		if *m.at != nil {
			(*m.at).limit, (*m.at).dry = limit, time.Time{}
			(*m.at).refill(now)
			if limit > 0 {
				(*m.at).resize(min((*m.at).share, limit), 0)
			}
			(*m.at).sent = time.Time{} // the store should hear of it soon
		}
	}
	if s.places == nil && l.Concurrent > 0 {
		s.places = &places{lease: lease{account: Account{Scope: s.name, Kind: KindConcurrent}, replicas: 1}}
	}
	if s.places != nil {
		s.places.limit, s.places.dry, s.places.sent = l.Concurrent, time.Time{}, time.Time{}
	}
	s.budget(&s.day, KindDay, l.of(KindDay), cal, now)
	s.budget(&s.month, KindMonth, l.of(KindMonth), cal, now)
}

func (s *scope) budget(at **budget, k Kind, limit int64, cal calendar, now time.Time) {
	if *at == nil && limit > 0 {
		*at = s.open(k, limit, cal, now)
	}
	if *at != nil {
		(*at).limit, (*at).dry = limit, time.Time{}
		(*at).free = min((*at).free, max(limit-(*at).book.Used, 0))
		(*at).sent = time.Time{}
	}
}

func (s *scope) open(k Kind, limit int64, cal calendar, now time.Time) *budget {
	period, ends := cal.period(k, now)
	return &budget{lease: lease{account: Account{Scope: s.name, Kind: k, Period: period, Ends: ends}, limit: limit, replicas: 1}}
}

// current returns the budget of the present period. The mutex must be held.
func (s *scope) current(at **budget, cal calendar, now time.Time) *budget {
	b := *at
	if b == nil || now.Before(b.account.Ends) {
		return b
	}
	s.past = append(s.past, b)
	*at = s.open(b.account.Kind, b.limit, cal, now)
	return *at
}

// forget drops past budgets of which nothing is left to be told.
func (s *scope) forget() {
	kept := s.past[:0]
	for _, b := range s.past {
		if b.free != 0 || b.reserved != 0 || b.spent != 0 || b.pending != nil {
			kept = append(kept, b)
		}
	}
	s.past = kept
}

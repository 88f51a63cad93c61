// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// exchanger speaks to the ledger: one exchange at a time for the whole process,
// so that all requests that wait share one transaction.
type exchanger struct {
	keeper *Keeper
	wake   chan struct{}

	mu    sync.Mutex
	asked map[meter]*scope
	next  *round

	replicas atomic.Int64 // as last seen
	failing  atomic.Int64 // until when (nanoseconds) the store is left alone
	backoff  time.Duration
	last     time.Time // of the last exchange that succeeded
}

// round is one exchange that requests wait for.
type round struct {
	done chan struct{}
	err  error
}

func newRound() *round { return &round{done: make(chan struct{})} }

func newExchanger(k *Keeper) *exchanger {
	return &exchanger{keeper: k, wake: make(chan struct{}, 1), asked: map[meter]*scope{}, next: newRound()}
}

var errDown = errors.New("the store does not answer")

// down says that the store failed lately and is left alone for a moment.
func (x *exchanger) down(now time.Time) bool { return now.UnixNano() < x.failing.Load() }

// draw asks the store for what the meter was told to ask for, and waits.
func (x *exchanger) draw(ctx context.Context, s *scope, m meter) error {
	if x.down(x.keeper.config.Now()) {
		return errDown
	}
	x.mu.Lock()
	x.asked[m] = s
	r := x.next
	x.mu.Unlock()
	x.nudge()
	// The round in progress and the own one.
	timer := time.NewTimer(2*x.keeper.config.Timeout + time.Second)
	defer timer.Stop()
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return fmt.Errorf("wait for the quota: %w", ctx.Err())
	case <-x.keeper.stop:
		return errors.New("the process is stopping")
	case <-timer.C:
		return errDown
	}
}

func (x *exchanger) nudge() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// run serves rounds until the keeper stops.
func (x *exchanger) run() {
	tick := time.NewTicker(x.keeper.config.Every)
	defer tick.Stop()
	for {
		select {
		case <-x.keeper.stop:
			return
		case <-x.wake:
			x.serve(false)
		case <-tick.C:
			x.serve(true)
		}
	}
}

// serve makes one round; with the reports of all meters that are due.
func (x *exchanger) serve(reports bool) {
	x.mu.Lock()
	asked, r := x.asked, x.next
	x.asked, x.next = map[meter]*scope{}, newRound()
	x.mu.Unlock()
	defer close(r.done)
	now := x.keeper.config.Now()
	if x.down(now) {
		r.err = errDown
		return
	}
	if reports {
		x.collect(asked, now)
	}
	if len(asked) == 0 && now.Sub(x.last) < x.keeper.config.Lease/3 {
		return
	}
	r.err = x.exchange(context.Background(), asked, false)
	x.judge(r.err)
}

// judge leaves a failing store alone, for longer each time.
func (x *exchanger) judge(err error) {
	log := x.keeper.config.Logger
	if err == nil {
		if x.backoff > 0 {
			log.LogAttrs(context.Background(), slog.LevelInfo, "quota store answers again")
		}
		x.backoff = 0
		x.failing.Store(0)
		x.last = x.keeper.config.Now()
		return
	}
	if x.backoff == 0 {
		log.LogAttrs(context.Background(), slog.LevelError, "quota store does not answer", slog.Any("error", err))
	}
	x.backoff = min(max(2*x.backoff, 200*time.Millisecond), 5*time.Second)
	x.failing.Store(x.keeper.config.Now().Add(x.backoff).UnixNano())
}

// collect adds the meters that are due, and those of which other replicas need some.
func (x *exchanger) collect(into map[meter]*scope, now time.Time) {
	hungry := x.hungry()
	for _, s := range x.keeper.all() {
		s.mu.Lock()
		for _, at := range [...]**budget{&s.day, &s.month} {
			s.current(at, x.keeper.calendar, now)
		}
		for _, m := range s.meters() {
			if l := m.base(); len(hungry) > 0 && hungry[l.account.ID()] {
				l.hungry, l.replicas = true, max(l.replicas, 2)
			}
			if m.due(now, x.keeper.config.Lease/3) {
				into[m] = s
			}
		}
		s.forget()
		s.mu.Unlock()
	}
}

// hungry are the accounts of which others need some; not to know it does no harm.
func (x *exchanger) hungry() map[string]bool {
	ctx, cancel := context.WithTimeout(context.Background(), x.keeper.config.Timeout)
	defer cancel()
	ids, err := x.keeper.config.Store.Hungry(ctx, x.keeper.config.Replica)
	if err != nil {
		return nil
	}
	out := make(map[string]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out
}

// maxClaims bounds one transaction.
const maxClaims = 500

func (x *exchanger) exchange(ctx context.Context, asked map[meter]*scope, final bool) error {
	meters := make([]meter, 0, min(len(asked), maxClaims))
	for m := range asked {
		if meters = append(meters, m); len(meters) == maxClaims {
			if err := x.send(ctx, meters, asked, final); err != nil {
				return err
			}
			meters = meters[:0]
		}
	}
	if len(meters) == 0 && len(asked) > 0 {
		return nil
	}
	return x.send(ctx, meters, asked, final)
}

// send exchanges the claims of some meters. After an error their claims stay
// pending and are sent again as they are: the store may have booked them.
func (x *exchanger) send(ctx context.Context, meters []meter, scopes map[meter]*scope, final bool) error {
	k := x.keeper
	now := k.config.Now()
	claims := make([]Claim, len(meters))
	for i, m := range meters {
		s, l := scopes[m], m.base()
		s.mu.Lock()
		if l.pending == nil {
			c := m.claim(now, final)
			l.pending = &c
		}
		l.least, l.need = 0, 0
		claims[i] = *l.pending
		s.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(ctx, k.config.Timeout)
	defer cancel()
	grants, err := k.config.Store.Exchange(ctx, k.config.Replica, k.config.Lease, claims)
	if err != nil {
		return fmt.Errorf("exchange with the quota store: %w", err)
	}
	var notices []Notice
	for i, m := range meters {
		s, l := scopes[m], m.base()
		s.mu.Lock()
		m.granted(claims[i], grants[i], k.config.Now())
		x.replicas.Store(int64(l.replicas))
		l.sent, l.valid = now, now.Add(k.config.Lease)
		if b, ok := m.(*budget); ok {
			notices = append(notices, b.notices(now)...)
		}
		s.mu.Unlock()
	}
	k.tell(ctx, notices)
	return nil
}

// finish reports everything and gives back what is free.
func (x *exchanger) finish(ctx context.Context) error {
	for {
		left := map[meter]*scope{}
		for _, s := range x.keeper.all() {
			s.mu.Lock()
			for _, m := range s.meters() {
				if l := m.base(); l.pending != nil || l.seq > 0 {
					left[m] = s
				}
			}
			s.mu.Unlock()
		}
		// Twice: what is pending is sent again before the end can be claimed.
		err := x.exchange(ctx, left, true)
		if err == nil {
			err = x.exchange(ctx, left, true)
		}
		if err == nil {
			return x.keeper.config.Store.Leave(ctx, x.keeper.config.Replica)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(200 * time.Millisecond):
		}
	}
}

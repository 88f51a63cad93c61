// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"sync"
	"sync/atomic"
	"time"
)

// Retry says when a request that failed is tried again.
type Retry struct {
	// Tries is how often one request may be sent to the same model, the first try
	// included; default 3.
	Tries int
	// Pause before the second try, doubled before every further one, each time
	// between half and all of it; default 100 ms.
	Pause time.Duration
	// MaxPause bounds a pause. A server that asks for more is not asked again by
	// this request; default 500 ms.
	MaxPause time.Duration
	// Share of the requests to an endpoint that may be tried again there (0 to 1),
	// default 0.1. Retries beyond it are not made: they would turn a server's
	// trouble into its end. A request that goes on to another endpoint needs none
	// of it.
	Share float64
	// Reserve is how many retries an endpoint may have beyond its share, and
	// PerSecond how many of them come back each second; defaults 10 and 0.5.
	Reserve   int
	PerSecond float64
}

func (c Retry) withDefaults() Retry {
	standard(&c.Tries, 3)
	standard(&c.Pause, 100*time.Millisecond)
	standard(&c.MaxPause, 500*time.Millisecond)
	standard(&c.Share, 0.1)
	standard(&c.Reserve, 10)
	standard(&c.PerSecond, 0.5)
	return c
}

// budget is the account of an endpoint's retries. Every attempt pays in its
// share, every retry takes out a whole one and what it will pay in itself.
type budget struct {
	deposit, price, most int64 // in millionths of a retry
	perSecond            float64
	left                 atomic.Int64

	mu     sync.Mutex
	filled time.Time
}

const wholeRetry = 1_000_000

func newBudget(c Retry, now time.Time) *budget {
	b := &budget{deposit: int64(c.Share * wholeRetry), most: int64(c.Reserve) * wholeRetry, perSecond: c.PerSecond * wholeRetry, filled: now}
	b.price = wholeRetry + b.deposit
	b.most = max(b.most, b.price)
	b.left.Store(b.most)
	return b
}

// pay is called for every attempt.
func (b *budget) pay() {
	if left := b.left.Load(); left < b.most {
		b.left.Add(b.deposit) // a little too much now and then is taken back in take
	}
}

// take takes a retry out, if there is one.
func (b *budget) take(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := now.Sub(b.filled); d > 0 {
		b.left.Add(int64(min(d.Seconds()*b.perSecond, float64(b.most))))
		b.filled = now
	}
	left := b.left.Load()
	if left > b.most {
		b.left.Add(b.most - left)
		left = b.most
	}
	if left < b.price {
		return false
	}
	b.left.Add(-b.price)
	return true
}

// giveBack puts a retry back that was not made.
func (b *budget) giveBack() { b.left.Add(b.price) }

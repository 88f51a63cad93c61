// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"net/http"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Breaker says when a model at an endpoint is no longer asked, and for how long.
type Breaker struct {
	// Window is the time over which failures are counted, default 30 s.
	Window time.Duration
	// Rate of failures (0 to 1) from which the model is left alone, when there
	// were at least Requests in the window; defaults 0.5 and 20.
	Rate     float64
	Requests int
	// Consecutive failures after which it is left alone in any case; default 10,
	// more than one request can cause.
	Consecutive int
	// Open is how long it is left alone at first; each failed probe doubles the
	// time up to MaxOpen. Defaults 1 s and 60 s. MaxOpen also bounds how long the
	// Retry-After of a server is obeyed.
	Open, MaxOpen time.Duration
	// ProbeEvery is after what time a second probe may follow one that has not
	// ended; default 5 s.
	ProbeEvery time.Duration
}

func (b Breaker) withDefaults() Breaker {
	standard(&b.Window, 30*time.Second)
	standard(&b.Rate, 0.5)
	standard(&b.Requests, 20)
	standard(&b.Consecutive, 10)
	standard(&b.Open, time.Second)
	standard(&b.MaxOpen, time.Minute)
	standard(&b.ProbeEvery, 5*time.Second)
	return b
}

// standard sets what was left out.
func standard[T int | float64 | time.Duration](value *T, to T) {
	if *value <= 0 {
		*value = to
	}
}

// State of a model at an endpoint.
type State string

// States.
const (
	StateClosed   State = "closed"    // requests go there
	StateOpen     State = "open"      // left alone after failures
	StateHalfOpen State = "half_open" // single requests find out whether it is back
	StatePaused   State = "paused"    // its server said repeatedly that it is asked too often
)

// verdict is what an attempt says about the server.
type verdict int

const (
	neutral verdict = iota // nothing: the caller left, the request was wrong
	good
	bad
	limited
)

// judge tells apart what a server did and what was done to it. Only what says
// something about the server counts: 5xx, silence, broken answers, and our own
// key being refused, because then every request fails.
func judge(a gateway.Attempt, callerGone bool) verdict {
	switch a.Code {
	case "":
		return good
	case gateway.CodeRateLimited:
		return limited
	case gateway.CodeUnavailable:
		ours := a.Status == 0 && a.FirstByte > 0 // what we did not like about an answer that came
		if a.Status == http.StatusForbidden || ours || callerGone {
			return neutral
		}
		return bad
	case gateway.CodeTimeout, gateway.CodeTruncated:
		if callerGone {
			return neutral
		}
		return bad
	default:
		return neutral
	}
}

// breaker counts and remembers. Its owner locks.
type breaker struct {
	config      Breaker
	window      window
	consecutive int

	open      bool
	until     time.Time // open until, half-open after
	openings  int       // in a row, without a success between
	era       int       // grows when the state changes: older attempts say nothing about the new one
	probes    int       // under way
	lastProbe time.Time

	paused   time.Time // until
	refused  time.Time // last
	refusals int       // "too many requests" in a row
}

// state at a time.
func (b *breaker) state(now time.Time) State {
	switch {
	case b.open && now.Before(b.until):
		return StateOpen
	case now.Before(b.paused) && b.refusals > 1:
		return StatePaused
	case b.open:
		return StateHalfOpen
	}
	return StateClosed
}

// admit says whether a request may go through now, else how long to stay away.
func (b *breaker) admit(now time.Time) (probe, ok bool, away time.Duration) {
	switch b.state(now) {
	case StateOpen:
		return false, false, b.until.Sub(now)
	case StatePaused:
		return false, false, b.paused.Sub(now)
	case StateHalfOpen:
		if next := b.lastProbe.Add(b.config.ProbeEvery); b.probes > 0 && now.Before(next) {
			return false, false, next.Sub(now)
		}
		b.probes++
		b.lastProbe = now
		return true, true, 0
	case StateClosed:
		return false, true, 0
	default:
		return false, true, 0
	}
}

// pass is what an admitted request carries.
type pass struct {
	era   int
	probe bool
	at    time.Time
}

// result takes in how an admitted request ended. jitter is random, 0 to 1.
func (b *breaker) result(now time.Time, p pass, v verdict, retryAfter time.Duration, jitter float64) {
	if p.era != b.era {
		return // begun before the state changed
	}
	if p.probe {
		b.probes--
	}
	switch v {
	case good:
		b.consecutive = 0
		if p.at.After(b.refused) { // else it was let in before the server had enough
			b.refusals = 0
		}
		b.window.add(now, b.config.Window, false)
		if b.open {
			b.close(now)
		}
	case bad:
		b.consecutive++
		b.window.add(now, b.config.Window, true)
		if b.open || b.tripped() {
			b.trip(now, jitter)
		}
	case limited:
		b.limit(now, retryAfter)
	case neutral:
	}
}

func (b *breaker) tripped() bool {
	all, failed := b.window.sums()
	return b.consecutive >= b.config.Consecutive || all >= b.config.Requests && float64(failed) >= b.config.Rate*float64(all)
}

// trip opens for a time that doubles with every failed probe, give or take a
// fifth: many gateways must not come back at the same moment.
func (b *breaker) trip(now time.Time, jitter float64) {
	pause := b.config.MaxOpen
	if b.openings < 16 {
		pause = min(b.config.Open<<b.openings, pause)
	}
	pause = time.Duration(float64(pause) * (0.8 + 0.4*jitter))
	b.open, b.until = true, now.Add(pause)
	b.openings++
	b.era++
	b.probes = 0
}

func (b *breaker) close(now time.Time) {
	b.open, b.openings, b.consecutive, b.probes = false, 0, 0, 0
	b.era++
	b.window = window{}
	b.window.move(now, b.config.Window)
}

// limit obeys a server that is asked too often. One refusal may be meant for one
// request (its size, its share); two in a row are meant for all.
func (b *breaker) limit(now time.Time, retryAfter time.Duration) {
	b.refusals++
	b.refused = now
	if retryAfter <= 0 {
		retryAfter = b.config.Open << min(b.refusals-1, 6)
	}
	if until := now.Add(min(retryAfter, b.config.MaxOpen)); until.After(b.paused) {
		b.paused = until
	}
}

// window is a sliding window of outcomes in ten steps.
type window struct {
	buckets [windowSteps]struct{ all, failed int }
	step    int64 // of the newest bucket
	all     int
	failed  int
}

const windowSteps = 10

func (w *window) add(now time.Time, span time.Duration, failed bool) {
	w.move(now, span)
	bucket := &w.buckets[w.step%windowSteps]
	bucket.all++
	w.all++
	if failed {
		bucket.failed++
		w.failed++
	}
}

// move forgets what is older than the span.
func (w *window) move(now time.Time, span time.Duration) {
	step := now.UnixNano() / max(int64(span)/windowSteps, 1)
	if step-w.step >= windowSteps {
		*w = window{step: step}
		return
	}
	for ; w.step < step; w.step++ {
		bucket := &w.buckets[(w.step+1)%windowSteps]
		w.all -= bucket.all
		w.failed -= bucket.failed
		bucket.all, bucket.failed = 0, 0
	}
}

func (w *window) sums() (all, failed int) { return w.all, w.failed }

func (w *window) rate() float64 {
	if w.all == 0 {
		return 0
	}
	return float64(w.failed) / float64(w.all)
}

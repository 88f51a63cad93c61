// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// remedy is what can help after a failure.
type remedy int

const (
	nothing   remedy = iota // the answer would be the same everywhere
	elsewhere               // another route
	again                   // the server did nothing yet: the same route as well
	unreached               // like again, and other models of the endpoint are not reached either
)

// remedyFor judges a failure.
func remedyFor(last gateway.Attempt, err error) remedy {
	switch gateway.CodeOf(err) {
	case gateway.CodeRateLimited:
		return again
	case gateway.CodeOverloaded: // by our own gate or breaker
		return elsewhere
	case gateway.CodeTruncated:
		return elsewhere
	case gateway.CodeTimeout:
		if last.Status == http.StatusRequestTimeout {
			return again
		}
		return elsewhere
	case gateway.CodeUnavailable:
		return remedyForServer(last.Status, err)
	case gateway.CodeUpstream:
		if last.Status == http.StatusRequestTimeout || last.Status == http.StatusTooManyRequests {
			return again
		}
		return nothing
	default:
		return nothing
	}
}

// statusOverloaded is what some servers say instead of 503.
const statusOverloaded = 529

func remedyForServer(status int, err error) remedy {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, statusOverloaded:
		return again
	case 0:
		if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
			return unreached
		}
	}
	return elsewhere
}

// Next implements gateway.Router. A replica of the model that failed is asked at
// once, the same route after a pause where its server did nothing yet, other
// models after that. An attempt at an endpoint that this request has asked before
// is a retry and needs the endpoint's budget.
func (r *Router) Next(ctx context.Context, _ gateway.Request, routes []gateway.Route, attempts []gateway.Attempt, err error) (route int, pause time.Duration, retry bool) {
	if len(attempts) == 0 || len(attempts) >= gateway.MaxAttempts || ctx.Err() != nil {
		return 0, 0, false
	}
	last := attempts[len(attempts)-1]
	remedy := remedyFor(last, err)
	if remedy == nothing {
		return 0, 0, false
	}
	s := sequel{router: r, snapshot: r.current.Load(), now: r.config.Now(), routes: routes, attempts: attempts, remedy: remedy, last: last}
	if i, ok := s.other(true); ok {
		return i, 0, true
	}
	if i, pause, ok := s.same(ctx); ok {
		return i, pause, true
	}
	if i, ok := s.other(false); ok {
		return i, 0, true
	}
	return 0, 0, false
}

// sequel is what is known when the next step is sought.
type sequel struct {
	router   *Router
	snapshot *snapshot
	now      time.Time
	routes   []gateway.Route
	attempts []gateway.Attempt
	last     gateway.Attempt
	remedy   remedy
}

// other is the first route that was not tried and is not left alone: a replica of
// the model that failed, or any.
func (s *sequel) other(replica bool) (int, bool) {
	for i, route := range s.routes {
		if replica && route.Model != s.last.Model || s.tries(route) > 0 {
			continue
		}
		if s.remedy == unreached && route.Endpoint == s.last.Endpoint {
			continue
		}
		x := s.open(route)
		if x == nil || s.asked(route.Endpoint) && !s.pay(x) {
			continue
		}
		return i, true
	}
	return 0, false
}

// same is the route that failed, once more.
func (s *sequel) same(ctx context.Context) (route int, pause time.Duration, ok bool) {
	if s.remedy != again && s.remedy != unreached {
		return 0, 0, false
	}
	for i, route := range s.routes {
		if route.Model != s.last.Model || route.Endpoint != s.last.Endpoint {
			continue
		}
		pause, ok := s.pause(s.tries(route))
		if deadline, has := ctx.Deadline(); !ok || has && !s.now.Add(pause).Before(deadline) {
			return 0, 0, false
		}
		x := s.open(route)
		if x == nil || !s.pay(x) {
			return 0, 0, false
		}
		return i, pause, true
	}
	return 0, 0, false
}

// pause before a route is tried once more; false: it is not.
func (s *sequel) pause(tries int) (time.Duration, bool) {
	c := s.router.config.Retry
	if tries >= c.Tries || s.last.RetryAfter > c.MaxPause {
		return 0, false
	}
	pause := min(c.Pause<<max(tries-1, 0), c.MaxPause)
	pause -= time.Duration(s.router.config.Rand() * float64(pause) / 2)
	return max(pause, s.last.RetryAfter), true
}

// open is the entry of a route, unless it is gone or left alone.
func (s *sequel) open(route gateway.Route) *slot {
	x := s.snapshot.byKey[key{route.Model, route.Endpoint}]
	if x == nil || x.node.blocked.Load() > s.now.UnixNano() {
		return nil
	}
	return x
}

// pay takes a retry out of the endpoint's budget.
func (s *sequel) pay(x *slot) bool {
	if !x.node.endpoint.budget.take(s.now) {
		return false
	}
	x.node.mu.Lock()
	x.node.tally.retries++
	x.node.mu.Unlock()
	return true
}

func (s *sequel) tries(route gateway.Route) int {
	n := 0
	for _, a := range s.attempts {
		if a.Model == route.Model && a.Endpoint == route.Endpoint {
			n++
		}
	}
	return n
}

// asked says that the endpoint has had this request before. Attempts that did not
// get past our own door do not count.
func (s *sequel) asked(endpoint string) bool {
	for _, a := range s.attempts {
		if a.Endpoint == endpoint && a.Code != gateway.CodeOverloaded {
			return true
		}
	}
	return false
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// chance is random with a fixed seed.
func chance() func() float64 {
	var mu sync.Mutex
	source := rand.New(rand.NewPCG(1, 2))
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return source.Float64()
	}
}

func open(t testing.TB, c router.Config) *router.Router {
	t.Helper()
	if c.Rand == nil {
		c.Rand = chance()
	}
	r, err := router.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func chat(t testing.TB, body string) gateway.Request {
	t.Helper()
	b, err := gateway.ParseBody([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Request{Operation: gateway.OperationChat, Body: b}
}

var everything = []gateway.ModelID{"haus", "eu", "us", "land"}

func plan(t testing.TB, r *router.Router, q gateway.Request) []gateway.Route {
	t.Helper()
	routes, err := r.Plan(t.Context(), q, everything)
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

// places writes the routes as model@endpoint.
func places(routes []gateway.Route) []string {
	var out []string
	for _, r := range routes {
		out = append(out, string(r.Model)+"@"+r.Endpoint)
	}
	return out
}

func asError(err error) *gateway.Error {
	if known, ok := errors.AsType[*gateway.Error](err); ok {
		return known
	}
	return &gateway.Error{}
}

func tenant(name string) gateway.Request {
	return gateway.Request{Operation: gateway.OperationChat, Caller: gateway.Caller{Tenant: gateway.TenantID(name)}}
}

// try enters and leaves with an outcome at once.
func try(t testing.TB, r *router.Router, route gateway.Route, a gateway.Attempt) error {
	t.Helper()
	place, err := r.Enter(context.Background(), gateway.Request{}, route)
	if err != nil {
		return err
	}
	a.Model, a.Endpoint = route.Model, route.Endpoint
	place.Leave(a)
	return nil
}

// Outcomes of attempts.
var (
	fine      = gateway.Attempt{Output: 10}
	failed    = gateway.Attempt{Code: gateway.CodeUnavailable, Status: 503}
	crashed   = gateway.Attempt{Code: gateway.CodeUnavailable, Status: 500}
	silent    = gateway.Attempt{Code: gateway.CodeTimeout}
	cut       = gateway.Attempt{Code: gateway.CodeTruncated}
	wrong     = gateway.Attempt{Code: gateway.CodeUpstream, Status: 400}
	cancelled = gateway.Attempt{Code: gateway.CodeCancelled}
	tired     = gateway.Attempt{Code: gateway.CodeRateLimited, Status: 429, RetryAfter: 2 * time.Second}
)

func refused() error {
	return &gateway.Error{Code: gateway.CodeUnavailable, Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}
}

func fault(a gateway.Attempt) error {
	return &gateway.Error{Code: a.Code, RetryAfter: a.RetryAfter, Upstream: &gateway.UpstreamError{Status: a.Status}}
}

// statusOf is the status of one model at one endpoint.
func statusOf(t testing.TB, r *router.Router, model gateway.ModelID, endpoint string) router.Status {
	t.Helper()
	for _, s := range r.Status() {
		if s.Model == model && s.Endpoint == endpoint {
			return s
		}
	}
	t.Fatalf("no status of %s at %s", model, endpoint)
	return router.Status{}
}

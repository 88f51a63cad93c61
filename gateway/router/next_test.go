// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// step is what Next says, in one line.
func step(route int, pause time.Duration, again bool) string {
	if !again {
		return "stop"
	}
	return fmt.Sprintf("route %d after %s", route, pause)
}

func TestNext(t *testing.T) {
	t.Parallel()
	const (
		onlyA   = "haus@a"
		aOrC    = "haus@a eu@c"
		sameBox = "haus@a eu@a"
		aBC     = "haus@a haus@b eu@c"
	)
	routes := map[string][]gateway.Route{
		onlyA:   {{Model: "haus", Endpoint: "a"}},
		aOrC:    {{Model: "haus", Endpoint: "a"}, {Model: "eu", Endpoint: "c"}},
		sameBox: {{Model: "haus", Endpoint: "a"}, {Model: "eu", Endpoint: "a"}},
		aBC:     {{Model: "haus", Endpoint: "a"}, {Model: "haus", Endpoint: "b"}, {Model: "eu", Endpoint: "c"}},
	}
	at := func(place string, a gateway.Attempt) gateway.Attempt {
		a.Model, a.Endpoint = gateway.ModelID(place[:len(place)-2]), place[len(place)-1:]
		return a
	}
	soon, later := tired, tired
	soon.RetryAfter, later.RetryAfter = 400*time.Millisecond, time.Second
	full := gateway.Attempt{Code: gateway.CodeOverloaded}
	timeout408, odd := gateway.Attempt{Code: gateway.CodeTimeout, Status: 408}, gateway.Attempt{Code: gateway.CodeUpstream, Status: 429}
	a := func(list ...gateway.Attempt) []gateway.Attempt {
		var out []gateway.Attempt
		for _, x := range list {
			out = append(out, at("haus@a", x))
		}
		return out
	}
	for name, c := range map[string]struct {
		routes   string
		attempts []gateway.Attempt
		err      error // default: of the last attempt
		want     string
	}{
		"503":                           {onlyA, a(failed), nil, "route 0 after 75ms"},
		"503 twice":                     {onlyA, a(failed, failed), nil, "route 0 after 150ms"},
		"503 three times":               {onlyA, a(failed, failed, failed), nil, "stop"},
		"refused":                       {onlyA, a(gateway.Attempt{Code: gateway.CodeUnavailable}), refused(), "route 0 after 75ms"},
		"broken before the answer":      {onlyA, a(gateway.Attempt{Code: gateway.CodeUnavailable}), nil, "stop"},
		"500":                           {onlyA, a(crashed), nil, "stop"},
		"429 without a time":            {onlyA, a(gateway.Attempt{Code: gateway.CodeRateLimited, Status: 429}), nil, "route 0 after 75ms"},
		"429, soon again":               {onlyA, a(soon), nil, "route 0 after 400ms"},
		"429, in a second":              {onlyA, a(later), nil, "stop"},
		"429 in another guise":          {onlyA, a(odd), nil, "route 0 after 75ms"},
		"408":                           {onlyA, a(timeout408), nil, "route 0 after 75ms"},
		"silence":                       {onlyA, a(silent), nil, "stop"},
		"cut":                           {onlyA, a(cut), nil, "stop"},
		"no place":                      {onlyA, a(full), nil, "stop"},
		"400":                           {aOrC, a(wrong), nil, "stop"},
		"denied":                        {aOrC, a(gateway.Attempt{Code: gateway.CodeDenied}), nil, "stop"},
		"invalid":                       {aOrC, a(gateway.Attempt{Code: gateway.CodeInvalid}), nil, "stop"},
		"too large":                     {aOrC, a(gateway.Attempt{Code: gateway.CodeTooLarge}), nil, "stop"},
		"cancelled":                     {aOrC, a(cancelled), nil, "stop"},
		"no record":                     {aOrC, a(gateway.Attempt{Code: gateway.CodeNoRecord}), nil, "stop"},
		"our own fault":                 {aOrC, a(gateway.Attempt{Code: gateway.CodeInternal}), nil, "stop"},
		"503, other model":              {aOrC, a(failed), nil, "route 0 after 75ms"},
		"503 three times, other model":  {aOrC, a(failed, failed, failed), nil, "route 1 after 0s"},
		"429 in a second, other model":  {aOrC, a(later), nil, "route 1 after 0s"},
		"500, other model":              {aOrC, a(crashed), nil, "route 1 after 0s"},
		"silence, other model":          {aOrC, a(silent), nil, "route 1 after 0s"},
		"cut, other model":              {aOrC, a(cut), nil, "route 1 after 0s"},
		"no place, other model":         {aOrC, a(full), nil, "route 1 after 0s"},
		"both crashed":                  {aOrC, append(a(crashed), at("eu@c", crashed)), nil, "stop"},
		"503 at the other":              {aOrC, append(a(crashed), at("eu@c", failed)), nil, "route 1 after 75ms"},
		"503, replica":                  {aBC, a(failed), nil, "route 1 after 0s"},
		"500, replica":                  {aBC, a(crashed), nil, "route 1 after 0s"},
		"503, replica as well":          {aBC, append(a(failed), at("haus@b", failed)), nil, "route 1 after 75ms"},
		"500, replica as well":          {aBC, append(a(crashed), at("haus@b", crashed)), nil, "route 2 after 0s"},
		"500, other model there":        {sameBox, a(crashed), nil, "route 1 after 0s"},
		"refused three times, same box": {sameBox, a(failed, failed, gateway.Attempt{Code: gateway.CodeUnavailable}), refused(), "stop"},
		"tried enough":                  {aBC, a(repeat(gateway.MaxAttempts, failed)...), nil, "stop"},
		"nothing tried":                 {aBC, nil, refused(), "stop"},
	} {
		given := catalogue()
		given.Models = append(given.Models, given.Models[2])
		given.Models[3].Endpoint = "a"
		r := open(t, router.Config{Catalogue: given, Rand: func() float64 { return .5 }})
		err := c.err
		if err == nil {
			err = fault(c.attempts[len(c.attempts)-1])
		}
		if got := step(r.Next(t.Context(), gateway.Request{}, routes[c.routes], c.attempts, err)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestNextSkipsWhatIsDown(t *testing.T) {
	t.Parallel()
	r := open(t, router.Config{Catalogue: catalogue()})
	routes := []gateway.Route{{Model: "haus", Endpoint: "a"}, {Model: "haus", Endpoint: "b"}, {Model: "eu", Endpoint: "c"}}
	for range 10 {
		_ = try(t, r, routes[1], crashed)
	}
	attempts := []gateway.Attempt{crashed}
	attempts[0].Model, attempts[0].Endpoint = "haus", "a"
	if got := step(r.Next(t.Context(), gateway.Request{}, routes, attempts, fault(crashed))); got != "route 2 after 0s" {
		t.Errorf("%s, want past the replica that is down", got)
	}
	gone := catalogue()
	gone.Models = gone.Models[:2]
	if err := r.Update(gone); err != nil {
		t.Fatal(err)
	}
	if got := step(r.Next(t.Context(), gateway.Request{}, routes, attempts, fault(crashed))); got != "stop" {
		t.Errorf("%s, want no way to a model that left the catalogue", got)
	}
}

func TestNextKeepsTheDeadline(t *testing.T) {
	t.Parallel()
	r := open(t, router.Config{Catalogue: catalogue(), Retry: router.Retry{Pause: 2 * time.Second, MaxPause: 2 * time.Second}, Rand: func() float64 { return 0 }})
	routes := []gateway.Route{{Model: "haus", Endpoint: "a"}, {Model: "eu", Endpoint: "c"}}
	attempts := []gateway.Attempt{failed}
	attempts[0].Model, attempts[0].Endpoint = "haus", "a"
	for left, want := range map[time.Duration]string{time.Second: "route 1 after 0s", time.Minute: "route 0 after 2s"} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		if got := step(r.Next(ctx, gateway.Request{}, routes, attempts, fault(failed))); got != want {
			t.Errorf("with %s left: %s, want %s", left, got, want)
		}
		cancel()
		if got := step(r.Next(ctx, gateway.Request{}, routes, attempts, fault(failed))); got != "stop" {
			t.Errorf("cancelled: %s, want stop", got)
		}
	}
}

// However many requests fail, an endpoint sees a tenth more than its share, and
// what the reserve allows.
func TestRetryBudget(t *testing.T) {
	t.Parallel()
	clock := newClock()
	never := router.Breaker{Consecutive: 1 << 30, Requests: 1 << 30}
	r := open(t, router.Config{Catalogue: catalogue(), Now: clock.Now, Breaker: never})
	routes := []gateway.Route{{Model: "haus", Endpoint: "a"}}
	ask := func() (tries int) {
		var attempts []gateway.Attempt
		for again := true; again; {
			a := failed
			a.Model, a.Endpoint = "haus", "a"
			if err := try(t, r, routes[0], a); err != nil {
				t.Fatal(err)
			}
			attempts = append(attempts, a)
			_, _, again = r.Next(t.Context(), gateway.Request{}, routes, attempts, fault(a))
		}
		return len(attempts)
	}
	if n := ask(); n != 3 {
		t.Errorf("the first request was tried %d times, want 3", n)
	}
	const requests = 10_000
	tries := 0
	for range requests {
		tries += ask()
	}
	if extra := tries - requests; extra < requests/11 || extra > requests/10+10 {
		t.Errorf("%d retries for %d requests, want a tenth and the reserve", extra, requests)
	}
	if s := statusOf(t, r, "haus", "a"); s.Retries != uint64(tries-requests+2) {
		t.Errorf("%d retries counted, want %d", s.Retries, tries-requests+2)
	}
	clock.add(4 * time.Second) // two come back
	if n := ask(); n < 2 {
		t.Errorf("after four seconds a request was tried %d times, want again", n)
	}
	clock.add(time.Hour)
	tries = 0
	for range 20 {
		tries += ask()
	}
	if tries > 20+12 {
		t.Errorf("after an hour 20 requests made %d tries, want at most the reserve beyond", tries)
	}
}

// A dead endpoint does not take the budget of the one that stands in for it.
func TestFailoverNeedsNoBudget(t *testing.T) {
	t.Parallel()
	never := router.Breaker{Consecutive: 1 << 30, Requests: 1 << 30}
	r := open(t, router.Config{Catalogue: catalogue(), Breaker: never})
	routes := []gateway.Route{{Model: "haus", Endpoint: "a"}, {Model: "eu", Endpoint: "c"}}
	for i := range 1000 {
		a := crashed
		a.Model, a.Endpoint = "haus", "a"
		if got := step(r.Next(t.Context(), gateway.Request{}, routes, []gateway.Attempt{a}, fault(a))); got != "route 1 after 0s" {
			t.Fatalf("request %d: %s", i, got)
		}
	}
}

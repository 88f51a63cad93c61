// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// one is a router with one model and a clock that stands still.
func one(t testing.TB, c router.Config) (*router.Router, gateway.Route, *clock) {
	t.Helper()
	clock := newClock()
	c.Models, c.Now = []router.Entry{entry("haus", gateway.ResidencyOwn, 0, gateway.OperationChat)}, clock.Now
	return open(t, c), gateway.Route{Model: "haus", Endpoint: "e"}, clock
}

func repeat(n int, a ...gateway.Attempt) []gateway.Attempt {
	var out []gateway.Attempt
	for range n {
		out = append(out, a...)
	}
	return out
}

func TestWhatOpensTheCircuit(t *testing.T) {
	t.Parallel()
	with := func(a gateway.Attempt, status int) gateway.Attempt { a.Status = status; return a }
	for name, c := range map[string]struct {
		attempts []gateway.Attempt
		want     router.State
	}{
		"ten in a row":           {repeat(10, crashed), router.StateOpen},
		"nine in a row":          {repeat(9, crashed), router.StateClosed},
		"time outs":              {repeat(10, silent), router.StateOpen},
		"broken answers":         {repeat(10, cut), router.StateOpen},
		"nobody there":           {repeat(10, with(failed, 0)), router.StateOpen},
		"our key is refused":     {repeat(10, with(failed, 401)), router.StateOpen},
		"forbidden":              {repeat(30, with(failed, 403)), router.StateClosed},
		"wrong requests":         {repeat(30, wrong), router.StateClosed},
		"callers who left":       {repeat(30, cancelled), router.StateClosed},
		"denied answers":         {repeat(30, gateway.Attempt{Code: gateway.CodeDenied}), router.StateClosed},
		"what we did not like":   {repeat(30, gateway.Attempt{Code: gateway.CodeUnavailable, FirstByte: time.Second}), router.StateClosed},
		"half of twenty":         {repeat(10, fine, crashed), router.StateOpen},
		"half of eighteen":       {repeat(9, fine, crashed), router.StateClosed},
		"a third":                {repeat(20, fine, fine, crashed), router.StateClosed},
		"wrong ones between":     {repeat(10, wrong, cancelled, crashed), router.StateOpen},
		"too often, once":        {repeat(1, tired), router.StateClosed},
		"too often, twice":       {repeat(2, tired), router.StatePaused},
		"too often, not in turn": {repeat(1, fine, tired), router.StateClosed},
	} {
		r, route, _ := one(t, router.Config{})
		for _, a := range c.attempts {
			if err := try(t, r, route, a); err != nil {
				t.Errorf("%s: refused early: %v", name, err)
				break
			}
		}
		s := statusOf(t, r, "haus", "e")
		if s.State != c.want || s.Available() != (c.want == router.StateClosed) {
			t.Errorf("%s: state %s, want %s", name, s.State, c.want)
		}
		if err := try(t, r, route, fine); (gateway.CodeOf(err) == gateway.CodeOverloaded) != (c.want != router.StateClosed) {
			t.Errorf("%s: the next request got %v", name, err)
		}
	}
}

func TestWindowSlides(t *testing.T) {
	t.Parallel()
	r, route, clock := one(t, router.Config{})
	for range 40 { // 13 failures in 40 within any 30 s
		for _, a := range []gateway.Attempt{fine, crashed, fine} {
			if err := try(t, r, route, a); err != nil {
				t.Fatal(err)
			}
			clock.add(2 * time.Second)
		}
	}
	if rate := statusOf(t, r, "haus", "e").ErrorRate; rate < .2 || rate > .45 {
		t.Errorf("error rate %.2f, want about a third", rate)
	}
	clock.add(time.Minute)
	if rate := statusOf(t, r, "haus", "e").ErrorRate; rate != 0 {
		t.Errorf("error rate %.2f after a quiet minute, want 0", rate)
	}
}

func TestHalfOpen(t *testing.T) {
	t.Parallel()
	r, route, clock := one(t, router.Config{Rand: func() float64 { return .5 }})
	for range 10 {
		_ = try(t, r, route, crashed)
	}
	for i, pause := range []time.Duration{
		time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, time.Minute, time.Minute,
	} {
		err := try(t, r, route, fine)
		if got := asError(err).RetryAfter; got != pause {
			t.Fatalf("opening %d: retry after %s, want %s", i, got, pause)
		}
		clock.add(pause - time.Millisecond)
		if try(t, r, route, fine) == nil {
			t.Fatalf("opening %d: let in early", i)
		}
		clock.add(time.Millisecond)
		probe, err := r.Enter(t.Context(), gateway.Request{}, route)
		if err != nil {
			t.Fatalf("opening %d: the probe was refused: %v", i, err)
		}
		if s := statusOf(t, r, "haus", "e"); s.State != router.StateHalfOpen || !s.Available() {
			t.Errorf("opening %d: state %s, want half open", i, s.State)
		}
		if try(t, r, route, fine) == nil {
			t.Fatalf("opening %d: a second request beside the probe", i)
		}
		probe.Leave(crashed)
	}
	clock.add(time.Minute)
	probe, err := r.Enter(t.Context(), gateway.Request{}, route)
	if err != nil {
		t.Fatal(err)
	}
	probe.Leave(cancelled) // says nothing: the next one tries
	hangs, err := r.Enter(t.Context(), gateway.Request{}, route)
	if err != nil {
		t.Fatal(err)
	}
	clock.add(5 * time.Second) // one that hangs does not stand in the way for ever
	if err := try(t, r, route, fine); err != nil {
		t.Fatal(err)
	}
	hangs.Leave(silent) // begun before the circuit closed
	s := statusOf(t, r, "haus", "e")
	if s.State != router.StateClosed || s.Openings != 9 || s.LastCode != gateway.CodeTimeout {
		t.Errorf("status %+v, want closed after 9 openings", s)
	}
}

// Answers that began before the circuit opened say nothing about the time after.
func TestLateAnswersDoNotClose(t *testing.T) {
	t.Parallel()
	r, route, _ := one(t, router.Config{})
	var early []gateway.Place
	for range 5 {
		place, err := r.Enter(t.Context(), gateway.Request{}, route)
		if err != nil {
			t.Fatal(err)
		}
		early = append(early, place)
	}
	for range 10 {
		_ = try(t, r, route, crashed)
	}
	for i, place := range early {
		place.Leave([]gateway.Attempt{fine, crashed}[i%2])
	}
	if s := statusOf(t, r, "haus", "e"); s.State != router.StateOpen || s.Openings != 1 {
		t.Errorf("status %+v, want open once", s)
	}
}

func TestPauseObeysTheServer(t *testing.T) {
	t.Parallel()
	r, route, clock := one(t, router.Config{})
	stream, err := r.Enter(t.Context(), gateway.Request{}, route)
	if err != nil {
		t.Fatal(err)
	}
	clock.add(time.Millisecond)
	a := tired
	a.RetryAfter = 20 * time.Second
	for range 2 {
		_ = try(t, r, route, a)
	}
	stream.Leave(fine) // let in before the server had enough: no proof that it has not
	err = try(t, r, route, fine)
	if known := asError(err); known.Code != gateway.CodeOverloaded || known.RetryAfter != 20*time.Second {
		t.Errorf("in the pause: %+v, want overloaded for 20 s", known)
	}
	clock.add(20 * time.Second)
	if err := try(t, r, route, fine); err != nil {
		t.Errorf("after the pause: %v", err)
	}
	a.RetryAfter = time.Hour
	for range 2 {
		_ = try(t, r, route, a)
	}
	if known := asError(try(t, r, route, fine)); known.RetryAfter != time.Minute {
		t.Errorf("a server that asks for an hour is left alone for %s, want a minute", known.RetryAfter)
	}
}

// A deadline that the caller has set is no fault of the server.
func TestCallersDeadline(t *testing.T) {
	t.Parallel()
	r, route, _ := one(t, router.Config{})
	for range 30 {
		ctx, cancel := context.WithCancel(t.Context())
		place, err := r.Enter(ctx, gateway.Request{}, route)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		place.Leave(silent)
	}
	if s := statusOf(t, r, "haus", "e"); s.State != router.StateClosed || s.Failures != 0 {
		t.Errorf("status %+v, want no failures", s)
	}
}

// Who waits when the circuit opens is sent on at once.
func TestOpeningEmptiesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, route := bounded(t, router.Limits{Concurrent: 10, Wait: time.Hour})
		var inside []gateway.Place
		for range 10 {
			place, err := r.Enter(t.Context(), tenant("a"), route)
			if err != nil {
				t.Fatal(err)
			}
			inside = append(inside, place)
		}
		results := make(chan error, 20)
		for range 20 {
			go func() {
				place, err := r.Enter(context.Background(), tenant("b"), route)
				if err == nil {
					place.Leave(crashed)
				}
				results <- err
			}()
		}
		synctest.Wait()
		began := time.Now()
		for _, place := range inside {
			place.Leave(crashed)
		}
		for range 20 {
			if err := <-results; err != nil && gateway.CodeOf(err) != gateway.CodeOverloaded {
				t.Error(err)
			}
		}
		if time.Since(began) > 0 {
			t.Errorf("they waited for %s", time.Since(began))
		}
		if s := statusOf(t, r, "haus", "e"); s.InFlight != 0 || s.Waiting != 0 || s.State != router.StateOpen {
			t.Errorf("status %+v, want open and empty", s)
		}
	})
}

func TestTransitionsAreLogged(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	r, route, clock := one(t, router.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 10 {
		_ = try(t, r, route, crashed)
	}
	clock.add(2 * time.Second)
	_ = try(t, r, route, fine)
	for _, want := range []string{
		`level=WARN msg="model state changed" model=haus endpoint=e from=closed to=open code=upstream_unavailable status=500`,
		`level=INFO msg="model state changed" model=haus endpoint=e from=half_open to=closed`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log.String())
		}
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Status is how one model at one endpoint is, for pages, readiness and metrics.
type Status struct {
	Model     gateway.ModelID   `json:"model"`
	Endpoint  string            `json:"endpoint"`
	Residency gateway.Residency `json:"residency"`
	State     State             `json:"state"`
	// Until is when an open or paused model is tried again.
	Until time.Time `json:"until,omitzero"`
	// Changed is when the state changed last.
	Changed time.Time `json:"changed,omitzero"`
	// InFlight and Waiting are requests at this moment, Limit how many may be in
	// flight (0: no bound).
	InFlight int `json:"in_flight"`
	Waiting  int `json:"waiting"`
	Limit    int `json:"limit,omitempty"`
	// FirstByte, PerToken and Total are moving averages.
	FirstByte time.Duration `json:"first_byte_ns,omitempty"`
	PerToken  time.Duration `json:"per_token_ns,omitempty"`
	Total     time.Duration `json:"total_ns,omitempty"`
	// ErrorRate is the share of failures in the breaker's window.
	ErrorRate float64 `json:"error_rate"`
	// LastCode, LastStatus and LastFailure are the last failure's.
	LastCode    gateway.Code `json:"last_code,omitempty"`
	LastStatus  int          `json:"last_status,omitempty"`
	LastFailure time.Time    `json:"last_failure,omitzero"`
	// Since the start: attempts, those that failed, those that were retries or went
	// beside a slow one, and how often the breaker opened.
	Requests uint64 `json:"requests"`
	Failures uint64 `json:"failures"`
	Retries  uint64 `json:"retries"`
	Hedges   uint64 `json:"hedges"`
	Openings uint64 `json:"openings"`
}

// Available says that requests go there, if only single ones.
func (s Status) Available() bool { return s.State == StateClosed || s.State == StateHalfOpen }

// Status is the state of all models in the order of the catalogue.
func (r *Router) Status() []Status {
	s := r.current.Load()
	now := r.config.Now()
	out := make([]Status, 0, len(s.slots))
	for _, x := range s.slots {
		out = append(out, x.status(now, r.config.Breaker.Window))
	}
	return out
}

func (x *slot) status(now time.Time, window time.Duration) Status {
	n := x.node
	out := Status{Model: n.key.model, Endpoint: n.key.endpoint, Residency: x.card.Residency}
	inside, waiting, limits := n.gate.counts()
	out.InFlight, out.Waiting, out.Limit = inside, waiting, limits.Concurrent
	if m := n.measured.Load(); m != nil {
		out.FirstByte, out.PerToken, out.Total = seconds(m.first), seconds(m.token), seconds(m.whole)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	b, t := &n.breaker, n.tally
	b.window.move(now, window)
	out.State, out.ErrorRate, out.Changed = b.state(now), b.window.rate(), t.changed
	switch out.State {
	case StateOpen:
		out.Until = b.until
	case StatePaused:
		out.Until = b.paused
	case StateClosed, StateHalfOpen:
	}
	out.LastCode, out.LastStatus, out.LastFailure = t.code, t.status, t.failed
	out.Requests, out.Failures, out.Retries, out.Hedges, out.Openings = t.requests, t.failures, t.retries, t.hedges, t.openings
	return out
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

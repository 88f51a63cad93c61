// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

// readyTimeout bounds one check of /readyz.
const readyTimeout = 2 * time.Second

// health is GET /healthz: the process answers, nothing more.
func (s *Server) health(c *gin.Context) {
	writeJSON(c, http.StatusOK, "application/json", gin.H{"status": "ok"})
}

// readyState is the result of one check. Why it failed stands in the log.
type readyState struct {
	Name       string `json:"name"`
	OK         bool   `json:"ok"`
	DurationMS int64  `json:"duration_ms"`
	Warning    bool   `json:"warning,omitempty"`
}

// ready is GET /readyz: every part that a request needs is there. Everybody can ask,
// so that load balancers can; which parts there are is for operators.
func (s *Server) ready(c *gin.Context) {
	status, text, _ := s.readiness(c.Request.Context())
	writeJSON(c, status, "application/json", gin.H{"status": text})
}

// Readiness is /readyz with its checks, for a port that only operators reach.
func (s *Server) Readiness() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, text, states := s.readiness(r.Context())
		raw, err := marshal(map[string]any{"status": text, "checks": states})
		if err != nil {
			http.Error(w, "", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_, _ = w.Write(raw) // whoever asked has gone
	})
}

func (s *Server) readiness(ctx context.Context) (int, string, []readyState) {
	states := s.check(ctx)
	status, text := http.StatusOK, "bereit"
	for _, state := range states {
		if !state.OK && !state.Warning {
			status, text = http.StatusServiceUnavailable, "nicht bereit"
		}
	}
	if s.draining.Load() {
		status, text = http.StatusServiceUnavailable, "wird beendet"
	}
	return status, text, states
}

func (s *Server) check(ctx context.Context) []readyState {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	states := make([]readyState, len(s.Ready))
	var wait sync.WaitGroup
	for i, r := range s.Ready {
		wait.Go(func() { states[i] = s.checkOne(ctx, r) })
	}
	wait.Wait()
	return states
}

func (s *Server) checkOne(ctx context.Context, r ReadyCheck) readyState {
	begin := time.Now()
	result := make(chan error, 1)
	go func() { result <- r.Check(ctx) }()
	var err error
	select {
	case err = <-result:
	case <-ctx.Done():
		err = errors.New("no answer in time")
	}
	if err != nil {
		s.Logger.LogAttrs(ctx, slog.LevelWarn, "not ready", slog.String("check", r.Name), slog.Any("error", err))
	}
	return readyState{Name: r.Name, OK: err == nil, DurationMS: time.Since(begin).Milliseconds(), Warning: r.Warning && err != nil}
}

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

// ready is GET /readyz: every part that a request needs is there.
func (s *Server) ready(c *gin.Context) {
	states := s.check(c.Request.Context())
	status, text := http.StatusOK, "bereit"
	for _, state := range states {
		if !state.OK && !state.Warning {
			status, text = http.StatusServiceUnavailable, "nicht bereit"
		}
	}
	if s.draining.Load() {
		status, text = http.StatusServiceUnavailable, "wird beendet"
	}
	writeJSON(c, status, "application/json", gin.H{"status": text, "checks": states})
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

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mock

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Control tells a running server how to behave and asks what it saw.
type Control struct {
	// URL of the server, without /v1.
	URL string
}

const controlTime = 10 * time.Second

// Set gives the server new settings, all of them, and forgets what it counted.
func (c Control) Set(ctx context.Context, s Settings) error {
	if err := c.call(ctx, http.MethodPost, "/control/settings?"+s.Values().Encode(), nil); err != nil {
		return err
	}
	return c.call(ctx, http.MethodPost, "/control/reset", nil)
}

// Stats since the last Set.
func (c Control) Stats(ctx context.Context) (s Stats, err error) {
	return s, c.call(ctx, http.MethodGet, "/control/stats", &s)
}

// Last request that reached the server.
func (c Control) Last(ctx context.Context) (l Last, err error) {
	return l, c.call(ctx, http.MethodGet, "/control/last", &l)
}

func (c Control) call(ctx context.Context, method, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, controlTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, c.URL+path, nil)
	if err != nil {
		return fmt.Errorf("control the mock: %w", err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("control the mock: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("control the mock: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("control the mock: %s: %.200s", answer.Status, raw)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("control the mock: %w", err)
	}
	return nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package compare

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/load"
	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

// Soak is the gateway before and after steady load. A part of the time goes
// before the first look, so that caches and pools have filled.
type Soak struct {
	Minutes                           float64 `json:"minutes"`
	Requests                          int     `json:"requests"`
	Errors                            int     `json:"errors"`
	RSSBefore, RSSAfter               int64
	GoroutinesBefore, GoroutinesAfter int     `json:",omitempty"`
	GrowthPerMinute                   float64 `json:"growth_mb_per_minute"`
}

func (s *Stage) soak(ctx context.Context) (*Soak, error) {
	fmt.Fprintf(s.Progress, "Dauerlauf %s …\n", s.Soak)
	scenario := load.Scenario{
		Name: "soak", Prompt: 1000, Personal: true, Stream: true, Workers: 256, Rate: 100,
		Mock: mock.Settings{Tokens: 30, Gap: 2 * time.Millisecond}, Slice: s.Soak / 3, Turns: 1,
	}
	warm, err := load.Run(ctx, []load.Target{s.ours()}, scenario, s.Control)
	if err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	out := &Soak{}
	out.RSSBefore, out.GoroutinesBefore = s.rest(ctx)
	begun := time.Now()
	scenario.Slice = s.Soak - s.Soak/3
	results, err := load.Run(ctx, []load.Target{s.ours()}, scenario, s.Control)
	if err != nil {
		return nil, fmt.Errorf("soak: %w", err)
	}
	out.RSSAfter, out.GoroutinesAfter = s.rest(ctx)
	out.Minutes = time.Since(begun).Minutes()
	out.GrowthPerMinute = float64(out.RSSAfter-out.RSSBefore) / 1e6 / out.Minutes
	out.Requests, out.Errors = results[0].Requests+warm[0].Requests, results[0].Errors+warm[0].Errors
	return out, nil
}

// rest waits a moment and looks at memory and goroutines.
func (s *Stage) rest(ctx context.Context) (rss int64, goroutines int) {
	time.Sleep(2 * time.Second)
	return load.RSS(s.Process.PID()), s.goroutines(ctx)
}

// goroutines from the metrics; 0 when there are none.
func (s *Stage) goroutines(ctx context.Context) int {
	if s.Gateway.Metrics == "" {
		return 0
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Gateway.Metrics, nil)
	if err != nil {
		return 0
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(io.LimitReader(answer.Body, 8<<20))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			n, _ := strconv.ParseFloat(value, 64)
			return int(n)
		}
	}
	return 0
}

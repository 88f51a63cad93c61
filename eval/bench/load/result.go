// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package load

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Result is one target in one scenario. Times are milliseconds.
type Result struct {
	Target   string         `json:"target"`
	Scenario string         `json:"scenario"`
	Requests int            `json:"requests"`
	Errors   int            `json:"errors"`
	Problems map[string]int `json:"problems,omitempty"`
	// PerSecond is the median over the turns.
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	// Added is the median over the turns of the difference to the first target in the same turn.
	AddedP50      float64 `json:"added_p50_ms"`
	AddedP99      float64 `json:"added_p99_ms"`
	FirstP50      float64 `json:"first_token_p50_ms,omitempty"`
	FirstP99      float64 `json:"first_token_p99_ms,omitempty"`
	AddedFirstP50 float64 `json:"added_first_token_p50_ms,omitempty"`
	GapP99        float64 `json:"gap_p99_ms,omitempty"`
	Chunks        int     `json:"chunks,omitempty"`
	// Truncated are streams without [DONE].
	Truncated int `json:"truncated"`
	// CPU time of the process in microseconds.
	CPUPerRequest float64 `json:"cpu_us_per_request"`
	CPUPerChunk   float64 `json:"cpu_us_per_chunk,omitempty"`
	// RSS is the most memory seen, in MB.
	RSS float64 `json:"rss_mb"`
}

func (m *measured) result(base *measured) Result {
	s := m.sum
	r := Result{
		Target: m.target.Name, Scenario: m.scenario.Name, Requests: s.requests, Errors: s.errors, Problems: s.problems,
		P50: quantile(s.total, .5), P99: quantile(s.total, .99), FirstP50: quantile(s.first, .5), FirstP99: quantile(s.first, .99),
		GapP99: quantile(s.gaps, .99), Chunks: s.chunks, Truncated: s.noDone, RSS: float64(s.rss) / 1e6,
	}
	var perSecond, p50, p99, first []float64
	for i, t := range m.turns {
		perSecond = append(perSecond, float64(t.requests)/t.wall.Seconds())
		b := base.turns[i]
		p50 = append(p50, quantile(t.total, .5)-quantile(b.total, .5))
		p99 = append(p99, quantile(t.total, .99)-quantile(b.total, .99))
		first = append(first, quantile(t.first, .5)-quantile(b.first, .5))
	}
	r.PerSecond, r.AddedP50, r.AddedP99, r.AddedFirstP50 = median(perSecond), median(p50), median(p99), median(first)
	if s.requests > 0 {
		r.CPUPerRequest = micro(s.cpu) / float64(s.requests)
	}
	if s.chunks > 0 {
		r.CPUPerChunk = micro(s.cpu) / float64(s.chunks)
	}
	return r
}

func micro(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// quantile in milliseconds; 0 of nothing.
func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	at := min(len(sorted)-1, int(float64(len(sorted))*q))
	return float64(sorted[at].Nanoseconds()) / 1e6
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// Markdown is a table of one scenario.
func Markdown(s Scenario, results []Result) string {
	var b strings.Builder
	loop := fmt.Sprintf("%d gleichzeitig", s.Workers)
	if s.Rate > 0 {
		loop = fmt.Sprintf("%g je Sekunde", s.Rate)
	}
	fmt.Fprintf(&b, "### %s (Anfrage %d Byte, %s, %d × %s)\n\n", s.Name, s.Prompt, loop, s.Turns, s.Slice)
	if s.Stream {
		b.WriteString("| Ziel | Ströme | Fehler | ohne [DONE] | je s | erstes Stück p50 ms | mehr | Abstand p99 ms | CPU µs/Strom | CPU µs/Stück | RSS MB |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	} else {
		b.WriteString("| Ziel | Anfragen | Fehler | je s | p50 ms | p99 ms | mehr p50 | mehr p99 | CPU µs/Anfrage | RSS MB |\n|---|---|---|---|---|---|---|---|---|---|\n")
	}
	for _, r := range results {
		if s.Stream {
			fmt.Fprintf(&b, "| %s | %d | %d | %d | %.0f | %.2f | %+.2f | %.2f | %.0f | %.1f | %.0f |\n",
				r.Target, r.Requests, r.Errors, r.Truncated, r.PerSecond, r.FirstP50, r.AddedFirstP50, r.GapP99, r.CPUPerRequest, r.CPUPerChunk, r.RSS)
			continue
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %.0f | %.2f | %.2f | %+.2f | %+.2f | %.0f | %.0f |\n",
			r.Target, r.Requests, r.Errors, r.PerSecond, r.P50, r.P99, r.AddedP50, r.AddedP99, r.CPUPerRequest, r.RSS)
	}
	for _, r := range results {
		for problem, n := range r.Problems {
			fmt.Fprintf(&b, "\n%s: %d × %s\n", r.Target, n, problem)
		}
	}
	return b.String()
}

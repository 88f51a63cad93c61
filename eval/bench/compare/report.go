// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package compare

import (
	"fmt"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/floor"
	"github.com/ki-schleuse/schleuse/eval/bench/load"
)

// Report is what a comparison found.
type Report struct {
	Ready     time.Duration `json:"ready_ns"`
	IdleRSS   int64         `json:"idle_rss_bytes"`
	Scenarios []Measured    `json:"scenarios"`
	Soak      *Soak         `json:"soak,omitempty"`
}

// Measured is one scenario with the results of all targets.
type Measured struct {
	Scenario load.Scenario `json:"scenario"`
	Results  []load.Result `json:"results"`
}

// Names of the scenarios that only a comparison has.
const (
	scenarioFast = "fast-streams"
	scenarioHeld = "held"
)

// Goal is one figure that is to be reached.
type Goal struct {
	Name    string  `json:"name"`
	Unit    string  `json:"unit"`
	Limit   float64 `json:"limit"`
	Reached float64 `json:"reached"`
	// Direct, Floor and Durable are the same figure of the mock alone, of the floor with
	// a decision and of that which forces an entry to disk, too.
	Direct  float64 `json:"direct,omitempty"`
	Floor   float64 `json:"floor,omitempty"`
	Durable float64 `json:"durable,omitempty"`
	Met     bool    `json:"met"`
	english string
}

// goal names a figure of a scenario.
type goal struct {
	scenario, name, english, unit string
	limit                         float64
	figure                        func(load.Result) float64
	baseline                      bool
}

func goals() []goal {
	cpu := func(r load.Result) float64 { return r.CPUPerRequest }
	p50 := func(r load.Result) float64 { return r.AddedP50 }
	p99 := func(r load.Result) float64 { return r.AddedP99 }
	return []goal{
		{"sat-1k", "CPU je Anfrage, 1 KB", "CPU per request, 1 KB", "µs", 400, cpu, true},
		{"sat-1k-pii", "CPU je Anfrage, 1 KB mit Personenbezug", "CPU per request, 1 KB with personal data", "µs", 400, cpu, true},
		{"sat-30k", "CPU je Anfrage, 30 KB", "CPU per request, 30 KB", "µs", 850, cpu, true},
		{"sat-30k-pii", "CPU je Anfrage, 30 KB mit Personenbezug", "CPU per request, 30 KB with personal data", "µs", 850, cpu, true},
		{"sat-sse", "CPU je Stück eines Stroms (100 Stücke, mit der Anfrage)", "CPU per event of a stream of 100, request included", "µs", 8, func(r load.Result) float64 { return r.CPUPerChunk }, true},
		{"lat-1k", "mehr Zeit p50, 40 je s, 1 KB", "added time at 40/s, 1 KB, p50", "ms", .7, p50, true},
		{"lat-1k", "mehr Zeit p99, 40 je s, 1 KB", "added time at 40/s, 1 KB, p99", "ms", 1.5, p99, true},
		{"lat-30k", "mehr Zeit p50, 40 je s, 30 KB", "added time at 40/s, 30 KB, p50", "ms", 1.1, p50, true},
		{"lat-30k", "mehr Zeit p99, 40 je s, 30 KB", "added time at 40/s, 30 KB, p99", "ms", 2, p99, true},
		{"sse-1k", "mehr Zeit bis zum ersten Stück", "added time to the first event", "ms", 1, func(r load.Result) float64 { return r.AddedFirstP50 }, true},
		{scenarioFast, "gekürzte schnelle Ströme", "truncated fast streams", "", 0, func(r load.Result) float64 { return float64(r.Truncated + r.Errors) }, false},
		{scenarioHeld, "Speicher mit offenen Strömen", "memory with held streams", "MB", 120, func(r load.Result) float64 { return r.RSS }, false},
	}
}

// Goals compares the report with what is to be reached. A goal whose scenario did
// not run is left out.
func (r Report) Goals() []Goal {
	add := func(out []Goal, g Goal) []Goal {
		g.Met = g.Reached <= g.Limit
		return append(out, g)
	}
	var out []Goal
	for _, g := range goals() {
		ours, ok := r.result(g.scenario, Ours)
		if !ok {
			continue
		}
		one := Goal{Name: g.name, Unit: g.unit, Limit: g.limit, Reached: g.figure(ours), english: g.english}
		if g.baseline {
			direct, _ := r.result(g.scenario, Direct)
			opa, _ := r.result(g.scenario, floorName(floor.OPA))
			durable, _ := r.result(g.scenario, floorName(floor.Durable))
			one.Direct, one.Floor, one.Durable = g.figure(direct), g.figure(opa), g.figure(durable)
		}
		out = add(out, one)
	}
	out = add(out, Goal{Name: "Speicher im Leerlauf", Unit: "MB", Limit: 60, Reached: float64(r.IdleRSS) / 1e6, english: "memory idle"})
	out = add(out, Goal{Name: "Start bis bereit", Unit: "s", Limit: .5, Reached: r.Ready.Seconds(), english: "start to ready"})
	if r.Soak != nil {
		out = add(out, Goal{Name: "Zuwachs des Speichers im Dauerlauf", Unit: "MB/min", Limit: 1, Reached: r.Soak.GrowthPerMinute, english: "growth of memory under steady load"})
		out = add(out, Goal{Name: "Zuwachs der Goroutinen im Dauerlauf", Limit: 20, Reached: float64(r.Soak.GoroutinesAfter - r.Soak.GoroutinesBefore), english: "growth of goroutines under steady load"})
	}
	return out
}

func (r Report) result(scenario, target string) (load.Result, bool) {
	for _, m := range r.Scenarios {
		if m.Scenario.Name != scenario {
			continue
		}
		for _, one := range m.Results {
			if one.Target == target {
				return one, true
			}
		}
	}
	return load.Result{}, false
}

// Sound is false when a request failed or a stream of ours was cut: then the
// figures say nothing.
func (r Report) Sound() bool {
	for _, m := range r.Scenarios {
		for _, one := range m.Results {
			if one.Target == Ours && (one.Errors > 0 || one.Truncated > 0 || one.Requests == 0) {
				return false
			}
		}
	}
	return r.Soak == nil || r.Soak.Errors == 0
}

// Markdown shows the goals and every scenario.
func (r Report) Markdown() string {
	var b strings.Builder
	b.WriteString("| Ziel | höchstens | erreicht | direkt | Untergrenze mit Entscheidung | mit Eintrag auf der Platte | |\n|---|---|---|---|---|---|---|\n")
	for _, g := range r.Goals() {
		met := "verfehlt"
		if g.Met {
			met = "erreicht"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n",
			g.Name, figure(g.Limit, g.Unit), figure(g.Reached, g.Unit), baseline(g.Direct), baseline(g.Floor), baseline(g.Durable), met)
	}
	for _, m := range r.Scenarios {
		b.WriteByte('\n')
		b.WriteString(load.Markdown(m.Scenario, m.Results))
	}
	if s := r.Soak; s != nil {
		fmt.Fprintf(&b, "\nDauerlauf %.1f min: %d Ströme, %d Fehler, Speicher %.0f → %.0f MB, Goroutinen %d → %d\n",
			s.Minutes, s.Requests, s.Errors, float64(s.RSSBefore)/1e6, float64(s.RSSAfter)/1e6, s.GoroutinesBefore, s.GoroutinesAfter)
	}
	return b.String()
}

// English shows the goals as docs/benchmarks.md does: what is missed is bold.
func (r Report) English() string {
	var b strings.Builder
	b.WriteString("| | goal | ours | model server alone | floor with a 12-rule decision | the same with an entry on disk |\n|---|---|---|---|---|---|\n")
	for _, g := range r.Goals() {
		reached := figure(g.Reached, g.Unit)
		if !g.Met {
			reached = "**" + reached + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", g.english, figure(g.Limit, g.Unit), reached, baseline(g.Direct), baseline(g.Floor), baseline(g.Durable))
	}
	return b.String()
}

func figure(v float64, unit string) string {
	text := fmt.Sprintf("%.2f", v)
	if v >= 20 || v == float64(int(v)) {
		text = fmt.Sprintf("%.0f", v)
	}
	return strings.TrimSpace(text + " " + unit)
}

func baseline(v float64) string {
	if v == 0 {
		return ""
	}
	return figure(v, "")
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package load measures gateways side by side against one mock server. Every
// scenario runs in short slices, round robin over the targets, so that noise on a
// shared machine hits all of them alike. A closed loop asks for throughput and
// cost; an open loop sends at a rate and counts the time of every request from
// the instant it was due, so that a target cannot hide its queue. CPU per request
// comes from /proc and is the figure to trust when others use the cores. Nothing
// here knows our own gateway. Start at [Run].
package load

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

// Target is a gateway, a floor or the mock itself.
type Target struct {
	Name string `json:"name"`
	// URL ends with /v1.
	URL        string            `json:"url"`
	Model      string            `json:"model"`
	Embeddings string            `json:"embeddings,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	// PID of the process; 0: whoever listens at the port of URL, where /proc shows it.
	PID int `json:"pid,omitempty"`
}

// Scenario is one kind of load.
type Scenario struct {
	Name       string
	Prompt     int  // bytes
	Personal   bool // the prompt holds personal data
	Stream     bool
	Embeddings bool
	// Rate per second in an open loop; 0: closed loop.
	Rate float64
	// Workers of a closed loop; most requests under way in an open one.
	Workers int
	Mock    mock.Settings
	// Slice is the length of one turn, Turns how many there are for each target.
	Slice time.Duration
	Turns int
	// Count ends a turn after so many requests; 0: only time does.
	Count int
}

// Scenarios of the comparison, each turn as long as given.
func Scenarios(turn time.Duration, turns int) []Scenario {
	text := mock.Settings{Tokens: 100}
	slow := mock.Settings{Tokens: 100, Latency: 20 * time.Millisecond}
	paced := mock.Settings{Tokens: 60, FirstToken: 50 * time.Millisecond, Gap: 10 * time.Millisecond}
	closed := func(name string, prompt int, personal bool) Scenario {
		return Scenario{Name: name, Prompt: prompt, Personal: personal, Workers: 16, Mock: text, Slice: turn, Turns: turns}
	}
	open := func(name string, prompt int, stream bool, rate float64, m mock.Settings) Scenario {
		return Scenario{Name: name, Prompt: prompt, Stream: stream, Rate: rate, Workers: 256, Mock: m, Slice: 2 * turn, Turns: turns}
	}
	return []Scenario{
		closed("sat-1k", 1_000, false), closed("sat-1k-pii", 1_000, true), closed("sat-30k", 30_000, false), closed("sat-30k-pii", 30_000, true),
		{Name: "sat-sse", Prompt: 1_000, Stream: true, Workers: 8, Mock: text, Slice: turn, Turns: turns},
		open("lat-1k", 1_000, false, 40, slow), open("lat-30k", 30_000, false, 40, slow),
		open("sse-1k", 1_000, true, 10, paced),
		{Name: "emb-1k", Prompt: 1_000, Embeddings: true, Workers: 8, Mock: text, Slice: turn, Turns: turns},
	}
}

// Pick returns the named scenarios; none named: all.
func Pick(all []Scenario, names []string) ([]Scenario, error) {
	if len(names) == 0 {
		return all, nil
	}
	var out []Scenario
	for _, name := range names {
		found := false
		for _, s := range all {
			if s.Name == name {
				out, found = append(out, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("scenario %q is unknown", name)
		}
	}
	return out, nil
}

// warmUp opens connections and fills caches; it is not counted.
const warmUp = 300 * time.Millisecond

// Run measures every target in one scenario. The first is what the others are
// compared with, usually the mock itself.
func Run(ctx context.Context, targets []Target, s Scenario, control mock.Control) ([]Result, error) {
	if err := control.Set(ctx, s.Mock); err != nil {
		return nil, err
	}
	runs := make([]*measured, len(targets))
	for i, t := range targets {
		one, err := newRun(t, s)
		if err != nil {
			return nil, err
		}
		runs[i] = one
		one.turn(ctx, min(s.Slice, warmUp), 0)
		one.forget()
	}
	for range max(s.Turns, 1) {
		for _, r := range runs {
			r.turn(ctx, s.Slice, s.Count)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
		}
	}
	var out []Result
	for _, r := range runs {
		out = append(out, r.result(runs[0]))
	}
	return out, nil
}

// measured is one target in one scenario over its turns.
type measured struct {
	target   Target
	scenario Scenario
	address  *url.URL
	pid      int
	text     string
	number   atomic.Int64

	mu    sync.Mutex
	sum   sums
	turns []sums
}

// sums of a turn or of all turns.
type sums struct {
	requests, errors, chunks, noDone int
	problems                         map[string]int
	total, first, gaps               []time.Duration
	cpu, wall                        time.Duration
	rss                              int64
}

func newRun(t Target, s Scenario) (*measured, error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" {
		return nil, fmt.Errorf("target %s: %q is no address such as http://127.0.0.1:8080/v1", t.Name, t.URL)
	}
	m := &measured{target: t, scenario: s, address: u, pid: t.PID, text: Prompt(s.Prompt, s.Personal)}
	if m.pid == 0 {
		m.pid = listener(u.Port())
	}
	m.forget()
	return m, nil
}

func (m *measured) forget() {
	m.sum, m.turns = sums{problems: map[string]int{}}, nil
}

// turn puts load on the target for a while.
func (m *measured) turn(ctx context.Context, length time.Duration, count int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before := len(m.sum.total)
	beforeFirst := len(m.sum.first)
	requests := m.sum.requests
	cpu := startCPU(m.pid)
	watched := watchRSS(ctx, m.pid)
	begun := time.Now()
	if m.scenario.Rate > 0 {
		m.open(ctx, begun, length)
	} else {
		m.closed(ctx, begun.Add(length), count)
	}
	wall := time.Since(begun)
	used := cpu.used()
	cancel()
	peak := <-watched
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sum.cpu += used
	m.sum.wall += wall
	m.sum.rss = max(m.sum.rss, peak)
	m.turns = append(m.turns, sums{requests: m.sum.requests - requests, total: m.sum.total[before:], first: m.sum.first[beforeFirst:], wall: wall, cpu: used})
}

// closed keeps the workers busy until the end or the count.
func (m *measured) closed(ctx context.Context, end time.Time, count int) {
	var left atomic.Int64
	left.Store(int64(count))
	var all sync.WaitGroup
	for range max(m.scenario.Workers, 1) {
		all.Go(func() {
			c := &connection{m: m}
			defer c.close()
			for ctx.Err() == nil && time.Now().Before(end) && (count == 0 || left.Add(-1) >= 0) {
				m.note(c.exchange(ctx, time.Now()))
			}
		})
	}
	all.Wait()
}

// open sends at the rate, whether answers come or not.
func (m *measured) open(ctx context.Context, begun time.Time, length time.Duration) {
	idle := make(chan *connection, m.scenario.Workers)
	places := make(chan struct{}, m.scenario.Workers)
	gap := time.Duration(float64(time.Second) / m.scenario.Rate)
	var all sync.WaitGroup
	for due := begun; due.Before(begun.Add(length)) && ctx.Err() == nil; due = due.Add(gap) {
		time.Sleep(time.Until(due))
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			var c *connection
			select {
			case c = <-idle:
			default:
				c = &connection{m: m}
			}
			m.note(c.exchange(ctx, due))
			idle <- c
		})
	}
	all.Wait()
	close(idle)
	for c := range idle {
		c.close()
	}
}

// sample is one exchange.
type sample struct {
	total, first time.Duration
	gaps         []time.Duration
	done         bool
	// end is what a stream without [DONE] ended with.
	end string
}

// maxProblems is how many different ones are told apart.
const maxProblems = 20

func (m *measured) note(s sample, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.sum.errors++
		m.problem(err.Error())
		return
	}
	m.sum.requests++
	m.sum.total = append(m.sum.total, s.total)
	if !m.scenario.Stream {
		return
	}
	m.sum.first = append(m.sum.first, s.first)
	m.sum.gaps = append(m.sum.gaps, s.gaps...)
	m.sum.chunks += len(s.gaps) + 1
	if !s.done {
		m.sum.noDone++
		m.problem(s.end)
	}
}

// problem counts what went wrong by its words; mu is held.
func (m *measured) problem(text string) {
	if len(text) > 120 {
		text = strings.ToValidUTF8(text[:120], "")
	}
	if _, known := m.sum.problems[text]; !known && len(m.sum.problems) >= maxProblems {
		text = "anderes"
	}
	m.sum.problems[text]++
}

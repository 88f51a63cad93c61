// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package compare measures our own gateway beside the mock alone and beside the
// floors, in one run: every part is a process of its own on the loopback address,
// and the gateway is the real program with policies, screening, a key and a
// durable record. What comes out is a table of goals with what was reached. It
// gives no verdict about correctness; that is edge's. Start at [Run].
package compare

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/edge"
	"github.com/ki-schleuse/schleuse/eval/bench/floor"
	"github.com/ki-schleuse/schleuse/eval/bench/load"
	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

// Config of a comparison.
type Config struct {
	// Program is our own binary, Env what it needs besides the environment.
	Program string
	Env     []string
	// Prepare writes a configuration into the folder and says how to start the gateway.
	Prepare func(folder string, upstream Upstream) (Gateway, error)
	// MockListen is where the mock listens; default: a free port of the loopback address.
	MockListen string
	// Floors to measure beside; default: all.
	Floors []floor.Mode
	// Others are measured too. They must have the mock as their upstream.
	Others []load.Target
	// Turn is the length of a slice, Turns how many there are for each target and scenario.
	Turn  time.Duration
	Turns int
	// Only names scenarios; empty: all.
	Only []string
	// Streams is how many fast streams are counted, Held how many are kept open.
	Streams, Held int
	// Soak is how long the gateway is under steady load at the end; 0: not.
	Soak time.Duration
	// Progress is told what is going on, Errors gets what the programs write to stderr.
	Progress, Errors io.Writer
}

// Upstream is the mock as a gateway is to reach it.
type Upstream struct {
	// HTTP and TLS are addresses with /v1; the second speaks HTTP/2.
	HTTP, TLS string
}

// Gateway is how to start the gateway and how to speak to it.
type Gateway struct {
	Args   []string
	Target edge.Target
	// Ready answers 200 when the gateway does, Metrics is Prometheus text. Profile
	// takes POST /start/NAME and /stop around each scenario. Empty: none.
	Ready, Metrics, Profile string
}

// Models that a prepared gateway has to know.
const (
	Model          = "mock-model"
	EmbeddingModel = "mock-embedding"
	RerankModel    = "mock-rerank"
	HTTP2Model     = "mock-http2"
)

// Stage is mock and gateway, running.
type Stage struct {
	Config
	Control mock.Control
	Gateway Gateway
	Process *Process
	// Ready is the time from the start of the gateway to its first 200.
	Ready   time.Duration
	folder  string
	closers []func()
}

// Close ends what was started, last first.
func (s *Stage) Close() {
	for _, closer := range slices.Backward(s.closers) {
		closer()
	}
	s.closers = nil
}

// Start runs mock and gateway.
func Start(ctx context.Context, c Config) (_ *Stage, err error) {
	s := &Stage{Config: c}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	folder, err := os.MkdirTemp("", "schleuse-bench-")
	if err != nil {
		return nil, fmt.Errorf("prepare the bench: %w", err)
	}
	s.folder, s.closers = folder, append(s.closers, func() { _ = os.RemoveAll(folder) })
	trust := filepath.Join(folder, "mock.pem")
	listen := c.MockListen
	if listen == "" {
		listen = "127.0.0.1:0"
	}
	server, addresses, err := c.announced(ctx, 2, "bench", "mock", "--listen", listen, "--tls-listen", "127.0.0.1:0", "--certificate", trust)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, server.Stop)
	s.Control = mock.Control{URL: addresses[0]}
	s.Gateway, err = c.Prepare(folder, Upstream{HTTP: addresses[0] + "/v1", TLS: addresses[1] + "/v1"})
	if err != nil {
		return nil, err
	}
	s.Process, err = c.start(ctx, []string{"SSL_CERT_FILE=" + trust}, nil, s.Gateway.Args...)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.Process.Stop)
	s.Ready, err = s.Process.ready(ctx, s.Gateway.Ready)
	return s, err
}

// targets are the mock alone, the floors, our gateway and the others.
func (s *Stage) targets(ctx context.Context) ([]load.Target, error) {
	out := []load.Target{{Name: Direct, URL: s.Control.URL + "/v1", Model: Model, Embeddings: EmbeddingModel}}
	floors := s.Floors
	if len(floors) == 0 {
		floors = floor.Modes()
	}
	for _, mode := range floors {
		args := []string{"bench", "floor", "--mode", string(mode), "--upstream", s.Control.URL, "--listen", "127.0.0.1:0"}
		if mode == floor.Durable {
			args = append(args, "--record", filepath.Join(s.folder, "floor")) // on the disk of ours
		}
		p, addresses, err := s.announced(ctx, 1, args...)
		if err != nil {
			return nil, err
		}
		s.closers = append(s.closers, p.Stop)
		out = append(out, load.Target{Name: floorName(mode), URL: addresses[0] + "/v1", Model: Model, Embeddings: EmbeddingModel, PID: p.PID()})
	}
	return append(append(out, s.ours()), s.Others...), nil
}

func floorName(m floor.Mode) string { return "floor-" + string(m) }

func (s *Stage) ours() load.Target {
	t := s.Gateway.Target
	return load.Target{Name: Ours, URL: t.URL, Model: t.Model, Embeddings: t.Embeddings, Headers: t.Headers, PID: s.Process.PID()}
}

// Names of two targets.
const (
	Direct = "direkt"
	Ours   = "schleuse"
)

// Run starts everything, measures and ends everything.
func Run(ctx context.Context, c Config) (Report, error) {
	s, err := Start(ctx, c)
	if err != nil {
		return Report{}, err
	}
	defer s.Close()
	report := Report{Ready: s.Ready}
	time.Sleep(time.Second) // what is started in the background has come to rest
	report.IdleRSS = load.RSS(s.Process.PID())
	targets, err := s.targets(ctx)
	if err != nil {
		return report, err
	}
	scenarios, err := load.Pick(load.Scenarios(c.Turn, c.Turns), c.Only)
	if err != nil {
		return report, err
	}
	for _, scenario := range scenarios {
		if err := s.scenario(ctx, &report, targets, scenario); err != nil {
			return report, err
		}
	}
	if c.Streams > 0 {
		err = s.scenario(ctx, &report, targets[len(targets)-1-len(s.Others):], load.Scenario{
			Name: scenarioFast, Prompt: 1000, Stream: true, Workers: 16, Mock: mock.Settings{Tokens: 20}, Slice: 10 * time.Minute, Turns: 1, Count: c.Streams,
		})
	}
	if err == nil && c.Held > 0 {
		err = s.scenario(ctx, &report, []load.Target{s.ours()}, load.Scenario{
			Name: scenarioHeld, Prompt: 1000, Stream: true, Workers: c.Held, Mock: mock.Settings{Tokens: 20, Gap: 250 * time.Millisecond}, Slice: time.Minute, Turns: 1, Count: c.Held,
		})
	}
	if err == nil && c.Soak > 0 {
		report.Soak, err = s.soak(ctx)
	}
	return report, err
}

func (s *Stage) scenario(ctx context.Context, report *Report, targets []load.Target, scenario load.Scenario) error {
	fmt.Fprintf(s.Progress, "%s …\n", scenario.Name)
	stop := s.profile(ctx, scenario)
	results, err := load.Run(ctx, targets, scenario, s.Control)
	stop()
	if err != nil {
		return fmt.Errorf("scenario %s: %w", scenario.Name, err)
	}
	report.Scenarios = append(report.Scenarios, Measured{scenario, results})
	return nil
}

// profile takes a CPU profile of the gateway until the returned function is called.
func (s *Stage) profile(ctx context.Context, scenario load.Scenario) func() {
	if s.Gateway.Profile == "" {
		return func() {}
	}
	if err := s.post(ctx, s.Gateway.Profile+"/start/"+scenario.Name); err != nil {
		fmt.Fprintf(s.Progress, "Profil: %v\n", err)
		return func() {}
	}
	return func() {
		if err := s.post(ctx, s.Gateway.Profile+"/stop"); err != nil {
			fmt.Fprintf(s.Progress, "Profil: %v\n", err)
		}
	}
}

func (s *Stage) post(ctx context.Context, address string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", answer.Status)
	}
	return nil
}

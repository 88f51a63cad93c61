// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package witness keeps checkpoints of the record outside its database, where who
// administers the database cannot take them back: in a folder, for example on the
// disk of another house, or with a server that takes them over HTTP. A log that was
// cut or set back contradicts them. It proves nothing by itself; audit.Log.Verify
// compares.
//
// Start at [Exporter]; [Folder] and [HTTP] are the witnesses.
package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Checkpoint is what a witness keeps: the signed text and what it says.
type Checkpoint struct {
	Size int64
	Text []byte
}

// name is where a checkpoint is kept: in the order of sizes, and another name for
// another text of the same size, which a sound log never signs.
func (c Checkpoint) name() string {
	sum := sha256.Sum256(c.Text)
	return fmt.Sprintf("%020d-%s%s", c.Size, hex.EncodeToString(sum[:8]), extension)
}

const extension = ".checkpoint"

// maxText bounds a checkpoint that comes back from a witness, maxKept how many
// are compared: of more, the oldest and the newest halves.
const (
	maxText = 4096
	maxKept = 20_000
)

// Witness keeps checkpoints.
type Witness interface {
	// Name is short and without secrets.
	Name() string
	// Keep returns when the checkpoint is kept. Repeating it is no error.
	Keep(ctx context.Context, c Checkpoint) error
	// Kept are the texts that this witness can show, in any order. One that cannot
	// show them returns none.
	Kept(ctx context.Context) ([][]byte, error)
}

// Config says what is witnessed.
type Config struct {
	Witnesses []Witness
	// Newest is the newest checkpoint of the record; its Size is 0 while there is none.
	Newest func(context.Context) (Checkpoint, error)
	// Every is the time between two exports; 0 means one hour. Retry is how soon a
	// failed one is repeated; 0 means one minute.
	Every, Retry time.Duration
	// Check, if set, is asked before the first export of this process whether the
	// record goes on where the witnesses have seen it last; an error prevents it.
	Check func(ctx context.Context, kept [][]byte) error
	// Alone, if set, runs an export while no other replica does.
	Alone func(ctx context.Context, do func(context.Context) error) (bool, error)
	// Clock and Logger default to time.Now and to silence.
	Clock  func() time.Time
	Logger *slog.Logger
}

// Exporter hands the newest checkpoint to every witness, again and again. It is
// safe for concurrent use.
type Exporter struct {
	config Config

	mu      sync.Mutex
	states  map[string]*State
	checked bool
}

// State is how a witness stands.
type State struct {
	Name string `json:"name"`
	// Size and Time are those of the last checkpoint that it kept for this process.
	Size int64     `json:"size"`
	Time time.Time `json:"time,omitzero"`
	// Waiting is since when a checkpoint waits for it; zero: it has the newest.
	Waiting time.Time `json:"waiting,omitzero"`
	// Error is what the last try ended with.
	Error string `json:"error,omitempty"`
}

// Lag is how long a checkpoint has been waiting for the witness.
func (s State) Lag(now time.Time) time.Duration {
	if s.Waiting.IsZero() {
		return 0
	}
	return now.Sub(s.Waiting)
}

// New checks the configuration.
func New(c Config) (*Exporter, error) {
	if c.Newest == nil {
		return nil, errors.New("witness: Newest is required")
	}
	if c.Every <= 0 {
		c.Every = time.Hour
	}
	if c.Retry <= 0 {
		c.Retry = time.Minute
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	e := &Exporter{config: c, states: map[string]*State{}}
	for _, w := range c.Witnesses {
		if e.states[w.Name()] != nil {
			return nil, fmt.Errorf("witness: the name %q is used twice", w.Name())
		}
		e.states[w.Name()] = &State{Name: w.Name()}
	}
	return e, nil
}

// Run exports until the context ends: at once, then every so often, sooner after a
// failure, and never all replicas at the same time.
func (e *Exporter) Run(ctx context.Context) {
	for wait := time.Duration(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = e.config.Every
		if err := e.Export(ctx); err != nil {
			e.config.Logger.LogAttrs(ctx, slog.LevelError, "checkpoint not kept by a witness", slog.Any("error", err))
			wait = min(e.config.Retry, e.config.Every)
		}
		wait += rand.N(wait/10 + 1) //nolint:gosec // spreads the load, keeps no secret
	}
}

// keepTimeout bounds what one witness may take.
const keepTimeout = 30 * time.Second

// Export hands the newest checkpoint to all witnesses, to each of them even when
// another one fails.
func (e *Exporter) Export(ctx context.Context) error {
	newest, err := e.config.Newest(ctx)
	if err != nil {
		return fmt.Errorf("read newest checkpoint: %w", err)
	}
	if newest.Size == 0 || len(e.config.Witnesses) == 0 {
		return nil
	}
	if err := e.check(ctx); err != nil {
		return err
	}
	do := func(ctx context.Context) error { return e.hand(ctx, newest) }
	if e.config.Alone == nil {
		return do(ctx)
	}
	// Where another replica does it, this one has nothing to tell about it.
	_, err = e.config.Alone(ctx, do)
	return err
}

// check looks once whether the record was set back while nobody watched. A witness
// that cannot be asked prevents no export to the others.
func (e *Exporter) check(ctx context.Context) error {
	e.mu.Lock()
	checked := e.checked || e.config.Check == nil
	e.mu.Unlock()
	if checked {
		return nil
	}
	kept, missing := e.Kept(ctx) // handing over says what is missing
	if err := e.config.Check(ctx, kept); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checked = missing == nil
	return nil
}

func (e *Exporter) hand(ctx context.Context, c Checkpoint) error {
	var problems []error
	for _, w := range e.config.Witnesses {
		if e.state(w.Name()).Size >= c.Size {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, keepTimeout)
		err := w.Keep(limited, c)
		cancel()
		e.note(w.Name(), c, err)
		if err != nil {
			problems = append(problems, fmt.Errorf("witness %s: %w", w.Name(), err))
		}
	}
	return errors.Join(problems...)
}

func (e *Exporter) state(name string) State {
	e.mu.Lock()
	defer e.mu.Unlock()
	return *e.states[name]
}

func (e *Exporter) note(name string, c Checkpoint, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, s := e.config.Clock(), e.states[name]
	if err != nil {
		s.Error = err.Error()
		if s.Waiting.IsZero() {
			s.Waiting = now
		}
		return
	}
	s.Size, s.Time, s.Waiting, s.Error = c.Size, now, time.Time{}, ""
}

// States are those of all witnesses, in the order of the configuration.
func (e *Exporter) States() []State {
	out := make([]State, 0, len(e.config.Witnesses))
	for _, w := range e.config.Witnesses {
		out = append(out, e.state(w.Name()))
	}
	return out
}

// Lag is how long a checkpoint has been waiting for the witness that is behind most.
func (e *Exporter) Lag() time.Duration {
	var lag time.Duration
	for _, s := range e.States() {
		lag = max(lag, s.Lag(e.config.Clock()))
	}
	return lag
}

// Kept are the checkpoints that the witnesses can show. One that cannot be asked
// is an error beside what the others show: what it might say must not be left out
// silently.
func (e *Exporter) Kept(ctx context.Context) ([][]byte, error) {
	var all [][]byte
	var problems []error
	for _, w := range e.config.Witnesses {
		limited, cancel := context.WithTimeout(ctx, keepTimeout)
		texts, err := w.Kept(limited)
		cancel()
		if err != nil {
			problems = append(problems, fmt.Errorf("ask witness %s: %w", w.Name(), err))
		}
		all = append(all, texts...)
	}
	return all, errors.Join(problems...)
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/policies"
)

// Event is a step as it is written into the record, before it takes effect.
type Event struct {
	// Topic is one of the Topic constants.
	Topic  string
	Person Person
	// Object is the constant of that name, Text one German sentence, Reason what the person said.
	Object, Text, Reason string
	// Old and New are what changes, as JSON; nil: nothing to say.
	Old, New json.RawMessage
}

// Object is what the notes of a desk are about.
const Object = "policies"

// Past is an Event as the record has it.
type Past struct {
	Topic    string
	Time     time.Time
	Old, New json.RawMessage
}

// Topics of events.
const (
	TopicProposed    = "policy_proposed"
	TopicSigned      = "policy_signed"
	TopicActivated   = "policy_activated" // is about to be put in force
	TopicInForce     = "policy_in_force"  // has been
	TopicRestored    = "policy_restored"  // a state that had been set back was taken up
	TopicWithdrawn   = "policy_withdrawn"
	TopicShadow      = "shadow_started"
	TopicShadowEnded = "shadow_ended"
)

// Config of a Desk. Store, Engine, Key and Note are required.
type Config struct {
	Store  state.Store
	Engine *policies.Engine
	// Source is where policies come from when none were activated here; nil: Embedded().
	Source Source
	// Trust says whose signatures count and how many are needed.
	Trust Trust
	// Key seals activations; all replicas have the same, the database has not.
	Key []byte
	// Note writes a step into the record. An error means: the step is not taken.
	Note func(ctx context.Context, e Event) error
	// Journal hands over the notes of these topics that Note wrote, the newest first,
	// until yield returns false. With it a state that was set back while nobody ran is
	// noticed at the start; nil: there is none.
	Journal func(ctx context.Context, topics []string, yield func(Past) bool) error
	// History hands over recorded requests since a moment, the newest first; nil:
	// there is none.
	History func(ctx context.Context, from time.Time, yield func(gateway.Record) error) error
	// Poll is how often the state is looked at; default 2 s. SourcePoll is how often
	// the Source is; default 1 minute, a folder with every Poll.
	Poll, SourcePoll time.Duration
	// Replica names this process among others; default: random.
	Replica string
	// ShadowObserved, if set, is told of every comparison in the shadow, for metrics.
	ShadowObserved func(outcome string)
	Now            func() time.Time
	NewID          func(time.Time) string
	Logger         *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Source == nil {
		c.Source = Embedded()
	}
	c.Poll = cmp.Or(c.Poll, 2*time.Second)
	c.SourcePoll = cmp.Or(c.SourcePoll, time.Minute)
	if c.Source.Name() == SourceFolder {
		c.SourcePoll = c.Poll
	}
	c.Replica = cmp.Or(c.Replica, "r"+rand.Text())
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = gateway.NewID
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Desk is where policies are changed. It is safe for concurrent use, and several
// replicas work over one Store.
type Desk struct {
	config Config
	// checking admits one examination at a time.
	checking chan struct{}

	// step is held while a step is taken or something is loaded.
	step sync.Mutex

	mu     sync.Mutex
	status Status
	// seen is the version of the active document that was tried last, retry when it
	// is tried again.
	seen  int64
	retry time.Time
	// sourceAt is when the Source is looked at again.
	sourceAt time.Time

	shadow *runningShadow // held with step
}

// New checks the configuration. Start loads what is in force.
func New(c Config) (*Desk, error) {
	if c.Store == nil || c.Engine == nil || len(c.Key) == 0 || c.Note == nil {
		return nil, errors.New("release: Store, Engine, Key and Note are required")
	}
	c = c.withDefaults()
	if err := c.Trust.Validate(); err != nil {
		return nil, fmt.Errorf("policies: %w", err)
	}
	if name := c.Source.Name(); (name == SourceFile || name == SourceURL) && len(c.Trust.Signers) == 0 {
		return nil, fmt.Errorf("policies: source %s needs signers; unsigned policies are read from a folder only, for development", name)
	}
	return &Desk{config: c, checking: make(chan struct{}, 1)}, nil
}

// Status is what this replica says of its policies.
func (d *Desk) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	at := d.config.Engine.State()
	s.Revision, s.Digest, s.Bundle = at.Revision, at.Digest, at.Bundle
	return s
}

// Ready is an error while this replica cannot follow the policies in force.
func (d *Desk) Ready(context.Context) error {
	if problem := d.Status().Problem; problem != "" {
		return errors.New(problem)
	}
	return nil
}

// note writes a step into the record; without it the step is not taken.
func (d *Desk) note(ctx context.Context, e Event) error {
	e.Object = Object
	if err := d.config.Note(ctx, e); err != nil {
		return &gateway.Error{Op: "note " + e.Topic, Code: gateway.CodeNoRecord, Message: "Der Schritt konnte nicht protokolliert werden und wurde deshalb nicht ausgeführt.", Err: err}
	}
	return nil
}

// Bounds of what people write.
const (
	maxComment = 2000
	maxReason  = 500
)

func (p Person) check() error {
	if p.Name == "" {
		return invalid("person", "Wer den Schritt tut, muss bekannt sein.")
	}
	return nil
}

func invalid(path, message string) error {
	return &gateway.Error{Op: "change policies", Code: gateway.CodeInvalid, Path: path, Message: message}
}

func conflict(message string) error {
	return &gateway.Error{Op: "change policies", Code: gateway.CodeConflict, Message: message}
}

func refused(message string) error {
	return &gateway.Error{Op: "change policies", Code: gateway.CodeDenied, Message: message}
}

// checkReason wants a reason of a bounded length.
func checkReason(reason string) error {
	if n := len([]rune(reason)); n == 0 || n > maxReason {
		return invalid("reason", fmt.Sprintf("Bitte nennen Sie einen Grund mit höchstens %d Zeichen.", maxReason))
	}
	return nil
}

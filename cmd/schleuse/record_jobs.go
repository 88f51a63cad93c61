// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	auditpostgres "github.com/ki-schleuse/schleuse/gateway/audit/postgres"
	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
)

// openWitnesses makes the exporter of checkpoints. It asks the record, which is
// opened next and asks it for what is kept.
func (g *ground) openWitnesses(c Config, store audit.Store) error {
	all, err := c.Record.witnesses()
	if err != nil {
		return err
	}
	g.witnesses, err = witness.New(witness.Config{
		Witnesses: all, Every: c.Record.WitnessEvery, Logger: g.logger,
		Newest: func(ctx context.Context) (witness.Checkpoint, error) {
			newest, err := g.record.Newest(ctx)
			return witness.Checkpoint{Size: newest.Size, Text: newest.Note}, err
		},
		Check: func(ctx context.Context, kept [][]byte) error {
			report, err := g.record.Compare(ctx, kept...)
			if err == nil && !report.OK() {
				err = fmt.Errorf("the record contradicts its witnesses: %s", report.Problems[0])
			}
			return err
		},
		Alone: func(ctx context.Context, do func(context.Context) error) (bool, error) {
			return store.Alone(ctx, "witness", do)
		},
	})
	return err
}

// keepRecord does what the record needs while the process runs: witnesses get its
// checkpoints, contents whose time is over are removed.
func (g *ground) keepRecord(ctx context.Context, c RecordConfig) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		g.witnesses.Run(ctx)
		return nil
	})
	group.Go(func() error {
		g.retainDaily(ctx, c)
		return nil
	})
	group.Go(func() error {
		g.summariseRegularly(ctx)
		return nil
	})
	return group.Wait()
}

// summariseEvery is how often the record is counted on for the lists.
const summariseEvery = time.Minute

func (g *ground) summariseRegularly(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(summariseEvery + rand.N(summariseEvery/10)): //nolint:gosec // keeps replicas apart
		}
		if err := g.record.Summarise(ctx); err != nil && ctx.Err() == nil {
			g.logger.LogAttrs(ctx, slog.LevelWarn, "record not counted for the lists", slog.Any("error", err))
		}
	}
}

// lateWitness is how long a checkpoint may wait for a witness before it is said.
const lateWitness = 2 * time.Hour

// witnessed reports a witness that is behind.
func (g *ground) witnessed() error {
	if lag := g.witnesses.Lag(); lag > lateWitness {
		return fmt.Errorf("a checkpoint of the record has been waiting for a witness for %s", lag.Round(time.Minute))
	}
	return nil
}

const (
	// retainFirst is how long after the start the first run is, retainEvery the
	// time between two; a random part of a tenth keeps replicas apart.
	retainFirst = 10 * time.Minute
	retainEvery = 24 * time.Hour
	// retainRetry is when a run that failed is repeated.
	retainRetry = time.Hour
)

func (g *ground) retainDaily(ctx context.Context, c RecordConfig) {
	for wait := retainFirst; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait + rand.N(wait/10)): //nolint:gosec // spreads the load, keeps no secret
		}
		wait = retainEvery
		if err := g.retain(ctx, c); err != nil && ctx.Err() == nil {
			g.logger.LogAttrs(ctx, slog.LevelError, "contents whose time is over not removed", slog.Any("error", err))
			wait = retainRetry
		}
	}
}

// retained is how the last removal went.
type retained struct {
	at   time.Time
	late bool
}

// noteRetained remembers for the metrics when contents were last removed, here or by
// another replica.
func (g *ground) noteRetained(report audit.Retained, err error) {
	next := retained{at: time.Now(), late: err != nil || report.Postponed}
	if last := g.retained.Load(); next.late {
		next.at = g.started
		if last != nil {
			next.at = last.at
		}
	}
	g.retained.Store(&next)
}

// retain removes what is due, under the role that may.
func (g *ground) retain(ctx context.Context, c RecordConfig) error {
	log, done, err := retentionLog(ctx, c, g.record, g.recordKey)
	if err != nil {
		g.noteRetained(audit.Retained{}, err)
		return err
	}
	r := c.retention()
	r.Holds = recordHolds(g.state)
	report, err := log.Retain(ctx, r)
	g.noteRetained(report, err)
	g.logger.LogAttrs(ctx, slog.LevelInfo, "contents whose time is over removed",
		slog.Int("entries", report.Entries), slog.Int("notes", report.Notes), slog.Int("held", report.Held),
		slog.Bool("postponed", report.Postponed), slog.Bool("elsewhere", report.Busy))
	return errors.Join(err, done())
}

// retentionLog is the record under the role that may remove contents: the given
// one, unless another database address is configured.
func retentionLog(ctx context.Context, c RecordConfig, standard *audit.Log, key string) (*audit.Log, func() error, error) {
	dsn, err := fromEnvironment(c.RetentionDatabase)
	if err != nil || dsn == "" {
		return standard, func() error { return nil }, err
	}
	pool, err := postgres.Open(ctx, dsn)
	if err != nil {
		return nil, nil, err
	}
	store, err := auditpostgres.Open(ctx, pool)
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	log, err := audit.New(ctx, audit.Config{Store: store, Key: key, NotesOnly: true})
	if err != nil {
		pool.Close()
		return nil, nil, err
	}
	return log, func() error {
		defer pool.Close()
		return log.Shutdown(context.WithoutCancel(ctx))
	}, nil
}

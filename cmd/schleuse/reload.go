// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// occasion is why a configuration is noted.
type occasion int

const (
	atStart occasion = iota
	atReload
	afterFailure
)

const (
	// standingTimeout bounds all notes of one configuration, aloneEvery is how often a
	// process looks whether another one has written them.
	standingTimeout = time.Minute
	aloneEvery      = 50 * time.Millisecond
	aloneTries      = 200
)

// noteStart writes into the record what differs from the configuration that was noted
// last, before anything is served. Without the note nothing is.
func (g *ground) noteStart(ctx context.Context, c Config) error {
	if err := g.noteConfiguration(ctx, c, atStart); err != nil {
		return sayOf(err, "Die Konfiguration konnte nicht protokolliert werden; der Dienst wurde nicht gestartet.")
	}
	return nil
}

// noteReload writes into the record that a new configuration comes into force, before
// it does. Without the note it does not.
func (g *ground) noteReload(ctx context.Context, next Config) error {
	if err := g.noteConfiguration(ctx, next, atReload); err != nil {
		return fmt.Errorf("note the new configuration in the record: %w", err)
	}
	return nil
}

// noteNotReloaded takes back what the note before said.
func (g *ground) noteNotReloaded(ctx context.Context, old Config) {
	ctx = context.WithoutCancel(ctx)
	if err := g.noteConfiguration(ctx, old, afterFailure); err != nil {
		g.logger.LogAttrs(ctx, slog.LevelError, "not noted that the configuration was not reloaded", slog.Any("error", err))
	}
}

// noteConfiguration writes what changed. Of several processes that begin with the same
// configuration one writes it; should the lock hang, rather two do than none.
func (g *ground) noteConfiguration(ctx context.Context, c Config, why occasion) error {
	ctx, cancel := context.WithTimeout(ctx, standingTimeout)
	defer cancel()
	now, err := newStanding(ctx, c)
	if err != nil {
		return err
	}
	write := func(ctx context.Context) error { return g.noteStanding(ctx, now, why) }
	for range aloneTries {
		if done, err := g.alone(ctx, "configuration", write); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(aloneEvery):
		}
	}
	return write(ctx)
}

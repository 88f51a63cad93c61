// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// Bounds of a shadow, and how often a replica tells what it counted.
const (
	leastShadow = time.Minute
	mostShadow  = 14 * 24 * time.Hour
	tellEvery   = 10 * time.Second
)

// shadowCount is what one replica has counted.
type shadowCount struct {
	Run    string                `json:"run"`
	Counts policies.ShadowCounts `json:"counts"`
}

// runningShadow is the shadow of this replica.
type runningShadow struct {
	run    ShadowRun
	shadow *policies.Shadow
	told   time.Time
}

// Shadow asks a proposal beside the policies in force, on all replicas, for a time.
// It influences no answer. It takes the place of one that still runs.
func (d *Desk) Shadow(ctx context.Context, by Person, id string, how time.Duration) (ShadowRun, error) {
	if err := by.check(); err != nil {
		return ShadowRun{}, err
	}
	if how < leastShadow || how > mostShadow {
		return ShadowRun{}, invalid("duration", "Ein Schattenlauf dauert zwischen einer Minute und 14 Tagen.")
	}
	p, _, err := d.open(ctx, id)
	if err != nil {
		return ShadowRun{}, err
	}
	if !p.Checks.OK() {
		return ShadowRun{}, refused("Die Prüfungen des Entwurfs sind nicht bestanden.")
	}
	d.step.Lock()
	defer d.step.Unlock()
	last, version, err := d.shadowRun(ctx)
	if err != nil {
		return ShadowRun{}, err
	}
	now := d.config.Now().UTC()
	run := ShadowRun{
		ID: d.config.NewID(now), Proposal: p.ID, Revision: p.Revision, Bundle: p.Digest, Until: now.Add(how),
		Start: Step{Person: by, Time: now},
	}
	text := fmt.Sprintf("Schattenlauf des Entwurfs %s (Regelstand %s) bis %s.", p.ID, p.Revision, run.Until.Format(time.RFC3339))
	if last.running(now) {
		text += " Er beendet den des Entwurfs " + last.Proposal + "."
	}
	if err := d.note(ctx, Event{Topic: TopicShadow, Person: by, Text: text, New: summary(p)}); err != nil {
		return ShadowRun{}, err
	}
	if err := d.writeSealed(ctx, kindShadow, activeID, version, run); err != nil {
		return ShadowRun{}, err
	}
	return run, d.followShadow(ctx)
}

func (r ShadowRun) running(now time.Time) bool {
	return r.ID != "" && r.Ended.IsZero() && now.Before(r.Until)
}

// EndShadow ends it before its time.
func (d *Desk) EndShadow(ctx context.Context, by Person) (ShadowRun, error) {
	if err := by.check(); err != nil {
		return ShadowRun{}, err
	}
	d.step.Lock()
	defer d.step.Unlock()
	run, version, err := d.shadowRun(ctx)
	if err != nil {
		return ShadowRun{}, err
	}
	now := d.config.Now().UTC()
	if !run.running(now) {
		return ShadowRun{}, conflict("Es läuft kein Schattenlauf.")
	}
	run.Ended = now
	if err := d.noteShadowEnd(ctx, by, run); err != nil {
		return ShadowRun{}, err
	}
	if err := d.writeSealed(ctx, kindShadow, activeID, version, run); err != nil {
		return ShadowRun{}, err
	}
	if err := d.followShadow(ctx); err != nil {
		return ShadowRun{}, err
	}
	return d.Shadowing(ctx)
}

func (d *Desk) noteShadowEnd(ctx context.Context, by Person, run ShadowRun) error {
	return d.note(ctx, Event{
		Topic: TopicShadowEnded, Person: by, Text: fmt.Sprintf("Schattenlauf des Entwurfs %s (Regelstand %s) beendet.", run.Proposal, run.Revision),
		Old: stateJSON(run.Revision, run.Bundle),
	})
}

// Shadowing is the last or running shadow with the counts of all replicas;
// CodeNotFound if there was none.
func (d *Desk) Shadowing(ctx context.Context) (ShadowRun, error) {
	run, _, err := d.shadowRun(ctx)
	if err != nil {
		return run, err
	}
	if run.ID == "" {
		return run, &gateway.Error{Op: "show shadow", Code: gateway.CodeNotFound, Message: "Es gab noch keinen Schattenlauf."}
	}
	counts, _, err := allSealed[shadowCount](ctx, d, kindShadowCount)
	if err != nil {
		return run, err
	}
	for _, c := range counts {
		if c.Run == run.ID {
			run.Counts = run.Counts.Add(c.Counts)
		}
	}
	if run.Ended.IsZero() && !d.config.Now().Before(run.Until) {
		run.Ended = run.Until
	}
	return run, nil
}

// shadowRun is the last or running shadow. One without a valid seal is none: nobody
// who has only the database lets rules run here.
func (d *Desk) shadowRun(ctx context.Context) (run ShadowRun, version int64, err error) {
	e, version, err := readIf[envelope](ctx, d.config.Store, kindShadow, activeID)
	if err != nil || version == 0 {
		return run, 0, err
	}
	if d.unseal(kindShadow, activeID, e, &run) != nil {
		return ShadowRun{}, version, nil //nolint:nilerr // without a valid seal there is none, and a new one may take its place
	}
	return run, version, nil
}

// followShadow starts and ends the shadow of this replica as the state says, and
// tells what was counted. d.step is held.
func (d *Desk) followShadow(ctx context.Context) error {
	run, version, err := d.shadowRun(ctx)
	if err != nil {
		return err
	}
	now := d.config.Now()
	if here := d.shadow; here != nil && (here.run.ID != run.ID || !run.running(now)) {
		here.shadow.Stop()
		d.shadow = nil
		if err := d.tell(ctx, here); err != nil {
			return err
		}
	}
	if run.ID != "" && run.Ended.IsZero() && !run.running(now) {
		return d.timeIsUp(ctx, run, version)
	}
	if run.running(now) && d.shadow == nil {
		return d.startShadow(ctx, run)
	}
	if here := d.shadow; here != nil && now.Sub(here.told) >= tellEvery {
		return d.tell(ctx, here)
	}
	return nil
}

// timeIsUp writes the end of a shadow down, once among all replicas.
func (d *Desk) timeIsUp(ctx context.Context, run ShadowRun, version int64) error {
	run.Ended = run.Until
	err := d.writeSealed(ctx, kindShadow, activeID, version, run)
	if gateway.CodeOf(err) == gateway.CodeConflict {
		return nil // another replica did
	}
	if err != nil {
		return err
	}
	return d.noteShadowEnd(ctx, run.Start.Person, run)
}

func (d *Desk) startShadow(ctx context.Context, run ShadowRun) error {
	files, err := d.files(ctx, run.Bundle)
	if err != nil {
		return err
	}
	shadow, err := d.config.Engine.Shadow(ctx, files.FS(), policies.ShadowOptions{Until: run.Until, Observed: d.config.ShadowObserved})
	if err != nil {
		return fmt.Errorf("start shadow of %s: %w", run.Revision, err)
	}
	d.shadow = &runningShadow{run: run, shadow: shadow}
	return d.tell(ctx, d.shadow)
}

// tell adds what this replica has counted to the state.
func (d *Desk) tell(ctx context.Context, here *runningShadow) error {
	here.told = d.config.Now()
	_, version, err := readIf[envelope](ctx, d.config.Store, kindShadowCount, d.config.Replica)
	if err != nil {
		return err
	}
	return d.writeSealed(ctx, kindShadowCount, d.config.Replica, version, shadowCount{Run: here.run.ID, Counts: here.shadow.Counts()})
}

// endHere ends the shadow of this replica, because the replica ends.
func (d *Desk) endHere(ctx context.Context) {
	d.step.Lock()
	defer d.step.Unlock()
	if d.shadow == nil {
		return
	}
	d.shadow.shadow.Stop()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := d.tell(ctx, d.shadow); err != nil {
		d.config.Logger.LogAttrs(ctx, slog.LevelWarn, "counts of the shadow not kept", slog.Any("error", err))
	}
	d.shadow = nil
}

func asGatewayError(err error) (*gateway.Error, bool) {
	return errors.AsType[*gateway.Error](err)
}

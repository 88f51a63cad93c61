// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// retryAfter is how long a revision that could not be loaded is left alone.
const retryAfter = 30 * time.Second

// Start loads the policies in force, before the first request: those that were
// activated, else those of the Source. On an error nothing may be served.
func (d *Desk) Start(ctx context.Context) error {
	d.step.Lock()
	defer d.step.Unlock()
	d.setStatus(func(s *Status) {
		s.Source, s.Since, s.Development = d.config.Source.Name(), d.config.Now(), d.config.Source.Name() == SourceFolder
	})
	if d.config.Source.Name() != SourceFolder {
		if err := d.compare(ctx); err != nil {
			return fmt.Errorf("load the policies in force: %w", err)
		}
		if err := d.follow(ctx); err != nil {
			return fmt.Errorf("load the policies in force: %w", err)
		}
	}
	err := d.look(ctx)
	if err != nil && d.Status().Sequence == 0 && d.config.Source.Name() != SourceEmbedded {
		return fmt.Errorf("load policies from %s: %w", d.config.Source.Name(), err)
	}
	return nil
}

// Follow loads what becomes active anywhere, looks at the Source and runs the
// shadow, until the context ends.
func (d *Desk) Follow(ctx context.Context) error {
	ticker := time.NewTicker(d.config.Poll)
	defer ticker.Stop()
	defer d.endHere(context.WithoutCancel(ctx))
	for {
		d.tick(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (d *Desk) tick(ctx context.Context) {
	d.step.Lock()
	defer d.step.Unlock()
	steps := []func(context.Context) error{d.follow, d.look, d.followShadow}
	if d.config.Source.Name() == SourceFolder {
		steps = steps[1:] // nothing is activated here
	}
	for _, step := range steps {
		if err := step(ctx); err != nil && ctx.Err() == nil {
			d.config.Logger.LogAttrs(ctx, slog.LevelError, "policies do not follow", slog.Any("error", err))
		}
	}
}

func (d *Desk) setStatus(change func(*Status)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.status)
}

// follow loads the revision in force, if it is another one than here. A revision
// that cannot be loaded leaves everything as it was, and is told. d.step is held.
func (d *Desk) follow(ctx context.Context) error {
	r, version, err := d.active(ctx)
	if err != nil {
		d.problem("Die geltenden Regeln konnten nicht nachgelesen werden.")
		return err
	}
	now := d.config.Now()
	have := d.Status()
	switch {
	case version == 0 && have.Sequence > 0, r.Sequence < have.Sequence:
		// The store was set back: an older state is not taken up silently.
		d.problem(fmt.Sprintf("Der gemeinsame Speicher nennt einen älteren Regelstand (%d) als den hier geltenden (%d).", r.Sequence, have.Sequence))
		return nil
	case version == 0, version == d.seen && r.Sequence == have.Sequence:
		d.problem("")
		return nil
	case version == d.seen && now.Before(d.retry):
		return nil // failed a moment ago; the problem stands
	}
	d.seen, d.retry = version, now.Add(retryAfter)
	files, signers, err := d.verified(ctx, r)
	if err == nil {
		err = d.config.Engine.Load(ctx, files.FS(), r.Bundle)
	}
	if err != nil {
		d.problem(fmt.Sprintf("Regelstand %s kann hier nicht geladen werden; es gilt weiter %s.", r.Revision, d.config.Engine.Revision()))
		return fmt.Errorf("load policies %s: %w", r.Revision, err)
	}
	d.setStatus(func(s *Status) {
		s.Sequence, s.Bundle, s.Since, s.Signers, s.Problem = r.Sequence, r.Bundle, r.Step.Time, signers, ""
	})
	return nil
}

func (d *Desk) problem(text string) { d.setStatus(func(s *Status) { s.Problem = text }) }

// look reads the Source when its time has come. d.step is held.
func (d *Desk) look(ctx context.Context) error {
	now := d.config.Now()
	if now.Before(d.sourceAt) {
		return nil
	}
	d.sourceAt = now.Add(d.config.SourcePoll)
	var err error
	switch d.config.Source.Name() {
	case SourceEmbedded:
		return nil // the engine began with it
	case SourceFolder:
		err = d.lookAtFolder(ctx)
	default:
		err = d.lookAtSource(ctx)
	}
	text := ""
	if err != nil {
		text = "Das Richtlinienpaket der Quelle wurde nicht übernommen: " + said(err)
	}
	d.setStatus(func(s *Status) { s.Refused = text })
	return err
}

// said is the sentence of an error that is meant for people.
func said(err error) string {
	if known, ok := asGatewayError(err); ok && known.Message != "" {
		return known.Message
	}
	return "Es ist nicht erreichbar oder nicht lesbar."
}

// lookAtFolder loads what changed in a folder, unsigned and only here.
func (d *Desk) lookAtFolder(ctx context.Context) error {
	delivery, err := d.config.Source.Read(ctx)
	if err != nil {
		return err
	}
	digest := delivery.Files.Digest()
	if digest == d.Status().Bundle {
		return nil
	}
	if err := d.config.Engine.Load(ctx, delivery.Files.FS(), digest); err != nil {
		return &gateway.Error{Op: "load policy folder", Code: gateway.CodeInvalid, Message: "Der Ordner enthält keine ladbaren Regeln: " + err.Error(), Err: err}
	}
	d.setStatus(func(s *Status) { s.Bundle, s.Since = digest, d.config.Now() })
	d.config.Logger.LogAttrs(ctx, slog.LevelWarn, "unsigned policies from a folder are in force; this is for development only", slog.String("revision", d.config.Engine.Revision()))
	return nil
}

// lookAtSource activates a signed bundle that follows the one in force.
func (d *Desk) lookAtSource(ctx context.Context) error {
	delivery, err := d.config.Source.Read(ctx)
	if err != nil {
		return err
	}
	active, _, err := d.active(ctx)
	if err != nil {
		return err
	}
	if delivery.Files.Digest() == active.Bundle {
		return nil
	}
	_, signers, err := d.config.Trust.Verify(delivery.Files, delivery.Note)
	if err != nil {
		return err
	}
	manifest, err := delivery.Files.Manifest()
	if err != nil {
		return err
	}
	if active.Sequence > 0 && !Higher(manifest.Revision, active.Revision) {
		return refused(fmt.Sprintf("Regelstand %s ist nicht neuer als der geltende %s.", manifest.Revision, active.Revision))
	}
	if err := d.keepFiles(ctx, delivery.Files); err != nil {
		return err
	}
	_, err = d.activateFrom(ctx, delivery, Revision{
		Revision: manifest.Revision, Bundle: delivery.Files.Digest(), From: d.config.Source.Name(), Signers: signers, Note: string(delivery.Note),
		Step: Step{Person: Person{Name: "Quelle " + d.config.Source.Name(), Role: "system"}, Reason: "Unterschriebenes Paket der eingerichteten Quelle"},
	})
	return err
}

// activateFrom is activate for what the Source has. When another replica was
// faster, this one follows.
func (d *Desk) activateFrom(ctx context.Context, delivery Delivery, r Revision) (Revision, error) {
	out, err := d.activate(ctx, delivery.Files, r)
	if gateway.CodeOf(err) == gateway.CodeConflict {
		return out, d.follow(ctx)
	}
	return out, err
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// Activate puts a proposal in force on all replicas, when nothing is Missing.
func (d *Desk) Activate(ctx context.Context, by Person, id, reason string) (Revision, error) {
	if err := d.mayActivate(by, reason); err != nil {
		return Revision{}, err
	}
	d.step.Lock()
	defer d.step.Unlock()
	p, version, err := d.open(ctx, id)
	if err != nil {
		return Revision{}, err
	}
	if len(p.Missing) > 0 {
		return Revision{}, refused(p.Missing[0])
	}
	if err := d.checkApproval(ctx, p); err != nil {
		return Revision{}, err
	}
	files, err := d.files(ctx, p.Digest)
	if err != nil {
		return Revision{}, err
	}
	statement, signers, err := d.config.Trust.Verify(files, p.signed())
	if err != nil {
		return Revision{}, err
	}
	if statement != p.statement() {
		return Revision{}, untrusted("unterschrieben ist etwas anderes als dieser Entwurf", nil)
	}
	r, err := d.activate(ctx, files, Revision{
		Revision: p.Revision, Bundle: p.Digest, Proposal: p.ID, From: "proposal", Signers: signers, Note: string(p.signed()),
		Step: Step{Person: by, Reason: reason},
	})
	if err != nil {
		return Revision{}, err
	}
	p.Phase, p.End = PhaseActive, &r.Step
	if err := d.writeSealed(ctx, kindProposal, id, version, p); err != nil {
		d.config.Logger.LogAttrs(ctx, slog.LevelError, "proposal not marked as active", slog.String("proposal", id), slog.Any("error", err))
	}
	return r, nil
}

func (d *Desk) mayActivate(by Person, reason string) error {
	if err := by.check(); err != nil {
		return err
	}
	if d.config.Source.Name() == SourceFolder {
		return refused("Die Regeln kommen hier aus einem Ordner (Entwicklung); dort werden sie geändert.")
	}
	return checkReason(reason)
}

// Rollback puts an earlier revision in force again, as a new and higher one: one that
// was signed before, or what the program brought along before the first activation. So
// one person is enough; when, by whom and why stands in the record.
func (d *Desk) Rollback(ctx context.Context, by Person, revision, reason string) (Revision, error) {
	if err := d.mayActivate(by, reason); err != nil {
		return Revision{}, err
	}
	d.step.Lock()
	defer d.step.Unlock()
	earlier, err := d.revision(ctx, revision)
	if err != nil {
		return Revision{}, err
	}
	if earlier.Current {
		return Revision{}, conflict("Dieser Regelstand ist in Kraft.")
	}
	files, err := d.earlier(ctx, earlier)
	if err != nil {
		return Revision{}, err
	}
	active, _, err := d.active(ctx)
	if err != nil {
		return Revision{}, err
	}
	r := earlier.again(next(d.config.Now().UTC().Format(time.DateOnly), active.Revision, d.config.Engine.Revision()), "rollback")
	r.Step = Step{Person: by, Reason: reason}
	if files, err = renamed(files, r.Revision); err != nil {
		return Revision{}, err
	}
	return d.activate(ctx, files, r)
}

// again is the revision under a new name.
func (r Revision) again(name, from string) Revision {
	out := Revision{
		Revision: name, Bundle: r.Bundle, Restores: cmp.Or(r.Restores, r.Revision), From: from, Signers: r.Signers, Note: r.Note,
		Signed: r.signedBy(), Shipped: r.Shipped || r.Sequence == 0, Before: r.Before,
	}
	if out.Shipped {
		out.Signed = time.Time{}
	}
	return out
}

// earlier are the files of a revision that may be brought back: what was activated is
// verified as at a start, what the program brought along has the digest that was kept
// at the first activation.
func (d *Desk) earlier(ctx context.Context, r Revision) (Files, error) {
	switch {
	case r.Sequence > 0:
		files, _, err := d.verified(ctx, r)
		return files, err
	case r.Before == nil:
		return nil, refused("Dieser Regelstand wurde hier nie unterschrieben, und es ist nicht festgehalten, dass er vor der ersten Freigabe galt. Schlagen Sie ihn als Entwurf vor.")
	}
	return d.files(ctx, r.Bundle)
}

// shipped keeps what the program brought along, for a way back from the first
// activation.
func (d *Desk) shipped(ctx context.Context) (*Shipment, error) {
	if d.config.Source.Name() != SourceEmbedded {
		return nil, nil //nolint:nilnil // there is none: every bundle of the source was signed
	}
	delivery, err := d.config.Source.Read(ctx)
	if err != nil {
		return nil, err
	}
	manifest, err := delivery.Files.Manifest()
	if err != nil {
		return nil, err
	}
	if err := d.keepFiles(ctx, delivery.Files); err != nil {
		return nil, err
	}
	return &Shipment{Revision: manifest.Revision, Bundle: delivery.Files.Digest()}, nil
}

// renamed are the files of an earlier revision under the name of a new one.
func renamed(files Files, revision string) (Files, error) {
	files = files.WithRevision(revision)
	if m, err := files.Manifest(); err != nil || m.Revision != revision {
		return nil, notABundle("die Zeile „revision“ in %s lässt sich nicht fortschreiben", manifestFile)
	}
	return files, nil
}

// activate makes a revision the one in force: tried here, noted, then written for
// all. It is called with d.step held.
func (d *Desk) activate(ctx context.Context, files Files, r Revision) (Revision, error) {
	if r.From != fromRestore { // which is there for states that were set back
		if err := d.compare(ctx); err != nil {
			return Revision{}, err
		}
	}
	active, version, err := d.active(ctx)
	if err != nil {
		return Revision{}, err
	}
	here := d.config.Engine.Revision()
	inForce := cmp.Or(active.Revision, here)
	if r.Proposal != "" && inForce != here {
		// Another replica was faster, and the proposal knows nothing of what it activated.
		return Revision{}, conflict("Inzwischen wurde ein anderer Regelstand in Kraft gesetzt.")
	}
	if !Higher(r.Revision, inForce) {
		return Revision{}, refused(fmt.Sprintf("Regelstand %s ist nicht neuer als der geltende %s.", r.Revision, inForce))
	}
	if _, err := d.config.Engine.Beside(ctx, files.FS()); err != nil {
		return Revision{}, &gateway.Error{Op: "activate policies", Code: gateway.CodeInvalid, Message: "Der Regelstand lässt sich hier nicht laden; es bleibt beim geltenden.", Err: err}
	}
	switch {
	case active.Sequence > 0:
		r.Before = active.Before
	case r.Before == nil:
		if r.Before, err = d.shipped(ctx); err != nil {
			return Revision{}, err
		}
	}
	r.Sequence, r.Step.Time = max(active.Sequence, r.Sequence)+1, d.config.Now().UTC()
	r.Seal = d.seal(r)
	if err := d.noteActivation(ctx, inForce, r); err != nil {
		return Revision{}, err
	}
	if err := d.put(ctx, r, version); err != nil {
		d.noteFailure(ctx, r)
		return Revision{}, err
	}
	// The state says so already: should the note fail, the next start writes it.
	if err := d.noteInForce(context.WithoutCancel(ctx), r.Step.Person, r); err != nil {
		d.config.Logger.LogAttrs(ctx, slog.LevelError, "policies in force not noted", slog.Any("error", err))
	}
	if err := d.follow(ctx); err != nil {
		d.config.Logger.LogAttrs(ctx, slog.LevelError, "activated policies not loaded", slog.Any("error", err))
	}
	r.Current = true
	return r, nil
}

func (d *Desk) noteActivation(ctx context.Context, inForce string, r Revision) error {
	text := fmt.Sprintf("Regelstand %s wird in Kraft gesetzt, an Stelle von %s.", r.Revision, inForce)
	if r.Restores != "" {
		text = fmt.Sprintf("Regelstand %s wird als %s wieder in Kraft gesetzt, an Stelle von %s.", r.Restores, r.Revision, inForce)
	}
	return d.note(ctx, Event{
		Topic: TopicActivated, Person: r.Step.Person, Reason: r.Step.Reason, Text: text,
		Old: stateJSON(inForce, ""), New: notedJSON(notedOf(r)),
	})
}

func stateJSON(revision, bundle string) json.RawMessage {
	fields := map[string]string{"revision": revision}
	if bundle != "" {
		fields["bundle"] = bundle
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return raw
}

// noteFailure says in the record that an activation did not take effect.
func (d *Desk) noteFailure(ctx context.Context, r Revision) {
	if err := d.noteNotInForce(context.WithoutCancel(ctx), r.Step.Person, notedOf(r)); err != nil {
		d.config.Logger.LogAttrs(ctx, slog.LevelError, "failed activation not noted", slog.Any("error", err))
	}
}

// put writes the revision as the one in force, then for the history. When it is not
// known whether the store has taken it, the store is asked.
func (d *Desk) put(ctx context.Context, r Revision, version int64) error {
	err := write(ctx, d.config.Store, kindActive, activeID, version, r)
	if gateway.CodeOf(err) == gateway.CodeConflict {
		return conflict("Inzwischen wurde ein anderer Regelstand in Kraft gesetzt.")
	}
	if err != nil {
		if now, _, again := d.active(context.WithoutCancel(ctx)); again != nil || now.Seal != r.Seal {
			return err
		}
	}
	d.keepHistory(ctx, r)
	return nil
}

func (d *Desk) keepHistory(ctx context.Context, r Revision) {
	err := write(ctx, d.config.Store, kindRevision, fmt.Sprintf("%012d", r.Sequence), 0, r)
	if err != nil && gateway.CodeOf(err) != gateway.CodeConflict { // a conflict: it is there
		d.config.Logger.LogAttrs(ctx, slog.LevelError, "revision not kept for the history", slog.Any("error", err))
	}
}

// active is the revision in force, zero when none was activated.
func (d *Desk) active(ctx context.Context) (Revision, int64, error) {
	r, version, err := readIf[Revision](ctx, d.config.Store, kindActive, activeID)
	if err != nil || version == 0 {
		return Revision{}, 0, err
	}
	if !d.sealed(r) {
		return Revision{}, 0, &gateway.Error{Op: "read active policies", Code: gateway.CodeInternal, Message: "Der Eintrag über die geltenden Regeln wurde außerhalb der KI-Schleuse verändert."}
	}
	return r, version, nil
}

// InForce reads the files in force, and the digest under which they were signed,
// beside a service: what was activated, else what the Source has. Of the Config it
// needs Store, Source, Trust and Key.
func InForce(ctx context.Context, c Config) (files Files, signed string, err error) {
	d := &Desk{config: c.withDefaults()}
	active, _, err := d.active(ctx)
	if err != nil {
		return nil, "", err
	}
	if active.Sequence > 0 {
		files, _, err = d.verified(ctx, active)
		return files, active.Bundle, err
	}
	delivery, err := d.config.Source.Read(ctx)
	if err != nil {
		return nil, "", err
	}
	return delivery.Files, delivery.Files.Digest(), nil
}

// verified are the files of a revision, after seal, content and signatures were
// checked, and who signed.
func (d *Desk) verified(ctx context.Context, r Revision) (Files, []string, error) {
	if !d.sealed(r) {
		return nil, nil, untrusted("der Eintrag wurde außerhalb der KI-Schleuse verändert", nil)
	}
	files, err := d.files(ctx, r.Bundle)
	if err != nil {
		return nil, nil, err
	}
	if r.Shipped {
		files, err := d.verifiedShipment(files, r)
		return files, nil, err
	}
	statement, signers, err := d.config.Trust.verify(files, []byte(r.Note), r.signedBy())
	if err != nil {
		return nil, nil, err
	}
	if r.Restores == "" && statement.Revision != r.Revision || r.Restores != "" && statement.Revision != r.Restores {
		return nil, nil, untrusted("unterschrieben ist ein anderer Regelstand", nil)
	}
	if r.Restores != "" {
		files, err = renamed(files, r.Revision)
	}
	return files, signers, err
}

// verifiedShipment are the files of a revision that the program brought along once. The
// seal says that this desk found them in force before anything was activated, the digest
// that they are the same.
func (d *Desk) verifiedShipment(files Files, r Revision) (Files, error) {
	manifest, err := files.Manifest()
	if err != nil {
		return nil, err
	}
	if r.Before == nil || r.Bundle != r.Before.Bundle || r.Restores != r.Before.Revision || manifest.Revision != r.Restores {
		return nil, untrusted("diese Regeln sind nicht die, die vor der ersten Freigabe galten", nil)
	}
	return renamed(files, r.Revision)
}

// Revisions lists what is and was in force, the newest first; at the end what the
// Source had when nothing was activated yet.
func (d *Desk) Revisions(ctx context.Context) ([]Revision, error) {
	list, err := all[Revision](ctx, d.config.Store, kindRevision)
	if err != nil {
		return nil, err
	}
	active, _, err := d.active(ctx)
	if err != nil {
		return nil, err
	}
	if active.Sequence > 0 && !slices.ContainsFunc(list, func(r Revision) bool { return r.Sequence == active.Sequence }) {
		list = append(list, active)
	}
	slices.SortFunc(list, func(a, b Revision) int { return cmp.Compare(b.Sequence, a.Sequence) })
	for i := range list {
		list[i].Current = list[i].Sequence == active.Sequence
		list[i].Returns = !list[i].Current
	}
	if source := d.config.Source.Name(); source == SourceEmbedded || source == SourceFolder {
		base, err := d.sourceRevision(ctx, active)
		if err != nil {
			return nil, err
		}
		list = append(list, base)
	}
	return list, nil
}

// sourceRevision is what counted before anything was activated.
func (d *Desk) sourceRevision(ctx context.Context, active Revision) (Revision, error) {
	if b := active.Before; b != nil {
		return Revision{Revision: b.Revision, Bundle: b.Bundle, From: SourceEmbedded, Before: b, Returns: true}, nil
	}
	delivery, err := d.config.Source.Read(ctx)
	if err != nil {
		return Revision{}, err
	}
	m, err := delivery.Files.Manifest()
	return Revision{Revision: m.Revision, Bundle: delivery.Files.Digest(), From: d.config.Source.Name(), Current: active.Sequence == 0}, err
}

func (d *Desk) revision(ctx context.Context, revision string) (Revision, error) {
	list, err := d.Revisions(ctx)
	if err != nil {
		return Revision{}, err
	}
	for _, r := range list {
		if r.Revision == revision {
			return r, nil
		}
	}
	return Revision{}, &gateway.Error{Op: "find revision", Code: gateway.CodeNotFound, Message: "Diesen Regelstand gab es hier nicht."}
}

// Between compares two revisions that are or were in force.
func (d *Desk) Between(ctx context.Context, before, after string) (policies.Difference, error) {
	a, b, err := d.both(ctx, before, after)
	if err != nil {
		return policies.Difference{}, err
	}
	return compared(a, b)
}

// SourcesBetween is Between for the Rego source of rules.
func (d *Desk) SourcesBetween(ctx context.Context, before, after string) ([]policies.RuleSource, error) {
	a, b, err := d.both(ctx, before, after)
	if err != nil {
		return nil, err
	}
	return comparedSources(a, b)
}

func (d *Desk) both(ctx context.Context, before, after string) (a, b fs.FS, err error) {
	if a, err = d.revisionFiles(ctx, before); err != nil {
		return nil, nil, err
	}
	b, err = d.revisionFiles(ctx, after)
	return a, b, err
}

func (d *Desk) revisionFiles(ctx context.Context, name string) (fs.FS, error) {
	list, err := d.Revisions(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range list {
		switch {
		case r.Revision != name:
			continue
		case r.Sequence == 0 && r.Before == nil:
			delivery, err := d.config.Source.Read(ctx)
			return delivery.Files.FS(), err
		}
		files, err := d.files(ctx, r.Bundle)
		if err != nil {
			return nil, err
		}
		return files.WithRevision(r.Revision).FS(), nil
	}
	return nil, &gateway.Error{Op: "find revision", Code: gateway.CodeNotFound, Message: "Diesen Regelstand gab es hier nicht."}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"slices"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// newer is the bundle of a later version of the program.
type newer struct{ files Files }

func (newer) Name() string { return SourceEmbedded }

func (n newer) Read(context.Context) (Delivery, error) { return Delivery{Files: n.files}, nil }

// TestBackFromTheFirstActivation: what the program brought along can be brought back,
// over a restart and an update of the program, and records name its digest.
func TestBackFromTheFirstActivation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	base := shipped(t)
	first := b.decide(t)
	if first.Bundle != base.Digest() || first.Digest == first.Bundle {
		t.Errorf("the first decision names bundle %s and digest %s, want the bundle %s", first.Bundle, first.Digest, base.Digest())
	}
	code(t, second(b.Rollback(ctx, ada, first.Revision, "Probe")), gateway.CodeConflict, "a rollback to what is in force")

	p := b.approved(t, probeDraft())
	r, err := b.Activate(ctx, cem, p.ID, "Beschluss")
	if err != nil {
		t.Fatal(err)
	}
	if d := b.decide(t); d.Allowed() || d.Bundle != p.Digest {
		t.Errorf("after the activation: %s by the bundle %s, want %s", d.Effect, d.Bundle, p.Digest)
	}
	list, err := b.Revisions(ctx)
	if err != nil || len(list) != 2 || list[0].Returns || !list[1].Returns || list[1].Bundle != base.Digest() {
		t.Errorf("revisions after the first activation: %+v, %v", list, err)
	}
	code(t, second(b.Rollback(ctx, ada, first.Revision, "")), gateway.CodeInvalid, "a rollback without a reason")

	back, err := b.Rollback(ctx, ada, first.Revision, "Die erste Freigabe war ein Fehler")
	if err != nil {
		t.Fatal(err)
	}
	if !Higher(back.Revision, r.Revision) || back.Restores != first.Revision || back.Bundle != base.Digest() || !back.Shipped || len(back.Signers) != 0 {
		t.Errorf("the rollback is %+v", back)
	}
	if d := b.decide(t); !d.Allowed() || d.Revision != back.Revision || d.Bundle != base.Digest() {
		t.Errorf("after the rollback: %s by %s, %s", d.Effect, d.Revision, d.Bundle)
	}
	if got := b.topics(); !slices.Equal(got[len(got)-2:], []string{TopicActivated, TopicInForce}) {
		t.Errorf("the record ends with %v", got)
	}

	updated := replica(t, b.store, b.keys, func(c *Config) { c.Source = newer{base.WithRevision("2199-01-01.1")} })
	if d := updated.decide(t); !d.Allowed() || d.Revision != back.Revision || d.Bundle != base.Digest() {
		t.Errorf("after an update of the program: %s by %s", d.Effect, d.Revision)
	}
	code(t, second(updated.Rollback(ctx, ada, "2199-01-01.1", "ungefragt")), gateway.CodeNotFound, "a rollback to what was never in force")
	if again, err := updated.Rollback(ctx, ada, r.Revision, "doch"); err != nil || again.Shipped || updated.decide(t).Allowed() {
		t.Errorf("forth again: %+v, %v", again, err)
	}
	if again, err := updated.Rollback(ctx, ada, back.Revision, "und zurück"); err != nil || again.Restores != first.Revision || !updated.decide(t).Allowed() {
		t.Errorf("back to the rollback: %+v, %v", again, err)
	}
}

// TestShipmentIsSealed: nobody makes rules that nobody signed pass for those of the
// program.
func TestShipmentIsSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	base := b.engine.Revision()
	if _, err := b.Activate(ctx, cem, b.approved(t, probeDraft()).ID, "Beschluss"); err != nil {
		t.Fatal(err)
	}
	foreign := shipped(t).WithRevision("2026-01-01.1")
	if err := b.keepFiles(ctx, foreign); err != nil {
		t.Fatal(err)
	}
	active, version, err := b.active(ctx)
	if err != nil {
		t.Fatal(err)
	}
	forged := active
	forged.Before = &Shipment{Revision: base, Bundle: foreign.Digest()}
	if err := write(ctx, b.store, kindActive, activeID, version, forged); err != nil {
		t.Fatal(err)
	}
	code(t, second(b.Rollback(ctx, ada, base, "Probe")), gateway.CodeInternal, "a state that names other rules as those of the program")

	// Sealed, but not what was there before: as only the service itself could write.
	for name, change := range map[string]func(*Revision){
		"another bundle":   func(r *Revision) { r.Bundle = foreign.Digest() },
		"another revision": func(r *Revision) { r.Restores = "2026-01-01.1" },
		"nothing kept":     func(r *Revision) { r.Before = nil },
	} {
		r := Revision{Revision: "2027-01-01.1", Bundle: active.Before.Bundle, Restores: base, Shipped: true, Before: active.Before}
		change(&r)
		r.Seal = b.seal(r)
		if _, _, err := b.verified(ctx, r); gateway.CodeOf(err) != gateway.CodeDenied {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}

	// A state of an earlier version does not know what was in force before.
	active.Before = nil
	active.Seal = b.seal(active)
	if err := write(ctx, b.store, kindActive, activeID, version+1, active); err != nil {
		t.Fatal(err)
	}
	code(t, second(b.Rollback(ctx, ada, base, "Probe")), gateway.CodeDenied, "a rollback to what was not kept")
}

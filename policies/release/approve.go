// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// Impact compares a proposal with the policies in force, over the history since a
// moment. It is kept with the proposal, and its digest is signed with it: who signs
// knows what becomes allowed.
func (d *Desk) Impact(ctx context.Context, by Person, id string, from time.Time) (Proposal, error) {
	if err := by.check(); err != nil {
		return Proposal{}, err
	}
	if d.config.History == nil {
		return Proposal{}, refused("Es gibt kein Protokoll, an dem sich die Auswirkung messen ließe.")
	}
	p, version, err := d.open(ctx, id)
	if err != nil {
		return Proposal{}, err
	}
	if !p.Checks.OK() {
		return Proposal{}, refused("Die Prüfungen des Entwurfs sind nicht bestanden.")
	}
	if len(p.Signatures) > 0 {
		return Proposal{}, conflict("Der Entwurf ist schon unterschrieben, mit der Auswirkung, die damals galt.")
	}
	files, err := d.files(ctx, p.Digest)
	if err != nil {
		return Proposal{}, err
	}
	other, err := d.config.Engine.Beside(ctx, files.FS())
	if err != nil {
		return Proposal{}, fmt.Errorf("load proposal %s: %w", id, err)
	}
	impact, err := policies.Compare(ctx, d.config.Engine, other, func(yield func(gateway.Record) error) error {
		return d.config.History(ctx, from, yield)
	}, policies.CompareOptions{})
	if err != nil {
		return Proposal{}, err
	}
	p.Impact, p.ImpactDigest = &impact, impact.Digest()
	p.Text = p.statement().Text()
	if err := d.writeSealed(ctx, kindProposal, id, version, p); err != nil {
		return Proposal{}, err
	}
	return d.Proposal(ctx, id)
}

// open is a proposal that can still change.
func (d *Desk) open(ctx context.Context, id string) (Proposal, int64, error) {
	p, version, err := d.proposal(ctx, id)
	if err == nil && p.Phase != PhaseOpen {
		err = conflict("Der Entwurf ist abgeschlossen.")
	}
	return p, version, err
}

// Sign adds a signature that was made elsewhere over the Text of the proposal: the
// whole file of schleuse policy sign, or its last line. The private key never comes
// here. Author and signers are different persons.
func (d *Desk) Sign(ctx context.Context, by Person, id, signature string) (Proposal, error) {
	if err := by.check(); err != nil {
		return Proposal{}, err
	}
	p, version, err := d.open(ctx, id)
	if err != nil {
		return Proposal{}, err
	}
	if err := d.maySign(p, by); err != nil {
		return Proposal{}, err
	}
	line, signer, err := d.signatureOf(p, signature)
	if err != nil {
		return Proposal{}, err
	}
	switch {
	case signer.revoked(time.Time{}):
		return Proposal{}, refused(fmt.Sprintf("Der Schlüssel von %s ist widerrufen.", signer.Name))
	case signer.Person != by.user():
		return Proposal{}, refused(fmt.Sprintf("Der Schlüssel von %s darf nur von der Person eingereicht werden, die in der Konfiguration dafür steht (policies.signers, person).", signer.Name))
	}
	p.Signatures = append(p.Signatures, Signature{Signer: signer.Name, Person: by, Time: d.config.Now().UTC(), Line: line})
	if err := d.note(ctx, Event{
		Topic: TopicSigned, Person: by, Text: fmt.Sprintf("Entwurf %s des Regelstands %s mit dem Schlüssel von %s unterschrieben.", p.ID, p.Revision, signer.Name), New: summary(p),
	}); err != nil {
		return Proposal{}, err
	}
	if err := d.writeSealed(ctx, kindProposal, id, version, p); err != nil {
		return Proposal{}, err
	}
	return d.Proposal(ctx, id)
}

// maySign: the author does not sign, and nobody twice.
func (d *Desk) maySign(p Proposal, by Person) error {
	switch {
	case p.Author.same(by):
		return refused("Wer einen Entwurf vorgeschlagen hat, kann ihn nicht unterschreiben.")
	case !p.Checks.OK():
		return refused("Die Prüfungen des Entwurfs sind nicht bestanden.")
	case p.Impact == nil && d.config.History != nil:
		return refused("Vor der Unterschrift muss die Auswirkung ermittelt sein: Sie unterschreiben auch diesen Bericht.")
	}
	for _, s := range p.Signatures {
		if s.Person.same(by) {
			return refused("Sie haben diesen Entwurf schon unterschrieben.")
		}
	}
	return nil
}

// signatureOf finds the one new, valid signature in what was handed in.
func (d *Desk) signatureOf(p Proposal, signature string) (string, Signer, error) {
	signature = strings.ReplaceAll(strings.TrimSpace(signature), "\r\n", "\n")
	if len(signature) > maxNote {
		return "", Signer{}, invalid("signature", "Die Unterschrift ist zu lang.")
	}
	if text, rest, whole := strings.Cut(signature, "\n\n"); whole {
		if text+"\n" != p.Text {
			return "", Signer{}, invalid("signature", "Unterschrieben ist ein anderer Text als der dieses Entwurfs.")
		}
		signature = rest
	}
	for line := range strings.Lines(signature) {
		line = strings.TrimSpace(line)
		_, signers, err := d.config.Trust.Open([]byte(p.Text + "\n" + line + "\n"))
		if err != nil || len(signers) != 1 {
			continue
		}
		if !p.signedBy(signers[0].Name) {
			return line, signers[0], nil
		}
	}
	return "", Signer{}, invalid("signature", "Darin ist keine neue gültige Unterschrift eines eingerichteten Unterzeichners über den Text dieses Entwurfs.")
}

// checkApproval looks once more at everything on which an activation rests, whatever
// was looked at before: text, report, and that those who signed, those who handed it
// in and the author are different persons.
func (d *Desk) checkApproval(ctx context.Context, p Proposal) error {
	switch {
	case p.Text != p.statement().Text():
		return untrusted("der Text zum Unterschreiben ist nicht der dieses Entwurfs", nil)
	case p.Impact != nil && p.Impact.Digest() != p.ImpactDigest, p.Impact == nil && p.ImpactDigest != "":
		return untrusted("der Bericht über die Auswirkung ist ein anderer als der unterschriebene", nil)
	}
	if err := d.checkNotWithdrawn(ctx, p); err != nil {
		return err
	}
	people := []Person{p.Author}
	for _, s := range p.Signatures {
		if !d.config.Trust.counts(s.Signer) {
			continue
		}
		_, signers, err := d.config.Trust.Open([]byte(p.Text + "\n" + s.Line + "\n"))
		switch {
		case err != nil:
			return err
		case len(signers) != 1 || signers[0].Name != s.Signer:
			return untrusted("eine Unterschrift stammt nicht von dem, der genannt ist", nil)
		case signers[0].Person != s.Person.user():
			return untrusted("der Schlüssel von "+s.Signer+" gehört einer anderen Person als der, die eingereicht hat", nil)
		case slices.ContainsFunc(people, s.Person.same):
			return untrusted("Verfasser und Unterzeichner sind nicht verschiedene Personen", nil)
		}
		people = append(people, s.Person)
	}
	if n := len(people) - 1; n < d.config.Trust.require() {
		return untrusted(fmt.Sprintf("es trägt %d von %d nötigen Unterschriften", n, d.config.Trust.require()), nil)
	}
	return nil
}

func (p Proposal) signedBy(name string) bool {
	for _, s := range p.Signatures {
		if s.Signer == name {
			return true
		}
	}
	return false
}

// Withdraw ends a proposal that will not become active.
func (d *Desk) Withdraw(ctx context.Context, by Person, id, reason string) (Proposal, error) {
	if err := by.check(); err != nil {
		return Proposal{}, err
	}
	if err := checkReason(reason); err != nil {
		return Proposal{}, err
	}
	p, version, err := d.open(ctx, id)
	if err != nil {
		return Proposal{}, err
	}
	p.Phase, p.End = PhaseWithdrawn, &Step{Person: by, Time: d.config.Now().UTC(), Reason: reason}
	if err := d.note(ctx, Event{
		Topic: TopicWithdrawn, Person: by, Reason: reason, Text: fmt.Sprintf("Entwurf %s des Regelstands %s zurückgezogen.", p.ID, p.Revision), Old: summary(p),
	}); err != nil {
		return Proposal{}, err
	}
	if err := d.writeSealed(ctx, kindProposal, id, version, p); err != nil {
		return Proposal{}, err
	}
	return d.Proposal(ctx, id)
}

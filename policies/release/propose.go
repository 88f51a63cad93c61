// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// Propose checks a draft and keeps it with the report, whether it passed or not.
func (d *Desk) Propose(ctx context.Context, by Person, draft Draft) (Proposal, error) {
	if err := by.check(); err != nil {
		return Proposal{}, err
	}
	if len([]rune(draft.Comment)) > maxComment {
		return Proposal{}, invalid("comment", fmt.Sprintf("Die Erläuterung darf höchstens %d Zeichen lang sein.", maxComment))
	}
	base, err := FromFS(d.config.Engine.Files())
	if err != nil {
		return Proposal{}, err
	}
	before, err := base.Manifest() // not the engine's, which may have moved on since
	if err != nil {
		return Proposal{}, err
	}
	inForce := before.Revision
	files, err := draft.files(base)
	if err != nil {
		return Proposal{}, err
	}
	now := d.config.Now()
	if files, err = numbered(files, inForce, now); err != nil {
		return Proposal{}, err
	}
	report, err := d.examine(ctx, files)
	if err != nil {
		return Proposal{}, err
	}
	manifest, err := files.Manifest()
	if err != nil {
		return Proposal{}, err
	}
	p := Proposal{
		ID: d.config.NewID(now), Revision: manifest.Revision, Digest: files.Digest(), Comment: draft.Comment,
		Author: by, Time: now.UTC(), Base: policies.State{Revision: inForce, Digest: base.Digest()}, Phase: PhaseOpen, Checks: report,
	}
	p.Text = p.statement().Text()
	if err := d.note(ctx, Event{
		Topic: TopicProposed, Person: by, Reason: "",
		Text: fmt.Sprintf("Entwurf %s des Regelstands %s, Prüfungen %s.", p.ID, p.Revision, passed(report.OK())), New: summary(p),
	}); err != nil {
		return Proposal{}, err
	}
	if err := d.keepFiles(ctx, files); err != nil {
		return Proposal{}, err
	}
	if err := d.writeSealed(ctx, kindProposal, p.ID, 0, p); err != nil {
		return Proposal{}, err
	}
	return d.Proposal(ctx, p.ID)
}

func passed(ok bool) string {
	if ok {
		return "bestanden"
	}
	return "nicht bestanden"
}

// summary of a proposal for the record: what it is, not what it says.
func summary(p Proposal) json.RawMessage {
	raw, err := json.Marshal(map[string]string{"proposal": p.ID, "revision": p.Revision, "bundle": p.Digest})
	if err != nil {
		return nil
	}
	return raw
}

// files of a draft: its own, or those in force with changes.
func (draft Draft) files(base Files) (Files, error) {
	if len(draft.Zip) > 0 {
		if len(draft.Files)+len(draft.Remove) > 0 {
			return nil, invalid("zip", "Ein Entwurf ist entweder ein ganzes Paket oder eine Änderung einzelner Dateien.")
		}
		return Unpack(draft.Zip)
	}
	if len(draft.Files)+len(draft.Remove) == 0 {
		return nil, invalid("files", "Der Entwurf ändert nichts.")
	}
	out := maps.Clone(base)
	for _, name := range draft.Remove {
		if out[name] == nil {
			return nil, invalid("remove", fmt.Sprintf("Die Datei %s gibt es in den geltenden Regeln nicht.", printable(name)))
		}
		delete(out, name)
	}
	total := 0
	for name, content := range draft.Files {
		switch {
		case !policies.BundleFile(name):
			return nil, invalid("files", fmt.Sprintf("Die Datei %q gehört nicht in ein Richtlinienpaket.", printable(name)))
		case len(content) > maxFile:
			return nil, tooLarge(fmt.Errorf("%s: %d bytes", name, len(content)))
		}
		total += len(content)
		out[name] = slices.Clone(content)
	}
	if total > maxTotal || len(out) > maxFiles {
		return nil, tooLarge(fmt.Errorf("%d files, %d bytes", len(out), total))
	}
	if out.Digest() == base.Digest() {
		return nil, invalid("files", "Der Entwurf ändert nichts.")
	}
	return out, out.complete()
}

// numbered gives a draft that follows nothing the next revision.
func numbered(files Files, inForce string, now time.Time) (Files, error) {
	manifest, err := files.Manifest()
	if err != nil {
		return nil, notABundle("%s ist nicht lesbar", manifestFile)
	}
	if Higher(manifest.Revision, inForce) {
		return files, nil
	}
	wanted := next(now.UTC().Format(time.DateOnly), inForce)
	files = files.WithRevision(wanted)
	if manifest, err = files.Manifest(); err != nil || manifest.Revision != wanted {
		return nil, notABundle("die Zeile „revision“ in %s lässt sich nicht fortschreiben", manifestFile)
	}
	return files, nil
}

func (p Proposal) statement() Statement {
	return Statement{Bundle: p.Digest, Revision: p.Revision, Impact: p.ImpactDigest}
}

// signed is the text with all signatures.
func (p Proposal) signed() []byte {
	var out strings.Builder
	out.WriteString(p.Text + "\n")
	for _, s := range p.Signatures {
		out.WriteString(s.Line + "\n")
	}
	return []byte(out.String())
}

// Proposals lists all, the newest first.
func (d *Desk) Proposals(ctx context.Context) ([]Proposal, error) {
	list, broken, err := allSealed[Proposal](ctx, d, kindProposal)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b Proposal) int { return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.ID, a.ID)) })
	for i := range list {
		list[i].Missing = d.missing(list[i])
	}
	for _, id := range broken {
		list = append(list, Proposal{ID: id, Phase: PhaseOpen, Missing: []string{"Der Entwurf trägt kein gültiges Siegel und gilt nicht; er muss neu vorgeschlagen werden."}})
	}
	return list, nil
}

// Proposal returns one; CodeNotFound if there is none.
func (d *Desk) Proposal(ctx context.Context, id string) (Proposal, error) {
	p, _, err := d.proposal(ctx, id)
	return p, err
}

func (d *Desk) proposal(ctx context.Context, id string) (Proposal, int64, error) {
	p, version, err := readSealed[Proposal](ctx, d, kindProposal, id)
	if code := gateway.CodeOf(err); code == gateway.CodeNotFound || code == gateway.CodeInvalid {
		return p, 0, &gateway.Error{Op: "show proposal", Code: gateway.CodeNotFound, Message: "Diesen Entwurf gibt es nicht.", Err: err}
	}
	if err != nil {
		return p, 0, err
	}
	p.Missing = d.missing(p)
	return p, version, nil
}

// missing says in German what must be there before a proposal can be activated.
func (d *Desk) missing(p Proposal) []string {
	var out []string
	if p.Phase != PhaseOpen {
		return []string{"Der Entwurf ist abgeschlossen."}
	}
	if !p.Checks.OK() {
		out = append(out, "Die Prüfungen sind nicht bestanden.")
	}
	if inForce := d.config.Engine.Revision(); p.Base.Revision != inForce || !Higher(p.Revision, inForce) {
		out = append(out, fmt.Sprintf("Seit dem Entwurf ist Regelstand %s in Kraft getreten; er muss neu vorgeschlagen werden.", inForce))
	}
	if p.Impact == nil && d.config.History != nil {
		out = append(out, "Die Auswirkung auf die Anfragen der Vergangenheit ist noch nicht ermittelt.")
	}
	if len(d.config.Trust.Signers) == 0 {
		return append(out, "Es sind keine Unterzeichner eingerichtet (policies.signers in der Konfiguration).")
	}
	return append(out, d.missingSignatures(p)...)
}

func (d *Desk) missingSignatures(p Proposal) []string {
	var lapsed []string
	for _, s := range p.Signatures {
		if !d.config.Trust.counts(s.Signer) {
			lapsed = append(lapsed, fmt.Sprintf("Die Unterschrift von %s zählt nicht mehr: Der Schlüssel ist widerrufen oder nicht mehr eingerichtet.", s.Signer))
		}
	}
	switch n := d.config.Trust.require() - len(p.Signatures) + len(lapsed); {
	case n <= 0:
		return nil
	case n == 1:
		return append(lapsed, "Es fehlt eine Unterschrift.")
	default:
		return append(lapsed, fmt.Sprintf("Es fehlen %d Unterschriften.", n))
	}
}

// Bundle are the files of a proposal.
func (d *Desk) Bundle(ctx context.Context, id string) (fs.FS, error) {
	p, err := d.Proposal(ctx, id)
	if err != nil {
		return nil, err
	}
	files, err := d.files(ctx, p.Digest)
	if err != nil {
		return nil, err
	}
	return files.FS(), nil
}

// Diff compares a proposal with what it was made on, if that is still known, and
// else with the policies in force.
func (d *Desk) Diff(ctx context.Context, id string) (policies.Difference, error) {
	before, after, err := d.sides(ctx, id)
	if err != nil {
		return policies.Difference{}, err
	}
	return compared(before, after)
}

// SourceDiff is what a proposal changes in the Rego source of rules, compared with
// the same as Diff.
func (d *Desk) SourceDiff(ctx context.Context, id string) ([]policies.RuleSource, error) {
	before, after, err := d.sides(ctx, id)
	if err != nil {
		return nil, err
	}
	return comparedSources(before, after)
}

func (d *Desk) sides(ctx context.Context, id string) (before, after fs.FS, err error) {
	p, err := d.Proposal(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	next, err := d.files(ctx, p.Digest)
	if err != nil {
		return nil, nil, err
	}
	before = d.config.Engine.Files()
	if base, err := d.files(ctx, p.Base.Digest); err == nil {
		before = base.FS()
	}
	return before, next.FS(), nil
}

// compared is a difference, or says that one of both cannot be read.
func compared(a, b fs.FS) (policies.Difference, error) {
	diff, err := policies.Diff(a, b)
	if err != nil {
		return diff, incomparable(err)
	}
	return diff, nil
}

func comparedSources(a, b fs.FS) ([]policies.RuleSource, error) {
	list, err := policies.SourceDiff(a, b)
	if err != nil {
		return nil, incomparable(err)
	}
	return list, nil
}

func incomparable(err error) error {
	return &gateway.Error{Op: "compare policies", Code: gateway.CodeInvalid, Message: "Der Unterschied lässt sich nicht zeigen, weil einer der beiden Regelstände nicht übersetzt werden kann.", Err: err}
}

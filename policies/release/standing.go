// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// ErrSetBack says that the shared state names older policies than were in force.
var ErrSetBack = errors.New("the state of the policies was set back")

// settleAfter is how old an activation without an end is when nobody works on it
// any more.
const settleAfter = time.Minute

// skew is how far the clocks of replicas may be apart.
const skew = time.Hour

// fromRestore is where a revision comes from that Restore brought back.
const fromRestore = "restore"

// noted is a revision as a note names it.
type noted struct {
	Sequence int64  `json:"sequence"`
	Revision string `json:"revision"`
	Bundle   string `json:"bundle"`

	topic string
	at    time.Time
}

func (n noted) String() string {
	if n.Revision == "" {
		return "keinen"
	}
	if n.Sequence == 0 {
		return n.Revision
	}
	return fmt.Sprintf("%s (Nr. %d)", n.Revision, n.Sequence)
}

func notedOf(r Revision) noted {
	return noted{Sequence: r.Sequence, Revision: r.Revision, Bundle: r.Bundle}
}

// standing is what the record says of the policies in force.
type standing struct {
	// last is what was put in force last, begun what was about to be later, and
	// nobody wrote down how it ended. Zero: the record says nothing.
	last, begun noted
}

// An activation writes three things, in this order: the note TopicActivated, the
// state, the note TopicInForce. What is missing when a process dies between them is
// made up for at the next start:
//
//   - before the first note: nothing has happened;
//   - before the state: the older policies are in force; the record gets a note that
//     the activation did not take effect, and it can be repeated;
//   - before the last note: the newer policies are in force; the record gets the note.
//
// So no crash leaves a state that is older than the last TopicInForce. Only a state
// that was set back does.
func (d *Desk) standing(ctx context.Context) (standing, error) {
	var s standing
	failed := map[noted]bool{}
	unnamed := 0
	err := d.config.Journal(ctx, []string{TopicActivated, TopicInForce, TopicRestored, TopicWithdrawn}, func(p Past) bool {
		n := noted{}
		if len(p.New) > 0 && json.Unmarshal(p.New, &n) != nil {
			return true // not a note of a desk
		}
		key := n
		n.topic, n.at = p.Topic, p.Time
		switch {
		case p.Topic == TopicInForce, p.Topic == TopicRestored:
			s.last = n
		case p.Topic == TopicWithdrawn && len(p.Old) > 0: // of a proposal
		case p.Topic == TopicWithdrawn && n.Revision == "":
			unnamed++ // as it was written before revisions were named there
		case p.Topic == TopicWithdrawn:
			failed[key] = true
		case failed[key]:
			delete(failed, key)
		case n.Sequence == 0 && unnamed > 0:
			unnamed--
		case n.Sequence == 0:
			s.last = n // as it was written before there was TopicInForce
		case s.begun.Revision == "":
			s.begun = n
		}
		return s.last.topic == ""
	})
	if err != nil {
		return s, fmt.Errorf("read the record of activations: %w", err)
	}
	return s, nil
}

// contradicts says that a state cannot follow what the record says was in force.
func (n noted) contradicts(active Revision) bool {
	switch {
	case n.topic == "":
		return false
	case n.topic == TopicActivated: // without a sequence
		return active.Revision != n.Revision && !Higher(active.Revision, n.Revision)
	case active.Sequence == n.Sequence:
		return active.Revision != n.Revision && n.Sequence > 0 || active.Bundle != n.Bundle && n.Bundle != ""
	}
	return active.Sequence < n.Sequence
}

// compare looks whether the state is as new as the history in the state and as the
// record, and makes up for what a crash left out. An error is ErrSetBack: nothing
// may be served then. d.step is held.
func (d *Desk) compare(ctx context.Context) error {
	active, _, err := d.active(ctx)
	if err != nil {
		return err
	}
	highest, err := d.highest(ctx)
	if err != nil {
		return err
	}
	if highest.Sequence > active.Sequence {
		return setBack(active, notedOf(highest), "der Geschichte der Freigaben")
	}
	if d.config.Journal == nil {
		return nil
	}
	s, err := d.standing(ctx)
	if err != nil {
		return err
	}
	if s.last.contradicts(active) {
		return setBack(active, s.last, "dem Protokoll")
	}
	return d.settle(ctx, s, active)
}

func setBack(active Revision, last noted, by string) error {
	return &gateway.Error{
		Op: "load the policies in force", Code: gateway.CodeConflict, Err: ErrSetBack,
		Message: fmt.Sprintf("Der gemeinsame Speicher nennt den Regelstand %s, nach %s galt aber zuletzt %s. Mit älteren Regeln wird nichts beantwortet. "+
			"Bringen Sie den Speicher auf den neueren Stand. Wurde er absichtlich aus einer Sicherung zurückgeholt, bestätigen Sie das mit „schleuse policy restore --config DATEI --reason GRUND“; das steht dann im Protokoll. "+
			"War es keine Absicht, prüfen Sie das Protokoll mit „schleuse audit verify“ und wer Zugang zur Datenbank hatte.", notedOf(active), by, last),
	}
}

// highest is the sealed revision with the highest sequence in the history.
func (d *Desk) highest(ctx context.Context) (Revision, error) {
	list, err := all[Revision](ctx, d.config.Store, kindRevision)
	if err != nil {
		return Revision{}, err
	}
	list = slices.DeleteFunc(list, func(r Revision) bool { return !d.sealed(r) })
	if len(list) == 0 {
		return Revision{}, nil
	}
	return slices.MaxFunc(list, func(a, b Revision) int { return cmp.Compare(a.Sequence, b.Sequence) }), nil
}

// settle writes down how activations ended whose process did not.
func (d *Desk) settle(ctx context.Context, s standing, active Revision) error {
	by := Person{Name: "Start des Dienstes", Role: "system"}
	if active.Sequence > 0 && (s.last.topic == "" || s.last.topic == TopicActivated || active.Sequence > s.last.Sequence) {
		d.keepHistory(ctx, active)
		if err := d.noteInForce(ctx, by, active); err != nil {
			return err
		}
	}
	if b := s.begun; b.Sequence > active.Sequence && d.config.Now().Sub(b.at) >= settleAfter {
		return d.noteNotInForce(ctx, by, b)
	}
	return nil
}

func (d *Desk) noteInForce(ctx context.Context, by Person, r Revision) error {
	return d.note(ctx, Event{
		Topic: TopicInForce, Person: by, Text: fmt.Sprintf("Regelstand %s ist in Kraft (Nr. %d).", r.Revision, r.Sequence), New: notedJSON(notedOf(r)),
	})
}

func (d *Desk) noteNotInForce(ctx context.Context, by Person, n noted) error {
	return d.note(ctx, Event{
		Topic: TopicWithdrawn, Person: by, Text: fmt.Sprintf("Regelstand %s ist nicht in Kraft getreten.", n.Revision), New: notedJSON(n),
	})
}

func notedJSON(n noted) json.RawMessage {
	raw, err := json.Marshal(n)
	if err != nil {
		return nil
	}
	return raw
}

// checkNotWithdrawn asks the record whether a proposal was withdrawn: one that is
// open again in the state was set back there.
func (d *Desk) checkNotWithdrawn(ctx context.Context, p Proposal) error {
	if d.config.Journal == nil {
		return nil
	}
	withdrawn := false
	err := d.config.Journal(ctx, []string{TopicWithdrawn}, func(past Past) bool {
		var old struct {
			Proposal string `json:"proposal"`
		}
		withdrawn = json.Unmarshal(past.Old, &old) == nil && old.Proposal == p.ID
		return !withdrawn && past.Time.After(p.Time.Add(-skew))
	})
	if err != nil {
		return fmt.Errorf("look for a withdrawal: %w", err)
	}
	if withdrawn {
		return untrusted("der Entwurf wurde nach dem Protokoll zurückgezogen", nil)
	}
	return nil
}

// Restore takes up a state that Start refused as set back, for example from a
// backup: what it says was in force becomes a new, higher revision, and the record
// says who did so and why. Its rules were signed by two before, so one person is
// enough. When the state has none, the policies of the Source count again.
func (d *Desk) Restore(ctx context.Context, by Person, reason string) (Revision, error) {
	if err := d.mayActivate(by, reason); err != nil {
		return Revision{}, err
	}
	d.step.Lock()
	defer d.step.Unlock()
	if err := d.compare(ctx); !errors.Is(err, ErrSetBack) {
		if err == nil {
			err = conflict("Der Speicher widerspricht weder sich selbst noch dem Protokoll; es gibt nichts zu bestätigen.")
		}
		return Revision{}, err
	}
	earlier, _, err := d.active(ctx)
	if err != nil {
		return Revision{}, err
	}
	highest, err := d.highest(ctx)
	if err != nil {
		return Revision{}, err
	}
	if highest.Sequence > earlier.Sequence {
		earlier = highest
	}
	var s standing
	if d.config.Journal != nil {
		if s, err = d.standing(ctx); err != nil {
			return Revision{}, err
		}
	}
	if earlier.Sequence == 0 {
		return d.restoreSource(ctx, by, s, reason)
	}
	return d.restore(ctx, by, earlier, s, reason)
}

// restoreSource says in the record that nothing is activated here any more.
func (d *Desk) restoreSource(ctx context.Context, by Person, s standing, reason string) (Revision, error) {
	r := Revision{Revision: d.config.Engine.Revision(), From: d.config.Source.Name(), Step: Step{Person: by, Reason: reason, Time: d.config.Now().UTC()}}
	return r, d.note(ctx, Event{
		Topic: TopicRestored, Person: by, Reason: reason, Text: "Der Speicher enthält keinen freigegebenen Regelstand mehr; es gelten wieder die Regeln der eingerichteten Quelle.",
		Old: notedJSON(s.last), New: notedJSON(notedOf(r)),
	})
}

func (d *Desk) restore(ctx context.Context, by Person, earlier Revision, s standing, reason string) (Revision, error) {
	files, _, err := d.verified(ctx, earlier)
	if err != nil {
		return Revision{}, err
	}
	r := earlier.again(next(d.config.Now().UTC().Format(time.DateOnly), earlier.Revision, s.last.Revision, s.begun.Revision, d.config.Engine.Revision()), fromRestore)
	r.Step, r.Sequence = Step{Person: by, Reason: reason}, max(earlier.Sequence, s.last.Sequence, s.begun.Sequence)
	if files, err = renamed(files, r.Revision); err != nil {
		return Revision{}, err
	}
	d.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a state of the policies that was set back is taken up", slog.String("revision", earlier.Revision))
	return d.activate(ctx, files, r)
}

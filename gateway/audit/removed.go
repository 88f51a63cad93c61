// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// removals are what the notes of a record say about contents that are gone. A
// verification learns them first, then meets the rows and the notes in order.
type removals struct {
	notes map[int64]*removalNote
	spans []span // by their beginnings
	at    int    // the span that was met last
}

// removalNote is the note of one batch.
type removalNote struct {
	seq       int64
	time      time.Time
	said      removal
	leaf      tlog.Hash
	met       *stubs // what was met of its rows
	confirmed bool   // the note is in the tree
}

// span is one range of a note, both ends included.
type span struct {
	from, to int64
	note     *removalNote
}

var errRemoval = errors.New("the note of a removal is malformed")

// learn takes a note of TopicRetained, as it is stored.
func (r *removals) learn(seq int64, body []byte) error {
	leaf, err := parseLeaf(body)
	if err != nil {
		return err
	}
	if leaf.Note == nil || leaf.Note.Topic != TopicRetained {
		return errRemoval
	}
	n := &removalNote{seq: seq, time: leaf.Note.Time, leaf: tlog.RecordHash(body), met: newStubs()}
	if err := json.Unmarshal(leaf.Note.New, &n.said); err != nil {
		return fmt.Errorf("%w: %w", errRemoval, err)
	}
	rows, last := int64(0), int64(-1)
	for _, s := range n.said.Ranges {
		if s[0] <= last || s[1] < s[0] || s[1] >= seq {
			return errRemoval
		}
		rows, last = rows+s[1]-s[0]+1, s[1]
	}
	if rows != int64(n.said.Rows) || r.notes[seq] != nil {
		return errRemoval
	}
	if r.notes == nil {
		r.notes = map[int64]*removalNote{}
	}
	r.notes[seq] = n
	for _, s := range n.said.Ranges {
		r.spans = append(r.spans, span{s[0], s[1], n})
	}
	return nil
}

// sort must be called before rows are met.
func (r *removals) sort() {
	slices.SortFunc(r.spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	r.at = 0
}

// find returns the note that names a row; most often the same as for the row before.
func (r *removals) find(seq int64) *removalNote {
	if r.at < len(r.spans) && r.spans[r.at].from <= seq && seq <= r.spans[r.at].to {
		return r.spans[r.at].note
	}
	at, exact := slices.BinarySearchFunc(r.spans, seq, func(s span, seq int64) int { return cmp.Compare(s.from, seq) })
	if !exact {
		at--
	}
	if at < 0 || seq > r.spans[at].to {
		return nil
	}
	r.at = at
	return r.spans[at].note
}

// meet takes the next row that has no content; false: no note names it.
func (r *removals) meet(row Row) bool {
	n := r.find(row.Seq)
	if n == nil {
		return false
	}
	n.met.add(row)
	return true
}

// confirm says that this leaf is in the tree.
func (r *removals) confirm(seq int64, leaf tlog.Hash) {
	if n := r.notes[seq]; n != nil && n.leaf == leaf {
		n.confirmed = true
	}
}

// judge compares what the notes say with what was met.
func (r *removals) judge(report *VerifyReport) {
	seqs := make([]int64, 0, len(r.notes))
	for seq := range r.notes {
		seqs = append(seqs, seq)
	}
	slices.Sort(seqs)
	for _, seq := range seqs {
		n := r.notes[seq]
		switch {
		case !n.confirmed:
			report.add(ProblemRemoved, seq, "", "Der Vermerk über entfernte Inhalte steht so nicht im unterschriebenen Protokoll.")
		case n.met.rows != n.said.Rows || n.met.digest() != n.said.SHA256:
			report.add(ProblemRemoved, seq, "", "Was von den entfernten Blättern noch da ist, weicht von dem ab, was der Vermerk über ihr Entfernen festhält.")
		case n.said.Newest.After(n.time.Add(-time.Duration(n.said.Floor) * 24 * time.Hour)):
			report.add(ProblemRemoved, seq, "", "Inhalte wurden vor dem Ende ihrer Mindestfrist entfernt.")
		}
		report.Removed += int64(n.met.rows)
	}
}

// isStub says that a row claims that its content was removed.
func (r Row) isStub() bool { return r.Removed && len(r.Body) == 0 }

// removedNotes hands out the notes of removals behind a leaf, the newest first.
func (v *Viewer) removedNotes(ctx context.Context, from int64, do func(Row) error) error {
	for before := int64(maxSeq); ; {
		rows, err := v.reader.Notes(ctx, NoteFilter{Scope: Scope{All: true}, Topics: []string{TopicRetained}}, before, pageSize)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if row.Seq < from {
				return nil
			}
			if err := do(row); err != nil {
				return err
			}
		}
		before = rows[len(rows)-1].Seq
	}
}

// learnRemovals reads what the notes say before the rows are looked at. A note
// that cannot be read is found later, as every damaged leaf.
func (c *check) learnRemovals(ctx context.Context) error {
	err := c.viewer.removedNotes(ctx, 0, func(row Row) error {
		_ = c.removals.learn(row.Seq, row.Body)
		return nil
	})
	c.removals.sort()
	return err
}

// maxUnexplained bounds the rows that are remembered until notes are looked for that
// were written meanwhile.
const maxUnexplained = 1 << 16

var errCrowded = errors.New("too many contents are removed while the record is verified: try again")

// stub checks a row without content: nothing else of it may be left, and a note
// has to name it.
func (c *check) stub(row Row) {
	if row.Columns != (Columns{}) || row.Writer != "" {
		c.report.add(ProblemColumn, row.Seq, row.ID, "Von dem entfernten Inhalt stehen noch Angaben in den Spalten.")
	}
	if !c.removals.meet(row) {
		if c.crowded = len(c.unexplained) >= maxUnexplained; !c.crowded {
			c.unexplained = append(c.unexplained, row)
		}
	}
}

// explain looks for notes that were written while the verification was under way.
func (c *check) explain(ctx context.Context) error {
	c.removals.judge(&c.report)
	if len(c.unexplained) == 0 {
		return nil
	}
	late := &removals{}
	_, stated, err := c.viewer.newest(ctx)
	if err != nil {
		return err
	}
	err = c.viewer.removedNotes(ctx, c.learned, func(row Row) error {
		if row.Seq >= stated.Size || c.removals.notes[row.Seq] != nil || late.learn(row.Seq, row.Body) != nil {
			return nil //nolint:nilerr // a finding of the verification
		}
		proof, err := c.viewer.prove(stated, row, c.viewer.hashes(ctx))
		if err != nil {
			return err
		}
		if proof.Valid {
			late.confirm(row.Seq, tlog.RecordHash(row.Body))
		}
		return nil
	})
	if err != nil {
		return err
	}
	late.sort()
	for _, s := range late.spans {
		if err := c.meetAgain(ctx, late, s); err != nil {
			return err
		}
	}
	late.judge(&c.report)
	found := false
	for _, row := range c.unexplained {
		if late.find(row.Seq) == nil {
			found = true
			c.report.add(ProblemRemoved, row.Seq, row.ID, "Der Inhalt fehlt, und kein Vermerk nennt ihn als nach Ablauf der Frist entfernt.")
		}
	}
	if c.crowded && !found {
		return errCrowded // of those that were not remembered nothing is known
	}
	return nil
}

func (c *check) meetAgain(ctx context.Context, late *removals, s span) error {
	for from := s.from; from <= s.to; {
		rows, err := c.viewer.reader.Rows(ctx, from, int(min(pageSize, s.to-from+1)))
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		for _, row := range rows {
			if row.Seq <= s.to && row.isStub() {
				late.meet(row)
			}
		}
		from = rows[len(rows)-1].Seq + 1
	}
	return nil
}

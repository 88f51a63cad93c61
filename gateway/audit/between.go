// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Point names a state of the record: by its size, or as it was at a time.
type Point struct {
	Size int64
	Time time.Time
}

// Stand is a state of the record with what was signed about it.
type Stand struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
	// Time is that of the checkpoint; absent where none of this size is kept.
	Time time.Time `json:"time,omitzero"`
	// Checkpoint is the signed text, where one of this size is kept.
	Checkpoint string `json:"checkpoint,omitempty"`
}

// Consistent shows that one state of the record is a beginning of another: in
// between, leaves were only added.
type Consistent struct {
	From Stand `json:"from"`
	To   Stand `json:"to"`
	// Proof are the hashes of RFC 6962, base64.
	Proof []string `json:"proof"`
	// Valid says that the proof holds for what is stored now.
	Valid bool `json:"valid"`
}

// Newest is the newest checkpoint, its signature checked; its Size is 0 while the
// record is empty.
func (v *Viewer) Newest(ctx context.Context) (Checkpoint, error) {
	c, _, err := v.newest(ctx)
	return c, err
}

// Between proves that the record only grew from one state to another. CodeNotFound:
// there was none at that time.
func (v *Viewer) Between(ctx context.Context, from, to Point) (Consistent, error) {
	_, stated, err := v.newest(ctx)
	if err != nil {
		return Consistent{}, err
	}
	var c Consistent
	if c.From, err = v.stand(ctx, from, stated.Size); err != nil {
		return Consistent{}, err
	}
	if to == (Point{}) { // now, which is not before the other one
		if _, stated, err = v.newest(ctx); err != nil {
			return Consistent{}, err
		}
		to.Size = stated.Size
	}
	if c.To, err = v.stand(ctx, to, stated.Size); err != nil {
		return Consistent{}, err
	}
	proof, err := v.Consistency(ctx, c.From.Size, c.To.Size)
	if err != nil {
		return Consistent{}, err
	}
	c.Proof = make([]string, 0, len(proof))
	for _, h := range proof {
		c.Proof = append(c.Proof, h.String())
	}
	old, errOld := tlog.ParseHash(c.From.Root)
	grown, errGrown := tlog.ParseHash(c.To.Root)
	c.Valid = errOld == nil && errGrown == nil && tlog.CheckTree(proof, c.To.Size, grown, c.From.Size, old) == nil
	return c, nil
}

// stand looks a state up. The root is the signed one, where there is one.
func (v *Viewer) stand(ctx context.Context, p Point, most int64) (Stand, error) {
	stored, err := v.stored(ctx, p)
	if err != nil {
		return Stand{}, err
	}
	if stored.Size > 0 {
		s, err := openCheckpoint(stored.Note, v.origin, v.trusted)
		if err != nil {
			return Stand{}, fmt.Errorf("checkpoint of %d: %w", stored.Size, err)
		}
		return Stand{Size: s.Size, Root: s.Root.String(), Time: stored.Time, Checkpoint: string(stored.Note)}, nil
	}
	if p.Size < 1 || p.Size > most {
		return Stand{}, &gateway.Error{Op: "prove consistency", Code: gateway.CodeNotFound, Message: "Zu diesem Zeitpunkt oder in dieser Größe gab es das Protokoll nicht."}
	}
	root, err := tlog.TreeHash(p.Size, v.hashes(ctx))
	if err != nil {
		return Stand{}, fmt.Errorf("root of the tree of %d: %w", p.Size, err)
	}
	return Stand{Size: p.Size, Root: root.String()}, nil
}

// stored is the checkpoint of a state; Size 0: none is kept.
func (v *Viewer) stored(ctx context.Context, p Point) (Checkpoint, error) {
	if !p.Time.IsZero() {
		return v.reader.CheckpointAt(ctx, p.Time)
	}
	list, err := v.reader.Checkpoints(ctx, p.Size, 1)
	if err != nil || len(list) == 0 || list[0].Size != p.Size {
		return Checkpoint{}, err
	}
	return list[0], nil
}

// Compare proves that every checkpoint kept elsewhere is a beginning of the record,
// without computing the leaves anew. What contradicts is a Problem of the report:
// the record was cut, set back or rewritten.
func (v *Viewer) Compare(ctx context.Context, kept ...[]byte) (VerifyReport, error) {
	report := VerifyReport{Origin: v.origin, Problems: []Problem{}}
	_, newest, err := v.newest(ctx)
	if err != nil {
		return report, err
	}
	report.Size, report.Root = newest.Size, newest.Root.String()
	statements := v.keptElsewhere(&report, kept)
	hashes := newHashCache(ctx, v.reader)
	for _, s := range statements {
		report.Checkpoints++
		report.Witnessed++
		if s.Size > newest.Size {
			report.add(ProblemTruncated, -1, "", "Das Protokoll hat %d Blätter; ein andernorts aufbewahrter Prüfpunkt bestätigt %d. Das Ende wurde entfernt.", newest.Size, s.Size)
			continue
		}
		if s.Size == 0 {
			continue
		}
		proof, err := tlog.ProveTree(newest.Size, s.Size, hashes)
		if err != nil {
			return report, fmt.Errorf("prove checkpoint of %d: %w", s.Size, err)
		}
		if tlog.CheckTree(proof, newest.Size, newest.Root, s.Size, s.Root) != nil {
			report.add(ProblemCheckpoint, -1, "", "Der andernorts aufbewahrte Prüfpunkt über %d Blätter ist kein Anfang des Protokolls: Blätter wurden nachträglich geändert oder das Protokoll wurde zurückgesetzt.", s.Size)
		}
	}
	return report, nil
}

// keptElsewhere reads checkpoints that a witness returned. One without a valid
// signature is a problem of the witness, and is said.
func (v *Viewer) keptElsewhere(report *VerifyReport, kept [][]byte) []statement {
	statements := make([]statement, 0, len(kept))
	for _, text := range kept {
		s, err := openCheckpoint(text, v.origin, v.trusted)
		if err != nil {
			report.add(ProblemWitness, -1, "", "Ein andernorts aufbewahrter Prüfpunkt trägt keine gültige Unterschrift dieses Protokolls.")
			continue
		}
		statements = append(statements, s)
	}
	slices.SortFunc(statements, func(a, b statement) int { return cmp.Compare(a.Size, b.Size) })
	return statements
}

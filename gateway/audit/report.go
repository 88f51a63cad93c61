// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import "fmt"

// VerifyReport is the result of a verification.
type VerifyReport struct { //nolint:recvcheck // a value to readers, a pointer only while it grows
	Origin string `json:"origin"`
	// Leaves is the number of leaves that were computed anew.
	Leaves int64 `json:"leaves"`
	// Removed is the number of leaves whose content was removed when its time was
	// over, as notes in the record say.
	Removed int64 `json:"removed"`
	// Unfinished is the number of entries without an end.
	Unfinished int `json:"unfinished"`
	// Checkpoints is the number of signed checkpoints that were compared.
	Checkpoints int `json:"checkpoints"`
	// Witnessed is the number of those that were kept elsewhere, WitnessError why
	// witnesses could not be asked: then nothing is said about them.
	Witnessed    int    `json:"witnessed"`
	WitnessError string `json:"witness_error,omitempty"`
	// Size and Root are those of the newest checkpoint.
	Size int64  `json:"size"`
	Root string `json:"root"`
	// Complete says that every leaf of the tree was looked at; always true
	// for a whole log without problems, rarely for an export.
	Complete bool      `json:"complete"`
	Problems []Problem `json:"problems"`
	// More is the number of problems beyond the first thousand.
	More int `json:"more,omitempty"`
}

// OK says that nothing was found.
func (r VerifyReport) OK() bool { return len(r.Problems) == 0 }

// Problem is one place where the log differs from what was signed.
type Problem struct {
	Kind ProblemKind `json:"kind"`
	// Seq is the number of the leaf, -1 where the problem concerns no single one.
	Seq int64 `json:"seq"`
	// ID is the id of the entry, where one is known.
	ID string `json:"id,omitempty"`
	// Text is German and for people.
	Text string `json:"text"`
}

func (p Problem) String() string {
	if p.Seq < 0 {
		return fmt.Sprintf("%s: %s", p.Kind, p.Text)
	}
	return fmt.Sprintf("%s: Blatt %d (Eintrag %s): %s", p.Kind, p.Seq, p.ID, p.Text)
}

// ProblemKind says what differs.
type ProblemKind string

// Kinds of problems.
const (
	ProblemLeaf       ProblemKind = "leaf"       // the bytes of a leaf and its hash
	ProblemColumn     ProblemKind = "column"     // a column and the bytes it was extracted from
	ProblemNode       ProblemKind = "node"       // a stored hash inside the tree
	ProblemMissing    ProblemKind = "missing"    // a leaf is gone
	ProblemTruncated  ProblemKind = "truncated"  // the log is shorter than a checkpoint says
	ProblemUncovered  ProblemKind = "uncovered"  // a leaf no checkpoint covers
	ProblemCheckpoint ProblemKind = "checkpoint" // a checkpoint that is invalid or contradicts the leaves
	ProblemPair       ProblemKind = "pair"       // an end without a beginning
	ProblemPending    ProblemKind = "pending"    // the list of entries without an end
	ProblemProof      ProblemKind = "proof"      // a proof of an export
	ProblemWitness    ProblemKind = "witness"    // a checkpoint kept elsewhere that is invalid
	ProblemSummary    ProblemKind = "summary"    // the counts of a block that lists show
	ProblemRemoved    ProblemKind = "removed"    // a content that is gone without a note, or is back in spite of one
)

const maxProblems = 1000

func (r *VerifyReport) add(kind ProblemKind, seq int64, id, format string, args ...any) {
	if len(r.Problems) >= maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, Problem{Kind: kind, Seq: seq, ID: id, Text: fmt.Sprintf(format, args...)})
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"io"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Chain is the record as a whole: its seal, its proof, its journal.
type Chain interface {
	// Checkpoint is the newest one; empty while the record is.
	Checkpoint(ctx context.Context) ([]byte, error)
	PublicKeys() []string
	Verify(ctx context.Context, earlier ...[]byte) (audit.VerifyReport, error)
	Export(ctx context.Context, w io.Writer, f audit.Filter) error
	Notes(ctx context.Context, f audit.NoteFilter) (audit.NotePage, error)
	// Note writes what somebody did; an error means: it must not be done.
	Note(ctx context.Context, n audit.Note) error
}

var _ Chain = (*audit.Log)(nil)

// Witness is somebody who keeps checkpoints elsewhere.
type Witness struct {
	Name string
	// Place is file or http.
	Place string
	// Time and Size are those of the newest checkpoint that is kept there; zero: none.
	Time time.Time
	Size int64
	// Problem is why the last attempt failed, in German.
	Problem string
}

// Continuity says whether the record of one day is the beginning of that of another.
type Continuity struct {
	From, To audit.Checkpoint
	// OK: recomputed, it is. Proof are the hashes that show it.
	OK    bool
	Proof []string
}

// RetentionState is how long contents are kept, and what was removed.
type RetentionState struct {
	// Floor, Ceiling and Notes in days; 0: no bound.
	Floor, Ceiling, Notes int
	// Holds that are in force.
	Holds int
	// Last is the time of the last run that removed something; zero: none yet.
	Last time.Time
	Text string
}

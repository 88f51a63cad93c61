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
	PublicKeys() []string
	Verify(ctx context.Context, earlier ...[]byte) (audit.VerifyReport, error)
	Export(ctx context.Context, w io.Writer, f audit.Filter) error
	Notes(ctx context.Context, f audit.NoteFilter) (audit.NotePage, error)
	// Newest is the newest checkpoint, Between proves that the record only grew from
	// one state to another.
	Newest(ctx context.Context) (audit.Checkpoint, error)
	Between(ctx context.Context, from, to audit.Point) (audit.Consistent, error)
}

var _ Chain = (*audit.Log)(nil)

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

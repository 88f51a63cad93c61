// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package postgres

import (
	"context"
	"time"
)

// Grace is how long a writer may be silent.
const Grace = grace

// SetGrace sets how long a writer may be silent.
func (s *Store) SetGrace(d time.Duration) { s.grace = d }

// SetClock sets the clock by which silence is measured.
func (s *Store) SetClock(now func() time.Time) { s.now = now }

// Gone says that a writer shows no sign of life now.
func (s *Store) Gone(ctx context.Context, writer string) (bool, error) { return s.gone(ctx, writer) }

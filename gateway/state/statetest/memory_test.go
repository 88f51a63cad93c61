// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package statetest_test

import (
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/state"
	"github.com/ki-schleuse/schleuse/gateway/state/statetest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	s := statetest.Memory()
	statetest.Run(t, func(*testing.T) state.Store { return s })
}

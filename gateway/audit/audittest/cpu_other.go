// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

//go:build !unix

package audittest

import "testing"

// reportCPU only runs: the processor time is not known here.
func reportCPU(_ *testing.B, run func()) { run() }

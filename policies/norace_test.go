// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

//go:build !race

package policies

// raceEnabled says that the race detector makes everything many times slower.
const raceEnabled = false

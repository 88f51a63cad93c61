// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

// policyRoutes is what rules: policies, their release, the proof of the record.
func (u *UI) policyRoutes() []route { return nil }

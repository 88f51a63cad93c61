// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

// registerRoutes is what is documented and set up: classes under the AI Act, the register, models, tenants, the system.
func (u *UI) registerRoutes() []route { return nil }

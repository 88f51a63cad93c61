// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import "github.com/ki-schleuse/schleuse/gateway"

// CompactFrom sets the number of slots from which dead ones are cleared away.
func (s *Store) CompactFrom(slots int) { s.compact = slots }

// Slots is the number of slots of a tenant, live and dead.
func (s *Store) Slots(id gateway.TenantID) int { return len(s.tenant(id).memory.ids) }

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

func TestMemoryTickets(t *testing.T) {
	t.Parallel()
	identitytest.RunTickets(t, func(testing.TB) identitytest.AttachTickets {
		m := identity.NewMemoryTickets()
		return func(testing.TB) identity.TicketStore { return m }
	})
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"net/http"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Of two credentials in one request none is taken silently.
func TestTwoAuthorizationsAreRefused(t *testing.T) {
	t.Parallel()
	d, err := identity.New(identity.Config{Pepper: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	for want, values := range map[gateway.Code][]string{
		gateway.CodeInvalid:         {"Bearer slz_a", "Bearer slz_b"},
		gateway.CodeUnauthenticated: {"Bearer slz_a"},
	} {
		_, err := d.Authenticate(t.Context(), &http.Request{Header: http.Header{"Authorization": values}})
		if gateway.CodeOf(err) != want {
			t.Errorf("%d headers: %v, want %s", len(values), err, want)
		}
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"strings"
	"testing"
)

// Where persons sign in at a provider, the output of the service lets nobody in.
func TestLoginLinksOnlyWithoutAProvider(t *testing.T) {
	t.Parallel()
	p := setup(t, "").parts
	var out strings.Builder
	if err := printLogins(t.Context(), &out, p, "http://127.0.0.1:1"); err != nil || strings.Count(out.String(), "http://127.0.0.1:1/login?t=") != len(p.config.Tenants) {
		t.Errorf("without a provider: %v, %q", err, out.String())
	}
	p.config.SignIn.Issuer = "https://anmeldung.example"
	out.Reset()
	if err := printLogins(t.Context(), &out, p, "http://127.0.0.1:1"); err != nil || out.String() != "" {
		t.Errorf("with a provider: %v, %q", err, out.String())
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Tenants of a new configuration may do at once what they may do, and one that
// was suspended in between stays so: policies and limits follow the directory
// whatever comes first.
func TestReloadTakesTheTenantsAlong(t *testing.T) {
	t.Parallel()
	r := serveTown(t)
	text, id, hash := identity.NewKey("test", derive(r.config.secret, "api keys"))
	next := r.config
	next.Tenants = append(slices.Clone(r.config.Tenants), identity.Tenant{
		ID: "altstadt", Name: "Stadt Altstadt", Active: true,
		Systems: []identity.System{{ID: "woga", Name: "WOGA", Channel: gateway.ChannelCaseworker, Keys: []identity.Key{{
			ID: id, Hash: hash, Expires: time.Now().Add(time.Hour), Purposes: demoPurposes(),
		}}}},
	})
	r.next.Store(&next)
	if err := r.service.reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.key = text
	answer, err := r.chat(t.Context(), "modell", false)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the new tenant's request: %s", answer.Status)
	}
}

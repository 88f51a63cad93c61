// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
)

// BenchmarkToken shows what a token costs beside an API key.
func BenchmarkToken(b *testing.B) {
	issuer := identitytest.StartIssuer(b)
	text, id, hash := identity.NewKey("test", pepper)
	tokens := map[string]string{"key": text}
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		tokens[algorithm] = issuer.Add(b, algorithm, algorithm).Sign(b, nil, map[string]any{
			"iss": issuer.URL, "aud": "a", "sub": "s", "iat": now.Unix(), "exp": now.Unix() + 3600,
		})
	}
	tenants := doorTenants()[:1]
	tenants[0].Systems[0].Keys = []identity.Key{{ID: id, Hash: hash, Expires: now.Add(time.Hour)}}
	c, err := identity.Access{OIDC: []identity.Issuer{{
		Issuer: issuer.URL, Audience: "a", CA: []string{issuer.CA}, Tenant: "tannberg", System: "woga", Purposes: []gateway.Purpose{"chat"},
	}}}.Extend(identity.Config{Pepper: pepper, Now: func() time.Time { return now }, Tenants: tenants})
	if err != nil {
		b.Fatal(err)
	}
	d, err := identity.New(c)
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"key", "RS256", "PS256", "ES256", "EdDSA"} {
		b.Run(name, func(b *testing.B) {
			r := request(tokens[name])
			for b.Loop() {
				if _, err := d.Authenticate(b.Context(), r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// A tenant chooses among the frames of the operator; it adds none.
func TestTenantsNarrowTheFrames(t *testing.T) {
	t.Parallel()
	l := openLanding(t)
	const other = "https://gewan.example"
	for name, c := range map[string]struct {
		own    []string
		origin string
		want   gateway.Code
	}{
		"says nothing":        {nil, wogaOrigin, ""},
		"chose this one":      {[]string{wogaOrigin}, wogaOrigin, ""},
		"chose another one":   {[]string{other}, wogaOrigin, gateway.CodeDenied},
		"chose none":          {[]string{}, wogaOrigin, gateway.CodeDenied},
		"no frame is wanted":  {[]string{}, "", ""},
		"cannot add a frame":  {[]string{"https://fremd.example"}, "https://fremd.example", gateway.CodeDenied},
		"chose both of those": {[]string{other, wogaOrigin}, other, ""},
	} {
		launches, err := identity.NewLaunches(identity.LaunchConfig{
			Store: identity.NewMemoryTickets(), Directory: func() *identity.Directory { return l.current }, Key: pepper, Now: l.clock.now,
			Origins: []string{wogaOrigin, other}, Narrow: func(gateway.TenantID) []string { return c.own },
		})
		if err != nil {
			t.Fatal(err)
		}
		w := wish()
		w.Origin = c.origin
		if _, _, err := launches.Issue(t.Context(), l.caller, w); gateway.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want the code %q", name, err, c.want)
		}
	}
}

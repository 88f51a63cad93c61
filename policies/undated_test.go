// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"maps"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Days are compared as texts. A release whose days are written in another form must
// release nothing: neither begin too early nor go on for ever.
func TestDaysInAnotherFormReleaseNothing(t *testing.T) {
	t.Parallel()
	_, g := corpus(t)
	q, tenants := releasedCase(t, g)
	base := tenants[q.Request.Caller.Tenant]
	for name, days := range map[string]struct {
		from, to string
		allowed  bool
	}{
		"as they are":            {base.Releases[0].ValidFrom, base.Releases[0].ValidTo, true},
		"begins in German":       {"01.12.2019", "", false},
		"ends in German":         {base.Releases[0].ValidFrom, "31.12.2025", false},
		"begins with a word":     {"ab sofort", "", false},
		"ends with a month":      {base.Releases[0].ValidFrom, "2099-12", false},
		"a day that is no day":   {"2020-02-30", "", false},
		"begins with a moment":   {"2020-01-01T00:00:00Z", "", false},
		"ends in a year to come": {base.Releases[0].ValidFrom, "2099-12-31", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := base
			own.Releases = append([]Release{}, base.Releases...)
			for i := range own.Releases {
				own.Releases[i].ValidFrom, own.Releases[i].ValidTo = days.from, days.to
			}
			changed := maps.Clone(tenants)
			changed[q.Request.Caller.Tenant] = own
			e, err := New(t.Context(), g.config(nil))
			if err != nil {
				t.Fatal(err)
			}
			if err := e.SetTenants(t.Context(), changed); err != nil {
				t.Fatal(err)
			}
			if d := mustDecide(t, e, q); d.Allowed() != days.allowed {
				t.Errorf("from %q to %q: %v, want %v", days.from, days.to, d.Allowed(), days.allowed)
			}
		})
	}
}

// releasedCase is a golden case that is allowed because its tenant has released a
// high-risk purpose.
func releasedCase(t *testing.T, g golden) (gateway.Question, map[gateway.TenantID]Tenant) {
	t.Helper()
	e, err := New(t.Context(), g.config(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range g.cases {
		if d := mustDecide(t, e, c.question); d.Allowed() && d.Risk.Class == "high_risk" {
			return c.question, withOwn(g, func(gateway.TenantID) []string { return nil })
		}
	}
	t.Fatal("no golden case is released")
	return gateway.Question{}, nil
}

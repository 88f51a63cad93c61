// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// A key that was made for services is used for one of them: the only one is
// meant without a word, one of several has to be named.
func TestServicesOfAKey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		services []gateway.ServiceID
		service  gateway.ServiceID
		want     gateway.ServiceID // in the record; empty: refused
	}{
		"the only one":   {[]gateway.ServiceID{"wohngeld"}, "", "wohngeld"},
		"one of several": {[]gateway.ServiceID{"wohngeld", "bauantrag"}, "bauantrag", "bauantrag"},
		"none named":     {[]gateway.ServiceID{"wohngeld", "bauantrag"}, "", ""},
		"another one":    {[]gateway.ServiceID{"wohngeld"}, "bauantrag", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, g := setup(t)
			r := chat(t, "x")
			r.Caller.Services, r.Service = c.services, c.service
			_, err := g.Complete(t.Context(), r)
			if c.want == "" {
				if gateway.CodeOf(err) != gateway.CodeDenied || p.sent != "" || len(p.records) != 1 {
					t.Errorf("error %v, sent %q, %d records", err, p.sent, len(p.records))
				}
				return
			}
			if err != nil || p.records[0].Service != c.want {
				t.Errorf("error %v, records %+v", err, p.records)
			}
		})
	}
}

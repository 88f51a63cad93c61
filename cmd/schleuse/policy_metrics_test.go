// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway/telemetry"
)

func TestShadowMetric(t *testing.T) {
	t.Parallel()
	tel, err := telemetry.New(t.Context(), telemetry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := &parts{ground: &ground{telemetry: tel}}
	if p.shadowed, err = newShadowMetric(tel); err != nil {
		t.Fatal(err)
	}
	p.shadowObserved("newly_denied")
	p.shadowObserved("newly_denied")
	w := httptest.NewRecorder()
	tel.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`schleuse_policy_shadow_comparisons_total{outcome="newly_denied"} 2`, `schleuse_policy_shadow_comparisons_total{outcome="newly_allowed"} 0`,
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("/metrics does not say %s", want)
		}
	}
}

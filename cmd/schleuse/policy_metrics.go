// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ki-schleuse/schleuse/gateway/telemetry"
)

// shadowOutcomes are what can become of a comparison in the shadow. No tenant is a
// label: their number has no bound.
var shadowOutcomes = [...]string{"same", "newly_denied", "newly_allowed", "changed", "error"}

// newShadowMetric counts the comparisons of a draft with the policies in force, by
// what differs. It lives as long as the process: a new configuration goes on counting.
func newShadowMetric(t *telemetry.Telemetry) (*prometheus.CounterVec, error) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "schleuse_policy_shadow_comparisons_total", Help: "Decisions that a draft in the shadow was asked about, by what differs.",
	}, []string{"outcome"})
	for _, outcome := range shadowOutcomes {
		c.WithLabelValues(outcome) // shown from the beginning, so that a first difference is an increase
	}
	if err := t.Register(c); err != nil {
		return nil, fmt.Errorf("count differences in the shadow: %w", err)
	}
	return c, nil
}

// shadowObserved counts a comparison.
func (p *parts) shadowObserved(outcome string) { p.shadowed.WithLabelValues(outcome).Inc() }

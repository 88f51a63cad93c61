// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package router

import (
	"maps"
	"slices"
)

// WithDefaults is the configuration as it is in force: with everything that was left
// out. Open does the same, so that what is shown is what counts.
func (c Config) WithDefaults() Config {
	c.Breaker, c.Retry = c.Breaker.withDefaults(), c.Retry.withDefaults()
	c.Sticky, c.Health = c.Sticky.withDefaults(), c.Health.withDefaults()
	c.Hedge = c.Hedge.withDefaults()
	c.Catalogue = c.Catalogue.withDefaults() //nolint:staticcheck // c.withDefaults would read as all defaults
	return c
}

func (h Hedge) withDefaults() Hedge {
	standard(&h.Share, 0.05)
	return h
}

// withDefaults gives each model, endpoint and group what it inherits.
func (c Catalogue) withDefaults() Catalogue {
	if c.Strategy == "" {
		c.Strategy = StrategySovereignty
	}
	c.Limits = c.Limits.withDefaults()
	c.Models, c.Groups, c.Endpoints = slices.Clone(c.Models), slices.Clone(c.Groups), maps.Clone(c.Endpoints)
	for i := range c.Models {
		c.Models[i].Limits = c.Models[i].Limits.or(c.Limits)
	}
	for i := range c.Groups {
		if c.Groups[i].Strategy == "" {
			c.Groups[i].Strategy = c.Strategy
		}
	}
	for name, l := range c.Endpoints {
		c.Endpoints[name] = l.withDefaults()
	}
	return c
}

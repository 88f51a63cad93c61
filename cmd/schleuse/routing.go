// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/router"
)

// RoutingConfig says how one of several permitted models is chosen and how
// servers are treated.
type RoutingConfig struct {
	// Strategy is sovereignty (default), cost, latency, weight or order.
	Strategy router.Strategy `yaml:"strategy"`
	// Groups are names for several models, for example schleuse/klein.
	Groups []GroupConfig `yaml:"groups"`
	// Limits of every model that has none of its own; Endpoints those of all
	// models of an endpoint together.
	Limits    PlacesConfig            `yaml:"limits"`
	Endpoints map[string]PlacesConfig `yaml:"endpoints"`
	Breaker   BreakerConfig           `yaml:"breaker"`
	Retry     RetryConfig             `yaml:"retry"`
	Hedge     HedgeConfig             `yaml:"hedge"`
	// Sticky is how long a conversation stays at its model, default 30m; negative: not at all.
	Sticky time.Duration `yaml:"sticky"`
	// HealthEvery is the time between two looks at idle servers, default 10s.
	HealthEvery time.Duration `yaml:"health_every"`
}

// GroupConfig is a name for several models.
type GroupConfig struct {
	Name     gateway.ModelID   `yaml:"name"`
	Models   []gateway.ModelID `yaml:"models"`
	Strategy router.Strategy   `yaml:"strategy"`
	Loose    bool              `yaml:"loose"`
	// HedgeAfter is how long a request waits for content before another model of the
	// group is asked beside the first; left out: what the models say.
	HedgeAfter time.Duration `yaml:"hedge_after"`
}

// PlacesConfig bounds what is sent to a model at once.
type PlacesConfig struct {
	Concurrent int           `yaml:"concurrent"`
	Queue      int           `yaml:"queue"`
	Wait       time.Duration `yaml:"wait"`
}

func (p PlacesConfig) limits() router.Limits { return router.Limits(p) }

// BreakerConfig says when a server is left alone; zero values take the defaults.
type BreakerConfig struct {
	Window      time.Duration `yaml:"window"`
	Rate        float64       `yaml:"rate"`
	Requests    int           `yaml:"requests"`
	Consecutive int           `yaml:"consecutive"`
	Open        time.Duration `yaml:"open"`
	MaxOpen     time.Duration `yaml:"max_open"`
}

// RetryConfig says how often a request is tried again; zero values take the defaults.
type RetryConfig struct {
	Tries    int           `yaml:"tries"`
	Pause    time.Duration `yaml:"pause"`
	MaxPause time.Duration `yaml:"max_pause"`
	Share    float64       `yaml:"share"`
}

// HedgeConfig bounds how many requests go a second way because the first is slow.
type HedgeConfig struct {
	// Share of the requests for which hedge_after is set, default 0.05.
	Share float64 `yaml:"share"`
}

// routing is the configuration of the router.
func (c *Config) routing() router.Config {
	r := c.Routing
	out := router.Config{
		Catalogue: router.Catalogue{Models: c.entries(), Strategy: r.Strategy, Limits: r.Limits.limits(), Endpoints: map[string]router.Limits{}},
		Breaker: router.Breaker{
			Window: r.Breaker.Window, Rate: r.Breaker.Rate, Requests: r.Breaker.Requests, Consecutive: r.Breaker.Consecutive,
			Open: r.Breaker.Open, MaxOpen: r.Breaker.MaxOpen,
		},
		Retry:  router.Retry{Tries: r.Retry.Tries, Pause: r.Retry.Pause, MaxPause: r.Retry.MaxPause, Share: r.Retry.Share},
		Hedge:  router.Hedge{Share: r.Hedge.Share},
		Sticky: router.Sticky{TTL: r.Sticky},
		Health: router.Health{Interval: r.HealthEvery},
	}
	for _, g := range r.Groups {
		out.Groups = append(out.Groups, router.Group{Name: g.Name, Models: g.Models, Strategy: g.Strategy, Loose: g.Loose, HedgeAfter: g.HedgeAfter})
	}
	for name, limits := range r.Endpoints {
		out.Endpoints[name] = limits.limits()
	}
	return out
}

// ping asks an endpoint whether it is there. Servers of tools tell by their list.
func (p *parts) ping(ctx context.Context, endpoint string) error {
	if _, ok := p.config.Endpoints[endpoint]; !ok {
		return nil
	}
	err := p.upstream.Ping(ctx, endpoint)
	var known *gateway.Error
	if errors.As(err, &known) && known.Code == gateway.CodeUpstream {
		// It answered. That it does not like the question says nothing of its health.
		p.logger.LogAttrs(ctx, slog.LevelDebug, "endpoint refused the health check", slog.String("endpoint", endpoint))
		return nil
	}
	return err
}

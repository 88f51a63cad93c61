// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// What stands for what a configuration leaves out, as far as no package has it.
const (
	defaultListen   = "127.0.0.1:8080"
	defaultData     = "data"
	defaultOrigin   = "ki-schleuse"
	defaultShutdown = 2 * time.Minute
	defaultKind     = "openai"
	witnessEvery    = time.Hour
	toolTimeout     = 30 * time.Second
	usageRetention  = 400 * 24 * time.Hour
	policyPoll      = time.Minute
	policySigners   = 2
)

// withDefaults is the configuration as it is in force. It is what is printed, what the
// system page shows and what the parts are built from. It shares nothing with c that
// it changes.
func (c Config) withDefaults() Config {
	c.Listen, c.Data, c.Origin = cmp.Or(c.Listen, defaultListen), cmp.Or(c.Data, defaultData), cmp.Or(c.Origin, defaultOrigin)
	c.Drain = c.drainTime()
	if c.Shutdown <= 0 {
		c.Shutdown = defaultShutdown
	}
	c.Telemetry.Sample = cmp.Or(c.Telemetry.Sample, 1)
	c.AccessLog.Ceiling = cmp.Or(c.AccessLog.Ceiling, Days(accesslog.DefaultCeiling))
	c.Record = c.Record.withDefaults()
	c.Policies = c.Policies.withDefaults()
	c.Quota.Budgets, c.Quota.Rates = cmp.Or(c.Quota.Budgets, quota.Refuse), cmp.Or(c.Quota.Rates, quota.Allow)
	if c.Quota.Retention <= 0 {
		c.Quota.Retention = usageRetention
	}
	c.Identity.OIDC = slices.Clone(c.Identity.OIDC)
	for i := range c.Identity.OIDC {
		c.Identity.OIDC[i] = c.Identity.OIDC[i].WithDefaults()
	}
	c.Sources = slices.Clone(c.Sources)
	for i := range c.Sources {
		if c.Sources[i].Every <= 0 {
			c.Sources[i].Every = defaultSyncEvery
		}
	}
	c.ToolServers = slices.Clone(c.ToolServers)
	for i := range c.ToolServers {
		if c.ToolServers[i].Timeout <= 0 {
			c.ToolServers[i].Timeout = toolTimeout
		}
	}
	c.Endpoints = maps.Clone(c.Endpoints)
	for name, e := range c.Endpoints {
		c.Endpoints[name] = e.withDefaults()
	}
	return c.routed()
}

func (c RecordConfig) withDefaults() RecordConfig {
	c.Before = cmp.Or(c.Before, beforeAnswer)
	c.Floor = cmp.Or(c.Floor, Days(audit.HighRiskFloor*24*time.Hour))
	if c.WitnessEvery <= 0 {
		c.WitnessEvery = witnessEvery
	}
	c.Witnesses = slices.Clone(c.Witnesses)
	for i, w := range c.Witnesses {
		if w.URL != "" {
			c.Witnesses[i].Method = cmp.Or(w.Method, http.MethodPut)
		}
	}
	return c
}

func (c PoliciesConfig) withDefaults() PoliciesConfig {
	c.Source, c.Poll, c.Require = cmp.Or(c.Source, release.SourceEmbedded), cmp.Or(c.Poll, policyPoll), cmp.Or(c.Require, policySigners)
	return c
}

func (e EndpointConfig) withDefaults() EndpointConfig {
	e.Kind = cmp.Or(e.Kind, defaultKind)
	clocks := e.clocks().WithDefaults()
	e.Connect, e.FirstByte, e.Idle, e.Total = clocks.Connect, clocks.FirstByte, clocks.Idle, clocks.Total
	return e
}

// routed has what the router makes of models, groups and limits.
func (c Config) routed() Config {
	in := c.routing()
	out := in.WithDefaults()
	r := &c.Routing
	r.Strategy, r.Limits = out.Strategy, placesOf(out.Limits)
	r.Breaker = BreakerConfig{
		Window: out.Breaker.Window, Rate: out.Breaker.Rate, Requests: out.Breaker.Requests, Consecutive: out.Breaker.Consecutive,
		Open: out.Breaker.Open, MaxOpen: out.Breaker.MaxOpen,
	}
	r.Retry = RetryConfig{Tries: out.Retry.Tries, Pause: out.Retry.Pause, MaxPause: out.Retry.MaxPause, Share: out.Retry.Share}
	r.Hedge.Share, r.Sticky, r.HealthEvery = out.Hedge.Share, out.Sticky.TTL, out.Health.Interval
	r.Groups = slices.Clone(r.Groups)
	for i := range r.Groups {
		r.Groups[i].Strategy = out.Groups[i].Strategy
	}
	r.Endpoints = maps.Clone(r.Endpoints)
	for name, l := range out.Endpoints {
		r.Endpoints[name] = placesOf(l)
	}
	c.Models = slices.Clone(c.Models)
	for i := range c.Models {
		c.Models[i].Limits = placesOf(out.Models[i].Limits)
		c.Models[i].Upstream = cmp.Or(c.Models[i].Upstream, string(c.Models[i].ID))
	}
	return c
}

func placesOf(l router.Limits) PlacesConfig { return PlacesConfig(l) }

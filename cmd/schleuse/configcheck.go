// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/mcp"
	"github.com/ki-schleuse/schleuse/gateway/router"
	"github.com/ki-schleuse/schleuse/gateway/upstream"
	"github.com/ki-schleuse/schleuse/policies"
	"github.com/ki-schleuse/schleuse/policies/release"
)

// Validate names every mistake at once, each with its place.
func (c *Config) Validate() error {
	problems := []error{c.validateListen(), c.validateSecret(), c.validateAddresses(), c.Record.validate()}
	problems = append(problems, c.validateModels()...)
	problems = append(problems, c.validateSources()...)
	problems = append(problems, c.validateDays()...)
	problems = append(problems, c.validateVault(), c.validateEnvironment(), c.Identity.Validate(), c.SignIn.Validate(), c.Policies.validate(), c.PriceList.validate())
	if _, err := c.toolClient(mcp.ClientConfig{}); err != nil {
		problems = append(problems, err)
	}
	if err := c.Limits.Validate(); err != nil {
		problems = append(problems, prefixed("limits.", err))
	}
	checked := *c
	if checked.secret == nil {
		checked.secret = make([]byte, 32) // there is none yet; tenants can be checked all the same
	}
	if _, err := identity.New(tenantConfig(checked, nil, slog.New(slog.DiscardHandler))); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// prefixed puts the place in the file before each of several mistakes.
func prefixed(place string, err error) error {
	several, ok := err.(interface{ Unwrap() []error }) // only what joins itself, not what wraps a join
	if !ok {
		return say("%s%s", place, err)
	}
	var out []error
	for _, one := range several.Unwrap() {
		out = append(out, prefixed(place, one))
	}
	return errors.Join(out...)
}

// validateModels: the servers, what stands in the catalogue, and how it is chosen from.
func (c *Config) validateModels() []error {
	var problems []error
	for i, m := range c.Models {
		e, ok := c.Endpoints[m.Endpoint]
		if !ok {
			problems = append(problems, fmt.Errorf("models[%d] %s: Der Endpunkt %q steht nicht unter endpoints.", i, m.ID, m.Endpoint))
			continue
		}
		for _, o := range m.Operations {
			if !upstream.Offers(e.Kind, o) {
				problems = append(problems, fmt.Errorf("models[%d] %s: Server der Art %q bieten %q nicht an; die Angabe unter operations prüfen.", i, m.ID, cmp.Or(e.Kind, "openai"), o))
			}
		}
	}
	endpoints, err := c.upstreams()
	problems = append(problems, err, upstream.Config{Endpoints: endpoints}.Validate())
	if _, err := router.Open(c.routing()); err != nil {
		problems = append(problems, inRouting(err))
	}
	if id := c.Embeddings.Model; id != "" && !slices.ContainsFunc(c.Models, func(m ModelConfig) bool { return m.ID == id || slices.Contains(m.Aliases, id) }) {
		problems = append(problems, fmt.Errorf("embeddings.model: Das Modell %q steht nicht unter models.", id))
	}
	return problems
}

// inRouting: what the router says of anything but models stands under routing.
func inRouting(err error) error {
	several, ok := err.(interface{ Unwrap() []error }) // only what joins itself, not what wraps a join
	switch {
	case ok:
		var out []error
		for _, one := range several.Unwrap() {
			out = append(out, inRouting(one))
		}
		return errors.Join(out...)
	case strings.HasPrefix(err.Error(), "models["):
		return err
	}
	return prefixed("routing.", err)
}

// validateEnvironment: variables that are named where nothing else looks.
func (c *Config) validateEnvironment() error {
	var problems []error
	if _, err := fromEnvironment(c.Database); err != nil {
		problems = append(problems, sayAt("database", err))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Telemetry.Headers)) {
		if _, err := fromEnvironment(c.Telemetry.Headers[name]); err != nil {
			problems = append(problems, sayAt("telemetry.headers."+name, err))
		}
	}
	return errors.Join(problems...)
}

// validateAddresses: where operators and browsers reach the gateway.
func (c *Config) validateAddresses() error {
	var problems []error
	if _, _, err := net.SplitHostPort(c.AdminListen); c.AdminListen != "" && err != nil {
		problems = append(problems, fmt.Errorf("admin_listen: %q hat nicht die Form RECHNER:PORT.", c.AdminListen))
	}
	if c.SignIn.Enabled() && c.PublicURL == "" {
		problems = append(problems, errors.New("public_url: Diese Angabe fehlt; zu ihr kehren die Personen nach der Anmeldung (sign_in) zurück."))
	}
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		problems = append(problems, fmt.Errorf("public_url: %q ist keine Adresse wie https://schleuse.example.", c.PublicURL))
	}
	return errors.Join(problems...)
}

// unknownNames are services and purposes of releases and duties that catalogue and
// rules do not know. A slip of the pen would release, or keep, nothing. Rules can
// change while the service runs, so that these names do not keep it from starting.
func (c *Config) unknownNames(known vocabulary) []error {
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(c.Releases)) {
		if !c.hasTenant(id) {
			problems = append(problems, fmt.Errorf("releases.%s: Den Mandanten %q gibt es unter tenants nicht.", id, id))
		}
		for i, r := range c.Releases[id] {
			problems = append(problems, known.release(fmt.Sprintf("releases.%s[%d]", id, i), r)...)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Duties)) {
		if !c.hasTenant(id) {
			problems = append(problems, fmt.Errorf("duties.%s: Den Mandanten %q gibt es unter tenants nicht.", id, id))
		}
		problems = append(problems, known.duties(fmt.Sprintf("duties.%s", id), c.Duties[id])...)
	}
	return problems
}

// validateWholly is Validate with the names that only catalogue and rules know.
func (c *Config) validateWholly(ctx context.Context) error {
	err := c.Validate()
	if len(c.Releases)+len(c.Duties) == 0 {
		return err
	}
	catalog, problem := loadServices(ctx)
	if problem != nil {
		return errors.Join(err, problem)
	}
	known := vocabulary{services: catalog.Cards()}
	if c.Policies.Source == "" || c.Policies.Source == release.SourceEmbedded {
		engine, problem := policies.New(ctx, policies.Config{Services: known.services, Timeout: policyTimeout, Logger: slog.New(slog.DiscardHandler)})
		if problem != nil {
			return errors.Join(err, problem)
		}
		known.purpose = engine.KnowsPurpose
	}
	return errors.Join(append([]error{err}, c.unknownNames(known)...)...)
}

// noteUnknownNames says in the log what the rules in force do not know.
func (p *parts) noteUnknownNames(ctx context.Context) {
	for _, problem := range p.config.unknownNames(vocabulary{services: p.catalog.Cards(), purpose: p.engine.KnowsPurpose}) {
		p.logger.LogAttrs(ctx, slog.LevelWarn, "configuration names what is not known", slog.String("problem", problem.Error()))
	}
}

// vocabulary is what services and purposes can be called.
type vocabulary struct {
	services []gateway.ServiceCard
	// purpose is nil where the rules come from elsewhere: they may know others.
	purpose func(gateway.Purpose) bool
}

func (v vocabulary) serviceIn(place string, id gateway.ServiceID) []error {
	var names []string
	for _, card := range v.services {
		if card.ID == id {
			return nil
		}
		names = append(names, string(card.ID))
	}
	return []error{fmt.Errorf("%s: Die Leistung %q gibt es nicht%s.", place, id, meant(string(id), names))}
}

func (v vocabulary) purposeIn(place string, p gateway.Purpose) []error {
	if v.purpose == nil || v.purpose(p) {
		return nil
	}
	return []error{fmt.Errorf("%s: Den Zweck %q kennen die Regeln nicht.", place, p)}
}

func (v vocabulary) release(place string, r policies.Release) []error {
	problems := v.serviceIn(place+".service", r.Service)
	for i, p := range r.Purposes {
		problems = append(problems, v.purposeIn(fmt.Sprintf("%s.purposes[%d]", place, i), p)...)
	}
	return problems
}

func (v vocabulary) duties(place string, d policies.TenantDuties) []error {
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(d.Roles)) {
		problems = append(problems, v.serviceIn(place+".roles."+string(id), id)...)
	}
	for _, p := range slices.Sorted(maps.Keys(d.KeepContent)) {
		problems = append(problems, v.purposeIn(place+".keep_content."+string(p), p)...)
	}
	return problems
}

// validateListen: without TLS only on the loopback address or behind a proxy.
func (c *Config) validateListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %q hat nicht die Form RECHNER:PORT.", c.Listen)
	}
	if c.TLS.Cert != "" && c.TLS.Key != "" || c.BehindProxy {
		return nil
	}
	if addr, err := netip.ParseAddr(host); host == "localhost" || err == nil && addr.IsLoopback() {
		return nil
	}
	return fmt.Errorf("listen: %s ist von außen erreichbar; dazu gehören tls.cert und tls.key, oder behind_proxy: true, wenn ein Proxy davor TLS beendet.", c.Listen)
}

func (c *Config) validateSecret() error {
	if c.secret != nil {
		return nil
	}
	if c.SecretFile == "" {
		return say("secret_file: Diese Angabe fehlt. Eine Datei mit dem Geheimnis schreibt: head -c 48 /dev/urandom > secret && chmod 600 secret")
	}
	info, err := os.Stat(c.SecretFile)
	if err != nil {
		return sayAt("secret_file", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return say("secret_file: Die Datei %s ist für andere lesbar; schützen Sie sie mit chmod 600.", c.SecretFile)
	}
	secret, err := os.ReadFile(c.SecretFile)
	if err != nil {
		return sayAt("secret_file", err)
	}
	if len(secret) < 32 {
		return say("secret_file: Die Datei %s hat %d Byte; nötig sind mindestens 32.", c.SecretFile, len(secret))
	}
	c.secret = secret
	return nil
}

func (c *Config) validateSources() []error {
	var problems []error
	seen := map[string]bool{}
	for i, s := range c.Sources {
		at := fmt.Sprintf("sources[%d] %s", i, s.Name)
		if s.Name == "" || seen[string(s.Tenant)+"/"+s.Name] {
			problems = append(problems, fmt.Errorf("%s: Der Name fehlt oder steht bei diesem Mandanten doppelt.", at))
		}
		seen[string(s.Tenant)+"/"+s.Name] = true
		if _, ok := sourceKinds[s.Kind]; !ok {
			problems = append(problems, fmt.Errorf("%s: Die Art %q unter kind ist nicht bekannt; es gibt: %s.", at, s.Kind, strings.Join(sourceKindNames(), ", ")))
		}
		if !c.hasTenant(s.Tenant) {
			problems = append(problems, fmt.Errorf("%s: Den Mandanten %q gibt es unter tenants nicht.", at, s.Tenant))
		}
	}
	return problems
}

func (c *Config) hasTenant(id gateway.TenantID) bool {
	for _, t := range c.Tenants {
		if t.ID == id {
			return true
		}
	}
	return false
}

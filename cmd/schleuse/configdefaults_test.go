// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/ki-schleuse/schleuse/gateway/router"
)

// What config print shows, what the system page shows and what the parts are built
// from is one thing, field by field; nothing in it is a zero that means something else.
func TestPrintedConfigurationIsTheOneInForce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	secret, file := filepath.Join(folder, "secret"), filepath.Join(folder, "schleuse.yaml")
	if err := os.WriteFile(secret, randomSecret(), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "secret_file: " + secret + `
listen: 127.0.0.1:0
endpoints:
  haus: {url: "http://127.0.0.1:9/v1"}
models:
  - {id: klein, endpoint: haus, residency: own_datacentre, operations: [chat]}
routing:
  groups: [{name: alle, models: [klein]}]
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, printed, errOut := schleuse(t, "config", "print", "--config", file)
	if code != exitFine {
		t.Fatal(errOut)
	}
	for _, want := range []string{
		"shutdown: 2m0s", "floor: 183d", "before: answer", "witness_every: 1h0m0s", "sample: 1.0", "kind: openai", "first_byte: 2m0s", "total: 15m0s", "strategy: sovereignty",
		"queue: 128", "wait: 5s", "sticky: 30m0s", "health_every: 10s", "tries: 3", "share: 0.05", "budgets_without_store: refuse", "rates_without_store: allow",
		"usage_retention: 9600h0m0s", "ceiling: 180d", "source: embedded", "poll: 1m0s", "require: 2", "upstream: klein", "origin: ki-schleuse",
	} {
		if !strings.Contains(printed, want) {
			t.Errorf("%q does not stand in what is printed", want)
		}
	}
	c, err := validConfig(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := build(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	again, err := parseConfig([]byte(printed))
	if err != nil {
		t.Fatal(err)
	}
	sameFields(t, "printed", p.config, again)
	page, err := systemBook{p}.configuration()
	if err != nil {
		t.Fatal(err)
	}
	if again, err = parseConfig([]byte(page)); err != nil {
		t.Fatal(err)
	}
	sameFields(t, "system page", p.config, again)
	if routing := p.config.routing(); !reflect.DeepEqual(routing.WithDefaults(), inForce(routing)) {
		t.Errorf("the router fills in what is not printed: %+v", routing)
	}
	for name, e := range p.config.Endpoints {
		if clocks := e.clocks(); clocks != clocks.WithDefaults() {
			t.Errorf("%s: clocks %+v", name, clocks)
		}
	}
}

// inForce keeps what a configuration can say and has the rest, which it cannot, from
// the router.
func inForce(c router.Config) router.Config {
	full := c.WithDefaults()
	c.Breaker.ProbeEvery, c.Retry.Reserve, c.Retry.PerSecond = full.Breaker.ProbeEvery, full.Retry.Reserve, full.Retry.PerSecond
	c.Sticky.Size, c.Health.Timeout, c.Health.Idle, c.Health.Failures = full.Sticky.Size, full.Health.Timeout, full.Health.Idle, full.Health.Failures
	return c
}

func sameFields(t *testing.T, where string, a, b Config) {
	t.Helper()
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		field := x.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		one, err := yaml.Marshal(x.Field(i).Interface())
		if err != nil {
			t.Fatal(err)
		}
		other, err := yaml.Marshal(y.Field(i).Interface())
		if err != nil {
			t.Fatal(err)
		}
		if string(one) != string(other) {
			t.Errorf("%s: %s is\n%sin force and\n%sshown", where, field.Name, one, other)
		}
	}
}

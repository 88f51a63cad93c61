// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/postgres/postgrestest"
	"github.com/ki-schleuse/schleuse/policies"
)

// house is an installation that is started again and again.
type house struct {
	folder string
	config Config
}

const houseConfig = `secret_file: %s
data: %s
origin: haus.example
operator: Rechenzentrum
tenants:
  - {id: lohe, name: Gemeinde Lohe, active: true}
  - {id: aue, name: Gemeinde Aue, active: true}
endpoints:
  haus: {url: "http://127.0.0.1:9/v1", key: schluessel-hunter2}
models:
  - {id: klein, endpoint: haus, residency: own_datacentre, operations: [chat], price: {input: 1, output: 2}}
`

func newHouse(t *testing.T, more string) *house {
	t.Helper()
	h := &house{folder: t.TempDir()}
	secret, file := filepath.Join(h.folder, "secret"), filepath.Join(h.folder, "schleuse.yaml")
	if err := os.WriteFile(secret, randomSecret(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(fmt.Appendf(nil, houseConfig, secret, filepath.Join(h.folder, "data")), more...), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.config, err = validConfig(file); err != nil {
		t.Fatal(err)
	}
	return h
}

// start runs the service until it serves, and returns all notes of the scope that were
// written since the given number.
func (h *house) start(t *testing.T, change func(*Config), reload ...func(*Config)) *parts {
	t.Helper()
	p, err := h.serve(t, change, reload...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *house) serve(t *testing.T, change func(*Config), reload ...func(*Config)) (*parts, error) {
	t.Helper()
	change(&h.config)
	p, err := build(t.Context(), h.config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newService(p, func() (Config, error) { return h.config, h.config.Validate() })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx, p, listener) }()
	for s.current.Load() == nil {
		select {
		case err := <-ended:
			stop()
			return p, err
		default:
		}
	}
	for _, change := range reload {
		change(&h.config)
		if err := s.reload(ctx); err != nil {
			t.Error(err)
		}
	}
	stop()
	return p, <-ended
}

// configurationNotes are those of a scope, the oldest first.
func configurationNotes(t *testing.T, p *parts, scope audit.Scope) []audit.Note {
	t.Helper()
	page, err := p.record.Notes(t.Context(), audit.NoteFilter{Scope: scope, Topics: []string{audit.TopicConfigurationChanged, audit.TopicRulesChanged}, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	var out []audit.Note
	for _, n := range page.Notes {
		out = append(out, n.Note)
	}
	slices.Reverse(out)
	return out
}

func noChange(*Config) {}

func highRiskRelease(c *Config) {
	c.Releases = map[gateway.TenantID][]policies.Release{"lohe": {{
		Service: "wohngeld-wog1", Purposes: []gateway.Purpose{"assess_eligibility"}, Registration: "EU-4711", FRIA: "GRFA-1", DPIA: "DSFA-1", Oversight: "Fachaufsicht", ValidFrom: "2026-11-01",
	}}}
}

func dearer(c *Config) {
	c.Models = slices.Clone(c.Models)
	c.Models[0].Price.Input = 7
}

// A change of the configuration stands in the record with old and new value, whether it
// comes by a reload or by a new start; the tenant that it concerns sees its part.
func TestConfigurationsAreNotedWithTheirValues(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T, h *house) *parts{
		"reload": func(t *testing.T, h *house) *parts {
			t.Helper()
			return h.start(t, noChange, func(c *Config) { highRiskRelease(c); dearer(c) })
		},
		"restart": func(t *testing.T, h *house) *parts {
			t.Helper()
			if err := h.start(t, noChange).close(); err != nil {
				t.Fatal(err)
			}
			return h.start(t, func(c *Config) { highRiskRelease(c); dearer(c) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "")
			p := begin(t, h)
			all := configurationNotes(t, p, audit.Scope{Tenant: audit.Operator})
			whole, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(whole), "hunter2") {
				t.Error("a note has a secret")
			}
			last := all[len(all)-1]
			for _, want := range []struct {
				value json.RawMessage
				has   string
			}{
				{last.Old, `"models":{"klein":{"price":{"input":1`}, {last.New, `"models":{"klein":{"price":{"input":7`}, {last.New, `"registration":"EU-4711"`},
			} {
				if !strings.Contains(string(want.value), want.has) {
					t.Errorf("%s is not in %s", want.has, want.value)
				}
			}
			if strings.Contains(string(last.New), "output") || strings.Contains(string(last.New), "Rechenzentrum") {
				t.Errorf("what did not change stands there: %s", last.New)
			}
			if !strings.Contains(last.Text, "models, releases") {
				t.Errorf("text = %s", last.Text)
			}
			seen := configurationNotes(t, p, audit.Scope{Tenant: "lohe"})
			if n := seen[len(seen)-1]; !strings.Contains(string(n.New), "EU-4711") || n.Tenant != "lohe" || strings.Contains(string(n.New), "models") {
				t.Errorf("the tenant sees %+v", n)
			}
			other, err := json.Marshal(configurationNotes(t, p, audit.Scope{Tenant: "aue"}))
			if err != nil || strings.Contains(string(other), "EU-4711") {
				t.Errorf("another tenant sees %s, %v", other, err)
			}

			// The same again is nothing new.
			if err := p.close(); err != nil {
				t.Fatal(err)
			}
			if again := configurationNotes(t, h.start(t, noChange), audit.Scope{Tenant: audit.Operator}); len(again) != len(all) {
				t.Errorf("%d notes after a start without a change, before it %d: %+v", len(again), len(all), again[len(again)-1])
			}
		})
	}
}

// The first start writes the whole configuration, with digests for secrets, and the
// rules of the program, which every tenant sees.
func TestTheFirstConfigurationIsNoted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	p := h.start(t, noChange)
	all := configurationNotes(t, p, audit.Scope{Tenant: audit.Operator})
	whole, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"operator":"Rechenzentrum"`, `"origin":"haus.example"`, `"key":"*** hmac-sha256:`, `"name":"Gemeinde Lohe"`, `"floor":"183d"`, `"revision":"`, "main.rego", `"listen":"127.0.0.1:8080"`, "mit der das Protokoll beginnt"} {
		if !strings.Contains(string(whole), want) {
			t.Errorf("%s is missing in %s", want, whole)
		}
	}
	if strings.Contains(string(whole), "hunter2") {
		t.Error("a note has a secret")
	}
	if seen := configurationNotes(t, p, audit.Scope{Tenant: "lohe"}); !slices.ContainsFunc(seen, func(n audit.Note) bool { return n.Topic == audit.TopicRulesChanged }) {
		t.Error("the tenant does not see the rules")
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}

	// Another secret is seen and not shown; another address too.
	p = h.start(t, func(c *Config) {
		c.Endpoints = maps.Clone(c.Endpoints)
		e := c.Endpoints["haus"]
		e.Key = "ein anderer"
		c.Endpoints["haus"] = e
		c.Listen = "127.0.0.1:8099"
	})
	after := configurationNotes(t, p, audit.Scope{Tenant: audit.Operator})[len(all):]
	if len(after) != 2 || !strings.Contains(string(after[0].Old), `"key":"*** hmac-sha256:`) || !strings.Contains(string(after[0].New), `"key":"*** hmac-sha256:`) || string(after[0].Old) == string(after[0].New) {
		t.Fatalf("notes = %+v", after)
	}
	if string(after[1].Old) != `{"listen":"127.0.0.1:8080"}` || string(after[1].New) != `{"listen":"127.0.0.1:8099"}` {
		t.Errorf("the place: %s, %s", after[1].Old, after[1].New)
	}
}

// Another program with other rules leaves a note; a state that was set back or taken
// away has the whole configuration noted again.
func TestProgramsAndLostStatesAreNoted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	p := h.start(t, noChange)
	count := len(configurationNotes(t, p, audit.Scope{Tenant: audit.Operator}))
	since := func() []audit.Note {
		t.Helper()
		all := configurationNotes(t, p, audit.Scope{Tenant: audit.Operator})
		out := all[count:]
		count = len(all)
		return out
	}
	now, err := newStanding(t.Context(), h.config)
	if err != nil {
		t.Fatal(err)
	}
	rules := maps.Clone(objectOf(now.document[sectionRules]))
	rules["revision"], rules["files"] = "ein-anderer-stand", map[string]any{"neu.rego": "sha256:00"}
	now.document[sectionRules] = rules
	if now.digest, now.raw, err = now.document.digest(derive(h.config.secret, "configuration digests")); err != nil {
		t.Fatal(err)
	}
	if err := p.noteStanding(t.Context(), now, atStart); err != nil {
		t.Fatal(err)
	}
	got := since()
	if len(got) != 2 || got[0].Topic != audit.TopicRulesChanged || !strings.Contains(string(got[0].New), "ein-anderer-stand") || !strings.Contains(string(got[0].Old), "main.rego") || !strings.Contains(got[1].Text, "anderen Programm") {
		t.Errorf("notes = %+v", got)
	}

	kept, err := p.state.Get(t.Context(), standingKind, standingID)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.state.Delete(t.Context(), standingKind, standingID, kept.Version); err != nil {
		t.Fatal(err)
	}
	if err := p.noteStart(t.Context(), h.config); err != nil {
		t.Fatal(err)
	}
	got = since()
	if !slices.ContainsFunc(got, func(n audit.Note) bool {
		return strings.Contains(n.Text, "fehlt oder passt nicht zum Protokoll") && strings.Contains(string(n.New), `"operator":"Rechenzentrum"`)
	}) {
		t.Errorf("notes after the loss = %+v", got)
	}
}

// Without the record the service does not start.
func TestNoStartWithoutTheNote(t *testing.T) {
	t.Parallel()
	h := newHouse(t, "")
	p, err := build(t.Context(), h.config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	if err := p.record.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := newService(p, nil).run(t.Context(), p, listener); err == nil || !strings.Contains(err.Error(), "nicht gestartet") {
		t.Errorf("without a record: %v", err)
	}
}

// Replicas that begin together with the same configuration write it once.
func TestReplicasNoteAConfigurationOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, fmt.Sprintf("database: %q\n", postgrestest.DSN(t)))
	first, err := build(t.Context(), h.config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = first.close() })
	second, err := build(t.Context(), h.config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.close() })
	for round, change := range []func(*Config){noChange, dearer} {
		change(&h.config)
		var both sync.WaitGroup
		for _, p := range []*parts{first, second} {
			both.Go(func() {
				if err := p.noteStart(t.Context(), h.config); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		written := 0
		for _, n := range configurationNotes(t, first, audit.Scope{Tenant: audit.Operator}) {
			if n.Object == configuration && n.Topic == audit.TopicConfigurationChanged {
				written++
			}
		}
		if written != round+1 {
			t.Errorf("round %d: %d notes of the configuration, want %d", round, written, round+1)
		}
	}
}

func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, after, was, is string }{
		{`{"a":1}`, `{"a":1}`, `null`, `null`},
		{`{"a":1,"b":2}`, `{"a":1,"b":3}`, `{"b":2}`, `{"b":3}`},
		{`{"a":{"x":1,"y":[1]}}`, `{"a":{"x":1,"y":[2]}}`, `{"a":{"y":[1]}}`, `{"a":{"y":[2]}}`},
		{`{"m":[{"id":"a","p":1},{"id":"b","p":1}]}`, `{"m":[{"id":"b","p":2},{"id":"a","p":1}]}`, `{"m":{"b":{"p":1}}}`, `{"m":{"b":{"p":2}}}`},
		{`{"m":[{"id":"a"},{"id":"b"}]}`, `{"m":[{"id":"b"},{"id":"a"}]}`, `{"m":[{"id":"a"},{"id":"b"}]}`, `{"m":[{"id":"b"},{"id":"a"}]}`},
		{`{"m":[{"id":"a"}]}`, `{"m":[{"id":"a"},{"id":"c"}]}`, `{"m":{}}`, `{"m":{"c":{"id":"c"}}}`},
		{`{"m":[{"id":"a"},{"id":"a"}]}`, `{"m":[]}`, `{"m":[{"id":"a"},{"id":"a"}]}`, `{"m":[]}`},
		{`{"a":1}`, `{"a":"1"}`, `{"a":1}`, `{"a":"1"}`},
	} {
		before, err := plain([]byte(c.before))
		if err != nil {
			t.Fatal(err)
		}
		after, err := plain([]byte(c.after))
		if err != nil {
			t.Fatal(err)
		}
		was, is, differs := difference(before, after)
		a, errA := json.Marshal(was)
		b, errB := json.Marshal(is)
		if errA != nil || errB != nil || string(a) != c.was || string(b) != c.is || differs != (c.was != "null") {
			t.Errorf("%s to %s: %s, %s, %v", c.before, c.after, a, b, differs)
		}
	}
}

// However large a difference is, it stands in notes that take it; what is too large in
// one piece has its digest there.
func TestDifferencesFitIntoNotes(t *testing.T) {
	t.Parallel()
	tenants := []any{}
	for i := range 3000 {
		tenants = append(tenants, map[string]any{"id": fmt.Sprintf("stadt-%d", i), "name": strings.Repeat("ü", 30)})
	}
	parts := changes(nil, map[string]any{"tenants": tenants, "operator": strings.Repeat("x", 80<<10), "origin": "haus"})
	found := 0
	for _, one := range parts {
		raw, err := valueOf(one.is, "hmac-sha256:x")
		if err != nil || len(raw) > audit.MaxNoteValue {
			t.Errorf("%d bytes, %v", len(raw), err)
		}
		found += len(objectOf(one.is["tenants"]))
		if text := string(raw); strings.Contains(text, "xxx") {
			t.Error("too large a value stands there")
		}
	}
	if found != 3000 || len(parts) < 3 {
		t.Errorf("%d tenants in %d notes", found, len(parts))
	}
}

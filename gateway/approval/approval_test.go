// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package approval_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/approval"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
)

// openDesk is a desk over a record in a file.
func openDesk(t *testing.T) (*approval.Desk, *audit.Log) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "record.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	key, _, err := audit.GenerateKey("test")
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.New(t.Context(), audit.Config{Store: store, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Shutdown(context.Background()) })
	desk, err := approval.New(approval.Config{
		Record: log,
		Pseudonymise: func(_ gateway.TenantID, kind, value string) gateway.Pseudonym {
			return gateway.Pseudonym(kind + ":" + value)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return desk, log
}

// add records a request of a service that was answered, with or without a release.
func add(t *testing.T, log *audit.Log, id string, service gateway.ServiceID, age time.Duration, obligations ...string) {
	t.Helper()
	d := gateway.Decision{Stage: gateway.StageRequest, Effect: gateway.EffectAllow}
	for _, o := range obligations {
		d.Obligations = append(d.Obligations, gateway.Obligation{ID: o, Rule: "T-1"})
	}
	r := gateway.Record{ID: id, Time: time.Now().Add(-age), Tenant: "lohe", System: "woga", Service: service, Case: "case:WG-" + gateway.Pseudonym(service), Decisions: []gateway.Decision{d}}
	if err := log.Open(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(t.Context(), gateway.Closing{ID: id, Outcome: gateway.OutcomeAnswered}); err != nil {
		t.Fatal(err)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	desk, log := openDesk(t)
	add(t, log, "e-young", "wohngeld", time.Minute, gateway.ObligationHumanRelease)
	add(t, log, "e-old", "bauen", 50*time.Hour, gateway.ObligationHumanRelease, gateway.ObligationNotice)
	add(t, log, "e-said", "bauen", time.Hour, gateway.ObligationHumanRelease)
	add(t, log, "e-ancient", "bauen", 100*24*time.Hour, gateway.ObligationHumanRelease)
	add(t, log, "e-free", "bauen", time.Hour, gateway.ObligationNotice)
	if err := desk.Say(t.Context(), approval.Word{Tenant: "lohe", User: "kim", Entry: "e-said", Outcome: approval.Released}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		scope audit.Scope
		of    approval.Of
		want  []string
	}{
		"all":            {audit.Scope{Tenant: "lohe"}, approval.Of{}, []string{"e-old", "e-young"}},
		"operator":       {audit.Scope{All: true}, approval.Of{}, []string{"e-old", "e-young"}},
		"another tenant": {audit.Scope{Tenant: "fremd"}, approval.Of{}, nil},
		"nobody":         {audit.Scope{}, approval.Of{}, nil},
		"a service":      {audit.Scope{Tenant: "lohe"}, approval.Of{Service: "wohngeld"}, []string{"e-young"}},
		"a system":       {audit.Scope{Tenant: "lohe"}, approval.Of{System: "gewan"}, nil},
		"a file":         {audit.Scope{Tenant: "lohe"}, approval.Of{Case: "case:WG-bauen"}, []string{"e-old"}},
	} {
		queue, err := desk.Queue(t.Context(), c.scope, c.of)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range queue.Waiting {
			got = append(got, w.Record.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	said, err := desk.Said(t.Context(), audit.Scope{Tenant: "lohe"}, []string{"e-old", "e-said"})
	if err != nil || len(said) != 1 || said["e-said"] != approval.Released {
		t.Errorf("said %v, %v", said, err)
	}
}

func TestSayRefuses(t *testing.T) {
	t.Parallel()
	desk, log := openDesk(t)
	add(t, log, "e-1", "bauen", time.Minute, gateway.ObligationHumanRelease)
	add(t, log, "e-free", "bauen", time.Minute)
	good := approval.Word{Tenant: "lohe", User: "kim", System: "woga", Case: "WG-bauen", Entry: "e-1", Outcome: approval.Released}
	for name, c := range map[string]struct {
		change func(*approval.Word)
		want   gateway.Code
	}{
		"nobody":             {func(w *approval.Word) { w.User = "" }, gateway.CodeInvalid},
		"no outcome":         {func(w *approval.Word) { w.Outcome = "" }, gateway.CodeInvalid},
		"rejected, no words": {func(w *approval.Word) { w.Outcome = approval.Rejected }, gateway.CodeInvalid},
		"not readable":       {func(w *approval.Word) { w.Comment = "\xff" }, gateway.CodeInvalid},
		"another tenant":     {func(w *approval.Word) { w.Tenant = "fremd" }, gateway.CodeNotFound},
		"another system":     {func(w *approval.Word) { w.System = "gewan" }, gateway.CodeNotFound},
		"another case":       {func(w *approval.Word) { w.Case = "WG-2" }, gateway.CodeNotFound},
		"another service":    {func(w *approval.Word) { w.Service = "wohngeld" }, gateway.CodeNotFound},
		"no such entry":      {func(w *approval.Word) { w.Entry = "e-2" }, gateway.CodeNotFound},
		"nothing to release": {func(w *approval.Word) { w.Entry = "e-free" }, gateway.CodeInvalid},
	} {
		w := good
		c.change(&w)
		if err := desk.Say(t.Context(), w); gateway.CodeOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if err := desk.Say(t.Context(), good); err != nil {
		t.Errorf("after all refusals: %v", err)
	}
}

// Of many who speak at the same time one is heard, and the others are told.
func TestFirstWordCounts(t *testing.T) {
	t.Parallel()
	desk, log := openDesk(t)
	add(t, log, "e-1", "bauen", time.Minute, gateway.ObligationHumanRelease)
	var wait sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wait.Go(func() {
			errs[i] = desk.Say(t.Context(), approval.Word{Tenant: "lohe", User: string(rune('a' + i)), Entry: "e-1", Outcome: approval.Released})
		})
	}
	wait.Wait()
	heard := 0
	for _, err := range errs {
		switch gateway.CodeOf(err) {
		case "":
			heard++
		case gateway.CodeConflict:
		default:
			t.Error(err)
		}
	}
	if heard != 1 {
		t.Errorf("%d were heard, want 1", heard)
	}
}

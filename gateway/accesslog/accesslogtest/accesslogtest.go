// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package accesslogtest is the conformance suite of stores of the retrieval log
// and of the log on top of them. Start at [Run].
package accesslogtest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
)

// Run runs the suite; open returns a store on the same empty database each time.
func Run(t *testing.T, open func(t *testing.T) accesslog.Store) {
	// One database: the cases use tenants of their own, and run one after the other
	// because the last one lets everything end.
	for _, c := range []struct {
		name string
		test func(*testing.T, accesslog.Store)
	}{
		{"what is looked up is logged before it is given out", logged},
		{"nothing is given out when the log fails", failsClosed},
		{"a search that belongs to no request finds nothing", unbound},
		{"sources about nobody are not logged", exempt},
		{"tenants do not see each other", apart},
		{"pages are complete", pages},
		{"what belongs to a case is removed", removed},
		{"texts are stored however odd", odd},
		{"nothing outlives the ceiling", ceiling},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// clock can be turned on.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func start() *clock { return &clock{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)} }

func pseudonymise(tenant gateway.TenantID, kind, value string) gateway.Pseudonym {
	h := hmac.New(sha256.New, []byte("ein Schlüssel für Prüfungen"))
	fmt.Fprintf(h, "%q %q %q", tenant, kind, value)
	return gateway.Pseudonym("p1_" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)))
}

func newLog(t *testing.T, s accesslog.Store, c *clock) *accesslog.Log {
	t.Helper()
	l, err := accesslog.New(accesslog.Config{Store: s, Pseudonymise: pseudonymise, Now: c.Now, Exempt: []string{"gesetze"}})
	if err != nil {
		t.Fatalf("make log: %v", err)
	}
	return l
}

// retriever finds what it is told to find.
type retriever struct {
	passages []gateway.Passage
	asked    int
}

func (r *retriever) Retrieve(context.Context, gateway.Query) ([]gateway.Passage, error) {
	r.asked++
	return r.passages, nil
}

func passage(source, document string) gateway.Passage {
	return gateway.Passage{Text: "Textkanarie", Citation: gateway.Citation{Source: source, Document: document, Title: document}}
}

func query(tenant gateway.TenantID, user, file string, sources ...string) gateway.Query {
	return gateway.Query{
		Tenant: tenant, Sources: sources, Text: "Fragekanarie",
		For: gateway.Request{
			ID: "e-1", Operation: gateway.OperationSearch, Purpose: gateway.PurposeFactualQA, Service: "wohngeld", Case: file,
			Caller: gateway.Caller{Tenant: tenant, System: "woga", User: user},
		},
	}
}

func all(t *testing.T, l *accesslog.Log, f accesslog.Filter) []accesslog.Retrieval {
	t.Helper()
	found, err := l.List(t.Context(), f)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	return found
}

func logged(t *testing.T, s accesslog.Store) {
	c := start()
	l := newLog(t, s, c)
	inner := &retriever{passages: []gateway.Passage{passage("akte", "Erika Mustermann.pdf"), passage("akte", "Erika Mustermann.pdf"), passage("gesetze", "wogg"), passage("register", "x")}}
	found, err := l.Around(inner).Retrieve(t.Context(), query("logged", "anna", "50.21/4711", "*"))
	if err != nil || len(found) != 4 {
		t.Fatalf("found %d, %v", len(found), err)
	}
	inner.passages = nil
	if _, err := l.Around(inner).Retrieve(t.Context(), query("logged", "anna", "50.21/4711", "akte")); err != nil {
		t.Fatalf("nothing found: %v", err)
	}
	list := all(t, l, accesslog.Filter{Tenant: "logged"})
	if len(list) != 2 {
		t.Fatalf("%d retrievals, want 2: one that found nothing is one as well", len(list))
	}
	i := 0
	if list[0].Count == 0 {
		i = 1
	}
	r := list[i]
	if r.System != "woga" || r.User != pseudonymise("logged", "user", "anna") || r.Case != pseudonymise("logged", "case", "50.21/4711") ||
		r.Purpose != gateway.PurposeFactualQA || r.Request != "e-1" || !r.Time.Equal(c.now) || r.Count != 3 || len(r.Documents) != 2 {
		t.Errorf("retrieval %+v", r)
	}
	if d := r.Documents[0]; d.Source != "akte" || d.Passages != 2 || d.Document != pseudonymise("logged", "document", "Erika Mustermann.pdf") {
		t.Errorf("document %+v", d)
	}
}

// broken is a store whose disk is full.
type broken struct{ accesslog.Store }

func (broken) Add(context.Context, accesslog.Retrieval) error { return errors.New("disk full") }

func failsClosed(t *testing.T, s accesslog.Store) {
	l := newLog(t, broken{s}, start())
	inner := &retriever{passages: []gateway.Passage{passage("akte", "d")}}
	found, err := l.Around(inner).Retrieve(t.Context(), query("broken", "anna", "1", "akte"))
	if gateway.CodeOf(err) != gateway.CodeNoRecord || found != nil {
		t.Errorf("found %v, %v; want nothing and %s", found, err, gateway.CodeNoRecord)
	}
}

func unbound(t *testing.T, s accesslog.Store) {
	l := newLog(t, s, start())
	inner := &retriever{passages: []gateway.Passage{passage("akte", "d")}}
	foreign := query("unbound", "anna", "1", "akte")
	foreign.Tenant = "other"
	for name, q := range map[string]gateway.Query{
		"no request":             {Tenant: "unbound", Sources: []string{"akte"}, Text: "x"},
		"of another tenant":      foreign,
		"request without tenant": {Tenant: "unbound", Sources: []string{"akte"}, For: gateway.Request{ID: "e-1"}},
	} {
		if found, err := l.Around(inner).Retrieve(t.Context(), q); err == nil || found != nil {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
	}
	if inner.asked != 0 {
		t.Error("it was looked up before that was clear")
	}
}

func exempt(t *testing.T, s accesslog.Store) {
	l := newLog(t, s, start())
	inner := &retriever{passages: []gateway.Passage{passage("gesetze", "wogg")}}
	if _, err := l.Around(inner).Retrieve(t.Context(), query("exempt", "anna", "1", "gesetze")); err != nil {
		t.Fatal(err)
	}
	if n := len(all(t, l, accesslog.Filter{Tenant: "exempt"})); n != 0 {
		t.Errorf("%d retrievals of statutes", n)
	}
	inner.passages = append(inner.passages, passage("akte", "d"))
	if _, err := l.Around(inner).Retrieve(t.Context(), query("exempt", "anna", "1", "gesetze")); err != nil {
		t.Fatal(err)
	}
	if n := len(all(t, l, accesslog.Filter{Tenant: "exempt"})); n != 1 {
		t.Errorf("%d retrievals, want the one that found a document about somebody", n)
	}
}

func apart(t *testing.T, s accesslog.Store) {
	l := newLog(t, s, start())
	inner := &retriever{passages: []gateway.Passage{passage("akte", "d")}}
	for _, tenant := range []gateway.TenantID{"apart-a", "apart-b"} {
		if _, err := l.Around(inner).Retrieve(t.Context(), query(tenant, "anna", "1", "akte")); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []accesslog.Filter{
		{Tenant: "apart-a"}, {Tenant: "apart-a", User: pseudonymise("apart-a", "user", "anna")}, {Tenant: "apart-a", System: "woga"},
	} {
		if list := all(t, l, f); len(list) != 1 || list[0].Tenant != "apart-a" {
			t.Errorf("%+v finds %+v", f, list)
		}
	}
	if list := all(t, l, accesslog.Filter{Tenant: "apart-a", User: pseudonymise("apart-b", "user", "anna")}); len(list) != 0 {
		t.Errorf("the pseudonym of another tenant finds %+v", list)
	}
	if _, err := l.List(t.Context(), accesslog.Filter{}); err == nil {
		t.Error("without a tenant everything is shown")
	}
	if n, err := l.Remove(t.Context(), "apart-a", pseudonymise("apart-b", "case", "1")); err != nil || n != 0 {
		t.Errorf("removed %d of another tenant, %v", n, err)
	}
	if _, err := l.Remove(t.Context(), "apart-a", ""); err == nil {
		t.Error("everything without a case is removed")
	}
}

func pages(t *testing.T, s accesslog.Store) {
	c := start()
	l := newLog(t, s, c)
	inner := &retriever{}
	const n = 23
	for i := range n {
		c.now = c.now.Add(time.Duration(i%3) * time.Millisecond) // several at the same time
		if _, err := l.Around(inner).Retrieve(t.Context(), query("pages", "anna", "1", "akte")); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	f := accesslog.Filter{Tenant: "pages", Limit: 5}
	for {
		page := all(t, l, f)
		for _, r := range page {
			if seen[r.ID] {
				t.Errorf("%s comes twice", r.ID)
			}
			seen[r.ID] = true
		}
		if len(page) < f.Limit {
			break
		}
		f.After = &page[len(page)-1]
	}
	if len(seen) != n {
		t.Errorf("%d retrievals on all pages, want %d", len(seen), n)
	}
	if list := all(t, l, accesslog.Filter{Tenant: "pages", From: c.now, To: c.now.Add(time.Hour)}); len(list) == 0 || len(list) == n {
		t.Errorf("%d retrievals at the last moment", len(list))
	}
	for _, limit := range []int{-1, 501} {
		if _, err := l.List(t.Context(), accesslog.Filter{Tenant: "pages", Limit: limit}); err == nil {
			t.Errorf("a page of %d is given out", limit)
		}
	}
}

func removed(t *testing.T, s accesslog.Store) {
	l := newLog(t, s, start())
	inner := &retriever{passages: []gateway.Passage{passage("akte", "d")}}
	for _, file := range []string{"1", "1", "2", ""} {
		if _, err := l.Around(inner).Retrieve(t.Context(), query("removed", "anna", file, "akte")); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := l.Remove(t.Context(), "removed", pseudonymise("removed", "case", "1")); err != nil || n != 2 {
		t.Errorf("removed %d, %v, want 2", n, err)
	}
	if n := len(all(t, l, accesslog.Filter{Tenant: "removed"})); n != 2 {
		t.Errorf("%d are left, want 2", n)
	}
}

func odd(t *testing.T, s accesslog.Store) {
	l := newLog(t, s, start())
	inner := &retriever{passages: []gateway.Passage{passage("akte\x00\xff", "d\x00")}}
	q := query("odd", "anna\x00\xff", "1\x00", "akte\x00", "\xff")
	q.For.Caller.System = "wo\x00ga\xff"
	q.For.Service = "\x00"
	if _, err := l.Around(inner).Retrieve(t.Context(), q); err != nil {
		t.Fatalf("an odd name: %v", err)
	}
	if n := len(all(t, l, accesslog.Filter{Tenant: "odd"})); n != 1 {
		t.Errorf("%d retrievals, want 1", n)
	}
}

func ceiling(t *testing.T, s accesslog.Store) {
	c := start()
	l := newLog(t, s, c)
	inner := &retriever{passages: []gateway.Passage{passage("akte", "d")}}
	if _, err := l.Around(inner).Retrieve(t.Context(), query("ceiling", "anna", "1", "akte")); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(l.Ceiling() - accesslog.SweepEvery - time.Minute)
	if _, err := l.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(all(t, l, accesslog.Filter{Tenant: "ceiling"})); n != 1 {
		t.Fatalf("%d retrievals before the ceiling, want 1", n)
	}
	c.now = c.now.Add(2 * time.Minute) // the next run would be too late
	if n, err := l.Sweep(t.Context()); err != nil || n == 0 {
		t.Errorf("deleted %d, %v", n, err)
	}
	left, err := s.List(t.Context(), accesslog.Filter{Tenant: "ceiling", Limit: 10})
	if err != nil || len(left) != 0 {
		t.Errorf("%d are stored still, %v", len(left), err)
	}
	if _, err := l.Around(inner).Retrieve(t.Context(), query("ceiling", "anna", "1", "akte")); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(l.Ceiling() + time.Minute) // nobody swept
	if n := len(all(t, l, accesslog.Filter{Tenant: "ceiling"})); n != 0 {
		t.Errorf("%d are shown beyond the ceiling", n)
	}
}

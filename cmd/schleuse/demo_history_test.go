// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Every request of the invented day goes as the story says, and the day is in
// the record as it was asked.
func TestInventedDay(t *testing.T) {
	t.Parallel()
	dummies, url, err := startDummy()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dummies.Close() })
	c, _, _, err := demoConfig(t.Context(), t.TempDir(), demoOptions{listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	addDummies(&c, url, false)
	p, err := build(context.Background(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.close() })
	for _, s := range demoDay {
		err := s.ask(t.Context(), p.gateway, demoTenant, 4711)
		var known *gateway.Error
		if errors.As(err, &known) && known.Decision != nil {
			t.Errorf("%s with %s: %v, %+v, rejected %v", s.purpose, s.model, err, known.Decision.Reasons, known.Decision.Rejected)
		} else if err != nil {
			t.Errorf("%s with %s: %v", s.purpose, s.model, err)
		}
	}
	if err := p.liveADay(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := p.record.List(t.Context(), audit.Filter{Scope: audit.Scope{Tenant: demoTenant}, From: time.Now().Add(-25 * time.Hour), Totals: true})
	if err != nil || page.Totals.Count != demoRequests+len(demoDay) || page.Totals.Effects[gateway.EffectDeny] == 0 || len(page.Totals.Hours) < 6 {
		t.Errorf("%+v, %v", page.Totals, err)
	}
}

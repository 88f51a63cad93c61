// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Breakage makes a real database fail in one way until it is repaired.
type Breakage struct {
	Name string
	// Break is called with a store that is in use; repair makes it work again.
	Break func(t testing.TB, s Store, db Database) (repair func())
}

// house is a gateway around a record. Its model counts how often it is asked.
type house struct {
	at    gateway.Residency // of the model
	asked atomic.Int64
}

func (*house) Enter(context.Context, gateway.Request, gateway.Route) (gateway.Place, error) {
	return place{}, nil
}

func (*house) Next(context.Context, gateway.Request, []gateway.Route, []gateway.Attempt, error) (int, time.Duration, bool) {
	return 0, 0, false
}

type place struct{}

func (place) Leave(gateway.Attempt) {}

func (h *house) Screen(_ context.Context, texts []string, _ []gateway.Entity) (gateway.Screening, error) {
	return nothing{texts}, nil
}

type nothing struct{ texts []string }

func (nothing) Findings() []gateway.Finding                  { return nil }
func (nothing) Summary() gateway.Screened                    { return gateway.Screened{} }
func (n nothing) Pseudonymise() ([]string, gateway.Restorer) { return n.texts, n }
func (nothing) Restore(text string, _ bool) (string, int)    { return text, 0 }
func (nothing) Stream(bool) gateway.StreamRestorer           { return nil }
func (*house) Decide(_ context.Context, q gateway.Question) (gateway.Decision, error) {
	d := gateway.Decision{Stage: q.Stage, Effect: gateway.EffectAllow, Revision: "test"}
	for _, m := range q.Models {
		d.Models = append(d.Models, m.ID)
	}
	return d, nil
}

func (h *house) Candidates(context.Context, gateway.Request) ([]gateway.ModelCard, error) {
	return []gateway.ModelCard{{ID: "haus-70b", Residency: h.at, Operations: []gateway.Operation{gateway.OperationChat}}}, nil
}

func (h *house) Plan(_ context.Context, _ gateway.Request, permitted []gateway.ModelID) ([]gateway.Route, error) {
	return []gateway.Route{{Model: permitted[0], Residency: h.at, Endpoint: "haus"}}, nil
}

func (h *house) Complete(context.Context, gateway.Call) (gateway.Answer, error) {
	h.asked.Add(1)
	return gateway.Answer{Body: []byte(`{"choices":[{"message":{"role":"assistant","content":"Guten Tag."}}]}`)}, nil
}

func (h *house) Stream(context.Context, gateway.Call) (gateway.AnswerStream, error) {
	h.asked.Add(1)
	return nil, &gateway.Error{Code: gateway.CodeUnavailable}
}

// around builds a gateway whose requests stand in the log and go to a model there.
func around(t *testing.T, log *audit.Log, clock func() time.Time, at gateway.Residency) (*house, func() error) {
	t.Helper()
	h := &house{at: at}
	g, err := gateway.New(gateway.Config{
		Screener: h, Decider: h, Router: h, Model: h, Recorder: log, Now: clock,
		Pseudonymise: func(_ gateway.TenantID, kind, _ string) gateway.Pseudonym { return gateway.Pseudonym("p1_" + kind) },
	})
	if err != nil {
		t.Fatalf("build a gateway: %v", err)
	}
	body, err := gateway.ParseBody([]byte(`{"model":"haus-70b","messages":[{"role":"user","content":"Guten Tag"}]}`))
	if err != nil {
		t.Fatalf("parse a body: %v", err)
	}
	return h, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_, err := g.Complete(ctx, gateway.Request{
			Caller:    gateway.Caller{Tenant: "musterhausen", System: "wohngeld", KeyID: "k", Channel: gateway.ChannelCaseworker},
			Operation: gateway.OperationChat, Purpose: gateway.PurposeSummarise, Model: "haus-70b",
			Body: body,
		})
		return err
	}
}

// refuses: while the record cannot be written, nothing leaves the house and nobody gets
// an answer, also of the model inside that may be asked meanwhile; when it can again,
// all goes on and the record is sound.
func refuses(t *testing.T, b Backend) {
	for _, breakage := range b.Breakages {
		t.Run(breakage.Name, func(t *testing.T) {
			t.Parallel()
			private, _ := Key(t)
			db := b.New(t)
			store := b.Attach(t, db.Address)
			log, err := audit.New(context.Background(), audit.Config{Store: store, Key: private, Timeout: 3 * time.Second})
			if err != nil {
				t.Fatalf("start: %v", err)
			}
			h, request := around(t, log, time.Now, gateway.ResidencyPrivateEU)
			_, inside := around(t, log, time.Now, gateway.ResidencyOwn)
			for range 3 {
				if err := errors.Join(request(), inside()); err != nil {
					t.Fatalf("a request before: %v", err)
				}
			}
			if err := log.Flush(context.Background()); err != nil {
				t.Fatalf("flush: %v", err)
			}
			note := func() error {
				return log.Note(context.Background(), audit.Note{Topic: audit.TopicExported, Text: "Ein Auszug."})
			}
			repair := breakage.Break(t, store, db)
			untilRefused(request) // pages that are there already take a little more
			untilRefused(note)
			asked := h.asked.Load()
			for n := range 3 {
				if err := request(); gateway.CodeOf(err) != gateway.CodeNoRecord {
					t.Errorf("request %d without a record = %v, want no record", n, err)
				}
				if err := inside(); gateway.CodeOf(err) != gateway.CodeNoRecord {
					t.Errorf("request %d in the house without a record = %v, want no record", n, err)
				}
			}
			if err := note(); gateway.CodeOf(err) != gateway.CodeNoRecord {
				t.Errorf("a note without a record = %v, want no record", err)
			}
			if now := h.asked.Load(); now != asked {
				t.Errorf("the model was asked %d times without a record", now-asked)
			}
			repair()
			deadline := time.Now().Add(30 * time.Second)
			for err = request(); err != nil && time.Now().Before(deadline); err = request() {
				time.Sleep(50 * time.Millisecond)
			}
			if err != nil {
				t.Fatalf("a request after the repair: %v", err)
			}
			report := verify(t, log)
			for report.Unfinished > 0 && time.Now().Before(deadline) {
				time.Sleep(50 * time.Millisecond)
				report = verify(t, log)
			}
			mustBeSound(t, report)
			if report.Unfinished > 0 {
				t.Errorf("%d entries stay open", report.Unfinished)
			}
			shutdown(t, log)
			if err := store.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}

// untilRefused repeats until it fails, some hundred times at most.
func untilRefused(do func() error) {
	for range 500 {
		if do() != nil {
			return
		}
	}
}

// jumps: a clock that jumps back and ahead changes neither the order nor the
// proofs; the checkpoints say what the clock said.
func jumps(t *testing.T, b Backend) {
	a := newAged(t, b)
	_, request := around(t, a.log, a.clock, gateway.ResidencyOwn)
	for n, jump := range []time.Duration{0, time.Hour, -48 * time.Hour, 1000 * day, -1000 * day, time.Minute, -time.Nanosecond} {
		a.pass(jump)
		for range 3 {
			if err := request(); err != nil {
				t.Fatalf("jump %d: %v", n, err)
			}
		}
		if err := a.log.Flush(context.Background()); err != nil {
			t.Fatalf("flush: %v", err)
		}
	}
	report := verify(t, a.log)
	mustBeSound(t, report)
	if report.Leaves != 42 || report.Unfinished != 0 {
		t.Errorf("%d leaves, %d unfinished; want 42, 0", report.Leaves, report.Unfinished)
	}
	seen := map[string]bool{}
	var last time.Time
	err := a.log.Each(context.Background(), audit.Filter{Scope: audit.Scope{All: true}}, func(i audit.Item) error {
		if seen[i.Record.ID] || !last.IsZero() && i.Record.Time.After(last) {
			return fmt.Errorf("%s comes twice or out of order", i.Record.ID)
		}
		seen[i.Record.ID], last = true, i.Record.Time
		return nil
	})
	if err != nil || len(seen) != 21 {
		t.Errorf("%d entries in the order of their times, %v; want 21", len(seen), err)
	}
	// In the record itself they stand in the order in which they were written.
	checkpoints, err := a.store.Checkpoints(context.Background(), 0, 500)
	if err != nil || len(checkpoints) == 0 || checkpoints[len(checkpoints)-1].Size != 42 {
		t.Errorf("checkpoints end with %+v, %v", checkpoints[len(checkpoints)-1], err)
	}
	if _, err := a.log.Between(context.Background(), audit.Point{Size: 6}, audit.Point{}); err != nil {
		t.Errorf("consistency over the jumps: %v", err)
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package audittest is the suite every store of the record has to pass, with
// the attacks a provable record has to notice. It is no store. Start at [Run];
// a store's test gives it a [Backend].
package audittest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Backend makes stores for the suite.
type Backend struct {
	// New returns a fresh, empty database.
	New func(t testing.TB) Database
	// Attach opens a store at an address; it is called in a child process, too.
	Attach func(t testing.TB, address string) Store
	// Baseline returns what a plain table without proofs does: it inserts one
	// body and returns when it is durable. It may be called by many at once.
	Baseline func(t testing.TB) func(ctx context.Context, id string, body []byte) error
	// Shared says that several processes may write at once.
	Shared bool
	// Breakages are the ways in which a database of this kind fails in practice.
	Breakages []Breakage
}

// Database is one database that stores open and attackers change.
type Database struct {
	// Address is what Attach needs to open a store; the suite closes it.
	Address string
	// Exec runs SQL behind the store's back, with $1, $2 … as placeholders.
	Exec func(t testing.TB, sql string, args ...any)
	// Unlock removes what keeps honest users from changing the record.
	Unlock func(t testing.TB)
}

// Store is an audit.Store that can be closed.
type Store interface {
	audit.Store
	Close() error
}

// Key is a private key for tests; Name is its origin.
func Key(t testing.TB) (private, public string) {
	t.Helper()
	private, public, err := audit.GenerateKey("test.example/record")
	if err != nil {
		t.Fatalf("make a key: %v", err)
	}
	return private, public
}

// Start is the time of the first sample record.
var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// Record is the nth sample: what the gateway writes for a chat request.
func Record(n int, tenant gateway.TenantID) gateway.Record {
	effect, reasons := gateway.EffectAllow, []gateway.Reason{{Rule: "ROU-001", Title: "Modell im eigenen Rechenzentrum", Basis: "§ 80 SGB X", Text: "Sozialdaten bleiben im eigenen Rechenzentrum.", Severity: "narrow"}}
	if n%5 == 4 {
		effect, reasons = gateway.EffectDeny, []gateway.Reason{{Rule: "AIA-005", Title: "Verbotene Praxis", Basis: "Art. 5 Abs. 1 lit. c KI-VO", Text: "Die Bewertung des sozialen Verhaltens ist verboten.", Severity: "block"}}
	}
	r := gateway.Record{
		ID: fmt.Sprintf("%s-%06d", tenant, n), Time: start.Add(time.Duration(n) * time.Minute), Tenant: tenant,
		System: gateway.SystemID([]string{"wohngeld", "meldewesen"}[n%2]), KeyID: "k_7f31", User: "p1_user",
		Roles: []string{"sachbearbeitung"}, Channel: gateway.ChannelCaseworker, Operation: gateway.OperationChat,
		Purpose: gateway.PurposeSummarise, Service: "wohngeld-mietzuschuss", Case: gateway.Pseudonym(fmt.Sprintf("p1_case%d", n%7)),
		Declared: []gateway.DataClass{gateway.DataSozialdaten}, Content: "p1_content", BodyBytes: 1800 + n,
		Screened:  gateway.Screened{Counts: map[gateway.FindingKind]int{"iban": 1, "person": 2}},
		Decisions: []gateway.Decision{{Stage: gateway.StageRequest, Effect: effect, Reasons: reasons, Revision: "2026-03", Digest: "sha256:4f", Duration: 700 * time.Microsecond}},
	}
	if effect == gateway.EffectAllow {
		r.Route = &gateway.Route{Model: "haus-70b", Residency: gateway.ResidencyOwn, Operator: "Kommunales Rechenzentrum", Country: "DE"}
	}
	return r
}

// Closing is the end of a sample record.
func Closing(r gateway.Record) gateway.Closing {
	c := gateway.Closing{ID: r.ID, Time: r.Time.Add(2 * time.Second), Outcome: gateway.OutcomeAnswered, Total: 2 * time.Second, Usage: gateway.Usage{Input: 900, Output: 210, Reported: true}}
	if r.Effect() == gateway.EffectDeny {
		c.Outcome, c.Code = gateway.OutcomeDenied, gateway.CodeDenied
	}
	return c
}

// setup is one log on a fresh database.
type setup struct {
	backend Backend
	db      Database
	store   Store
	log     *audit.Log
	private string
	public  string
}

func newSetup(t *testing.T, b Backend) *setup {
	t.Helper()
	s := &setup{backend: b, db: b.New(t)}
	s.private, s.public = Key(t)
	s.store, s.log = s.start(t)
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *setup) open(t *testing.T) Store { return s.backend.Attach(t, s.db.Address) }

// start opens a log as a process does when it starts.
func (s *setup) start(t *testing.T) (Store, *audit.Log) {
	t.Helper()
	store := s.open(t)
	log, err := audit.New(context.Background(), audit.Config{Store: store, Key: s.private})
	if err != nil {
		t.Fatalf("start the log: %v", err)
	}
	return store, log
}

func (s *setup) stop(t *testing.T) {
	t.Helper()
	if s.log == nil {
		return
	}
	shutdown(t, s.log)
	if err := s.store.Close(); err != nil {
		t.Errorf("close the store: %v", err)
	}
	s.log = nil
}

func shutdown(t *testing.T, l *audit.Log) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		t.Errorf("shut the log down: %v", err)
	}
}

// write opens and closes n sample records.
func (s *setup) write(t *testing.T, tenant gateway.TenantID, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		r := Record(n, tenant)
		if err := s.log.Open(context.Background(), r); err != nil {
			t.Fatalf("open record %d: %v", n, err)
		}
		if err := s.log.Close(context.Background(), Closing(r)); err != nil {
			t.Fatalf("close record %d: %v", n, err)
		}
	}
}

func verify(t *testing.T, v interface {
	Verify(context.Context, ...[]byte) (audit.VerifyReport, error)
}, earlier ...[]byte,
) audit.VerifyReport {
	t.Helper()
	report, err := v.Verify(context.Background(), earlier...)
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	return report
}

func mustBeSound(t *testing.T, r audit.VerifyReport) {
	t.Helper()
	for _, p := range r.Problems {
		t.Errorf("a sound log has the problem %v", p)
	}
}

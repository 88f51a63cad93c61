// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package quotatest is the conformance suite of quota stores and of the Keeper
// on top of them: what one store passes, the other passes as well. Start at [Run].
package quotatest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
)

// Backend makes stores for tests.
type Backend struct {
	// New makes an empty database and returns its address.
	New func(t testing.TB) string
	// Attach opens a store on it; the suite closes it.
	Attach func(t testing.TB, address string) Store
	// Baseline is one conditional UPDATE for a reservation and one for its
	// settlement, in a database of its own.
	Baseline func(t testing.TB) (reserve func(ctx context.Context, n int64) (bool, error), settle func(ctx context.Context, n, cost int64) error)
}

// Store is a quota.Store that can be closed.
type Store interface {
	quota.Store
	Close() error
}

// Run runs the whole suite.
func Run(t *testing.T, b Backend) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Backend)
	}{
		{"a claim is booked once", claimedOnce},
		{"what silent replicas hold counts as lost until they tell", expired},
		{"a share of a silent replica goes to others", sharesExpire},
		{"usage counts once, is grouped and ends", usage},
		{"notices are kept once", notices},
		{"two replicas never overspend", neverOverspends},
		{"a replica that is cut off does not overspend", cutOff},
		{"a killed process does not overspend", killed},
		{"estimates that are too low are booked", lowEstimates},
		{"the whole budget can be spent", wholeBudget},
		{"two replicas keep a rate together", rate},
		{"two replicas share places", concurrency},
		{"tokens are settled", tokens},
		{"what one scope refuses costs the others nothing", refusedElsewhere},
		{"without the store leases go on, then fallbacks", storeDown},
		{"limits change while requests run", setLimits},
		{"notices come once over replicas", noticesOnce},
		{"shutdown gives everything back and writes all usage", shutdown},
		{"a journal keeps usage over a restart", journal},
		{"what is left is shown", left},
		{"a refusal says who, what and when", refusals},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, b)
		})
	}
}

const tenant gateway.TenantID = "musterhausen"

// request is a request of a tenant.
func request(tenant gateway.TenantID) gateway.Request {
	return gateway.Request{
		ID: "e-1", Purpose: gateway.PurposeSummarise, Operation: gateway.OperationChat,
		Caller: gateway.Caller{Tenant: tenant, System: "wohngeld", KeyID: "k_7f31", CostCentre: "5010"},
	}
}

// used is how a request ended that cost something.
func used(cost gateway.MicroEuro, input, output int) gateway.Used {
	return gateway.Used{
		Record: gateway.Record{Tenant: tenant, System: "wohngeld", Purpose: gateway.PurposeSummarise, Service: "wohngeld-mietzuschuss", User: "p1_user", Masked: 2, Route: &gateway.Route{Model: "haus-70b"}},
		Closing: gateway.Closing{
			Outcome: gateway.OutcomeAnswered, Cost: cost,
			Usage: gateway.Usage{Input: input, Output: output, Reported: true},
		},
	}
}

// fixture is a database with replicas.
type fixture struct {
	t       *testing.T
	backend Backend
	address string
	limits  quota.Limits
	lease   time.Duration
}

func newFixture(t *testing.T, b Backend, l quota.Limits) *fixture {
	t.Helper()
	return &fixture{t: t, backend: b, address: b.New(t), limits: l, lease: 30 * time.Second}
}

var replicas atomic.Int64

// keeper starts a replica; change may alter its configuration.
func (f *fixture) keeper(change ...func(*quota.Config)) (*quota.Keeper, *flaky) {
	f.t.Helper()
	store := &flaky{Store: f.attach()}
	c := quota.Config{
		Store: store, Replica: fmt.Sprintf("replica-%d", replicas.Add(1)), Limits: f.limits, Lease: f.lease,
		Every: 50 * time.Millisecond, UsageEvery: 50 * time.Millisecond,
		Timeout: 20 * time.Second, // a busy machine is no store that is down
	}
	for _, f := range change {
		f(&c)
	}
	k, err := quota.New(c)
	if err != nil {
		f.t.Fatalf("start the keeper: %v", err)
	}
	f.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		if store.broken.Load() {
			cancel()
		}
		defer cancel()
		_ = k.Shutdown(ctx)
	})
	return k, store
}

func (f *fixture) attach() Store {
	f.t.Helper()
	store := f.backend.Attach(f.t, f.address)
	f.t.Cleanup(func() { _ = store.Close() })
	return store
}

func (f *fixture) stop(k *quota.Keeper) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := k.Shutdown(ctx); err != nil {
		f.t.Fatalf("shut down: %v", err)
	}
}

// book reads the ledger of the tenant's budget for today.
func (f *fixture) book() quota.Book {
	f.t.Helper()
	return f.bookOf(quota.Scope{Class: "tenant", Tenant: tenant}, quota.KindDay)
}

func (f *fixture) bookOf(s quota.Scope, kind quota.Kind) quota.Book {
	f.t.Helper()
	account := quota.Account{Scope: s, Kind: kind}
	switch now := berlin(f.t, time.Now()); kind {
	case quota.KindDay:
		account.Period = now.Format("2006-01-02")
	case quota.KindMonth:
		account.Period = now.Format("2006-01")
	default:
	}
	books, err := f.attach().Books(context.Background(), []quota.Account{account})
	if err != nil {
		f.t.Fatalf("read the ledger: %v", err)
	}
	return books[0]
}

func berlin(t testing.TB, now time.Time) time.Time {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatalf("time zone: %v", err)
	}
	return now.In(zone)
}

// flaky is a store that can be cut off.
type flaky struct {
	quota.Store
	broken atomic.Bool
	// lost: the store does what it is told, but its answer does not arrive.
	lost      atomic.Bool
	exchanges atomic.Int64
}

var errCut = errors.New("connection refused")

func (f *flaky) Exchange(ctx context.Context, replica string, ttl time.Duration, claims []quota.Claim) ([]quota.Grant, error) {
	if f.broken.Load() {
		return nil, errCut
	}
	f.exchanges.Add(1)
	grants, err := f.Store.Exchange(ctx, replica, ttl, claims)
	if f.lost.Load() {
		return nil, errCut
	}
	return grants, err
}

func (f *flaky) AddUsage(ctx context.Context, b quota.Batch) error {
	if f.broken.Load() {
		return errCut
	}
	err := f.Store.AddUsage(ctx, b)
	if f.lost.Load() {
		return errCut
	}
	return err
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// spend does one request that reserves n and costs cost.
func spend(ctx context.Context, k *quota.Keeper, n, cost gateway.MicroEuro) error {
	ticket, err := k.Admit(ctx, request(tenant))
	if err != nil {
		return err
	}
	if err := ticket.Reserve(ctx, gateway.Estimate{Input: 100, Output: 100, Cost: n}); err != nil {
		ticket.Settle(ctx, gateway.Used{Closing: gateway.Closing{Code: gateway.CodeOf(err), Outcome: gateway.OutcomeFailed}})
		return err
	}
	ticket.Settle(ctx, used(cost, 100, 50))
	return nil
}

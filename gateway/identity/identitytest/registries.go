// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identitytest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Operator may do everything.
var Operator = identity.Actor{Name: "test", Operator: true}

// Pepper of all registries of the suite.
func Pepper() []byte { return []byte(strings.Repeat("p", 32)) }

// Open opens a registry and, with a poll interval, keeps it up to date.
func Open(ctx context.Context, t testing.TB, c identity.Config) *identity.Registry {
	t.Helper()
	c.Pepper, c.Env = Pepper(), "test"
	r, err := identity.Open(ctx, c)
	if err != nil {
		t.Fatalf("open registry: %v", err)
	}
	if c.Poll > 0 {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		var wait sync.WaitGroup
		wait.Go(func() { _ = r.Run(ctx) })
		t.Cleanup(func() { cancel(); wait.Wait() })
	}
	return r
}

// Municipality is a wish for a tenant with one system and one key.
func Municipality(id string) identity.Wish {
	return identity.Wish{
		ID: gateway.TenantID(id), Name: "Gemeinde " + id, Land: "BW", ARS: "083175001001", CostCentre: "4711",
		Systems: []identity.SystemWish{{
			ID: "woga", Name: "WOGA", Channel: gateway.ChannelCaseworker,
			Keys: []identity.KeyWish{{
				Label: "haupt", Purposes: []gateway.Purpose{gateway.PurposeCompletenessCheck}, DefaultPurpose: gateway.PurposeCompletenessCheck,
				Services: []gateway.ServiceID{"wohngeld"}, Principals: []gateway.Principal{"group:wohngeld"},
			}},
		}},
	}
}

// Caller asks a registry who a key belongs to.
func Caller(ctx context.Context, r *identity.Registry, secret string) (gateway.Caller, error) {
	q := &http.Request{Header: http.Header{"Authorization": {"Bearer " + secret}}}
	return r.Authenticate(ctx, q)
}

func mustWork(ctx context.Context, t *testing.T, r *identity.Registry, secret string, want bool) {
	t.Helper()
	c, err := Caller(ctx, r, secret)
	if (err == nil) != want || err != nil && gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("the key works: %v (%v), want %v; caller %v", err == nil, err, want, c)
	}
}

// soon waits until a key works, or does not, for at most the two seconds that are
// promised and as many for a busy machine.
func soon(ctx context.Context, t *testing.T, r *identity.Registry, secret string, want bool) {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, err := Caller(ctx, r, secret)
		if (err == nil) == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the other replica still says %v", err)
		}
	}
}

func onboarding(t *testing.T, b Backend) {
	ctx := context.Background()
	attach := b(t)
	var changes []identity.Change
	r := Open(ctx, t, identity.Config{Store: attach(t), Changed: func(_ context.Context, c identity.Change) { changes = append(changes, c) }})
	const requestKey = "0b9c7a6e-onboarding-of-lohe"
	out, err := r.Create(ctx, Operator, Municipality("lohe"), requestKey)
	if err != nil || len(out.Keys) != 1 || len(out.Tenants) != 1 || out.Tenants[0].Version != 1 {
		t.Fatalf("create = %+v, %v", out, err)
	}
	secret := out.Keys[0].Secret
	c, err := Caller(ctx, r, secret)
	if err != nil || c.Tenant != "lohe" || c.System != "woga" || c.CostCentre != "4711" || c.Auth != "key" || len(c.Services) != 1 {
		t.Errorf("caller = %+v, %v", c, err)
	}
	var actions []identity.Action
	for _, c := range changes {
		actions = append(actions, c.Action)
		if text := fmt.Sprintf("%+v %s %s", c, c.Old, c.New); strings.Contains(text, secret) || strings.Contains(text, "hash") {
			t.Errorf("a change tells a secret: %s", text)
		}
	}
	if fmt.Sprint(actions) != "[tenant.create system.create key.create]" {
		t.Errorf("changes told: %v", actions)
	}

	again, err := r.Create(ctx, Operator, Municipality("lohe"), requestKey)
	if err != nil || !again.Replayed || len(again.Keys) != 1 || again.Keys[0].Secret != secret || len(changes) != 3 {
		t.Errorf("the same request again = %+v, %v; %d changes", again, err, len(changes))
	}
	other := Municipality("lohe")
	other.Name = "Andere Gemeinde"
	if _, err := r.Create(ctx, Operator, other, requestKey); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("another request under the same request key = %v", err)
	}
	if _, err := r.Create(ctx, Operator, Municipality("lohe"), ""); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("creating a tenant twice = %v", err)
	}
	// A new process knows everything, and the texts of the keys are nowhere.
	second := Open(ctx, t, identity.Config{Store: attach(t)})
	mustWork(ctx, t, second, secret, true)
}

func replicas(t *testing.T, b Backend) {
	ctx := context.Background()
	attach := b(t)
	first := Open(ctx, t, identity.Config{Store: attach(t), Poll: 50 * time.Millisecond})
	second := Open(ctx, t, identity.Config{Store: attach(t), Poll: 50 * time.Millisecond, Flush: 20 * time.Millisecond})
	var told atomic.Int64
	second.OnChange(func(d *identity.Directory) { told.Store(int64(len(d.Tenants()))) })
	out, err := first.Create(ctx, Operator, Municipality("lohe"), "")
	if err != nil {
		t.Fatal(err)
	}
	key, place := out.Keys[0], identity.Place{Tenant: "lohe", System: "woga"}
	soon(ctx, t, second, key.Secret, true)
	if told.Load() != 1 {
		t.Errorf("the hook was told of %d tenants", told.Load())
	}

	rotated, err := second.RotateKey(ctx, Operator, place, key.Key.ID, time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	soon(ctx, t, first, rotated.Keys[0].Secret, true)
	mustWork(ctx, t, first, key.Secret, true) // for the overlap
	if _, err := first.RevokeKey(ctx, Operator, place, key.Key.ID); err != nil {
		t.Fatal(err)
	}
	mustWork(ctx, t, first, key.Secret, false)
	soon(ctx, t, second, key.Secret, false)
	mustWork(ctx, t, second, rotated.Keys[0].Secret, true)

	shown := func() string {
		tenant, err := first.Show(ctx, Operator, "lohe")
		if err != nil {
			t.Fatal(err)
		}
		k, _ := tenant.Systems[0].Key(rotated.Keys[0].Key.ID)
		return k.LastUsed
	}
	for deadline := time.Now().Add(4 * time.Second); shown() != time.Now().UTC().Format(time.DateOnly); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the day of use is %q", shown())
		}
	}

	if _, err := first.SetActive(ctx, Operator, "lohe", false); err != nil {
		t.Fatal(err)
	}
	soon(ctx, t, second, rotated.Keys[0].Secret, false)
	if _, err := second.SetActive(ctx, Operator, "lohe", true); err != nil {
		t.Fatal(err)
	}
	soon(ctx, t, first, rotated.Keys[0].Secret, true)
	mustWork(ctx, t, first, key.Secret, false)
}

// Broken is a store that can be away.
type Broken struct {
	identity.Store
	Away atomic.Bool
}

var errAway = errors.New("connection refused")

// Revision fails while the store is away.
func (b *Broken) Revision(ctx context.Context) (int64, error) {
	if b.Away.Load() {
		return 0, errAway
	}
	return b.Store.Revision(ctx)
}

// Update fails while the store is away.
func (b *Broken) Update(ctx context.Context, l identity.Lookup, build func(identity.Current) (identity.Write, error)) error {
	if b.Away.Load() {
		return errAway
	}
	return b.Store.Update(ctx, l, build)
}

// Used fails while the store is away.
func (b *Broken) Used(ctx context.Context, days map[string]int64) error {
	if b.Away.Load() {
		return errAway
	}
	return b.Store.Used(ctx, days)
}

func away(t *testing.T, b Backend) {
	ctx := context.Background()
	store := &Broken{Store: b(t)(t)}
	var clock atomic.Int64
	clock.Store(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC).UnixNano())
	now := func() time.Time { return time.Unix(0, clock.Load()) }
	r := Open(ctx, t, identity.Config{Store: store, Now: now, MaxStale: 15 * time.Minute})
	out, err := r.Create(ctx, Operator, Municipality("lohe"), "")
	if err != nil {
		t.Fatal(err)
	}
	store.Away.Store(true)
	step := func(after time.Duration, ready bool) {
		t.Helper()
		clock.Add(int64(after))
		if r.Sync(ctx) == nil {
			t.Error("sync succeeds without a store")
		}
		if err := r.Ready(ctx); (err == nil) != ready {
			t.Errorf("ready = %v, want ready: %v", err, ready)
		}
		mustWork(ctx, t, r, out.Keys[0].Secret, true)
		if _, err := r.Create(ctx, Operator, Municipality("au"), ""); !errors.Is(err, identity.ErrUnavailable) {
			t.Errorf("a change without a store = %v", err)
		}
		if err := r.FlushUses(ctx); err == nil {
			t.Error("days of use are stored without a store")
		}
	}
	step(0, true)
	step(14*time.Minute, true)
	step(2*time.Minute, false)
	step(24*time.Hour, false)

	store.Away.Store(false)
	if _, err := r.Create(ctx, Operator, Municipality("au"), ""); err != nil {
		t.Errorf("a change after the store is back = %v", err)
	}
	if err := r.Ready(ctx); err != nil {
		t.Errorf("after the store is back: ready = %v", err)
	}
	if err := r.FlushUses(ctx); err != nil {
		t.Errorf("days of use after the store is back = %v", err)
	}
	tenant, err := r.Show(ctx, Operator, "lohe")
	if err != nil || tenant.Systems[0].Keys[0].LastUsed != now().UTC().Format(time.DateOnly) {
		t.Errorf("the day of use was lost: %+v, %v", tenant, err)
	}
}

// restored: a database that went back in time must not leave new keys alive.
func restored(t *testing.T, b Backend) {
	ctx := context.Background()
	attach := b(t)
	store := &switched{Store: attach(t)}
	r := Open(ctx, t, identity.Config{Store: store})
	var secrets []string
	for _, id := range []string{"lohe", "au"} {
		out, err := r.Create(ctx, Operator, Municipality(id), "")
		if err != nil {
			t.Fatal(err)
		}
		secrets = append(secrets, out.Keys[0].Secret)
	}
	backup := b(t)(t)
	write(t, backup, onlyFirst(t, store.Store)...)
	store.Store = backup
	if err := r.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	mustWork(ctx, t, r, secrets[0], true)
	mustWork(ctx, t, r, secrets[1], false)
}

type switched struct{ identity.Store }

func onlyFirst(t *testing.T, s identity.Store) []identity.Row {
	t.Helper()
	rows, _, err := s.Changed(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.ID == "lohe" {
			return []identity.Row{r}
		}
	}
	t.Fatal("the first tenant is missing")
	return nil
}

func rotations(t *testing.T, b Backend) {
	ctx := context.Background()
	attach := b(t)
	registries := []*identity.Registry{Open(ctx, t, identity.Config{Store: attach(t)}), Open(ctx, t, identity.Config{Store: attach(t)})}
	out, err := registries[0].Create(ctx, Operator, Municipality("lohe"), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := registries[1].Sync(ctx); err != nil {
		t.Fatal(err)
	}
	var made, refused atomic.Int64
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			_, err := registries[i%2].RotateKey(ctx, Operator, identity.Place{Tenant: "lohe", System: "woga"}, out.Keys[0].Key.ID, 0, "")
			switch gateway.CodeOf(err) {
			case "":
				made.Add(1)
			case gateway.CodeConflict:
				refused.Add(1)
			default:
				t.Errorf("rotate = %v", err)
			}
		})
	}
	wait.Wait()
	if made.Load() != 1 || refused.Load() != 7 {
		t.Errorf("of eight rotations at once %d were made, %d refused; want 1 and 7", made.Load(), refused.Load())
	}
	if err := registries[1].Sync(ctx); err != nil {
		t.Fatal(err)
	}
	tenant, _ := registries[1].Tenant("lohe")
	if n := len(tenant.Systems[0].Keys); n != 2 {
		t.Errorf("there are %d keys, want 2", n)
	}
}

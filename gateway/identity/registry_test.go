// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
	"github.com/ki-schleuse/schleuse/gateway/identity/sqlite"
)

// office is a registry with a clock that can be moved, a store of its own and a
// list of what it told.
type office struct {
	*identity.Registry
	now     time.Time
	changes []identity.Change
}

func newOffice(t testing.TB, change func(*identity.Config)) *office {
	t.Helper()
	store, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "tenants.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	o := &office{now: now}
	c := identity.Config{
		Store: store, Now: func() time.Time { return o.now }, Reserved: []gateway.TenantID{"gesetze"},
		Settings: map[string]func(json.RawMessage) error{
			"limits": func(raw json.RawMessage) error {
				var limits struct {
					Requests int `json:"requests"`
				}
				if err := json.Unmarshal(raw, &limits); err != nil || limits.Requests < 1 {
					return &gateway.Error{Code: gateway.CodeInvalid, Path: "requests", Message: "Erwartet wird eine Zahl ab 1."}
				}
				return nil
			},
			"authority": func(json.RawMessage) error { return nil },
		},
		OwnSettings: []string{"authority"},
		Changed:     func(_ context.Context, c identity.Change) { o.changes = append(o.changes, c) },
		Tenants:     []identity.Tenant{{ID: "provider", Name: "Rechenzentrum", Active: true}},
	}
	if change != nil {
		change(&c)
	}
	o.Registry = identitytest.Open(context.Background(), t, c)
	return o
}

var operator = identity.Actor{Name: "test", Operator: true}

func (o *office) onboard(t testing.TB, change func(*identity.Wish)) identity.Outcome {
	t.Helper()
	w := identitytest.Municipality("lohe")
	if change != nil {
		change(&w)
	}
	out, err := o.Create(context.Background(), operator, w, "")
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	return out
}

func (o *office) works(secret string) bool {
	_, err := identitytest.Caller(context.Background(), o.Registry, secret)
	return err == nil
}

// told returns the actions since the last call.
func (o *office) told() string {
	var out []string
	for _, c := range o.changes {
		out = append(out, string(c.Action)+" "+string(c.Tenant)+" "+string(c.System))
	}
	o.changes = nil
	return strings.Join(out, ", ")
}

var woga = identity.Place{Tenant: "lohe", System: "woga"}

func TestKeysOfALabel(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	ctx := t.Context()
	first := o.onboard(t, nil).Keys[0]
	if want := now.AddDate(0, 0, 180); !first.Key.Expires.Equal(want) {
		t.Errorf("a key without a wish expires %v, want %v", first.Key.Expires, want)
	}
	rotate := func(id string, overlap time.Duration) (identity.IssuedKey, error) {
		out, err := o.RotateKey(ctx, operator, woga, id, overlap, "")
		if err != nil {
			return identity.IssuedKey{}, err
		}
		return out.Keys[0], nil
	}
	second, err := rotate(first.Key.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if second.Key.Label != "haupt" || !slices.Equal(second.Key.Services, first.Key.Services) || !slices.Equal(second.Key.Principals, first.Key.Principals) {
		t.Errorf("the new key has other scopes: %+v", second.Key)
	}
	if _, err := rotate(second.Key.ID, 0); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("a third valid key of one label = %v", err)
	}
	if !o.works(first.Secret) || !o.works(second.Secret) {
		t.Error("during the overlap both keys work")
	}
	o.now = now.AddDate(0, 0, 7)
	if o.works(first.Secret) || !o.works(second.Secret) {
		t.Error("after seven days the old key ends and the new one goes on")
	}
	third, err := rotate(second.Key.ID, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	o.now = o.now.Add(time.Second)
	if o.works(second.Secret) || !o.works(third.Secret) {
		t.Error("a rotation without overlap ends the old key at once")
	}
	if _, err := o.RevokeKey(ctx, operator, woga, third.Key.ID); err != nil || o.works(third.Secret) {
		t.Errorf("revoke = %v; the key works: %v", err, o.works(third.Secret))
	}
	o.told()
	if _, err := o.RevokeKey(ctx, operator, woga, third.Key.ID); err != nil || o.told() != "" {
		t.Errorf("revoking twice = %v, and tells a change", err)
	}
	if _, err := rotate(third.Key.ID, 0); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("rotating a revoked key = %v", err)
	}
	for _, bad := range []time.Duration{-1, 91 * 24 * time.Hour} {
		if _, err := rotate(second.Key.ID, bad); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("overlap of %v = %v", bad, err)
		}
	}
	tenant, err := o.Show(ctx, operator, "lohe")
	if err != nil {
		t.Fatal(err)
	}
	var states []identity.KeyState
	for _, k := range tenant.Systems[0].Keys {
		states = append(states, k.State)
	}
	if fmt.Sprint(states) != "[expired expired revoked]" {
		t.Errorf("states = %v", states)
	}
	raw, err := json.Marshal(tenant)
	if err != nil || strings.Contains(string(raw), "hash") || strings.Contains(string(raw), tenant.Systems[0].Keys[0].Hash) {
		t.Errorf("a shown tenant holds hashes: %s, %v", raw, err)
	}
}

func TestKeysAreBounded(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.onboard(t, nil)
	ctx := t.Context()
	create := func(label string, days int) error {
		_, err := o.CreateKey(ctx, operator, woga, identity.KeyWish{Label: label, Days: days}, "")
		return err
	}
	for i := 1; i < 50; i++ {
		if err := create(fmt.Sprint(i), 1); err != nil {
			t.Fatalf("key %d: %v", i, err)
		}
	}
	if err := create("51", 1); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("more than fifty valid keys = %v", err)
	}
	o.now = o.now.AddDate(0, 0, 2) // all but the first have ended: they make room
	if err := create("51", 400); err != nil {
		t.Errorf("a key where others have ended = %v", err)
	}
	o.now = o.now.AddDate(0, 0, 399)
	if err := create("52", 1); err != nil {
		t.Fatal(err)
	}
	o.now = o.now.AddDate(0, 0, 10)
	if err := create("53", 1); err != nil {
		t.Fatal(err)
	}
	tenant, _ := o.Tenant("lohe")
	if n := len(tenant.Systems[0].Keys); n > 4 {
		t.Errorf("%d keys are kept, those that ended 400 days ago should be gone", n)
	}
	for _, days := range []int{-1, 401} {
		if err := create("x", days); gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("a key for %d days = %v", days, err)
		}
	}
}

func TestPutIsRepeatable(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	ctx := t.Context()
	w := identitytest.Municipality("lohe")
	w.Settings = identity.Settings{"limits": json.RawMessage(`{"requests": 10}`)}
	out, err := o.Put(ctx, operator, w)
	if err != nil || len(out.Keys) != 1 || o.told() != "tenant.create lohe , system.create lohe woga, key.create lohe woga" {
		t.Fatalf("put = %+v, %v", out, err)
	}
	w.Settings = identity.Settings{"limits": json.RawMessage(`{  "requests":10 }`)}
	again, err := o.Put(ctx, operator, w)
	if err != nil || len(again.Changes)+len(again.Keys) != 0 || again.Tenants[0].Version != 1 || o.told() != "" {
		t.Errorf("the same again = %+v, %v", again, err)
	}
	w.Name = "Gemeinde Lohe an der Au"
	if _, err := o.Put(ctx, operator, w); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("a change without a version = %v", err)
	}
	w.Version = 7
	if _, err := o.Put(ctx, operator, w); gateway.CodeOf(err) != gateway.CodeConflict {
		t.Errorf("a change from a wrong version = %v", err)
	}
	w.Version = 1
	changed, err := o.Put(ctx, operator, w)
	if err != nil || changed.Tenants[0].Version != 2 || len(changed.Changes) != 1 ||
		string(changed.Changes[0].Old) != `{"name":"Gemeinde lohe"}` || string(changed.Changes[0].New) != `{"name":"Gemeinde Lohe an der Au"}` {
		t.Errorf("change = %+v, %v", changed, err)
	}
	o.told()

	// Keys follow the wish by label; keys it does not name stay, systems go.
	secret := out.Keys[0].Secret
	w.Version = 2
	w.Systems[0].Keys[0].Services = []gateway.ServiceID{"wohngeld", "elterngeld"}
	w.Systems = append(w.Systems, identity.SystemWish{ID: "akte", Channel: gateway.ChannelSystem, Keys: []identity.KeyWish{{}}})
	if _, err := o.Put(ctx, operator, w); err != nil || o.told() != "system.create lohe akte, key.update lohe woga, key.create lohe akte" {
		t.Errorf("put = %v", err)
	}
	if c, err := identitytest.Caller(context.Background(), o.Registry, secret); err != nil || len(c.Services) != 2 {
		t.Errorf("caller = %+v, %v; the key has new scopes", c, err)
	}
	w.Version, w.Systems = 3, w.Systems[1:]
	if _, err := o.Put(ctx, operator, w); err != nil || o.told() != "system.remove lohe woga" || o.works(secret) {
		t.Errorf("put = %v; the key of a removed system works: %v", err, o.works(secret))
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	ctx := t.Context()
	wishes := []identity.Wish{identitytest.Municipality("au"), identitytest.Municipality("lohe")}
	plan, err := o.Apply(ctx, operator, wishes, true)
	if err != nil || len(plan.Changes) != 6 || len(plan.Keys) != 0 || o.told() != "" {
		t.Errorf("dry run = %+v, %v", plan, err)
	}
	if _, ok := o.Tenant("au"); ok {
		t.Error("a dry run made a tenant")
	}
	if out, err := o.Apply(ctx, operator, wishes, false); err != nil || len(out.Keys) != 2 {
		t.Errorf("apply = %+v, %v", out, err)
	}
	o.told()
	wishes[0].Name, wishes[1].Land = "Neu", "XX"
	_, err = o.Apply(ctx, operator, wishes, false)
	if e := new(gateway.Error); !errors.As(err, &e) || e.Path != "tenants[1].land" {
		t.Errorf("a mistake in the second = %v", err)
	}
	if au, _ := o.Tenant("au"); au.Name != "Gemeinde au" || o.told() != "" {
		t.Error("of an apply that failed something was kept")
	}
	if _, err := o.Apply(ctx, operator, append(wishes[:1], wishes[0]), false); gateway.CodeOf(err) != gateway.CodeInvalid {
		t.Errorf("the same tenant twice = %v", err)
	}
}

func TestWhoMayWhat(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	ctx := t.Context()
	chief := identity.KeyWish{Label: "betrieb", Roles: []string{identity.RoleOperator}}
	out := o.onboard(t, func(w *identity.Wish) { w.Systems[0].Keys = append(w.Systems[0].Keys, chief) })
	chiefKey := out.Keys[1].Key.ID
	if _, err := o.Create(ctx, operator, identitytest.Municipality("au"), ""); err != nil {
		t.Fatal(err)
	}
	own := identity.Actor{Name: "mandant", Tenant: "lohe"}
	put := func(change func(*identity.Wish)) error {
		w := identitytest.Municipality("lohe")
		w.Version = 1
		change(&w)
		_, err := o.Put(ctx, own, w)
		return err
	}
	for name, c := range map[string]struct {
		do   func() error
		path string
	}{
		"nobody":          {func() error { _, err := o.Show(ctx, identity.Actor{}, "lohe"); return err }, ""},
		"another tenant":  {func() error { _, err := o.Show(ctx, own, "au"); return err }, ""},
		"an unknown one":  {func() error { _, err := o.Show(ctx, own, "nirgends"); return err }, ""},
		"changing others": {func() error { _, err := o.Put(ctx, own, identitytest.Municipality("au")); return err }, ""},
		"keys of others": {func() error {
			_, err := o.CreateKey(ctx, own, identity.Place{Tenant: "au", System: "woga"}, identity.KeyWish{}, "")
			return err
		}, ""},
		"activating": {func() error { _, err := o.SetActive(ctx, own, "lohe", true); return err }, ""},
		"deleting":   {func() error { _, err := o.Delete(ctx, own, "lohe"); return err }, ""},
		"an operator role": {func() error {
			_, err := o.CreateKey(ctx, own, woga, identity.KeyWish{Label: "x", Roles: []string{"betrieb"}}, "")
			return err
		}, "roles"},
		"rotating into it": {func() error { _, err := o.RotateKey(ctx, own, woga, chiefKey, 0, ""); return err }, "roles"},
		"wishing for it": {func() error {
			return put(func(w *identity.Wish) { w.Systems[0].Keys[0].Roles = []string{"richtlinien"} })
		}, "systems[0].keys[0].roles"},
		"its state":       {func() error { return put(func(w *identity.Wish) { w.Land, w.ARS = "BY", "" }) }, "land"},
		"its cost centre": {func() error { return put(func(w *identity.Wish) { w.CostCentre = "1" }) }, "cost_centre"},
		"its activity":    {func() error { return put(func(w *identity.Wish) { w.Active = new(bool) }) }, "active"},
		"a cost centre":   {func() error { return put(func(w *identity.Wish) { w.Systems[0].CostCentre = "1" }) }, "systems[0].cost_centre"},
		"its limits": {func() error {
			return put(func(w *identity.Wish) {
				w.Settings = identity.Settings{"limits": json.RawMessage(`{"requests":1000000}`)}
			})
		}, "settings.limits"},
	} {
		err := c.do()
		if e := new(gateway.Error); !errors.As(err, &e) || e.Code != gateway.CodeDenied || e.Path != c.path {
			t.Errorf("%s: %v, want denied at %q", name, err, c.path)
		}
	}
	o.told()
	err := put(func(w *identity.Wish) {
		w.Name, w.Settings = "Gemeinde Lohe", identity.Settings{"authority": json.RawMessage(`{"authority":"Gemeinde Lohe"}`)}
	})
	if err != nil || o.told() != "tenant.update lohe " {
		t.Errorf("what a tenant may change itself: %v", err)
	}
	if _, err := o.CreateKey(ctx, own, woga, identity.KeyWish{Label: "eigen", Roles: []string{identity.RoleTenant}}, ""); err != nil {
		t.Errorf("a key for its own administration: %v", err)
	}
	if p := o.List(own, "", "", 10); len(p.Items) != 1 || p.Items[0].ID != "lohe" {
		t.Errorf("a tenant sees %+v", p)
	}
	for roles, want := range map[string]identity.Actor{
		"betrieb":         {Name: "schluessel k", Home: "lohe", User: "schluessel k", Operator: true},
		"mandant":         {Name: "schluessel k", Home: "lohe", User: "schluessel k", Tenant: "lohe"},
		"sachbearbeitung": {},
		"revision":        {},
	} {
		got, err := identity.ActorOf(gateway.Caller{Tenant: "lohe", KeyID: "k", Roles: []string{roles}})
		if got != want || (err != nil) != (want == identity.Actor{}) {
			t.Errorf("a caller with the role %s is %+v, %v", roles, got, err)
		}
	}
}

func TestWhatCannotBeChanged(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	ctx := t.Context()
	o.onboard(t, nil)
	alone := identitytest.Open(context.Background(), t, identity.Config{})
	wish := func(change func(*identity.Wish)) func() error {
		return func() error {
			w := identitytest.Municipality("neu")
			change(&w)
			_, err := o.Create(ctx, operator, w, "")
			return err
		}
	}
	for name, c := range map[string]struct {
		do   func() error
		code gateway.Code
		path string
	}{
		"a tenant of the configuration": {wish(func(w *identity.Wish) { w.ID = "provider" }), gateway.CodeConflict, "id"},
		"a reserved id":                 {wish(func(w *identity.Wish) { w.ID = "gesetze" }), gateway.CodeConflict, "id"},
		"no database":                   {func() error { _, err := alone.SetActive(ctx, operator, "x", true); return err }, gateway.CodeConflict, ""},
		"records exist":                 {func() error { _, err := o.Delete(ctx, operator, "lohe"); return err }, gateway.CodeConflict, ""},
		"an unknown tenant":             {func() error { _, err := o.SetActive(ctx, operator, "x", true); return err }, gateway.CodeNotFound, ""},
		"an unknown system": {func() error {
			_, err := o.RevokeKey(ctx, operator, identity.Place{Tenant: "lohe", System: "x"}, "k")
			return err
		}, gateway.CodeNotFound, ""},
		"an unknown key":            {func() error { _, err := o.RevokeKey(ctx, operator, woga, "k"); return err }, gateway.CodeNotFound, ""},
		"an id":                     {wish(func(w *identity.Wish) { w.ID = "Große Stadt" }), gateway.CodeInvalid, "id"},
		"a long id":                 {wish(func(w *identity.Wish) { w.ID = gateway.TenantID(strings.Repeat("a", 65)) }), gateway.CodeInvalid, "id"},
		"no name":                   {wish(func(w *identity.Wish) { w.Name = "" }), gateway.CodeInvalid, "name"},
		"an escape sequence":        {wish(func(w *identity.Wish) { w.Name = "\x1b[2J" }), gateway.CodeInvalid, "name"},
		"a region of another state": {wish(func(w *identity.Wish) { w.ARS = "091620000000" }), gateway.CodeInvalid, "ars"},
		"a channel":                 {wish(func(w *identity.Wish) { w.Systems[0].Channel = "" }), gateway.CodeInvalid, "systems[0].channel"},
		"a label twice": {
			wish(func(w *identity.Wish) { w.Systems[0].Keys = append(w.Systems[0].Keys, w.Systems[0].Keys[0]) }),
			gateway.CodeInvalid, "systems[0].keys[1].label",
		},
		"a role":              {wish(func(w *identity.Wish) { w.Systems[0].Keys[0].Roles = []string{"root"} }), gateway.CodeInvalid, "systems[0].keys[0].roles[0]"},
		"an unknown setting":  {wish(func(w *identity.Wish) { w.Settings = identity.Settings{"x": nil} }), gateway.CodeInvalid, "settings.x"},
		"a wrong setting":     {wish(func(w *identity.Wish) { w.Settings = identity.Settings{"limits": json.RawMessage(`{"requests":0}`)} }), gateway.CodeInvalid, "settings.limits.requests"},
		"a setting, not JSON": {wish(func(w *identity.Wish) { w.Settings = identity.Settings{"authority": json.RawMessage(`{`)} }), gateway.CodeInvalid, "settings.authority"},
		"too many systems": {wish(func(w *identity.Wish) {
			for i := range 101 {
				w.Systems = append(w.Systems, identity.SystemWish{ID: gateway.SystemID(fmt.Sprint(i)), Channel: "system"})
			}
		}), gateway.CodeInvalid, "systems"},
		"a short request key": {func() error { _, err := o.Create(ctx, operator, identitytest.Municipality("neu"), "1"); return err }, gateway.CodeInvalid, "Idempotency-Key"},
	} {
		err := c.do()
		if e := new(gateway.Error); !errors.As(err, &e) || e.Code != c.code || e.Path != c.path || e.Message == "" {
			t.Errorf("%s: %v, want %s at %q", name, err, c.code, c.path)
		}
	}
	if o.told() != "tenant.create lohe , system.create lohe woga, key.create lohe woga" {
		t.Error("what was refused was told as a change")
	}
}

func TestDeletedTenantsLeaveNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *identity.Config) {
		c.InUse = func(context.Context, gateway.TenantID) (bool, error) { return false, nil }
	})
	secret := o.onboard(t, nil).Keys[0].Secret
	if _, err := o.Delete(t.Context(), operator, "lohe"); err != nil || o.works(secret) {
		t.Errorf("delete = %v; its key works: %v", err, o.works(secret))
	}
	if _, ok := o.Tenant("lohe"); ok {
		t.Error("the tenant is still there")
	}
	out := o.onboard(t, nil)
	if out.Tenants[0].Version != 3 || !o.works(out.Keys[0].Secret) || o.works(secret) {
		t.Errorf("a tenant made again has version %d, want 3, and its new key only", out.Tenants[0].Version)
	}
}

func TestAnswersAreKeptForADay(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.onboard(t, nil)
	const requestKey = "d5a6f0f2-1111-4222-8333"
	create := func() (identity.Outcome, error) {
		return o.CreateKey(t.Context(), operator, woga, identity.KeyWish{Label: "neu"}, requestKey)
	}
	first, err := create()
	if err != nil {
		t.Fatal(err)
	}
	o.now = o.now.Add(24 * time.Hour)
	again, err := create()
	if err != nil || !again.Replayed || again.Keys[0].Secret != first.Keys[0].Secret {
		t.Errorf("within a day: %+v, %v", again, err)
	}
	o.now = o.now.Add(time.Second)
	later, err := create()
	if err != nil || later.Replayed || later.Keys[0].Secret == first.Keys[0].Secret {
		t.Errorf("after a day: %+v, %v; want a new key", later, err)
	}
	other, err := o.CreateKey(t.Context(), identity.Actor{Name: "anderer", Operator: true}, woga, identity.KeyWish{Label: "neu2"}, requestKey)
	if err != nil || other.Replayed {
		t.Errorf("the request key of somebody else: %+v, %v", other, err)
	}
}

func TestTheConfigurationGoesFirst(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	secret := o.onboard(t, nil).Keys[0].Secret
	var seen []int
	o.OnChange(func(d *identity.Directory) { seen = append(seen, len(d.Tenants())) })
	if err := o.Configure(t.Context(), []identity.Tenant{{ID: "lohe", Name: "Aus der Konfiguration", Active: true}}); err != nil {
		t.Fatal(err)
	}
	if tenant, _ := o.Tenant("lohe"); tenant.Managed != identity.ManagedConfig || o.works(secret) {
		t.Errorf("the tenant is %+v; the stored key works: %v", tenant, o.works(secret))
	}
	if err := o.Configure(t.Context(), []identity.Tenant{{ID: "A"}}); err == nil {
		t.Error("a wrong configuration was taken")
	}
	if err := o.Configure(t.Context(), nil); err != nil || !o.works(secret) {
		t.Errorf("without the configured tenant the stored one is back: %v", err)
	}
	if fmt.Sprint(seen) != "[2 1 1]" {
		t.Errorf("the hook saw %v", seen)
	}
}

func TestSessionsEndWithTheirTenant(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	o.onboard(t, nil)
	sessions := identity.NewSessions(func() time.Time { return o.now }, false)
	o.OnChange(func(d *identity.Directory) { _ = sessions.Retain(t.Context(), d.Active) })
	signIn, r := signedIn(t, sessions, "lohe")
	if _, err := sessions.Person(r); err != nil {
		t.Fatalf("the session does not work: %v", err)
	}
	ticket := login(t, sessions, identity.Person{Tenant: "lohe"})
	if _, err := o.SetActive(t.Context(), operator, "lohe", false); err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.Person(r); err == nil || signIn(ticket) || signIn(login(t, sessions, identity.Person{Tenant: "lohe"})) {
		t.Error("the tenant is not active, its session or a ticket works")
	}
	if _, err := o.SetActive(t.Context(), operator, "lohe", true); err != nil {
		t.Fatal(err)
	}
	if _, err := sessions.Person(r); err == nil || signIn(ticket) {
		t.Error("an ended session or a ticket came back with the tenant")
	}
	if !signIn(login(t, sessions, identity.Person{Tenant: "lohe"})) || !signIn(login(t, sessions, identity.Person{})) {
		t.Error("a new sign-in is refused")
	}
}

func TestMethodsAreAskedFirst(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(c *identity.Config) {
		c.Methods = []identity.Method{func(_ context.Context, d *identity.Directory, r *httpRequest) (gateway.Caller, bool, error) {
			if r.Header.Get("X-Test") == "" {
				return gateway.Caller{}, false, nil
			}
			return gateway.Caller{Tenant: "provider", Auth: "test"}, d.Active("provider"), nil
		}}
	})
	r := request("slz_junk")
	if _, err := o.Authenticate(t.Context(), r); gateway.CodeOf(err) != gateway.CodeUnauthenticated {
		t.Errorf("without the method: %v", err)
	}
	r.Header.Set("X-Test", "1")
	if c, err := o.Authenticate(t.Context(), r); err != nil || c.Auth != "test" {
		t.Errorf("with the method: %+v, %v", c, err)
	}
}

func TestIssuedKeysDoNotPrintTheirText(t *testing.T) {
	t.Parallel()
	k := identity.IssuedKey{Key: identity.Key{ID: "abcdefgh"}, Secret: "slz_geheim"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if out := fmt.Sprintf(format, k); strings.Contains(out, "geheim") {
			t.Errorf("%s prints %s", format, out)
		}
	}
	if strings.Contains(k.LogValue().String(), "geheim") {
		t.Error("the log value holds the text")
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/identity/identitytest"
	"github.com/ki-schleuse/schleuse/gateway/identity/sqlite"
)

// office is a server whose callers are recognised by the registry that it manages.
type office struct {
	*bench
	operator string // a key with the role betrieb
	store    *identitytest.Broken
}

func newOffice(t testing.TB) office {
	t.Helper()
	file, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "tenants.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	o := office{store: &identitytest.Broken{Store: file}}
	r := identitytest.Open(context.Background(), t, identity.Config{
		Store: o.store, Tenants: []identity.Tenant{{ID: "provider", Name: "Rechenzentrum", Active: true}},
		Settings: map[string]func(json.RawMessage) error{"limits": func(json.RawMessage) error { return nil }},
	})
	w := identitytest.Municipality("leitstelle")
	w.Systems[0].Keys[0].Roles = []string{identity.RoleOperator}
	out, err := r.Create(context.Background(), identitytest.Operator, w, "")
	if err != nil {
		t.Fatal(err)
	}
	o.operator = out.Keys[0].Secret
	o.bench = setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.Auth, c.Tenants = r, r })
	return o
}

func (o office) as(t *testing.T, key, method, path, body string, headers ...string) answer {
	t.Helper()
	return o.call(t, method, path, body, append([]string{"Authorization", "Bearer " + key}, headers...)...)
}

const lohe = `{"id":"lohe","name":"Gemeinde Lohe","land":"BW","ars":"083175001001","cost_centre":"4711","settings":{"limits":{"requests":10}},
	"systems":[{"id":"woga","name":"WOGA","channel":"caseworker","keys":[
		{"label":"haupt","days":90,"purposes":["chat"],"default_purpose":"chat","services":["wohngeld"]},
		{"label":"verwaltung","roles":["mandant"]}]}]}`

func secretOf(t *testing.T, a answer, i int) string {
	t.Helper()
	keys, _ := at(a.json(t), "keys").([]any)
	if len(keys) <= i {
		t.Fatalf("no key %d in %d %s", i, a.status, a.body)
	}
	return fmt.Sprint(at(keys[i], "secret"))
}

func TestOnboardingIsOneCall(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	const once = "8a7c9c2e-5d1f-4b7a-9f53-0c1d2e3f4a5b"
	got := o.as(t, o.operator, "POST", "/api/v1/tenants", lohe, "Idempotency-Key", once)
	if got.status != 201 || got.header.Get("Location") != "/api/v1/tenants/lohe" || got.header.Get("ETag") != `"1"` || got.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("create: %d %v %s", got.status, got.header, got.body)
	}
	key := secretOf(t, got, 0)
	if c := o.as(t, key, "POST", "/v1/chat/completions", `{"messages":[{"role":"user","content":"Guten Tag"}]}`); c.status != 200 {
		t.Errorf("the first request of the new municipality: %d %s", c.status, c.body)
	}
	again := o.as(t, o.operator, "POST", "/api/v1/tenants", lohe, "Idempotency-Key", once)
	if again.status != 201 || again.header.Get("Idempotency-Replayed") != "true" || secretOf(t, again, 0) != key {
		t.Errorf("the same once more: %d %v %s", again.status, again.header, again.body)
	}
	if twice := o.as(t, o.operator, "POST", "/api/v1/tenants", lohe); twice.status != 409 || at(twice.json(t), "path") != "id" {
		t.Errorf("without the request key: %d %s", twice.status, twice.body)
	}

	shown := o.as(t, o.operator, "GET", "/api/v1/tenants/lohe", "")
	if shown.status != 200 || strings.Contains(shown.body, key) || strings.Contains(shown.body, "hash") || at(shown.json(t), "managed") != "store" {
		t.Errorf("shown: %d %s", shown.status, shown.body)
	}
	// What was read can be changed and sent back.
	changed := strings.Replace(shown.body, "Gemeinde Lohe", "Gemeinde Lohe an der Au", 1)
	put := o.as(t, o.operator, "PUT", "/api/v1/tenants/lohe", changed)
	if put.status != 200 || at(put.json(t), "tenant", "name") != "Gemeinde Lohe an der Au" || put.header.Get("ETag") != `"2"` {
		t.Errorf("put: %d %s", put.status, put.body)
	}
	if old := o.as(t, o.operator, "PUT", "/api/v1/tenants/lohe", changed); old.status != 409 || at(old.json(t), "path") != "version" {
		t.Errorf("put of an old version: %d %s", old.status, old.body)
	}
	if same := o.as(t, o.operator, "PUT", "/api/v1/tenants/lohe", lohe); same.status != 409 {
		t.Errorf("a put without a version that changes something: %d %s", same.status, same.body)
	}
	if matched := o.as(t, o.operator, "PUT", "/api/v1/tenants/lohe", lohe, "If-Match", `"2"`); matched.status != 200 || matched.header.Get("ETag") != `"3"` {
		t.Errorf("a put with If-Match: %d %s", matched.status, matched.body)
	}
	if fresh := o.as(t, o.operator, "PUT", "/api/v1/tenants/au", strings.Replace(lohe, `"id":"lohe",`, "", 1)); fresh.status != 201 || at(fresh.json(t), "tenant", "id") != "au" {
		t.Errorf("a put that creates: %d %s", fresh.status, fresh.body)
	}
	if c := o.as(t, key, "GET", "/v1/models", ""); c.status != 200 {
		t.Errorf("after all changes the key works: %d %s", c.status, c.body)
	}

	off := o.as(t, o.operator, "POST", "/api/v1/tenants/lohe/deactivate", "")
	if off.status != 200 || at(off.json(t), "tenant", "active") != false {
		t.Errorf("deactivate: %d %s", off.status, off.body)
	}
	if c := o.as(t, key, "GET", "/v1/models", ""); c.status != 401 {
		t.Errorf("the key of a deactivated tenant: %d", c.status)
	}
	if on := o.as(t, o.operator, "POST", "/api/v1/tenants/lohe/activate", ""); on.status != 200 {
		t.Errorf("activate: %d %s", on.status, on.body)
	}
	if del := o.as(t, o.operator, "DELETE", "/api/v1/tenants/lohe", ""); del.status != 409 || !strings.Contains(del.body, "deaktiviert") {
		t.Errorf("delete: %d %s", del.status, del.body)
	}
}

func TestKeysByAPI(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	created := o.as(t, o.operator, "POST", "/api/v1/tenants", lohe)
	first, chief := secretOf(t, created, 0), secretOf(t, created, 1)
	const keys = "/api/v1/tenants/lohe/systems/woga/keys"
	idOf := func(secret string) string { return strings.Split(secret, "_")[2] }

	made := o.as(t, chief, "POST", keys, `{"label":"neu","purposes":["chat"],"default_purpose":"chat"}`)
	secret := fmt.Sprint(at(made.json(t), "secret"))
	if made.status != 201 || at(made.json(t), "key", "created_by") != "schluessel "+idOf(chief) {
		t.Fatalf("create: %d %s", made.status, made.body)
	}
	if empty := o.as(t, chief, "POST", keys, ""); empty.status != 201 {
		t.Errorf("a key without wishes: %d %s", empty.status, empty.body)
	}
	rotated := o.as(t, chief, "POST", keys+"/"+idOf(first)+"/rotate", "")
	next := fmt.Sprint(at(rotated.json(t), "secret"))
	if rotated.status != 201 || at(rotated.json(t), "key", "label") != "haupt" {
		t.Fatalf("rotate: %d %s", rotated.status, rotated.body)
	}
	for name, key := range map[string]string{"old": first, "new": next, "other": secret} {
		if c := o.as(t, key, "GET", "/v1/models", ""); c.status != 200 {
			t.Errorf("the %s key: %d", name, c.status)
		}
	}
	if third := o.as(t, chief, "POST", keys+"/"+idOf(next)+"/rotate", "{}"); third.status != 409 {
		t.Errorf("a third valid key: %d %s", third.status, third.body)
	}
	if gone := o.as(t, chief, "DELETE", keys+"/"+idOf(first), ""); gone.status != 204 || gone.body != "" {
		t.Errorf("revoke: %d %s", gone.status, gone.body)
	}
	if c := o.as(t, first, "GET", "/v1/models", ""); c.status != 401 {
		t.Errorf("the revoked key: %d", c.status)
	}
	if now := o.as(t, chief, "POST", keys+"/"+idOf(next)+"/rotate", `{"overlap_hours":0}`); now.status != 201 {
		t.Errorf("rotate at once: %d %s", now.status, now.body)
	}
	if c := o.as(t, next, "GET", "/v1/models", ""); c.status != 401 {
		t.Errorf("the key that was replaced at once: %d", c.status)
	}
	list := o.as(t, chief, "GET", keys, "")
	if n := strings.Count(list.body, `"state":"valid"`); list.status != 200 || n != 4 || strings.Contains(list.body, "secret") || !strings.Contains(list.body, `"last_used":"20`) {
		t.Errorf("list: %d, %d valid: %s", list.status, n, list.body)
	}
	for _, secret := range []string{first, chief, next, secret, o.operator} {
		if strings.Contains(o.log.String(), secret) || strings.Contains(list.body, secret) {
			t.Error("a key stands in the log or in the list")
		}
	}
}

func TestTenantsAreRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	created := o.as(t, o.operator, "POST", "/api/v1/tenants", lohe)
	plain, chief := secretOf(t, created, 0), secretOf(t, created, 1)
	for name, c := range map[string]struct {
		key, request, body string
		status             int
		path               string
	}{
		"a key without a role":       {plain, "GET /api/v1/tenants", "", 403, ""},
		"its own tenant":             {plain, "GET /api/v1/tenants/lohe", "", 403, ""},
		"its own keys":               {plain, "POST /api/v1/tenants/lohe/systems/woga/keys", "{}", 403, ""},
		"another tenant":             {chief, "GET /api/v1/tenants/leitstelle", "", 403, ""},
		"one that is not there":      {chief, "GET /api/v1/tenants/nirgends", "", 403, ""},
		"keys of another":            {chief, "GET /api/v1/tenants/leitstelle/systems/woga/keys", "", 403, ""},
		"revoking at another":        {chief, "DELETE /api/v1/tenants/leitstelle/systems/woga/keys/abcdefgh", "", 403, ""},
		"a new tenant":               {chief, "POST /api/v1/tenants", `{"id":"x","name":"X"}`, 403, ""},
		"more rights":                {chief, "POST /api/v1/tenants/lohe/systems/woga/keys", `{"roles":["betrieb"]}`, 403, "roles"},
		"more money":                 {chief, "PUT /api/v1/tenants/lohe", strings.Replace(lohe, `"requests":10`, `"requests":99`, 1), 403, "settings.limits"},
		"a configured tenant":        {o.operator, "PUT /api/v1/tenants/provider", `{"name":"X"}`, 409, "id"},
		"an unknown tenant":          {o.operator, "GET /api/v1/tenants/nirgends", "", 404, ""},
		"an unknown system":          {o.operator, "GET /api/v1/tenants/lohe/systems/x/keys", "", 404, ""},
		"no JSON":                    {o.operator, "POST /api/v1/tenants", "{", 400, ""},
		"a list":                     {o.operator, "POST /api/v1/tenants/lohe/systems/woga/keys", "[]", 400, ""},
		"an unknown field":           {o.operator, "POST /api/v1/tenants", `{"id":"x","name":"X","systems":[{"id":"a","channel":"system","farbe":1}]}`, 400, "systems[0].farbe"},
		"a wrong type":               {o.operator, "POST /api/v1/tenants", `{"id":"x","name":"X","active":"ja"}`, 400, "active"},
		"a wrong type in a list":     {o.operator, "POST /api/v1/tenants", `{"id":"x","name":"X","systems":[{"id":"a","channel":"system","keys":[{"purposes":[1]}]}]}`, 400, "systems[0].keys[0].purposes[0]"},
		"a wrong channel":            {o.operator, "POST /api/v1/tenants", `{"id":"x","name":"X","systems":[{"id":"a","channel":"tv"}]}`, 400, "systems[0].channel"},
		"a life of a key":            {o.operator, "POST /api/v1/tenants", `{"id":"x","name":"X","systems":[{"id":"a","channel":"system","keys":[{"days":401}]}]}`, 400, "systems[0].keys[0].days"},
		"an end of a key":            {o.operator, "POST /api/v1/tenants/lohe/systems/woga/keys", `{"expires":"2099-01-01T00:00:00Z"}`, 400, "expires"},
		"an id of a key":             {o.operator, "POST /api/v1/tenants/lohe/systems/woga/keys", `{"id":"abcdefgh"}`, 400, "id"},
		"settings that are none":     {o.operator, "POST /api/v1/tenants", `{"id":"x","name":"X","settings":[]}`, 400, "settings"},
		"another id than in the URL": {o.operator, "PUT /api/v1/tenants/au", lohe, 400, "id"},
		"a limit":                    {o.operator, "GET /api/v1/tenants?limit=0", "", 400, "limit"},
		"a parameter":                {o.operator, "GET /api/v1/tenants?sort=name", "", 400, "sort"},
		"an overlap":                 {o.operator, "POST /api/v1/tenants/lohe/systems/woga/keys/abcdefgh/rotate", `{"overlap_hours":9999}`, 400, "overlap_hours"},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		got := o.as(t, c.key, method, path, c.body)
		var said any
		if c.path != "" {
			said = c.path
		}
		if body := got.json(t); got.status != c.status || body["path"] != said || body["detail"] == "" {
			t.Errorf("%s: %d %s, want %d at %q", name, got.status, got.body, c.status, c.path)
		}
	}
	if got := o.as(t, o.operator, "PUT", "/api/v1/tenants/lohe", lohe, "If-Match", "W/x"); got.status != 400 {
		t.Errorf("If-Match: %d %s", got.status, got.body)
	}
	if got := o.as(t, o.operator, "POST", "/api/v1/tenants", `{"id":"x","name":"X"}`, "Idempotency-Key", "1"); got.status != 400 || at(got.json(t), "path") != "Idempotency-Key" {
		t.Errorf("a short request key: %d %s", got.status, got.body)
	}
}

func TestTenantsArePaged(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for i := range 5 {
		body := fmt.Sprintf(`{"id":"t%d","name":"Gemeinde %d","land":"BY","systems":[]}`, i, i)
		if got := o.as(t, o.operator, "POST", "/api/v1/tenants", body); got.status != 201 {
			t.Fatalf("create: %d %s", got.status, got.body)
		}
	}
	var seen []string
	for cursor := ""; ; {
		page := o.as(t, o.operator, "GET", "/api/v1/tenants?limit=2&q=gemeinde&cursor="+cursor, "").json(t)
		for _, line := range page["tenants"].([]any) {
			seen = append(seen, fmt.Sprint(at(line, "id")))
		}
		next, more := page["next"].(string)
		if cursor = next; !more {
			break
		}
	}
	if fmt.Sprint(seen) != "[leitstelle t0 t1 t2 t3 t4]" {
		t.Errorf("pages show %v", seen)
	}
}

func TestTheStoreIsAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.store.Away.Store(true)
	got := o.as(t, o.operator, "POST", "/api/v1/tenants", lohe)
	if got.status != 503 || got.header.Get("Retry-After") == "" || at(got.json(t), "code") != "storage_unavailable" || strings.Contains(got.body, "refused") {
		t.Errorf("a change without a store: %d %s", got.status, got.body)
	}
	if list := o.as(t, o.operator, "GET", "/api/v1/tenants", ""); list.status != 200 {
		t.Errorf("reading without a store: %d %s", list.status, list.body)
	}
	o.store.Away.Store(false)
	if got := o.as(t, o.operator, "POST", "/api/v1/tenants", lohe); got.status != 201 {
		t.Errorf("after it is back: %d %s", got.status, got.body)
	}
}

// FuzzTenantWish: whatever is sent as a tenant is taken or refused with a reason.
func FuzzTenantWish(f *testing.F) {
	o := newOffice(f)
	for _, seed := range []string{lohe, `{}`, `{"id":"a","name":"A","systems":[{"keys":[{}]}]}`, `{"systems":[null]}`, `{"settings":{"limits":null}}`, `{"version":1e9}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPut, "/api/v1/tenants/lohe", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+o.operator)
		w := httptest.NewRecorder()
		o.setup.ServeHTTP(w, r)
		switch w.Code {
		case 200, 201, 400, 409, 413:
		default:
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}

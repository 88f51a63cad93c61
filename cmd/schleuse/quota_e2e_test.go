// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/quota"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

const limitedChat = `{"model":"modell","max_tokens":20,"messages":[{"role":"user","content":"Guten Tag, wie lang ist die Frist?"}]}`

// recorded is the number of requests of the town in the record.
func (w *town) recorded(t *testing.T) int {
	t.Helper()
	page, err := w.records(t).List(t.Context(), audit.Filter{Scope: audit.Scope{Tenant: demoTenant}, Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Items)
}

// A limit that is reached is 429 in the form that clients of OpenAI know, with
// the time to wait. What is refused at the door leaves no record; what is refused
// after it was decided, because its size was known only then, does.
func TestLimitsOverHTTP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limit    quota.Limit
		recorded int // of the refused request
		code     gateway.Code
	}{
		"requests":      {quota.Limit{RequestsPerMinute: 1}, 0, gateway.CodeRateLimited},
		"output tokens": {quota.Limit{OutputTokensPerMinute: 21}, 1, gateway.CodeRateLimited},
		"input tokens":  {quota.Limit{InputTokensPerMinute: 60}, 1, gateway.CodeRateLimited},
		"budget":        {quota.Limit{BudgetPerDay: 60_000}, 1, gateway.CodeBudget},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setupWith(t, func(c2 *Config) {
				c2.Limits.Tenants = map[string]quota.Limit{string(demoTenant): c.limit}
				c2.Models[0].Price = PriceConfig{Input: 1_000_000_000, Output: 1_000_000_000}
			})
			status, body, header := 0, "", http.Header{}
			before, asked := 0, 0
			for range 50 {
				before, asked = w.recorded(t), len(w.model.Requests())
				if status, body, header = w.post(t, "/v1/chat/completions", limitedChat, "Schleuse-Purpose", "chat"); status != http.StatusOK {
					break
				}
			}
			if asked == 0 || len(w.model.Requests()) != asked {
				t.Errorf("%d requests at the model, then %d", asked, len(w.model.Requests()))
			}
			w.refusedWith(t, c.code, status, body, header)
			if n := w.recorded(t) - before; n != c.recorded {
				t.Errorf("the refusal left %d records, want %d", n, c.recorded)
			}
		})
	}
}

func (w *town) refusedWith(t *testing.T, code gateway.Code, status int, body string, header http.Header) {
	t.Helper()
	var shape struct {
		Error struct{ Message, Type string }
	}
	if err := json.Unmarshal([]byte(body), &shape); err != nil || status != http.StatusTooManyRequests || !strings.Contains(body, string(code)) || shape.Error.Message == "" || shape.Error.Type == "" {
		t.Errorf("status %d, %v: %s", status, err, body)
	}
	if n, err := strconv.Atoi(header.Get("Retry-After")); err != nil || n < 1 {
		t.Errorf("Retry-After %q", header.Get("Retry-After"))
	}
}

// A limit that is set for a tenant while the process runs counts from then on, and
// one that is taken away no longer.
func TestLimitsOfATenantWithoutRestart(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *Config) {
		c.Tenants[0].Systems[0].Keys[0].Roles = []string{identity.RoleOperator}
	})
	c := &client{url: w.server.URL, key: w.key}
	var made struct {
		Keys []struct{ Secret string }
	}
	tenant := json.RawMessage(`{"id":"neuheim","name":"Neuheim","active":true,"systems":[{"id":"fach","name":"Fach","channel":"caseworker","keys":[{"label":"a","purposes":["chat"],"default_purpose":"chat"}]}]}`)
	if err := c.post(t.Context(), "/api/v1/tenants", tenant, &made); err != nil || len(made.Keys) != 1 {
		t.Fatalf("%d keys, %v", len(made.Keys), err)
	}
	ask := func() (int, string) {
		status, body, _ := w.post(t, "/v1/chat/completions", limitedChat, "Authorization", "Bearer "+made.Keys[0].Secret)
		return status, body
	}
	for range 3 {
		if status, body := ask(); status != http.StatusOK {
			t.Fatalf("without a limit: status %d: %s", status, body)
		}
	}
	set := func(settings string) {
		t.Helper()
		var now map[string]any
		raw, err := c.get(t.Context(), "/api/v1/tenants/neuheim")
		if err == nil {
			err = json.Unmarshal(raw, &now)
		}
		if err != nil {
			t.Fatal(err)
		}
		now["settings"] = json.RawMessage(settings)
		if raw, err := c.do(t.Context(), http.MethodPut, "/api/v1/tenants/neuheim", now); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
	}
	set(`{"limits":{"requests_per_minute":1}}`)
	eventually(t, "the limit counts", func() bool { status, _ := ask(); return status == http.StatusTooManyRequests })
	set(`{}`)
	eventually(t, "it no longer does", func() bool { status, _ := ask(); return status == http.StatusOK })
}

// A place is free again when the answer that held it has ended, and the usage of
// a stream that was cut is in the table.
func TestConcurrencyAndUsageOfCutStreams(t *testing.T) {
	t.Parallel()
	w := setupWith(t, func(c *Config) {
		c.Limits.Tenants = map[string]quota.Limit{string(demoTenant): {Concurrent: 1}}
		c.Tenants[0].Systems[0].Keys[0].Roles = []string{identity.RoleTenant}
	})
	hold := make(chan struct{})
	defer close(hold)
	w.model.Next(upstreamtest.Behaviour{Hold: hold})
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.server.URL+"/v1/chat/completions", strings.NewReader(strings.Replace(limitedChat, "{", `{"stream":true,`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.key)
	r.Header.Set("Schleuse-Purpose", "chat")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := answer.Body.Read(make([]byte, 8)); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", answer.StatusCode, err)
	}
	status, body, header := w.post(t, "/v1/chat/completions", limitedChat, "Schleuse-Purpose", "chat")
	w.refusedWith(t, gateway.CodeRateLimited, status, body, header)
	leave()
	eventually(t, "the place is free again", func() bool {
		status, _, _ := w.post(t, "/v1/chat/completions", limitedChat, "Schleuse-Purpose", "chat")
		return status == http.StatusOK
	})
	eventually(t, "both are in the table of usage", func() bool {
		csv, err := (&client{url: w.server.URL, key: w.key}).get(t.Context(), "/api/v1/usage?format=csv&group_by=outcome")
		return err == nil && strings.Contains(string(csv), "answered") && strings.Contains(string(csv), "cancelled")
	})
}

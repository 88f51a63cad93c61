// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/quota"
)

// usage notes what was asked for.
type usage struct {
	mu     sync.Mutex
	filter quota.Filter
	asked  int
	tenant gateway.TenantID
	rows   []quota.Row
}

func (u *usage) Usage(_ context.Context, f quota.Filter) ([]quota.Row, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.filter = f
	u.asked++
	return u.rows, nil
}

func (u *usage) Left(_ context.Context, caller gateway.Caller, p gateway.Purpose) ([]quota.Left, error) {
	return []quota.Left{{Title: string(caller.Tenant) + " " + string(p)}}, nil
}

func (u *usage) Notices(_ context.Context, tenant gateway.TenantID, _ int) ([]quota.Notice, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tenant = tenant
	return nil, nil
}

// byRole authenticates as whoever has the role that the header names.
type byRole struct{}

func (byRole) Authenticate(_ context.Context, r *http.Request) (gateway.Caller, error) {
	caller := gateway.Caller{Tenant: "musterstadt", System: "wohngeld", KeyID: "k1", DefaultPurpose: gateway.PurposeChat}
	if role := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); role != "gut" {
		caller.Roles = []string{role}
	}
	return caller, nil
}

func setupUsage(t *testing.T, u *usage) *bench {
	t.Helper()
	return setup(t, func(c *httpapi.Config, _ *gateway.Config) {
		c.Usage, c.Auth = u, byRole{}
		c.Now = func() time.Time { return time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC) } // December in Germany
	})
}

func TestUsageStaysInsideTheCallersRights(t *testing.T) {
	t.Parallel()
	standard := []quota.Dimension{quota.ByTenant, quota.BySystem, quota.ByCostCentre, quota.ByPurpose, quota.ByModel}
	person := []quota.Dimension{quota.ByPerson}
	for _, c := range []struct {
		name, role, query string
		status            int
		want              quota.Filter
	}{
		{"system", "gut", "", 200, quota.Filter{From: "2026-12-01", To: "2026-12-01", Tenant: "musterstadt", System: "wohngeld", By: standard}},
		{"tenant", "mandant", "?from=2026-01-01&to=2026-01-31", 200, quota.Filter{From: "2026-01-01", To: "2026-01-31", Tenant: "musterstadt", By: standard}},
		{"one system of the tenant", "mandant", "?system=meldewesen", 200, quota.Filter{From: "2026-12-01", To: "2026-12-01", Tenant: "musterstadt", System: "meldewesen", By: standard}},
		{"operation", "betrieb", "?group_by=month,tenant", 200, quota.Filter{From: "2026-12-01", To: "2026-12-01", By: []quota.Dimension{quota.ByMonth, quota.ByTenant}}},
		{"operation, one tenant", "betrieb", "?tenant=nachbarstadt&group_by=", 200, quota.Filter{From: "2026-12-01", To: "2026-12-01", Tenant: "nachbarstadt"}},
		{"own tenant named", "gut", "?tenant=musterstadt", 200, quota.Filter{From: "2026-12-01", To: "2026-12-01", Tenant: "musterstadt", System: "wohngeld", By: standard}},
		{"persons of the own tenant", "mandant", "?group_by=person", 200, quota.Filter{From: "2026-12-01", To: "2026-12-01", Tenant: "musterstadt", By: person}},
		{"persons for the operator", "betrieb", "?group_by=person&tenant=musterstadt", 403, quota.Filter{}},
		{"persons for a system", "gut", "?group_by=person", 403, quota.Filter{}},
		{"persons of another tenant", "mandant", "?group_by=person&tenant=nachbarstadt", 403, quota.Filter{}},
		{"another tenant", "mandant", "?tenant=nachbarstadt", 403, quota.Filter{}},
		{"another system", "gut", "?system=meldewesen", 403, quota.Filter{}},
		{"audit sees no more", "revision", "?system=meldewesen", 403, quota.Filter{}},
		{"unknown parameter", "betrieb", "?tenannt=x", 400, quota.Filter{}},
		{"unknown group", "betrieb", "?group_by=user", 400, quota.Filter{}},
		{"group twice", "betrieb", "?group_by=day,day", 400, quota.Filter{}},
		{"parameter twice", "betrieb", "?tenant=a&tenant=b", 400, quota.Filter{}},
		{"no day", "betrieb", "?from=gestern", 400, quota.Filter{}},
		{"end before beginning", "betrieb", "?from=2026-02-02&to=2026-02-01", 400, quota.Filter{}},
		{"unknown format", "betrieb", "?format=xlsx", 400, quota.Filter{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := &usage{}
			got := setupUsage(t, u).call(t, "GET", "/api/v1/usage"+c.query, "", "Authorization", "Bearer "+c.role)
			if got.status != c.status || (u.asked > 0) != (c.status == 200) {
				t.Fatalf("status %d, asked %d times, want status %d: %s", got.status, u.asked, c.status, got.body)
			}
			if len(u.filter.By) == 0 {
				u.filter.By = nil
			}
			if !reflect.DeepEqual(u.filter, c.want) {
				t.Errorf("asked for %+v, want %+v", u.filter, c.want)
			}
		})
	}
}

func TestUsageAsJSON(t *testing.T) {
	t.Parallel()
	u := &usage{rows: []quota.Row{
		{Key: quota.Key{Tenant: "a"}, Count: quota.Count{Requests: 2, InputReported: 10, InputEstimated: 5, OutputReported: 7, Cost: 1_500_000, Masked: 3, Energy: 2_500_000}},
		{Key: quota.Key{Tenant: "b"}, Count: quota.Count{Requests: 1, Cost: 1}},
	}}
	got := setupUsage(t, u).call(t, "GET", "/api/v1/usage?group_by=tenant", "", "Authorization", "Bearer betrieb").json(t)
	rows, ok := got["rows"].([]any)
	if !ok || len(rows) != 2 {
		t.Fatalf("rows = %v", got["rows"])
	}
	want := map[string]any{
		"tenant": "a", "requests": 2.0, "input_tokens": 15.0, "output_tokens": 7.0, "input_tokens_estimated": 5.0, "output_tokens_estimated": 0.0,
		"cost_micro_euro": 1.5e6, "masked": 3.0, "energy_wh": 2.5,
	}
	if !reflect.DeepEqual(rows[0], want) {
		t.Errorf("first row = %v, want %v", rows[0], want)
	}
	if at(got, "total", "cost_micro_euro") != 1_500_001.0 || at(got, "total", "requests") != 3.0 {
		t.Errorf("total = %v", got["total"])
	}
}

func TestUsageAsCSVForBilling(t *testing.T) {
	t.Parallel()
	dangerous := []string{`=cmd|' /C calc'!A0`, "+1+1", "-2", "@SUM(A1)", "\t=1", " =1", "|x", "％", "＝1", `a;b"c`, "Zeile\r\n=1", "Bürgeramt"}
	u := &usage{}
	for _, text := range dangerous {
		u.rows = append(u.rows, quota.Row{Key: quota.Key{Day: "2026-11-03", CostCentre: text}, Count: quota.Count{Requests: 1234, Cost: 12_345_678, Energy: 500_000}})
	}
	got := setupUsage(t, u).call(t, "GET", "/api/v1/usage?group_by=day,cost_centre&format=csv&from=2026-11-01&to=2026-11-30", "", "Authorization", "Bearer betrieb")
	if got.status != 200 || got.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(got.header.Get("Content-Disposition"), `"verbrauch_2026-11-01_2026-11-30.csv"`) {
		t.Fatalf("got %d %v", got.status, got.header)
	}
	body, ok := strings.CutPrefix(got.body, "\ufeff")
	if !ok {
		t.Error("the mark for UTF-8 is missing")
	}
	if n := strings.Count(body, "\r\n"); n != len(dangerous)+1 {
		t.Errorf("%d lines, want %d", n, len(dangerous)+1)
	}
	reader := csv.NewReader(strings.NewReader(body))
	reader.Comma = ';'
	lines, err := reader.ReadAll()
	if err != nil {
		t.Fatalf("read as CSV: %v", err)
	}
	if want := "Tag;Kostenstelle;Anfragen;Eingabe-Token (gemeldet);Eingabe-Token (geschätzt);Ausgabe-Token (gemeldet);Ausgabe-Token (geschätzt);Kosten (EUR);Ersetzte Angaben;Energie (Wh, geschätzt)"; strings.Join(lines[0], ";") != want {
		t.Errorf("header = %q", lines[0])
	}
	for i, line := range lines[1:] {
		text := strings.TrimLeft(line[1], " ")
		if strings.ContainsAny(text[:1], "=+-@|%\t\r\n") || strings.HasPrefix(text, "＝") || strings.HasPrefix(text, "％") {
			t.Errorf("%q became %q, which a spreadsheet takes for a formula", dangerous[i], line[1])
		}
		if line[2] != "1234" || line[7] != "12,345678" || line[9] != "0,500000" {
			t.Errorf("numbers = %q", line)
		}
	}
	if last := lines[len(lines)-1][1]; last != "Bürgeramt" {
		t.Errorf("a harmless text became %q", last)
	}
	if quoted := lines[10][1]; quoted != `a;b"c` {
		t.Errorf("a text with separators became %q", quoted)
	}
}

func TestLimitsAndNotices(t *testing.T) {
	t.Parallel()
	u := &usage{}
	b := setupUsage(t, u)
	got := b.call(t, "GET", "/api/v1/limits?purpose=translate", "")
	if got.status != 200 || !strings.Contains(got.body, "musterstadt translate") {
		t.Errorf("limits = %d %s", got.status, got.body)
	}
	if got = b.call(t, "GET", "/api/v1/limits?tenant=nachbarstadt", ""); got.status != 400 {
		t.Errorf("limits of another tenant: %d", got.status)
	}
	if got = b.call(t, "GET", "/api/v1/notices", ""); got.status != 403 {
		t.Errorf("notices for a system: %d", got.status)
	}
	for role, tenant := range map[string]gateway.TenantID{"mandant": "musterstadt", "betrieb": ""} {
		u.tenant = "nobody"
		if got = b.call(t, "GET", "/api/v1/notices", "", "Authorization", "Bearer "+role); got.status != 200 || u.tenant != tenant || !strings.Contains(got.body, `"notices":[]`) {
			t.Errorf("notices for %s: %d, asked for %q: %s", role, got.status, u.tenant, got.body)
		}
	}
	bare := setup(t)
	for _, path := range []string{"/api/v1/usage", "/api/v1/limits", "/api/v1/notices"} {
		if got := bare.call(t, "GET", path, ""); got.status != 404 || at(got.json(t), "code") != "not_found" {
			t.Errorf("%s without a quota: %d %s", path, got.status, got.body)
		}
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
)

// prover remembers what it was asked.
type prover struct {
	from, to httpapi.ProofPoint
	notes    httpapi.NoteFilter
	export   httpapi.DecisionFilter
	look     httpapi.Look
	fails    error
}

func (p *prover) Checkpoint(context.Context) (any, error) { return map[string]int{"size": 7}, nil }

func (p *prover) Proof(_ context.Context, tenant gateway.TenantID, id string) (any, error) {
	if tenant != "lohe" || id != "e-1" {
		return nil, &gateway.Error{Code: gateway.CodeNotFound, RequestID: id, Message: "Nicht da: " + id}
	}
	return map[string]string{"id": id}, nil
}

func (p *prover) Between(_ context.Context, from, to httpapi.ProofPoint) (any, error) {
	p.from, p.to = from, to
	return map[string]bool{"valid": true}, nil
}

func (p *prover) Export(_ context.Context, l httpapi.Look, f httpapi.DecisionFilter, w io.Writer) error {
	p.export, p.look = f, l
	if p.fails != nil {
		return p.fails
	}
	_, err := io.WriteString(w, "PK")
	return err
}

func (p *prover) Notes(_ context.Context, f httpapi.NoteFilter) (any, error) {
	p.notes = f
	return map[string][]string{"notes": {}}, nil
}

// roles recognises a caller by its key: "lohe revision".
type roles struct{}

func (roles) Authenticate(_ context.Context, r *http.Request) (gateway.Caller, error) {
	tenant, role, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), " ")
	return gateway.Caller{Tenant: gateway.TenantID(tenant), System: "s", KeyID: "k", Roles: []string{role}}, nil
}

// noPipeline is never called.
type noPipeline struct{ httpapi.Pipeline }

type noModels struct{}

func (noModels) Models(context.Context, gateway.Caller) []gateway.ModelCard { return nil }

func TestProofs(t *testing.T) {
	t.Parallel()
	p := &prover{}
	s, err := httpapi.New(httpapi.Config{Gateway: noPipeline{}, Auth: roles{}, Models: noModels{}, Proofs: p})
	if err != nil {
		t.Fatal(err)
	}
	call := func(key, path string) *httptest.ResponseRecorder {
		q := httptest.NewRequest(http.MethodGet, path, nil)
		q.Header.Set("Authorization", "Bearer "+key)
		q.Header.Set("Schleuse-Reason", "Prüfung der Rechtsgrundlage")
		q.Header.Set("Schleuse-Case", "14.2/2026-17")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, q)
		return w
	}
	for _, path := range []string{"checkpoint", "entries/e-1/proof", "consistency?from=3", "notes", "export"} {
		for key, want := range map[string]int{"lohe revision": 200, "lohe mandant": 403, "lohe richtlinien": 403, "lohe betrieb": 403, "lohe": 403, " revision": 403} {
			if got := call(key, "/api/v1/audit/"+path); got.Code != want {
				t.Errorf("%q asks for %s: %d, want %d: %s", key, path, got.Code, want, got.Body)
			}
		}
	}
	if got := call("tann revision", "/api/v1/audit/entries/e-1/proof"); got.Code != 404 || strings.Contains(got.Body.String(), "e-1") {
		t.Errorf("another tenant's entry: %d, %s", got.Code, got.Body)
	}
	if got := call("lohe revision", "/api/v1/audit/export?effect=deny"); got.Header().Get("Content-Type") != "application/zip" || got.Body.String() != "PK" || p.export.Tenant != "lohe" || p.export.Effect != "deny" || p.look.Reason != "Prüfung der Rechtsgrundlage" || p.look.Case != "14.2/2026-17" {
		t.Errorf("export: %v, %q, %+v, %+v", got.Header(), got.Body, p.export, p.look)
	}
	p.fails = &gateway.Error{Code: gateway.CodeNoRecord, Message: "Kein Vermerk.", Err: errors.New("disk full")}
	if got := call("lohe revision", "/api/v1/audit/export"); got.Code/100 != 5 || strings.Contains(got.Body.String(), "PK") {
		t.Errorf("an export without a note: %d, %s", got.Code, got.Body)
	}
	day := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	if call("lohe revision", "/api/v1/audit/consistency?from=2026-11-01&to=22"); p.from != (httpapi.ProofPoint{Time: day.Add(-time.Nanosecond)}) || p.to.Size != 22 {
		t.Errorf("consistency from %+v to %+v", p.from, p.to)
	}
	if call("lohe revision", "/api/v1/audit/notes?from=2026-11-02&to=2026-11-02&topics=exported,verified&object=x&limit=7"); p.notes.Tenant != "lohe" || !p.notes.From.Equal(day) || !p.notes.To.Equal(day.AddDate(0, 0, 1)) || len(p.notes.Topics) != 2 || p.notes.Limit != 7 {
		t.Errorf("notes %+v", p.notes)
	}
	for _, path := range []string{"consistency", "consistency?from=-3", "consistency?from=x", "consistency?from=3&too=4", "consistency?from=3&from=4", "notes?limit=0", "notes?limit=9999", "notes?from=1", "notes?tenant=tann", "export?tenant=tann"} {
		if got := call("lohe revision", "/api/v1/audit/"+path); got.Code != 400 {
			t.Errorf("%s: %d, want 400", path, got.Code)
		}
	}
}

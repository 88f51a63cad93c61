// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"encoding/json"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/shelf"
)

// keptDraft is a draft as it lies on the shelf, with what callers do not see.
type keptDraft struct {
	Draft  Draft
	Letter document.Letter
	Origin json.RawMessage
}

func (s *Server) putDraft(ctx context.Context, tenant gateway.TenantID, d Draft) error {
	place := shelf.Place{Kind: "draft", Tenant: tenant, ID: d.ID}
	return shelf.Put(ctx, s.Shelf, place, s.Now().Add(s.Keep), keptDraft{d, d.Letter, d.Origin})
}

func (s *Server) draft(ctx context.Context, tenant gateway.TenantID, id string) (Draft, error) {
	kept, err := shelf.Get[keptDraft](ctx, s.Shelf, shelf.Place{Kind: "draft", Tenant: tenant, ID: id})
	kept.Draft.Letter, kept.Draft.Origin = kept.Letter, kept.Origin
	return kept.Draft, err
}

func (s *Server) putReport(ctx context.Context, tenant gateway.TenantID, r completeness.Report) error {
	return shelf.Put(ctx, s.Shelf, shelf.Place{Kind: "report", Tenant: tenant, ID: r.ID}, s.Now().Add(s.Keep), r)
}

func (s *Server) report(ctx context.Context, tenant gateway.TenantID, id string) (completeness.Report, error) {
	return shelf.Get[completeness.Report](ctx, s.Shelf, shelf.Place{Kind: "report", Tenant: tenant, ID: id})
}

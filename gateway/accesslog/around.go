// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package accesslog

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Around puts the log before a retriever: passages are given out when their
// retrieval is durable, and not at all when it cannot be written.
func (l *Log) Around(r gateway.Retriever) gateway.Retriever { return &logged{l, r} }

type logged struct {
	log   *Log
	inner gateway.Retriever
}

var _ gateway.Retriever = (*logged)(nil)

// Retrieve looks something up and logs it, also when nothing was found: that
// somebody looked is what the log is for.
func (r *logged) Retrieve(ctx context.Context, q gateway.Query) ([]gateway.Passage, error) {
	if q.For.ID == "" || q.For.Caller.Tenant != q.Tenant {
		return nil, unlogged(errors.New("a search without a request that it belongs to"))
	}
	found, err := r.inner.Retrieve(ctx, q)
	if err != nil || r.exempt(q, found) {
		return found, err
	}
	if err := r.log.config.Store.Add(ctx, r.entry(q, found)); err != nil {
		r.log.config.Logger.LogAttrs(ctx, slog.LevelError, "retrieval not logged", slog.String("request_id", q.For.ID), slog.Any("error", err))
		return nil, unlogged(err)
	}
	return found, nil
}

func unlogged(err error) error {
	return &gateway.Error{
		Op: "log retrieval", Code: gateway.CodeNoRecord, Err: err,
		Message: "Der Abruf konnte nicht protokolliert werden. Ohne Abrufprotokoll gibt es keine Fundstellen. Bitte versuchen Sie es später erneut.",
	}
}

// exempt: only sources about nobody were asked and found.
func (r *logged) exempt(q gateway.Query, found []gateway.Passage) bool {
	if len(q.Sources) == 0 {
		return true // nothing was looked into
	}
	about := func(source string) bool { return !slices.Contains(r.log.config.Exempt, source) }
	return !slices.ContainsFunc(q.Sources, about) &&
		!slices.ContainsFunc(found, func(p gateway.Passage) bool { return about(p.Citation.Source) })
}

func (r *logged) entry(q gateway.Query, found []gateway.Passage) Retrieval {
	c, f := r.log.config, q.For
	now := c.Now()
	entry := Retrieval{
		ID: gateway.NewID(now), Time: now.UTC(), Tenant: q.Tenant, System: f.Caller.System, Request: f.ID, Operation: f.Operation,
		User: r.pseudonym(q, "user", f.Caller.User), Case: r.pseudonym(q, "case", f.Case),
		Purpose: cmp.Or(f.Purpose, f.Caller.DefaultPurpose), Service: f.Service, Asked: slices.Clone(q.Sources),
	}
	for _, p := range found {
		if slices.Contains(c.Exempt, p.Citation.Source) {
			continue
		}
		entry.Count++
		d := Document{Source: p.Citation.Source, Document: r.pseudonym(q, "document", p.Citation.Document), Passages: 1}
		i := slices.IndexFunc(entry.Documents, func(have Document) bool { return have.Source == d.Source && have.Document == d.Document })
		if i >= 0 {
			entry.Documents[i].Passages++
			continue
		}
		entry.Documents = append(entry.Documents, d)
	}
	return entry
}

func (r *logged) pseudonym(q gateway.Query, kind, value string) gateway.Pseudonym {
	if value == "" {
		return ""
	}
	return r.log.config.Pseudonymise(q.Tenant, kind, value)
}

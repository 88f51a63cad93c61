// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"slices"
)

// scope keeps a caller to the services and sources its key was made for. That
// the purpose is one of the key's is a rule of the policies.
func (p *passage) scope(ctx context.Context) error {
	caller := p.request.Caller
	if p.request.Service == "" && len(caller.Services) == 1 {
		p.request.Service = caller.Services[0]
		p.record.Service = word(p.request.Service)
	}
	switch s := p.request.Service; {
	case len(caller.Services) == 0 || slices.Contains(caller.Services, s):
	case s == "":
		return p.refuse(ctx, outOfScope("service", "Der Schlüssel ist auf bestimmte Leistungen beschränkt. Bitte geben Sie an, zu welcher die Anfrage gehört."))
	default:
		return p.refuse(ctx, outOfScope("service", "Der Schlüssel ist für diese Leistung nicht freigegeben."))
	}
	if len(caller.Sources) == 0 || slices.Contains(caller.Sources, "*") {
		return nil
	}
	p.request.Sources = caller.SourcesOf(p.request.Sources)
	for _, s := range p.request.Sources {
		if !slices.Contains(caller.Sources, s) {
			return p.refuse(ctx, outOfScope("sources", "Der Schlüssel ist für eine der genannten Quellen nicht freigegeben."))
		}
	}
	return nil
}

// SourcesOf are the sources that are meant: of a caller whose key was made for some,
// all are those. Whoever retrieves beside the gateway asks for these.
func (c Caller) SourcesOf(named []string) []string {
	if len(c.Sources) > 0 && slices.Equal(named, []string{"*"}) {
		return slices.Clone(c.Sources)
	}
	return named
}

// inScope are the models the caller's key may reach.
func (p *passage) inScope(cards []ModelCard) []ModelCard {
	allowed := p.request.Caller.Models
	if len(allowed) == 0 {
		return cards
	}
	return slices.DeleteFunc(slices.Clone(cards), func(c ModelCard) bool { return !slices.Contains(allowed, c.ID) })
}

func outOfScope(path, message string) *Error {
	return &Error{Op: "check scope", Code: CodeDenied, Path: path, Message: message}
}

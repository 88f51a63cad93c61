// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"slices"
	"strings"
)

// ownTenor keeps a tenor only if the model is given it: what a caller declares
// beside a request that does not hold it is not what the letter will rest on. The
// rules refuse a decision letter without one.
func (p *passage) ownTenor() {
	if p.request.Ruling == nil {
		return
	}
	ruling := *p.request.Ruling
	ruling.Tenor = strings.TrimSpace(ruling.Tenor)
	if ruling.Tenor != "" && !slices.ContainsFunc(p.texts, func(t string) bool { return strings.Contains(t, ruling.Tenor) }) {
		ruling.Tenor = ""
	}
	p.request.Ruling = &ruling
}

// asked is the request as the rules see it: of what a caller lists, only names that
// somebody knows.
func (p *passage) asked() Request {
	r := p.request
	if p.g.KnownPurpose != nil {
		r.Chain = knownOf(r.Chain, p.g.KnownPurpose)
	}
	if p.g.KnownField != nil {
		r.Fields = knownOf(r.Fields, func(name string) bool { return p.g.KnownField(r.Service, name) })
	}
	if p.g.KnownSource != nil {
		r.Sources = knownOf(r.Sources, func(name string) bool { return name == "*" || p.g.KnownSource(r.Caller.Tenant, name) })
	}
	return r
}

// knownOf replaces what is not known. Nothing is left out: a list is as long as it was.
func knownOf[S ~string](names []S, known func(S) bool) []S {
	if !slices.ContainsFunc(names, func(n S) bool { return !known(n) }) {
		return names
	}
	out := slices.Clone(names)
	for i, n := range out {
		if !known(n) {
			out[i] = unknownName
		}
	}
	return out
}

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
	if !slices.ContainsFunc(p.texts, func(t string) bool { return strings.Contains(t, ruling.Tenor) }) {
		ruling.Tenor = ""
	}
	p.request.Ruling = &ruling
}

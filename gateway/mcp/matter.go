// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mcp

import (
	"cmp"
	"encoding/json"
	"net/http"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/ki-schleuse/schleuse/gateway"
)

// matter is what a call says about itself: in its _meta under "schleuse", or in
// the headers of the request.
type matter struct {
	Purpose  gateway.Purpose   `json:"purpose"`
	Service  gateway.ServiceID `json:"service"`
	Case     string            `json:"case"`
	Entities []gateway.Entity  `json:"case_entities"`
}

// maxMatter bounds what is said, maxEntities the known entities of a case.
const (
	maxMatter   = 64 << 10
	maxEntities = 500
)

func matterOf(meta sdk.Meta, h http.Header) (matter, error) {
	var m matter
	if said, ok := meta["schleuse"]; ok {
		raw, err := json.Marshal(said)
		if err != nil || len(raw) > maxMatter || json.Unmarshal(raw, &m) != nil || len(m.Entities) > maxEntities {
			return matter{}, &gateway.Error{
				Op: "read context", Code: gateway.CodeInvalid, Path: "_meta.schleuse",
				Message: "Die Angaben zum Aufruf sind nicht lesbar. Erwartet werden purpose, service, case und case_entities.",
			}
		}
	}
	m.Purpose = cmp.Or(m.Purpose, gateway.Purpose(h.Get("Schleuse-Purpose")))
	m.Service = cmp.Or(m.Service, gateway.ServiceID(h.Get("Schleuse-Service")))
	m.Case = cmp.Or(m.Case, h.Get("Schleuse-Case"))
	return m, nil
}

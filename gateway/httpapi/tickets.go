// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// createTicket is POST /api/v1/tickets: a Fachverfahren asks for an address under
// which one of its persons can open the panel for one case, once and soon.
func (s *Server) createTicket(c *gin.Context) {
	if s.Launches == nil {
		s.absent(c)
		return
	}
	w, err := s.readLaunch(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	ticket, until, err := s.Launches.Issue(ctx, callOf(ctx).caller, w)
	if err != nil {
		s.fail(c, err)
		return
	}
	writeJSON(c, http.StatusCreated, "application/json", gin.H{
		"url": strings.TrimSuffix(s.PublicURL, "/") + "/panel/launch?t=" + url.QueryEscape(ticket), "expires": until.UTC().Format(time.RFC3339),
	})
}

func (s *Server) readLaunch(c *gin.Context) (identity.LaunchWish, error) {
	o, err := s.readObject(c, "page", "case", "service", "person", "return_origin")
	if err != nil {
		return identity.LaunchWish{}, err
	}
	page, err1 := o.required("page", maxHeader)
	number, err2 := o.required("case", maxHeader)
	service, err3 := o.text("service", maxHeader)
	origin, err4 := o.text("return_origin", maxHeader)
	raw, err5 := o.raw("person")
	if err := firstError(err1, err2, err3, err4, err5); err != nil {
		return identity.LaunchWish{}, err
	}
	if raw == nil {
		return identity.LaunchWish{}, invalid("person", "Diese Angabe fehlt.")
	}
	p, err := parseObject(raw, "person", "name", "roles", "principals")
	if err != nil {
		return identity.LaunchWish{}, err
	}
	name, err1 := p.required("name", maxHeader)
	roles, err2 := p.texts("roles", maxScope)
	principals, err3 := p.texts("principals", maxScope)
	return identity.LaunchWish{
		Page: page, Case: number, Service: gateway.ServiceID(service), Origin: origin,
		Name: name, Roles: roles, Principals: named[gateway.Principal](principals),
	}, firstError(err1, err2, err3)
}

// certificates of a system; nil: not given.
func (o object) certificates() ([]identity.Certificate, error) {
	items, err := o.list("certificates", maxKeys)
	if err != nil || !o.has("certificates") {
		return nil, err
	}
	out := make([]identity.Certificate, 0, len(items))
	for i, raw := range items {
		one, err := certificate(raw, fmt.Sprintf("%s[%d]", o.at("certificates"), i))
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

func certificate(raw json.RawMessage, path string) (identity.Certificate, error) {
	if _, err := parseObject(raw, path, "label", "sha256", "uri", "dns", "ca", "expires",
		"purposes", "default_purpose", "services", "models", "sources", "principals", "roles"); err != nil {
		return identity.Certificate{}, err
	}
	var c identity.Certificate
	if json.Unmarshal(raw, &c) != nil {
		return identity.Certificate{}, invalid(path, "Die Beschreibung des Zertifikats hat nicht die erwartete Form.")
	}
	return c, nil
}

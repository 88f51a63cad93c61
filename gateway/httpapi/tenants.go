// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// maxTenant bounds the description of one tenant.
const maxTenant = 2 << 20

// tenantRoutes are those of tenants and their keys.
func (s *Server) tenantRoutes() []route {
	return []route{
		{method: "GET", path: "/api/v1/tenants", handle: s.listTenants},
		{method: "POST", path: "/api/v1/tenants", handle: s.createTenant, limit: maxTenant},
		{method: "GET", path: "/api/v1/tenants/:id", handle: s.getTenant},
		{method: "PUT", path: "/api/v1/tenants/:id", handle: s.putTenant, limit: maxTenant},
		{method: "DELETE", path: "/api/v1/tenants/:id", handle: s.deleteTenant},
		{method: "POST", path: "/api/v1/tenants/:id/activate", handle: s.activateTenant},
		{method: "POST", path: "/api/v1/tenants/:id/deactivate", handle: s.deactivateTenant},

		{method: "GET", path: "/api/v1/tenants/:id/systems/:system/keys", handle: s.listKeys},
		{method: "POST", path: "/api/v1/tenants/:id/systems/:system/keys", handle: s.createKey, limit: 64 << 10},
		{method: "POST", path: "/api/v1/tenants/:id/systems/:system/keys/:key/rotate", handle: s.rotateKey, limit: 4 << 10},
		{method: "DELETE", path: "/api/v1/tenants/:id/systems/:system/keys/:key", handle: s.revokeKey},
	}
}

// actor lets those through who administrate something; false: the answer is
// given. Whose tenant it may be is decided where it is changed.
func (s *Server) actor(c *gin.Context) (identity.Actor, bool) {
	by, err := identity.ActorOf(callOf(c.Request.Context()).caller)
	switch {
	case err != nil:
		s.fail(c, err)
	case s.Tenants == nil:
		s.absent(c)
	default:
		return by, true
	}
	return identity.Actor{}, false
}

// failChange is fail with a status of its own for a database that is away.
func (s *Server) failChange(c *gin.Context, err error) {
	if !errors.Is(err, identity.ErrUnavailable) {
		s.fail(c, err)
		return
	}
	data := callOf(c.Request.Context())
	data.err = err
	p := toProblem(public(err), data.id)
	p.Type, p.Title, p.Status = "urn:schleuse:problem:storage_unavailable", "Die Verwaltung der Mandanten ist nicht möglich", http.StatusServiceUnavailable
	p.Code = "storage_unavailable"
	c.Header("Retry-After", "10")
	writeJSON(c, p.Status, "application/problem+json", p)
}

// tenantLine is a tenant in a list.
type tenantLine struct {
	ID         gateway.TenantID   `json:"id"`
	Name       string             `json:"name"`
	Land       string             `json:"land,omitempty"`
	ARS        string             `json:"ars,omitempty"`
	Active     bool               `json:"active"`
	CostCentre string             `json:"cost_centre,omitempty"`
	Systems    []gateway.SystemID `json:"systems"`
	Managed    identity.Managed   `json:"managed"`
	Version    int64              `json:"version,omitempty"`
	ChangedAt  time.Time          `json:"changed_at,omitzero"`
}

// listTenants is GET /api/v1/tenants.
func (s *Server) listTenants(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	q := c.Request.URL.Query()
	limit := 50
	for _, name := range slices.Sorted(maps.Keys(q)) {
		var err error
		switch value := q.Get(name); {
		case len(q[name]) > 1 || len(value) > 200:
			err = invalid(name, "Der Parameter steht mehrfach in der Anfrage oder ist zu lang.")
		case name == "limit":
			if limit, err = strconv.Atoi(value); err != nil || limit < 1 || limit > 200 {
				err = invalid(name, "Erwartet wird eine ganze Zahl von 1 bis 200.")
			}
		case name != "q" && name != "cursor":
			err = invalid(name, "Dieser Parameter ist nicht bekannt.")
		}
		if err != nil {
			s.fail(c, err)
			return
		}
	}
	page := s.Tenants.List(by, q.Get("cursor"), q.Get("q"), limit)
	lines := make([]tenantLine, 0, len(page.Items))
	for _, t := range page.Items {
		line := tenantLine{
			ID: t.ID, Name: t.Name, Land: t.Land, ARS: t.ARS, Active: t.Active, CostCentre: t.CostCentre,
			Systems: []gateway.SystemID{}, Managed: t.Managed, Version: t.Version, ChangedAt: t.ChangedAt,
		}
		for _, system := range t.Systems {
			line.Systems = append(line.Systems, system.ID)
		}
		lines = append(lines, line)
	}
	answer := gin.H{"tenants": lines}
	if page.Next != "" {
		answer["next"] = page.Next
	}
	writeJSON(c, http.StatusOK, "application/json", answer)
}

// getTenant is GET /api/v1/tenants/{id}.
func (s *Server) getTenant(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	t, err := s.Tenants.Show(c.Request.Context(), by, tenantOf(c))
	if err != nil {
		s.failChange(c, err)
		return
	}
	writeTenant(c, http.StatusOK, t, t)
}

func tenantOf(c *gin.Context) gateway.TenantID { return gateway.TenantID(c.Param("id")) }

// writeTenant answers with something about a tenant and with its version.
func writeTenant(c *gin.Context, status int, t identity.Tenant, answer any) {
	if t.Version > 0 {
		c.Header("ETag", strconv.Quote(strconv.FormatInt(t.Version, 10)))
	}
	writeJSON(c, status, "application/json", answer)
}

// createTenant is POST /api/v1/tenants: a municipality with its systems and their
// first keys in one call.
func (s *Server) createTenant(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	w, err := s.readWish(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	out, err := s.Tenants.Create(c.Request.Context(), by, w, c.GetHeader("Idempotency-Key"))
	if err != nil {
		s.failChange(c, err)
		return
	}
	s.writeOutcome(c, out)
}

// putTenant is PUT /api/v1/tenants/{id}.
func (s *Server) putTenant(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	w, err := s.readWish(c)
	if err == nil {
		err = firstError(merge(&w.ID, tenantOf(c), "id"), matchVersion(c, &w))
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	out, err := s.Tenants.Put(c.Request.Context(), by, w)
	if err != nil {
		s.failChange(c, err)
		return
	}
	s.writeOutcome(c, out)
}

// matchVersion takes the version from If-Match when it is given there.
func matchVersion(c *gin.Context, w *identity.Wish) error {
	text := c.GetHeader("If-Match")
	if text == "" {
		return nil
	}
	version, err := strconv.ParseInt(strings.Trim(text, `"`), 10, 64)
	if err != nil || version < 1 || w.Version != 0 && w.Version != version {
		return invalid("If-Match", "Erwartet wird die Version aus der Kopfzeile ETag.")
	}
	w.Version = version
	return nil
}

// outcome is the answer to a change. The texts of new keys are shown here only.
type outcome struct {
	Tenant  identity.Tenant      `json:"tenant"`
	Keys    []identity.IssuedKey `json:"keys"`
	Changes []identity.Change    `json:"changes"`
}

func (s *Server) writeOutcome(c *gin.Context, out identity.Outcome) {
	answer, status := outcome{Keys: []identity.IssuedKey{}, Changes: []identity.Change{}}, http.StatusOK
	answer.Keys, answer.Changes = append(answer.Keys, out.Keys...), append(answer.Changes, out.Changes...)
	if len(out.Tenants) > 0 {
		answer.Tenant = out.Tenants[0]
	}
	if slices.ContainsFunc(out.Changes, func(change identity.Change) bool { return change.Action == identity.TenantCreated }) {
		status = http.StatusCreated
		c.Header("Location", "/api/v1/tenants/"+string(answer.Tenant.ID))
	}
	replayed(c, out)
	writeTenant(c, status, answer.Tenant, answer)
}

// replayed says that an answer was given before.
func replayed(c *gin.Context, out identity.Outcome) {
	if out.Replayed {
		c.Header("Idempotency-Replayed", "true")
	}
}

// deleteTenant is DELETE /api/v1/tenants/{id}.
func (s *Server) deleteTenant(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	if _, err := s.Tenants.Delete(c.Request.Context(), by, tenantOf(c)); err != nil {
		s.failChange(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// activateTenant is POST /api/v1/tenants/{id}/activate.
func (s *Server) activateTenant(c *gin.Context) { s.setActive(c, true) }

// deactivateTenant is POST /api/v1/tenants/{id}/deactivate: its keys and sessions end at once.
func (s *Server) deactivateTenant(c *gin.Context) { s.setActive(c, false) }

func (s *Server) setActive(c *gin.Context, active bool) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	out, err := s.Tenants.SetActive(c.Request.Context(), by, tenantOf(c), active)
	if err != nil {
		s.failChange(c, err)
		return
	}
	s.writeOutcome(c, out)
}

// readWish reads a tenant as it is wanted. Fields that only an answer has are
// taken and ignored, so that what was read can be changed and sent back.
func (s *Server) readWish(c *gin.Context) (identity.Wish, error) {
	o, err := s.readObject(c, "id", "name", "land", "ars", "active", "cost_centre", "systems", "settings", "version", "managed", "changed_at", "changed_by")
	if err != nil {
		return identity.Wish{}, err
	}
	id, err1 := o.text("id", maxHeader)
	name, err2 := o.text("name", maxHeader)
	land, err3 := o.text("land", maxHeader)
	ars, err4 := o.text("ars", maxHeader)
	centre, err5 := o.text("cost_centre", maxHeader)
	active, err6 := o.truth("active")
	version, err7 := o.number("version", 1, 1<<53)
	systems, err8 := o.list("systems", maxSystems)
	settings, err9 := o.settings()
	if err := firstError(err1, err2, err3, err4, err5, err6, err7, err8, err9); err != nil {
		return identity.Wish{}, err
	}
	w := identity.Wish{
		ID: gateway.TenantID(id), Name: name, Land: land, ARS: ars, CostCentre: centre, Active: active,
		Version: int64(version), Settings: settings,
	}
	for i, raw := range systems {
		system, err := systemWish(raw, fmt.Sprintf("systems[%d]", i))
		if err != nil {
			return identity.Wish{}, err
		}
		w.Systems = append(w.Systems, system)
	}
	return w, nil
}

const (
	maxSystems = 100
	maxKeys    = 100
	maxScope   = 100
)

// truth takes a boolean; nil: not given.
func (o object) truth(key string) (*bool, error) {
	if !o.has(key) {
		return nil, nil //nolint:nilnil // not given is an answer
	}
	var b bool
	if json.Unmarshal(o.fields[key], &b) != nil {
		return nil, invalid(o.at(key), "Erwartet wird true oder false.")
	}
	return &b, nil
}

// settings are named values; what may stand in them is checked by those who use them.
func (o object) settings() (identity.Settings, error) {
	raw, err := o.raw("settings")
	if err != nil || raw == nil {
		return nil, err
	}
	var settings identity.Settings
	if json.Unmarshal(raw, &settings) != nil {
		return nil, invalid(o.at("settings"), "Erwartet wird ein JSON-Objekt.")
	}
	return settings, nil
}

func systemWish(raw json.RawMessage, path string) (identity.SystemWish, error) {
	o, err := parseObject(raw, path, "id", "name", "channel", "cost_centre", "keys", "certificates")
	if err != nil {
		return identity.SystemWish{}, err
	}
	id, err1 := o.text("id", maxHeader)
	name, err2 := o.text("name", maxHeader)
	channel, err3 := o.text("channel", maxHeader)
	centre, err4 := o.text("cost_centre", maxHeader)
	keys, err5 := o.list("keys", maxKeys)
	certificates, err6 := o.certificates()
	if err := firstError(err1, err2, err3, err4, err5, err6); err != nil {
		return identity.SystemWish{}, err
	}
	w := identity.SystemWish{ID: gateway.SystemID(id), Name: name, Channel: gateway.Channel(channel), CostCentre: centre, Certificates: certificates}
	for i, raw := range keys {
		at := fmt.Sprintf("%s.keys[%d]", path, i)
		k, existing, err := keyWish(raw, at)
		if err != nil {
			return identity.SystemWish{}, err
		}
		if !existing {
			w.Keys = append(w.Keys, k)
		}
	}
	return w, nil
}

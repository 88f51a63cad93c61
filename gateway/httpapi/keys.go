// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

func placeOf(c *gin.Context) identity.Place {
	return identity.Place{Tenant: tenantOf(c), System: gateway.SystemID(c.Param("system"))}
}

// listKeys is GET /api/v1/tenants/{id}/systems/{system}/keys.
func (s *Server) listKeys(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	t, err := s.Tenants.Show(c.Request.Context(), by, tenantOf(c))
	if err != nil {
		s.failChange(c, err)
		return
	}
	system, ok := t.System(placeOf(c).System)
	if !ok {
		s.fail(c, &gateway.Error{Op: "find system", Code: gateway.CodeNotFound, Message: msgNotFound})
		return
	}
	keys := system.Keys
	if keys == nil {
		keys = []identity.Key{}
	}
	writeTenant(c, http.StatusOK, t, gin.H{"keys": keys})
}

// createKey is POST /api/v1/tenants/{id}/systems/{system}/keys. The text of the
// key is in this answer and nowhere else.
func (s *Server) createKey(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	raw, err := s.readJSON(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	w, existing, err := keyWish(raw, "")
	if err == nil && existing {
		err = invalid("id", "Die Kennung eines neuen Schlüssels vergibt die Schleuse.")
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	out, err := s.Tenants.CreateKey(c.Request.Context(), by, placeOf(c), w, c.GetHeader("Idempotency-Key"))
	s.writeKey(c, out, err)
}

// rotateKey is POST /api/v1/tenants/{id}/systems/{system}/keys/{key}/rotate.
func (s *Server) rotateKey(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	raw, err := s.readJSON(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	o, err := parseObject(raw, "", "overlap_hours")
	if err != nil {
		s.fail(c, err)
		return
	}
	hours, err := o.number("overlap_hours", 0, 90*24)
	if err != nil {
		s.fail(c, err)
		return
	}
	overlap := time.Duration(hours) * time.Hour
	if hours == 0 && o.has("overlap_hours") {
		overlap = time.Nanosecond // none: the old key ends now
	}
	out, err := s.Tenants.RotateKey(c.Request.Context(), by, placeOf(c), c.Param("key"), overlap, c.GetHeader("Idempotency-Key"))
	s.writeKey(c, out, err)
}

// readJSON reads a body that may be missing.
func (s *Server) readJSON(c *gin.Context) ([]byte, error) {
	raw, err := s.readBody(c)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return []byte("{}"), nil
	}
	_, err = gateway.ParseBody(raw) // size, depth, UTF-8, duplicates
	return raw, err
}

// writeKey answers with the one key that was made.
func (s *Server) writeKey(c *gin.Context, out identity.Outcome, err error) {
	if err != nil {
		s.failChange(c, err)
		return
	}
	replayed(c, out)
	writeJSON(c, http.StatusCreated, "application/json", out.Keys[0])
}

// revokeKey is DELETE /api/v1/tenants/{id}/systems/{system}/keys/{key}: the key
// does not work any more, on other replicas within two seconds.
func (s *Server) revokeKey(c *gin.Context) {
	by, ok := s.actor(c)
	if !ok {
		return
	}
	if _, err := s.Tenants.RevokeKey(c.Request.Context(), by, placeOf(c), c.Param("key")); err != nil {
		s.failChange(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

// keyWish reads a wish for a key. existing: it is a key as an answer shows it,
// which stays as it is.
func keyWish(raw json.RawMessage, path string) (w identity.KeyWish, existing bool, err error) {
	o, err := parseObject(raw, path, "label", "days", "purposes", "default_purpose", "services", "models", "sources", "principals", "roles", "certificate",
		"id", "expires", "created_at", "created_by", "revoked_at", "last_used", "state")
	if err != nil {
		return w, false, err
	}
	if o.has("id") {
		return w, true, nil
	}
	for _, shown := range [...]string{"expires", "created_at", "created_by", "revoked_at", "last_used", "state"} {
		if o.has(shown) {
			return w, false, invalid(o.at(shown), "Diese Angabe macht die Schleuse. Die Gültigkeit eines neuen Schlüssels steht in days.")
		}
	}
	label, err1 := o.text("label", maxHeader)
	days, err2 := o.number("days", 1, 400)
	purpose, err3 := o.text("default_purpose", maxHeader)
	purposes, err4 := o.texts("purposes", maxScope)
	services, err5 := o.texts("services", maxScope)
	models, err6 := o.texts("models", maxScope)
	sources, err7 := o.texts("sources", maxScope)
	principals, err8 := o.texts("principals", maxScope)
	roles, err9 := o.texts("roles", maxScope)
	certificate, err10 := o.text("certificate", 64)
	w = identity.KeyWish{
		Label: label, Days: days, DefaultPurpose: gateway.Purpose(purpose), Purposes: named[gateway.Purpose](purposes),
		Services: named[gateway.ServiceID](services), Models: named[gateway.ModelID](models), Sources: sources,
		Principals: named[gateway.Principal](principals), Roles: roles, Certificate: certificate,
	}
	return w, false, firstError(err10, err1, err2, err3, err4, err5, err6, err7, err8, err9)
}

// named gives texts their type.
func named[S ~string](texts []string) []S {
	var out []S
	for _, text := range texts {
		out = append(out, S(text))
	}
	return out
}

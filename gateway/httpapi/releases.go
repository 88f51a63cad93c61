// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// Releases writes down what a person said of a result that needs a release.
type Releases interface {
	// Release is for the caller's tenant and system and the person it comes for.
	// outcome is released, changed or rejected. CodeNotFound: it has no such entry;
	// CodeConflict: somebody has spoken before.
	Release(ctx context.Context, caller gateway.Caller, entry, outcome, comment string) error
}

const maxComment = 2000 // bytes; whoever keeps it says how many characters

// releaseDecision is POST /api/v1/decisions/{id}/release: a Fachverfahren reports
// what its caseworker did with a result.
func (s *Server) releaseDecision(c *gin.Context) {
	if s.Releases == nil {
		s.absent(c)
		return
	}
	o, err := s.readObject(c, "outcome", "comment")
	if err != nil {
		s.fail(c, err)
		return
	}
	outcome, err1 := o.required("outcome", maxHeader)
	comment, err2 := o.text("comment", maxComment)
	if err := firstError(err1, err2); err != nil {
		s.fail(c, err)
		return
	}
	ctx := c.Request.Context()
	caller := callOf(ctx).caller
	switch {
	case !slices.Contains(caller.Roles, identity.RoleCase):
		err = &gateway.Error{Op: "release result", Code: gateway.CodeDenied, Message: "Freigeben kann nur die Sachbearbeitung. Dem Schlüssel oder der Person fehlt die Rolle sachbearbeitung."}
	case caller.User == "":
		err = invalid("Schleuse-User", "Eine Freigabe braucht die Person, die sie erteilt.")
	default:
		err = s.Releases.Release(ctx, caller, c.Param("id"), outcome, comment)
	}
	if gateway.CodeOf(err) == gateway.CodeNotFound {
		// What was asked for is anybody's text: neither header nor log repeat it.
		err = &gateway.Error{Op: "release result", Code: gateway.CodeNotFound, Message: msgNotFound}
	}
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

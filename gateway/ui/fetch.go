// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// What browsers say of a request (Fetch Metadata). Forms are guarded by
// http.CrossOriginProtection; here is what concerns pages and files that are
// opened by address, and leave a note.

// fetchedAhead: the browser loads what the person may open later. A look is an
// entry of the record, so that nothing is shown ahead.
func fetchedAhead(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Sec-Purpose")+r.Header.Get("Purpose")+r.Header.Get("X-Moz"), "prefetch")
}

func notAhead() error {
	return &gateway.Error{Op: "open page", Code: gateway.CodeDenied, Message: "Diese Seite wird nicht im Voraus geladen. Bitte öffnen Sie sie selbst."}
}

// ownNavigation: a window goes to the address, because the person typed or pasted
// it or clicked on our own page. A browser that says nothing is asked.
func ownNavigation(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "none" || site == "same-origin") && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// ownClick is for files that leave a note: another site must not have somebody
// take them. A browser that says nothing of its requests is let through: the
// cookie goes along with a visit only (SameSite), and the note says what happened.
func ownClick(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
			return &gateway.Error{Op: "open file", Code: gateway.CodeDenied, Message: "Diese Datei lässt sich nur auf der Seite der KI-Schleuse abrufen, nicht über einen Verweis von anderswo."}
		}
		return h(w, r)
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"bytes"
	"net/http"
	"time"

	"github.com/ki-schleuse/schleuse/policies"
)

// systemView is what runs here.
type systemView struct {
	view
	Facts SystemFacts
	// Findings are the duties that the configuration leaves without evidence.
	Findings []policies.Finding
	Uptime   phrase
	Total    int64
}

// systemShow is GET /admin/system.
func (u *UI) systemShow(w http.ResponseWriter, r *http.Request) error {
	facts, err := u.Register.System.System(r.Context())
	if err != nil {
		return err
	}
	v := systemView{view: u.view(r, "System"), Facts: facts, Uptime: uptime(u.Now().Sub(facts.Started))}
	if u.Register.Findings != nil {
		v.Findings = u.Register.Findings(r.Context())
	}
	for _, s := range facts.Stores {
		v.Total += s.Bytes
	}
	return u.render(w, r, http.StatusOK, "system_show.html", v)
}

// systemSBOM is GET /admin/system/sbom.json.
func (u *UI) systemSBOM(w http.ResponseWriter, r *http.Request) error {
	var out bytes.Buffer
	if err := u.Register.System.SBOM(&out); err != nil {
		return err
	}
	return download(w, out.Bytes(), "application/vnd.cyclonedx+json; version=1.6", "ki-schleuse.cdx.json")
}

func uptime(d time.Duration) phrase {
	switch {
	case d < time.Hour:
		return say("seit %d Minuten", int(d.Minutes()))
	case d < 48*time.Hour:
		return say("seit %d Stunden", int(d.Hours()))
	}
	return say("seit %d Tagen", int(d.Hours()/24))
}

// Size of a store.
func (s StoreFacts) Size() string { return size(s.Bytes) }

// Size of all stores, Memory taken from the system.
func (v systemView) Size() string   { return size(v.Total) }
func (v systemView) Memory() string { return size(v.Facts.Memory) }

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// dutiesView is what is written down about the duties of a tenant.
type dutiesView struct {
	policies.TenantDuties
	// Missing are the duties without evidence.
	Missing []policies.Finding
}

// findingsAbout are the findings of a tenant.
func (u *UI) findingsAbout(r *http.Request, id gateway.TenantID) []policies.Finding {
	if u.Register.Findings == nil {
		return nil
	}
	return slices.DeleteFunc(u.Register.Findings(r.Context()), func(f policies.Finding) bool { return f.Object != "tenant/"+string(id) })
}

// RegisterLines are the registers as the form has them, one a line.
func (d dutiesView) RegisterLines() string { return strings.Join(d.Registers, "\n") }

// KeptPurposes are the purposes whose content is kept, in their order.
func (d dutiesView) KeptPurposes() []gateway.Purpose { return slices.Sorted(maps.Keys(d.KeepContent)) }

// KeepLines are the days by purpose as the form has them.
func (d dutiesView) KeepLines() string {
	var out []string
	for _, p := range d.KeptPurposes() {
		out = append(out, fmt.Sprintf("%s: %d", p, d.KeepContent[p]))
	}
	return strings.Join(out, "\n")
}

// isDay reports whether a text is a date of a form.
func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

// maxKeptDays bounds what a form may ask for; the rules say what is permitted.
const maxKeptDays = 3650

// readDuties keeps what the form does not show: roles by service, other sources.
func readDuties(r *http.Request, was policies.TenantDuties, known []GuidePurpose) (json.RawMessage, error) {
	was.Trained, was.StaffInformed = field(r, "geschult"), field(r, "informiert")
	for name, day := range map[string]string{"geschult": was.Trained, "informiert": was.StaffInformed} {
		if day != "" && !isDay(day) {
			return nil, invalid(name, "Erwartet wird ein Datum wie 2026-11-22.")
		}
	}
	was.Registers = lines(field(r, "register"))
	was.KeepContent = map[gateway.Purpose]int{}
	for line := range strings.Lines(field(r, "aufbewahren")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, days, _ := strings.Cut(line, ":")
		purpose := gateway.Purpose(strings.TrimSpace(name))
		if !slices.ContainsFunc(known, func(p GuidePurpose) bool { return p.ID == purpose }) {
			return nil, invalid("aufbewahren", "Den Zweck „"+cutShort(string(purpose))+"“ kennen die Regeln nicht. Erwartet wird je Zeile Zweck: Tage, zum Beispiel summarise: 30.")
		}
		n, err := strconv.Atoi(strings.TrimSpace(days))
		if err != nil || n < 1 || n > maxKeptDays {
			return nil, invalid("aufbewahren", "Erwartet wird je Zeile Zweck: Tage, zum Beispiel summarise: 30.")
		}
		was.KeepContent[purpose] = n
	}
	return json.Marshal(was)
}

// cutShort keeps what somebody typed from filling a page.
func cutShort(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

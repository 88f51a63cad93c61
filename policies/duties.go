// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"maps"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// TenantDuties are facts about a tenant that duties depend on. What is missing
// permits nothing that needs it.
type TenantDuties struct {
	// StaffInformed is the day on which staff and Personalrat were told of high-risk
	// systems (Art. 26 Abs. 7 KI-VO).
	StaffInformed string `json:"staff_informed" yaml:"staff_informed"`
	// Trained is the day of the last training of those who use AI (Art. 4, Art. 26
	// Abs. 2 KI-VO).
	Trained string `json:"trained" yaml:"trained"`
	// Roles that may work on a service; no entry: every role (§ 35 SGB I).
	Roles map[gateway.ServiceID][]string `json:"roles" yaml:"roles"`
	// Registers are the sources that are registers: retrieval needs a case and a
	// service (§ 79 Abs. 4 SGB X, § 14 Abs. 11 GewO).
	Registers []string `json:"registers" yaml:"registers"`
	// OtherSources are those that are no registers. Any source counts as a register as
	// soon as there are registers and it is not among these.
	OtherSources []string `json:"other_sources" yaml:"other_sources"`
	// EarlyHighRisk: a released high-risk purpose needs only the references whose duty
	// applies already. After the last of these dates it changes nothing.
	EarlyHighRisk bool `json:"early_high_risk" yaml:"early_high_risk"`
	// KeepContent has the content of requests kept, encrypted, so many days, by purpose.
	KeepContent map[gateway.Purpose]int `json:"keep_content" yaml:"keep_content"`
}

// complete replaces absent lists by empty ones and other names of purposes by the
// one in the table.
func (d TenantDuties) complete(aliases map[string]string) TenantDuties {
	roles := make(map[gateway.ServiceID][]string, len(d.Roles))
	for service, names := range d.Roles {
		roles[service] = append([]string{}, names...)
	}
	keep := make(map[gateway.Purpose]int, len(d.KeepContent))
	for _, purpose := range slices.Sorted(maps.Keys(d.KeepContent)) {
		name := purpose
		if known, ok := aliases[string(purpose)]; ok {
			name = gateway.Purpose(known)
		}
		keep[name] = max(keep[name], d.KeepContent[purpose])
	}
	d.Roles, d.KeepContent = roles, keep
	d.StaffInformed, d.Trained = onlyDay(d.StaffInformed), onlyDay(d.Trained)
	d.Registers, d.OtherSources = append([]string{}, d.Registers...), append([]string{}, d.OtherSources...)
	return d
}

// isDay says whether a text is a day such as 2026-11-21. Rules compare days as texts:
// in any other form one could come too early, or never end.
func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

func onlyDay(text string) string {
	if !isDay(text) {
		return ""
	}
	return text
}

// Undated says that the first or the last day of a release is none; it releases nothing.
func (r Release) Undated() bool { return !isDay(r.ValidFrom) || r.ValidTo != "" && !isDay(r.ValidTo) }

// Undated says that a day of a duty is written in another form; it counts as missing.
func (d TenantDuties) Undated() bool {
	return d.StaffInformed != onlyDay(d.StaffInformed) || d.Trained != onlyDay(d.Trained)
}

// fieldData are the field lists of a service as data.
func fieldData(fields map[gateway.Purpose][]string, aliases map[string]string) map[string]any {
	out := make(map[string]any, len(fields))
	for _, purpose := range slices.Sorted(maps.Keys(fields)) {
		name := string(purpose)
		if known, ok := aliases[name]; ok {
			name = known
		}
		names := make([]any, len(fields[purpose]))
		for i, field := range fields[purpose] {
			names[i] = ident(field)
		}
		out[name] = names
	}
	return out
}

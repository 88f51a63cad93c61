// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"fmt"
	"maps"
	"slices"
)

// validateDays: days that rules depend on are written as 2026-12-31. In another form
// they release and prove nothing, and nobody should find that out from a refusal.
func (c *Config) validateDays() []error {
	var problems []error
	for _, id := range slices.Sorted(maps.Keys(c.Releases)) {
		for i, r := range c.Releases[id] {
			if r.Undated() {
				problems = append(problems, fmt.Errorf("releases.%s[%d]: Die Freigabe für %q nennt in valid_from oder valid_to keinen Tag der Form JJJJ-MM-TT (%q, %q)", id, i, r.Service, r.ValidFrom, r.ValidTo))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.Duties)) {
		if d := c.Duties[id]; d.Undated() {
			problems = append(problems, fmt.Errorf("duties.%s: Ein Tag hat nicht die Form JJJJ-MM-TT (trained %q, staff_informed %q)", id, d.Trained, d.StaffInformed))
		}
	}
	return problems
}

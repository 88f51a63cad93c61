// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import "github.com/ki-schleuse/schleuse/gateway"

// HighRiskFloor is how many days the record of a high-risk system is kept at
// least: six months (Art. 26 Abs. 6 KI-VO).
const HighRiskFloor = 183

const highRisk = "high_risk"

// maxDays is about a century: more is a mistake that must not overflow.
const maxDays = 36_525

// keep is for how many days a record says that it must and may be kept; 0: it
// does not say.
func keep(r gateway.Record) (floor, ceiling int) {
	if r.Retain != nil {
		floor, ceiling = min(max(r.Retain.FloorDays, 0), maxDays), min(max(r.Retain.CeilingDays, 0), maxDays)
	}
	for i := range r.Decisions {
		if r.Decisions[i].Risk.Class == highRisk {
			floor = max(floor, HighRiskFloor)
		}
	}
	return floor, ceiling
}

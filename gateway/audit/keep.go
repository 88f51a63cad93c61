// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"encoding/json"

	"github.com/ki-schleuse/schleuse/gateway"
)

// HighRiskFloor is how many days the record of a high-risk system is kept at
// least: six months (Art. 26 Abs. 6 KI-VO).
const HighRiskFloor = 183

// Keep says for how many days an entry must and may be kept. A Ceiling of 0 says
// nothing. Where both contradict each other, the floor counts.
type Keep struct {
	Floor   int `json:"floor_days"`
	Ceiling int `json:"ceiling_days,omitempty"`
}

// obligationRetain is the obligation of a rule that says how long a record is kept.
const obligationRetain = "retain"

// keepOf is what the decisions of a record say about its time: the longest floor
// and the shortest ceiling.
func keepOf(r gateway.Record) Keep {
	var k Keep
	for i := range r.Decisions {
		k.learn(&r.Decisions[i])
	}
	if r.Answer != nil {
		k.learn(r.Answer)
	}
	return k
}

func (k *Keep) learn(d *gateway.Decision) {
	if d.Risk.Class == "high_risk" {
		k.Floor = max(k.Floor, HighRiskFloor)
	}
	for i := range d.Obligations {
		if d.Obligations[i].ID != obligationRetain {
			continue
		}
		params := d.Obligations[i].Params
		k.Floor = max(k.Floor, days(params["floor_days"]))
		if ceiling := days(params["ceiling_days"]); ceiling > 0 && (k.Ceiling == 0 || ceiling < k.Ceiling) {
			k.Ceiling = ceiling
		}
	}
}

// maxDays is about a century: more is a mistake that must not overflow.
const maxDays = 36_525

// days reads a number of whole days, whatever JSON made of it; 0 is none.
func days(value any) int {
	var n float64
	switch v := value.(type) {
	case int:
		n = float64(v)
	case int64:
		n = float64(v)
	case float64:
		n = v
	case json.Number:
		n, _ = v.Float64() // what is no number is none
	}
	if !(n >= 1) {
		return 0
	}
	return int(min(n, maxDays))
}

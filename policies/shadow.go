// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

// ShadowCounts says how far policies in the shadow decide otherwise.
type ShadowCounts struct {
	// Asked were decided in force, Dropped of them not by the shadow, because too
	// many waited.
	Asked   int64 `json:"asked"`
	Dropped int64 `json:"dropped"`
	// Compared were decided by both, Same of them alike, Errors not by the shadow.
	Compared           int64 `json:"compared"`
	Same               int64 `json:"same"`
	Errors             int64 `json:"errors"`
	NewlyDenied        int64 `json:"newly_denied"`
	NewlyAllowed       int64 `json:"newly_allowed"`
	ChangedObligations int64 `json:"changed_obligations"`
	ChangedModels      int64 `json:"changed_models"`
	ChangedReasons     int64 `json:"changed_reasons"`
	// ByRule counts decisions in which a rule speaks that did not, or no longer.
	ByRule map[string]RuleTally `json:"by_rule,omitempty"`
}

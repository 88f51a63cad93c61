// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package services holds the definitions of the public services that can be
// checked for completeness: one folder per service with service.yaml (what is
// asked for and why), schema.json (structure and types) and rules.rego (when
// something is required or contradictory). It contains no code; package
// completeness loads it. Start at README.md.
package services

import "embed"

// FS holds the definitions.
//
//go:embed documents.yaml lib/*.rego */service.yaml */schema.json */rules.rego
var FS embed.FS

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package gateway is the domain of KI-Schleuse and the story of one request:
//
//	confine → screen → decide → retrieve → decide → route → pseudonymise →
//	record → complete → decide → restore → close the record
//
// Start at [Gateway.Complete] in gateway.go; [Gateway.Stream] is the same story
// with the answer released piece by piece, [Gateway.Permit] the same without a
// model. Completeness checks, letters, the command line and the evaluation call
// these three, so no path skips a policy, a route or a record.
//
// The package imports the standard library only. Its adapters (screen, router,
// upstream, audit, policies, retrieval) import it and never each other.
package gateway

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package completeness checks whether an application is complete
// (Vollständigkeitsprüfung): which fields and evidence are missing, what is
// invalid, what contradicts itself. Structure is checked by JSON Schema,
// conditions by Rego, documents by reading them. It finds and asks; it never
// decides about the application and never says who is entitled to what.
//
// Start at [Checker.Check]. The services are data: see policies/services.
package completeness

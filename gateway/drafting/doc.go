// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package drafting assembles letters of an authority: the request for missing
// documents (Nachforderung) and the acknowledgement of receipt. A letter is put
// together from a dated template, the facts of a check and the profile of the
// authority, then checked: every citation exists and was supplied, every number,
// date and name is a fact, every mandatory block is there. A letter with a red
// check cannot be released, and only a named person releases it.
//
// Nothing is generated: there is no model in this package, and it decides nothing
// about a case. It builds a document.Letter and does not write files.
//
// Start at [New], [Drafter.Draft] and [Drafter.Release]; the checks are in
// checks.go, the texts in templates/.
package drafting

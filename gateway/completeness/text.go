// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// dashes are the characters that are printed where a hyphen is meant.
var dashes = strings.NewReplacer("–", "-", "—", "-", "‐", "-", "‑", "-", "−", "-", "\u00ad", "", "\u00a0", " ")

// fold is the form in which words are compared: compatibility-normalised, small
// letters, one kind of hyphen, single blanks.
func fold(s string) string {
	s = dashes.Replace(strings.ToLower(norm.NFKC.String(s)))
	return strings.Join(strings.Fields(s), " ")
}

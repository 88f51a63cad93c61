// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import "strings"

// validIBAN checks form and check digits (ISO 13616, modulus 97). Blanks and
// small letters are accepted.
func validIBAN(s string) bool {
	s = strings.ToUpper(strings.Join(strings.Fields(s), ""))
	if len(s) < 15 || len(s) > 34 || strings.HasPrefix(s, "DE") && len(s) != 22 {
		return false
	}
	rest := 0
	for _, c := range s[4:] + s[:4] {
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		case c >= 'A' && c <= 'Z':
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return false
		}
	}
	country := s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
	digits := s[2] >= '0' && s[2] <= '9' && s[3] >= '0' && s[3] <= '9'
	return rest == 1 && country && digits
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import "fmt"

// counted is a number with its word: "1 Eintrag", "2 Einträge", "0 Einträge".
func counted[N int | int64 | uint64](n N, one, many string) string {
	return fmt.Sprintf("%d %s", n, either(n, one, many))
}

// either is the word that belongs to a number, for what stands elsewhere in the
// sentence: "steht" or "stehen".
func either[N int | int64 | uint64](n N, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms_test

import (
	"fmt"

	"github.com/ki-schleuse/schleuse/gateway/norms"
)

func ExampleParseCitations() {
	for _, c := range norms.ParseCitations("Bitte beachten Sie § 66 Abs. 3 und 9 SGB I sowie §§ 9, 23 Abs. 3 WoGG.") {
		if err := norms.Default().Lookup(c); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("gefunden:", c)
	}
	// Output:
	// gefunden: § 66 Abs. 3 SGB I
	// existiert nicht: § 66 Abs. 9 SGB I – der Paragraf hat 3 Absätze
	// gefunden: § 9 WoGG
	// gefunden: § 23 Abs. 3 WoGG
}

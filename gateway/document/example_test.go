// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

// One letter, any format: the writers have the same signature.
func ExampleWritePDF() {
	l := document.Letter{
		Letterhead: document.Letterhead{Authority: "Stadt Tannberg"},
		Recipient:  []string{"Frau", "Erika Muster", "Lindenstraße 27", "70999 Tannberg"},
		Subject:    "Ihr Antrag auf Wohngeld",
		Body:       []document.Block{document.Text("Sehr geehrte Frau Muster,"), document.Text("Ihr Antrag ist vollständig.")},
	}
	var file strings.Builder
	if err := document.WritePDF(&file, l); err != nil {
		fmt.Println(err)
	}
	fmt.Println(file.String()[:8])
	// Output: %PDF-1.7
}

// The fragment goes into a page that serves document.Stylesheet as a file.
func ExampleHTMLFragment() {
	l := document.Letter{Subject: "Betreff", Body: []document.Block{document.Text("Text & mehr")}}
	if err := document.HTMLFragment(os.Stdout, l); err != nil {
		fmt.Println(err)
	}
	// Output:
	// <article class="letter" lang="de-DE">
	// <div class="letter-top">
	// <header class="letter-head">
	// </header>
	// <div class="letter-address">
	// </div>
	// </div>
	// <h2 class="letter-subject" dir="auto">Betreff</h2>
	// <div class="letter-body">
	// <p dir="auto">Text &amp; mehr</p>
	// </div>
	// </article>
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"fmt"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/document"
)

// place is one text of a letter and where it stands.
type place struct {
	path, text string
}

// flatten lists every text of a letter in reading order.
func flatten(l document.Letter) []place {
	var list []place
	add := func(path, text string) {
		if strings.TrimSpace(text) != "" {
			list = append(list, place{path, text})
		}
	}
	add("letterhead.authority", l.Letterhead.Authority)
	add("letterhead.department", l.Letterhead.Department)
	lines := func(path string, texts []string) {
		for i, text := range texts {
			add(fmt.Sprintf("%s[%d]", path, i), text)
		}
	}
	lines("letterhead.lines", l.Letterhead.Lines)
	add("return_line", l.ReturnLine)
	lines("recipient", l.Recipient)
	for i, pair := range l.Info {
		add(fmt.Sprintf("info[%d]", i), pair.Label+": "+pair.Value)
	}
	add("subject", l.Subject)
	for i, block := range l.Body {
		flattenBlock(fmt.Sprintf("body[%d]", i), block, add)
	}
	lines("footer", l.Footer)
	return list
}

func flattenBlock(path string, block document.Block, add func(path, text string)) {
	switch b := block.(type) {
	case document.Paragraph:
		add(path, plain(b))
	case document.Heading:
		add(path, b.Text)
	case document.List:
		for i, item := range b.Items {
			for k, p := range item {
				add(fmt.Sprintf("%s.items[%d][%d]", path, i, k), plain(p))
			}
		}
	case document.Table:
		add(path+".caption", b.Caption)
		for i, row := range append([][]string{b.Header}, b.Rows...) {
			for k, text := range row {
				add(fmt.Sprintf("%s.rows[%d][%d]", path, i, k), text)
			}
		}
	}
}

func plain(p document.Paragraph) string {
	var b strings.Builder
	for _, run := range p.Runs {
		b.WriteString(run.Text)
	}
	return b.String()
}

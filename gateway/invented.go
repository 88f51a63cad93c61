// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"slices"
	"strings"
)

// maxPlaceholder is the longest placeholder with its brackets.
const maxPlaceholder = 48

// inventedPlaceholder: after restoring, a text still holds a placeholder of a
// kind that was given out in this request, with a number that was not. In prose
// a reader sees that; a program would act on it, so a tool call is refused.
// What stood in the request itself is nobody's invention.
func (p *passage) inventedPlaceholder(text string) bool {
	for p.restorer != nil && len(p.labels) > 0 {
		_, after, ok := strings.Cut(text, "[")
		if !ok {
			return false
		}
		text = after
		inside, _, ok := strings.Cut(after[:min(len(after), maxPlaceholder)], "]")
		if ok && p.isLabelled(inside) && !p.wasGiven("["+inside+"]") {
			return true
		}
	}
	return false
}

// isLabelled: PERSON_7, DATE_OF_BIRTH_2_1988.
func (p *passage) isLabelled(tag string) bool {
	label := strings.TrimRight(strings.ToUpper(tag), "_0123456789")
	return len(label) < len(tag) && slices.Contains(p.labels, label)
}

func inventedError() *Error {
	return &Error{
		Op: "restore", Code: CodeUnavailable,
		Message: "Das Modell hat in einem Werkzeugaufruf einen Platzhalter erfunden, zu dem es keine Angabe gibt. Der Aufruf wurde verworfen; bitte versuchen Sie es noch einmal.",
	}
}

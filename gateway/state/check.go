// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package state

import (
	"encoding/json"
	"regexp"

	"github.com/ki-schleuse/schleuse/gateway"
)

var (
	kindForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	idForm   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)
)

// CheckName reports a name that no document can have.
func CheckName(kind, id string) error {
	if !kindForm.MatchString(kind) || !idForm.MatchString(id) {
		return &gateway.Error{Op: "name document", Code: gateway.CodeInvalid, Path: "id", Message: "Diese Kennung ist nicht möglich: erlaubt sind Buchstaben, Ziffern, Punkt, Unterstrich und Bindestrich."}
	}
	return nil
}

// Check reports what no store takes.
func (d Document) Check() error {
	if err := CheckName(d.Kind, d.ID); err != nil {
		return err
	}
	if len(d.Body) > MaxBody {
		return &gateway.Error{Op: "write document", Code: gateway.CodeTooLarge, Message: "Das ist zu groß: Erlaubt sind 4 MiB."}
	}
	if d.Version < 0 || !json.Valid(d.Body) {
		return &gateway.Error{Op: "write document", Code: gateway.CodeInternal, Message: "Ein Zustand war nicht schreibbar."}
	}
	return nil
}

// Check reports a filter that no store answers.
func (f Filter) Check() error {
	if f.Limit < 0 || f.Limit > MaxLimit {
		return &gateway.Error{Op: "list documents", Code: gateway.CodeInvalid, Path: "limit", Message: "Es können 1 bis 500 Einträge auf einmal gelesen werden."}
	}
	return CheckName(f.Kind, "x")
}

// Most is the number of documents on a page.
func (f Filter) Most() int {
	if f.Limit == 0 {
		return MaxLimit
	}
	return f.Limit
}

// NotFound says that there is no such document.
func NotFound(kind, id string) error {
	return &gateway.Error{Op: "read " + kind + " " + id, Code: gateway.CodeNotFound, Message: "Diesen Eintrag gibt es nicht."}
}

// Conflict says that somebody else was faster.
func Conflict(kind, id string) error {
	return &gateway.Error{Op: "write " + kind + " " + id, Code: gateway.CodeConflict, Message: "Das wurde inzwischen von jemand anderem geändert. Bitte laden Sie neu und versuchen Sie es noch einmal."}
}

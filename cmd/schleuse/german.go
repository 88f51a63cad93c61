// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlitecode "modernc.org/sqlite/lib"

	"github.com/ki-schleuse/schleuse/gateway"
)

// said is what a person reads at the command line: a German sentence that names the
// place and what to do. What it comes from is foreign and follows in brackets.
type said struct {
	text string
	err  error
}

// say makes such a sentence of what our own code found.
func say(format string, args ...any) error { return said{text: fmt.Sprintf(format, args...)} }

// sayOf puts a sentence before what the system, a database or a library says.
func sayOf(err error, format string, args ...any) error {
	return said{text: fmt.Sprintf(format, args...), err: err}
}

// sayAt names the place in the configuration, or the option, of what went wrong.
func sayAt(place string, err error) error { return said{text: place + ": " + germanOf(err)} }

func (s said) Error() string {
	if s.err == nil {
		return s.text
	}
	if ofFiles(s.err)+ofDatabases(s.err)+ofOthers(s.err) == "" && !isGerman(s.err) {
		return s.text + " (" + s.err.Error() + ")"
	}
	return s.text + " " + germanOf(s.err)
}

func (s said) Unwrap() error { return s.err }

// explain shows people the sentence that is meant for them.
func explain(err error) string {
	var known *gateway.Error
	if errors.As(err, &known) && known.Message != "" {
		text := known.Message
		if known.Path != "" {
			text = known.Path + ": " + text
		}
		if known.Err != nil {
			text += " (" + known.Err.Error() + ")"
		}
		return text
	}
	return germanOf(err)
}

// germanOf says in German what is known of an error, with its own words in brackets
// where they are foreign.
func germanOf(err error) string {
	if several, ok := err.(interface{ Unwrap() []error }); ok { // only what joins itself, not what wraps a join
		var texts []string
		for _, one := range several.Unwrap() {
			texts = append(texts, germanOf(one))
		}
		return strings.Join(texts, "\n")
	}
	var own said
	var usage usageError
	var file mistakes
	switch {
	case errors.As(err, &file):
		return file.Error()
	case errors.As(err, &usage):
		return usage.Error()
	case errors.As(err, &own):
		return own.Error()
	}
	text := ofFiles(err)
	if text == "" {
		text = ofDatabases(err)
	}
	if text == "" {
		text = cmp.Or(ofOthers(err), "Das ist nicht gelungen.")
	}
	return text + " (" + err.Error() + ")"
}

// isGerman: it says itself what a person is to read.
func isGerman(err error) bool {
	return errors.As(err, new(said)) || errors.As(err, new(usageError)) || errors.As(err, new(mistakes))
}

func ofFiles(err error) string {
	var path *fs.PathError
	if !errors.As(err, &path) {
		return ""
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("%s gibt es nicht; Pfad und Schreibweise prüfen.", path.Path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("Auf %s darf dieses Benutzerkonto nicht zugreifen; Rechte prüfen.", path.Path)
	case errors.Is(err, fs.ErrExist):
		return fmt.Sprintf("%s gibt es schon; einen anderen Namen wählen.", path.Path)
	case errors.Is(err, syscall.EISDIR):
		return fmt.Sprintf("%s ist ein Ordner; erwartet wird eine Datei.", path.Path)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Sprintf("Im Pfad %s steht eine Datei, wo ein Ordner erwartet wird.", path.Path)
	case errors.Is(err, syscall.ENOSPC):
		return "Auf dem Datenträger ist kein Platz mehr."
	}
	return fmt.Sprintf("%s lässt sich nicht lesen oder schreiben.", path.Path)
}

func ofDatabases(err error) string {
	var file *sqlite.Error
	var connect *pgconn.ConnectError
	var answer *pgconn.PgError
	switch {
	case errors.As(err, &file) && (file.Code()&0xff == sqlitecode.SQLITE_BUSY || file.Code()&0xff == sqlitecode.SQLITE_LOCKED):
		return "Ein anderer Prozess, meist der laufende Dienst, hat den Datenordner in Gebrauch. Beenden Sie ihn zuerst, oder nutzen Sie seine Seiten."
	case errors.As(err, &file):
		return "Eine Datei des Datenordners lässt sich nicht nutzen; Rechte, Platz und Unversehrtheit prüfen."
	case errors.As(err, &connect):
		return "Die Datenbank ist nicht erreichbar oder lehnt die Anmeldung ab; die Angabe database und die Datenbank prüfen."
	case errors.As(err, &answer):
		return "Die Datenbank hat den Zugriff abgelehnt; Rechte und Zustand der Datenbank prüfen."
	}
	return ""
}

func ofOthers(err error) string {
	var refused *net.OpError
	var name *net.DNSError
	var form *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.Is(err, context.Canceled):
		return "Abgebrochen."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "Die Antwort kam nicht rechtzeitig; noch einmal versuchen."
	case errors.As(err, &authority):
		return "Das Zertifikat der Gegenstelle stammt von keiner bekannten Zertifizierungsstelle."
	case errors.As(err, &name):
		return fmt.Sprintf("Der Rechner %s ist nicht zu finden; Adresse prüfen.", name.Name)
	case errors.As(err, &refused):
		return "Die Gegenstelle ist nicht erreichbar; Adresse prüfen, und ob sie läuft."
	case errors.As(err, &form):
		return fmt.Sprintf("Der Text ist kein gültiges JSON; Fehler beim Zeichen %d.", form.Offset)
	case errors.As(err, &kind):
		return fmt.Sprintf("Die Angabe %s hat nicht die erwartete Form.", kind.Field)
	}
	return ""
}

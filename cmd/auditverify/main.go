// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Command auditverify proves an export of the record without the gateway: whoever
// audits need not trust the software that wrote it. It shares no code with it, uses
// nothing but the standard library and golang.org/x/mod, and asks no database and
// no network. What it proves stands in the README of every export.
//
// Start at main, then read check.go.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Exit codes.
const (
	exitSound   = 0
	exitUsage   = 2 // called wrongly, or the file is no export
	exitDiffers = 3
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

const usage = `Aufruf: auditverify --public-key SCHLÜSSEL AUSZUG.zip

Prüft einen Auszug aus dem Protokoll der KI-Schleuse, ohne Datenbank und ohne Netz.

  --public-key   öffentlicher Schlüssel des Protokolls oder der Name einer Datei
                 mit einem Schlüssel je Zeile. Nehmen Sie ihn aus einer Quelle,
                 der Sie vertrauen, nicht aus dem Auszug.

Rückgabewert: 0 unverändert, 3 weicht ab, 2 falscher Aufruf oder kein Auszug.
`

func run(args []string, out, errOut io.Writer) int {
	flags := flag.NewFlagSet("auditverify", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	key := flags.String("public-key", "", "")
	if err := flags.Parse(args); err != nil || flags.NArg() != 1 || *key == "" {
		fmt.Fprint(errOut, usage)
		if errors.Is(err, flag.ErrHelp) {
			return exitSound
		}
		return exitUsage
	}
	keys, err := readKeys(*key)
	if err != nil {
		fmt.Fprintf(errOut, "Der Schlüssel ist nicht lesbar: %v.\n", err)
		return exitUsage
	}
	result, err := verifyFile(flags.Arg(0), keys)
	if err != nil {
		fmt.Fprintf(errOut, "Die Datei ist kein Auszug, der sich prüfen lässt: %v.\n", err)
		return exitUsage
	}
	result.print(out, filepath.Base(flags.Arg(0)))
	if len(result.problems) > 0 {
		return exitDiffers
	}
	return exitSound
}

// maxKeys bounds a file of keys.
const maxKeys = 64 << 10

// readKeys takes a key, or a file of keys.
func readKeys(text string) ([]string, error) {
	f, err := os.Open(text)
	if err != nil {
		if strings.Count(text, "+") >= 2 {
			return strings.Fields(text), nil
		}
		return nil, errors.New("es ist weder ein Schlüssel noch eine Datei")
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxKeys))
	return strings.Fields(string(raw)), err
}

func verifyFile(path string, keys []string) (*result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.New("sie lässt sich nicht öffnen")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, errors.New("sie lässt sich nicht öffnen")
	}
	return verify(f, info.Size(), keys)
}

// result is what a verification found.
type result struct {
	origin      string
	size        int64 // leaves of the record at the time of the export
	leaves      int64 // of them in the export
	removed     int64 // of them without content, as notes say
	open        int   // requests without an end
	checkpoints int
	complete    bool
	problems    []string
	more        int
}

const maxProblems = 1000

func (r *result) add(format string, args ...any) {
	if len(r.problems) >= maxProblems {
		r.more++
		return
	}
	r.problems = append(r.problems, fmt.Sprintf(format, args...))
}

func (r *result) print(out io.Writer, name string) {
	if len(r.problems) > 0 {
		fmt.Fprintf(out, "%s WEICHT AB vom unterschriebenen Protokoll %s:\n", name, r.origin)
		for _, p := range r.problems {
			fmt.Fprintf(out, "  - %s\n", p)
		}
		if r.more > 0 {
			fmt.Fprintf(out, "  … und %d weitere\n", r.more)
		}
		return
	}
	fmt.Fprintf(out, "%s ist unverändert.\n\n", name)
	fmt.Fprintf(out, "  Protokoll              %s\n", r.origin)
	fmt.Fprintf(out, "  Blätter im Auszug      %d von %d\n", r.leaves, r.size)
	fmt.Fprintf(out, "  davon Inhalt entfernt  %d (nach Ablauf der Frist, mit Vermerk)\n", r.removed)
	fmt.Fprintf(out, "  frühere Prüfpunkte     %d, jeder ein Anfang des Protokolls\n", r.checkpoints)
	fmt.Fprintf(out, "  ohne Abschluss         %d\n\n", r.open)
	if r.complete {
		fmt.Fprintln(out, "Der Auszug ist vollständig: Er enthält jedes Blatt des Protokolls.")
		return
	}
	fmt.Fprintln(out, "Der Auszug ist eine Auswahl: Er weist nach, dass seine Einträge im Protokoll")
	fmt.Fprintln(out, "stehen, nicht, dass es keine weiteren gibt.")
}

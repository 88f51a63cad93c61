// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Statement is what is signed about a bundle.
type Statement struct {
	// Bundle is the digest of the files, Revision the name they get, Impact the
	// digest of the report on what they change, empty for none.
	Bundle, Revision, Impact string
}

const statementTitle = "ki-schleuse policy release"

// Text is the text under which signatures stand.
func (s Statement) Text() string {
	impact := s.Impact
	if impact == "" {
		impact = "-"
	}
	return fmt.Sprintf("%s\nbundle %s\nrevision %s\nimpact %s\n", statementTitle, s.Bundle, s.Revision, impact)
}

var statementText = regexp.MustCompile(`^` + statementTitle + `\nbundle ([0-9a-f]{64})\nrevision ([0-9]{4}-[0-9]{2}-[0-9]{2}\.[0-9]{1,6})\nimpact (-|[0-9a-f]{64})\n$`)

// ParseStatement reads a text strictly.
func ParseStatement(text string) (Statement, error) {
	m := statementText.FindStringSubmatch(text)
	if m == nil {
		return Statement{}, errors.New("the signed text is not about a release of policies")
	}
	return Statement{Bundle: m[1], Revision: m[2], Impact: strings.TrimPrefix(m[3], "-")}, nil
}

// Signer is somebody whose signature counts.
type Signer struct {
	// Name is for people, Key the public key of schleuse policy keygen.
	Name string `yaml:"name"`
	Key  string `yaml:"key"`
	// Person is the only one who may hand in signatures of this key: what Person.User
	// is, and its name where the sign-in knows no more.
	Person string `yaml:"person"`
	// Account is the login of this person at the machine of the service, if there is
	// one: what it does on the command line, the person did.
	Account string `yaml:"account,omitempty"`
	// Revoked is the day (2026-11-22) from which signatures of this key count no more.
	// What was in force before stays.
	Revoked string `yaml:"revoked,omitempty"`
}

// revoked says whether the key did not count any more at a moment; the zero one is
// now, whenever that is.
func (s Signer) revoked(at time.Time) bool {
	return s.Revoked != "" && (at.IsZero() || at.UTC().Format(time.DateOnly) >= s.Revoked)
}

// leastSigners is what four eyes means.
const leastSigners = 2

// Trust says whose signatures count and how many are needed.
type Trust struct {
	Signers []Signer
	// Require is the number of different signers; default and least 2.
	Require int
}

func (t Trust) require() int { return max(t.Require, leastSigners) }

// Validate names every mistake at once. Nobody may be two signers: not by two names
// of one key, not by two keys of one person.
func (t Trust) Validate() error {
	var problems []error
	if t.Require != 0 && t.Require < leastSigners {
		problems = append(problems, fmt.Errorf("require: %d Unterschriften sind kein Vier-Augen-Prinzip; nötig sind mindestens %d.", t.Require, leastSigners))
	}
	if len(t.Signers) > 0 && len(t.Signers) < t.require() {
		problems = append(problems, fmt.Errorf("signers: Es sind %d eingetragen, und %d Unterschriften sind nötig.", len(t.Signers), t.require()))
	}
	seen := map[string]string{}
	for i, s := range t.Signers {
		at := fmt.Sprintf("signers[%d] %s", i, s.Name)
		if _, err := note.NewVerifier(s.Key); err != nil {
			problems = append(problems, fmt.Errorf("%s: Der öffentliche Schlüssel unter key ist keiner von schleuse policy keygen.", at))
			continue
		}
		marks := []string{"Name " + s.Name, "Schlüssel " + s.Key[strings.LastIndexByte(s.Key, '+')+1:]}
		if s.Person != "" {
			marks = append(marks, "Person "+s.Person)
		} else {
			problems = append(problems, fmt.Errorf("%s: Die Angabe person fehlt; nur diese Person darf Unterschriften mit diesem Schlüssel einreichen.", at))
		}
		if s.Account != "" {
			marks = append(marks, "Konto "+s.Account)
		}
		if _, err := time.Parse(time.DateOnly, s.Revoked); s.Revoked != "" && err != nil {
			problems = append(problems, fmt.Errorf("%s: Die Angabe unter revoked, %q, ist kein Tag wie 2026-11-22.", at, s.Revoked))
		}
		if s.Name == "" {
			problems = append(problems, fmt.Errorf("%s: Der Name fehlt.", at))
		}
		for _, mark := range marks {
			if other, taken := seen[mark]; taken {
				problems = append(problems, fmt.Errorf("%s: Das ist derselbe Eintrag wie %s; zwei Unterschriften kommen von zwei Personen mit zwei Schlüsseln.", at, other))
			}
			seen[mark] = at
		}
	}
	return errors.Join(problems...)
}

// counts says that there is a signer of this name whose key is not revoked.
func (t Trust) counts(name string) bool {
	return slices.ContainsFunc(t.Signers, func(s Signer) bool { return s.Name == name && !s.revoked(time.Time{}) })
}

// verifiers are the keys, byHash the names of those they belong to.
func (t Trust) verifiers() (note.Verifiers, map[uint32]Signer, error) {
	var list []note.Verifier
	byHash := map[uint32]Signer{}
	for _, s := range t.Signers {
		v, err := note.NewVerifier(s.Key)
		if err != nil {
			return nil, nil, fmt.Errorf("key of signer %s: %w", s.Name, err)
		}
		list = append(list, v)
		byHash[v.KeyHash()] = s
	}
	return note.VerifierList(list...), byHash, nil
}

// Open verifies a signed text and returns it with those who signed, each once. A
// signature of a stranger does not count, a wrong one of a signer is an error.
func (t Trust) Open(signed []byte) (Statement, []Signer, error) {
	known, byHash, err := t.verifiers()
	if err != nil {
		return Statement{}, nil, err
	}
	n, err := note.Open(signed, known)
	if err != nil {
		return Statement{}, nil, untrusted("die Unterschrift gehört zu keinem eingerichteten Schlüssel oder passt nicht zum Text", err)
	}
	s, err := ParseStatement(n.Text)
	if err != nil {
		return Statement{}, nil, untrusted("unterschrieben ist etwas anderes", err)
	}
	var signers []Signer
	for _, sig := range n.Sigs {
		signers = append(signers, byHash[sig.Hash])
	}
	return s, signers, nil
}

// Verify says whether enough signers, whose keys are not revoked, have signed these
// files under their revision.
func (t Trust) Verify(files Files, signed []byte) (Statement, []string, error) {
	return t.verify(files, signed, time.Time{})
}

// verify is Verify for signatures that were there at a moment.
func (t Trust) verify(files Files, signed []byte, at time.Time) (Statement, []string, error) {
	if len(signed) == 0 {
		return Statement{}, nil, untrusted("es ist nicht unterschrieben", nil)
	}
	if err := t.Validate(); err != nil {
		return Statement{}, nil, fmt.Errorf("policies: %w", err)
	}
	s, signers, err := t.Open(signed)
	if err != nil {
		return Statement{}, nil, err
	}
	signers = slices.DeleteFunc(signers, func(s Signer) bool { return s.revoked(at) })
	manifest, err := files.Manifest()
	if err != nil {
		return Statement{}, nil, err
	}
	switch {
	case s.Bundle != files.Digest():
		return Statement{}, nil, untrusted("unterschrieben ist ein Paket mit anderem Inhalt", nil)
	case s.Revision != manifest.Revision:
		return Statement{}, nil, untrusted("unterschrieben ist ein anderer Regelstand", nil)
	case len(signers) < t.require():
		return Statement{}, nil, untrusted(fmt.Sprintf("es trägt %d von %d nötigen Unterschriften", len(signers), t.require()), nil)
	}
	var names []string
	for _, signer := range signers {
		names = append(names, signer.Name)
	}
	slices.Sort(names)
	return s, names, nil
}

func untrusted(why string, err error) error {
	return &gateway.Error{Op: "verify policy bundle", Code: gateway.CodeDenied, Message: "Das Richtlinienpaket wird nicht angenommen: " + why + ".", Err: err}
}

// GenerateKey makes a pair of keys for a signer. The private one stays with the person.
func GenerateKey(name string) (private, public string, err error) {
	if name == "" || strings.ContainsAny(name, "+ \n\t") {
		return "", "", &gateway.Error{Op: "make signing key", Code: gateway.CodeInvalid, Message: "Der Name des Schlüssels darf nicht leer sein und weder Leerzeichen noch „+“ enthalten."}
	}
	private, public, err = note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", "", fmt.Errorf("make signing key: %w", err)
	}
	return private, public, nil
}

// Sign adds a signature to a text, or to a text that has signatures already.
func Sign(text []byte, private string) ([]byte, error) {
	signer, err := note.NewSigner(strings.TrimSpace(private))
	if err != nil {
		return nil, &gateway.Error{Op: "sign", Code: gateway.CodeInvalid, Message: "Die Datei enthält keinen privaten Schlüssel von „schleuse policy keygen“."}
	}
	n, err := split(text)
	if err != nil {
		return nil, err
	}
	if _, err := ParseStatement(n.Text); err != nil {
		return nil, &gateway.Error{Op: "sign", Code: gateway.CodeInvalid, Message: "Die Datei ist kein Text über einen Regelstand.", Err: err}
	}
	n.UnverifiedSigs = slices.DeleteFunc(n.UnverifiedSigs, func(s note.Signature) bool { return s.Name == signer.Name() && s.Hash == signer.KeyHash() })
	signed, err := note.Sign(n, signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signed, nil
}

// split takes a text and signatures apart, without verifying any.
func split(text []byte) (*note.Note, error) {
	if !bytes.Contains(text, []byte("\n\n")) {
		return &note.Note{Text: string(text)}, nil
	}
	n, err := note.Open(text, note.VerifierList())
	if unverified, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
		return unverified.Note, nil
	}
	return n, err
}

// revisionForm is how revisions are compared: a day and a number.
var revisionForm = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9]{1,6})$`)

// Higher says that a revision follows another. One that is not of the form
// 2026-11-22.1 follows nothing.
func Higher(a, than string) bool {
	x, y := revisionForm.FindStringSubmatch(a), revisionForm.FindStringSubmatch(than)
	switch {
	case x == nil:
		return false
	case y == nil:
		return true
	case x[1] != y[1]:
		return x[1] > y[1]
	}
	return number(x[2]) > number(y[2])
}

func number(digits string) int {
	n := 0
	for _, c := range []byte(digits) {
		n = 10*n + int(c-'0')
	}
	return n
}

// next is the revision of today that follows all those given.
func next(day string, earlier ...string) string {
	n := 1
	for _, r := range earlier {
		m := revisionForm.FindStringSubmatch(r)
		switch {
		case m == nil:
		case m[1] > day:
			day, n = m[1], number(m[2])+1
		case m[1] == day:
			n = max(n, number(m[2])+1)
		}
	}
	return fmt.Sprintf("%s.%d", day, n)
}

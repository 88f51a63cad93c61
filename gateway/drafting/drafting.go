// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/drafting/deadline"
	"github.com/ki-schleuse/schleuse/gateway/norms"
)

// Permit is an admitted and recorded request; *gateway.Permit is one.
type Permit interface {
	ID() string
	Close(ctx context.Context, o gateway.Outcome, result string) error
}

var _ Permit = (*gateway.Permit)(nil)

// Config of a Drafter.
type Config struct {
	// Permit asks the gateway; without it there is no drafter. Wire it with
	// func(ctx, r) (drafting.Permit, error) { return g.Permit(ctx, r) }.
	Permit func(ctx context.Context, r gateway.Request) (Permit, error)
	// Profile returns the letterhead and contacts of a tenant.
	Profile func(ctx context.Context, tenant gateway.TenantID) (Profile, error)
	// Register of norms; nil means norms.Default().
	Register *norms.Register
	// Deadlines computes dates; nil means the embedded table.
	Deadlines *deadline.Engine
	// Templates adds *.yaml files of the tenant to the embedded letters; of two
	// valid versions the one with the later valid_from is used.
	Templates fs.FS
	// Key keys the ids of drafts, so that nobody can guess content from them.
	Key []byte
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Drafter makes drafts and releases them. It is safe for concurrent use.
type Drafter struct {
	permit    func(ctx context.Context, r gateway.Request) (Permit, error)
	profile   func(ctx context.Context, tenant gateway.TenantID) (Profile, error)
	register  *norms.Register
	deadlines *deadline.Engine
	templates []letterTemplate
	key       []byte
	now       func() time.Time
}

// New checks the configuration and all templates.
func New(c Config) (*Drafter, error) {
	if c.Permit == nil || c.Profile == nil {
		return nil, errors.New("drafting: Permit and Profile are required")
	}
	d := &Drafter{permit: c.Permit, profile: c.Profile, register: c.Register, deadlines: c.Deadlines, key: slices.Clone(c.Key), now: c.Now}
	if d.register == nil {
		d.register = norms.Default()
	}
	if d.now == nil {
		d.now = time.Now
	}
	if d.deadlines == nil {
		engine, err := deadline.New(deadline.Config{})
		if err != nil {
			return nil, err
		}
		d.deadlines = engine
	}
	embedded, err := fs.Sub(embeddedTemplates, "templates")
	if err != nil {
		return nil, fmt.Errorf("open embedded letter templates: %w", err)
	}
	for _, files := range []fs.FS{embedded, c.Templates} {
		if files == nil {
			continue
		}
		list, err := loadTemplates(files)
		if err != nil {
			return nil, err
		}
		d.templates = append(d.templates, list...)
	}
	return d, nil
}

// Draft assembles and checks a letter. The same input, profile and template give
// the same id. A draft with red checks is returned, not refused: a person sees
// what is missing. Errors are *gateway.Error.
func (d *Drafter) Draft(ctx context.Context, caller gateway.Caller, in Input) (Draft, error) {
	if err := in.validate(); err != nil {
		return Draft{}, err
	}
	if in.Date.IsZero() {
		in.Date = d.now()
	}
	in.Date = deadline.Day(in.Date)
	permit, err := d.permit(ctx, d.request(caller, in.Kind, in.Service, in.Case, in.Date))
	if err != nil {
		return Draft{}, err
	}
	draft, err := d.assemble(ctx, caller.Tenant, in)
	if err != nil {
		return Draft{}, errors.Join(err, permit.Close(ctx, gateway.OutcomeFailed, "kein Entwurf"))
	}
	draft.DecisionID = permit.ID()
	if err := permit.Close(ctx, gateway.OutcomeAnswered, draft.summary()); err != nil {
		return Draft{}, err // no record, no answer
	}
	return draft, nil
}

// summary is a fact about the draft without personal data.
func (d Draft) summary() string {
	red := 0
	for _, c := range d.Checks {
		if c.Level == LevelRed {
			red++
		}
	}
	return fmt.Sprintf("Entwurf %s, %d Sperren", d.Kind, red)
}

// Check tests a draft again, for example after a person has edited the letter.
// Parts, Deadline and Template are the yardstick: take them from where the draft
// was kept, never from a client.
func (d *Drafter) Check(draft Draft) Draft {
	draft.Checks = d.checks(draft)
	draft.Citations = d.cited(draft.Letter)
	draft.Releasable = !slices.ContainsFunc(draft.Checks, func(c Check) bool { return c.Level == LevelRed })
	return draft
}

// Release lets a named person answer for the letter: it is checked once more,
// loses the mark of a draft and says who released it. A draft with a red check is
// refused with CodeConflict, and so is one of an earlier day: the period counts from
// the day of posting, so the letter has to be drafted again.
func (d *Drafter) Release(ctx context.Context, caller gateway.Caller, draft Draft, person string) (Draft, error) {
	person = strings.TrimSpace(person)
	switch {
	case person == "" || len(person) > 200 || !usable(person):
		return Draft{}, releaseError(gateway.CodeInvalid, "person", "Bitte nennen Sie die Person, die das Schreiben freigibt.")
	case draft.Released != nil:
		return Draft{}, releaseError(gateway.CodeConflict, "", "Das Schreiben ist schon freigegeben.")
	}
	draft = d.Check(draft)
	if !draft.Releasable {
		return Draft{}, releaseError(gateway.CodeConflict, "checks", "Das Schreiben kann nicht freigegeben werden: "+draft.firstRed())
	}
	date, err := time.Parse(time.DateOnly, draft.Date)
	if err != nil {
		return Draft{}, releaseError(gateway.CodeInvalid, "date", "Das Datum des Schreibens ist nicht lesbar.")
	}
	if today := deadline.Day(d.now()); today.After(date) {
		return Draft{}, releaseError(gateway.CodeConflict, "date", "Das Schreiben trägt das Datum "+deadline.Date(date)+". Bitte erstellen Sie es mit dem heutigen Datum neu, damit Datum und Frist stimmen.")
	}
	permit, err := d.permit(ctx, d.request(caller, draft.Kind, Service{ID: draft.Service}, draft.Case, date))
	if err != nil {
		return Draft{}, err
	}
	draft.Released = &Release{Person: person, Time: d.now(), DecisionID: permit.ID()}
	if err := sign(&draft); err != nil {
		return Draft{}, errors.Join(err, permit.Close(ctx, gateway.OutcomeFailed, "keine Freigabe"))
	}
	if err := permit.Close(ctx, gateway.OutcomeAnswered, "freigegeben"); err != nil {
		return Draft{}, err
	}
	return draft, nil
}

func releaseError(code gateway.Code, path, message string) error {
	return &gateway.Error{Op: "release letter", Code: code, Path: path, Message: message}
}

func (d Draft) firstRed() string {
	for _, c := range d.Checks {
		if c.Level == LevelRed {
			return c.Reason
		}
	}
	return ""
}

// sign takes the mark of a draft off and replaces the note.
func sign(d *Draft) error {
	note, err := render(d.Template.ReleasedNote, letterData{Releaser: d.Released.Person, ReleasedOn: deadline.Date(d.Released.Time)})
	if err != nil {
		return fmt.Errorf("render note on the release: %w", err)
	}
	d.Letter.Draft = false
	d.Letter.Body = slices.Clone(d.Letter.Body)
	d.Parts = slices.Clone(d.Parts)
	for i, part := range d.Parts {
		if part.Block != blockRelease {
			continue
		}
		for k, block := range d.Letter.Body {
			if p, ok := block.(document.Paragraph); ok && plain(p) == part.Text {
				d.Letter.Body[k] = document.Text(note)
			}
		}
		d.Parts[i].Text = note
	}
	return nil
}

// request is what the gateway is asked. It carries no text: a letter is made
// from the facts of a case that the caller already has.
func (d *Drafter) request(caller gateway.Caller, kind Kind, s Service, fileNumber string, date time.Time) gateway.Request {
	return gateway.Request{
		Time: d.now(), Caller: caller, Operation: gateway.OperationDraft, Purpose: kind.Purpose(),
		Service: s.ID, Case: fileNumber, CaseDate: date, DataClass: s.DataClasses,
	}
}

// id is a keyed digest of everything the letter is made of.
func (d *Drafter) id(in Input, p Profile, t letterTemplate) (string, error) {
	mac := hmac.New(sha256.New, d.key)
	if err := json.NewEncoder(mac).Encode([]any{in, p, t.Kind, t.Version, t.ValidFrom}); err != nil {
		return "", fmt.Errorf("encode input: %w", err)
	}
	return "d_" + hex.EncodeToString(mac.Sum(nil)[:12]), nil
}

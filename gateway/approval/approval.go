// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package approval keeps what people said of results that a person has to release
// before they are used (Art. 14 KI-VO): which wait, who released or rejected
// which. It keeps nothing itself: a word is a note in the record, the first one
// counts. It does not show results; they are where they were asked for. Start at
// [Desk].
package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Outcome is what a person said.
type Outcome string

// Outcomes.
const (
	Released Outcome = "released" // used as it is
	Changed  Outcome = "changed"  // used after a person changed it
	Rejected Outcome = "rejected" // not used
)

// Record is what a Desk needs of the record.
type Record interface {
	List(ctx context.Context, f audit.Filter) (audit.Page, error)
	Show(ctx context.Context, scope audit.Scope, id string) (audit.Entry, error)
	Releases(ctx context.Context, scope audit.Scope, ids []string) (map[string]audit.Note, error)
	Note(ctx context.Context, n audit.Note) error
}

// Config holds what a Desk needs. All but Now are required.
type Config struct {
	Record       Record
	Pseudonymise func(tenant gateway.TenantID, kind, value string) gateway.Pseudonym
	Now          func() time.Time
}

// Desk is where people release results. It is safe for concurrent use.
type Desk struct{ config Config }

// New checks the configuration.
func New(c Config) (*Desk, error) {
	if c.Record == nil || c.Pseudonymise == nil {
		return nil, errors.New("approval: Record and Pseudonymise are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Desk{c}, nil
}

// Word is what a person says of a result.
type Word struct {
	// Tenant of the person and of the entry.
	Tenant gateway.TenantID
	// User who says it; the record keeps the pseudonym.
	User string
	Role string
	// System, Case and Service, if set, are the only ones that the person may speak
	// about.
	System  gateway.SystemID
	Case    string
	Service gateway.ServiceID
	Entry   string
	Outcome Outcome
	Comment string
}

// maxComment leaves room in the note for the sentence before it.
const maxComment = 400

// Say writes down what a person said. CodeNotFound: the tenant has no such entry;
// CodeInvalid: nobody has to release it; CodeConflict: somebody was faster.
func (d *Desk) Say(ctx context.Context, w Word) error {
	note, err := d.note(w)
	if err != nil {
		return err
	}
	scope := audit.Scope{Tenant: w.Tenant}
	entry, err := d.config.Record.Show(ctx, scope, w.Entry)
	if err != nil {
		return err
	}
	if !d.concerns(w, entry.Record) {
		return &gateway.Error{Op: "release result", Code: gateway.CodeNotFound, RequestID: w.Entry, Message: "Zu diesem Vorgang gibt es keinen solchen Eintrag."}
	}
	if !needsPerson(entry.Item) {
		return &gateway.Error{Op: "release result", Code: gateway.CodeInvalid, RequestID: w.Entry, Message: "Zu diesem Eintrag ist keine Freigabe durch einen Menschen nötig."}
	}
	if err := d.taken(ctx, scope, w.Entry, ""); err != nil {
		return err
	}
	if err := d.config.Record.Note(context.WithoutCancel(ctx), note); err != nil {
		return err
	}
	return d.taken(ctx, scope, w.Entry, note.ID)
}

// concerns: the entry is one that the person may speak about.
func (d *Desk) concerns(w Word, rec gateway.Record) bool {
	return (w.System == "" || rec.System == w.System) && (w.Service == "" || rec.Service == w.Service) &&
		(w.Case == "" || rec.Case == d.config.Pseudonymise(w.Tenant, "case", w.Case))
}

// needsPerson: the answer was given under the obligation that a person releases
// it. That it was given may not have been written down yet.
func needsPerson(i audit.Item) bool {
	if i.Result() != audit.ResultOpen {
		return i.Result() == audit.ResultRelease
	}
	n := len(i.Record.Decisions)
	if n == 0 || !i.Record.Decisions[n-1].Allowed() {
		return false
	}
	_, needed := i.Record.Decisions[n-1].Obligation(gateway.ObligationHumanRelease)
	return needed
}

// taken reports that somebody else has spoken before.
func (d *Desk) taken(ctx context.Context, scope audit.Scope, entry, own string) error {
	said, err := d.config.Record.Releases(ctx, scope, []string{entry})
	if err != nil {
		return fmt.Errorf("read releases of %s: %w", entry, err)
	}
	first, ok := said[entry]
	if !ok || first.ID == own {
		return nil
	}
	return &gateway.Error{Op: "release result", Code: gateway.CodeConflict, RequestID: entry, Message: "Über dieses Ergebnis hat schon jemand entschieden. Es gilt das erste Wort."}
}

func (d *Desk) note(w Word) (audit.Note, error) {
	now := d.config.Now()
	n := audit.Note{
		ID: gateway.NewID(now), Time: now, Tenant: w.Tenant, Topic: audit.TopicReleased, Actor: d.config.Pseudonymise(w.Tenant, "user", w.User),
		Role: w.Role, Object: w.Entry, Reason: strings.TrimSpace(w.Comment),
	}
	switch w.Outcome {
	case Released:
		n.Text = "Ergebnis unverändert freigegeben."
	case Changed:
		n.Text = "Ergebnis nach Änderung durch einen Menschen freigegeben."
	case Rejected:
		n.Topic, n.Text = audit.TopicRejected, "Ergebnis verworfen."
	default:
		return n, invalid("outcome", "Das Ergebnis der Prüfung ist unbekannt. Möglich sind released, changed und rejected.")
	}
	switch {
	case w.User == "" || w.Tenant == "":
		return n, invalid("user", "Freigeben kann nur eine benannte Person der Behörde.")
	case !utf8.ValidString(n.Reason) || utf8.RuneCountInString(n.Reason) > maxComment:
		return n, invalid("comment", fmt.Sprintf("Die Bemerkung hat höchstens %d Zeichen.", maxComment))
	case w.Outcome == Rejected && n.Reason == "":
		return n, invalid("comment", "Bitte begründen Sie in einem Satz, warum das Ergebnis nicht verwendet wird.")
	}
	return n, nil
}

func invalid(path, message string) error {
	return &gateway.Error{Op: "release result", Code: gateway.CodeInvalid, Path: path, Message: message}
}

// Said are the first words about entries, of those that have one.
func (d *Desk) Said(ctx context.Context, scope audit.Scope, ids []string) (map[string]Outcome, error) {
	out := map[string]Outcome{}
	if len(ids) == 0 {
		return out, nil
	}
	said, err := d.config.Record.Releases(ctx, scope, ids)
	if err != nil {
		return nil, fmt.Errorf("read releases: %w", err)
	}
	for id, n := range said {
		out[id] = Released
		if n.Topic == audit.TopicRejected {
			out[id] = Rejected
		}
	}
	return out, nil
}

// Waiting is a result that nobody has spoken about yet.
type Waiting struct {
	audit.Item
	Age time.Duration
}

// Queue is what waits, the oldest first.
type Queue struct {
	Waiting []Waiting
	// ByService counts what waits, by service.
	ByService map[gateway.ServiceID]int
	// Looked is how many results that need a release were looked at, More says that
	// there are older ones.
	Looked int
	More   bool
}

// Bounds of a queue: how far back and over how many results it looks.
const (
	queueDays = 90
	queueMost = 2000
	queuePage = 500
)

// Of restricts a queue, by what of it is set.
type Of struct {
	Service gateway.ServiceID
	System  gateway.SystemID
	// Case is the pseudonym of a file number.
	Case gateway.Pseudonym
}

// Queue returns what waits within the scope.
func (d *Desk) Queue(ctx context.Context, scope audit.Scope, of Of) (Queue, error) {
	now := d.config.Now()
	out := Queue{ByService: map[gateway.ServiceID]int{}}
	f := audit.Filter{Scope: scope, From: now.AddDate(0, 0, -queueDays), Result: audit.ResultRelease, Service: of.Service, System: of.System, Case: of.Case, Limit: queuePage}
	for out.Looked < queueMost {
		page, err := d.config.Record.List(ctx, f)
		if err != nil {
			return Queue{}, err
		}
		ids := make([]string, 0, len(page.Items))
		for _, i := range page.Items {
			ids = append(ids, i.Record.ID)
		}
		if len(ids) == 0 {
			break
		}
		said, err := d.config.Record.Releases(ctx, scope, ids)
		if err != nil {
			return Queue{}, fmt.Errorf("read releases: %w", err)
		}
		out.Looked += len(ids)
		for _, i := range page.Items {
			if _, done := said[i.Record.ID]; done {
				continue
			}
			out.Waiting = append(out.Waiting, Waiting{Item: i, Age: now.Sub(i.Record.Time)})
			out.ByService[i.Record.Service]++
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
		out.More = out.Looked >= queueMost
	}
	slices.Reverse(out.Waiting)
	return out, nil
}

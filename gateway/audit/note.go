// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Operator is the tenant of notes that concern no tenant alone. No real tenant
// can have this name.
const Operator gateway.TenantID = "_betrieb"

// Note is an event that belongs to no request: a look, an export, a change, with
// who did it and why. Whoever changes something writes its note first.
type Note struct {
	// ID is made by Log.Note if it is empty.
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	// Tenant whose journal shows the note; empty: Operator.
	Tenant gateway.TenantID `json:"tenant"`
	// Topic is one of the constants below, or another short word of that form.
	Topic string `json:"topic"`
	// Actor is who did it, Role in which role.
	Actor gateway.Pseudonym `json:"actor,omitempty"`
	Role  string            `json:"role,omitempty"`
	// Object is what it was done to: the id of an entry, "policies", "tenant/ID", a revision.
	Object string `json:"object,omitempty"`
	// Case is the file number of a justification, as a pseudonym.
	Case gateway.Pseudonym `json:"case,omitempty"`
	// Text is one German sentence without personal data.
	Text string `json:"text"`
	// Reason is the justification that a person gave.
	Reason string `json:"reason,omitempty"`
	// Old and New are what was changed, as JSON. The caller removes secrets.
	Old json.RawMessage `json:"old,omitempty"`
	New json.RawMessage `json:"new,omitempty"`
}

// Topics of notes.
const (
	TopicRecordOpened         = "record_opened"
	TopicListViewed           = "list_viewed"
	TopicExported             = "exported"
	TopicVerified             = "verified"
	TopicReleased             = "released" // a person released a draft; Object is its entry
	TopicRejected             = "rejected" // a person refused to
	TopicPolicyProposed       = "policy_proposed"
	TopicPolicySigned         = "policy_signed"
	TopicPolicyActivated      = "policy_activated"
	TopicPolicyInForce        = "policy_in_force"
	TopicPolicyRestored       = "policy_restored"
	TopicPolicyWithdrawn      = "policy_withdrawn"
	TopicShadowStarted        = "shadow_started"
	TopicShadowEnded          = "shadow_ended"
	TopicKeyDestroyed         = "key_destroyed"
	TopicAccessGiven          = "access_given"
	TopicErased               = "erased"
	TopicHoldPlaced           = "hold_placed"
	TopicHoldLifted           = "hold_lifted"
	TopicRetained             = "retained" // a retention run: which contents it removed
	TopicRetentionPostponed   = "retention_postponed"
	TopicTenantChanged        = "tenant_changed"
	TopicConfigurationChanged = "configuration_changed"
	TopicRulesChanged         = "rules_changed" // another program brought other rules
	TopicSignedIn             = "signed_in"
	TopicBudgetNotice         = "budget_notice"
)

// Bounds of a note.
const (
	MaxNoteText  = 500      // runes of Text and of Reason
	MaxNoteValue = 64 << 10 // bytes of Old and of New
	maxTopic     = 64
)

// complete fills in what the log knows and checks the bounds.
func (n Note) complete(now time.Time) (Note, error) {
	if n.Time.IsZero() {
		n.Time = now
	}
	if n.ID == "" {
		n.ID = gateway.NewID(n.Time)
	}
	if n.Tenant == "" {
		n.Tenant = Operator
	}
	var err error
	if n.Old, err = compactValue("old", n.Old); err != nil {
		return n, err
	}
	if n.New, err = compactValue("new", n.New); err != nil {
		return n, err
	}
	return n, n.check()
}

func (n Note) check() error {
	if !validTopic(n.Topic) {
		return invalidNote("topic", "Das Thema eines Vermerks ist ein kurzes Wort aus Kleinbuchstaben.")
	}
	for _, word := range []struct{ path, value string }{
		{"actor", string(n.Actor)}, {"role", n.Role}, {"object", n.Object}, {"case", string(n.Case)},
	} {
		if word.value != "" && !validID(word.value) {
			return invalidNote(word.path, "Diese Angabe eines Vermerks ist zu lang oder enthält unzulässige Zeichen.")
		}
	}
	for _, text := range []struct{ path, value string }{{"text", n.Text}, {"reason", n.Reason}} {
		if !utf8.ValidString(text.value) || utf8.RuneCountInString(text.value) > MaxNoteText {
			return invalidNote(text.path, "Der Text eines Vermerks hat höchstens "+strconv.Itoa(MaxNoteText)+" Zeichen.")
		}
	}
	return nil
}

func validTopic(s string) bool {
	if s == "" || len(s) > maxTopic {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// compactValue takes the blanks out of a value. Nothing and null are no value.
func compactValue(path string, value json.RawMessage) (json.RawMessage, error) {
	if len(value) == 0 {
		return nil, nil
	}
	if len(value) > MaxNoteValue {
		return nil, invalidNote(path, "Ein Wert eines Vermerks hat höchstens 64 KiB.")
	}
	var out bytes.Buffer
	if err := json.Compact(&out, value); err != nil {
		return nil, invalidNote(path, "Ein Wert eines Vermerks ist kein JSON.")
	}
	if out.String() == "null" {
		return nil, nil
	}
	return out.Bytes(), nil
}

func invalidNote(path, message string) error {
	return &gateway.Error{Op: "write note", Code: gateway.CodeInvalid, Path: path, Message: message}
}

// CommonTopics are those of the operator's notes that concern every tenant: how the
// rules change by which all are decided.
func CommonTopics() []string {
	return []string{TopicPolicyProposed, TopicPolicySigned, TopicPolicyActivated, TopicPolicyInForce, TopicPolicyRestored, TopicPolicyWithdrawn, TopicShadowStarted, TopicShadowEnded, TopicRulesChanged}
}

// NoteFilter chooses notes. Empty fields do not restrict.
type NoteFilter struct {
	// Scope, which also has the operator's notes of CommonTopics.
	Scope    Scope
	From, To time.Time // From included, To excluded
	// Topics: any of them.
	Topics []string
	Object string
	// Actor is who did it.
	Actor gateway.Pseudonym
	// Cursor is the Next of the page before.
	Cursor string
	// Limit is the number of notes on a page, 1 to 500; 0 means 50.
	Limit int
}

// NotePage is one page of the journal, newest first.
type NotePage struct {
	Notes []NotedAt `json:"notes"`
	// Next is the cursor of the next page; empty on the last one.
	Next string `json:"next,omitempty"`
}

// NotedAt is a note with its number in the record.
type NotedAt struct {
	Seq  int64 `json:"seq"`
	Note Note  `json:"note"`
}

// Notes returns one page of the journal within the scope, in the order in which
// it was written.
func (v *Viewer) Notes(ctx context.Context, f NoteFilter) (NotePage, error) {
	before, err := parseSeq(f.Cursor)
	if err != nil {
		return NotePage{}, err
	}
	limit := pageLimit(f.Limit)
	page := NotePage{Notes: make([]NotedAt, 0, limit)}
	for {
		rows, err := v.reader.Notes(ctx, f, before, limit+1)
		if err != nil {
			return NotePage{}, err
		}
		for _, r := range rows {
			note, err := r.note()
			if err != nil {
				return NotePage{}, err
			}
			if f.Actor != "" && note.Actor != f.Actor { // a store finds it also inside Old and New
				continue
			}
			if len(page.Notes) == limit {
				page.Next = strconv.FormatInt(page.Notes[limit-1].Seq, 10)
				return page, nil
			}
			page.Notes = append(page.Notes, NotedAt{Seq: r.Seq, Note: note})
		}
		if len(rows) <= limit {
			return page, nil
		}
		before = rows[limit].Seq
	}
}

// ActorJSON is how a note names its actor in the bytes that are stored.
func (f NoteFilter) ActorJSON() []byte {
	name, err := json.Marshal(f.Actor)
	if err != nil {
		return nil // a string can always be encoded
	}
	return append([]byte(`"actor":`), name...)
}

func (r Row) note() (Note, error) {
	leaf, err := parseLeaf(r.Body)
	if err != nil || leaf.Note == nil {
		return Note{}, damaged(r, err)
	}
	return *leaf.Note, nil
}

// parseSeq reads a cursor of the journal; none is behind all of them.
func parseSeq(s string) (int64, error) {
	if s == "" {
		return maxSeq, nil
	}
	seq, err := strconv.ParseInt(s, 10, 64)
	if err != nil || seq < 0 {
		return 0, &gateway.Error{Op: "list notes", Code: gateway.CodeInvalid, Path: "cursor", Message: "Die Angabe zur nächsten Seite ist ungültig."}
	}
	return seq, nil
}

// Releases returns, of the entries with these ids, who released or rejected the
// result. The first word counts.
func (v *Viewer) Releases(ctx context.Context, scope Scope, ids []string) (map[string]Note, error) {
	rows, err := v.reader.NotesAbout(ctx, scope, []string{TopicReleased, TopicRejected}, ids)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Note, len(rows))
	for _, r := range rows {
		if _, known := out[r.Object]; known {
			continue
		}
		note, err := r.note()
		if err != nil {
			return nil, err
		}
		out[r.Object] = note
	}
	return out, nil
}

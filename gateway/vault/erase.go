// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Erasure says what was erased and what stays.
type Erasure struct {
	Made time.Time `json:"made"`
	// Keys were destroyed, Contents and Retrievals deleted.
	Keys       int `json:"keys"`
	Contents   int `json:"contents"`
	Retrievals int `json:"retrievals"`
	// Stays is what must stay, with the reason and until when.
	Stays []Staying `json:"stays,omitempty"`
}

// Staying is something that is not erased.
type Staying struct {
	// What and Why are German sentences.
	What  string `json:"what"`
	Count int    `json:"count"`
	Why   string `json:"why"`
	// Until is the earliest end; zero: it ends by itself with what is said in Why.
	Until time.Time `json:"until,omitzero"`
}

// Erase erases what the gateway holds about a subject and may erase: the keys of
// the contents, the contents, of a case the retrieval log too. A legal hold
// refuses it (CodeConflict).
func (v *Vault) Erase(ctx context.Context, by Actor, s Subject, reason string) (Erasure, error) {
	return v.erase(ctx, by, s, reason, true)
}

// DestroyKey destroys the key of a case, or those of a user's entries without
// one, and deletes the contents; nothing else.
func (v *Vault) DestroyKey(ctx context.Context, by Actor, s Subject, reason string) (Erasure, error) {
	return v.erase(ctx, by, s, reason, false)
}

func (v *Vault) erase(ctx context.Context, by Actor, s Subject, reason string, retrievals bool) (Erasure, error) {
	const op = "erase"
	if err := by.may(op, s.Tenant); err != nil {
		return Erasure{}, err
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return Erasure{}, err
	}
	sub, err := v.find(s)
	if err != nil {
		return Erasure{}, err
	}
	if err := v.refuseHeld(ctx, sub); err != nil {
		return Erasure{}, err
	}
	now := v.config.Now().UTC()
	job := Job{
		ID: v.config.NewID(now), Tenant: s.Tenant, Case: sub.file, User: sub.person, Retrievals: retrievals && sub.file != "", Made: now,
		Actor: v.actor(by), Role: by.role(roleTenant), Reason: reason,
	}
	// What is noted here is finished at the next start, whatever happens to this process.
	if err := v.config.Keys.Begin(ctx, job); err != nil {
		return Erasure{}, fmt.Errorf("begin erasure: %w", err)
	}
	done, err := v.carryOut(ctx, job, "")
	if err != nil {
		return Erasure{}, err
	}
	done.Stays, err = v.stays(ctx, sub)
	return done, err
}

// refuseHeld refuses what a legal hold keeps.
func (v *Vault) refuseHeld(ctx context.Context, sub subject) error {
	holds, err := v.holdsOf(ctx, sub.Tenant)
	if err != nil || len(holds) == 0 {
		return err
	}
	items, err := v.config.Contents.Items(ctx, sub.query())
	if err != nil {
		return fmt.Errorf("read contents: %w", err)
	}
	items = append(items, Item{Case: sub.file, User: sub.person})
	var ids []string
	for _, h := range holds {
		if slices.ContainsFunc(items, func(i Item) bool { return h.covers(i.Entry, i.Case, i.User) }) {
			ids = append(ids, fmt.Sprintf("%s vom %s („%s“)", h.ID, h.From.Format("02.01.2006"), h.Reason))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return &gateway.Error{
		Op: "erase", Code: gateway.CodeConflict,
		Message: "Die Löschung ist gesperrt (Art. 17 Abs. 3 lit. e DSGVO): " + strings.Join(ids, ", ") + ". Heben Sie die Sperre erst auf, wenn ihr Grund entfallen ist.",
	}
}

func (s subject) query() Query { return Query{Tenant: s.Tenant, Case: s.file, User: s.person} }

// carryOut does an erasure from its beginning; what was done already is passed over.
func (v *Vault) carryOut(ctx context.Context, j Job, again string) (Erasure, error) {
	done := Erasure{Made: v.config.Now().UTC()}
	query := Query{Tenant: j.Tenant, Case: j.Case, User: j.User}
	items, err := v.config.Contents.Items(ctx, query)
	if err != nil {
		return done, fmt.Errorf("read contents: %w", err)
	}
	if err := v.announce(ctx, j, len(items), again); err != nil {
		return done, err
	}
	if done.Keys, err = v.config.Keys.Destroy(ctx, j.Tenant, j.names(items), done.Made); err != nil {
		return done, fmt.Errorf("destroy keys: %w", err)
	}
	// What was kept in the meantime cannot be opened any more; it goes as well.
	for len(items) > 0 {
		n, err := v.config.Contents.Remove(ctx, items)
		if err != nil {
			return done, fmt.Errorf("delete contents: %w", err)
		}
		done.Contents += n
		if items, err = v.config.Contents.Items(ctx, query); err != nil {
			return done, fmt.Errorf("read contents: %w", err)
		}
		if j.User != "" && len(items) > 0 {
			more, err := v.config.Keys.Destroy(ctx, j.Tenant, j.names(items), done.Made)
			if err != nil {
				return done, fmt.Errorf("destroy keys: %w", err)
			}
			done.Keys += more
		}
	}
	if j.Retrievals && v.config.Retrievals != nil {
		if done.Retrievals, err = v.config.Retrievals.Remove(ctx, j.Tenant, j.Case); err != nil {
			return done, err
		}
	}
	if err := v.config.Keys.End(ctx, j.ID); err != nil {
		return done, fmt.Errorf("end erasure: %w", err)
	}
	return done, nil
}

// names are the names of the keys to destroy. The contents of a user who worked on
// a case lie under the key of the case, which others need: they are only deleted.
func (j Job) names(items []Item) []string {
	if j.Case != "" {
		return []string{caseKey(j.Case)}
	}
	var names []string
	for _, i := range items {
		if i.Case == "" && !slices.Contains(names, i.keyName()) {
			names = append(names, i.keyName())
		}
	}
	return names
}

// announce writes the notes of an erasure before anything is erased.
func (v *Vault) announce(ctx context.Context, j Job, contents int, again string) error {
	topics := []string{audit.TopicKeyDestroyed}
	if j.Retrievals || j.User != "" {
		topics = append(topics, audit.TopicErased)
	}
	for _, topic := range topics {
		text := "Die Schlüssel aufbewahrter Inhalte werden vernichtet"
		if topic == audit.TopicErased {
			text = "Eine Löschung nach Art. 17 DSGVO wird ausgeführt"
		}
		now := v.config.Now().UTC()
		n := audit.Note{
			ID: v.config.NewID(now), Time: now, Tenant: j.Tenant, Topic: topic, Actor: j.Actor, Role: j.Role, Object: "erasure/" + j.ID, Case: j.Case,
			Text: fmt.Sprintf("%s (%d Inhalte)%s.", text, contents, again), Reason: j.Reason,
		}
		if err := v.config.Record.Note(ctx, n); err != nil {
			return fmt.Errorf("write note %s: %w", topic, err)
		}
	}
	return nil
}

// finish carries out what a crash interrupted: erasures that began so long ago. One
// that begins in the future was noted by a clock that has been set back since; it
// does not wait until that time comes.
func (v *Vault) finish(ctx context.Context, ago time.Duration) error {
	jobs, err := v.config.Keys.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if v.config.Now().Sub(j.Made).Abs() < ago {
			continue
		}
		id, tenant := slog.String("erasure", j.ID), slog.String("tenant", string(j.Tenant))
		if err := v.refuseHeld(ctx, subject{Subject: Subject{Tenant: j.Tenant}, file: j.Case, person: j.User}); err != nil {
			v.config.Logger.LogAttrs(ctx, slog.LevelWarn, "interrupted erasure waits: there is a legal hold, or holds cannot be read", id, tenant,
				slog.String("code", string(gateway.CodeOf(err))))
			continue
		}
		if _, err := v.carryOut(ctx, j, ", nach einem Abbruch"); err != nil {
			v.config.Logger.LogAttrs(ctx, slog.LevelError, "interrupted erasure not finished", id, tenant, slog.Any("error", err))
			continue
		}
		v.config.Logger.LogAttrs(ctx, slog.LevelWarn, "interrupted erasure finished", id, tenant)
	}
	return nil
}

// Reopen lets contents of a case be kept again after an erasure, under a new key.
func (v *Vault) Reopen(ctx context.Context, by Actor, s Subject, reason string) error {
	const op = "reopen case"
	if err := by.may(op, s.Tenant); err != nil {
		return err
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	sub, err := v.find(s)
	if err != nil {
		return err
	}
	if sub.file == "" {
		return invalid("case", "Wieder geöffnet wird ein Aktenzeichen.")
	}
	err = v.note(ctx, s.Tenant, by, roleTenant, audit.Note{
		Topic: TopicCaseReopened, Case: sub.file, Reason: reason,
		Text: "Zu einem Fall, dessen Schlüssel vernichtet ist, dürfen wieder Inhalte aufbewahrt werden, unter einem neuen Schlüssel.",
	})
	if err != nil {
		return err
	}
	reopened, err := v.config.Keys.Reopen(ctx, s.Tenant, caseKey(sub.file))
	if err != nil {
		return fmt.Errorf("reopen case: %w", err)
	}
	if !reopened {
		return &gateway.Error{Op: op, Code: gateway.CodeNotFound, Message: "Zu diesem Aktenzeichen wurde kein Schlüssel vernichtet."}
	}
	return nil
}

// TopicCaseReopened is the topic of the note of Reopen.
const TopicCaseReopened = "case_reopened"

// stays is what an erasure does not touch, and why.
func (v *Vault) stays(ctx context.Context, sub subject) ([]Staying, error) {
	var out []Staying
	n, newest := 0, time.Time{}
	err := v.entries(ctx, sub, func(i audit.Item) {
		if n++; i.Record.Time.After(newest) {
			newest = i.Record.Time
		}
	})
	if err != nil {
		return nil, err
	}
	if n > 0 {
		out = append(out, Staying{
			What: "Einträge des Protokolls: Zeit, Zweck, Entscheidung und Modell unter Pseudonymen, ohne Inhalte", Count: n,
			Why: "Das Protokoll weist nach, dass die Verarbeitung rechtmäßig war (Art. 5 Abs. 2, Art. 17 Abs. 3 lit. b und e DSGVO, § 35 BDSG). " +
				"Protokolle von Hochrisiko-Systemen werden mindestens sechs Monate aufbewahrt (Art. 26 Abs. 6 KI-VO).",
			Until: newest.Add(v.config.RecordFloor).UTC(),
		})
	}
	if sub.person == "" || v.config.Retrievals == nil {
		return out, nil
	}
	n, err = v.countRetrievals(ctx, sub)
	if err == nil && n > 0 {
		out = append(out, Staying{
			What: "Einträge des Abrufprotokolls unter Pseudonym", Count: n,
			Why: "Wer etwas abgerufen hat, kann den Nachweis darüber nicht löschen lassen: Er dient der Kontrolle der Abrufe " +
				"(§ 79 Abs. 4 SGB X, Art. 17 Abs. 3 lit. b DSGVO). Er wird spätestens zum genannten Tag gelöscht.",
			Until: v.config.Now().UTC().Add(v.config.Retrievals.Ceiling()),
		})
	}
	return out, err
}

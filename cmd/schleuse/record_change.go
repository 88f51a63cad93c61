// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	auditpostgres "github.com/ki-schleuse/schleuse/gateway/audit/postgres"
	auditsqlite "github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/identity"
)

// noteTimeout bounds a note without which a change is not made.
const noteTimeout = 10 * time.Second

// noter writes notes into the record.
type noter interface {
	Note(ctx context.Context, n audit.Note) error
}

// noteChange writes a change of tenants or keys into the record, before it is made.
func noteChange(ctx context.Context, record noter, keys *audit.Keys, c identity.Change) error {
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	c.Old, c.New = unnamed(c.Old), unnamed(c.New)
	return record.Note(ctx, audit.Note{
		Tenant: c.Tenant, Topic: audit.TopicTenantChanged, Object: changedObject(c),
		Actor: keys.Pseudonymise(c.Home, "user", c.User), Text: changeText(c), Old: bounded(c.Old), New: bounded(c.New),
	})
}

// operatorPseudonym is whoever runs a command, in every note of the command line.
func operatorPseudonym(keys *audit.Keys) gateway.Pseudonym {
	return keys.Pseudonymise(identity.OperatorTenant, "user", operator().Name)
}

func changedObject(c identity.Change) string {
	object := "tenant/" + string(c.Tenant)
	if c.System != "" {
		object += "/" + string(c.System)
	}
	if c.Key != "" {
		object += "/" + c.Key
	}
	return object
}

// unnamed takes the names of those who made or changed something out of a value:
// the note has the actor as a pseudonym, and what stands beside it must not say
// who that is.
func unnamed(value json.RawMessage) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var v any
	if len(value) == 0 || decoder.Decode(&v) != nil {
		return value
	}
	dropNames(v)
	out, err := json.Marshal(v)
	if err != nil {
		return value
	}
	return out
}

func dropNames(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "created_by")
		delete(v, "changed_by")
		for _, one := range v {
			dropNames(one)
		}
	case []any:
		for _, one := range v {
			dropNames(one)
		}
	}
}

// bounded puts a digest in the place of a value that is too large for a note.
func bounded(value json.RawMessage) json.RawMessage {
	if len(value) <= audit.MaxNoteValue {
		return value
	}
	return summed(value)
}

// summed is what stands for a value that is too large.
func summed(value json.RawMessage) json.RawMessage {
	sum := sha256.Sum256(value)
	return fmt.Appendf(nil, `{"bytes":%d,"sha256":"%s"}`, len(value), hex.EncodeToString(sum[:]))
}

// changeText names what changed; from what to what stands in Old and New.
func changeText(c identity.Change) string {
	text := fmt.Sprintf("Mandant %s: %s", c.Tenant, changeWords(c.Action))
	if c.System != "" {
		text += fmt.Sprintf(", Fachverfahren %s", c.System)
	}
	if c.Key != "" {
		text += fmt.Sprintf(", Schlüssel %s", c.Key)
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(c.New, &fields) == nil && len(fields) > 0 {
		text += fmt.Sprintf(" (%s)", strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
	}
	if utf8.RuneCountInString(text) >= audit.MaxNoteText {
		text = string([]rune(text)[:audit.MaxNoteText-2]) + "…"
	}
	return text + "."
}

func changeWords(a identity.Action) string {
	switch a {
	case identity.TenantCreated:
		return "angelegt"
	case identity.TenantUpdated:
		return "geändert"
	case identity.TenantActivated:
		return "freigeschaltet"
	case identity.TenantDeactivated:
		return "abgeschaltet"
	case identity.TenantDeleted:
		return "gelöscht"
	case identity.SystemCreated:
		return "Fachverfahren angelegt"
	case identity.SystemUpdated:
		return "Fachverfahren geändert"
	case identity.SystemRemoved:
		return "Fachverfahren entfernt"
	case identity.KeyCreated:
		return "Schlüssel erzeugt"
	case identity.KeyUpdated:
		return "Schlüssel geändert"
	case identity.KeyRotated:
		return "Schlüssel ersetzt"
	case identity.KeyLocked:
		return "Schlüssel gesperrt"
	}
	return string(a)
}

// notebook writes notes from the command line, beside a service that may be
// running. It opens the record with the first note: who only looks writes none.
type notebook struct {
	config Config
	pool   *pgxpool.Pool // nil: SQLite

	mu      sync.Mutex
	log     *audit.Log
	closers closers
}

var _ noter = (*notebook)(nil)

func (n *notebook) Note(ctx context.Context, note audit.Note) error {
	log, err := n.open(ctx)
	if err != nil {
		return &gateway.Error{Op: "open record", Code: gateway.CodeNoRecord, Message: "Die Änderung konnte nicht protokolliert werden und wurde nicht vorgenommen.", Err: err}
	}
	return log.Note(ctx, note)
}

// open opens the record for notes, once.
func (n *notebook) open(ctx context.Context) (*audit.Log, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.log != nil {
		return n.log, nil
	}
	key, err := recordKey(n.config.Origin, n.config.secret)
	if err != nil {
		return nil, err
	}
	store, err := n.store(ctx)
	if err != nil {
		return nil, err
	}
	log, err := audit.New(ctx, audit.Config{Store: store, Key: key, NotesOnly: true})
	if err != nil {
		return nil, errors.Join(err, n.closers.close())
	}
	n.closers.add(func() error { return log.Shutdown(context.WithoutCancel(ctx)) })
	n.log = log
	return log, nil
}

func (n *notebook) store(ctx context.Context) (audit.Store, error) {
	if n.pool != nil {
		return auditpostgres.Open(ctx, n.pool)
	}
	store, err := auditsqlite.Open(ctx, filepath.Join(n.config.Data, recordFile))
	if err != nil {
		return nil, err
	}
	n.closers.add(store.Close)
	return store, nil
}

func (n *notebook) close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.log = nil
	return n.closers.close()
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package retrieval

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/ki-schleuse/schleuse/connectors"
	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/retrieval/extract"
)

// Bounds of a synchronisation.
const (
	maxFile        = 50 << 20
	maxFailures    = 10_000
	maxTries       = 10
	maxAttachDepth = 3
	// fewDocuments may vanish at once without a question.
	fewDocuments = 20
)

// ErrVanished says that a source suddenly lists less than half of what is in
// the index. Nothing was deleted.
var ErrVanished = errors.New("more than half of the documents vanished: nothing was deleted")

// SyncOptions of one pass.
type SyncOptions struct {
	Tenant gateway.TenantID
	// Source is the name under which documents are kept and asked for.
	Source string
	// Full ignores the cursor and looks at everything.
	Full bool
	// Reconcile lists the source to find deletions and changed rights, also where
	// its changes report them. It should run once a day.
	Reconcile bool
	// AllowVanish lets more than half of the documents be deleted.
	AllowVanish bool
	// Class of the documents of this source.
	Class []gateway.DataClass
}

// SyncReport says what a pass did.
type SyncReport struct {
	Added, Changed, Deleted, AccessChanged, Unchanged int
	// Failures are documents that could not be read, in this pass or before. They
	// are not in the index.
	Failures []Failure
}

// Failure is a document that could not be read (a dead letter).
type Failure struct {
	Ref   connectors.Ref `json:"ref"`
	Tries int            `json:"tries"`
	// Reason is German and holds no content.
	Reason string `json:"reason"`
}

// syncState is what is kept about a source between passes.
type syncState struct {
	Cursor   []byte             `json:"cursor"`
	Failures map[string]Failure `json:"failures"`
}

// Sync brings the index in step with a source. It goes on where the last
// complete pass ended; one that was broken off is repeated. A document that
// fails does not stop the others. One pass per source may run at a time.
func (x *Index) Sync(ctx context.Context, src connectors.Source, o SyncOptions) (SyncReport, error) {
	if o.Tenant == "" || o.Source == "" {
		return SyncReport{}, errors.New("sync: tenant or source is missing")
	}
	info, err := src.Info(ctx)
	if err != nil {
		return SyncReport{}, fmt.Errorf("sync %s: %w", o.Source, err)
	}
	p := &pass{index: x, source: src, options: o}
	if err := p.begin(ctx); err != nil {
		return SyncReport{}, fmt.Errorf("sync %s: %w", o.Source, err)
	}
	if err := p.changes(ctx); err != nil {
		return p.result(), fmt.Errorf("sync %s: %w", o.Source, err)
	}
	p.retry(ctx)
	var walk error
	if o.Reconcile || p.full || !info.DeltaSeesDeletes {
		walk = p.reconcile(ctx)
	}
	if err := errors.Join(walk, p.end(ctx)); err != nil {
		return p.result(), fmt.Errorf("sync %s: %w", o.Source, err)
	}
	return p.result(), nil
}

// pass is one run of Sync.
type pass struct {
	index   *Index
	source  connectors.Source
	options SyncOptions
	state   syncState
	known   map[string]Stored
	seen    map[string]bool // documents this pass has already looked at
	gone    map[string]bool // documents the source reports as deleted
	full    bool
	report  SyncReport
}

func (p *pass) store() Store { return p.index.config.Store }

func (p *pass) key(id string) Key { return Key{p.options.Tenant, p.options.Source, id} }

func (p *pass) begin(ctx context.Context) error {
	raw, err := p.store().State(ctx, p.options.Tenant, p.options.Source)
	if err != nil {
		return err
	}
	if raw != nil {
		if err := json.Unmarshal(raw, &p.state); err != nil { //nolint:musttag // a Ref is kept under the names of its fields
			p.state = syncState{} // unreadable: load everything again
		}
	}
	if p.state.Failures == nil {
		p.state.Failures = map[string]Failure{}
	}
	p.full = p.options.Full || p.state.Cursor == nil
	p.known, p.seen, p.gone = map[string]Stored{}, map[string]bool{}, map[string]bool{}
	return p.store().Documents(ctx, p.options.Tenant, p.options.Source, func(d Stored) error {
		p.known[d.ID] = d
		return nil
	})
}

// changes follows the source; an expired cursor means from the beginning.
func (p *pass) changes(ctx context.Context) error {
	from := connectors.Cursor(p.state.Cursor)
	if p.full {
		from = nil
	}
	emit := func(c connectors.Change) error { return p.change(ctx, c) }
	next, err := p.source.Changes(ctx, from, emit)
	if errors.Is(err, connectors.ErrCursorExpired) {
		p.full = true
		next, err = p.source.Changes(ctx, nil, emit)
	}
	if err != nil {
		return err
	}
	if err := p.deleteAll(ctx, p.gone); err != nil {
		return err
	}
	p.state.Cursor = next
	return nil
}

// deleteAll deletes what is gone, unless so much is gone that the source itself
// must be suspected: an unmounted share looks empty.
func (p *pass) deleteAll(ctx context.Context, gone map[string]bool) error {
	known := 0
	for id := range gone {
		if _, ok := p.known[id]; ok {
			known++
		}
	}
	if known > fewDocuments && known > len(p.known)/2 && !p.options.AllowVanish {
		return ErrVanished
	}
	for id := range gone {
		if err := p.delete(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// change carries out one event. Only errors of the store or the context end the
// pass.
func (p *pass) change(ctx context.Context, c connectors.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p.seen[c.Ref.ID] = true
	if c.Err != nil {
		return p.failed(ctx, c.Ref, c.Err)
	}
	switch c.Kind {
	case connectors.Delete:
		p.gone[c.Ref.ID] = true
		return nil
	case connectors.AccessOnly:
		return p.setAccess(ctx, c.Ref.ID, rightsOf(c.Access))
	case connectors.Upsert: // below
	}
	delete(p.gone, c.Ref.ID)
	access := rightsOf(c.Access)
	if old, ok := p.known[c.Ref.ID]; ok && c.Ref.ETag != "" && old.Version == c.Ref.ETag && !p.options.Full {
		p.report.Unchanged++
		return p.setAccess(ctx, c.Ref.ID, access)
	}
	return p.upsert(ctx, c.Ref, access)
}

// rightsOf turns what a source knows into rights: not exact, no one.
func rightsOf(a *connectors.Access) Access {
	if a == nil || !a.Exact {
		return Access{}
	}
	convert := func(list []string) []gateway.Principal {
		out := make([]gateway.Principal, len(list))
		for i, s := range list {
			out[i] = gateway.Principal(s)
		}
		return out
	}
	return Access{convert(a.Allow), convert(a.Deny)}
}

func (p *pass) delete(ctx context.Context, id string) error {
	delete(p.state.Failures, id)
	if _, ok := p.known[id]; !ok {
		return nil
	}
	if err := p.store().Delete(ctx, p.key(id)); err != nil {
		return err
	}
	delete(p.known, id)
	p.report.Deleted++
	return nil
}

func (p *pass) setAccess(ctx context.Context, id string, a Access) error {
	old, ok := p.known[id]
	if !ok || sameAccess(old.Access, a) {
		return nil
	}
	if err := p.store().SetAccess(ctx, p.key(id), a); err != nil {
		return err
	}
	old.Access = a
	p.known[id] = old
	p.report.AccessChanged++
	return nil
}

func sameAccess(a, b Access) bool {
	same := func(x, y []gateway.Principal) bool {
		return slices.Equal(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y)))
	}
	return same(a.Allow, b.Allow) && same(a.Deny, b.Deny)
}

// upsert reads a document and puts it into the index with what is attached.
func (p *pass) upsert(ctx context.Context, ref connectors.Ref, a Access) error {
	data, err := p.fetch(ctx, ref)
	if errors.Is(err, connectors.ErrNotFound) {
		return p.delete(ctx, ref.ID)
	}
	if err != nil {
		return p.failed(ctx, ref, err)
	}
	text, err := p.index.config.Reader.Read(ctx, ref.Path, data)
	if err != nil {
		return p.failed(ctx, ref, err)
	}
	d := p.document(ref, a, text)
	if err := p.index.Put(ctx, d); err != nil {
		return p.failed(ctx, ref, err)
	}
	if _, ok := p.known[ref.ID]; ok {
		p.report.Changed++
	} else {
		p.report.Added++
	}
	p.known[ref.ID] = Stored{ref.ID, ref.ETag, a}
	delete(p.state.Failures, ref.ID)
	return p.attach(ctx, d, text.Attachments, 1)
}

func (p *pass) document(ref connectors.Ref, a Access, text extract.Text) Document {
	return Document{
		Tenant: p.options.Tenant, Source: p.options.Source, ID: ref.ID, Title: cmp.Or(ref.Title, ref.Path, ref.ID),
		Version: ref.ETag, MediaType: text.MediaType, Principals: a.Allow, Denied: a.Deny,
		Class: p.options.Class, URL: ref.URL, Pages: text.Pages,
	}
}

// attach puts the files inside a file into the index, as documents of their own
// with the rights of the outer one. One that cannot be read is a failure of its own.
func (p *pass) attach(ctx context.Context, outer Document, files []extract.Attachment, depth int) error {
	for i, f := range files {
		id := fmt.Sprintf("%s#%d", outer.ID, i+1)
		text, err := p.readAttached(ctx, f, depth)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			p.report.Failures = append(p.report.Failures, Failure{Ref: connectors.Ref{ID: id, Title: f.Name}, Tries: 1, Reason: reason(err)})
			continue
		}
		d := outer
		d.ID, d.Title, d.parent = id, outer.Title+" › "+f.Name, cmp.Or(outer.parent, outer.ID)
		d.MediaType, d.Pages = text.MediaType, text.Pages
		if err := p.index.Put(ctx, d); err != nil {
			return err
		}
		if err := p.attach(ctx, d, text.Attachments, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) readAttached(ctx context.Context, f extract.Attachment, depth int) (extract.Text, error) {
	if depth > maxAttachDepth {
		return extract.Text{}, extract.ErrTooLarge
	}
	return p.index.config.Reader.Read(ctx, f.Name, f.Data)
}

func (p *pass) fetch(ctx context.Context, ref connectors.Ref) ([]byte, error) {
	if ref.Size > maxFile {
		return nil, extract.ErrTooLarge
	}
	r, err := p.source.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	if len(data) > maxFile {
		return nil, extract.ErrTooLarge
	}
	return data, nil
}

// failed notes a dead letter. An older version leaves the index: what it says
// no longer holds.
func (p *pass) failed(ctx context.Context, ref connectors.Ref, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := p.known[ref.ID]; ok {
		if err := p.store().Delete(ctx, p.key(ref.ID)); err != nil {
			return err
		}
		delete(p.known, ref.ID)
		p.report.Deleted++
	}
	if len(p.state.Failures) >= maxFailures {
		return fmt.Errorf("more than %d documents cannot be read", maxFailures)
	}
	p.state.Failures[ref.ID] = Failure{Ref: ref, Tries: p.state.Failures[ref.ID].Tries + 1, Reason: reason(err)}
	return nil
}

// reason says in German why a document cannot be read.
func reason(err error) string {
	for _, r := range []struct {
		is   error
		text string
	}{
		{extract.ErrUnsupported, "Das Dateiformat wird nicht gelesen."},
		{extract.ErrEncrypted, "Die Datei ist verschlüsselt oder gesperrt."},
		{extract.ErrUnreadable, "Die Datei enthält keinen lesbaren Text."},
		{extract.ErrTooLarge, "Die Datei überschreitet eine Grenze."},
		{extract.ErrDamaged, "Die Datei ist beschädigt."},
		{ErrEmbedder, "Der Index enthält Vektoren eines anderen Modells."},
	} {
		if errors.Is(err, r.is) {
			return r.text
		}
	}
	return "Die Datei konnte nicht geladen werden."
}

// retry tries dead letters of earlier passes again. The rights come from Walk:
// those of the failed event may be old.
func (p *pass) retry(ctx context.Context) {
	waiting := map[string]Failure{}
	for id, f := range p.state.Failures {
		if !p.seen[id] && f.Tries < maxTries {
			waiting[id] = f
		}
	}
	if len(waiting) == 0 {
		return
	}
	rights := map[string]Access{}
	err := p.source.Walk(ctx, func(r connectors.Ref, a connectors.Access) error {
		if _, ok := waiting[r.ID]; ok {
			rights[r.ID] = rightsOf(&a)
		}
		return ctx.Err()
	})
	if err != nil {
		return // the next pass tries again
	}
	for _, id := range slices.Sorted(maps.Keys(waiting)) {
		access, ok := rights[id]
		if !ok {
			delete(p.state.Failures, id)
			continue
		}
		if p.upsert(ctx, waiting[id].Ref, access) != nil {
			return
		}
	}
}

// reconcile compares the list of the source with the index. A list that breaks
// off changes nothing.
func (p *pass) reconcile(ctx context.Context) error {
	there := map[string]Access{}
	err := p.source.Walk(ctx, func(r connectors.Ref, a connectors.Access) error {
		there[r.ID] = rightsOf(&a)
		return ctx.Err()
	})
	if err != nil {
		return fmt.Errorf("list the source: %w", err)
	}
	gone := map[string]bool{}
	for id := range p.known {
		if access, ok := there[id]; !ok {
			gone[id] = true
		} else if err := p.setAccess(ctx, id, access); err != nil {
			return err
		}
	}
	if err := p.deleteAll(ctx, gone); err != nil {
		return err
	}
	for id := range p.state.Failures {
		if _, ok := there[id]; !ok {
			delete(p.state.Failures, id)
		}
	}
	return nil
}

func (p *pass) end(ctx context.Context) error {
	raw, err := json.Marshal(p.state) //nolint:musttag // a Ref is kept under the names of its fields
	if err != nil {
		return err
	}
	return p.store().SetState(ctx, p.options.Tenant, p.options.Source, raw)
}

func (p *pass) result() SyncReport {
	r := p.report
	for _, id := range slices.Sorted(maps.Keys(p.state.Failures)) {
		r.Failures = append(r.Failures, p.state.Failures[id])
	}
	return r
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Viewer reads and proves the record. It needs public keys only.
type Viewer struct {
	reader   Reader
	origin   string
	public   []string
	trusted  note.Verifiers
	overview *overview
	kept     func(context.Context) ([][]byte, error) // see Config.Kept
}

// WithKept returns a viewer that compares with what witnesses kept, see Config.Kept.
func (v *Viewer) WithKept(kept func(context.Context) ([][]byte, error)) *Viewer {
	with := *v
	with.kept = kept
	return &with
}

// NewViewer takes the public key of the log, the newest first.
func NewViewer(reader Reader, public ...string) (*Viewer, error) {
	if reader == nil || len(public) == 0 {
		return nil, fmt.Errorf("the record needs a store and a public key")
	}
	first, err := note.NewVerifier(public[0])
	if err != nil {
		return nil, fmt.Errorf("public key of the record: %w", err)
	}
	keys, err := trusted(first.Name(), public)
	if err != nil {
		return nil, err
	}
	return &Viewer{reader: reader, origin: first.Name(), public: public, trusted: keys, overview: newOverview(reader)}, nil
}

// PublicKeys are the keys whose signatures this log trusts.
func (v *Viewer) PublicKeys() []string { return v.public }

// Scope is whose entries a reader may see. The zero Scope sees none.
type Scope struct {
	Tenant gateway.TenantID
	// All is for the operator's auditors, who see every tenant.
	All bool
}

func (s Scope) covers(t gateway.TenantID) bool { return s.All || (s.Tenant != "" && s.Tenant == t) }

// Filter chooses entries. Empty fields do not restrict.
type Filter struct {
	Scope     Scope
	From, To  time.Time // From included, To excluded
	System    gateway.SystemID
	Purpose   gateway.Purpose
	Service   gateway.ServiceID
	Operation gateway.Operation
	Effect    gateway.Effect
	Outcome   gateway.Outcome
	Rule      string
	// Rules: any of them spoke, for example all with the same legal basis.
	Rules []string
	// Revision of the rules that decided.
	Revision  string
	Result    Result
	Model     gateway.ModelID
	Residency gateway.Residency
	// Case is the pseudonym of a file number, see Keys.
	Case     gateway.Pseudonym
	IDPrefix string
	// Cursor is the Next of the page before.
	Cursor string
	// Limit is the number of entries on a page, 1 to 500; 0 means 50.
	Limit int
	// Totals asks for the counts over all pages.
	Totals bool
	// Zone is that of the days and months of Totals.Bars; nil: UTC.
	Zone *time.Location
}

// everything says that the filter restricts nothing and covers all tenants.
func (f Filter) everything() bool {
	return f.Scope.All && f.Scope.Tenant == "" && f.From.IsZero() && f.To.IsZero() && f.System == "" && f.Purpose == "" &&
		f.Service == "" && f.Operation == "" && f.Effect == "" && f.Outcome == "" && f.Rule == "" && len(f.Rules) == 0 &&
		f.Revision == "" && f.Result == "" && f.Model == "" && f.Residency == "" && f.Case == "" && f.IDPrefix == ""
}

// Page is one page of a list, newest first.
type Page struct {
	Items []Item `json:"items"`
	// Next is the cursor of the next page; empty on the last one.
	Next   string  `json:"next,omitempty"`
	Totals *Totals `json:"totals,omitempty"`
}

// Item is one request: its record and, once it has ended, its closing.
type Item struct {
	Record  gateway.Record   `json:"record"`
	Closing *gateway.Closing `json:"closing,omitempty"`
}

// Totals are counts over all entries that match a filter.
type Totals struct {
	Count   int                    `json:"count"`
	Effects map[gateway.Effect]int `json:"effects"`
	// Outcomes has the key "" for entries that have not ended.
	Outcomes map[gateway.Outcome]int `json:"outcomes"`
	// Results counts in the words of the pages.
	Results map[Result]int `json:"results"`
	// Hours with at least one entry, in order.
	Hours []Hour `json:"hours"`
	// Bars are hours, days or months, whatever fits the period, also those without
	// an entry.
	Bars []Bar `json:"bars,omitempty"`
}

// NewTotals counts nothing yet.
func NewTotals() Totals {
	return Totals{Effects: map[gateway.Effect]int{}, Outcomes: map[gateway.Outcome]int{}, Results: map[Result]int{}}
}

// Hour is one bar of the chart.
type Hour struct {
	Start   time.Time `json:"start"`
	Allowed int       `json:"allowed"`
	Denied  int       `json:"denied"`
	// Duties and Release are those of Allowed that were answered under obligations
	// and that a person has to release.
	Duties  int `json:"duties"`
	Release int `json:"release"`
}

// Add counts n entries; hours come in order.
func (t *Totals) Add(hour time.Time, effect gateway.Effect, promise Result, outcome gateway.Outcome, n int) {
	t.Count += n
	t.Effects[effect] += n
	t.Outcomes[outcome] += n
	t.Results[resultOf(promise, outcome)] += n
	if len(t.Hours) == 0 || !t.Hours[len(t.Hours)-1].Start.Equal(hour) {
		t.Hours = append(t.Hours, Hour{Start: hour})
	}
	last := &t.Hours[len(t.Hours)-1]
	if effect == gateway.EffectAllow {
		last.Allowed += n
	} else {
		last.Denied += n
	}
	switch resultOf(promise, outcome) { //nolint:exhaustive // only these are counted beside
	case ResultDuties:
		last.Duties += n
	case ResultRelease:
		last.Release += n
	}
}

// Position is where a page ends.
type Position struct{ Time, Seq int64 }

func (p Position) String() string { return fmt.Sprintf("%d.%d", p.Time, p.Seq) }

func parsePosition(s string) (Position, error) {
	if s == "" {
		return Position{}, nil
	}
	at, seq, _ := strings.Cut(s, ".")
	t, errTime := strconv.ParseInt(at, 10, 64)
	n, errSeq := strconv.ParseInt(seq, 10, 64)
	if errTime != nil || errSeq != nil {
		return Position{}, &gateway.Error{Op: "list records", Code: gateway.CodeInvalid, Path: "cursor", Message: "Die Angabe zur nächsten Seite ist ungültig."}
	}
	return Position{Time: t, Seq: n}, nil
}

const (
	defaultLimit = 50
	maxLimit     = 500
	maxSeq       = math.MaxInt64
)

func pageLimit(wanted int) int {
	if wanted <= 0 {
		return defaultLimit
	}
	return min(wanted, maxLimit)
}

// Each hands over all entries that match, newest first, holding no more than a
// page of them at a time, and ends with the first error of do. Cursor, Limit and
// Totals of the filter do not count.
func (v *Viewer) Each(ctx context.Context, f Filter, do func(Item) error) error {
	return v.eachPair(ctx, f, func(p Pair) error {
		item, err := p.item()
		if err != nil {
			return err
		}
		return do(item)
	})
}

func (v *Viewer) eachPair(ctx context.Context, f Filter, do func(Pair) error) error {
	var after Position
	for {
		pairs, err := v.reader.Select(ctx, f, after, pageSize)
		if err != nil || len(pairs) == 0 {
			return err
		}
		for _, p := range pairs {
			if p.gone() {
				continue
			}
			if err := do(p); err != nil {
				return err
			}
		}
		last := pairs[len(pairs)-1].Open
		after = Position{Time: last.Time, Seq: last.Seq}
	}
}

// gone says that the content was removed while the page was read.
func (p Pair) gone() bool { return p.Open.Removed || p.Close != nil && p.Close.Removed }

func (p Pair) item() (Item, error) {
	open, err := parseLeaf(p.Open.Body)
	if err != nil || open.Record == nil {
		return Item{}, damaged(p.Open, err)
	}
	item := Item{Record: *open.Record}
	if p.Close == nil {
		return item, nil
	}
	end, err := parseLeaf(p.Close.Body)
	if err != nil || end.Closing == nil {
		return Item{}, damaged(*p.Close, err)
	}
	item.Closing = end.Closing
	return item, nil
}

func damaged(r Row, err error) error {
	if err == nil {
		err = fmt.Errorf("not a leaf of kind %s", r.Kind)
	}
	return &gateway.Error{
		Op: "read record", Code: gateway.CodeInternal, RequestID: r.ID,
		Message: fmt.Sprintf("Der Eintrag Nr. %d des Protokolls ist beschädigt. Bitte prüfen Sie das Protokoll.", r.Seq),
		Err:     fmt.Errorf("leaf %d (%s): %w", r.Seq, r.ID, err),
	}
}

// Entry is one request with the proof that its leaves are in the log.
type Entry struct {
	Item
	Open Proof `json:"open"`
	// Closed is the proof of the closing, if there is one.
	Closed *Proof `json:"closed,omitempty"`
	// Checkpoint is the signed checkpoint the proofs lead to.
	Checkpoint string `json:"checkpoint"`
}

// Proof shows that a leaf is in the tree of a checkpoint.
type Proof struct {
	Seq int64 `json:"seq"`
	// Leaf is the hash of the stored bytes, base64.
	Leaf string `json:"leaf"`
	// Path are the hashes beside the way from the leaf to the root.
	Path []string `json:"path"`
	// Valid says that the bytes as stored now lead to the root of the checkpoint.
	Valid bool `json:"valid"`
}

// Show returns one entry within the scope; CodeNotFound otherwise, whether it
// does not exist or belongs to somebody else.
func (v *Viewer) Show(ctx context.Context, scope Scope, id string) (Entry, error) {
	rows, err := v.reader.Find(ctx, id)
	if err != nil {
		return Entry{}, err
	}
	if len(rows) == 0 || rows[0].Kind != KindOpen || !scope.covers(rows[0].Tenant) {
		return Entry{}, &gateway.Error{Op: "show record", Code: gateway.CodeNotFound, RequestID: id, Message: "Zu dieser Kennung gibt es keinen Eintrag im Protokoll."}
	}
	if rows[0].Removed {
		return Entry{}, &gateway.Error{Op: "show record", Code: gateway.CodeNotFound, RequestID: id, Message: "Der Inhalt dieses Eintrags wurde nach Ablauf der Aufbewahrungsfrist entfernt. Im Protokoll steht nur noch seine Prüfsumme."}
	}
	pair := Pair{Open: rows[0]}
	if len(rows) > 1 {
		pair.Close = &rows[1]
	}
	item, err := pair.item()
	if err != nil {
		return Entry{}, err
	}
	checkpoint, stated, err := v.newest(ctx)
	if err != nil {
		return Entry{}, err
	}
	entry := Entry{Item: item, Checkpoint: string(checkpoint.Note)}
	if entry.Open, err = v.prove(stated, pair.Open, v.hashes(ctx)); err != nil {
		return Entry{}, err
	}
	if pair.Close != nil {
		closed, err := v.prove(stated, *pair.Close, v.hashes(ctx))
		if err != nil {
			return Entry{}, err
		}
		entry.Closed = &closed
	}
	return entry, nil
}

// newest is the newest checkpoint with its content, the signature checked.
func (v *Viewer) newest(ctx context.Context) (Checkpoint, statement, error) {
	c, err := v.reader.Latest(ctx)
	if err != nil {
		return c, statement{}, err
	}
	if c.Size == 0 {
		return c, statement{Origin: v.origin, Root: frontier{}.root()}, nil
	}
	stated, err := openCheckpoint(c.Note, v.origin, v.trusted)
	return c, stated, err
}

// Checkpoint is the newest signed checkpoint. Kept elsewhere, it later shows
// whether the log was cut or set back. It is empty while the log is.
func (v *Viewer) Checkpoint(ctx context.Context) ([]byte, error) {
	c, _, err := v.newest(ctx)
	return c.Note, err
}

// hashes reads single stored hashes.
func (v *Viewer) hashes(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return v.reader.Hashes(ctx, indexes) })
}

func (v *Viewer) prove(s statement, row Row, hashes tlog.HashReader) (Proof, error) {
	leaf := tlog.RecordHash(row.Body)
	p := Proof{Seq: row.Seq, Leaf: leaf.String(), Path: []string{}}
	path, err := tlog.ProveRecord(s.Size, row.Seq, hashes)
	if err != nil {
		return p, fmt.Errorf("prove leaf %d in the tree of %d: %w", row.Seq, s.Size, err)
	}
	for _, h := range path {
		p.Path = append(p.Path, h.String())
	}
	p.Valid = tlog.CheckRecord(path, s.Size, s.Root, row.Seq, leaf) == nil
	return p, nil
}

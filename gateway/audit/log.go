// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package audit keeps the record: an append-only log of what was asked, decided
// and answered, which can be proved unchanged. Every entry is a leaf of a Merkle
// tree (RFC 6962); every commit ends with a checkpoint that is signed with a key
// the database does not have. It holds facts, counts and pseudonyms; it stores
// no content, is no place for technical logs and cannot see a whole database
// being set back, unless an earlier checkpoint is kept elsewhere.
//
// Start at [Log.Open] and follow it into committer.go; [Log.Verify] proves,
// [Log.Export] takes the proof out of the house, [Log.List] reads. The stores
// are audit/sqlite and audit/postgres.
package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Config says where and under which key a Log writes.
type Config struct {
	Store Store
	// Key is the private key that signs checkpoints, see GenerateKey. Its name
	// is the origin of the log.
	Key string
	// Trusted are the public keys of earlier private keys of the same name.
	Trusted []string
	// Kept are checkpoints that witnesses keep, with which every verification
	// compares the log; nil: there are none.
	Kept func(context.Context) ([][]byte, error)
	// NotesOnly is for a process that writes notes beside another one which writes
	// everything, as the command line does: it begins and ends no stories.
	NotesOnly bool
	// Clock and Logger default to time.Now and to silence.
	Clock  func() time.Time
	Logger *slog.Logger
	// MaxBatch is the number of entries in one transaction; 0 means 256.
	MaxBatch int
	// Queue is the number of entries that may wait for the next one; 0 means 4096.
	Queue int
	// Timeout bounds the wait of one entry; 0 means 10 s.
	Timeout time.Duration
	// Sweep is how often entries of dead processes are looked for; 0 means one minute.
	Sweep time.Duration
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxBatch <= 0 {
		c.MaxBatch = 256
	}
	if c.Queue <= 0 {
		c.Queue = 4096
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Sweep <= 0 {
		c.Sweep = time.Minute
	}
	return c
}

// Log is the record. All methods are safe for concurrent use.
type Log struct {
	*Viewer
	config Config
	store  Store
	signer note.Signer
	writer string
	leave  func() error // gives up being a writer

	queue    chan *item
	stopping chan struct{}
	stopped  chan struct{}
	stop     sync.Once
	ending   sync.RWMutex // held for writing while stopping closes

	// Only the committer touches these.
	seen  Checkpoint                 // the newest checkpoint this log has checked
	edge  frontier                   // the right edge at seen
	loose map[string]gateway.Closing // endings that nobody waits for any more
	// own are the open stories that this log has begun; asking is how many batches
	// do not rely on what this log knows.
	own    map[string]gateway.TenantID
	asking int
	// together is how many waited for the last batch.
	together int
}

var _ gateway.Beginner = (*Log)(nil)

// New opens the log and ends the stories that a dead process left open: at once in
// SQLite; in PostgreSQL with one of the next sweeps, when the writer has been silent.
func New(ctx context.Context, config Config) (*Log, error) {
	config = config.withDefaults()
	signer, err := note.NewSigner(config.Key)
	if err != nil {
		return nil, errors.New("the private key of the record is malformed")
	}
	public, err := PublicKey(config.Key)
	if err != nil {
		return nil, err
	}
	viewer, err := NewViewer(config.Store, append([]string{public}, config.Trusted...)...)
	if err != nil {
		return nil, err
	}
	viewer.kept = config.Kept
	viewer.overview.keep = config.Store.KeepSummary
	writer := "w" + rand.Text()
	alive, err := enlist(ctx, config, writer)
	if err != nil {
		return nil, fmt.Errorf("enlist as a writer of the record: %w", err)
	}
	l := &Log{
		Viewer: viewer, config: config, store: config.Store, signer: signer, writer: writer,
		leave: sync.OnceValue(alive.Close),
		queue: make(chan *item, config.Queue), stopping: make(chan struct{}), stopped: make(chan struct{}),
		loose: map[string]gateway.Closing{}, own: map[string]gateway.TenantID{},
	}
	if err := l.resume(ctx); err != nil {
		return nil, errors.Join(err, l.leave())
	}
	go l.run() //nolint:contextcheck // writes for all callers until Shutdown
	return l, nil
}

func enlist(ctx context.Context, config Config, writer string) (io.Closer, error) {
	if config.NotesOnly {
		return io.NopCloser(nil), nil // nobody has to end what it leaves
	}
	return config.Store.Enlist(ctx, writer)
}

// resume checks the end of the log, so that nothing is ever written behind a
// damaged one, and ends what dead processes left open.
func (l *Log) resume(ctx context.Context) error {
	if err := l.end(ctx, nil); err != nil {
		return fmt.Errorf("check the end of the record: %w", err)
	}
	if l.config.NotesOnly {
		return nil
	}
	if err := l.sweep(ctx); err != nil {
		return fmt.Errorf("end the entries of dead processes: %w", err)
	}
	return nil
}

// Open writes the beginning of a story. When it returns nil, the entry is
// durable and covered by a signed checkpoint; otherwise there must be no answer.
func (l *Log) Open(ctx context.Context, r gateway.Record) error {
	opening, err := l.Begin(ctx, r)
	if err != nil {
		return err
	}
	return opening.Wait(ctx)
}

// Begin checks an entry and hands it over to be written. It waits only while the
// queue is full. Nothing may leave the house before Wait has returned.
func (l *Log) Begin(ctx context.Context, r gateway.Record) (gateway.Pending, error) {
	if !validID(r.ID) || !validID(string(r.Tenant)) {
		return nil, noRecord(opOpen, "", errors.New("record without a valid id or tenant"))
	}
	if l.config.NotesOnly {
		return nil, noRecord(opOpen, r.ID, errors.New("this process writes notes only"))
	}
	leaf := Leaf{Kind: KindOpen, ID: r.ID, Time: l.timeOr(r.Time), Tenant: r.Tenant, Writer: l.writer, Record: &r}
	row, err := leaf.row()
	if err != nil {
		return nil, noRecord(opOpen, r.ID, err)
	}
	o := &opening{log: l, it: newItem(row)}
	if err := l.enqueue(ctx, opOpen, o.it); err != nil {
		return nil, err
	}
	return o, nil
}

// Close writes the end of a story. An id that was never opened is
// CodeNotFound, one that has ended CodeConflict. When the store fails, the end
// is kept and written as soon as the store works again.
func (l *Log) Close(ctx context.Context, c gateway.Closing) error {
	const op = "close record"
	if !validID(c.ID) {
		return noRecord(op, "", errors.New("closing without a valid id"))
	}
	c.Time = l.timeOr(c.Time)
	it := newItem(Row{Kind: KindClose, ID: c.ID})
	it.closing = &c
	return l.write(ctx, op, it)
}

// CloseSoon takes the end of a story over, if there is room for it. It is
// written with one of the next commits.
func (l *Log) CloseSoon(c gateway.Closing) bool {
	if !validID(c.ID) {
		return false
	}
	c.Time = l.timeOr(c.Time)
	it := newItem(Row{Kind: KindClose, ID: c.ID})
	it.closing, it.patient = &c, true
	// What is in the queue when the log stops is still written.
	l.ending.RLock()
	defer l.ending.RUnlock()
	select {
	case <-l.stopping:
		return false
	default:
	}
	select {
	case l.queue <- it:
		return true
	default:
		return false
	}
}

// Flush returns when everything that was taken over before is durable.
func (l *Log) Flush(ctx context.Context) error {
	return l.write(ctx, "flush record", newItem(Row{}))
}

// Note writes an event that belongs to no request. CodeInvalid: it is out of its
// bounds; any other error: it may not be in the record, and what it announces
// must not happen.
func (l *Log) Note(ctx context.Context, n Note) error {
	const op = "write note"
	n, err := n.complete(l.config.Clock())
	if err != nil {
		return err
	}
	if !validID(n.ID) || !validID(string(n.Tenant)) {
		return noRecord(op, "", errors.New("note without a valid id or tenant"))
	}
	row, err := l.noteRow(n)
	if err != nil {
		return noRecord(op, n.ID, err)
	}
	return l.write(ctx, op, newItem(row))
}

func (l *Log) noteRow(n Note) (Row, error) {
	return Leaf{Kind: KindNote, ID: n.ID, Time: n.Time, Tenant: n.Tenant, Writer: l.writer, Note: &n}.row()
}

// Shutdown writes what is waiting and ends the log. It does not close the store.
// It may be called twice.
func (l *Log) Shutdown(ctx context.Context) error {
	l.stop.Do(func() {
		l.ending.Lock()
		defer l.ending.Unlock()
		close(l.stopping)
	})
	select {
	case <-l.stopped:
		return l.leave()
	case <-ctx.Done():
		return fmt.Errorf("shut the record down: %w", ctx.Err())
	}
}

func (l *Log) timeOr(t time.Time) time.Time {
	if t.IsZero() {
		return l.config.Clock()
	}
	return t
}

const (
	maxID   = 200
	maxBody = 4 << 20
)

// validID admits what every store can keep in a column.
func validID(s string) bool {
	return s != "" && len(s) <= maxID && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}

// noRecord is what a caller sees when an entry could not be made durable.
func noRecord(op, id string, err error) error {
	return &gateway.Error{
		Op: op, Code: gateway.CodeNoRecord, RequestID: id, Err: err,
		Message: "Der Vorgang konnte nicht protokolliert werden. Ohne Protokoll gibt es keine Antwort. Bitte versuchen Sie es später erneut.",
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"errors"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Store keeps rows, node hashes and checkpoints. Several logs may share one:
// it makes their batches follow one another. What a store must do is tested by
// audittest.Run.
type Store interface {
	// Append runs build in one transaction in which no other writer can
	// append, and returns when its batch is durable. ids are the entries whose
	// state build wants to know.
	Append(ctx context.Context, ids []string, build func(Tail) (Batch, error)) error
	// Continue appends a batch that was built without looking, behind the
	// checkpoint that this process believes to be the newest, and returns when it is
	// durable. ErrElsewhere: the log does not end there, or one of the stories has
	// begun or ended already; nothing was written, and Append tells what is the case.
	Continue(ctx context.Context, after Checkpoint, batch Batch) error
	// Enlist marks the writer as alive until the closer is called or the process ends.
	Enlist(ctx context.Context, writer string) (io.Closer, error)
	// Orphans are entries without an end whose writer is no longer alive; self is.
	Orphans(ctx context.Context, self string) ([]Pending, error)
	// Alone runs do while no other process runs one of the same name; false:
	// another one does, and do was not called.
	Alone(ctx context.Context, name string, do func(context.Context) error) (bool, error)
	// KeepSummary keeps a summary of a block that has none, unless contents were removed
	// behind the given size of the record: they may have been in it. The removal of a
	// content removes the summary of its block.
	KeepSummary(ctx context.Context, s Summary, size int64) error
	Reader
}

// ErrElsewhere says that a log is not as the writer believed.
var ErrElsewhere = errors.New("the record does not end where its writer believes")

// Reader is the reading half of a Store.
type Reader interface {
	// Rows returns up to limit rows from seq on, in order.
	Rows(ctx context.Context, seq int64, limit int) ([]Row, error)
	// Hashes returns the stored hashes of the indexes, in their order; a
	// missing one is an error.
	Hashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error)
	// Checkpoints returns up to limit checkpoints of at least the given size, in order.
	Checkpoints(ctx context.Context, size int64, limit int) ([]Checkpoint, error)
	// Latest is the newest checkpoint; its Size is 0 when there is none.
	Latest(ctx context.Context) (Checkpoint, error)
	// Pending lists all entries without an end.
	Pending(ctx context.Context) ([]Pending, error)
	// Select returns the stories that match, newest first.
	Select(ctx context.Context, f Filter, after Position, limit int) ([]Pair, error)
	// Find returns the rows of one id, the beginning first.
	Find(ctx context.Context, id string) ([]Row, error)
	// Facts returns the rows from one number on and before another one, in order,
	// without their bodies.
	Facts(ctx context.Context, from, to int64) ([]Row, error)
	// Summaries returns up to limit of those that are kept, from a block on, in order.
	Summaries(ctx context.Context, block int64, limit int) ([]Summary, error)
	// Totals counts the stories that match.
	Totals(ctx context.Context, f Filter) (Totals, error)
	// Notes returns the notes that match with a number less than before, newest first;
	// of Actor they only contain the name somewhere.
	Notes(ctx context.Context, f NoteFilter, before int64, limit int) ([]Row, error)
	// NotesAbout returns the notes of the topics about the objects, oldest first.
	NotesAbout(ctx context.Context, scope Scope, topics, objects []string) ([]Row, error)
	// CheckpointAt is the newest checkpoint that is not younger than the time; its
	// Size is 0 when there is none.
	CheckpointAt(ctx context.Context, at time.Time) (Checkpoint, error)
	// Ends returns the ends of the stories with these ids, without their bodies.
	Ends(ctx context.Context, ids []string) ([]Row, error)
	// Due returns beginnings and notes whose content has reached the end of its
	// time, behind the position, the oldest first, without their bodies.
	Due(ctx context.Context, d Due, after Position, limit int) ([]Row, error)
}

// Tail is what a log has to know to append to it.
type Tail struct {
	// Latest is the newest checkpoint; its Size is the number of rows.
	Latest Checkpoint
	// States of the ids that were asked for; absent means unknown.
	States map[string]State
	// Hashes reads stored hashes inside the transaction.
	Hashes func(indexes []int64) ([]tlog.Hash, error)
}

// State says how far the story of one id has come.
type State struct {
	Tenant         gateway.TenantID
	Opened, Closed bool
}

// Batch is what one transaction appends. An empty batch appends nothing.
type Batch struct {
	Rows []Row
	// First is the index of the first of Hashes; they follow one another.
	First  int64
	Hashes []tlog.Hash
	// Checkpoint covers all rows.
	Checkpoint Checkpoint
	// Supersedes is the size of an older checkpoint that the new one replaces; 0: none.
	Supersedes int64
	// Remove are the numbers of rows whose content is removed in the same
	// transaction, in order. If one of them is not there or has none, nothing is
	// written: ErrElsewhere.
	Remove []int64
}

// Checkpoint is a signed statement about the whole log at one size.
type Checkpoint struct {
	Size int64
	Time time.Time
	// Note is the signed text: origin, size, root hash, signature.
	Note []byte
}

// Row is one leaf of the tree as stored: the exact bytes that were hashed and
// the columns extracted from them for searching. Verify compares both.
type Row struct {
	Seq    int64
	Kind   Kind
	ID     string
	Tenant gateway.TenantID
	Writer string
	// Time is in nanoseconds since 1970.
	Time int64
	Columns
	// Body is empty in a Removed row: its content was removed when its time was
	// over, its hash stays in the tree, and all columns but Kind, ID, Tenant and
	// Time are empty.
	Body    []byte
	Removed bool
}

// Columns are the facts of a leaf that can be searched for.
type Columns struct {
	System, Purpose, Service, Operation string
	Effect, Outcome                     string
	Model, Residency                    string
	File                                string // pseudonym of the file number
	Rules                               string // "|RULE-1|RULE-2|"
	// Result is that of a beginning whose request is answered: allowed, duties,
	// release or denied. Revision is that of the rules which decided last.
	Result   Result
	Revision string
	// Topic and Object are those of a note.
	Topic, Object string
	// Floor and Ceiling are how many days the entry says it must and may be kept; 0: it does not.
	Floor, Ceiling int
}

// Pair is the beginning of a story and, if there is one, its end.
type Pair struct {
	Open  Row
	Close *Row
}

// Pending is an entry that has a beginning and no end.
type Pending struct {
	Seq    int64
	ID     string
	Tenant gateway.TenantID
	Writer string
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
)

// opening is an entry that is on its way into the record.
type opening struct {
	log *Log
	it  *item
}

const opOpen = "open record"

// Wait returns when the entry is durable and covered by a signed checkpoint; on an
// error there must be no answer. If the context ends first or the store does not
// answer in time, the entry may come into the record all the same: the log then
// ends it itself. Wait may be called by several and again.
func (o *opening) Wait(ctx context.Context) error { return o.log.wait(ctx, opOpen, o.it) }

// item is one entry on its way into the log.
type item struct {
	row     Row       // complete, unless closing is set; empty: only waits for what was before
	hash    tlog.Hash // of the body
	closing *gateway.Closing
	patient bool    // nobody waits
	remove  []int64 // rows whose content is removed with it, see Batch.Remove
	until   time.Time
	stage   atomic.Int32
	told    chan struct{} // closed when err is the result
	err     error
}

// Stages of an item. Whoever waits for it may leave before it is done.
const (
	stageWaiting int32 = iota
	stageTaken
	stageLeft // because the caller did
	stageLate // because the store did not answer in time
	stageDone
)

// newItem hashes the body here, where many callers do it at once.
func newItem(row Row) *item {
	it := &item{row: row, told: make(chan struct{})}
	if row.Body != nil {
		it.hash = tlog.RecordHash(row.Body)
	}
	return it
}

// take says that an item is to be written. Its caller has left, and it is left out,
// unless it tells of a request that has happened.
func (it *item) take() bool {
	return it.stage.CompareAndSwap(stageWaiting, stageTaken) || it.closing != nil || it.row.Kind == KindOpen
}

// leave says that nobody waits any more; false means that the result is there.
func (it *item) leave(why int32) bool {
	for {
		switch now := it.stage.Load(); now {
		case stageDone:
			return false
		case stageLeft, stageLate:
			return true
		default:
			if it.stage.CompareAndSwap(now, why) {
				return true
			}
		}
	}
}

// tell gives the result to whoever waits and returns the stage before.
func (it *item) tell(err error) int32 {
	it.err = err
	stage := it.stage.Swap(stageDone)
	close(it.told)
	return stage
}

// write hands an item to the committer and waits until it is durable.
func (l *Log) write(ctx context.Context, op string, it *item) error {
	if err := l.enqueue(ctx, op, it); err != nil {
		return err
	}
	return l.wait(ctx, op, it)
}

// enqueue hands an item to the committer. While the queue is full it waits.
func (l *Log) enqueue(ctx context.Context, op string, it *item) error {
	it.until = time.Now().Add(l.config.Timeout)
	select {
	case <-l.stopping:
		return noRecord(op, it.row.ID, errStopped)
	default:
	}
	if ctx.Err() != nil {
		return l.gaveUp(ctx, op, it.row.ID)
	}
	select {
	case l.queue <- it:
		return nil
	default:
	}
	ctx, cancel := context.WithDeadline(ctx, it.until)
	defer cancel()
	select {
	case l.queue <- it:
		return nil
	case <-l.stopping:
		return noRecord(op, it.row.ID, errStopped)
	case <-ctx.Done():
		return l.gaveUp(ctx, op, it.row.ID)
	}
}

// wait returns when the item is durable.
func (l *Log) wait(ctx context.Context, op string, it *item) error {
	id := it.row.ID
	select {
	case <-it.told:
		return l.explain(op, id, it.err)
	default:
	}
	ctx, cancel := context.WithDeadline(ctx, it.until)
	defer cancel()
	select {
	case <-it.told:
	case <-ctx.Done():
		why := stageLate
		if errors.Is(ctx.Err(), context.Canceled) {
			why = stageLeft
		}
		if it.leave(why) {
			return l.gaveUp(ctx, op, id)
		}
		<-it.told
	case <-l.stopped:
		if it.leave(stageLate) {
			return noRecord(op, id, errStopped)
		}
		<-it.told
	}
	return l.explain(op, id, it.err)
}

func (l *Log) gaveUp(ctx context.Context, op, id string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &gateway.Error{Op: op, Code: gateway.CodeCancelled, RequestID: id, Err: ctx.Err(), Message: "Die Anfrage wurde abgebrochen."}
	}
	return noRecord(op, id, errNoAnswer)
}

func (l *Log) explain(op, id string, err error) error {
	if err == nil {
		return nil
	}
	var known *gateway.Error
	if !errors.As(err, &known) {
		return noRecord(op, id, err)
	}
	own := *known // several may wait for one entry
	own.Op, own.RequestID = op, id
	return &own
}

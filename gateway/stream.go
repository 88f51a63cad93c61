// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"slices"
	"strings"
)

// Stream is an answer in pieces. It is used by one goroutine. The caller calls
// Next until an error and always Close.
type Stream struct {
	ctx      context.Context //nolint:containedctx // a stream lives as long as its request
	p        *passage
	upstream *ledStream

	ready [][]byte // events that may be released, valid until the next one is taken in
	next  int      // the first of them that was not
	held  [][]byte // events that wait for the review of their window
	store []byte   // where the held events lie
	ended error    // what Next returns when ready is empty

	scan   eventScan
	parts  []*part    // in the order in which they began
	last   []byte     // the last event with a choice: the shape for text that is left over
	texts  []replaced // of the event under way
	events [][]byte   // that come of it
	out    []byte     // where its changed form lies
	holds  bool       // obligation review_output: nothing is released unreviewed
	review review

	wantsUsage bool
	told       bool
	digest     *digest
}

// part is one text of the answer on its way: what the restorer holds back of it
// and what of it waits for review.
type part struct {
	key      pieceKey
	restorer StreamRestorer // nil: nothing was replaced, or the text has ended
	tail     string         // the end of what was restored
	// window begins with the end of the last one, so that nothing hides on the
	// border; from is where the new part begins.
	window strings.Builder
	from   int
}

const (
	defaultWindow = 400
	windowCarry   = 96
	// maxParts and maxHeld bound what a model's server can make us remember.
	maxParts = 1024
	maxHeld  = 1024
)

func newStream(ctx context.Context, p *passage, upstream *ledStream) *Stream {
	s := &Stream{
		ctx: ctx, p: p, upstream: upstream, digest: newDigest(), wantsUsage: p.clientWantsUsage,
		review: review{max: defaultWindow, seen: map[FindingKind]int{}},
	}
	for _, o := range p.decision.Obligations {
		if o.ID != ObligationReview {
			continue
		}
		n, ok := number(o.Params["max_bytes"])
		if ok && n > 0 && (!s.holds || n < s.review.max) {
			s.review.max = n
		}
		s.holds = true
	}
	p.forget()
	return s
}

// ID is the id of the record, Decision what admitted the request.
func (s *Stream) ID() string { return s.p.request.ID }

// Decision is the decision that admitted the request.
func (s *Stream) Decision() Decision { return s.p.decision }

// Route is where the request went.
func (s *Stream) Route() Route { return s.p.current.route }

// Citations are the places of the passages that were put before the conversation.
func (s *Stream) Citations() []Citation { return s.p.citations() }

// Next returns the JSON of the next event, valid until the next call. io.EOF
// means: the model has ended its answer properly, everything was released and
// the record is closed. Any other error is an *Error and the answer is incomplete.
func (s *Stream) Next() ([]byte, error) {
	for s.next == len(s.ready) && s.ended == nil {
		s.ready, s.next = s.ready[:0], 0
		s.advance()
	}
	if s.next < len(s.ready) {
		s.next++
		return s.ready[s.next-1], nil
	}
	return nil, s.ended
}

// BeforeWait has f called whenever Next is about to wait, for the model or for
// the record: what Next has returned should reach the caller now. False: the
// model's client does not tell, so any event may be the last for a while.
func (s *Stream) BeforeWait(f func()) bool {
	u, ok := s.upstream.AnswerStream.(interface{ BeforeWait(f func()) bool })
	if !ok || !u.BeforeWait(f) {
		return false
	}
	s.p.beforeWait = f
	return true
}

// Close stops the upstream and closes the record: as cancelled, if the stream
// had not ended. It may be called twice.
func (s *Stream) Close() error {
	if s.ended == nil {
		s.stop(&Error{Op: "stream", Code: CodeCancelled, Message: "Die Anfrage wurde abgebrochen."})
	}
	defer s.p.letGo()
	return s.upstream.Close()
}

// advance takes one event from the upstream.
func (s *Stream) advance() {
	var err error
	defer func() {
		if err != nil {
			s.stop(err)
		}
	}()
	defer s.p.recovered(s.ctx, &err)
	chunk, err := s.upstream.Next()
	if err == nil {
		err = s.accept(chunk)
	}
	if errors.Is(err, io.EOF) {
		err = s.finish()
	}
}

// accept takes in one event: usage, restoring, review.
func (s *Stream) accept(c Chunk) error {
	if s.p.closing.FirstByte == 0 {
		s.p.closing.FirstByte = s.p.g.Now().Sub(s.p.called)
	}
	s.digest.Write(c.Data)
	if c.Usage != nil {
		s.p.closing.Usage = *c.Usage
	}
	e, err := c.read(&s.scan)
	if err != nil {
		return err
	}
	if e.failed {
		return failedEvent()
	}
	if c.Usage != nil && len(e.choices) == 0 && !s.wantsUsage {
		return nil // asked for by us, not by the caller
	}
	if len(e.choices) > 0 && (s.p.restorer != nil || s.p.citing != nil) {
		s.last = append(s.last[:0], e.raw...)
	}
	if err := s.restore(e); err != nil {
		return err
	}
	s.release(e, s.events)
	if s.windowFull() {
		return s.reviewWindow()
	}
	return nil
}

// release tells what is to be told with the first event and lines the events up.
func (s *Stream) release(e *event, events [][]byte) {
	if e.foreign {
		i := len(events) - 1
		events[i] = mustScan(events[i]).Without("schleuse").raw
	}
	if !s.told {
		s.told = true
		if t, tells := s.p.telling(); tells {
			events[0] = withField(events[0], "schleuse", t)
		}
	}
	if !s.holds {
		s.ready = append(s.ready, events...)
		return
	}
	if len(s.held) == 0 {
		s.store = s.store[:0] // what lay here has been released and used
	}
	for _, e := range events {
		at := len(s.store)
		s.store = append(s.store, e...)
		s.held = append(s.held, s.store[at:len(s.store):len(s.store)])
	}
}

// failedEvent: a model's client that does not look at its events passed an error on.
func failedEvent() *Error {
	return &Error{Op: "read event", Code: CodeUnavailable, Message: "Das Modell hat statt einer Antwort einen Fehler gemeldet."}
}

// finish ends a stream that the upstream ended properly.
func (s *Stream) finish() error {
	if err := s.flushRest(); err != nil {
		return err
	}
	if err := s.reviewWindow(); err != nil {
		return err
	}
	s.markCitations()
	s.end(nil)
	if err := s.p.close(s.ctx, OutcomeAnswered); err != nil {
		s.ready, s.next, s.ended = nil, 0, err
		return nil //nolint:nilerr // the record is closed or cannot be: Next returns the error
	}
	s.ended = io.EOF
	return nil
}

// stop ends a stream that did not end properly. Held events are dropped.
func (s *Stream) stop(err error) {
	s.held = nil
	_ = s.upstream.Close()
	if s.ctx.Err() != nil {
		err = &Error{Op: "stream", Code: CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", Err: err}
	}
	s.end(err)
	s.ended = s.p.fail(s.ctx, err)
}

// end ends the attempt and notes what came of it.
func (s *Stream) end(err error) {
	s.p.closing.Content = s.p.g.commit(s.p.request, s.digest.Sum())
	s.p.current.note.Output = s.p.output()
	s.p.done(s.p.current, err)
}

// restore leaves in events the event with its texts restored, preceded by events
// for text that was held back and is due now.
func (s *Stream) restore(e *event) error {
	s.events, s.texts = s.events[:0], s.texts[:0]
	changed := false
	for _, piece := range e.pieces {
		r, err := s.take(piece, e.raw[piece.start:piece.end])
		if err != nil {
			return err
		}
		changed = changed || r.changed
		s.texts = append(s.texts, r)
	}
	if s.p.restorer != nil && len(e.finished) > 0 {
		flushed, err := s.flush(e)
		if err != nil {
			return err
		}
		changed = changed || flushed
	}
	if !changed {
		s.events = append(s.events, e.raw)
		return nil
	}
	s.out = e.appendWith(s.out[:0], s.texts)
	s.events = append(s.events, s.out)
	return nil
}

// take notes a piece for the review and returns it restored, as far as it may go.
func (s *Stream) take(piece piece, raw []byte) (replaced, error) {
	part, err := s.part(piece.key)
	if err != nil {
		return replaced{}, err
	}
	was := s.review.note(part, raw)
	s.spool(part, was)
	s.cites(piece.key, was)
	s.p.produced += len(was)
	switch {
	case s.p.restorer == nil:
		return replaced{}, nil
	case piece.whole:
		is, n := s.p.restorer.Restore(was, false)
		s.p.closing.Restored += n
		return replaced{text: is, changed: is != was}, nil
	}
	if part.restorer == nil {
		part.restorer = s.p.restorer.Stream(piece.key.arguments())
	}
	is := part.restorer.Write(was)
	return replaced{text: is, changed: is != was}, s.checkCall(part, is)
}

// checkCall refuses a placeholder in a tool call that stands for nothing.
func (s *Stream) checkCall(part *part, restored string) error {
	if !part.key.arguments() || restored == "" {
		return nil
	}
	text := part.tail + restored
	part.tail = text[max(0, len(text)-maxPlaceholder):]
	if s.p.inventedPlaceholder(text) {
		return inventedError()
	}
	return nil
}

// flush ends the texts of choices that are finished by this event: what was held
// back goes into the event itself, or into one before it.
func (s *Stream) flush(e *event) (changed bool, err error) {
	for _, part := range s.parts {
		if part.restorer == nil || !slices.Contains(e.finished, part.key.choice) {
			continue
		}
		rest, err := s.rest(part)
		if err != nil {
			return false, err
		}
		if rest == "" {
			continue
		}
		i := e.lastOf(part.key)
		if i < 0 {
			s.events = append(s.events, e.synthetic(part.key, rest))
			continue
		}
		if !s.texts[i].changed {
			s.texts[i].text = unquote(e.raw[e.pieces[i].start:e.pieces[i].end])
		}
		s.texts[i] = replaced{text: s.texts[i].text + rest, changed: true}
		changed = true
	}
	return changed, nil
}

// flushRest releases what is still held back when the stream ends: text that
// came after its choice was said to be finished.
func (s *Stream) flushRest() error {
	for _, part := range s.parts {
		if part.restorer == nil {
			continue
		}
		rest, err := s.rest(part)
		if err != nil {
			return err
		}
		if rest != "" {
			e := &event{raw: s.last}
			s.release(e, [][]byte{e.synthetic(part.key, rest)})
		}
	}
	return nil
}

// rest takes the rest of a text out of its restorer.
func (s *Stream) rest(part *part) (string, error) {
	rest := part.restorer.Flush()
	s.p.closing.Restored += part.restorer.Count()
	part.restorer = nil
	return rest, s.checkCall(part, rest)
}

// spool holds a piece for what is kept of the answer.
func (s *Stream) spool(part *part, was string) {
	k := s.p.keeping
	if k == nil || was == "" {
		return
	}
	if k.spool == nil {
		k.spool = s.p.g.Vault.Spool()
	}
	k.spool.Write(slices.Index(s.parts, part), was)
}

func (s *Stream) part(key pieceKey) (*part, error) {
	for _, p := range s.parts {
		if p.key == key {
			return p, nil
		}
	}
	if len(s.parts) >= maxParts {
		return nil, &Error{Op: "read event", Code: CodeUnavailable, Message: "Die Antwort des Modells ist unlesbar.", Err: errors.New("too many texts in one answer")}
	}
	p := &part{key: key}
	s.parts = append(s.parts, p)
	return p, nil
}

// digest is a SHA-256 that takes small pieces: full blocks cost less.
type digest struct {
	hash hash.Hash
	buf  []byte
}

func newDigest() *digest { return &digest{hash: sha256.New(), buf: make([]byte, 0, 1024)} }

func (d *digest) Write(p []byte) {
	if len(d.buf)+len(p) > cap(d.buf) {
		d.hash.Write(d.buf)
		d.buf = d.buf[:0]
	}
	if len(p) > cap(d.buf) {
		d.hash.Write(p)
		return
	}
	d.buf = append(d.buf, p...)
}

// Sum is the digest of all that was written.
func (d *digest) Sum() []byte {
	d.hash.Write(d.buf)
	d.buf = d.buf[:0]
	return d.hash.Sum(nil)
}

// commit is the keyed commitment to a content of which only the digest is at hand.
func (g *Gateway) commit(r Request, digest []byte) Pseudonym {
	return g.Pseudonymise(r.Caller.Tenant, "content", string(digest))
}

func number(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case float64:
		return int(n), true
	case json.Number:
		i, err := n.Int64()
		return int(i), err == nil
	}
	return 0, false
}

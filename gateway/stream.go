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
	upstream AnswerStream

	ready [][]byte // events that may be released
	held  [][]byte // events that wait for the review of their window
	ended error    // what Next returns when ready is empty

	scan   eventScan
	parts  []*part // in the order in which they began
	last   []byte  // the last event with a choice: the shape for text that is left over
	holds  bool    // obligation review_output: nothing is released unreviewed
	review review

	wantsUsage bool
	told       bool
	digest     hash.Hash
}

// part is one text of the answer on its way: what the restorer holds back of it
// and what of it waits for review.
type part struct {
	key      pieceKey
	restorer StreamRestorer // nil: nothing was replaced, or the text has ended
	tail     string         // the end of what was restored
	window   strings.Builder
	carry    string // end of the last window, so that nothing hides on its border
}

const (
	defaultWindow = 400
	windowCarry   = 96
	// maxParts and maxHeld bound what a model's server can make us remember.
	maxParts = 1024
	maxHeld  = 1024
)

func newStream(ctx context.Context, p *passage, upstream AnswerStream) (*Stream, error) {
	s := &Stream{
		ctx: ctx, p: p, upstream: upstream, digest: sha256.New(), wantsUsage: p.clientWantsUsage,
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
	// The answer needs a decision before its first piece is released.
	if err := p.decideOn(ctx, Screened{Counts: map[FindingKind]int{}}); err != nil {
		return nil, p.fail(ctx, err)
	}
	return s, nil
}

// ID is the id of the record, Decision what admitted the request.
func (s *Stream) ID() string { return s.p.request.ID }

// Decision is the decision that admitted the request.
func (s *Stream) Decision() Decision { return s.p.decision }

// Route is where the request went.
func (s *Stream) Route() Route { return s.p.current }

// Citations are the places of the passages that were put before the conversation.
func (s *Stream) Citations() []Citation { return s.p.citations() }

// Next returns the JSON of the next event. io.EOF means: the model has ended its
// answer properly, everything was released and the record is closed. Any other
// error is an *Error and the answer is incomplete.
func (s *Stream) Next() ([]byte, error) {
	for len(s.ready) == 0 && s.ended == nil {
		s.advance()
	}
	if len(s.ready) > 0 {
		event := s.ready[0]
		s.ready = s.ready[1:]
		return event, nil
	}
	return nil, s.ended
}

// Close stops the upstream and closes the record: as cancelled, if the stream
// had not ended. It may be called twice.
func (s *Stream) Close() error {
	if s.ended == nil {
		s.stop(&Error{Op: "stream", Code: CodeCancelled, Message: "Die Anfrage wurde abgebrochen."})
	}
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
	e, err := s.scan.scan(c.Data)
	if err != nil {
		return err
	}
	if c.Usage != nil && e.choices == 0 && !s.wantsUsage {
		return nil // asked for by us, not by the caller
	}
	if e.choices > 0 {
		s.last = e.raw
	}
	events, err := s.restore(e)
	if err != nil {
		return err
	}
	s.release(e, events)
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
	if s.holds {
		s.held = append(s.held, events...)
		return
	}
	s.ready = append(s.ready, events...)
}

// finish ends a stream that the upstream ended properly.
func (s *Stream) finish() error {
	if err := s.flushRest(); err != nil {
		return err
	}
	if err := s.reviewWindow(); err != nil {
		return err
	}
	s.end(nil)
	if err := s.p.close(s.ctx, OutcomeAnswered); err != nil {
		s.ready, s.ended = nil, err
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
	s.p.closing.Content = s.p.g.commit(s.p.request, s.digest)
	if s.p.note.Output = s.p.closing.Usage.Output; s.p.note.Output == 0 {
		s.p.note.Output = tokens(s.p.produced)
	}
	s.p.done(err)
}

// restore returns the event with its texts restored, preceded by events for
// text that was held back and is due now.
func (s *Stream) restore(e *event) ([][]byte, error) {
	out := make([]string, 0, 4)
	changed := false
	for _, piece := range e.pieces {
		was := unquote(e.raw[piece.start:piece.end])
		is, err := s.take(piece, was)
		if err != nil {
			return nil, err
		}
		changed = changed || is != was
		out = append(out, is)
	}
	var before [][]byte
	if s.p.restorer != nil && len(e.finished) > 0 {
		var err error
		if before, err = s.flush(e, out); err != nil {
			return nil, err
		}
		changed = true
	}
	if !changed {
		return append(before, e.raw), nil
	}
	return append(before, e.with(out)), nil
}

// take notes a piece for the review and returns it restored, as far as it may go.
func (s *Stream) take(piece piece, was string) (string, error) {
	part, err := s.part(piece.key)
	if err != nil {
		return "", err
	}
	s.review.note(part, was)
	s.p.produced += len(was)
	switch {
	case s.p.restorer == nil:
		return was, nil
	case piece.whole:
		is, n := s.p.restorer.Restore(was, false)
		s.p.closing.Restored += n
		return is, nil
	}
	if part.restorer == nil {
		part.restorer = s.p.restorer.Stream(piece.key.arguments())
	}
	is := part.restorer.Write(was)
	return is, s.checkCall(part, is)
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
func (s *Stream) flush(e *event, out []string) ([][]byte, error) {
	var before [][]byte
	for _, part := range s.parts {
		if part.restorer == nil || !slices.Contains(e.finished, part.key.choice) {
			continue
		}
		rest, err := s.rest(part)
		if err != nil {
			return nil, err
		}
		if i := e.lastOf(part.key); i >= 0 {
			out[i] += rest
		} else if rest != "" {
			before = append(before, e.synthetic(part.key, rest))
		}
	}
	return before, nil
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

// commit is the keyed commitment to a content of which only the digest is at hand.
func (g *Gateway) commit(r Request, h hash.Hash) Pseudonym {
	return g.Pseudonymise(r.Caller.Tenant, "content", string(h.Sum(nil)))
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

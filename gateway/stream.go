// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
)

// Stream is an answer in pieces. It is used by one goroutine. The caller calls
// Next until an error and always Close.
type Stream struct {
	ctx      context.Context //nolint:containedctx // a stream lives as long as its request
	p        *passage
	upstream AnswerStream

	ready  [][]byte // events that may be released
	held   [][]byte // events that wait for the review of their window
	ended  error    // what Next returns when ready is empty
	pieces map[pieceKey]StreamRestorer

	holds     bool // obligation review_output: nothing is released unreviewed
	window    strings.Builder
	windowMax int
	carry     string // end of the last window, so that nothing hides on its border
	seen      map[FindingKind]int

	wantsUsage bool
	told       bool
	digest     hash.Hash
}

// pieceKey names one text of an answer that comes in pieces.
type pieceKey struct {
	choice int
	field  string // below delta, without positions: "content", "tool_calls.function.arguments"
	tool   int
}

const (
	defaultWindow = 400
	windowCarry   = 96
)

func newStream(ctx context.Context, p *passage, upstream AnswerStream) (*Stream, error) {
	s := &Stream{
		ctx: ctx, p: p, upstream: upstream, pieces: map[pieceKey]StreamRestorer{},
		windowMax: defaultWindow, seen: map[FindingKind]int{}, digest: sha256.New(),
		wantsUsage: p.clientWantsUsage,
	}
	if o, ok := p.decision.Obligation(ObligationReview); ok {
		s.holds = true
		if n, ok := number(o.Params["max_bytes"]); ok && n > 0 {
			s.windowMax = n
		}
	}
	// The answer needs a decision before its first piece is released.
	if err := p.decideOn(ctx, Screened{Counts: map[FindingKind]int{}}); err != nil {
		_ = upstream.Close()
		return nil, p.fail(ctx, err)
	}
	return s, nil
}

// ID is the id of the record, Decision what admitted the request.
func (s *Stream) ID() string { return s.p.request.ID }

// Decision is the decision that admitted the request.
func (s *Stream) Decision() Decision { return s.p.decision }

// Route is where the request went.
func (s *Stream) Route() Route { return *s.p.record.Route }

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
// had not ended.
func (s *Stream) Close() error {
	err := s.upstream.Close()
	if s.ended == nil {
		s.ended = s.p.fail(s.ctx, &Error{Op: "stream", Code: CodeCancelled, Message: "Die Anfrage wurde abgebrochen."})
	}
	return err
}

// advance takes one event from the upstream.
func (s *Stream) advance() {
	chunk, err := s.upstream.Next()
	if err == nil {
		err = s.accept(chunk)
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF):
		s.finish()
	default:
		s.stop(err)
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
	e, err := parseEvent(c.Data)
	if err != nil {
		return err
	}
	if c.Usage != nil && len(e.head.Choices) == 0 && !s.wantsUsage {
		return nil // asked for by us, not by the caller
	}
	events := s.restore(e)
	if !s.told {
		s.told = true
		if t, any := s.p.telling(); any {
			events[0] = withField(events[0], "schleuse", t)
		}
	}
	if !s.holds {
		s.ready = append(s.ready, events...)
	} else {
		s.held = append(s.held, events...)
	}
	if s.windowFull() {
		return s.reviewWindow()
	}
	return nil
}

// finish ends a stream that the upstream ended properly.
func (s *Stream) finish() {
	if err := s.reviewWindow(); err != nil {
		s.stop(err)
		return
	}
	s.p.closing.Content = s.p.g.commit(s.p.request, s.digest)
	if err := s.p.close(s.ctx, OutcomeAnswered); err != nil {
		s.ended = err
		return
	}
	s.ended = io.EOF
}

// stop ends a stream that did not end properly. Held events are dropped.
func (s *Stream) stop(err error) {
	s.held = nil
	s.p.closing.Content = s.p.g.commit(s.p.request, s.digest)
	_ = s.upstream.Close()
	if s.ctx.Err() != nil {
		err = &Error{Op: "stream", Code: CodeCancelled, Message: "Die Anfrage wurde abgebrochen.", Err: err}
	}
	s.ended = s.p.fail(s.ctx, err)
}

// windowFull: at the end of a sentence or when the window is long enough.
func (s *Stream) windowFull() bool {
	n := s.window.Len()
	if n >= s.windowMax {
		return true
	}
	if n < 40 {
		return false
	}
	text := s.window.String()
	last := text[len(text)-1]
	return last == '\n' || strings.HasSuffix(text, ". ") || strings.HasSuffix(text, "? ") || strings.HasSuffix(text, "! ")
}

// reviewWindow screens what came since the last review. The policies are asked
// again only when something new was found: their answer depends on nothing else.
func (s *Stream) reviewWindow() error {
	if s.window.Len() > 0 {
		if err := s.screenWindow(); err != nil {
			return err
		}
	}
	s.ready = append(s.ready, s.held...)
	s.held = nil
	return nil
}

func (s *Stream) screenWindow() error {
	text := s.carry + s.window.String()
	screening, err := s.p.g.Screener.Screen(s.ctx, []string{text}, nil)
	if err != nil {
		return s.p.fault("screen answer", err)
	}
	fresh := newIn(screening, []string{text}, s.p.request.Body.Texts())
	s.carry = tail(text, windowCarry)
	s.window.Reset()
	grown := false
	for kind, n := range fresh.Counts {
		if s.seen[kind] == 0 && n > 0 {
			grown = true
		}
		s.seen[kind] += n
	}
	if !grown {
		return nil
	}
	counts := map[FindingKind]int{}
	for k, n := range s.seen {
		counts[k] = n
	}
	return s.p.decideOn(s.ctx, Screened{Counts: counts, Categories: fresh.Categories})
}

// tail is the end of s from a word's start, at most n bytes.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	if i := strings.IndexAny(s, " \n\t"); i >= 0 {
		return s[i+1:]
	}
	return ""
}

// event is one parsed event of a stream.
type event struct {
	body Body
	head eventHead
}

type eventHead struct {
	Choices []struct {
		Index        int             `json:"index"`
		FinishReason json.RawMessage `json:"finish_reason"`
		Delta        struct {
			ToolCalls []struct {
				Index int `json:"index"`
			} `json:"tool_calls"`
		} `json:"delta"`
	} `json:"choices"`
}

func parseEvent(data []byte) (event, error) {
	raw := bytes.Clone(data)
	body, err := scanBody(raw, true, 0)
	if err != nil {
		return event{}, &Error{Op: "read event", Code: CodeTruncated, Message: "Die Antwort des Modells ist unlesbar.", Err: err}
	}
	e := event{body: body}
	if err := json.Unmarshal(raw, &e.head); err != nil {
		return event{}, &Error{Op: "read event", Code: CodeTruncated, Message: "Die Antwort des Modells ist unlesbar.", Err: err}
	}
	return e, nil
}

// restore returns the event with its texts restored, preceded by events for
// text that was held back and is due now.
func (s *Stream) restore(e event) [][]byte {
	released := make(map[pieceKey]int) // position in pieces, to append what is flushed
	out := make([]string, len(e.body.texts))
	for i, t := range e.body.texts {
		piece := unquote(e.body.raw[t.start:t.end])
		out[i] = piece
		key, ok := e.key(t.path)
		if !ok {
			continue
		}
		s.window.WriteString(piece)
		if s.p.restorer == nil {
			continue
		}
		out[i] = s.piece(key).Write(piece)
		released[key] = i
	}
	if s.p.restorer == nil {
		return [][]byte{e.body.raw}
	}
	before := s.flush(e, released, out)
	return append(before, e.body.WithTexts(out).raw)
}

// flush ends the texts of choices that are finished by this event.
func (s *Stream) flush(e event, released map[pieceKey]int, out []string) [][]byte {
	var before [][]byte
	for _, c := range e.head.Choices {
		if len(c.FinishReason) == 0 || string(c.FinishReason) == "null" {
			continue
		}
		for key, restorer := range s.pieces {
			if key.choice != c.Index {
				continue
			}
			rest := restorer.Flush()
			s.p.closing.Restored += restorer.Count()
			delete(s.pieces, key)
			if rest == "" {
				continue
			}
			if i, ok := released[key]; ok {
				out[i] += rest
				continue
			}
			before = append(before, e.synthetic(key, rest))
		}
	}
	return before
}

func (s *Stream) piece(key pieceKey) StreamRestorer {
	r, ok := s.pieces[key]
	if !ok {
		r = s.p.restorer.Stream(strings.HasSuffix(key.field, "arguments"))
		s.pieces[key] = r
	}
	return r
}

// key tells whether the text at a path is a piece of the answer, and of which text.
func (e event) key(path string) (pieceKey, bool) {
	parts := strings.Split(path, ".")
	if len(parts) < 3 || parts[0] != "choices" {
		return pieceKey{}, false
	}
	at, err := strconv.Atoi(parts[1])
	if err != nil || at >= len(e.head.Choices) {
		return pieceKey{}, false
	}
	key := pieceKey{choice: e.head.Choices[at].Index, tool: -1}
	switch last := parts[len(parts)-1]; {
	case parts[2] == "text" && len(parts) == 3: // legacy completions
		key.field = "text"
		return key, true
	case parts[2] != "delta" || len(parts) < 4 || last == "id" || last == "name":
		return pieceKey{}, false
	}
	rest := parts[3:]
	if rest[0] == "tool_calls" && len(rest) > 2 {
		i, err := strconv.Atoi(rest[1])
		calls := e.head.Choices[at].Delta.ToolCalls
		if err != nil || i >= len(calls) {
			return pieceKey{}, false
		}
		key.tool = calls[i].Index
		rest = append([]string{"tool_calls"}, rest[2:]...)
	}
	key.field = strings.Join(rest, ".")
	return key, true
}

// synthetic is an event of our own that carries text held back by the restorer.
func (e event) synthetic(key pieceKey, rest string) []byte {
	var value any = rest
	names := strings.Split(key.field, ".")
	for i := len(names) - 1; i > 0; i-- {
		value = map[string]any{names[i]: value}
		if names[i-1] == "tool_calls" {
			call, _ := value.(map[string]any)
			call["index"] = key.tool
			value = []any{call}
		}
	}
	choice := map[string]any{"index": key.choice, "finish_reason": nil}
	if key.field == "text" {
		choice["text"] = rest
	} else {
		choice["delta"] = map[string]any{names[0]: value}
	}
	return withField(e.body.Without("usage").raw, "choices", []any{choice})
}

// withField sets a field of a JSON object this package has parsed before.
func withField(raw []byte, key string, value any) []byte {
	body, err := mustScan(raw).Set(key, value)
	if err != nil {
		return raw
	}
	return body.raw
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

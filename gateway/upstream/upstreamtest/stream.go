// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstreamtest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
)

// stream writes the answer as events.
func (a *answering) stream(q chatRequest) { a.sendEvents(a.events(q)) }

// sendEvents writes events, with the defects that concern a stream.
func (a *answering) sendEvents(events [][]byte) {
	a.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	if a.b.Defect == WrongType {
		a.w.Header().Set("Content-Type", "text/html")
	}
	var out io.Writer = a.w
	if a.b.Gzip {
		a.w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(a.w)
		defer func() { _ = z.Close() }()
		out = z
	}
	a.w.WriteHeader(http.StatusOK)
	a.flush(out)
	if !a.wait(a.b.FirstByte) {
		return
	}
	if a.b.Raw != "" {
		_, _ = io.WriteString(out, a.b.Raw)
		a.flush(out)
		return
	}
	for i, ev := range events {
		if i > 0 && !a.between() {
			return
		}
		if i == len(events)/2 && !a.middle(out) {
			return
		}
		if a.b.Defect == NoNewline && i == len(events)-1 {
			_, _ = out.Write(ev)
			break
		}
		a.write(out, ev)
	}
	switch a.b.Defect {
	case OpenEnd:
		<-a.r.Context().Done()
	case Trailer:
		a.w.Header().Set("X-Checksum", "4711")
	default: // the answer just ends
	}
}

// between waits before every event but the first.
func (a *answering) between() bool {
	if a.b.Hold != nil {
		select {
		case <-a.b.Hold:
		case <-a.r.Context().Done():
			return false
		}
	}
	return a.wait(a.b.Gap)
}

// middle does what goes wrong half way and reports whether to go on.
func (a *answering) middle(out io.Writer) bool {
	switch a.b.Defect {
	case Drop:
		panic(http.ErrAbortHandler)
	case Silent:
		<-a.r.Context().Done()
		return false
	case Reset:
		a.reset()
		return false
	case HalfClosed:
		a.halfClose()
		return false
	case ErrorEvent:
		a.write(out, []byte(`data: {"error":{"message":"EngineCore died unexpectedly","type":"internal_error","param":null,"code":500}}`))
		return true
	case BareError:
		a.write(out, []byte(`{"error":{"message":"EngineCore died unexpectedly","type":"internal_error","code":500}}`))
		return false
	case NamedError:
		a.write(out, []byte("event: error\ndata: {\"message\":\"overloaded\",\"type\":\"overloaded_error\"}"))
		return false
	case BrokenJSON:
		a.write(out, []byte(`data: {"id":"chatcmpl-mock","choices":[{"index":0,"delta":{"content":"ver`))
	default: // nothing goes wrong half way
	}
	return true
}

// write sends one event with its line ends, as the behaviour wants it.
func (a *answering) write(out io.Writer, ev []byte) {
	if a.b.KeepAlive {
		ev = append([]byte(": ping\n\n"), ev...)
	}
	if a.b.Defect == CommentFlood {
		ev = append(flood(), ev...)
	}
	ev = append(bytes.Clone(ev), "\n\n"...)
	if a.b.LineEnd != "" {
		ev = bytes.ReplaceAll(ev, []byte("\n"), []byte(a.b.LineEnd))
	}
	if a.b.Defect != ByteByByte {
		_, _ = out.Write(ev)
		a.flush(out)
		return
	}
	for i := range ev {
		_, _ = out.Write(ev[i : i+1])
		a.flush(out)
	}
}

func (a *answering) flush(out io.Writer) {
	if z, ok := out.(*gzip.Writer); ok {
		_ = z.Flush()
	}
	if a.flusher != nil {
		a.flusher.Flush()
	}
}

func data(v any) []byte { return append([]byte("data: "), encode(v)...) }

func (a *answering) chunk(q chatRequest, choices ...any) map[string]any {
	if choices == nil {
		choices = []any{}
	}
	return map[string]any{
		"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1767225600,
		"model": q.Model, "choices": choices, "x_mock": "unbekannt",
	}
}

func (a *answering) delta(i int, d map[string]any, finish any) any {
	if finish == nil && a.b.Defect == FinishEmpty {
		finish = ""
	}
	return map[string]any{"index": i, "delta": d, "finish_reason": finish}
}

// events of a whole answer; a defect may change the list.
func (a *answering) events(q chatRequest) [][]byte {
	var out [][]byte
	written := 0
	emit := func(choices ...any) {
		c := a.chunk(q, choices...)
		if written++; a.b.Defect == UsageOften {
			c["usage"] = map[string]any{"prompt_tokens": 3, "completion_tokens": written, "total_tokens": 3 + written}
		}
		out = append(out, data(c))
	}
	// each sends what every choice gets: one event for all of them, or one each.
	each := func(choice func(int) any) {
		var all []any
		for i := range q.N {
			all = append(all, choice(i))
		}
		if a.b.Defect == Together {
			emit(all...)
			return
		}
		for _, c := range all {
			emit(c)
		}
	}
	if a.b.Defect == EmptyStart {
		first := a.chunk(q)
		first["prompt_filter_results"] = []any{}
		out = append(out, data(first))
	}
	each(func(i int) any { return a.delta(i, map[string]any{"role": "assistant", "content": ""}, nil) })
	finish := any("stop")
	text := a.reply(q)
	if q.wantsTools() {
		finish = "tool_calls"
		a.toolDeltas(q, func(c any) { emit(c) })
	} else {
		for _, piece := range strings.SplitAfter(text, " ") {
			each(func(i int) any { return a.delta(i, map[string]any{"content": piece}, nil) })
		}
	}
	if a.b.Defect == LongLine {
		emit(a.delta(0, map[string]any{"content": strings.Repeat("ü", 100<<10)}, nil))
	}
	for i := range q.N {
		if a.b.Defect != NoFinish && (a.b.Defect != HalfFinish || i == 0) {
			emit(a.delta(i, map[string]any{}, finish))
		}
	}
	return a.ending(q, text, out)
}

// ending adds usage and [DONE] and reshapes the list for some defects.
func (a *answering) ending(q chatRequest, text string, out [][]byte) [][]byte {
	if q.StreamOptions.IncludeUsage && a.b.Defect != NoUsage && a.b.Defect != UsageOften {
		last := a.chunk(q)
		last["usage"] = a.usageDefect(a.usage(q, text))
		out = append(out, data(last))
	}
	if a.b.Defect != NoDone {
		out = append(out, []byte("data: [DONE]"))
	}
	return a.reshape(q, out)
}

// toolDeltas calls every tool, the pieces of their arguments taking turns and
// "type" repeated in each, which has confused clients.
func (a *answering) toolDeltas(q chatRequest, emit func(any)) {
	call := func(k int, d map[string]any) {
		d["index"], d["type"] = k, "function"
		emit(a.delta(0, map[string]any{"tool_calls": []any{d}}, nil))
	}
	for k, tool := range q.Tools {
		d := toolCall(k, tool.Function.Name, "")
		call(k, d)
	}
	args := []rune(arguments(q))
	for start := 0; start < len(args); start += 5 {
		piece := string(args[start:min(start+5, len(args))])
		for k := range q.Tools {
			call(k, map[string]any{"function": map[string]any{"arguments": piece}})
		}
	}
}

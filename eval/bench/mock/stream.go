// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package mock

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// LongPiece is the length of the piece that FaultLongLine sends in one event.
const LongPiece = 100 << 10

// toolPieces are the arguments of two calls as they come.
var toolPieces = [2][]string{{`{"akte":`, `"32-4711"`, `}`}, {`{"norm":`, `"§ 28 VwVfG"`, `}`}}

// ToolArguments are the arguments of the two calls of FaultTools.
func ToolArguments() [2]string {
	return [2]string{strings.Join(toolPieces[0], ""), strings.Join(toolPieces[1], "")}
}

// streaming writes one answer event by event.
type streaming struct {
	*exchange
	model   string
	out     io.Writer
	flush   func()
	control *http.ResponseController
	usage   bool
}

func (x *exchange) stream(q chatRequest) {
	if !x.wait(x.FirstToken) {
		return
	}
	st := streaming{exchange: x, model: quote(q.Model), out: x.w, control: http.NewResponseController(x.w)}
	st.usage = q.StreamOptions.IncludeUsage && x.Fault != FaultNoUsage
	st.flush = func() { _ = st.control.Flush() }
	h := x.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	if x.Fault == FaultGzip {
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(x.w)
		defer func() { _ = z.Close() }()
		st.out, st.flush = z, func() { _, _ = z.Flush(), st.control.Flush() }
	}
	x.w.WriteHeader(http.StatusOK)
	st.run()
}

// run returns early when the client has left or the fault ends the stream.
func (st *streaming) run() {
	if st.Fault == FaultTools {
		st.tools()
		return
	}
	words := strings.SplitAfter(strings.TrimSuffix(Text(st.Tokens), " "), " ")
	begun := time.Now()
	for i, word := range words {
		if i > 0 && !st.wait(time.Until(begun.Add(time.Duration(i)*st.Gap))) {
			return
		}
		if i == len(words)/2 && st.halfWay() {
			return
		}
		if !st.send(st.event(st.delta(i, word), "null", "")) {
			st.s.aborted.Add(1)
			return
		}
	}
	st.finish("stop")
}

func (st *streaming) delta(i int, word string) string {
	if i == 0 {
		return `{"role":"assistant","content":` + quote(word) + `}`
	}
	return `{"content":` + quote(word) + `}`
}

// halfWay does what a fault does in the middle; it returns true when that is the end.
func (st *streaming) halfWay() bool {
	switch st.Fault { //nolint:exhaustive // the others do nothing half way
	case FaultDie:
		st.cut()
		return true
	case FaultErrorEvent:
		st.send(`data: {"error":{"message":"mock mid-stream error","type":"server_error","code":"mock_mid"}}` + "\n\n")
		return true
	case FaultBroken:
		st.send(`data: {"id":"chatcmpl-mock","choices":[{"index":0,"delta":{"content":"abge` + "\n\n")
	case FaultLongLine:
		st.send(st.event(`{"content":"`+strings.Repeat("ä", LongPiece/2)+`"}`, "null", ""))
	}
	return false
}

// cut breaks the connection as a server that dies does: with a reset.
func (st *streaming) cut() {
	connection, _, err := st.control.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: net/http resets the stream
	}
	if tcp, ok := connection.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}

// tools streams two calls, a piece of each in turn.
func (st *streaming) tools() {
	st.send(st.event(`{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"akte","arguments":""}},{"index":1,"id":"call_b","type":"function","function":{"name":"norm","arguments":""}}]}`, "null", ""))
	for i := range toolPieces[0] {
		for call := range toolPieces {
			st.send(st.event(fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}`, call, quote(toolPieces[call][i])), "null", ""))
		}
	}
	st.finish("tool_calls")
}

func (st *streaming) finish(reason string) {
	last := ""
	if st.Fault == FaultUsageLast {
		last, st.usage = `,"usage":`+st.exchange.usage(), false
	}
	if st.Fault != FaultNoFinish {
		st.send(st.event("{}", `"`+reason+`"`, last))
	}
	if st.usage {
		st.send(fmt.Sprintf("data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":%s,\"choices\":[],\"usage\":%s}\n\n", st.model, st.exchange.usage()))
	}
	if st.Fault != FaultNoDone {
		st.send("data: [DONE]\n\n")
	}
}

func (st *streaming) event(delta, finish, more string) string {
	return `data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1790000000,"model":` + st.model +
		`,"system_fingerprint":"fp_mock","choices":[{"index":0,"delta":` + delta + `,"logprobs":null,"finish_reason":` + finish + `}]` + more + "}\n\n"
}

// send writes one event and returns false when the client has left.
func (st *streaming) send(event string) bool {
	step := len(event)
	if st.Fault == FaultBytewise {
		step = 1
	}
	for i := 0; i < len(event); i += step {
		if _, err := io.WriteString(st.out, event[i:i+step]); err != nil {
			return false
		}
		st.flush()
	}
	return st.r.Context().Err() == nil
}

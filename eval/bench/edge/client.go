// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package edge

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

const (
	chatPath       = "/chat/completions"
	embeddingsPath = "/embeddings"
	rerankPath     = "/rerank"
	responsesPath  = "/responses"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

func quiet(tokens int) mock.Settings { return mock.Settings{Tokens: tokens} }

// chat is a request; more begins with a comma.
func (b *bench) chat(stream bool, more string) string { return chatFor(b.Model, stream, more) }

func chatFor(model string, stream bool, more string) string {
	if stream {
		more = `,"stream":true` + more
	}
	// The number keeps caches out of the way.
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"Was steht in § 28 VwVfG? (%d)"}]%s}`, model, time.Now().UnixNano(), more)
}

// send posts a body over a connection of its own and returns when the header is there.
func (b *bench) send(ctx context.Context, path, body string, header map[string]string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	for _, all := range []map[string]string{b.Headers, header} {
		for k, v := range all {
			r.Header.Set(k, v)
		}
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	return client.Do(r)
}

// answer is a whole answer.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
	err    error
}

func (b *bench) ask(ctx context.Context, path, body string, header map[string]string, limit time.Duration) (a answer) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := b.send(ctx, path, body, header)
	if err != nil {
		a.err = err
		return a
	}
	defer func() { _ = r.Body.Close() }()
	a.status, a.header = r.StatusCode, r.Header
	a.body, a.err = io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	a.took = time.Since(begun)
	return a
}

// openAIError is the message of an error in OpenAI's shape, or "".
func (a answer) openAIError() string {
	var e struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(a.body, &e) != nil {
		return ""
	}
	return e.Error.Message
}

// streamed is what a client saw of a stream.
type streamed struct {
	status           int
	text             string
	done, failed     bool // [DONE], an error event
	finished         bool // finish_reason
	usage            int  // events with usage
	chunks, comments int
	calls            map[int]string // arguments of tool calls
	firstByte        time.Duration
	broken           string // an event that is no JSON
	err              error
}

// end says in words how the stream ended.
func (s *streamed) end() string {
	how := "endet ohne [DONE] und ohne Fehler"
	switch {
	case s.status != http.StatusOK && s.status != 0:
		how = fmt.Sprintf("HTTP %d", s.status)
	case s.failed && s.done:
		how = "Fehlerereignis, danach [DONE]"
	case s.failed:
		how = "Fehlerereignis, kein [DONE]"
	case s.done:
		how = "[DONE]"
	case s.err != nil:
		how = "Verbindung bricht ab"
	}
	return fmt.Sprintf("%s, %d Stücke", how, s.chunks)
}

// readSlowly makes a client that pauses before reading on; nil: it does not.
type readSlowly func()

func (b *bench) stream(ctx context.Context, body string, limit time.Duration, slow readSlowly) (s streamed) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := b.send(ctx, chatPath, body, nil)
	if err != nil {
		s.err = err
		return s
	}
	defer func() { _ = r.Body.Close() }()
	s.status = r.StatusCode
	if slow != nil {
		slow()
	}
	reader := bufio.NewReader(io.LimitReader(r.Body, maxAnswer))
	var text strings.Builder
	for {
		line, err := reader.ReadString('\n')
		if s.firstByte == 0 && line != "" {
			s.firstByte = time.Since(begun)
		}
		s.line(strings.TrimSpace(line), &text)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				s.err = err
			}
			s.text = text.String()
			return s
		}
	}
}

func (s *streamed) line(line string, text *strings.Builder) {
	if strings.HasPrefix(line, ":") {
		s.comments++
	}
	data, ok := strings.CutPrefix(line, "data:")
	if !ok {
		return
	}
	data = strings.TrimSpace(data)
	if data == "[DONE]" {
		s.done = true
		return
	}
	s.event([]byte(data), text)
}

func (s *streamed) event(data []byte, text *strings.Builder) {
	var e struct {
		Error   json.RawMessage `json:"error"`
		Usage   json.RawMessage `json:"usage"`
		Choices []struct {
			Delta struct {
				Content   string `json:"content"`
				ToolCalls []struct {
					Index    int `json:"index"`
					Function struct {
						Arguments string `json:"arguments"`
					} `json:"function"`
				} `json:"tool_calls"`
			} `json:"delta"`
			Finish *string `json:"finish_reason"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(data, &e); err != nil {
		s.broken = string(data)
		return
	}
	s.failed = s.failed || len(e.Error) > 0 && string(e.Error) != "null"
	if len(e.Usage) > 0 && string(e.Usage) != "null" {
		s.usage++
	}
	for _, c := range e.Choices {
		if c.Delta.Content != "" {
			text.WriteString(c.Delta.Content)
			s.chunks++
		}
		for _, call := range c.Delta.ToolCalls {
			if s.calls == nil {
				s.calls = map[int]string{}
			}
			s.calls[call.Index] += call.Function.Arguments
		}
		s.finished = s.finished || c.Finish != nil && *c.Finish != ""
	}
}

// pause waits, but not longer than the context.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

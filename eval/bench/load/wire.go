// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"
)

// connection is one keep-alive connection, opened when it is needed. It writes
// and reads itself: net/http's client would cost more than what is measured.
type connection struct {
	m    *measured
	conn net.Conn
	in   *bufio.Reader
	out  bytes.Buffer
}

const (
	connectTime  = 5 * time.Second
	exchangeTime = 60 * time.Second
)

func (c *connection) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// exchange sends one request and reads its answer; times count from due.
func (c *connection) exchange(ctx context.Context, due time.Time) (sample, error) {
	s, keep, err := c.attempt(ctx, due)
	if err != nil || !keep {
		c.close()
	}
	return s, err
}

func (c *connection) attempt(ctx context.Context, due time.Time) (sample, bool, error) {
	if c.conn == nil {
		conn, err := (&net.Dialer{Timeout: connectTime}).DialContext(ctx, "tcp", c.m.address.Host)
		if err != nil {
			return sample{}, false, fmt.Errorf("connect: %w", err)
		}
		c.conn, c.in = conn, bufio.NewReaderSize(conn, 16<<10)
	}
	_ = c.conn.SetDeadline(time.Now().Add(exchangeTime))
	c.m.write(&c.out)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return sample{}, false, fmt.Errorf("write: %w", err)
	}
	answer, err := http.ReadResponse(c.in, &http.Request{Method: http.MethodPost})
	if err != nil {
		return sample{}, false, fmt.Errorf("read: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	s, err := c.m.read(answer, due)
	return s, !answer.Close, err
}

// write makes the next request; its number defeats caches of answers.
func (m *measured) write(out *bytes.Buffer) {
	body := m.body()
	path := "/chat/completions"
	if m.scenario.Embeddings {
		path = "/embeddings"
	}
	out.Reset()
	fmt.Fprintf(out, "POST %s%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", m.address.Path, path, m.address.Host, len(body))
	for _, name := range slices.Sorted(maps.Keys(m.target.Headers)) {
		fmt.Fprintf(out, "%s: %s\r\n", name, m.target.Headers[name])
	}
	out.WriteString("\r\n")
	out.Write(body)
}

func (m *measured) body() []byte {
	text := quote(fmt.Sprintf("Vorgang %d. %s", m.number.Add(1), m.text))
	if m.scenario.Embeddings {
		model := m.target.Embeddings
		if model == "" {
			model = m.target.Model
		}
		return fmt.Appendf(nil, `{"model":%s,"input":%s}`, quote(model), text)
	}
	stream := ""
	if m.scenario.Stream {
		stream = `,"stream":true,"stream_options":{"include_usage":true}`
	}
	return fmt.Appendf(nil, `{"model":%s,"temperature":0.2,"messages":[{"role":"system","content":"Du bist ein Assistent der Verwaltung."},{"role":"user","content":%s}]%s}`, quote(m.target.Model), text, stream)
}

func quote(s string) []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return raw
}

func (m *measured) read(answer *http.Response, due time.Time) (sample, error) {
	var s sample
	if m.scenario.Stream && answer.StatusCode == http.StatusOK {
		return readStream(answer.Body, due)
	}
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return s, fmt.Errorf("read answer: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return s, fmt.Errorf("HTTP %d %.100s", answer.StatusCode, raw)
	}
	s.total = time.Since(due)
	return s, nil
}

func readStream(body io.Reader, due time.Time) (s sample, err error) {
	in := bufio.NewReaderSize(body, 8<<10)
	var last time.Time
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case bytes.HasPrefix(line, []byte("data: [DONE]")):
			s.done = true
		case bytes.HasPrefix(line, []byte(`data: {"error"`)):
			s.end = "[DONE] fehlt: Fehlerereignis " + errorCode(line)
		case bytes.HasPrefix(line, []byte("data:")) && bytes.Contains(line, []byte(`"content":"`)):
			now := time.Now()
			if last.IsZero() {
				s.first = now.Sub(due)
			} else {
				s.gaps = append(s.gaps, now.Sub(last))
			}
			last = now
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return s, fmt.Errorf("read stream: %w", err)
		}
	}
	if !s.done && s.end == "" {
		s.end = "[DONE] fehlt: kein Fehlerereignis"
	}
	if last.IsZero() {
		return s, fmt.Errorf("no text in the stream %s", s.end)
	}
	s.total = time.Since(due)
	return s, nil
}

// errorCode is what an error event says about its kind.
func errorCode(line []byte) string {
	var e struct {
		Error struct {
			Type string          `json:"type"`
			Code json.RawMessage `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(bytes.TrimPrefix(line, []byte("data: ")), &e) != nil {
		return "ohne JSON"
	}
	return e.Error.Type + " " + string(e.Error.Code)
}

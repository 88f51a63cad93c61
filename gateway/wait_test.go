// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway_test

import (
	"context"
	"slices"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// telling is a model whose streams say when they wait.
type telling struct{ *roads }

func (m telling) Stream(ctx context.Context, c gateway.Call) (gateway.AnswerStream, error) {
	s, err := m.roads.Stream(ctx, c)
	return &tellingStream{AnswerStream: s}, err
}

type tellingStream struct {
	gateway.AnswerStream
	before func()
}

func (s *tellingStream) BeforeWait(f func()) bool {
	s.before = f
	return true
}

func (s *tellingStream) Next() (gateway.Chunk, error) {
	if s.before != nil {
		s.before()
	}
	return s.AnswerStream.Next()
}

func TestStreamTellsBeforeItWaits(t *testing.T) {
	t.Parallel()
	var r *roads
	_, g := onRoads(t, func(c *gateway.Config) {
		r = c.Model.(*roads)
		c.Model = telling{r}
	})
	r.tries = []try{{events: []string{event("a", ""), event("b", ""), event("", "stop")}}}
	s, err := g.Stream(t.Context(), chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	released, told := 0, []int{}
	if !s.BeforeWait(func() { told = append(told, released) }) {
		t.Fatal("the stream does not tell")
	}
	for {
		if _, err := s.Next(); err != nil {
			break
		}
		released++
	}
	// Once before each read of the model (the first event was read ahead) and
	// once before the end of the record is waited for.
	if want := []int{1, 2, 3, 3}; !slices.Equal(told, want) {
		t.Errorf("told after %v events, want %v", told, want)
	}
}

func TestStreamThatCannotTell(t *testing.T) {
	t.Parallel()
	r, g := onRoads(t)
	r.tries = []try{{events: []string{event("a", "stop")}}}
	s, err := g.Stream(t.Context(), chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.BeforeWait(func() {}) {
		t.Error("the stream tells, though its model's client does not")
	}
}

// A chunk that speaks of other bytes than it carries is read again.
func TestStreamReleasesOnlyWhatWasRead(t *testing.T) {
	t.Parallel()
	var r *roads
	_, g := onRoads(t, func(c *gateway.Config) {
		r = c.Model.(*roads)
		c.Model = swapping{r}
	})
	r.routes = r.routes[:1]
	r.denyFindings()
	r.tries = []try{{events: []string{event("harmlos", "stop")}}}
	s, err := g.Stream(t.Context(), chat(t, "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if text, _, err := read(t, s); gateway.CodeOf(err) != gateway.CodeDenied || text != "" {
		t.Errorf("released %q, error %v", text, err)
	}
}

// swapping reads one event and hands out another.
type swapping struct{ *roads }

func (m swapping) Stream(ctx context.Context, c gateway.Call) (gateway.AnswerStream, error) {
	s, err := m.roads.Stream(ctx, c)
	return &swappingStream{AnswerStream: s}, err
}

type swappingStream struct {
	gateway.AnswerStream
	reader gateway.ChunkReader
}

func (s *swappingStream) Next() (gateway.Chunk, error) {
	c, err := s.AnswerStream.Next()
	if err != nil {
		return c, err
	}
	if c, err = s.reader.Read(c.Data); err == nil {
		c.Data = []byte(event("Frau Erika", "stop"))
	}
	return c, err
}

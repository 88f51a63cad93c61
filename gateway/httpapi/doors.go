// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
	"github.com/ki-schleuse/schleuse/gateway/dialect/anthropic"
	"github.com/ki-schleuse/schleuse/gateway/dialect/responses"
)

// responses is POST /v1/responses.
func (s *Server) responses(c *gin.Context) {
	s.translated(c, func(raw []byte) (dialect.Request, error) { return responses.Parse(raw) })
}

// messages is POST /v1/messages, Anthropic's format.
func (s *Server) messages(c *gin.Context) {
	s.translated(c, func(raw []byte) (dialect.Request, error) { return anthropic.Parse(raw) })
}

// countTokens is POST /v1/messages/count_tokens. Nothing leaves the house for it,
// so there is nothing to decide or record.
func (s *Server) countTokens(c *gin.Context) {
	raw, err := s.readBody(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	request, err := anthropic.ParseCount(raw)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", request.CountAnswer())
}

// translated serves a request in another wire format: what goes through the
// gateway is the chat request that it means.
func (s *Server) translated(c *gin.Context, parse func([]byte) (dialect.Request, error)) {
	t, r, err := s.translatedRequest(c, parse)
	if err != nil {
		s.fail(c, err)
		return
	}
	streamed, err := wantsStream(r.Body)
	if err != nil {
		s.fail(c, err)
		return
	}
	if streamed {
		s.streamTranslated(c, r, t)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.Timeout)
	defer cancel()
	s.completeTranslated(ctx, c, r, t)
}

// completeTranslated answers within ctx, which ends no later than the request.
//
//nolint:contextcheck // what is noted about a call stands in the context of its request
func (s *Server) completeTranslated(ctx context.Context, c *gin.Context, r *gateway.Request, t dialect.Request) {
	answer, err := s.Gateway.Complete(ctx, *r)
	if err != nil {
		s.fail(c, err)
		return
	}
	decided(c, answer.ID)
	body, err := t.Answer(answer.ID, answer.Body)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Data(http.StatusOK, "application/json; charset=utf-8", body)
}

func (s *Server) translatedRequest(c *gin.Context, parse func([]byte) (dialect.Request, error)) (dialect.Request, *gateway.Request, error) {
	raw, err := s.readBody(c)
	if err != nil {
		return nil, nil, err
	}
	t, err := parse(raw)
	if err != nil {
		return nil, nil, err
	}
	r, err := requestOf(c, gateway.OperationChat, t.Chat())
	return t, r, err
}

// streamTranslated writes an answer event by event. The event that completes it
// is written only when the gateway says that it is complete.
func (s *Server) streamTranslated(c *gin.Context, r *gateway.Request, t dialect.Request) {
	ctx := c.Request.Context()
	r.ID = gateway.NewID(s.Now())
	told := t.Stream(r.ID)
	w := s.newEventWriter(c, r.ID, told.Silence())
	defer w.stop()
	failed := func(out []byte, err error) []byte { return told.Fail(out, toFailure(public(err))) }
	stream, err := s.open(ctx, r)
	if err != nil {
		s.failStream(c, w, err, failed)
		return
	}
	defer func() { _ = stream.Close() }() // what matters of it has been returned by Next
	callOf(ctx).decision = r.ID
	if err := copyTranslated(w, stream, told); err != nil {
		s.failStream(c, w, err, failed)
		return
	}
	w.stop()
	callOf(ctx).err = w.err
}

// copyTranslated returns nil after the end of the answer was written.
func copyTranslated(w *eventWriter, stream Stream, told dialect.Stream) error {
	w.gather(stream)
	for {
		chunk, err := stream.Next()
		if errors.Is(err, io.EOF) {
			// The end is written only as a whole: it says that the answer is complete.
			if w.pending, err = told.End(w.next()); err != nil {
				return err
			}
			return w.finish(stream)
		}
		if err != nil {
			return err
		}
		if w.pending, err = told.Event(w.next(), chunk); err != nil {
			return err
		}
		if err := w.added(); err != nil {
			return err
		}
	}
}

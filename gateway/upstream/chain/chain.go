// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package chain lets langchaingo chains run through the gateway: an llms.Model
// and an embeddings.Embedder whose every call is screened, decided, routed and
// recorded like any other request. It is no client of a model server; it has no
// key and knows no address. Start at [NewModel] and [NewEmbedder].
//
// Prompts, chains, output parsers and the Markdown and recursive splitters of
// langchaingo may be used with it. Its own OpenAI client, token counter and
// token splitter may not: see docs/decisions.
package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tmc/langchaingo/embeddings"
	"github.com/tmc/langchaingo/llms"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Gateway is the passage that requests take; *gateway.Gateway is one.
type Gateway interface {
	Complete(ctx context.Context, r gateway.Request) (*gateway.Response, error)
	Stream(ctx context.Context, r gateway.Request) (*gateway.Stream, error)
}

var _ Gateway = (*gateway.Gateway)(nil)

// Model is an llms.Model that sends every call through a gateway.
type Model struct {
	gateway Gateway
	base    gateway.Request
}

var _ llms.Model = (*Model)(nil)

// NewModel returns a Model whose requests have the caller, purpose, service,
// case, entities and model of base. Its ID, Time, Operation and Body are set per call.
func NewModel(g Gateway, base gateway.Request) *Model { return &Model{gateway: g, base: base} }

// Call answers a single prompt.
func (m *Model) Call(ctx context.Context, prompt string, options ...llms.CallOption) (string, error) {
	return llms.GenerateFromSinglePrompt(ctx, m, prompt, options...)
}

// GenerateContent answers a conversation. Options that cannot be carried out are
// an error, not ignored. The id of the record stands in GenerationInfo["decision"].
func (m *Model) GenerateContent(ctx context.Context, messages []llms.MessageContent, options ...llms.CallOption) (*llms.ContentResponse, error) {
	o := applied(options)
	fields, err := requestFields(messages, o)
	if err != nil {
		return nil, fmt.Errorf("build request for the gateway: %w", err)
	}
	r := m.base
	if o.Model != "" {
		r.Model = gateway.ModelID(o.Model)
	}
	if o.StreamingFunc != nil || o.StreamingReasoningFunc != nil {
		fields["stream"] = true
		return m.stream(ctx, r, fields, o)
	}
	response, err := send(ctx, m.gateway, r, gateway.OperationChat, fields)
	if err != nil {
		return nil, err
	}
	return readAnswer(response)
}

// send makes the wire body and takes it through the gateway.
func send(ctx context.Context, g Gateway, r gateway.Request, o gateway.Operation, fields map[string]any) (*gateway.Response, error) {
	r, err := prepare(r, o, fields)
	if err != nil {
		return nil, err
	}
	return g.Complete(ctx, r)
}

func prepare(r gateway.Request, o gateway.Operation, fields map[string]any) (gateway.Request, error) {
	if r.Model != "" {
		fields["model"] = string(r.Model)
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return r, fmt.Errorf("encode request: %w", err)
	}
	if r.Body, err = gateway.ParseBody(raw); err != nil {
		return r, err
	}
	r.ID, r.Operation = "", o
	return r, nil
}

// message is a chat message of an answer, whole or as a delta.
type message struct {
	Content          string `json:"content"`
	Reasoning        string `json:"reasoning"`
	ReasoningContent string `json:"reasoning_content"`
	ToolCalls        []struct {
		Index    int    `json:"index"`
		ID       string `json:"id"`
		Type     string `json:"type"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

func (m message) thought() string {
	if m.ReasoningContent != "" {
		return m.ReasoningContent
	}
	return m.Reasoning
}

func readAnswer(response *gateway.Response) (*llms.ContentResponse, error) {
	var a struct {
		Choices []struct {
			Message      message `json:"message"`
			FinishReason string  `json:"finish_reason"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(response.Body, &a); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	info := information(response.ID, response.Usage)
	var out llms.ContentResponse
	for _, c := range a.Choices {
		choice := &llms.ContentChoice{
			Content: c.Message.Content, StopReason: c.FinishReason,
			ReasoningContent: c.Message.thought(), GenerationInfo: info,
		}
		for _, t := range c.Message.ToolCalls {
			choice.ToolCalls = append(choice.ToolCalls, llms.ToolCall{
				ID: t.ID, Type: "function",
				FunctionCall: &llms.FunctionCall{Name: t.Function.Name, Arguments: t.Function.Arguments},
			})
		}
		out.Choices = append(out.Choices, withFirstCall(choice))
	}
	return &out, nil
}

func information(id string, u gateway.Usage) map[string]any {
	return map[string]any{
		"decision": id, "PromptTokens": u.Input, "CompletionTokens": u.Output, "TotalTokens": u.Input + u.Output,
	}
}

func withFirstCall(c *llms.ContentChoice) *llms.ContentChoice {
	if len(c.ToolCalls) > 0 {
		c.FuncCall = c.ToolCalls[0].FunctionCall
	}
	return c
}

// stream collects a streamed answer and hands its pieces to the option's function.
func (m *Model) stream(ctx context.Context, r gateway.Request, fields map[string]any, o llms.CallOptions) (*llms.ContentResponse, error) {
	r, err := prepare(r, gateway.OperationChat, fields)
	if err != nil {
		return nil, err
	}
	s, err := m.gateway.Stream(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // what matters of it has been returned by Next
	c := collector{info: information(s.ID(), gateway.Usage{})}
	for {
		event, err := s.Next()
		if errors.Is(err, io.EOF) {
			return c.response(), nil
		}
		if err != nil {
			return nil, err
		}
		if err := c.add(ctx, event, o); err != nil {
			return nil, err
		}
	}
}

// maxParallel bounds the choices and tool calls an answer can make us keep.
const maxParallel = 128

// collector puts the deltas of a streamed answer together, by their indexes.
type collector struct {
	choices []*llms.ContentChoice
	info    map[string]any
}

func (c *collector) add(ctx context.Context, event []byte, o llms.CallOptions) error {
	var e struct {
		Choices []struct {
			Index        int     `json:"index"`
			Delta        message `json:"delta"`
			FinishReason string  `json:"finish_reason"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return fmt.Errorf("read event: %w", err)
	}
	for _, d := range e.Choices {
		if d.Index < 0 || d.Index >= maxParallel {
			return fmt.Errorf("read event: choice %d is out of range", d.Index)
		}
		for len(c.choices) <= d.Index {
			c.choices = append(c.choices, &llms.ContentChoice{GenerationInfo: c.info})
		}
		choice := c.choices[d.Index]
		choice.Content += d.Delta.Content
		choice.ReasoningContent += d.Delta.thought()
		if d.FinishReason != "" {
			choice.StopReason = d.FinishReason
		}
		if err := addCalls(choice, d.Delta); err != nil {
			return err
		}
		if d.Index == 0 {
			if err := tell(ctx, d.Delta, o); err != nil {
				return err
			}
		}
	}
	return nil
}

func addCalls(choice *llms.ContentChoice, d message) error {
	for _, t := range d.ToolCalls {
		if t.Index < 0 || t.Index >= maxParallel {
			return fmt.Errorf("read event: tool call %d is out of range", t.Index)
		}
		for len(choice.ToolCalls) <= t.Index {
			choice.ToolCalls = append(choice.ToolCalls, llms.ToolCall{Type: "function", FunctionCall: &llms.FunctionCall{}})
		}
		call := &choice.ToolCalls[t.Index]
		if call.ID == "" {
			call.ID = t.ID
		}
		if call.FunctionCall.Name == "" {
			call.FunctionCall.Name = t.Function.Name
		}
		call.FunctionCall.Arguments += t.Function.Arguments
	}
	return nil
}

func tell(ctx context.Context, d message, o llms.CallOptions) error {
	if o.StreamingReasoningFunc != nil && d.thought()+d.Content != "" {
		if err := o.StreamingReasoningFunc(ctx, []byte(d.thought()), []byte(d.Content)); err != nil {
			return fmt.Errorf("streaming function: %w", err)
		}
	}
	if o.StreamingFunc != nil && d.Content != "" {
		if err := o.StreamingFunc(ctx, []byte(d.Content)); err != nil {
			return fmt.Errorf("streaming function: %w", err)
		}
	}
	return nil
}

func (c *collector) response() *llms.ContentResponse {
	for _, choice := range c.choices {
		withFirstCall(choice)
	}
	return &llms.ContentResponse{Choices: c.choices}
}

// Embedder is an embeddings.Embedder that sends texts through a gateway.
type Embedder struct {
	gateway Gateway
	base    gateway.Request
}

var _ embeddings.Embedder = (*Embedder)(nil)

// batch is the number of texts in one request.
const batch = 64

// NewEmbedder returns an Embedder with the caller, purpose and model of base.
func NewEmbedder(g Gateway, base gateway.Request) *Embedder {
	return &Embedder{gateway: g, base: base}
}

// EmbedQuery embeds a single text.
func (e *Embedder) EmbedQuery(ctx context.Context, text string) ([]float32, error) {
	vectors, err := e.EmbedDocuments(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	return vectors[0], nil
}

// EmbedDocuments returns a vector for each text, in their order.
func (e *Embedder) EmbedDocuments(ctx context.Context, texts []string) ([][]float32, error) {
	out := make([][]float32, 0, len(texts))
	for start := 0; start < len(texts); start += batch {
		vectors, err := e.embed(ctx, texts[start:min(start+batch, len(texts))])
		if err != nil {
			return nil, err
		}
		out = append(out, vectors...)
	}
	return out, nil
}

func (e *Embedder) embed(ctx context.Context, texts []string) ([][]float32, error) {
	response, err := send(ctx, e.gateway, e.base, gateway.OperationEmbeddings, map[string]any{"input": texts, "encoding_format": "float"})
	if err != nil {
		return nil, err
	}
	var a struct {
		Data []struct {
			Index     int       `json:"index"`
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	if err := json.Unmarshal(response.Body, &a); err != nil {
		return nil, fmt.Errorf("read vectors: %w", err)
	}
	out := make([][]float32, len(texts))
	for _, d := range a.Data {
		if d.Index < 0 || d.Index >= len(out) || out[d.Index] != nil || len(d.Embedding) == 0 {
			return nil, fmt.Errorf("read vectors: vector %d is unexpected or empty", d.Index)
		}
		out[d.Index] = d.Embedding
	}
	for i, v := range out {
		if len(v) == 0 || len(v) != len(out[0]) {
			return nil, fmt.Errorf("read vectors: vector %d is missing or of another length", i)
		}
	}
	return out, nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/tmc/langchaingo/llms"
)

// unset marks options that nobody set, so that a temperature of 0 can be asked for.
const unset = math.MinInt32

func applied(options []llms.CallOption) llms.CallOptions {
	o := llms.CallOptions{
		Temperature: unset, TopP: unset, RepetitionPenalty: unset, FrequencyPenalty: unset, PresencePenalty: unset,
		TopK: unset, Seed: unset, MaxTokens: unset, N: unset, CandidateCount: unset, MinLength: unset, MaxLength: unset,
	}
	for _, option := range options {
		option(&o)
	}
	return o
}

// requestFields is the wire body of a conversation with its options.
func requestFields(messages []llms.MessageContent, o llms.CallOptions) (map[string]any, error) {
	if len(o.Functions) > 0 || o.FunctionCallBehavior != "" {
		return nil, errors.New("functions are outdated: use tools")
	}
	if o.MinLength != unset || o.MaxLength != unset {
		return nil, errors.New("min_length and max_length are not supported: use max_tokens")
	}
	wire, err := wireMessages(messages)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{"messages": wire}
	for name, v := range map[string]float64{
		"temperature": o.Temperature, "top_p": o.TopP, "repetition_penalty": o.RepetitionPenalty,
		"frequency_penalty": o.FrequencyPenalty, "presence_penalty": o.PresencePenalty,
	} {
		if v != unset {
			fields[name] = v
		}
	}
	for name, v := range map[string]int{"top_k": o.TopK, "seed": o.Seed, "max_tokens": o.MaxTokens, "n": max(o.N, o.CandidateCount)} {
		if v != unset {
			fields[name] = v
		}
	}
	if len(o.StopWords) > 0 {
		fields["stop"] = o.StopWords
	}
	if len(o.Tools) > 0 {
		fields["tools"] = o.Tools
	}
	if o.ToolChoice != nil {
		fields["tool_choice"] = o.ToolChoice
	}
	return fields, setFormat(fields, o)
}

// setFormat sets the form of the answer. A JSON schema is given per call as
// Metadata["response_format"], in the wire format.
func setFormat(fields map[string]any, o llms.CallOptions) error {
	if o.JSONMode || o.ResponseMIMEType == "application/json" {
		fields["response_format"] = map[string]string{"type": "json_object"}
	} else if o.ResponseMIMEType != "" && o.ResponseMIMEType != "text/plain" {
		return fmt.Errorf("answers of type %q are not supported", o.ResponseMIMEType)
	}
	for key, value := range o.Metadata {
		if key != "response_format" {
			return fmt.Errorf("metadata %q is not supported", key)
		}
		fields[key] = value
	}
	return nil
}

// wireMessage is a message as it goes over the wire.
type wireMessage struct {
	Role       string          `json:"role"`
	Content    any             `json:"content"`
	ToolCalls  []llms.ToolCall `json:"tool_calls,omitempty"`
	ToolCallID string          `json:"tool_call_id,omitempty"`
	Name       string          `json:"name,omitempty"`
}

func wireMessages(messages []llms.MessageContent) ([]wireMessage, error) {
	var out []wireMessage
	for i, m := range messages {
		wire, err := wireOf(m)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i, err)
		}
		out = append(out, wire...)
	}
	if len(out) == 0 {
		return nil, errors.New("no messages")
	}
	return out, nil
}

func roleOf(t llms.ChatMessageType) (string, error) {
	switch t {
	case llms.ChatMessageTypeSystem:
		return "system", nil
	case llms.ChatMessageTypeHuman, llms.ChatMessageTypeGeneric:
		return "user", nil
	case llms.ChatMessageTypeAI:
		return "assistant", nil
	case llms.ChatMessageTypeTool:
		return "tool", nil
	default:
		return "", fmt.Errorf("role %q is not supported", t)
	}
}

// wireOf turns one message into one, or into one per result of a tool.
func wireOf(m llms.MessageContent) ([]wireMessage, error) {
	role, err := roleOf(m.Role)
	if err != nil {
		return nil, err
	}
	out := wireMessage{Role: role}
	var parts []any
	var results []wireMessage
	for _, part := range m.Parts {
		switch p := part.(type) {
		case llms.TextContent:
			parts = append(parts, map[string]any{"type": "text", "text": p.Text})
		case llms.ImageURLContent:
			parts = append(parts, image(p))
		case llms.BinaryContent:
			parts = append(parts, image(llms.ImageURLContent{URL: p.String()}))
		case llms.ToolCall:
			out.ToolCalls = append(out.ToolCalls, p)
		case llms.ToolCallResponse:
			results = append(results, wireMessage{Role: "tool", Content: p.Content, ToolCallID: p.ToolCallID, Name: p.Name})
		default:
			return nil, fmt.Errorf("a part of type %T is not supported", part)
		}
	}
	if len(results) > 0 {
		if len(parts) > 0 || len(out.ToolCalls) > 0 {
			return nil, errors.New("results of tools cannot be mixed with other parts")
		}
		return results, nil
	}
	out.Content = content(parts)
	return []wireMessage{out}, nil
}

func image(p llms.ImageURLContent) map[string]any {
	return map[string]any{"type": "image_url", "image_url": p}
}

// content is plain text where it can be: many servers know nothing else.
func content(parts []any) any {
	if len(parts) == 0 {
		return json.RawMessage("null")
	}
	if len(parts) > 1 {
		return parts
	}
	if p, ok := parts[0].(map[string]any); ok && p["type"] == "text" {
		return p["text"]
	}
	return parts
}

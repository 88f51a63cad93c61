// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ki-schleuse/schleuse/gateway"
)

// The demonstration has two models that compute nothing, so that every way
// through the gateway can be walked without one: in the own house, and outside at
// a processor with a contract, who gets placeholders instead of names.
const (
	dummyInside  gateway.ModelID = "attrappe-haus"
	dummyOutside gateway.ModelID = "attrappe-eu"
)

// dummy is a model server that repeats the beginning of what it was asked.
type dummy struct{ server *http.Server }

// startDummy listens on a free port of the loopback address.
func startDummy() (*dummy, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // ends with the process
	if err != nil {
		return nil, "", fmt.Errorf("start the dummy model: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", dummyChat)
	mux.HandleFunc("POST /v1/completions", dummyCompletion)
	mux.HandleFunc("POST /v1/embeddings", dummyEmbeddings)
	mux.HandleFunc("POST /v1/rerank", dummyRerank)
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model"},{"id":%q,"object":"model"}]}`, dummyInside, dummyOutside)
	})
	d := &dummy{&http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = d.server.Serve(listener) }()
	return d, "http://" + listener.Addr().String() + "/v1", nil
}

func (d *dummy) Close() error { return d.server.Close() }

// maxDummyBody bounds a request, maxDummyEcho what is repeated of it.
const (
	maxDummyBody = 4 << 20
	maxDummyEcho = 240
)

// dummyChat answers a chat, whole or as a stream.
func dummyChat(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Model  string `json:"model"`
		Stream bool   `json:"stream"`
		N      int    `json:"n"`
		dummyTools
		Messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxDummyBody))
	if err != nil || json.Unmarshal(raw, &q) != nil {
		http.Error(w, `{"error":{"message":"no JSON","type":"invalid_request_error"}}`, http.StatusBadRequest)
		return
	}
	asked := ""
	for _, m := range q.Messages {
		if m.Role == "user" {
			asked = plainText(m.Content)
		}
	}
	answer := dummyAnswer(asked)
	usage := fmt.Sprintf(`{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, len(raw)/4, len(answer)/4, (len(raw)+len(answer))/4)
	head := fmt.Sprintf(`"id":"attrappe","created":%d,"model":%q`, time.Now().Unix(), q.Model)
	finish, message, delta := "stop", fmt.Sprintf(`{"role":"assistant","content":%s}`, quoted(answer)), ""
	if name := q.called(); name != "" {
		call := fmt.Sprintf(`"id":"attrappe-1","type":"function","function":{"name":%s,"arguments":"{}"}`, quoted(name))
		finish, message = "tool_calls", fmt.Sprintf(`{"role":"assistant","content":null,"tool_calls":[{%s}]}`, call)
		answer, delta = "", fmt.Sprintf(`{"role":"assistant","tool_calls":[{"index":0,%s}]}`, call)
	}
	if !q.Stream {
		w.Header().Set("Content-Type", "application/json")
		choices := make([]string, min(max(q.N, 1), maxDummyChoices))
		for i := range choices {
			choices[i] = fmt.Sprintf(`{"index":%d,"finish_reason":%q,"message":%s}`, i, finish, message)
		}
		_, _ = fmt.Fprintf(w, `{%s,"object":"chat.completion","choices":[%s],"usage":%s}`, head, strings.Join(choices, ","), usage)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	deltas := []string{delta}
	if delta == "" {
		deltas = nil
		for _, word := range strings.SplitAfter(answer, " ") {
			deltas = append(deltas, `{"content":`+quoted(word)+`}`)
		}
	}
	for _, d := range deltas {
		_, _ = fmt.Fprintf(w, "data: {%s,\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":%s}]}\n\n", head, d)
		_ = control.Flush()
	}
	_, _ = fmt.Fprintf(w, "data: {%s,\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":%q}]}\n\n", head, finish)
	_, _ = fmt.Fprintf(w, "data: {%s,\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":%s}\n\ndata: [DONE]\n\n", head, usage)
}

// plainText is the text of a message, whole or in parts.
func plainText(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var parts []struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal(content, &parts) // what is no text is not repeated
	for _, p := range parts {
		text += p.Text
	}
	return text
}

func beginning(text string) string {
	if utf8.RuneCountInString(text) <= maxDummyEcho {
		return text
	}
	return string([]rune(text)[:maxDummyEcho]) + " …"
}

func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(raw)
}

// addDummies enters the two into the catalogue. The short names are theirs unless
// they stand beside a real model.
func addDummies(c *Config, url string, beside bool) {
	c.Endpoints["attrappe"] = EndpointConfig{URL: url}
	card := ModelConfig{
		ID: dummyInside, Endpoint: "attrappe", Upstream: string(dummyInside), Aliases: []gateway.ModelID{"schleuse/klein"}, Residency: gateway.ResidencyOwn,
		Operator: "Stadt Tannberg", Country: "DE", ProcessorKind: "own", Contract: "eigener Betrieb", Para80Notice: "eigener Betrieb", Para30AO: true, Art9: true,
		Operations: []gateway.Operation{gateway.OperationChat, gateway.OperationCompletion, gateway.OperationEmbeddings, gateway.OperationRerank}, Context: 32768, EnergyWh: 1.4, Price: PriceConfig{Input: 100_000, Output: 300_000},
		DataClasses: []gateway.DataClass{gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataArt9, gateway.DataSozialdaten, gateway.DataSteuer, gateway.DataTrade, gateway.DataConfidential},
	}
	outside := card
	outside.ID, outside.Upstream, outside.Aliases = dummyOutside, string(dummyOutside), []gateway.ModelID{"schleuse/genau"}
	outside.Residency, outside.Operator, outside.ProcessorKind = gateway.ResidencyPrivateEU, "Musterrechner GmbH", "private"
	outside.Contract, outside.Para80Notice, outside.Para30AO, outside.Art9 = "AVV 2026/17", "", false, false
	outside.DataClasses = []gateway.DataClass{gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal}
	outside.EnergyWh, outside.Price = 0.9, PriceConfig{Input: 400_000, Output: 1_200_000}
	if beside {
		card.Aliases, outside.Aliases = nil, nil
	}
	c.Models = append(c.Models, card, outside)
}

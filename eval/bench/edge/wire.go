// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

func usageUnasked(ctx context.Context, b *bench) outcome {
	s := b.stream(ctx, b.chat(true, ""), usual, nil)
	last, err := b.control.Last(ctx)
	if err != nil {
		return failed(err)
	}
	asks := strings.Contains(last.Body, "include_usage")
	return verdict(asks && s.usage == 0 && s.done, "%s, %s", choose(asks, "erfragt", "nicht erfragt"), choose(s.usage == 0, "nicht gezeigt", "gezeigt"))
}

func usageAsked(ctx context.Context, b *bench) outcome {
	s := b.stream(ctx, b.chat(true, `,"stream_options":{"include_usage":true}`), usual, nil)
	return verdict(s.usage == 1 && s.done, "%d mal gezeigt, %s", s.usage, s.end())
}

func choose(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func rateLimit(ctx context.Context, b *bench) outcome {
	a := b.ask(ctx, chatPath, b.chat(false, ""), nil, usual)
	tries, err := b.tries(ctx, a)
	if err != nil {
		return failed(err)
	}
	after := a.header.Get("Retry-After")
	return verdict(a.status == http.StatusTooManyRequests && after != "" && tries == 1, "%d, Retry-After %q, %d Versuche", a.status, after, tries)
}

// tries is how often the mock was asked.
func (b *bench) tries(ctx context.Context, a answer) (int64, error) {
	if a.err != nil {
		return 0, a.err
	}
	s, err := b.control.Stats(ctx)
	return s.Requests, err
}

func unavailable(ctx context.Context, b *bench) outcome {
	const most, longest = 8, 5 * time.Second
	a := b.ask(ctx, chatPath, b.chat(false, ""), nil, usual)
	tries, err := b.tries(ctx, a)
	if err != nil {
		return failed(err)
	}
	return verdict(a.status >= 500 && a.openAIError() != "" && tries <= most && a.took <= longest,
		"%d, %d Versuche, %.1f s", a.status, tries, a.took.Seconds())
}

func flaky(ctx context.Context, b *bench) outcome {
	a := b.ask(ctx, chatPath, b.chat(false, ""), nil, usual)
	tries, err := b.tries(ctx, a)
	if err != nil {
		return failed(err)
	}
	return verdict(a.status == 200, "%d, %d Versuche", a.status, tries)
}

// newFields are fields of a request that OpenAI does not know or has added lately.
const newFields = `,"guided_json":{"type":"object"},"chat_template_kwargs":{"enable_thinking":false},"seed":7,"reasoning_effort":"low",` +
	`"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"object"}}},"logit_bias":{"50256":-100},"metadata":{"az":"4711"},"min_p":0.05`

func requestFields(ctx context.Context, b *bench) outcome {
	a := b.ask(ctx, chatPath, b.chat(false, newFields), nil, usual)
	if a.err != nil || a.status != 200 {
		return verdict(false, "HTTP %d %v %s", a.status, a.err, a.openAIError())
	}
	last, err := b.control.Last(ctx)
	if err != nil {
		return failed(err)
	}
	return kept([]byte(last.Body), "guided_json", "chat_template_kwargs", "seed", "reasoning_effort", "json_schema", "logit_bias", "metadata", "min_p")
}

func responseFields(ctx context.Context, b *bench) outcome {
	a := b.ask(ctx, chatPath, b.chat(false, ""), nil, usual)
	if a.err != nil || a.status != 200 {
		return verdict(false, "HTTP %d %v %s", a.status, a.err, a.openAIError())
	}
	return kept(a.body, "reasoning_content", "x_mock", "system_fingerprint", "logprobs")
}

func kept(raw []byte, names ...string) outcome {
	var lost []string
	for _, n := range names {
		if !bytes.Contains(raw, []byte(`"`+n+`"`)) {
			lost = append(lost, n)
		}
	}
	if len(lost) > 0 {
		return verdict(false, "verloren: %s", strings.Join(lost, ", "))
	}
	return verdict(true, "alle %d", len(names))
}

func headers(ctx context.Context, b *bench) outcome {
	private := map[string]string{
		"Cookie": "sitzung=geheim", "X-Forwarded-For": "10.1.2.3", "X-Aktenzeichen": "32-4711", "OpenAI-Organization": "org",
		"Referer": "https://fachverfahren.example/akte/32-4711",
	}
	a := b.ask(ctx, chatPath, b.chat(false, ""), private, usual)
	if a.err != nil || a.status != 200 {
		return verdict(false, "HTTP %d %v", a.status, a.err)
	}
	last, err := b.control.Last(ctx)
	if err != nil {
		return failed(err)
	}
	var leaked []string
	for name := range private {
		if last.Header.Get(name) != "" {
			leaked = append(leaked, name)
		}
	}
	if own := b.Headers["Authorization"]; own != "" && last.Header.Get("Authorization") == own {
		leaked = append(leaked, "Authorization")
	}
	slices.Sort(leaked)
	return verdict(len(leaked) == 0, "%s", choose(len(leaked) == 0, "keine", "nach oben: "+strings.Join(leaked, ", ")))
}

func traceparent(ctx context.Context, b *bench) outcome {
	const trace = "0af7651916cd43dd8448eb211c80319c"
	a := b.ask(ctx, chatPath, b.chat(false, ""), map[string]string{"Traceparent": "00-" + trace + "-b7ad6b7169203331-01"}, usual)
	if a.err != nil {
		return failed(a.err)
	}
	last, err := b.control.Last(ctx)
	if err != nil {
		return failed(err)
	}
	sent := last.Header.Get("Traceparent")
	return verdict(strings.Contains(sent, trace), "%s", choose(sent == "", "keine", sent))
}

// requestIDHeaders are the names gateways use.
var requestIDHeaders = [...]string{"X-Request-Id", "Schleuse-Decision", "X-Oneapi-Request-Id", "X-Portkey-Trace-Id", "X-Litellm-Call-Id"}

func requestID(ctx context.Context, b *bench) outcome {
	a := b.ask(ctx, chatPath, b.chat(false, ""), nil, usual)
	if a.err != nil {
		return failed(a.err)
	}
	for _, name := range requestIDHeaders {
		if a.header.Get(name) != "" {
			return verdict(true, "%s", name)
		}
	}
	return verdict(false, "keine")
}

func packed(ctx context.Context, b *bench) outcome {
	a := b.ask(ctx, chatPath, b.chat(false, ""), nil, usual)
	return verdict(a.err == nil && a.status == 200 && json.Valid(a.body) && bytes.Contains(a.body, []byte("Wohngeld")),
		"HTTP %d, %s", a.status, choose(json.Valid(a.body), "lesbar", "unlesbar"))
}

func invalidJSON(ctx context.Context, b *bench) outcome {
	return refusal(b.ask(ctx, chatPath, `{"model": "x", "messages": [`, nil, usual), http.StatusBadRequest)
}

func largeBody(ctx context.Context, b *bench) outcome {
	a := b.ask(ctx, chatPath, b.chat(false, `,"user":"`+strings.Repeat("x", 12<<20)+`"`), nil, usual)
	if a.err == nil && a.status == 200 {
		return verdict(true, "200")
	}
	return refusal(a, http.StatusRequestEntityTooLarge)
}

func refusal(a answer, status int) outcome {
	if a.err != nil {
		return failed(a.err)
	}
	message := a.openAIError()
	return verdict(a.status == status && message != "", "%d, %s", a.status, choose(message != "", "OpenAI-Form", "andere Form"))
}

func first(names ...string) string {
	for _, n := range names {
		if n != "" {
			return n
		}
	}
	return ""
}

// answers asks a route and wants 200 with the field in the answer.
func (b *bench) answers(ctx context.Context, path, body, field string) outcome {
	a := b.ask(ctx, path, body, nil, usual)
	if a.err != nil {
		return failed(a.err)
	}
	has := bytes.Contains(a.body, []byte(`"`+field+`"`))
	return verdict(a.status == 200 && has, "%d%s", a.status, choose(has, "", " "+a.openAIError()))
}

func embeddings(ctx context.Context, b *bench) outcome {
	return b.answers(ctx, embeddingsPath, fmt.Sprintf(`{"model":%q,"input":["Anhörung","Bescheid"]}`, first(b.Embeddings, b.Model)), "embedding")
}

func rerank(ctx context.Context, b *bench) outcome {
	return b.answers(ctx, rerankPath, fmt.Sprintf(`{"model":%q,"query":"Anhörung","documents":["§ 28 VwVfG","§ 9 BGB"]}`, first(b.Rerank, b.Model)), "relevance_score")
}

func responses(ctx context.Context, b *bench) outcome {
	return b.answers(ctx, responsesPath, fmt.Sprintf(`{"model":%q,"input":"Was ist eine Anhörung?"}`, b.Model), "output")
}
